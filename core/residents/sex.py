"""Sex as in GB/T 2261.1."""
from __future__ import annotations

from flask_babel import lazy_gettext as _l

from core.extensions import Choice


class Sex(Choice):
    """Male, female or not known."""

    MALE = "male", _l("Male")
    FEMALE = "female", _l("Female")
    UNKNOWN = "unknown", _l("Unknown")

"""The settings of a community's canteen."""
from __future__ import annotations

import wtforms as wt
from flask_babel import lazy_gettext as _l
from wtforms import validators as check

from core.api import ScreenForm, choices
from plugins.canteen.subsidies.rules import AgeCounts


class CanteenSettings(ScreenForm):
    """Kept as checked JSON (days as ISO text) and read by services."""

    opened_on = wt.DateField(_l("Opening day"), [check.Optional()],
                             description=_l("No meal is recorded for a day before it"))
    seats = wt.IntegerField(_l("Seats"), [check.Optional(), check.NumberRange(min=0, max=5000)])
    phone = wt.StringField(_l("Phone of the canteen"), [check.Optional(), check.Length(max=30)])
    address = wt.StringField(_l("Address of the canteen"), [check.Optional(), check.Length(max=100)])
    age_counts = wt.SelectField(
        _l("From when a new age counts"), [check.Optional()], default=AgeCounts.DAY.value,
        choices=choices((how.value, how.label) for how in AgeCounts),
        description=_l("For subsidies by age, e.g. from 70; meals that are recorded keep theirs"))

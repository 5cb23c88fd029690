"""Residents (居民档案) and the dictionary of tags."""
from __future__ import annotations

from flask_babel import lazy_gettext as _l

from core.admin.screen import Screen
from core.residents.models import Resident, TagKind


class ResidentScreen(Screen):
    """Everybody whom the community knows."""

    model = Resident
    slug = "people"
    title = _l("Residents")
    icon = "people"
    always_on = True
    column_list = ("name", "sex", "birth_date", "compound", "state")
    filter_by = ("sex", "state", "registered_here")
    search_by = ("matches",)
    default_order = ("sort_key",)
    form_columns = ("name", "sex", "birth_date", "identity_number", "compound", "building", "unit", "room",
                    "lives_elsewhere", "other_address", "registered_here", "contact_note", "state", "state_on")


class TagKindScreen(Screen):
    """The tags that can be given to residents."""

    model = TagKind
    slug = "tags"
    title = _l("Tags")
    icon = "list"
    always_on = True
    column_list = ("name", "note")
    form_columns = ("name", "note")

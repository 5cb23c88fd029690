"""What was typed before a time-out, in the words of its form."""
from __future__ import annotations

from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import inspect
from werkzeug.exceptions import HTTPException

from core.admin.screen import Screen


def typed_in(target: str, kept: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """(label, value) of the fields that the screen at this address knows; versions and keys are left out."""
    screen = _screen_at(target)
    if screen is None:
        return [(_("Entries"), str(len(kept)))]
    known = [*screen.form_columns, *(screen.form_extra_fields or {})]
    return [(str(_label(screen, name)), _words(screen, name, value)) for name, value in kept if name in known]


def _screen_at(target: str) -> Screen | None:
    try:
        endpoint, _values = current_app.url_map.bind("").match(urlsplit(target).path, method="POST")
    except HTTPException:
        return None
    screens = [s for _module, found in current_app.extensions["jinlin_screens"] for s in found]
    return next((s for s in screens if isinstance(s, Screen) and s.endpoint == endpoint.split(".")[0]), None)


def _label(screen: Screen, name: str) -> object:
    extra = (screen.form_extra_fields or {}).get(name)
    if extra is None:
        return screen.field(name).label
    return extra.args[0] if extra.args else extra.kwargs.get("label", name)


def _words(screen: Screen, name: str, value: str) -> str:
    """A value as the form showed it: the word of a choice; a record is named again when the form is shown."""
    mapper = inspect(screen.model)
    if name in mapper.relationships:
        return _("as chosen") if value else ""
    column = mapper.column_attrs.get(name)
    if column is not None and isinstance(column.columns[0].type, sa.Enum):
        return next((str(c.label) for c in column.columns[0].type.enum_class if c.value == value), value)
    return value

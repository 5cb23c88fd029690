"""Somebody else saved the record while a form was open: both values side by side, and a choice for each field."""
from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Any

import wtforms as wt
from flask import current_app
from flask_babel import gettext as _

from core.admin.values import MASKS, NONE, show

TAKE = "take-"
THEIRS, MINE = "theirs", "mine"


@dataclass(frozen=True)
class Difference:
    """A field with the two values, and which of them is proposed."""

    name: str
    label: str
    theirs: str
    mine: str
    take: str


def opened_with(form: wt.Form) -> str:
    """What the fields hold when the form is opened, as marks that tell nothing: who changed nothing keeps nothing."""
    return " ".join(f"{field.name}:{_mark(field)}" for field in form)


def _mark(field: wt.Field) -> str:
    text = "" if hasattr(field, "mask") else shown_input(field)
    key = str(current_app.secret_key).encode()
    return hmac.digest(key, f"{field.name}\0{text}".encode(), "sha256").hex()[:10]


def differences(form: wt.Form, stored: wt.Form, opened: str) -> list[Difference]:
    """Where what was typed differs from what is stored now; a field that was not touched proposes theirs."""
    marks = dict(part.split(":", 1) for part in opened.split() if ":" in part)
    found = []
    for mine in form:
        theirs = stored[mine.name]
        if (mine.data != theirs.data) if hasattr(mine, "mask") else (shown_input(mine) != shown_input(theirs)):
            untouched = not hasattr(mine, "mask") and marks.get(mine.name) == _mark(mine)
            found.append(Difference(mine.name, str(mine.label.text), shown_input(theirs), shown_input(mine),
                                    THEIRS if untouched else MINE))
    return found


def take_theirs(form: wt.Form, stored: wt.Form, sent: Any) -> None:
    """Put the stored value into each field where the person chose it; it was valid when it was saved."""
    for field in form:
        if sent.get(TAKE + field.name) == THEIRS:
            field.process(None, stored[field.name].object_data)
            field.raw_data = None
            field.validators = []


def shown_input(field: wt.Field) -> str:
    """What a field holds, in words: the label of a choice, the names of what is ticked, a private value masked."""
    if hasattr(field, "mask"):
        typed = field._value()
        return typed or (MASKS[field.mask](field.data) if field.data else NONE)
    if isinstance(field, wt.SelectMultipleField):
        chosen = {str(value) for value in field.data or ()}
        return "、".join(str(o.label) for o in field.iter_choices() if str(o.value) in chosen) or NONE
    if isinstance(field, wt.BooleanField):
        return _("Yes") if field.data else _("No")
    return show(field.data)

"""The forms of the area tree."""
from __future__ import annotations

from typing import Any

import wtforms as wt
from flask_babel import lazy_gettext as _l
from wtforms import validators as check

from core.admin.forms import AmountField, ScreenForm, choices, plain_text, strip
from core.areas.models import AreaKind


class AreaForm(ScreenForm):
    """A node of the tree."""

    name = wt.StringField(_l("Area name"), [check.InputRequired(), plain_text, check.Length(max=60)])
    kind = wt.SelectField(_l("Kind"), coerce=AreaKind)
    slug = wt.StringField(_l("Short name"), [check.InputRequired(), check.Length(max=60)], description=_l(
        "For the address line: small letters, digits and hyphens, such as zhongfu. Old links end when it is changed."
    ))
    division_code = wt.StringField(_l("Division code"), [check.Length(max=30)], filters=[strip], description=_l(
        "12 digits, where there is one"
    ))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Words of the kinds in the language of the page."""
        super().__init__(*args, **kwargs)
        self.kind.choices = choices((kind.value, kind.label) for kind in AreaKind)


class NewAreaForm(AreaForm):
    """A node with the place where it hangs."""

    parent = wt.SelectField(_l("Below"), coerce=int)


class MoveForm(ScreenForm):
    """Where a node goes."""

    parent = wt.SelectField(_l("New place below"), coerce=int)


def _whole(label: Any) -> wt.IntegerField:
    return wt.IntegerField(label, [check.Optional(), check.NumberRange(min=0, max=100_000_000)])


class ProfileForm(ScreenForm):
    """The declared figures of a year; what is left empty is not declared."""

    year = wt.IntegerField(_l("Year"), [check.InputRequired(), check.NumberRange(min=1990, max=2100)])
    compounds, buildings = _whole(_l("Compounds")), _whole(_l("Buildings"))
    households, residents = _whole(_l("Households")), _whole(_l("Number of residents"))
    volunteers, teams = _whole(_l("Volunteers")), _whole(_l("Teams"))
    party_branches = _whole(_l("Party branches"))
    area_km2 = AmountField(_l("Area (km²)"), [check.Optional(), check.NumberRange(min=0, max=100_000)], places=2)
    founded = wt.IntegerField(_l("Founded (year)"), [check.Optional(), check.NumberRange(min=1800, max=2100)])
    note = wt.StringField(_l("Note"), [plain_text, check.Length(max=200)], filters=[strip])

"""The forms of the accounts page."""
from __future__ import annotations

from typing import Any

import wtforms as wt
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import validators as check

from core.accounts.management import roles_to_give
from core.accounts.models import Role
from core.accounts.roles import STAFF
from core.admin.forms import ScreenForm, choices, plain_text
from core.admin.gate import visit
from core.admin.screens.office import area_option
from core.areas.models import Area
from core.clock import today
from core.errors import ValidationError
from core.extensions import db


class RoleForm(ScreenForm):
    """A role at an area, from a day to a day."""

    area_id = wt.SelectField(_l("Area"), coerce=int)
    role_id = wt.SelectField(_l("Role"), coerce=int)
    starts_on = wt.DateField(_l("Starts on"), [check.InputRequired()])
    ends_on = wt.DateField(_l("To (last day)"), [check.Optional()], description=_l("Empty: until it is taken away"))

    def __init__(self, *args: Any, areas: list[Area], **kwargs: Any) -> None:
        """`areas` are those that the administrator can choose."""
        super().__init__(*args, starts_on=today(), area_id=_first_community(areas), **kwargs)
        here = visit()
        self._areas = {area.id: area for area in areas if not area.closed_on}
        self._roles: dict[int, Role] = {}
        for area in self._areas.values():
            self._roles |= {role.id: role for role in roles_to_give(db.session(), here.access, area)}
        self.area_id.choices = choices(area_option(area) for area in self._areas.values())
        self.role_id.choices = choices((role.id, self._role_label(role)) for role in self._roles.values())
        if self.role_id.data is None:  # most who are added are staff
            self.role_id.data = next((role.id for role in self._roles.values() if role.key == STAFF), None)

    def _role_label(self, role: Role) -> str:
        made_by = self._areas.get(role.area_id) if role.area_id else None
        return f"{role.label} · {made_by.name}" if made_by is not None and len(self._areas) > 1 else role.label

    def chosen(self) -> tuple[Area, Role]:
        """The area and the role in the request's own session, checked by `give_role` once more."""
        area, role = db.session.get(Area, self.area_id.data), db.session.get(Role, self.role_id.data)
        if area is None or role is None:
            raise ValidationError(_("Please choose from the list."), "role_id")
        return area, role


def _first_community(areas: list[Area]) -> int | None:
    return next((a.id for a in areas if a.is_community and not a.closed_on), areas[0].id if areas else None)


class NewAccountForm(RoleForm):
    """A new person with a first role."""

    name = wt.StringField(_l("Name"), [check.InputRequired(), plain_text, check.Length(max=60)])
    username = wt.StringField(_l("Account"), [check.InputRequired(), plain_text, check.Length(max=60)], description=_l(
        "For signing in: 2 to 40 letters, digits, dots, hyphens or Chinese characters"
    ))


class ExistingAccountForm(RoleForm):
    """A role for a person who has an account elsewhere."""

    username = wt.StringField(_l("Account"), [check.InputRequired(), plain_text, check.Length(max=60)], description=_l(
        "Exactly as the person signs in; accounts of other communities are not listed"
    ))


class NameForm(ScreenForm):
    """A person's name."""

    name = wt.StringField(_l("Name"), [check.InputRequired(), plain_text, check.Length(max=60)])

"""Roles that an area makes for itself and the areas below, from the permissions that screens declare."""
from __future__ import annotations

from collections.abc import Collection, Iterable

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.accounts.models import Membership, Role
from core.accounts.roles import OFFICE, OFFICE_MODULE, Permission
from core.areas.models import Area
from core.errors import ValidationError


def offered(module: str, permissions: Iterable[Permission]) -> list[Permission]:
    """What an own role may hold of a module's permissions.

    Accounts, areas, roles and modules stay with the built-in roles: who may hand out rights is not made up.
    """
    return [p for p in permissions if module != OFFICE_MODULE or p.action not in OFFICE]


def own_roles(session: Session, area: Area) -> list[Role]:
    """The roles that this area and the areas above made, the area's own first."""
    made = sa.select(Role).where(Role.area_id.in_(area.ancestor_ids))
    return sorted(session.scalars(made), key=lambda role: (role.area_id != area.id, role.name))


def save_role(
    session: Session, area: Area, role: Role | None, name: str, permissions: Collection[str], allowed: Collection[str],
) -> Role:
    """Make (`role` None) or change a role; holders have the new rights at their next request.

    Raises ValidationError for a name that is taken, no permission, or one that is not `allowed` here.
    """
    name = " ".join(name.split())
    if not 2 <= len(name) <= 30:
        raise ValidationError(_("Please give a name of 2 to 30 characters."), "name")
    taken = sa.select(Role.id).where(Role.area_id == area.id, Role.name == name, Role.id != (role.id if role else 0))
    if session.scalar(taken):
        raise ValidationError(_("There is already a role “%(name)s”.", name=name), "name")
    if not permissions:
        raise ValidationError(_("Please tick at least one right."), "permissions")
    if set(permissions) - set(allowed):
        raise ValidationError(_("A right that was ticked cannot be given here."), "permissions")
    if role is None:
        role = Role(area_id=area.id)
        session.add(role)
    role.name, role.permissions = name, sorted(set(permissions))
    session.flush()
    return role


def remove_role(session: Session, role: Role) -> None:
    """Remove a role that nobody ever held. Raises ValidationError with the number of people otherwise."""
    held = session.scalar(
        sa.select(sa.func.count(sa.distinct(Membership.user_id))).where(Membership.role_id == role.id)
    )
    if held:
        raise ValidationError(
            _("%(count)s people have or had the role “%(name)s”; it stays for the records. Please take it away from "
              "them and leave it unused.", count=held, name=role.name)
        )
    session.delete(role)
    session.flush()

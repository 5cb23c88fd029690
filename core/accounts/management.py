"""Whose accounts an administrator sees and manages, and which roles he hands out where (docs/roles.md)."""
from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.accounts.access import Access
from core.accounts.models import Membership, Role, User
from core.accounts.roles import GRANTS, SYSTEM
from core.accounts.service import add_membership, end_membership, find_user
from core.areas.models import Area
from core.errors import ValidationError


def visible_memberships(access: Access) -> sa.Select[tuple[Membership]]:
    """Memberships at this area or below, of roles that this administrator may hand out."""
    granted = {key for held in access.role_keys for key in GRANTS.get(held, ())}
    return (
        sa.select(Membership).join(Membership.area).join(Membership.role)
        .where(Area.path.startswith(access.area.path, autoescape=True),
               sa.or_(Role.key.in_(granted), Role.key.is_(None) if granted else sa.false()))
    )


def visible_users(access: Access) -> sa.Select[tuple[User]]:
    """The people with such a membership, past or present; at the root the system sees those who never had any."""
    mine = User.id.in_(visible_memberships(access).with_only_columns(Membership.user_id))
    if _sees_roleless(access):
        mine = sa.or_(mine, User.id.not_in(sa.select(Membership.user_id)))
    return sa.select(User).where(mine)


def _sees_roleless(access: Access) -> bool:
    return SYSTEM in access.role_keys and access.area.parent_id is None


def person(session: Session, access: Access, user_id: int) -> User | None:
    """An account that this administrator sees, or None (answered as unknown)."""
    return session.scalar(visible_users(access).where(User.id == user_id))


def roles_to_give(session: Session, access: Access, area: Area) -> list[Role]:
    """The roles that this administrator may hand out at an area of his: the built-in ones first."""
    roles = session.scalars(sa.select(Role).order_by(Role.id))
    return sorted((r for r in roles if access.may_grant(r, area)), key=lambda role: (role.key is None, role.id))


def is_mine(access: Access, membership: Membership) -> bool:
    """Whether a membership lies at this administrator's area or below, with a role that he hands out."""
    return access.area.contains(membership.area) and access.may_grant(membership.role, membership.area)


def unended(user: User, today: date) -> list[Membership]:
    """The memberships that hold today or will hold."""
    return [m for m in user.memberships if m.ends_on is None or m.ends_on >= today]


def may_manage(access: Access, user: User, today: date) -> bool:
    """Whether this administrator may reset, unlock or end the account: all its roles are his to hand out.

    A community manager cannot reset the street's account, nor one that also serves another community, nor his own.
    """
    if user.id == access.user.id:
        return False
    counted = unended(user, today) or user.memberships
    return bool(counted or _sees_roleless(access)) and all(is_mine(access, m) for m in counted)


def may_end(access: Access, membership: Membership, today: date) -> bool:
    """Whether this administrator may take this role away; nobody changes his own."""
    open_ = membership.ends_on is None or membership.ends_on >= today
    return open_ and membership.user_id != access.user.id and is_mine(access, membership)


def give_role(
    session: Session, access: Access, user: User, area: Area, role: Role, starts_on: date, ends_on: date | None,
) -> Membership:
    """Hand out a role. Raises ValidationError where the administrator may not, or the days do not fit."""
    if user.id == access.user.id:
        raise ValidationError(_("Nobody changes his own roles. Please ask another administrator."), "role_id")
    if not access.area.contains(area) or not access.may_grant(role, area):
        raise ValidationError(_("This role is not yours to give here."), "role_id")
    return add_membership(session, user, area, role, starts_on, ends_on)


def take_role(session: Session, access: Access, membership: Membership, today: date) -> None:
    """Take a role away. Raises ValidationError where the administrator may not."""
    if not may_end(access, membership, today):
        raise ValidationError(_("This role is not yours to take away."))
    end_membership(session, membership, today)


def person_to_add(session: Session, access: Access, username: str, today: date) -> User:
    """An existing account, by its exact name, to be given a role here.

    Raises one and the same ValidationError for a name that does not exist, a disabled account, and one whose
    roles this administrator could not hand out anywhere: the answer does not tell which names there are.
    """
    user = find_user(session, username)
    granted = {key for held in access.role_keys for key in GRANTS.get(held, ())}
    living = user is not None and user.disabled_at is None and user.id != access.user.id and bool(user.memberships)
    if not living or not all(
        m.role.key in granted or (m.role.key is None and _is_harmless(m.role)) for m in unended(user, today)
    ):
        raise ValidationError(
            _("There is no account of this name that can be added here. Please ask for its exact name."), "username"
        )
    return user


def _is_harmless(role: Role) -> bool:
    return not any(name.endswith((".settings", ".users")) for name in role.permissions)

"""Making, changing and ending accounts; everything is logged and counts at the next request."""
from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.accounts.models import Membership, Role, User
from core.accounts.passwords import check_password, hash_password, one_time_password, verify_password
from core.accounts.roles import SYSTEM
from core.accounts.sign_in import end_sessions_of, log_event, normal_username
from core.areas.models import Area
from core.errors import ValidationError

USERNAME = re.compile(r"[a-z0-9\u4e00-\u9fff][a-z0-9._\-\u4e00-\u9fff]{1,39}")


def create_user(session: Session, username: str, name: str, now: datetime, password: str | None = None) -> str:
    """Make an account; returns its password. Without a given one it is random and must be changed at once.

    Raises ValidationError when the account's name is taken or has characters that cannot be typed anywhere.
    """
    username, name = normal_username(username), " ".join(name.split())
    if not 1 <= len(name) <= 60:
        raise ValidationError(_("Please give a name of 1 to 60 characters."), "name")
    if not USERNAME.fullmatch(username):
        raise ValidationError(
            _("The account has 2 to 40 letters, digits, dots, hyphens or Chinese characters."), "username"
        )
    if session.scalar(sa.select(User.id).where(User.username == username)):
        raise ValidationError(_("The account “%(name)s” is taken. Please choose another.", name=username), "username")
    plain = password or one_time_password()
    session.add(
        User(username=username, name=name, password_hash=hash_password(plain), must_change=password is None,
             password_changed_at=now)
    )
    session.flush()
    return plain


def find_user(session: Session, username: str) -> User | None:
    """The account of this name."""
    return session.scalar(sa.select(User).where(User.username == normal_username(username)))


def built_in_role(session: Session, key: str) -> Role:
    """The row of a built-in role."""
    return session.scalars(sa.select(Role).where(Role.key == key)).one()


def add_membership(
    session: Session, user: User, area: Area, role: Role, starts_on: date, ends_on: date | None = None
) -> Membership:
    """Give a person a role at an area. Raises ValidationError for dates the wrong way round or a double."""
    if ends_on and ends_on < starts_on:
        raise ValidationError(_("The last day is before the first day."), "ends_on")
    if area.closed_on:
        raise ValidationError(_("“%(name)s” is closed.", name=area.name), "area_id")
    for other in user.memberships:
        overlap = (other.ends_on is None or other.ends_on >= starts_on) and (
            ends_on is None or other.starts_on <= ends_on
        )
        if other.area_id == area.id and other.role_id == role.id and overlap:
            raise ValidationError(_("%(name)s already has this role here.", name=user.name), "role_id")
    membership = Membership(area=area, role=role, starts_on=starts_on, ends_on=ends_on)
    user.memberships.append(membership)
    session.flush()
    return membership


def end_membership(session: Session, membership: Membership, today: date) -> None:
    """Take a role away as of now; the row stays, with yesterday as its last day, and the person is signed out."""
    check_somebody_remains(session, membership, today)
    membership.ends_on = max(membership.starts_on, today) - timedelta(days=1)
    end_sessions_of(session, membership.user)
    session.flush()


def check_somebody_remains(session: Session, lost: Membership, today: date) -> None:
    """Raises ValidationError when no other account would hold the role of system administrator from now on."""
    if lost.role.key != SYSTEM or not lost.holds_on(today):
        return
    others = session.scalars(
        sa.select(Membership).join(Membership.user).join(Membership.role)
        .where(Role.key == SYSTEM, User.id != lost.user_id, User.disabled_at.is_(None))
        .with_for_update(of=User)  # two who end each other at the same moment
    ).unique()
    if not any(other.holds_on(today) for other in others):
        raise ValidationError(_("This is the last system administrator. Please make another one first."))


def reset_password(session: Session, user: User, now: datetime) -> str:
    """A one-time password, to be changed at once; unlocks and signs out everywhere."""
    plain = one_time_password()
    user.password_hash, user.must_change = hash_password(plain), True
    user.password_changed_at = now
    unlock(user)
    end_sessions_of(session, user)
    return plain


def unlock(user: User) -> None:
    """End the 15 minutes of a lock."""
    user.failures, user.locked_until = 0, None


def disable(session: Session, user: User, now: datetime, today: date) -> None:
    """End an account; its name stays in the records, its roles wait for it to be opened again."""
    for membership in user.memberships:
        check_somebody_remains(session, membership, today)
    user.disabled_at = now
    end_sessions_of(session, user)
    session.flush()


def enable(user: User) -> None:
    """Open an ended account again, with its old password."""
    user.disabled_at = None
    unlock(user)


def change_password(
    session: Session, user: User, old: str, new: str, token: str, now: datetime, *, area_names: Iterable[str],
    classes: bool,
) -> None:
    """Change one's own password; other browsers are signed out. Raises ValidationError with what to do."""
    if not verify_password(user.password_hash, old):
        raise ValidationError(_("The old password is not correct."), "old")
    if verify_password(user.password_hash, new):
        raise ValidationError(_("Please choose a password that differs from the old one."), "password")
    check_password(new, [user.username, user.name, *area_names], classes=classes)
    user.password_hash, user.must_change, user.password_changed_at = hash_password(new), False, now
    end_sessions_of(session, user, but=token)
    log_event(session, user.username, None, now, what=_("Changed the password"))

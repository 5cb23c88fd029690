"""Accounts, roles, memberships, sessions on the server, and the sign-in log."""
from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.accounts.roles import BUILT_IN
from core.areas.models import Area
from core.extensions import BigId, Choice, Moment, choice_column, db


class User(db.Model):  # type: ignore[name-defined]
    """A person who signs in. Accounts are never shared and never deleted, only disabled."""

    __tablename__ = "user"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    username: Mapped[str] = mapped_column(sa.String(60), unique=True, info={"label": _l("Account")})
    name: Mapped[str] = mapped_column(sa.String(60), info={"label": _l("Name")})
    password_hash: Mapped[str] = mapped_column(sa.String(200))
    must_change: Mapped[bool] = mapped_column(default=False)
    password_changed_at: Mapped[datetime] = mapped_column(Moment)
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None] = mapped_column(Moment)
    disabled_at: Mapped[datetime | None] = mapped_column(Moment)
    language: Mapped[str | None] = mapped_column(sa.String(12))
    large_font: Mapped[bool] = mapped_column(default=False)
    row_version: Mapped[int] = mapped_column(default=1)

    memberships: Mapped[list[Membership]] = relationship(back_populates="user", order_by="Membership.id")

    __mapper_args__ = {"version_id_col": row_version}

    @property
    def label(self) -> str:
        """Name and account."""
        return f"{self.name} ({self.username})"


class Role(db.Model):  # type: ignore[name-defined]
    """A named set of permissions: built in (`key`, no area) or made by an area for itself and below."""

    __tablename__ = "role"
    __table_args__ = (sa.UniqueConstraint("area_id", "name"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str | None] = mapped_column(sa.String(20), unique=True)
    area_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("area.id"))
    name: Mapped[str] = mapped_column(sa.String(60), info={"label": _l("Role name")})
    permissions: Mapped[list[str]] = mapped_column(sa.JSON, default=list)  # own roles only
    row_version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": row_version}

    @property
    def label(self) -> str:
        """Its name; a built-in role's in the language of the page."""
        return str(BUILT_IN[self.key][0]) if self.key else self.name


class Membership(db.Model):  # type: ignore[name-defined]
    """A role at an area and everything below it, from a day to a day (both included)."""

    __tablename__ = "membership"
    __table_args__ = (sa.Index(None, "user_id"), sa.Index(None, "area_id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("user.id"))
    area_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("area.id"))
    role_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("role.id"))
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]

    user: Mapped[User] = relationship(back_populates="memberships")
    area: Mapped[Area] = relationship(lazy="joined", innerjoin=True)
    role: Mapped[Role] = relationship(lazy="joined", innerjoin=True)

    def holds_on(self, day: date) -> bool:
        """Whether it is in force on this day."""
        return self.starts_on <= day and (self.ends_on is None or day <= self.ends_on)


class UserSession(db.Model):  # type: ignore[name-defined]
    """A signed-in browser; deleting the row signs it out. The token itself is not stored, only its hash."""

    __tablename__ = "user_session"
    __table_args__ = (sa.Index(None, "user_id"),)

    token_hash: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("user.id"))
    started_at: Mapped[datetime] = mapped_column(Moment)
    seen_at: Mapped[datetime] = mapped_column(Moment)

    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)


class SignInResult(Choice):
    """What became of an attempt to sign in."""

    SUCCESS = "success", _l("Signed in")
    WRONG = "wrong", _l("Wrong name or password")
    LOCKED = "locked", _l("Locked")
    SIGNED_OUT = "signed_out", _l("Signed out")


class AccountEvent(db.Model):  # type: ignore[name-defined]
    """The log of sign-ins and of what was done to accounts, roles, areas and plugins."""

    __tablename__ = "account_event"
    __table_args__ = (sa.Index(None, "at"), sa.Index(None, "username"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment)
    username: Mapped[str] = mapped_column(sa.String(60))  # who did it, as typed
    address: Mapped[str | None] = mapped_column(sa.String(60))
    result: Mapped[SignInResult | None] = mapped_column(choice_column(SignInResult))
    area_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("area.id"))
    about: Mapped[str | None] = mapped_column(sa.String(60))  # whose account it was done to
    what: Mapped[str | None] = mapped_column(sa.String(300))

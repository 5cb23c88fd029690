"""Public holidays and the workdays that make up for them; a community's opening days and closures."""
from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Mapped, mapped_column

from core.areas.tenancy import Deletable, TenantModel, tenant_index, tenant_unique
from core.extensions import BigId, db

ALL_MODULES = ""  # as `plugin` of a rule or a closure


class Holiday(db.Model):  # type: ignore[name-defined]
    """A day of the State Council's notice (节假日安排): off, or a day at the weekend that is worked (调休上班).

    One table for the whole installation; a year without any row is a year whose notice is not known here yet.
    """

    __tablename__ = "holiday"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    day: Mapped[date] = mapped_column(unique=True, info={"label": _l("Day")})
    name: Mapped[str] = mapped_column(sa.String(20), info={"label": _l("Holiday")})
    is_off: Mapped[bool] = mapped_column(info={"label": _l("Day off")})


class OpeningDays(Deletable, TenantModel):
    """On which days a module (or, for an empty `plugin`, every module) of the community is open, from a day on."""

    __tablename__ = "opening_days"
    __table_args__ = (
        tenant_unique("plugin", "starts_on", where="deleted_at IS NULL",
                      message=_l("This module already has opening days from that day.")),
    )

    plugin: Mapped[str] = mapped_column(sa.String(40), default=ALL_MODULES, info={"label": _l("Module")})
    starts_on: Mapped[date] = mapped_column(info={"label": _l("In force from")})
    weekdays: Mapped[str] = mapped_column(sa.String(7), info={"label": _l("Weekdays")})  # "12345": Monday is 1
    on_holidays: Mapped[bool] = mapped_column(default=False, info={
        "label": _l("Open on public holidays"),
        "hint": _l("On those weekdays; not ticked: closed on every public holiday")})
    on_workdays: Mapped[bool] = mapped_column(default=True, info={
        "label": _l("Open on make-up workdays"), "hint": _l("A Saturday or Sunday that is worked (调休)")})
    note: Mapped[str | None] = mapped_column(sa.String(100), info={"label": _l("Note")})

    def opens_on(self, day: date, is_off: bool | None) -> bool:
        """Whether the rule is open on a day that the notice calls off (True), worked (False) or nothing (None)."""
        usual = str(day.isoweekday()) in self.weekdays
        if is_off is None:
            return usual
        return usual and self.on_holidays if is_off else usual or self.on_workdays

    @property
    def label(self) -> str:
        """From which day."""
        return self.starts_on.isoformat()


class Closure(Deletable, TenantModel):
    """Days on which the community (or one module of it) is closed for a reason of its own, both included."""

    __tablename__ = "closure"
    __table_args__ = (tenant_index("ends_on"), sa.CheckConstraint("ends_on >= starts_on", name="order"))

    plugin: Mapped[str] = mapped_column(sa.String(40), default=ALL_MODULES, info={"label": _l("Module")})
    starts_on: Mapped[date] = mapped_column(info={"label": _l("Closed from")})
    ends_on: Mapped[date] = mapped_column(info={"label": _l("Closed until")})
    reason: Mapped[str] = mapped_column(sa.String(100), info={"label": _l("Reason")})

    @property
    def label(self) -> str:
        """From when until when, and why."""
        return f"{self.starts_on.isoformat()} – {self.ends_on.isoformat()} {self.reason}"

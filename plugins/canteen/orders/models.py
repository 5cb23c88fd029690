"""Usual meals by weekday, pauses, orders for single days, and what changed after the set hour."""
from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Mapped, backref, mapped_column

from core.api import (
    Choice,
    Deletable,
    Moment,
    TenantModel,
    choice_column,
    tenant_index,
    tenant_reference,
    tenant_unique,
)
from plugins.canteen.models import Diner, MealKind, Way


def part_of_diner(name: str) -> tuple[object, object]:
    """A reference to the diner that does not keep him from the recycle bin: such rows mean nothing without him."""
    return tenant_reference(Diner, indexed=True, backref=backref(name, cascade="all, delete-orphan"),
                            info={"label": _l("Diner")})


class Weekday(Choice):
    """The days of the week; 0 is Monday, as Python counts them."""

    MONDAY = "0", _l("Mon")
    TUESDAY = "1", _l("Tue")
    WEDNESDAY = "2", _l("Wed")
    THURSDAY = "3", _l("Thu")
    FRIDAY = "4", _l("Fri")
    SATURDAY = "5", _l("Sat")
    SUNDAY = "6", _l("Sun")


WEEK = tuple(Weekday)


class UsualMeal(TenantModel):
    """常订: a meal that a diner has on this weekday, from a day to a day (both included)."""

    __tablename__ = "canteen_usual_meal"
    __table_args__ = (
        tenant_unique("diner_id", "weekday", "kind_id", where="ends_on IS NULL",
                      message=_l("Somebody else has just changed these usual meals. Please look again.")),
        tenant_index("diner_id"), tenant_index("weekday"),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
    )

    diner_id, diner = part_of_diner("usual_meals")
    kind_id, kind = tenant_reference(MealKind, info={"label": _l("Meal")})
    weekday: Mapped[int]
    way: Mapped[Way] = mapped_column(choice_column(Way), info={"label": _l("Way")})
    starts_on: Mapped[date] = mapped_column(info={"label": _l("From")})
    ends_on: Mapped[date | None] = mapped_column(info={"label": _l("Until")})


class Pause(Deletable, TenantModel):
    """停餐: a diner has no usual meals from a day to a day (both included), or until further notice."""

    __tablename__ = "canteen_pause"
    __table_args__ = (tenant_index("diner_id", "starts_on"),)

    diner_id, diner = part_of_diner("pauses")
    starts_on: Mapped[date] = mapped_column(info={"label": _l("Paused from")})
    ends_on: Mapped[date | None] = mapped_column(
        info={"label": _l("Paused until"), "hint": _l("Empty: until further notice")})
    reason: Mapped[str] = mapped_column(sa.String(100), info={"label": _l("Reason")})
    recorded_by: Mapped[str] = mapped_column(sa.String(60), info={"label": _l("Recorded by")})
    recorded_at: Mapped[datetime] = mapped_column(Moment, info={"label": _l("Recorded at")})

    label_private = "name"

    @property
    def label(self) -> str:
        """Who and when."""
        return f"{self.diner.label} {self.starts_on:%Y-%m-%d} – {self.ends_on or ''}".rstrip()

    @classmethod
    def covers(cls, day: date) -> sa.ColumnElement[bool]:
        """The condition of a pause that holds on a day."""
        return sa.and_(cls.deleted_at.is_(None), cls.starts_on <= day,
                       sa.or_(cls.ends_on.is_(None), cls.ends_on >= day))


class MealOrder(TenantModel):
    """订餐: a meal of a single day, ordered (`wanted`) or called off; it beats the usual meal of that day and kind.

    `despite_pause` says that it was ordered although a pause was known. Who changes his mind changes the row.
    """

    __tablename__ = "canteen_order"
    __table_args__ = (
        tenant_unique("diner_id", "day", "kind_id",
                      message=_l("Somebody else has just changed this order. Please look again.")),
        tenant_index("day", "id"),
    )

    diner_id, diner = part_of_diner("orders")
    kind_id, kind = tenant_reference(MealKind, info={"label": _l("Meal")})
    day: Mapped[date] = mapped_column(info={"label": _l("Day")})
    wanted: Mapped[bool] = mapped_column(info={"label": _l("Ordered")})
    way: Mapped[Way] = mapped_column(choice_column(Way), info={"label": _l("Way")})
    despite_pause: Mapped[bool] = mapped_column(default=False, info={"label": _l("In spite of a pause")})
    reason: Mapped[str | None] = mapped_column(sa.String(200), info={"label": _l("Reason")})
    recorded_by: Mapped[str] = mapped_column(sa.String(60), info={"label": _l("Recorded by")})
    recorded_at: Mapped[datetime] = mapped_column(Moment, info={"label": _l("Recorded at")})

    label_private = "name"

    @property
    def label(self) -> str:
        """Who, when, what."""
        return f"{self.diner.label} {self.day:%Y-%m-%d} {self.kind.name}"


class LateChange(TenantModel):
    """What the kitchen was told after the set hour: how a meal of that day was to be taken, before and after."""

    __tablename__ = "canteen_late_change"
    __table_args__ = (tenant_index("day", "id"), tenant_index("diner_id"))

    diner_id, diner = part_of_diner("late_changes")
    kind_id, kind = tenant_reference(MealKind, info={"label": _l("Meal")})
    day: Mapped[date] = mapped_column(info={"label": _l("Day")})
    before: Mapped[Way | None] = mapped_column(choice_column(Way), info={"label": _l("Before")})
    after: Mapped[Way | None] = mapped_column(choice_column(Way), info={"label": _l("After")})
    reason: Mapped[str | None] = mapped_column(sa.String(200), info={"label": _l("Reason")})
    changed_by: Mapped[str] = mapped_column(sa.String(60), info={"label": _l("Recorded by")})
    changed_at: Mapped[datetime] = mapped_column(Moment, info={"label": _l("Recorded at")})

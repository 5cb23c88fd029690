"""Rounds with their stops, who opened them, and what happened at each door."""
from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Mapped, backref, mapped_column

from core.api import (
    Choice,
    Deletable,
    Moment,
    Task,
    TaskState,
    TenantModel,
    Voidable,
    choice_column,
    foreign,
    relationship,
    tenant_index,
    tenant_reference,
    tenant_unique,
)
from plugins.canteen.models import Diner, Meal, MealKind
from plugins.canteen.orders.models import part_of_diner


class DoorResult(Choice):
    """What happened at the door."""

    DELIVERED = "delivered", _l("Handed over")
    UNANSWERED = "unanswered", _l("No answer")


class DeliveryRound(Deletable, TenantModel):
    """送餐路线: a way through the houses for one kind of meal, with its stops in a set order."""

    __tablename__ = "canteen_round"
    __table_args__ = (
        tenant_unique("kind_id", "name", where="deleted_at IS NULL",
                      message=_l("There is already a round of this name for this meal.")),
    )

    name: Mapped[str] = mapped_column(sa.String(30), info={"label": _l("Round")})
    kind_id, kind = tenant_reference(MealKind, indexed=True, info={"label": _l("Meal")})

    stops: Mapped[list[RoundStop]] = relationship(
        primaryjoin=lambda: DeliveryRound.id == foreign(RoundStop.round_id), order_by="RoundStop.position",
        back_populates="round", cascade="all, delete-orphan",
    )

    @property
    def label(self) -> str:
        """午餐 东区."""
        return f"{self.kind.name} {self.name}"


class RoundStop(TenantModel):
    """A diner on a round. `kind_id` repeats the round's, so that nobody is on two rounds of one kind."""

    __tablename__ = "canteen_round_stop"
    __table_args__ = (
        tenant_unique("diner_id", "kind_id", message=_l("This diner is on a round for this meal already.")),
    )

    round_id, round = tenant_reference(DeliveryRound, back_populates="stops")
    kind_id, kind = tenant_reference(MealKind)
    diner_id, diner = part_of_diner("stops")
    position: Mapped[int]
    added_on: Mapped[date]


class RoundOpening(TenantModel):
    """Who opened a round (None: the stops that are on no round) on a day, and so saw addresses and phones."""

    __tablename__ = "canteen_round_opening"
    __table_args__ = (tenant_index("day", "account"),)

    round_id, round = tenant_reference(
        DeliveryRound, nullable=True, backref=backref("openings", cascade="all, delete-orphan"))
    kind_id, kind = tenant_reference(MealKind)
    day: Mapped[date]
    account: Mapped[str] = mapped_column(sa.String(60))
    opened_by: Mapped[str] = mapped_column(sa.String(60))
    opened_at: Mapped[datetime] = mapped_column(Moment)


class Handover(Voidable, TenantModel):
    """What happened at a door: the meal was handed over, or nobody answered and a task was opened."""

    __tablename__ = "canteen_handover"
    __table_args__ = (
        tenant_unique("diner_id", "day", "kind_id", "result", where="voided_at IS NULL",
                      message=_l("This has been recorded already.")),
        tenant_index("day", "id", "voided_at"),
    )

    diner_id, diner = tenant_reference(Diner, info={"label": _l("Diner")})
    kind_id, kind = tenant_reference(MealKind, info={"label": _l("Meal")})
    day: Mapped[date] = mapped_column(info={"label": _l("Day")})
    result: Mapped[DoorResult] = mapped_column(choice_column(DoorResult), info={"label": _l("At the door")})
    round_name: Mapped[str | None] = mapped_column(sa.String(30), info={"label": _l("Round")})
    meal_id, meal = tenant_reference(Meal, nullable=True, info={"label": _l("Meal record")})
    made_meal: Mapped[bool] = mapped_column(default=False)  # else the meal was recorded before, at the counter
    task_id, task = tenant_reference(Task, nullable=True, info={"label": _l("Task")})
    recorded_by: Mapped[str] = mapped_column(sa.String(60), info={"label": _l("Recorded by")})
    account: Mapped[str] = mapped_column(sa.String(60))
    recorded_at: Mapped[datetime] = mapped_column(Moment, info={"label": _l("Recorded at")})

    label_private = "name"

    @property
    def is_looked_after(self) -> bool:
        """Whether somebody still has to see to the person behind the door."""
        return self.task is not None and self.task.state == TaskState.OPEN and self.task.voided_at is None

    @property
    def label(self) -> str:
        """Who, when, what."""
        return f"{self.diner.label} {self.day:%Y-%m-%d} {self.kind.name}"

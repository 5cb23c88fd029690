"""What happens at the door: handed over with the meal in the book, or no answer with a task; and undoing a slip."""
from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.api import TaskState, ValidationError, beijing, mark_void, open_task
from plugins.canteen.delivery.models import DoorResult, Handover
from plugins.canteen.ledger.books import is_late, void_meal
from plugins.canteen.ledger.takings import Clerk
from plugins.canteen.models import Diner, Meal, MealKind, Source, Way
from plugins.canteen.services import UNDONE, meal_of, record_meal
from plugins.canteen.settings import PLUGIN


@dataclass(frozen=True)
class Door:
    """Whose door, for which meal, on which round, and who stands there at what moment."""

    diner: Diner
    kind: MealKind
    round_name: str | None
    by: str
    account: str
    at: datetime

    @property
    def day(self) -> date:
        """The day in Beijing."""
        return beijing(self.at).date()


def hand_over(session: Session, door: Door) -> Handover:
    """已送达: record it, and the meal unless it is in the book already; a second time gives the first.

    On a day that is closed it is booked like every late meal, with the door as its reason.
    Raises what record_meal raises (no price, the person has died …).
    """
    if known := handover_of(session, door.diner.id, door.kind.id, door.day, DoorResult.DELIVERED):
        return known
    meal = meal_of(session, door.diner.id, door.day, door.kind.id)
    made = meal is None
    if meal is None:
        meal = record_meal(session, door.diner, door.day, door.kind, Way.DELIVERY, door.by, door.at,
                           source=Source.DELIVERY, account=door.account,
                           reason=_("Handed over at the door") if is_late(session, door.day) else None)
        session.flush()
    return _note(session, door, DoorResult.DELIVERED, meal_id=meal.id, made_meal=made)


def no_answer(session: Session, door: Door, link: str) -> Handover:
    """无人应答: mark the stop and have somebody look after the person today; a second time gives the first.

    Once that task is over, a door that stays shut opens another: the last time stands in the record, the first in
    the audit trail and in the task that is over. Raises ValidationError where the meal was handed over.
    """
    known = handover_of(session, door.diner.id, door.kind.id, door.day, DoorResult.UNANSWERED)
    if known is not None and known.is_looked_after:
        return known
    if given := handover_of(session, door.diner.id, door.kind.id, door.day, DoorResult.DELIVERED):
        raise ValidationError(_("%(name)s was handed %(kind)s at %(time)s by %(by)s. Please undo that first if it was "
                                "a slip.", name=door.diner.label, kind=door.kind.name, by=given.recorded_by,
                                time=f"{beijing(given.recorded_at):%H:%M}"))
    task = open_task(
        session, _("%(kind)s delivery: nobody answered the door", kind=door.kind.name), door.diner.resident, door.day,
        source=PLUGIN, by=door.by, at=door.at, link=link)
    if known is None:
        return _note(session, door, DoorResult.UNANSWERED, task_id=task.id)
    known.task, known.round_name = task, door.round_name
    known.recorded_by, known.account, known.recorded_at = door.by, door.account, door.at
    session.flush()
    return known


def handover_of(
    session: Session, diner_id: int, kind_id: int, day: date, result: DoorResult
) -> Handover | None:
    """What was recorded, and not undone."""
    return session.scalar(sa.select(Handover).where(
        Handover.diner_id == diner_id, Handover.day == day, Handover.kind_id == kind_id, Handover.result == result,
        Handover.voided_at.is_(None)))


def _note(
    session: Session, door: Door, result: DoorResult, *, meal_id: int | None = None, made_meal: bool = False,
    task_id: int | None = None,
) -> Handover:
    handover = Handover(
        diner_id=door.diner.id, kind_id=door.kind.id, day=door.day, result=result, round_name=door.round_name,
        meal_id=meal_id, made_meal=made_meal, task_id=task_id, recorded_by=door.by, account=door.account,
        recorded_at=door.at)
    session.add(handover)
    session.flush()
    return handover


def undo(session: Session, handover: Handover, clerk: Clerk) -> Handover:
    """撤销 a slip of today; a second time does nothing.

    Raises ValidationError for another day, and where the day is closed already (the meal is reversed then).
    """
    if handover.voided_at is not None:
        return handover
    if handover.day != clerk.today:
        raise ValidationError(_("Only what was recorded today can be undone here. Please void it in the delivery "
                                "records."))
    return take_back(session, handover, UNDONE, clerk)


def take_back(session: Session, handover: Handover, reason: str, clerk: Clerk) -> Handover:
    """作废 what was recorded at a door: its meal goes with it, if it made it, and its task, if nobody has finished it
    and no other door stands behind it.

    Raises ValidationError without a reason, and where the day of the meal is closed.
    """
    account = clerk.account or clerk.name
    mark_void(session, handover, account, reason)
    session.flush()
    meal: Meal | None = handover.meal
    if handover.made_meal and meal is not None and meal.voided_at is None and meal.reversed_on is None:
        void_meal(session, meal, account, reason, clerk)
    task = handover.task
    if task is not None and task.voided_at is None and task.state == TaskState.OPEN:
        others = session.scalar(sa.select(sa.func.count()).select_from(Handover).where(
            Handover.task_id == task.id, Handover.voided_at.is_(None)))
        if not others:
            mark_void(session, task, account, reason)
    return handover

"""The rules of ordering: until which hour, by whom after it, and what a change after it leaves behind."""
from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.api import BEIJING, ConfirmationNeeded, LifeState, ValidationError, beijing, clean_reason, settings_of
from plugins.canteen.models import Diner, MealKind, Way
from plugins.canteen.orders.expected import expected_meals, plans_of
from plugins.canteen.orders.models import LateChange, MealOrder, Pause, UsualMeal
from plugins.canteen.services import deceased_text, meal_of, opening_day, taken_text
from plugins.canteen.settings import ORDER_ON, ORDER_UNTIL, PLUGIN, OrderDay

FARTHEST = timedelta(days=92)  # an order lies at most so far ahead
Grid = Mapping[tuple[int, int], Way]  # (weekday, id of the kind) → way


def closing_of(session: Session, community_id: int, day: date) -> datetime:
    """The moment from which orders for this day are late (the community's settings)."""
    stored = settings_of(session, community_id, PLUGIN)
    until = time.fromisoformat(stored.get("order_until") or f"{ORDER_UNTIL:%H:%M}")
    same_day = stored.get("order_on", ORDER_ON) == OrderDay.SAME_DAY
    return datetime.combine(day if same_day else day - timedelta(days=1), until, tzinfo=BEIJING)


def first_open_day(session: Session, community_id: int, at: datetime) -> date:
    """The earliest day whose meals can still be changed without an exception."""
    day = beijing(at).date()
    while closing_of(session, community_id, day) <= at:
        day += timedelta(days=1)
    return day


def count_day(session: Session, community_id: int, at: datetime) -> date:
    """The day that the kitchen looks at: tomorrow once its orders are closed, else today."""
    today = beijing(at).date()
    return max(today, first_open_day(session, community_id, at) - timedelta(days=1))


# -- usual meals --------------------------------------------------------------------------------


def usual_of(session: Session, diner: Diner) -> dict[tuple[int, int], Way]:
    """The grid as it will be from now on."""
    return {(row.weekday, row.kind_id): row.way for row in _open_rows(session, diner)}


def save_usual(session: Session, diner: Diner, grid: Grid, seen: Grid, at: datetime) -> date:
    """Change the usual meals; the day from which the change holds, the first that is not closed yet.

    Meals of kinds that are no longer served end too. Raises ValidationError where somebody else changed them since
    they were `seen`.
    """
    check_diner(diner)
    known = usual_of(session, diner)
    first = first_open_day(session, diner.community_id, at)
    if dict(grid) == known:
        return first
    if known != dict(seen):
        raise ValidationError(_("Somebody else has just changed these usual meals. Please look again."))
    for row in _open_rows(session, diner):
        if grid.get((row.weekday, row.kind_id)) == row.way:
            continue
        if row.starts_on >= first:
            session.delete(row)
        else:
            row.ends_on = first - timedelta(days=1)
    session.flush()  # one grows old before the next is made: only one has no end
    for (weekday, kind_id), way in grid.items():
        if known.get((weekday, kind_id)) != way:
            session.add(UsualMeal(diner_id=diner.id, kind_id=kind_id, weekday=weekday, way=way, starts_on=first))
    session.flush()
    return first


def _open_rows(session: Session, diner: Diner) -> list[UsualMeal]:
    return list(session.scalars(
        sa.select(UsualMeal).where(UsualMeal.diner_id == diner.id, UsualMeal.ends_on.is_(None))))


def check_diner(diner: Diner) -> None:
    """Raises ValidationError where nothing can be ordered for the person."""
    resident = diner.resident
    if diner.deleted_at is not None or resident.deleted_at is not None:
        raise ValidationError(_("%(name)s is in the recycle bin. Please restore the record first.",
                                name=resident.name))
    if resident.state == LifeState.DECEASED:
        raise ValidationError(deceased_text(resident))
    if resident.state == LifeState.MOVED:
        raise ValidationError(_("%(name)s moved away on %(day)s. If that is wrong, please correct the resident's "
                                "record first.", name=resident.name, day=resident.state_on or "—"))


# -- orders for single days -----------------------------------------------------------------------


def set_order(
    session: Session, diner: Diner, kind: MealKind, day: date, way: Way | None, *, by: str, at: datetime,
    reason: str = "", confirmed: Collection[str] = (), may_except: bool = False,
) -> MealOrder:
    """Order the meal of a day (`way`), or call it off (None); the same again changes nothing.

    Raises ValidationError with what to do; ConfirmationNeeded "paused", and "late" (wants `reason`) for those who
    `may_except` after the set hour.
    """
    _check_meal(session, diner, kind, day, at)
    plan = plans_of(session, diner, [day], [kind])[day, kind.id]
    if plan.way == way and (plan.order is not None or way is None):
        if plan.order is None:
            raise ValidationError(_("%(name)s has no %(kind)s on %(day)s that could be called off.",
                                    name=diner.label, kind=kind.name, day=day.isoformat()))
        return plan.order
    if way is not None and plan.paused and "paused" not in confirmed:
        raise ConfirmationNeeded(
            _("The meals of %(name)s are paused on %(day)s. Order %(kind)s all the same?", name=diner.label,
              day=day.isoformat(), kind=kind.name), "paused")
    reason = clean_reason(reason)
    late = closing_of(session, diner.community_id, day) <= at
    if late:
        _ask_late(session, diner, day, reason, confirmed, may_except)
    order = plan.order or MealOrder(diner_id=diner.id, kind_id=kind.id, day=day)
    order.wanted, order.way = way is not None, way or plan.way or diner.usual_way
    order.despite_pause = way is not None and plan.paused
    order.reason, order.recorded_by, order.recorded_at = reason or None, by, at
    session.add(order)
    if late:
        _note_late(session, diner.id, kind.id, day, plan.way, way, reason, by, at)
    session.flush()
    return order


def _check_meal(session: Session, diner: Diner, kind: MealKind, day: date, at: datetime) -> None:
    check_diner(diner)
    local = beijing(at)
    if kind.deleted_at is not None:
        raise ValidationError(_("%(kind)s is no longer served. Please choose another meal.", kind=kind.name), "kind")
    if day < local.date():
        raise ValidationError(_("%(day)s is over. Please choose today or a later day.", day=day.isoformat()), "day")
    if day > local.date() + FARTHEST:
        raise ValidationError(_("An order lies at most %(days)s days ahead.", days=FARTHEST.days), "day")
    opened = opening_day(session, kind.community_id)
    if opened and day < opened:
        raise ValidationError(_("The canteen opened on %(opened)s. Please choose that day or a later one.",
                                opened=opened.isoformat()), "day")
    if meal := meal_of(session, diner.id, day, kind.id):
        raise ValidationError(taken_text(meal))
    if day == local.date() and local.time() > kind.closes:
        raise ValidationError(_("%(kind)s of today is over. Please choose a later day.", kind=kind.name), "day")


def _ask_late(
    session: Session, diner: Diner, day: date, reason: str, confirmed: Collection[str], may_except: bool
) -> None:
    closed = f"{closing_of(session, diner.community_id, day):%Y-%m-%d %H:%M}"
    if not may_except:
        raise ValidationError(_("Orders for %(day)s closed at %(closed)s. If it must be, please ask the community "
                                "manager for an exception.", day=day.isoformat(), closed=closed), "day")
    if "late" not in confirmed or len(reason) < 2:
        raise ConfirmationNeeded(
            _("Orders for %(day)s closed at %(closed)s. To make an exception, please give the reason; the kitchen "
              "sees it apart.", day=day.isoformat(), closed=closed), "late")


def _note_late(
    session: Session, diner_id: int, kind_id: int, day: date, before: Way | None, after: Way | None, reason: str,
    by: str, at: datetime,
) -> None:
    session.add(LateChange(diner_id=diner_id, kind_id=kind_id, day=day, before=before, after=after,
                           reason=reason or None, changed_by=by, changed_at=at))


# -- pauses -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PauseValues:
    """A pause as it was typed."""

    diner: Diner
    starts_on: date
    ends_on: date | None
    reason: str


def save_pause(session: Session, pause: Pause, values: PauseValues, by: str, at: datetime, *, orders_too: bool) -> None:
    """Fill a pause; what that changes for days that are closed already is noted for the kitchen.

    Raises ValidationError: field "orders_too" where it takes out meals that were ordered for single days.
    """
    check_diner(values.diner)
    _check_pause(session, pause, values, beijing(at).date(), orders_too)
    people = {values.diner.id, pause.diner_id or values.diner.id}
    before = _expected_on_closed_days(session, values.diner.community_id, people, at)
    pause.diner, pause.starts_on, pause.ends_on = values.diner, values.starts_on, values.ends_on
    pause.reason = clean_reason(values.reason)[:100]
    if pause.id is None:
        pause.recorded_by, pause.recorded_at = by, at
    session.add(pause)
    session.flush()
    after = _expected_on_closed_days(session, values.diner.community_id, people, at)
    for day, diner_id, kind_id in sorted(before.keys() | after.keys()):
        key = day, diner_id, kind_id
        if before.get(key) != after.get(key):
            _note_late(session, diner_id, kind_id, day, before.get(key), after.get(key), pause.reason, by, at)


def _check_pause(session: Session, pause: Pause, values: PauseValues, today: date, orders_too: bool) -> None:
    starts, ends = values.starts_on, values.ends_on
    if ends is not None and ends < starts:
        raise ValidationError(_("The pause must end after it begins."), "ends_on")
    if len(clean_reason(values.reason)) < 2:
        raise ValidationError(_("Please give the reason for the pause."), "reason")
    with session.no_autoflush:
        others = session.scalars(sa.select(Pause).where(
            Pause.diner_id == values.diner.id, Pause.deleted_at.is_(None),
            sa.or_(Pause.ends_on.is_(None), Pause.ends_on >= starts))).all()
        other = next((p for p in others if p.id != pause.id and (ends is None or p.starts_on <= ends)), None)
        if other is not None:
            raise ValidationError(_("%(name)s is paused from %(start)s until %(end)s already. Please change that pause "
                                    "instead.", name=values.diner.label, start=other.starts_on.isoformat(),
                                    end=other.ends_on or "…"), "starts_on")
        ordered = sa.select(MealOrder).where(
            MealOrder.diner_id == values.diner.id, MealOrder.wanted, MealOrder.despite_pause.is_(False),
            MealOrder.day >= max(starts, today)).order_by(MealOrder.day)
        orders = session.scalars(ordered if ends is None else ordered.where(MealOrder.day <= ends)).all()
    if orders and not orders_too:
        raise ValidationError(_("These meals are ordered in that time: %(orders)s. Tick this box to leave them out "
                                "too.",
                                orders="、".join(f"{o.day:%m-%d} {o.kind.name}" for o in orders[:5])), "orders_too")


def _expected_on_closed_days(
    session: Session, community_id: int, people: Collection[int], at: datetime
) -> dict[tuple[date, int, int], Way]:
    """(day, diner, kind) → way of those days from today on whose set hour has passed."""
    day, found = beijing(at).date(), {}
    while closing_of(session, community_id, day) <= at:
        found |= {(day, e.diner.id, e.kind.id): e.way for e in expected_meals(session, day, people)}
        day += timedelta(days=1)
    return found

"""Who is expected for which meal of a day: the one place that says how usual meals, orders and pauses go together."""
from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from core.api import LifeState, Resident
from plugins.canteen.models import Diner, MealKind, Way
from plugins.canteen.orders.models import MealOrder, Pause, UsualMeal


@dataclass(frozen=True)
class Expected:
    """A meal that the kitchen prepares; `ordered` for that day alone, else usual."""

    diner: Diner
    kind: MealKind
    way: Way
    ordered: bool


@dataclass(frozen=True)
class Plan:
    """What is known of a diner's meal of a day and kind."""

    usual: Way | None = None
    order: MealOrder | None = None
    paused: bool = False

    @property
    def way(self) -> Way | None:
        """How it will be taken, None: not at all. An order beats what is usual; a pause beats what is usual, and an
        order unless that was made in spite of it."""
        if self.order is not None:
            counts = self.order.wanted and (self.order.despite_pause or not self.paused)
            return self.order.way if counts else None
        return None if self.paused else self.usual


def expected_meals(session: Session, day: date, diners: Collection[int] | None = None) -> list[Expected]:
    """The meals of a day (of these diners only, if given), in the order of the kinds and of the names.

    People who have died, moved away or lie in the recycle bin are not expected, whatever was planned.
    """
    usual = _of_living(session, UsualMeal, _usual_on(day), diners)
    orders = _of_living(session, MealOrder, [MealOrder.day == day], diners)
    rows: dict[tuple[int, int], Any] = {(row.diner_id, row.kind_id): row for row in (*usual, *orders)}
    paused = set(session.scalars(sa.select(Pause.diner_id).where(Pause.covers(day)))) if rows else set()
    ways = {(row.diner_id, row.kind_id): row.way for row in usual}
    by_order = {(row.diner_id, row.kind_id): row for row in orders}
    found = []
    for key, row in rows.items():
        way = Plan(ways.get(key), by_order.get(key), row.diner_id in paused).way
        if way is not None:
            found.append(Expected(row.diner, row.kind, way, key in by_order))
    return sorted(found, key=lambda e: (e.kind.opens, e.kind.id, e.diner.resident.sort_key, e.diner.id))


def plans_of(
    session: Session, diner: Diner, days: Sequence[date], kinds: Iterable[MealKind]
) -> dict[tuple[date, int], Plan]:
    """What is known of each day and kind (its id) of one diner, who is taken to be living here."""
    usual = session.scalars(sa.select(UsualMeal).where(UsualMeal.diner_id == diner.id)).all()
    orders = {(o.day, o.kind_id): o for o in session.scalars(sa.select(MealOrder).where(
        MealOrder.diner_id == diner.id, MealOrder.day.between(days[0], days[-1])))}
    pauses = session.scalars(sa.select(Pause).where(Pause.diner_id == diner.id, Pause.deleted_at.is_(None))).all()
    plans = {}
    for day in days:
        paused = any(p.starts_on <= day and (p.ends_on is None or day <= p.ends_on) for p in pauses)
        ways = {u.kind_id: u.way for u in usual if u.weekday == day.weekday() and u.starts_on <= day
                and (u.ends_on is None or day <= u.ends_on)}
        plans |= {(day, k.id): Plan(ways.get(k.id), orders.get((day, k.id)), paused) for k in kinds}
    return plans


def _usual_on(day: date) -> list[Any]:
    return [UsualMeal.weekday == day.weekday(), UsualMeal.starts_on <= day,
            sa.or_(UsualMeal.ends_on.is_(None), UsualMeal.ends_on >= day)]


def _of_living(session: Session, model: Any, conditions: list[Any], diners: Collection[int] | None) -> list[Any]:
    """The rows of people who live here, with what is shown of them."""
    query = (
        sa.select(model).join(Diner, model.diner_id == Diner.id).join(Resident, Diner.resident_id == Resident.id)
        .join(MealKind, model.kind_id == MealKind.id)
        .where(*conditions, Diner.deleted_at.is_(None), Resident.deleted_at.is_(None),
               Resident.state == LifeState.ALIVE, MealKind.deleted_at.is_(None))
        .options(joinedload(model.diner).joinedload(Diner.resident), joinedload(model.kind)))
    return list(session.scalars(query if diners is None else query.where(model.diner_id.in_(diners))))

"""Rounds as they are laid out, and as they stand on a day: who is next, who has been served, who is on none."""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session, joinedload, selectinload

from core.api import LifeState, Resident, ValidationError
from plugins.canteen.delivery.models import DeliveryRound, DoorResult, Handover, RoundStop
from plugins.canteen.models import Diner, Meal, MealKind, Way
from plugins.canteen.orders.expected import expected_meals
from plugins.canteen.orders.models import MealOrder, UsualMeal

SOON = timedelta(days=7)
MOST_CANDIDATES = 100


@dataclass(frozen=True)
class Stop:
    """A door of today. `last` is what was recorded there; `taken` the meal, if it is in the book already."""

    diner: Diner
    last: Handover | None
    taken: Meal | None
    is_new: bool  # on the round since today

    @property
    def result(self) -> DoorResult | None:
        """None while nobody has been there."""
        return self.last.result if self.last else None


@dataclass(frozen=True)
class RoundToday:
    """A round (None: those who are on none) as it stands."""

    round: DeliveryRound | None
    kind: MealKind
    stops: list[Stop]

    @property
    def name(self) -> str:
        """What the driver calls it."""
        return self.round.name if self.round else _("On no round")

    @property
    def counts(self) -> Counter[DoorResult | None]:
        """How many were handed over, gave no answer, and (None) are still to be visited."""
        return Counter(stop.result for stop in self.stops)

    @property
    def in_order(self) -> list[Stop]:
        """The doors still to be visited first, in the order of the round; then no answer; then done."""
        rank = {None: 0, DoorResult.UNANSWERED: 1, DoorResult.DELIVERED: 2}
        return sorted(self.stops, key=lambda stop: rank[stop.result])


def rounds_of(session: Session, kind: MealKind | None = None) -> list[DeliveryRound]:
    """The living rounds with their stops, by name."""
    query = sa.select(DeliveryRound).where(DeliveryRound.deleted_at.is_(None)).options(
        selectinload(DeliveryRound.stops), joinedload(DeliveryRound.kind)).order_by(DeliveryRound.name)
    return list(session.scalars(query.where(DeliveryRound.kind_id == kind.id) if kind else query).unique())


def rounds_on(session: Session, kind: MealKind, day: date) -> list[RoundToday]:
    """Every round of a kind with its doors of the day; whoever is on none comes last and is not forgotten."""
    expected = {e.diner.id: e.diner for e in expected_meals(session, day)
                if e.kind.id == kind.id and e.way == Way.DELIVERY}
    visits = _visits(session, kind, day)
    people = _people(session, expected.keys() | visits.keys())
    taken = {m.diner_id: m for m in session.scalars(sa.select(Meal).where(
        Meal.diner_id.in_(people), Meal.day == day, Meal.kind_id == kind.id, *Meal.counts()))} if people else {}

    def stops(ids: Iterable[int], new: set[int]) -> list[Stop]:
        return [Stop(people[i], visits.get(i), taken.get(i), i in new) for i in ids if i in people]

    found, placed = [], set()
    for each in rounds_of(session, kind):
        order = [s.diner_id for s in each.stops]
        placed.update(order)
        found.append(RoundToday(each, kind, stops(order, {s.diner_id for s in each.stops if s.added_on == day})))
    rest = stops([i for i in people if i not in placed], set())
    return [*found, RoundToday(None, kind, rest)] if rest else found


def _visits(session: Session, kind: MealKind, day: date) -> dict[int, Handover]:
    """Diner → what was recorded last."""
    rows = session.scalars(sa.select(Handover).where(
        Handover.day == day, Handover.kind_id == kind.id, Handover.voided_at.is_(None)).order_by(Handover.id)
        .options(joinedload(Handover.task)))
    return {row.diner_id: row for row in rows}


def _people(session: Session, ids: Iterable[int]) -> dict[int, Diner]:
    """The diners with what the driver needs of them, by the order of their names."""
    wanted = list(ids)
    if not wanted:
        return {}
    rows = session.scalars(
        sa.select(Diner).join(Resident, Diner.resident_id == Resident.id).where(Diner.id.in_(wanted))
        .order_by(Resident.sort_key, Diner.id)
        .options(joinedload(Diner.resident).selectinload(Resident.phones)))
    return {diner.id: diner for diner in rows}


# -- laying a round out ---------------------------------------------------------------------------


def candidates(session: Session, kind: MealKind, today: date) -> list[Diner]:
    """Who has this meal brought, usually or in the coming week, and is on no round yet."""
    usual = sa.select(UsualMeal.diner_id).where(
        UsualMeal.kind_id == kind.id, UsualMeal.way == Way.DELIVERY, UsualMeal.ends_on.is_(None))
    ordered = sa.select(MealOrder.diner_id).where(
        MealOrder.kind_id == kind.id, MealOrder.way == Way.DELIVERY, MealOrder.wanted,
        MealOrder.day.between(today, today + SOON))
    return list(session.scalars(
        sa.select(Diner).join(Resident, Diner.resident_id == Resident.id)
        .where(sa.or_(Diner.id.in_(usual), Diner.id.in_(ordered)), Diner.id.not_in(_placed(kind)),
               Diner.deleted_at.is_(None), Resident.deleted_at.is_(None), Resident.state == LifeState.ALIVE)
        .order_by(Resident.compound, Resident.building, Resident.unit, Resident.room, Resident.sort_key, Diner.id)
        .options(joinedload(Diner.resident)).limit(MOST_CANDIDATES)))


def _placed(kind: MealKind) -> sa.Select:
    return sa.select(RoundStop.diner_id).join(DeliveryRound, RoundStop.round_id == DeliveryRound.id).where(
        RoundStop.kind_id == kind.id, DeliveryRound.deleted_at.is_(None))


def add_stops(session: Session, each: DeliveryRound, diners: Iterable[Diner], today: date) -> int:
    """Put diners at the end of a round; how many were added. One who is on it already stays where he is.

    Raises ValidationError where somebody is on another round of this meal; a round in the recycle bin counts no more.
    """
    here, number = {stop.diner_id for stop in each.stops}, len(each.stops)
    added = 0
    for diner in diners:
        if diner.id in here:
            continue
        other = session.scalar(sa.select(RoundStop).where(
            RoundStop.diner_id == diner.id, RoundStop.kind_id == each.kind_id).options(joinedload(RoundStop.round)))
        if other is not None and other.round.deleted_at is None:
            raise ValidationError(_("%(name)s is on the round “%(round)s” already.", name=diner.label,
                                    round=other.round.name))
        if other is not None:
            session.delete(other)
            session.flush()
        added += 1
        each.stops.append(RoundStop(kind_id=each.kind_id, diner_id=diner.id, position=number + added, added_on=today))
    session.flush()
    return added


def put_in_order(session: Session, each: DeliveryRound, numbers: Mapping[int, int]) -> None:
    """Give the stops (by id) new places; one that is moved to a place comes before the one that stood there if it
    moved up, after it if it moved down."""
    def place(stop: RoundStop) -> tuple[int, int, int]:
        wanted = numbers.get(stop.id, stop.position)
        return wanted, (wanted > stop.position) - (wanted < stop.position), stop.position

    _number(session, each, sorted(each.stops, key=place))


def move(session: Session, each: DeliveryRound, stop_id: int, by: int) -> None:
    """One place up (-1) or down (1); at the end it stays."""
    stops = list(each.stops)
    at = next((n for n, stop in enumerate(stops) if stop.id == stop_id), None)
    if at is None or not 0 <= at + by < len(stops):
        return
    stops[at], stops[at + by] = stops[at + by], stops[at]
    _number(session, each, stops)


def remove_stop(session: Session, each: DeliveryRound, stop_id: int) -> None:
    """Take a stop out; the others close up."""
    for stop in [s for s in each.stops if s.id == stop_id]:
        each.stops.remove(stop)
    _number(session, each, list(each.stops))


def _number(session: Session, each: DeliveryRound, stops: list[RoundStop]) -> None:
    for number, stop in enumerate(stops, 1):
        if stop.position != number:
            stop.position = number
    session.flush()
    session.expire(each, ["stops"])

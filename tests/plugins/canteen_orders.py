"""Usual meals, orders and rounds of the tests: made through the services, in the community `upper`."""
from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from core.api import save_settings
from plugins.canteen.delivery.models import DeliveryRound
from plugins.canteen.delivery.rounds import add_stops
from plugins.canteen.models import Diner, MealKind, Way
from plugins.canteen.orders.expected import expected_meals
from plugins.canteen.orders.models import UsualMeal
from tests.plugins.canteen_people import add_diner

TODAY, TOMORROW = date(2026, 11, 23), date(2026, 11, 24)  # Monday, Tuesday; orders close at 16:00 the day before


@contextmanager
def at_work(place: Any) -> Iterator[Any]:
    """A writing session of upper, with words for the screen."""
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        yield session


def diner_id(place: Any, resident: int) -> int:
    with place.app.app_context(), place.session("upper") as session:
        return session.scalar(sa.select(Diner.id).where(Diner.resident_id == resident))


def regular(
    place: Any, name: str, *, kind: str = "午餐", days: Iterable[int] = range(7), way: Way = Way.DELIVERY,
    since: date = date(2026, 1, 1), **values: Any,
) -> int:
    """A diner with usual meals; the diner's id."""
    number = diner_id(place, add_diner(place, name, usual_way=way, **values))
    with at_work(place) as session:
        meal = session.scalars(sa.select(MealKind).where(MealKind.name == kind)).one()
        session.add_all(UsualMeal(diner_id=number, kind_id=meal.id, weekday=d, way=way, starts_on=since) for d in days)
    return number


def expected(place: Any, day: date) -> list[tuple[str, str, str, bool]]:
    """(name, kind, way, ordered) of a day."""
    with place.app.app_context(), place.session("upper") as session:
        return [(e.diner.label, e.kind.name, e.way.value, e.ordered) for e in expected_meals(session, day)]


def closes(place: Any, hour: str, on: str = "day_before") -> None:
    """Set until when orders are taken."""
    with at_work(place) as session:
        save_settings(session, place.ids["upper"], "canteen", {"order_until": hour, "order_on": on})


def make_round(place: Any, name: str, diners: list[int], day: date = date(2026, 11, 1), kind: str = "午餐") -> int:
    """A round with these stops in this order; its id."""
    with at_work(place) as session:
        meal = session.scalars(sa.select(MealKind).where(MealKind.name == kind)).one()
        each = DeliveryRound(name=name, kind=meal)
        session.add(each)
        session.flush()
        add_stops(session, each, [session.get_one(Diner, number) for number in diners], day)
        return each.id


def clock_at(place: Any, moment: datetime) -> None:
    place.clock.moment = moment


def once() -> str:
    return secrets.token_urlsafe(24)

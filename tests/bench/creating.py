"""Target 6: recording one meal, with audit row and figures, against Flask-Admin's own form."""
from __future__ import annotations

import itertools
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta

import sqlalchemy as sa

from core.areas.models import Area
from core.areas.scope import Scope, session_for
from core.clock import today
from plugins.canteen.models import Diner, Meal, MealKind
from tests.bench.measure import Page
from tests.bench.servers import Visitor

CLIENTS, CHUNKS, CHUNK = 4, 4, 250
Meals = Iterator[tuple[int, int, date]]


class Chances:
    """Meals that nobody has recorded yet, (resident or diner, kind, day): today's for us, next year's for the other."""

    def __init__(self, community_id: int) -> None:
        with session_for(None, "the benchmark looks") as reading:
            path = reading.scalar(sa.select(Area.path).where(Area.id == community_id))
        with session_for(Scope(path, community_id), "the benchmark looks") as reading:
            kinds = list(reading.scalars(sa.select(MealKind.id).order_by(MealKind.opens)))
            taken = set(reading.execute(sa.select(Meal.diner_id, Meal.kind_id).where(Meal.day == today())).all())
            diners = reading.execute(sa.select(Diner.id, Diner.resident_id).order_by(Diner.id)).all()
            last = reading.scalar(sa.select(sa.func.max(Meal.day))) or today()
        self._lock = threading.Lock()
        day = today()
        self._own: Meals = ((resident, kind, day) for diner, resident in diners for kind in kinds
                            if (diner, kind) not in taken)
        self._other: Meals = ((diner, kind, last + timedelta(days=n + 1)) for n in itertools.count()
                              for diner, _resident in diners for kind in kinds)

    def own(self) -> tuple[int, int, date]:
        """For Jinlin's counter."""
        with self._lock:
            return next(self._own)

    def other(self) -> tuple[int, int, date]:
        """For the forms of the others."""
        with self._lock:
            return next(self._other)


def record(visitor: Visitor, chances: Chances, token: str) -> Callable[[], tuple[int, int]]:
    """A meal at Jinlin's counter, as its script sends it."""
    def call() -> tuple[int, int]:
        resident, kind, _day = chances.own()
        status, page = visitor.ask("/c01/canteen/counter/record/", {
            "resident": str(resident), "kind": str(kind), "way": "dine_in", "once": secrets.token_urlsafe(24),
            "csrf_token": token, "confirmed": "hours"}, script=True)
        return status, len(page.encode())
    return call


def fill_in(visitor: Visitor, chances: Chances) -> Callable[[], tuple[int, int]]:
    """The same meal by Flask-Admin's form; it answers with the list's address."""
    def call() -> tuple[int, int]:
        diner, kind, day = chances.other()
        status, page = visitor.ask("/one/new/", {
            "diner": str(diner), "kind": str(kind), "way": "dine_in",
            "day": day.isoformat(), "booked_on": day.isoformat(), "standard_price": "1500", "self_pay": "1500",
            "government": "0", "other_aid": "0", "operator_aid": "0", "city_pays": "0", "district_pays": "0",
            "street_pays": "0", "community_pays": "0", "donors_pay": "0", "source": "counter", "recorded_by": "王敏",
            "recorded_at": f"{day.isoformat()} 04:00:00", "row_version": "1"})
        return (200 if status == 302 else 500), len(page.encode())
    return call


def creating_page(ports: dict[str, int], chances: Chances, signed_in: Callable[[], tuple[Visitor, str]]) -> Page:
    """One meal by each."""
    visitor, token = signed_in()
    return Page("record one meal", {"jinlin": record(visitor, chances, token),
                                    "plain": fill_in(Visitor(ports["plain"]), chances)})


def rates(
    ports: dict[str, int], chances: Chances, signed_in: Callable[[], tuple[Visitor, str]]
) -> list[tuple[str, str]]:
    """Creates a second by four clients, each app in turn, 250 at a time; (what, how much)."""
    seconds, wrong = {"jinlin": 0.0, "plain": 0.0}, {"jinlin": 0, "plain": 0}
    clients = {"jinlin": [record(visitor, chances, token) for visitor, token in (signed_in() for _n in range(CLIENTS))],
               "plain": [fill_in(Visitor(ports["plain"]), chances) for _n in range(CLIENTS)]}
    for _n in range(CHUNKS):
        for who, calls in clients.items():
            began = time.monotonic()
            wrong[who] += sum(_at_once(calls))
            seconds[who] += time.monotonic() - began
    rate = {who: CHUNKS * CHUNK / took for who, took in seconds.items()}
    told = [(f"1,000 creates by {CLIENTS} clients, {who}: a second, errors", f"{rate[who]:.0f}, {wrong[who]}")
            for who in clients]
    return [*told, ("Jinlin's rate ÷ Flask-Admin's (target 1.4)", f"{rate['jinlin'] / rate['plain']:.2f}")]


def _at_once(calls: list[Callable[[], tuple[int, int]]]) -> list[int]:
    """The errors of each client."""
    wrong = [0] * len(calls)

    def run(number: int) -> None:
        for _n in range(CHUNK // len(calls)):
            wrong[number] += calls[number]()[0] != 200

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong

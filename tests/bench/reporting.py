"""Target 8: the street's year, 60 communities by 12 months, from what is kept and from the records themselves."""
from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date

import sqlalchemy as sa
from flask import Flask

from core.areas.scope import EVERYWHERE, session_for
from core.clock import today
from core.metrics.checking import catch_up, check, rebuild
from core.metrics.counting import count
from core.metrics.figures import by_month, totals
from plugins.canteen.models import Meal
from tests.bench.measure import Page
from tests.bench.servers import Visitor

METRIC = "canteen.named_meals"
REPORT = "/street/figures/?kind=year"


def built(app: Flask) -> float:
    """Build the figures of the benchmark's rows; the seconds that it took. Rows of an earlier run are counted in."""
    began = time.monotonic()
    with app.test_request_context():
        catch_up()
        took = time.monotonic() - began
        rebuild()
    return took


def report_pages(street: Visitor, floor: Visitor) -> list[Page]:
    """The street's page of a year against the same figures by the floor, which also counts them from the records."""
    first = f"{today().year}-01-01"

    def ask(visitor: Visitor, url: str) -> Callable[[], tuple[int, int]]:
        def call() -> tuple[int, int]:
            status, page = visitor.ask(url)
            return status, len(page.encode())
        return call

    page, kept, scan = ask(street, REPORT), ask(floor, f"/report/?first={first}"), ask(floor, f"/scan/?first={first}")
    return [Page("street report of the year; floor: one metric from kept figures", {"jinlin": page, "floor": kept}),
            Page("the same; floor: one metric from the records", {"jinlin": page, "floor": scan})]


def kept_against_scanned(app: Flask) -> list[tuple[str, str]]:
    """A year by month and community, and everything since the beginning: milliseconds, and whether both agree."""
    found = []
    with app.test_request_context(), session_for(EVERYWHERE, "the benchmark compares") as reading:
        last = today()
        first = date(last.year - 1, last.month, 1)
        named = next(m for _p, m in app.extensions["jinlin_plugins"].metrics() if m.name == METRIC)
        year, month = sa.extract("year", Meal.day), sa.extract("month", Meal.day)

        def scanned() -> dict[tuple[int, date], int]:
            return {(c, date(int(y), int(m), 1)): n
                    for c, y, m, n in count(reading, named, first, last, Meal.community_id, year, month)}

        def all_scanned() -> dict[int, int]:
            return dict(tuple(row) for row in count(reading, named, None, last, Meal.community_id))

        for what, kept, scan in (
                ("by month, a year", lambda: by_month(reading, named, first, last), scanned),
                ("since the beginning", lambda: totals(reading, named, None, last), all_scanned)):
            (mine, quick), (truth, slow) = _fastest(kept, 20), _fastest(scan, 2)
            found.append((f"{what}: kept, ms", f"{quick:.1f}"))
            found.append((f"{what}: scanned, ms", f"{slow:,.0f}"))
            found.append((f"{what}: scanned ÷ kept (target 50 at five millions)", f"{slow / quick:,.0f}"))
            found.append((f"{what}: the same", "yes" if mine == truth else "NO"))
    with app.test_request_context():
        found.append(("differences that `jinlin metrics check` finds", str(sum(1 for _difference in check()))))
    return found


def _fastest(work: Callable[[], object], rounds: int) -> tuple[object, float]:
    """Its answer and the milliseconds of its fastest round (the database's work is not in this process: wall time)."""
    took = []
    for _n in range(rounds):
        began = time.perf_counter()
        answer = work()
        took.append(time.perf_counter() - began)
    return answer, min(took) * 1000

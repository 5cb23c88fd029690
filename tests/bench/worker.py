"""Target 11 and 7: what a worker costs before it works, how it signs in, and how many may write at once."""
from __future__ import annotations

import random
import re
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from core.app import create_app
from core.areas.scope import Scope, session_for
from core.clock import now, today
from plugins.canteen.models import Diner, Meal, MealKind, Way
from tests.bench.measure import Meter
from tests.bench.rows import PASSWORD, Size, area_ids, fill
from tests.bench.servers import Visitor, below, served, settings_of

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
WARM = ("", "canteen/meals/", "canteen/diners/", "canteen/diners/new/", "residents/people/", "residents/people/new/",
        "residents/people/?search=wg", "canteen/counter/", "canteen/month/", "manage/audit/")
WRITERS, SECONDS = 8, 30


def sign_in(visitor: Visitor, username: str) -> None:
    """Fill in the sign-in page."""
    token = TOKEN.search(visitor.ask("/login")[1]).group(1)
    status, _page = visitor.ask("/login", {"username": username, "password": PASSWORD, "csrf_token": token})
    assert status == 302, status


def memory(process: int) -> dict[str, float]:
    """Megabytes of one process: Rss, and Pss, where what processes share is divided among them."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    found = {line.split()[0].rstrip(":"): int(line.split()[1]) / 1024 for line in lines if line[-2:] == "kB"}
    return {name: found[name] for name in ("Rss", "Pss")}


def measure_worker(url: str, folder: Path, port: int, community_id: int) -> list[tuple[str, str]]:
    """(what, how much) of a server with its two workers."""
    with served("jinlin", url, folder, port, community_id, workers=2) as root:
        first = Visitor(port)
        first.ask("/login")
        started = _cpu_of_tree(root)
        meter, costs = Meter(root), []
        for _n in range(10):
            visitor = Visitor(port)
            token = TOKEN.search(visitor.ask("/login")[1]).group(1)
            before = meter.now()
            visitor.ask("/login", {"username": "bench.staff", "password": PASSWORD, "csrf_token": token})
            costs.append(meter.now() - before)
        for _n in range(12):  # each worker gets its share
            visitor = Visitor(port)
            sign_in(visitor, "bench.staff")
            for page in WARM:
                visitor.ask(f"/c01/{page}")
        sizes = [memory(process) for process in below(root)]
    return [
        ("start to the first page, both workers, CPU seconds", f"{started:.1f}"),
        ("sign-in, CPU ms (median)", f"{sorted(costs)[len(costs) // 2]:.0f}"),
        ("a worker after warm-up, RSS MB", " / ".join(f"{size['Rss']:.0f}" for size in sizes)),
        ("a worker after warm-up, PSS MB", " / ".join(f"{size['Pss']:.0f}" for size in sizes)),
    ]


def _cpu_of_tree(root: int) -> float:
    """CPU seconds of a process and of those it started, the finished ones too."""
    total = 0
    for process in (root, *below(root)):
        total += sum(map(int, Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:15]))
    return total / 100


def measure_writers(port: int) -> list[tuple[str, str]]:
    """Eight at once for half a minute on SQLite: by the canteen's service, then over HTTP."""
    with tempfile.TemporaryDirectory(prefix="jinlin-bench-") as place:
        folder = Path(place)
        url = f"sqlite:///{folder / 'jinlin.db'}"
        app = create_app(settings_of(url, folder))
        fill(app, Size(1_000, 4_000, 1_000))
        with app.app_context():
            first = area_ids()["c01"]
            found = _service(app, first)
        with served("jinlin", url, folder, port, first, workers=2):
            found += _over_http(port)
    return found


def _eight(work: Callable[[int, Callable[[], bool]], tuple[list[float], list[str]]]) -> tuple[list[float], list[str]]:
    """Run `work(number, goes_on)` in eight threads; the seconds of each write, and what went wrong."""
    end, took, wrong = time.monotonic() + SECONDS, [], []

    def run(number: int) -> None:
        times, errors = work(number, lambda: time.monotonic() < end)
        took.extend(times)
        wrong.extend(errors)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(took), wrong


def _service(app, community_id: int) -> list[tuple[str, str]]:
    path = f"/1/{community_id}/"
    with session_for(Scope(path, community_id), "the benchmark looks") as reading:
        diners = list(reading.scalars(sa.select(Diner.id)))
        kinds = list(reading.scalars(sa.select(MealKind.id)))

    def work(number: int, goes_on: Callable[[], bool]) -> tuple[list[float], list[str]]:
        times, errors, turn = [], [], 0
        with app.app_context():
            while goes_on():
                turn += 1
                day = today() + timedelta(days=1 + turn // (len(diners) * len(kinds) // WRITERS))
                place = (turn * WRITERS + number) % (len(diners) * len(kinds))
                before = time.monotonic()
                try:
                    with session_for(Scope(path, community_id), "a writer", writes=True) as writing:
                        _record(writing, diners[place // len(kinds)], kinds[place % len(kinds)], day)
                except OperationalError as error:
                    errors.append(str(error.orig))
                times.append(time.monotonic() - before)
        return times, errors

    took, wrong = _eight(work)
    return _said("service", took, wrong)


def _record(writing, diner_id: int, kind_id: int, day) -> None:
    """One meal by its row: what it may be was checked before the lock is taken."""
    writing.add(Meal(diner_id=diner_id, kind_id=kind_id, day=day, booked_on=day, way=Way.DINE_IN,
                     standard_price=15, self_pay=15, government=0, other_aid=0, source="counter",
                     recorded_by="bench", recorded_at=now()))


def _over_http(port: int) -> list[tuple[str, str]]:
    def work(number: int, goes_on: Callable[[], bool]) -> tuple[list[float], list[str]]:
        visitor, times, errors = Visitor(port), [], []
        sign_in(visitor, "bench.staff")
        form = visitor.ask("/c01/residents/tags/new/")[1]
        token = TOKEN.search(form).group(1)
        while goes_on():
            once = f"{random.getrandbits(120):030x}"
            before = time.monotonic()
            status, _page = visitor.ask("/c01/residents/tags/new/", {"csrf_token": token, "once": once,
                                                                     "name": f"标{once[:12]}", "note": ""})
            times.append(time.monotonic() - before)
            if status != 302:
                errors.append(f"HTTP {status}")
        return times, errors

    took, wrong = _eight(work)
    return _said("HTTP", took, wrong)


def _said(where: str, took: list[float], wrong: list[str]) -> list[tuple[str, str]]:
    return [
        (f"{WRITERS} writers for {SECONDS} s, {where}: commits a second", f"{(len(took) - len(wrong)) / SECONDS:.0f}"),
        (f"{where}: errors (“database is locked” and others)", str(len(wrong)) + (f" {set(wrong)}" if wrong else "")),
        (f"{where}: 99.9 % of the commits within, seconds", f"{took[int(len(took) * 0.999)]:.2f}"),
    ]

"""Kept figures: a thousand random changes compared at every step, and kill -9 while eight write."""
from __future__ import annotations

import random
import time

import sqlalchemy as sa

from core.areas.scope import EVERYWHERE, session_for
from core.extensions import db
from core.metrics.checking import check
from core.metrics.models import MetricFigure
from tests.changes import Change, compare, found, settle
from tests.faults.conftest import ROUNDS
from tests.faults.writing import AtWork, writers

STEPS = 1_000


def test_figures_equal_a_plain_count_at_every_one_of_a_thousand_steps(place, note):
    with place.app.app_context():
        settle(place)
        change, chance = Change(place, 2026), random.Random(2026)
        for _step in range(STEPS):
            change()
            compare(place, chance)
        assert found(place) == []
        db.session.remove()
    note(f"{STEPS} random changes, every way of reading compared with a plain count after each", "no difference")


def figures_there() -> int:
    with session_for(EVERYWHERE, "a test looks") as reading:
        return reading.scalar(sa.select(sa.func.count(MetricFigure.id)))


def test_figures_are_right_whenever_the_server_is_killed(server, look, note):
    server.start()
    people, cells, rounds = writers(server.port), 0, max(ROUNDS // 5, 2)
    for number in range(rounds):
        with AtWork(*(person.write_until for person in people)):
            time.sleep(random.Random(number).uniform(0.6, 1.6))
            server.kill()
        with look():
            assert [str(difference) for difference in check()] == []
            cells = figures_there()
        server.start()
    note(f"kill -9 of the server while 8 write, {rounds} rounds: figures against their records",
         f"no difference in {cells} cells")

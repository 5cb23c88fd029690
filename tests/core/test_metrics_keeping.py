"""Kept figures: after whatever people do, they are what a plain count of the records says."""
from __future__ import annotations

import random

import pytest

from core.extensions import db
from core.testing.place import Place
from tests.changes import Change, compare, found, settle


@pytest.fixture
def canteen(place: Place):
    """Diners in `upper`; at work in the app."""
    with place.app.app_context():
        settle(place)
        yield place
        db.session.remove()


def test_figures_equal_a_plain_count_after_random_changes(canteen):
    """A thousand of them, compared at every step, are in `make faults`."""
    change, chance = Change(canteen, 4711), random.Random(1)
    for step in range(120):
        change()
        if step % 6 == 5:
            compare(canteen, chance)
    assert found(canteen) == []

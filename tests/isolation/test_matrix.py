"""A small sample of the matrix for every run of the tests, drawn by a seed; `make walls` tries all of it."""
from __future__ import annotations

import random

import pytest

from tests.isolation.asking import Asker
from tests.isolation.crawl import by_hand, rules_of
from tests.isolation.matrix import SEED, Matrix, Tried
from tests.isolation.sides import BINNED, FAR, OTHER
from tests.isolation.world import SEATS, Seat, World

DRAWN = 6  # rules for each seat


def test_every_rule_has_a_case(asker: Asker) -> None:
    for rule, method in rules_of(asker):
        assert list(by_hand(asker, rule, method, SEATS[0])), (rule, method)


def test_every_text_of_the_neighbours_is_marked(asker: Asker) -> None:
    """Else a leak of that column could not be seen."""
    assert list(asker.books.unmarked(BINNED)) == []
    for side in (OTHER, FAR):
        assert set(asker.world.texts[side]) >= {"name", "phone", "identity", "once", "username", "field"}


def test_every_table_outside_the_communities_is_known_here(world: World) -> None:
    """A new table for accounts or areas needs marked rows in tests/isolation/world.py."""
    assert world.untold_tables() == set()


@pytest.mark.parametrize("seat", [SEATS[n] for n in (0, 2, 3, 4, 5)], ids=str)
def test_a_sample_of_the_rules_keeps_the_walls(asker: Asker, seat: Seat) -> None:
    rules = sorted({(rule.endpoint, method) for rule, method in rules_of(asker)})
    tried = Tried()
    Matrix(asker, seat, tried, 1).walk(random.Random(f"{SEED} {seat}").sample(rules, DRAWN))
    assert tried.found == []
    assert len({(e, m) for e, m, *_rest in tried.counts}) == DRAWN

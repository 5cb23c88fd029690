"""The whole matrix, every rule × seat × target × way, on both databases: `make walls`.

The table of what was tried goes to instance/matrix-<kind>.txt.
"""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.admin.screen import Screen
from tests.isolation.asking import Asker
from tests.isolation.crawl import rules_of
from tests.isolation.matrix import Matrix, Tried
from tests.isolation.world import SEATS, Seat

WHOLE = SEATS[0]  # every single way is tried for the manager, four a rule for the others
DRAWN = 4
TARGETS = {"own", "other", "binned", "far", "made-up", "malformed"}
WAYS = {"path", "query", "form", "hidden", "foreign key", "ajax", "filter", "search", "bulk", "json", "file", "header",
        "method"}


@pytest.fixture(scope="session")
def tried() -> Iterator[dict[str, Tried]]:
    """Kind → all that was tried; the tables are written when all is done."""
    kept: dict[str, Tried] = {}
    yield kept
    for kind, one in kept.items():
        table = Path("instance") / f"matrix-{kind}.txt"
        table.parent.mkdir(exist_ok=True)
        table.write_text(one.table() + "\n", encoding="utf-8")


@pytest.mark.parametrize("seat", SEATS, ids=str)
def test_every_rule_keeps_the_walls(asker: Asker, seat: Seat, kind: str, tried: dict[str, Tried]) -> None:
    one = tried.setdefault(kind, Tried())
    before = len(one.found)
    Matrix(asker, seat, one, None if seat == WHOLE else DRAWN).walk()
    assert one.found[before:] == []
    rules = {(rule.endpoint, method) for rule, method in rules_of(asker)}
    assert {(e, m) for e, m, s, _t, _w in one.counts if s == str(seat)} == rules


def test_every_way_and_target_was_tried(kind: str, tried: dict[str, Tried]) -> None:
    one = tried[kind]
    assert {target for _e, _m, _s, target, _w in one.counts} >= TARGETS
    assert {way for *_x, way in one.counts} >= WAYS


def test_an_own_id_is_told_from_a_made_up_one_wherever_a_rule_takes_ids(
    asker: Asker, kind: str, tried: dict[str, Tried]
) -> None:
    """Else a case would prove nothing. What nobody enters are views that a screen inherits and has no use for."""
    one = tried[kind]
    screens = [s for _module, found in asker.world.app.extensions["jinlin_screens"] for s in found]
    lists = {screen.endpoint for screen in screens if isinstance(screen, Screen)}
    assert {endpoint for endpoint, _method in one.never_entered() if endpoint.partition(".")[0] not in lists} == set()
    assert one.takes_ids - one.told_apart == set()
    assert len(one.takes_ids) > 50

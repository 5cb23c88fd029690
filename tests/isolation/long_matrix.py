"""The whole matrix: every rule × seat × target × way, on both databases (`make walls`; its table is printed)."""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.isolation.asking import Asker
from tests.isolation.crawl import rules_of
from tests.isolation.matrix import Matrix, Tried
from tests.isolation.world import SEATS, Seat

WHOLE = SEATS[0]  # every single way is tried for the manager, four a rule for the others
DRAWN = 4
TARGETS = {"own", "other", "binned", "far", "made-up", "malformed"}
WAYS = {"path", "query", "form", "hidden", "foreign key", "ajax", "filter", "search", "bulk", "json", "file", "header"}


@pytest.fixture(scope="session")
def tried() -> Iterator[dict[str, Tried]]:
    """Kind → all that was tried; the tables are written when all is done."""
    kept: dict[str, Tried] = {}
    yield kept
    for kind, one in kept.items():
        Path(f"matrix-{kind}.txt").write_text(one.table() + "\n", encoding="utf-8")
        print(f"\n{kind}: {one.table()}")


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


def test_an_own_id_is_told_from_a_made_up_one_wherever_a_rule_takes_ids(kind: str, tried: dict[str, Tried]) -> None:
    """Else a case would prove nothing: what nobody can enter is named, and so is what looks at no id."""
    one = tried[kind]
    shut = {endpoint for endpoint, method in one.never_entered()}
    assert not {endpoint for endpoint in shut if not endpoint.endswith(SHUT)}, shut
    assert one.entered - one.told_apart <= {(e, m) for e, m in one.entered if e in WITHOUT_IDS}


SHUT = (  # views that every screen inherits and that mean nothing for its model, answered 404 for all
    ".ajax_update", ".void_view", ".ajax_lookup", ".action_view", ".reveal_view", ".create_view", ".edit_view",
    ".delete_view", ".restore_view",
)
WITHOUT_IDS = {"account.home", "account.language", "account.large", "account.logout", "health.alive", "health.ready",
               "static", "plugin_static", "workbench.index"}

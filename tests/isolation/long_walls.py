"""Each wall alone: row-level security without the session's scope, and the session's scope without row-level security.

Both on PostgreSQL; on SQLite the whole matrix is the session's scope alone. The keys alone: test_keys.py.
"""
from __future__ import annotations

from typing import Any

import pytest

from tests.isolation.asking import Asker
from tests.isolation.matrix import Matrix, Tried
from tests.isolation.world import SEATS, Seat

ENTER = [seat for seat in SEATS if seat.role not in ("role ended", "no role", "signed out")]
pytestmark = pytest.mark.xdist_group("walls alone")
DRAWN = 1  # single ways for each rule, beside all of its ids at once


@pytest.fixture
def kind() -> str:
    """SQLite has no row-level security."""
    return "postgresql"


@pytest.mark.parametrize("seat", ENTER, ids=str)
def test_row_level_security_alone_keeps_every_rule(orm_scope_off: Any, asker: Asker, seat: Seat) -> None:
    tried = Tried()
    Matrix(asker, seat, tried, DRAWN).walk()
    assert tried.found == []


@pytest.mark.parametrize("seat", [ENTER[0], ENTER[3], ENTER[4]], ids=str)
def test_the_sessions_scope_alone_keeps_every_rule(row_security_off: Any, asker: Asker, seat: Seat) -> None:
    tried = Tried()
    Matrix(asker, seat, tried, DRAWN).walk()
    assert tried.found == []


def test_without_both_walls_the_matrix_is_red(orm_scope_off: Any, row_security_off: Any, asker: Asker) -> None:
    tried = Tried()
    Matrix(asker, SEATS[0], tried, 0).walk([("residents_people.index_view", "GET"), ("canteen_diners.edit_view", "GET"),
                                           ("residents_people.delete_view", "POST")])
    rules = {line.split(" ", 2)[1] + line.split("?")[0].rpartition("/quxow")[2] for line in tried.found}
    assert {rule.split("/", 1)[1] for rule in rules} == {"residents/people/", "canteen/diners/edit/",
                                                        "residents/people/delete/"}

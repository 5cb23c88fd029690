"""The matrix is itself tested: with the scope off for one model after the other it goes red, each time by its name."""
from __future__ import annotations

from typing import Any

import pytest

from core.admin.screen import Screen
from core.areas.tenancy import tenant_models
from core.testing.walk import not_limited
from tests.isolation.asking import Asker
from tests.isolation.cases import main_cases
from tests.isolation.crawl import crawl
from tests.isolation.pages import Ask
from tests.isolation.sides import FAR, NOBODY, OTHER
from tests.isolation.statements import reached_by_statements
from tests.isolation.world import SEATS, Seat


def first_leak(asker: Asker, seat: Seat, asks: list[tuple[str, Ask]]) -> str | None:
    """The first address that shows a neighbour's mark or answers for a neighbour's id otherwise than for nobody's."""
    broken = None
    for endpoint, ask in asks:
        own = asker.ask(seat, ask)
        if own.status >= 500:  # a page that breaks has shown nothing, but that it met a neighbour's row
            broken = broken or broken_by_neighbours(asker, seat, ask)
            continue
        if leaks := own.leaks(seat):
            return f"{ask.url}: {leaks[0]}"
        for case in main_cases(ask, own.names, endpoint):
            theirs, made_up = (asker.ask(seat, *case.put(side)) for side in (OTHER, NOBODY))
            if theirs.status < 500 and made_up.status < 500 and theirs.shape(made_up.sent) != made_up.shape(
                    theirs.sent):
                return f"{case.put(OTHER)[0].url}: answers otherwise"
    return broken


def broken_by_neighbours(asker: Asker, seat: Seat, ask: Ask) -> str:
    """A page that works where there are no neighbours at all: else it would be the test that breaks it."""
    with asker.books.without(OTHER.number, FAR.number):
        alone = asker.ask(seat, ask)
    assert alone.status < 500, alone.logged
    return f"{ask.url}: breaks on a neighbour's row"


def shown_models(asker: Asker) -> set[str]:
    """The tables that have a list of their own."""
    screens = [s for _module, found in asker.world.app.extensions["jinlin_screens"] for s in found]
    return {screen.model.__tablename__ for screen in screens if isinstance(screen, Screen)}


def test_the_matrix_goes_red_for_every_model_by_its_name(
    row_security_off: Any, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    seat = SEATS[0]
    asks = [(endpoint, offers[0]) for (endpoint, method), offers in crawl(asker, seat).items() if method == "GET"]
    assert first_leak(asker, seat, asks) is None
    by_address: dict[str, str | None] = {}
    for model in tenant_models():
        table = model.__tablename__
        near = sorted(asks, key=lambda pair: pair[0].rpartition(".")[0] not in places_of(asker, table))
        with not_limited(asker.world.app, model, monkeypatch):
            by_address[table] = first_leak(asker, seat, near)
            assert reached_by_statements(asker.world, model), table
    print("\n" + "\n".join(f"{table}: {leak or 'by statements only'}" for table, leak in by_address.items()))
    assert {table for table, leak in by_address.items() if leak} >= shown_models(asker) | {"import_batch"}
    assert first_leak(asker, seat, asks) is None


def places_of(asker: Asker, table: str) -> set[str]:
    """The endpoints that are likely to show a table: they are looked at first."""
    screens = [s for _module, found in asker.world.app.extensions["jinlin_screens"] for s in found]
    return {s.endpoint for s in screens if isinstance(s, Screen) and s.model.__tablename__ == table}

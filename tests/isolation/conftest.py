"""One world a kind of database for all tests here: each request is undone, so that none sees another's traces."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from core.extensions import db
from core.testing import KINDS
from core.testing.servers import make_app
from tests.isolation.asking import Asker
from tests.isolation.books import Books
from tests.isolation.world import World, make_world


@pytest.fixture(params=[pytest.param(kind, marks=pytest.mark.xdist_group(kind)) for kind in KINDS])
def kind(request: pytest.FixtureRequest) -> str:
    """All tests of a kind in one process: they share its world."""
    return request.param


@pytest.fixture(scope="session")
def worlds() -> Iterator[dict[str, Asker]]:
    """Kind → what asks in its world; made when it is first needed."""
    made: dict[str, Asker] = {}
    yield made
    for asker in made.values():
        asker.books.close()
        with asker.world.app.app_context():
            db.engine.dispose()


@pytest.fixture
def asker(
    kind: str, worlds: dict[str, Asker], servers: Any, tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Asker]:
    """What sends requests into the world of this kind."""
    if kind not in worlds:
        folder = tmp_path_factory.mktemp(f"world-{kind}")
        url = servers.empty(kind, folder)
        world = make_world(kind, url, make_app, folder)
        worlds[kind] = Asker(world, Books(url))
    without_wall = "row_security_off" in request.fixturenames  # looked up when a connection opens
    _reopen(worlds[kind], without_wall)
    yield worlds[kind]
    _reopen(worlds[kind], without_wall)


def _reopen(asker: Asker, anew: bool) -> None:
    if anew:
        with asker.world.app.app_context():
            db.engine.dispose()


@pytest.fixture
def world(asker: Asker) -> World:
    """The world itself."""
    return asker.world

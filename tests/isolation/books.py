"""Every row of every table: what a request changed, compared and undone."""
from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import sqlalchemy as sa

from core.areas.tenancy import tenant_models
from tests.isolation.sides import Side

Rows = dict[tuple[str, Any], Any]  # (table, primary key) → the row


class Books:
    """The database as it lies there, past the app and its walls (on PostgreSQL as the superuser)."""

    def __init__(self, url: str) -> None:
        self.sqlite = url.startswith("sqlite")
        if self.sqlite:
            self.raw: Any = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
            self.raw.execute("PRAGMA foreign_keys=OFF")
        else:
            import psycopg

            self.raw = psycopg.connect(sa.make_url(url).set(drivername="postgresql").render_as_string(
                hide_password=False), autocommit=True)
            self.raw.execute("SET session_replication_role = replica")  # undoing needs no order of tables
        self.columns: dict[str, list[str]] = {}
        self.keys = dict(self._tables())
        self.sequences = [] if self.sqlite else [row[0] for row in self.raw.execute(
            "SELECT quote_ident(schemaname) || '.' || quote_ident(sequencename) FROM pg_sequences")]
        self.kept = self.rows()
        self.start = [self.raw.execute(f"SELECT '{s}', last_value, is_called FROM {s}").fetchone()
                      for s in self.sequences]
        self.mark()

    def _tables(self) -> Iterator[tuple[str, list[str]]]:
        """Every table there is, whoever made it, with its primary key."""
        url = "sqlite://" if self.sqlite else "postgresql+psycopg://"
        engine = sa.create_engine(url, creator=lambda: self.raw, poolclass=sa.StaticPool)
        inspector = sa.inspect(engine)
        for table in inspector.get_table_names():
            self.columns[table] = [column["name"] for column in inspector.get_columns(table)]
            yield table, inspector.get_pk_constraint(table)["constrained_columns"]

    def rows(self) -> Rows:
        """All rows of all tables."""
        found: Rows = {}
        for table, keys in self.keys.items():
            what = "*" if self.sqlite else "to_jsonb(t)::text"
            key = ", ".join(f't."{k}"' for k in keys) or "t.ctid"
            for row in self.raw.execute(f'SELECT {key}, {what} FROM "{table}" t'):
                found[table, row[:len(keys)]] = row[len(keys):]
        return found

    def mark(self) -> None:
        """Before a request: what has changed is seen without reading any row; numbers are given as before."""
        if self.start:
            self.raw.execute("SELECT " + ", ".join(f"setval('{s}', {n}, {used})" for s, n, used in self.start))
        self.seen = self._version()

    def _version(self) -> Any:
        if self.sqlite:
            return self.raw.execute("PRAGMA data_version").fetchone()
        return self.raw.execute("SELECT pg_current_wal_insert_lsn()").fetchone()

    def effect(self) -> list[tuple[str, str, Any, Any]]:
        """(table, what, key, row) of everything changed since the mark; undone at once."""
        if self._version() == self.seen:
            return []
        now, changes = self.rows(), []
        for key in sorted({*self.kept, *now}, key=repr):
            before, after = self.kept.get(key), now.get(key)
            if before != after:
                what = "added" if before is None else "removed" if after is None else "changed"
                changes.append((key[0], what, key[1], after or before))
                self._put_back(key, before)
        return changes

    def _put_back(self, key: tuple[str, Any], row: Any) -> None:
        table, values = key
        sign = "?" if self.sqlite else "%s"
        where = " AND ".join(f'"{name}" = {sign}' for name in self.keys[table])
        self.raw.execute(f'DELETE FROM "{table}" WHERE {where}', values)
        if row is None:
            return
        if self.sqlite:
            self.raw.execute(f'INSERT INTO "{table}" VALUES ({", ".join("?" * len(row))})', row)
        else:
            self.raw.execute(f'INSERT INTO "{table}" SELECT * FROM jsonb_populate_record(NULL::"{table}", %s::jsonb)',
                             row)

    def named(self, table: str, row: Any) -> dict[str, Any]:
        """A row by the names of its columns."""
        return dict(zip(self.columns[table], row, strict=True)) if self.sqlite else json.loads(row[0])

    @contextmanager
    def without(self, *communities: int) -> Iterator[None]:
        """As if these communities had no records at all."""
        for table, columns in self.columns.items():
            if {"community_id", "row_version"} <= set(columns):
                self.raw.execute(f'DELETE FROM "{table}" WHERE community_id IN ({", ".join(map(str, communities))})')
        everything, self.kept = self.kept, self.rows()
        try:
            yield
        finally:
            self.kept, self.seen = everything, None
            self.effect()

    def unmarked(self, side: Side) -> Iterator[str]:
        """Text columns of tenant tables that are empty in the side's record."""
        for table in (model.__table__ for model in tenant_models()):
            for column in table.columns:
                if isinstance(column.type, sa.String) and not isinstance(column.type, sa.Enum):
                    found = self.raw.execute(f'SELECT "{column.key}" FROM "{table.name}" WHERE id = {side.number}')
                    if not found.fetchone()[0]:
                        yield f"{table.name}.{column.key}"

    def close(self) -> None:
        """Let the connection go."""
        with closing(self.raw):
            pass

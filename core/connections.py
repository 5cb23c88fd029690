"""Connections that outlive a restart of the database, or a folder that is away for a moment.

A connection that has gone stale is noticed before it is used, so that a restart costs nobody an error for each one in
the pool (docs/decisions/stale-connections.md); a database that has just gone is waited for, a missing file is never
made anew in its place.
"""
from __future__ import annotations

import os
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from urllib.parse import quote

import psycopg
import sqlalchemy as sa
from sqlalchemy import event

PATIENCE_SECONDS = 15  # what a request waits for a database that went away
# A server that vanished without a word (power, network) is noticed in seconds, not in a quarter of an hour.
LIVELY = {"connect_timeout": 5, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3,
          "tcp_user_timeout": 15_000}
GONE = ("disk I/O error", "unable to open database file", "malformed")  # SQLite: open it anew


_patient = ContextVar("patient", default=True)


@contextmanager
def at_once() -> Iterator[None]:
    """Inside, a database that is away is not waited for."""
    before = _patient.set(False)
    try:
        yield
    finally:
        _patient.reset(before)


def outlive_outages(engine: sa.Engine) -> None:
    """Prepare an engine, before its first connection."""
    outage = _Outage()
    event.listen(engine, "do_connect", outage.connect)
    if engine.dialect.name == "sqlite":
        path = engine.url.database or ""
        event.listen(engine, "connect", lambda _connection, record: record.info.update(file=_identity(path)))
        event.listen(engine, "checkout", lambda _c, record, _f: _check_file(path, record.info["file"]))
        event.listen(engine, "handle_error", _renew_after)
    else:
        event.listen(engine, "checkout", _check_line)
        engine.dialect.do_rollback = _roll_back  # type: ignore[method-assign]


class _Outage:
    """When the database went away, as far as this process has seen."""

    def __init__(self) -> None:
        self.was_there = False  # at the first start a wrong address is told at once
        self.since: float | None = None

    def connect(self, dialect: Any, _record: object, arguments: Any, options: dict[str, Any]) -> Any:
        """Open a connection, waiting while the outage is young; raises the driver's error when it is not."""
        if dialect.name != "sqlite":
            options = {**LIVELY, **options}
        elif self.was_there:  # an empty database in place of the missing one would look like lost data
            arguments, options = [f"file:{quote(os.path.abspath(arguments[0]))}?mode=rw"], {**options, "uri": True}
        while True:
            try:
                made = dialect.connect(*arguments, **options)
                self.was_there, self.since = True, None
                return made
            except dialect.loaded_dbapi.OperationalError:
                if not self.was_there or not _patient.get() or not self._is_young():
                    raise
                time.sleep(random.uniform(0.05, 0.2))

    def _is_young(self) -> bool:
        began = self.since = self.since or time.monotonic()
        return time.monotonic() - began < PATIENCE_SECONDS


def _check_line(connection: psycopg.Connection, _record: object, _fairy: object) -> None:
    """A server that ended has said so on the line: looked at without asking it (0.5 µs; a ping takes 170)."""
    try:
        connection.pgconn.consume_input()  # its last words
        connection.pgconn.consume_input()  # the end of the line
    except psycopg.OperationalError as error:
        raise sa.exc.InvalidatePoolError from error


def _roll_back(connection: Any) -> None:
    """A server that ended has rolled back by itself: what was read until then stands."""
    try:
        connection.rollback()
    except psycopg.OperationalError:
        if not connection.closed:
            raise


def _check_file(path: str, known: tuple[int, int]) -> None:
    """A file that was moved or replaced is not the one that this connection writes to."""
    if _identity(path) != known:
        raise sa.exc.DisconnectionError


def _identity(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return (0, 0)
    return status.st_dev, status.st_ino


def _renew_after(context: Any) -> None:
    """After such an error this connection would fail for ever."""
    if isinstance(context.original_exception, sqlite3.Error):
        context.is_disconnect = any(words in str(context.original_exception) for words in GONE)

"""The database: engine, sessions that read or write, and the column types of every table."""
from __future__ import annotations

import enum
import random
import sqlite3
import threading
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as FlaskSession
from sqlalchemy import event
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from core.errors import ScopeError

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
LOCK_WAIT_SECONDS = 10
LONG_WAIT_SECONDS, LONG_WAITS = 1, 4  # so many requests of a process may wait longer; its other threads go on reading
READ_WAIT_MS = 5000  # a reader waits only while the journal is put in order after a crash


class Base(DeclarativeBase):
    """The root of all models; column names of a constraint are all in its name, or names collide."""

    metadata = sa.MetaData(naming_convention=NAMES)


class ScopedSession(FlaskSession):
    """A session that reads only, unless `info["writes"]` was set before its first statement."""

    def get_bind(self, mapper: Any = None, clause: Any = None, bind: Any = None, **kwargs: Any) -> Any:
        """The engine with what the session's transactions begin with: whether they may write, and the scope."""
        engine = super().get_bind(mapper, clause, bind, **kwargs)
        return self._own(engine) if isinstance(engine, sa.Engine) else engine

    def _own(self, engine: sa.Engine) -> sa.Engine:
        """Made once a session: another engine, even of the same options, would open another connection."""
        wants = (engine, self.info.get("writes", False), self.info.get("waits", True), self.info.get("scope_setting"))
        if self.info.get("bound_as") != wants:
            if "bound_as" in self.info and self.in_transaction():
                raise ScopeError("a transaction keeps the scope and the right to write that it began with")
            wait = LOCK_WAIT_SECONDS if wants[2] else 0
            self.info["bound_as"] = wants
            self.info["bound"] = engine.execution_options(writes=wants[1], lock_wait=wait, scope_setting=wants[3])
        return self.info["bound"]

    def read_on(self) -> None:
        """After the commit: what is read for the answer takes no lock for which other writers wait."""
        self.rollback()
        self.info["writes"] = False

    def _past_the_scope(self, *_args: Any, **_kwargs: Any) -> None:
        """The old bulk methods pass every check of rows by."""
        raise ScopeError("bulk methods cannot be limited to a community")

    bulk_save_objects = bulk_insert_mappings = bulk_update_mappings = _past_the_scope


db = SQLAlchemy(model_class=Base, session_options={"class_": ScopedSession})

BigId = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def prepare_sqlite(engine: sa.Engine) -> None:
    """Make readers never wait and writers wait fairly (docs/decisions/sqlite-transactions.md)."""
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin_sqlite)


def _set_pragmas(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # the begin event decides, not the driver
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", f"busy_timeout={READ_WAIT_MS}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql(f"PRAGMA query_only={'OFF' if writes else 'ON'}")  # a GET that writes fails at once
    if writes:
        _begin_immediate(connection)
    else:
        connection.exec_driver_sql("BEGIN")


_long_waits = threading.BoundedSemaphore(LONG_WAITS)


def _begin_immediate(connection: sa.Connection) -> None:
    """Take the write lock; short random waits are fairer than SQLite's own growing ones."""
    raw, began = connection.connection.driver_connection, time.monotonic()
    wait, waits_long = connection.get_execution_options()["lock_wait"], False
    raw.execute("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                return
            except sa.exc.OperationalError as error:
                waited = time.monotonic() - began
                if "locked" not in str(error.orig) or waited > wait:
                    raise
                if waited > LONG_WAIT_SECONDS and not waits_long:
                    waits_long = _long_waits.acquire(blocking=False)
                    if not waits_long:
                        raise
            time.sleep(random.uniform(0.0005, 0.004))
    finally:
        if waits_long:
            _long_waits.release()
        raw.execute(f"PRAGMA busy_timeout={READ_WAIT_MS}")


class Money(TypeDecorator[Decimal]):
    """Yuan with two places, stored as whole fen so that sums are exact on every database."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: sa.Dialect) -> int | None:
        """Yuan to fen; more than two places are a fault of the caller."""
        if value is None:
            return None
        fen = Decimal(value) * 100
        if fen != fen.to_integral_value():
            raise ValueError("an amount has at most two places")
        return int(fen)

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> Decimal | None:
        """Fen to yuan."""
        return None if value is None else Decimal(value) / 100


class Moment(TypeDecorator[datetime]):
    """A moment in UTC (SQLite keeps no zone; it is put back on reading)."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Refuse moments without a zone: they would be somebody's local time."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Always with the zone UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Choice(enum.StrEnum):
    """A closed list of words; each member has a lazy `label`. Declared as NAME = "value", label."""

    label: object

    def __new__(cls, value: str, label: object) -> Choice:
        """Keep the label beside the stored value."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member


def choice_column(choice: type[Choice]) -> sa.Enum:
    """A column type that stores the values of a Choice as text with a check constraint."""
    return sa.Enum(
        choice, native_enum=False, length=32, name=choice.__name__.lower(),
        values_callable=lambda c: [m.value for m in c],
    )

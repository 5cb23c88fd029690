"""The keys of the schema alone: no row of a community points into another one, not even past all code."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from core.areas.tenancy import TenantModel, tenant_models
from tests.isolation.sides import FAR, OTHER, OWN, OWN_BINNED
from tests.isolation.world import World


@contextmanager
def past_the_code(world: World) -> Iterator[sa.Connection]:
    """A connection of the database's owner, without the app; nothing is kept."""
    url = sa.make_url(world.url)
    engine = sa.create_engine(url if world.kind == "sqlite" else url.set(drivername="postgresql+psycopg"),
                              poolclass=sa.NullPool)
    with engine.connect() as connection:
        if world.kind == "sqlite":
            connection.exec_driver_sql("PRAGMA foreign_keys=ON")
            connection.commit()
        yield connection
        connection.rollback()


def refused_by_key(connection: sa.Connection, statement: sa.Executable) -> bool:
    """Whether a foreign key refuses it (no other rule)."""
    try:
        with connection.begin_nested():
            connection.execute(statement)
    except IntegrityError as error:
        return "FOREIGN KEY" in str(error.orig) or getattr(error.orig, "sqlstate", "") == "23503"
    return False


def references() -> list[tuple[type[TenantModel], sa.Column]]:
    """Every column that refers to a record."""
    return [(model, column) for model in tenant_models() for column in model.__table__.columns
            if column.info.get("references")]


def test_no_row_can_be_changed_to_point_into_another_community(world: World) -> None:
    with past_the_code(world) as connection:
        for model, column in references():
            own = sa.update(model.__table__).where(model.__table__.c.id == OWN.number)
            for side in (OTHER, FAR):
                assert refused_by_key(connection, own.values({column.key: side.number})), column
            assert not refused_by_key(connection, own.values({column.key: OWN_BINNED.number})), column


def _apart(table: sa.Table, changed: sa.Column) -> dict[str, Any]:
    """Other values where two rows may not have the same: only a foreign key is to refuse the row."""
    found = {}
    for index in table.indexes:
        first = next(c for c in index.columns if c.key != "community_id")
        if index.unique and changed.key not in index.columns and index.dialect_options["sqlite"]["where"] is None:
            other: Any = sa.literal(OWN.number) if first.info.get("references") else first + 50
            found[first.key] = other if isinstance(first.type, sa.Integer) else first
    return found


def test_no_row_can_be_added_that_points_into_another_community(world: World) -> None:
    with past_the_code(world) as connection:
        for model, column in references():
            table = model.__table__
            kept = {c.key: c for c in table.columns} | _apart(table, column) | {"id": sa.literal(OWN.number + 50)}
            for side in (OTHER, FAR):
                row = sa.select(*(kept | {column.key: sa.literal(side.number)}).values()).where(
                    table.c.id == OWN_BINNED.number)
                assert refused_by_key(connection, sa.insert(table).from_select(list(kept), row)), column


def test_no_row_can_be_moved_away_from_what_it_refers_to(world: World) -> None:
    with past_the_code(world) as connection:
        for model in {model for model, _column in references()}:
            moved = sa.update(model.__table__).where(model.__table__.c.id == OWN.number)
            assert refused_by_key(connection, moved.values(community_id=OTHER.number)), model

"""What is left in the database of plugins that are no longer installed: kept whole until they are back."""
from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from core.migrations.chains import CORE

VERSION = "alembic_version_"


def plugins_left(connection: sa.Connection, known: Collection[str]) -> dict[str, list[str]]:
    """Plugin → its tables, for every plugin whose migrations ran here and that is not `known` any more."""
    there = sa.inspect(connection).get_table_names()
    gone = {table.removeprefix(VERSION) for table in there if table.startswith(VERSION)} - {CORE, *known}
    return {plugin: sorted(t for t in there if t.startswith(f"{plugin}_")) for plugin in sorted(gone)}


def rows_left(connection: sa.Connection, table: str, communities: Collection[int]) -> dict[int, int]:
    """Community → how many rows of a table that no model knows; {} for a table without communities."""
    if "community_id" not in {column["name"] for column in sa.inspect(connection).get_columns(table)}:
        return {}
    if connection.dialect.name == "postgresql":  # row-level security shows the rows of the scope alone
        connection.exec_driver_sql(f"SET LOCAL app.scope = '{','.join(str(int(i)) for i in communities)}'")
    owner = sa.column("community_id", sa.BigInteger)
    counted = sa.select(owner, sa.func.count()).select_from(sa.table(table, owner)).where(owner.in_(communities))
    return {community: number for community, number in connection.execute(counted.group_by(owner))}

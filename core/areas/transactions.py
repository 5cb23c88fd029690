"""How a transaction of the server begins on PostgreSQL: as the application role and with its scope, in one round trip.

Everything holds for the transaction alone (SET LOCAL): a connection that goes back to the pool, or that a transaction
pooler gives to the next client, carries nothing over (docs/decisions/row-level-security.md).
"""
from __future__ import annotations

import psycopg
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.pool import ConnectionPoolEntry

NO_SCOPE = "SET LOCAL app.scope = ''"  # also where somebody has set it for the whole session
APPLICATION_ROLE = r"""
    SELECT role.rolname FROM pg_class, aclexplode(pg_class.relacl) AS held JOIN pg_roles role ON role.oid = held.grantee
    WHERE pg_class.oid = to_regclass('area') AND held.privilege_type = 'INSERT' AND held.grantee <> pg_class.relowner
        AND role.rolname LIKE '%\_app' AND pg_has_role(role.oid, 'MEMBER')
    ORDER BY role.rolname <> current_database() || '_app', role.rolname LIMIT 1
"""  # by its rights, not by the database's name: a copied or renamed database keeps its role


def prepare_postgresql(engine: sa.Engine) -> None:
    """Every transaction of this engine, of a session or not, begins as `_begin` says."""
    event.listen(engine, "connect", _get_ready)
    event.listen(engine, "begin", _begin)


def _get_ready(connection: psycopg.Connection, entry: ConnectionPoolEntry) -> None:
    connection.autocommit = True  # `_begin` sends the BEGIN, together with the rest
    connection.prepare_threshold = None  # behind a transaction pooler the next transaction may meet another server
    found = connection.execute(APPLICATION_ROLE).fetchone()
    entry.info["role"] = found and '"' + found[0].replace('"', '""').replace("%", "%%") + '"'


def _begin(connection: sa.Connection) -> None:
    options = connection.get_execution_options()
    steps = ["BEGIN" if options.get("writes") else "BEGIN READ ONLY"]
    if role := connection.info["role"]:
        steps.append(f"SET LOCAL ROLE {role}")
    steps.append(options.get("scope_setting") or NO_SCOPE)
    connection.exec_driver_sql("; ".join(steps))

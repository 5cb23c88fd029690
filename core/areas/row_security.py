"""Wall 4: PostgreSQL's row-level security on every table that holds a community's rows (docs/tenancy.md).

`raise_wall` makes policies, the application role and its rights, as often as one likes; it ends by reading the
catalogue back. All of it is found in the database itself: tables of a plugin that is no longer installed count too.
"""
from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from core.areas.transactions import APPLICATION_ROLE
from core.errors import SetupError

LOG = logging.getLogger("jinlin.walls")
POLICY = "own_communities"
CONDITION = "community_id IN (SELECT unnest(string_to_array(current_setting('app.scope', true), ',')::bigint[]))"
ANY_ROLE, ALL_COMMANDS = [0], "*"  # as pg_policy says them
OPEN = {"plugin_switch"}  # the gate asks which modules are on before there is a scope; names of modules and days alone

TABLES = """
    SELECT t.relname AS name, t.relkind AS kind, t.relrowsecurity AS enabled, t.relforcerowsecurity AS forced,
        t.relowner AS owner, COALESCE((
            SELECT json_agg(json_build_array(p.polname, p.polcmd, p.polpermissive, p.polroles::bigint[],
                pg_get_expr(p.polqual, t.oid), pg_get_expr(p.polwithcheck, t.oid)) ORDER BY p.polname)
            FROM pg_policy p WHERE p.polrelid = t.oid), '[]'::json) AS policies
    FROM pg_class t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = 'community_id' AND NOT a.attisdropped
    WHERE t.relnamespace = to_regnamespace(current_schema()) AND t.relkind IN ('r', 'p') ORDER BY t.relname
"""
ROLE = """
    SELECT rolname AS name, rolsuper OR rolbypassrls AS passes, rolsuper OR rolcreaterole AS may_create,
        ARRAY(SELECT DISTINCT t.relname::text FROM pg_class t
              WHERE t.relnamespace = to_regnamespace(current_schema()) AND t.relkind IN ('r', 'p')
                AND pg_has_role(r.oid, t.relowner, 'MEMBER') ORDER BY 1) AS owns
    FROM pg_roles r WHERE rolname = %s
"""


@dataclass(frozen=True)
class Table:
    """A table with a community in each row, as the catalogue knows it."""

    name: str
    kind: str
    enabled: bool
    forced: bool
    owner: int
    policies: list[list[Any]]

    @property
    def walled(self) -> bool:
        """Whether it is forced and has our policy and no other."""
        wanted = [[POLICY, ALL_COMMANDS, True, ANY_ROLE, _plain(CONDITION), _plain(CONDITION)]]
        return self.enabled and self.forced and wanted == [
            [*head, _plain(using), _plain(check)] for *head, using, check in self.policies
        ]


def _plain(expression: str | None) -> str:
    """Without what PostgreSQL adds when it writes an expression out again."""
    return re.sub(r"::text\b|\bAS unnest\b|[\s()]", "", expression or "")


def community_tables(connection: sa.Connection) -> list[Table]:
    """Every table with a column `community_id`, of whichever plugin, but those that are open."""
    rows = connection.exec_driver_sql(TABLES).mappings()
    return [Table(**row) for row in rows if row["name"] not in OPEN]


def raise_wall(connection: sa.Connection) -> None:
    """Policies, application role and rights, then a look whether they hold; the connection is the owner's.

    Raises SetupError that names the table or the role and says what to do.
    """
    for table in community_tables(connection):
        if not table.walled:
            _wall_in(connection, table.name)
    role = _application_role(connection)
    if role is not None:
        _grant(connection, role)
    if faults := wall_faults(connection, role):
        raise SetupError("\n".join(faults))


def _wall_in(connection: sa.Connection, table: str) -> None:
    name = _quoted(connection, table)
    for statement in (
        f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY", f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY",
        f"DROP POLICY IF EXISTS {POLICY} ON {name}",
        f"CREATE POLICY {POLICY} ON {name} USING ({CONDITION}) WITH CHECK ({CONDITION})",
    ):
        connection.exec_driver_sql(statement)


def _quoted(connection: sa.Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote_identifier(name).replace("%", "%%")


def _application_role(connection: sa.Connection) -> str | None:
    """The role that has the rights already, or `<database>_app`; None where the owner may not create roles."""
    if found := connection.exec_driver_sql(APPLICATION_ROLE.replace("%", "%%")).scalar():
        return found
    user, database = connection.exec_driver_sql("SELECT current_user, current_database()").one()
    name = f"{database[:59]}_app"
    if _role(connection, name) is None:
        if not _role(connection, user)["may_create"]:
            LOG.warning("%s may not create roles: row-level security holds against the owner itself (FORCE)", user)
            return None
        connection.exec_driver_sql(f"CREATE ROLE {_quoted(connection, name)} NOLOGIN")
    try:
        connection.exec_driver_sql(f"GRANT {_quoted(connection, name)} TO CURRENT_USER")
    except sa.exc.DBAPIError as error:
        raise SetupError(_("The role %(role)s is there, but %(user)s may not become it. Ask the database's "
                           "administrator for: GRANT %(role)s TO %(user)s", role=name, user=user)) from error
    return name


def _role(connection: sa.Connection, name: str) -> Any:
    return connection.exec_driver_sql(ROLE, (name,)).mappings().first()


def _grant(connection: sa.Connection, role: str) -> None:
    """What the server needs and no more: no TRUNCATE, no DDL; how far the migrations are it may read."""
    to, rows = _quoted(connection, role), "SELECT, INSERT, UPDATE, DELETE"
    schema = _quoted(connection, connection.exec_driver_sql("SELECT current_schema()").scalar_one())
    notes = [name for name in sa.inspect(connection).get_table_names() if name.startswith("alembic_version_")]
    for statement in (
        f"GRANT USAGE ON SCHEMA {schema} TO {to}", f"GRANT {rows} ON ALL TABLES IN SCHEMA {schema} TO {to}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {to}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT {rows} ON TABLES TO {to}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT USAGE ON SEQUENCES TO {to}",
        *(f"REVOKE INSERT, UPDATE, DELETE ON {_quoted(connection, name)} FROM {to}" for name in notes),
    ):
        connection.exec_driver_sql(statement)


def wall_faults(connection: sa.Connection, role: str | None) -> list[str]:
    """What is wrong with the wall, in sentences that name the table or the role; [] where it holds."""
    found = []
    for table in community_tables(connection):
        others = "、".join(policy[0] for policy in table.policies if policy[0] != POLICY)
        if others:
            found.append(_("The table %(table)s has other policies that could open it: %(others)s. Remove them with "
                           "DROP POLICY, then run: jinlin db upgrade", table=table.name, others=others))
        elif not table.walled:
            found.append(_("Row-level security does not hold for the table %(table)s. Run as its owner: "
                           "jinlin db upgrade", table=table.name))
    worker = _role(connection, role or connection.exec_driver_sql("SELECT current_user").scalar_one())
    if worker["passes"]:
        found.append(_("The role %(role)s passes row-level security by. Have the database's administrator run: ALTER "
                       "ROLE %(role)s NOSUPERUSER NOBYPASSRLS", role=worker["name"]))
    if role is not None and worker["owns"]:
        found.append(_("The role %(role)s owns tables (%(tables)s); the server must not work as their owner. Give "
                       "them to the owner of the database with ALTER TABLE … OWNER TO, or REVOKE the owner's role from "
                       "it.", role=role, tables="、".join(worker["owns"])))
    return found


def check_row_security(connection: sa.Connection) -> None:
    """Asked as the server before it serves, in the role that it works as. Raises SetupError in words."""
    role = connection.exec_driver_sql("SELECT current_user").scalar_one()
    names = [table.name for table in community_tables(connection)]
    active = "SELECT name FROM unnest(%s::text[]) name WHERE NOT row_security_active(quote_ident(name))"
    if opened := connection.exec_driver_sql(active, (names,)).scalars().all():
        raise SetupError(_("As the role %(role)s the server would see the rows of every community (%(tables)s), so it "
                           "does not start. Run “jinlin db upgrade” with the database's owner in "
                           "JINLIN_DATABASE_URL; if it says this again, the role must not be a superuser nor have "
                           "BYPASSRLS.", role=role, tables="、".join(opened)))
    if connection.info.get("role") is None:
        LOG.warning("the server works as %s, there is no application role: row-level security holds by FORCE", role)

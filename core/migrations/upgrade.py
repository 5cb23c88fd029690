"""Bring the database up to date: one chain and one version table for the core and for each plugin."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from alembic.script.revision import ResolutionError
from flask import current_app
from flask_babel import gettext as _

from core.areas.models import Area
from core.areas.row_security import raise_wall
from core.errors import SetupError
from core.extensions import LOCK_WAIT_SECONDS, db
from core.migrations.chains import (
    CORE,
    Chain,
    alone,
    chain_of,
    chains,
    check_tables,
    only_its_own,
    plugins,
    remember,
)

LOCK = 0x6A696E6C696E  # "jinlin": of two upgrades of one PostgreSQL database the second waits


def pending() -> list[str]:
    """The chains that are behind."""
    with db.engine.connect() as connection:
        return [chain.name for chain in chains() if _waiting(chain, connection)]


def _waiting(chain: Chain, connection: sa.Connection) -> list[str]:
    context = MigrationContext.configure(connection, opts={"version_table": chain.version_table})
    try:
        return list(_steps(chain.script(), context.get_current_revision()))
    except SetupError as newer:
        if chain.name == CORE:
            raise
        remember(chain, str(newer))  # the plugin is left out at the next start
        return []


def leave_unready_out() -> None:
    """Before serving: a plugin without its tables would break every page that looks at all records."""
    manager = plugins()
    for chain in [chain_of(manager, name) for name in manager.names]:
        if chain is not None:
            with alone(chain), db.engine.connect() as connection:
                check_tables(connection, chain.name)


def check_not_newer(revisions: dict[str, str]) -> None:
    """Raises SetupError if one of these (chain → how far) is unknown here; plugins not installed do not count."""
    for chain in chains():
        if current := revisions.get(chain.name):
            list(_steps(chain.script(), current))


def _steps(script: ScriptDirectory, current: str | None) -> Iterator[str]:
    try:
        for revision in reversed(list(script.iterate_revisions("heads", current or "base"))):
            if revision.revision != current:
                yield revision.revision
    except ResolutionError as error:
        raise SetupError(_("The data are newer than this program (%(reason)s). Please install the newer program.",
                           reason=error)) from error


def upgrade() -> list[str]:
    """Run what is pending, each chain in one transaction; returns "chain: revision" of what ran.

    A plugin's chain that fails changes nothing and is named in `manager.faults`; the others go on.
    SQLite runs with foreign keys off (tables are rebuilt) and is checked at the end.
    """
    done = []
    with owner_engine() as engine:
        for chain in chains():
            with alone(chain), engine.connect() as connection:
                done += _upgrade_chain(chain, connection)
    return done


@contextmanager
def owner_engine() -> Iterator[sa.Engine]:
    """The database as its owner: tables may be changed. After it the server's own connections are opened anew.

    On PostgreSQL row-level security holds for the owner too: a transaction says `see_every_row` first.
    """
    if db.engine.dialect.name == "sqlite":
        yield db.engine.execution_options(writes=True, lock_wait=LOCK_WAIT_SECONDS)
        return
    engine = sa.create_engine(current_app.extensions["jinlin_settings"].database_url, poolclass=sa.NullPool)
    try:
        yield engine
    finally:
        db.engine.dispose()  # they may have to work as another role now


def _upgrade_chain(chain: Chain, connection: sa.Connection) -> list[str]:
    sqlite = connection.dialect.name == "sqlite"
    if sqlite:
        connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")
    try:
        with connection.begin():
            done = run_chain(chain, connection)
            if chain.name != CORE:
                check_tables(connection, chain.name)
            if sqlite and (broken := connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()):
                raise SetupError(_("The upgrade of %(name)s would leave %(count)s rows that point nowhere. "
                                   "Nothing of it was changed.", name=chain.name, count=len(broken)))
        return done
    finally:
        if sqlite:
            connection.connection.driver_connection.execute("PRAGMA foreign_keys=ON")


def run_chain(chain: Chain, connection: sa.Connection) -> list[str]:
    """What is pending of a chain, in the transaction of the connection."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
    see_every_row(connection)
    context = MigrationContext.configure(
        connection, opts={"version_table": chain.version_table, "render_as_batch": True}
    )
    context._ensure_version_table()
    script, done = chain.script(), []
    with nullcontext() if chain.name == CORE else only_its_own(connection, chain.name):
        for revision in list(_steps(script, context.get_current_revision())):
            with Operations.context(context):
                script.get_revision(revision).module.upgrade()
            _note(context, chain, revision)
            done.append(f"{chain.name}: {revision}")
    if connection.dialect.name == "postgresql":
        raise_wall(connection)
    return done


def see_every_row(connection: sa.Connection) -> None:
    """Under row-level security a migration without all ids in scope would change nothing, silently."""
    if connection.dialect.name == "postgresql" and sa.inspect(connection).has_table(Area.__tablename__):
        ids = connection.execute(sa.select(Area.id)).scalars().all()
        connection.exec_driver_sql(f"SET LOCAL app.scope = '{','.join(str(int(i)) for i in ids)}'")


def _note(context: MigrationContext, chain: Chain, revision: str) -> None:
    version = sa.table(chain.version_table, sa.column("version_num"))
    connection = context.connection
    connection.execute(version.delete())
    connection.execute(version.insert().values(version_num=revision))

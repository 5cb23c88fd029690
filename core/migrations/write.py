"""Write a plugin's next migration from its models, by Alembic's comparison with the tables that its chain makes."""
from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from alembic.operations.ops import UpgradeOps
from sqlalchemy.types import TypeDecorator

from core.extensions import db
from core.migrations.chains import CORE, Chain, chain_of, plugins
from core.migrations.upgrade import chains, owner_engine, run_chain

FILE = '''"""{message}."""
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {below}


def upgrade() -> None:
    """{message}."""
    {code}
'''
NOISE = re.compile(r"\n? *# ###[^\n]*|,\n *info=\{[^}]*\}")
BREAKS = re.compile(r"[^\w ]+")


def write_migration(name: str, message: str) -> Path | None:
    """The new file; None where there is nothing to change. The app's database is empty and is filled on the way."""
    manager = plugins()
    chain = chain_of(manager, name)
    before = [c for c in chains() if c.name in (CORE, *manager.with_requirements(name))]
    with owner_engine() as engine, engine.connect() as connection:
        for each in before:
            with connection.begin():
                run_chain(each, connection)
        steps = difference(connection, name)
    if chain is None or steps.is_empty():
        return None
    code = NOISE.sub("", render_python_code(steps, render_as_batch=True, render_item=_plain_type)).strip()
    return _write(chain, " ".join(BREAKS.sub(" ", message).split())[:60] or "change", code)


def difference(connection: sa.Connection, name: str) -> UpgradeOps:
    """What would have to be done to the tables of a plugin so that they are those of its models."""
    context = MigrationContext.configure(connection, opts={"include_object": lambda *asked: _is_of(name, *asked)})
    return produce_migrations(context, db.metadata).upgrade_ops


def _is_of(name: str, thing: Any, own_name: str | None, kind: str, _reflected: bool, _other: Any) -> bool:
    table = own_name if kind == "table" else thing.table.name
    return (table or "").startswith(f"{name}_")


def _plain_type(kind: str, thing: Any, _context: Any) -> str | bool:
    """Our column types as what the database stores; a migration must not change when the types do."""
    if kind != "type":
        return False
    if isinstance(thing, sa.Enum):
        return f"sa.String({thing.length})"
    if isinstance(thing, TypeDecorator):
        return "sa." + repr(thing.impl)
    return False


def _write(chain: Chain, message: str, code: str) -> Path:
    versions = chain.folder / "versions"
    versions.mkdir(parents=True, exist_ok=True)
    (chain.folder / "__init__.py").touch()
    head = chain.script().get_current_head()
    number = len(list(chain.script().walk_revisions())) + 1
    file = versions / f"{number:04}_{message.replace(' ', '_').lower()}.py"
    file.write_text(FILE.format(
        message=message[:1].upper() + message[1:], revision=f"{chain.name}_{number:04}",
        below=f'"{head}"' if head else None, code=code,
    ), encoding="utf-8")
    return file

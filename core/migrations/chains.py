"""The chains of migrations: one for the core and one for each plugin, and what a plugin's chain may not do.

A plugin whose chain fails is off until it is mended: the failure is remembered beside the data, so that the server
leaves the plugin out before it is imported, until its migrations have changed or `jinlin db upgrade` has got through.
"""
from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from alembic.script import ScriptDirectory
from flask import current_app

from core.config import Settings
from core.plugin_manager import PluginManager
from core.plugin_models import models_of, package_of
from core.plugin_rules import PluginFault

CORE = "core"
FAILED = "plugin-migrations.json"
LONGEST_REVISION = 32  # what Alembic's version column holds


@dataclass(frozen=True)
class Chain:
    """The migrations of the core or of one plugin."""

    name: str
    folder: Path

    @property
    def version_table(self) -> str:
        """Where the database notes how far it is."""
        return f"alembic_version_{self.name}"

    @property
    def mark(self) -> str:
        """Changes with every change of the migrations."""
        files = sorted((self.folder / "versions").glob("*.py"))
        return hashlib.sha256(b"\n".join(file.name.encode() + file.read_bytes() for file in files)).hexdigest()

    def script(self) -> ScriptDirectory:
        """The revisions in the folder."""
        return ScriptDirectory(str(self.folder), version_locations=[str(self.folder / "versions")])


def plugins() -> PluginManager:
    """The plugins of this app."""
    return current_app.extensions["jinlin_plugins"]


def chain_of(manager: PluginManager, name: str) -> Chain | None:
    """The chain of a plugin, where it has a folder at all."""
    folder = manager.folder(name)
    return Chain(name, folder / "migrations") if folder else None


def chains() -> list[Chain]:
    """Core first, then the plugins by `requires`."""
    found = [chain_of(plugins(), name) for name in plugins().names]
    return [Chain(CORE, Path(__file__).parent), *(chain for chain in found if chain and chain.folder.is_dir())]


# -- what a plugin's chain must be ------------------------------------------------------------------


def check_script(manager: PluginManager, name: str) -> None:
    """One line of revisions from the first to one head, each readable. Raises where it is not."""
    chain = chain_of(manager, name)
    if chain is None or not chain.folder.is_dir():
        return  # whether that is right shows in `check_tables`
    script = chain.script()
    revisions = list(script.walk_revisions())
    if len(script.get_heads()) > 1:
        raise PluginFault(f"its migrations have two heads: {', '.join(sorted(script.get_heads()))}")
    for revision in revisions:
        if not callable(getattr(revision.module, "upgrade", None)):
            raise PluginFault(f"the migration {revision.revision} has no upgrade()")
        if not revision.revision.startswith(f"{name}_") or len(revision.revision) > LONGEST_REVISION:
            raise PluginFault(f"the migration {revision.revision!r} must begin with {name + '_'!r} and be no longer "
                              f"than {LONGEST_REVISION} characters")


def check_tables(connection: sa.Connection, name: str) -> None:
    """Every table and column of the plugin's models is there. Raises PluginFault with the first that is not."""
    there = sa.inspect(connection)
    for mapper in models_of(package_of(plugins().found[name])):
        table = mapper.local_table
        if not there.has_table(table.name):
            raise PluginFault(f"no migration makes the table {table.name!r}: jinlin plugin migrate {name} writes one")
        missing = {column.name for column in table.columns} - {c["name"] for c in there.get_columns(table.name)}
        if missing:
            raise PluginFault(f"no migration makes the column {table.name}.{min(missing)}: "
                              f"jinlin plugin migrate {name} writes one")


@contextmanager
def only_its_own(connection: sa.Connection, name: str) -> Iterator[None]:
    """A plugin's migration makes and drops none but its own tables. Raises PluginFault, which undoes it."""
    before = _others(connection, name)
    yield
    if changed := before ^ _others(connection, name):
        raise PluginFault(f"it makes or drops the table {min(changed)!r}, which is not its own")


def _others(connection: sa.Connection, name: str) -> set[str]:
    return {t for t in sa.inspect(connection).get_table_names()
            if not t.startswith((f"{name}_", "alembic_version_"))}


# -- one that fails ---------------------------------------------------------------------------------


@contextmanager
def alone(chain: Chain) -> Iterator[None]:
    """The failure of a plugin's chain stays its own and is remembered; that of the core goes on."""
    manager = plugins()
    if chain.name == CORE:
        yield
        return
    with manager.guard(chain.name, "migrations", fatal=True):
        for needed in manager.infos[chain.name].requires:
            if needed not in manager.names:
                raise PluginFault(f"requires the plugin {needed!r}, which is not there")
        yield
    remember(chain, manager.faults.get(chain.name))


def remember(chain: Chain, fault: str | None) -> None:
    """Keep the fault of a chain for the next start; None forgets it."""
    file = _file(current_app.extensions["jinlin_settings"])
    failed = _read(file)
    if fault is None and chain.name not in failed:
        return
    failed[chain.name] = {"mark": chain.mark, "fault": fault}
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps({k: v for k, v in failed.items() if v["fault"]}, ensure_ascii=False, indent=1))
    draft.replace(file)


def refuse_failed(settings: Settings, manager: PluginManager) -> None:
    """Leave those out whose migrations failed and have not changed since."""
    for name, failed in _read(_file(settings)).items():
        chain = chain_of(manager, name) if name in manager.found else None
        if chain and chain.mark == failed["mark"]:
            manager.faults[name] = failed["fault"]


def _file(settings: Settings) -> Path:
    return settings.instance / FAILED


def _read(file: Path) -> dict[str, dict[str, str]]:
    try:
        return json.loads(file.read_text())
    except (FileNotFoundError, ValueError):
        return {}

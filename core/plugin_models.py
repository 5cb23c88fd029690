"""The models that a plugin brings: whose they are, what their tables may be called, and how they are forgotten."""
from __future__ import annotations

import sys
from collections.abc import Iterable

from sqlalchemy.orm import Mapper

from core.extensions import db
from core.plugin_rules import PluginFault


def package_of(path: str) -> str:
    """The package of a plugin, from the path of the module with its hooks."""
    return path.rpartition(".")[0] or path


def owns(package: str, model: type) -> bool:
    """Whether a model was made in this package."""
    return model.__module__ == package or model.__module__.startswith(f"{package}.")


def check_tables(name: str, package: str, *, own: bool = False) -> None:
    """Tables of a plugin begin with its name and `_`, and no others do. Raises PluginFault.

    The `own` ones are looked at first, before another plugin is blamed for a table that this one took from it.
    """
    for mapper in models_of(package) if own else db.Model.registry.mappers:
        table = mapper.local_table.name
        if owns(package, mapper.class_) != table.startswith(f"{name}_"):
            raise PluginFault(f"the table {table!r} does not belong to the names {name + '_…'!r} of this plugin")


def resolve_keys(package: str) -> None:
    """Every foreign key of the package's tables must lead to a table; raises where one does not."""
    for mapper in models_of(package):
        for key in mapper.local_table.foreign_keys:
            _ = key.column


def models_of(package: str) -> list[Mapper]:
    """The mappers of a package."""
    return [m for m in db.Model.registry.mappers if owns(package, m.class_)]


def forget_models(package: str) -> None:
    """Undo the import of a package: its modules, its mappers and its tables.

    Half a model makes every other fail ("When initializing mapper …"), and the tables of one whose migration failed
    are not there to be asked. SQLAlchemy forgets all mappers of a registry in public, and one of them only in
    private (tests/core/test_failing_plugins.py would show it if that changed).
    """
    registry = db.Model.registry
    for manager in [m for m in registry._managers if owns(package, m.class_)]:
        table = getattr(manager.class_, "__table__", None)
        registry._managers.pop(manager)
        registry._dispose_manager_and_mapper(manager)
        if table is not None and table.key in db.metadata.tables:
            db.metadata.remove(table)
    _forget_modules(m for m in list(sys.modules) if m == package or m.startswith(f"{package}."))


def _forget_modules(names: Iterable[str]) -> None:
    for name in names:
        del sys.modules[name]

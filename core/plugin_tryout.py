"""The child of core/plugin_trial.py: load a set of plugins as the server would and say which fails first."""
from __future__ import annotations

import json
import sys
from typing import Any

import core.api  # noqa: F401 – everything that plugins build upon
from core.extensions import db
from core.plugin_manager import PluginFault, PluginManager
from core.plugin_trial import SAYS


def first_faults(found: dict[str, str]) -> dict[str, str]:
    """{plugin: fault} as far as this process can tell: none is added after one that left half a model behind."""
    manager = PluginManager()
    for name in sorted(found):
        _say({"trying": name})
        before = len(list(db.Model.registry.mappers))
        with manager.guard(name):
            manager.take(name, found[name])
        if name in manager.faults and len(list(db.Model.registry.mappers)) > before:
            return manager.faults
    order = manager.ordered()
    if manager.faults or not order:
        return manager.faults
    with manager.guard(order[-1]):
        db.Model.registry.configure()
    if manager.faults:
        return _of_the_culprit(manager)
    for name in order:
        _say({"trying": name})
        with manager.guard(name):
            manager.check(name)
            build(manager, name)
    return manager.faults


def _of_the_culprit(manager: PluginManager) -> dict[str, str]:
    """A mapper says only that it fails; whose it is shows in its module."""
    for mapper in db.Model.registry.mappers:
        if getattr(mapper, "_configure_failed", False):
            for name in manager.names or list(manager.modules):
                if manager.owns(name, mapper.class_):
                    return {name: next(iter(manager.faults.values()))}
    return manager.faults


def build(manager: PluginManager, name: str) -> None:
    """Everything that is otherwise built when the server starts or at the first visit."""
    for mapper in db.Model.registry.mappers:
        if manager.owns(name, mapper.class_):
            for key in mapper.local_table.foreign_keys:
                _ = key.column
    for screen in manager.screens(name):
        try:
            screen(name).check_declaration()
        except (KeyError, AttributeError, ValueError) as error:
            raise PluginFault(f"the screen {screen.__name__}: {type(error).__name__}: {error}") from error


def _say(line: dict[str, Any]) -> None:
    print(SAYS + json.dumps(line, ensure_ascii=True), flush=True)


if __name__ == "__main__":
    _say({"faults": first_faults(json.load(sys.stdin))})

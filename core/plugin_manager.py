"""Find, check, order and ask plugins; one manager per app, nothing global."""
from __future__ import annotations

import importlib
import logging
import pkgutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any

import pluggy
from sqlalchemy.orm import Session

from core import hookspecs
from core.declarations import Metric, PluginInfo, Sheet
from core.extensions import db

LOG = logging.getLogger("jinlin.plugins")
GROUP = "jinlin.plugins"


class PluginFault(Exception):
    """A plugin breaks a rule of the house; the message names the rule."""


class PluginManager:
    """The loaded plugins, in the order of `requires`, then name; `faults` names those that were left out."""

    def __init__(self) -> None:
        """Empty; call `load`."""
        self._pluggy = pluggy.PluginManager("jinlin")
        self._pluggy.add_hookspecs(hookspecs)
        self.modules: dict[str, ModuleType] = {}
        self.infos: dict[str, PluginInfo] = {}
        self.faults: dict[str, str] = {}

    def load(self, package: ModuleType) -> None:
        """Load the built-in plugins of `package` and the installed ones; one that fails is left out by name."""
        for name, path in sorted(_found(package).items()):
            with self._guard(name):
                module = importlib.import_module(path)
                self._pluggy.register(module, name)
                self._pluggy.check_pending()
                self.infos[name] = self._call(name, "plugin_info")
                self.modules[name] = module
        for name in self._ordered():
            with self._guard(name):
                self._check(name)

    @property
    def names(self) -> list[str]:
        """The plugins that work, in order."""
        return [name for name in self.modules if name not in self.faults]

    def screens(self, name: str) -> list[type]:
        """The screen classes of a plugin."""
        return self._call(name, "register_screens") or []

    def metrics(self) -> list[tuple[str, Metric]]:
        """(plugin, metric) of all plugins."""
        return [(n, m) for n in self.names for m in self._call(n, "register_metrics") or []]

    def sheets(self) -> list[tuple[str, Sheet]]:
        """(plugin, sheet) of all plugins."""
        return [(n, s) for n in self.names for s in self._call(n, "register_sheets") or []]

    def settings_form(self, name: str) -> type | None:
        """The settings form of a plugin, if it has one."""
        return self._call(name, "settings_form")

    def with_requirements(self, name: str) -> list[str]:
        """What has to be on for this plugin, itself last."""
        needed = [n for r in self.infos[name].requires for n in self.with_requirements(r)]
        return [*dict.fromkeys(needed), name]

    def dependents(self, name: str) -> list[str]:
        """The plugins that go off with this one."""
        return [n for n in self.names if n != name and name in self.with_requirements(n)]

    def ask(self, hook: str, plugins: Iterable[str], session: Session, **values: Any) -> list[tuple[str, Any]]:
        """Ask a reacting hook of these plugins in order: (plugin, answer) of those that answered.

        Each is behind its own guard and savepoint: one that raises is logged by name and left out.
        """
        answers = []
        on = set(plugins)
        for name in self.names:
            if name not in on or not self._has(name, hook):
                continue
            with self._guard(name, fatal=False), session.begin_nested():
                answer = self._call(name, hook, session=session, **values)
                answers.append((name, list(answer) if isinstance(answer, Iterable) else answer))
        return answers

    def _has(self, name: str, hook: str) -> bool:
        return any(i.plugin_name == name for i in getattr(self._pluggy.hook, hook).get_hookimpls())

    def _call(self, name: str, hook: str, **values: Any) -> Any:
        for impl in getattr(self._pluggy.hook, hook).get_hookimpls():
            if impl.plugin_name == name:
                return impl.function(*[values[argument] for argument in impl.argnames])
        return None

    @contextmanager
    def _guard(self, name: str, *, fatal: bool = True) -> Iterator[None]:
        """The one place that catches everything: a plugin's fault stays its own."""
        try:
            yield
        except Exception as error:
            LOG.exception("plugin %s", name)
            if fatal:
                self.faults[name] = f"{type(error).__name__}: {error}"

    def _ordered(self) -> list[str]:
        order: dict[str, None] = {}

        def visit(name: str, above: tuple[str, ...]) -> None:
            if name in above:
                raise PluginFault(f"requires goes round in a circle: {' → '.join((*above, name))}")
            for needed in self.infos[name].requires:
                if needed not in self.modules or needed in self.faults:
                    raise PluginFault(f"requires the plugin {needed!r}, which is not there")
                visit(needed, (*above, name))
            order.setdefault(name)

        for name in sorted(self.modules):
            with self._guard(name):
                visit(name, ())
        self.modules = {name: self.modules[name] for name in order}
        return list(order)

    def _check(self, name: str) -> None:
        """The rules of the house for names (docs/plugins.md)."""
        for other in self.modules:
            if other != name and other.startswith(f"{name}_"):
                raise PluginFault(f"its tables could be taken for those of {other!r}")
        for mapper in db.Model.registry.mappers:
            module = mapper.class_.__module__
            if module.startswith(_package_of(self.modules[name]) + ".") or module == self.modules[name].__name__:
                table = mapper.local_table.name
                if not table.startswith(f"{name}_"):
                    raise PluginFault(f"the table {table!r} does not start with {name + '_'!r}")
        for screen in self.screens(name):
            if not getattr(screen, "slug", None):
                raise PluginFault(f"the screen {screen.__name__} has no slug")


def _package_of(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[0]


def _found(package: ModuleType) -> dict[str, str]:
    """Name → import path of the module with the hooks."""
    built_in = {
        m.name: f"{package.__name__}.{m.name}.plugin" for m in pkgutil.iter_modules(package.__path__) if m.ispkg
    }
    installed = {e.name: e.value for e in entry_points(group=GROUP)}
    return installed | built_in

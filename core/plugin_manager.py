"""Find, check, order and ask plugins; one manager per app, nothing global."""
from __future__ import annotations

import importlib
import logging
import pkgutil
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy
from sqlalchemy.orm import Session

from core import hookspecs
from core.declarations import Metric, PluginInfo, Sheet
from core.extensions import db
from core.plugin_trial import faults_of

LOG = logging.getLogger("jinlin.plugins")
GROUP = "jinlin.plugins"
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
OF_THE_CORE = frozenset({
    "accounts", "admin", "areas", "audit", "core", "exchange", "imports", "jobs", "manage", "metrics", "office",
    "plugins", "residents", "setup",
})
DECLARING = ("plugin_info", "register_screens", "register_metrics", "register_sheets", "settings_form")


class PluginFault(Exception):
    """A plugin breaks a rule of the house; the message names the rule."""


class PluginManager:
    """The loaded plugins, in the order of `requires`, then name; `faults` names those that were left out."""

    def __init__(self) -> None:
        """Empty; call `load`."""
        self._pluggy = pluggy.PluginManager("jinlin")
        self._pluggy.add_hookspecs(hookspecs)
        self._declared: dict[str, dict[str, Any]] = {}
        self.modules: dict[str, ModuleType] = {}
        self.infos: dict[str, PluginInfo] = {}
        self.faults: dict[str, str] = {}

    def load(self, package: ModuleType, memo: Path | None = None) -> None:
        """Load the built-in plugins of `package` and the installed ones; one that fails is left out by name.

        A child process tries a changed set first (core/plugin_trial.py); `memo` remembers the set that passed.
        """
        found = self._found(package)
        for name, fault in faults_of(found, memo).items():
            LOG.error("plugin %s: %s", name, fault)
            self.faults[name] = fault
        self.load_here({name: path for name, path in found.items() if name not in self.faults})

    def load_here(self, found: dict[str, str]) -> None:
        """Load plugins (name → path of the module with the hooks) into this process, without a trial."""
        for name in sorted(found):
            with self.guard(name):
                self.take(name, found[name])
        for name in self.ordered():
            with self.guard(name):
                self.check(name)

    def take(self, name: str, path: str) -> None:
        """Import one plugin and note what it declares."""
        module = importlib.import_module(path)
        self._pluggy.register(module, name)
        self._pluggy.check_pending()
        declared = {hook: self._call(name, hook) for hook in DECLARING}
        if not isinstance(declared["plugin_info"], PluginInfo):
            raise PluginFault("plugin_info does not return a PluginInfo")
        self.infos[name], self._declared[name], self.modules[name] = declared["plugin_info"], declared, module

    @property
    def names(self) -> list[str]:
        """The plugins that work, in order."""
        return [name for name in self.modules if name not in self.faults]

    def folder(self, name: str) -> Path:
        """The folder of a plugin, where its templates and static files lie."""
        return Path(self.modules[name].__file__ or "").parent

    def screens(self, name: str) -> list[type]:
        """The screen classes of a plugin."""
        return self._declared[name]["register_screens"] or []

    def metrics(self) -> list[tuple[str, Metric]]:
        """(plugin, metric) of all plugins."""
        return [(n, m) for n in self.names for m in self._declared[n]["register_metrics"] or []]

    def sheets(self) -> list[tuple[str, Sheet]]:
        """(plugin, sheet) of all plugins."""
        return [(n, s) for n in self.names for s in self._declared[n]["register_sheets"] or []]

    def settings_form(self, name: str) -> type | None:
        """The settings form of a plugin, if it has one."""
        return self._declared[name]["settings_form"]

    def with_requirements(self, name: str) -> list[str]:
        """What has to be on for this plugin, itself last."""
        needed = [n for r in self.infos[name].requires for n in self.with_requirements(r)]
        return [*dict.fromkeys(needed), name]

    def dependents(self, name: str) -> list[str]:
        """The plugins that go off with this one."""
        return [n for n in self.names if n != name and name in self.with_requirements(n)]

    def ask(self, hook: str, plugins: Iterable[str], session: Session, **values: Any) -> list[tuple[str, Any]]:
        """Ask a reacting hook of these plugins in order: (plugin, answer) of those that have it.

        Each is behind its own guard and savepoint: one that raises is logged by name and left out.
        """
        answers = []
        on = set(plugins)
        for name in self.names:
            if name not in on or not self.has(name, hook):
                continue
            with self.guard(name, fatal=False), session.begin_nested():
                answer = self._call(name, hook, session=session, **values)
                answers.append((name, list(answer) if isinstance(answer, Iterable) else answer))
        return answers

    def has(self, name: str, hook: str) -> bool:
        """Whether a plugin implements a hook."""
        return any(i.plugin_name == name for i in getattr(self._pluggy.hook, hook).get_hookimpls())

    def _call(self, name: str, hook: str, **values: Any) -> Any:
        for impl in getattr(self._pluggy.hook, hook).get_hookimpls():
            if impl.plugin_name == name:
                return impl.function(*[values[argument] for argument in impl.argnames])
        return None

    @contextmanager
    def guard(self, name: str, *, fatal: bool = True) -> Iterator[None]:
        """The one place that catches everything: a plugin's fault stays its own."""
        try:
            yield
        except Exception as error:
            LOG.exception("plugin %s", name)
            if fatal:
                known = isinstance(error, PluginFault | pluggy.PluginValidationError)
                self.faults[name] = str(error) if known else f"{type(error).__name__}: {error}"
                if self._pluggy.has_plugin(name):
                    self._pluggy.unregister(name=name)  # else its unknown hooks would be held against all others

    def ordered(self) -> list[str]:
        """Sort by `requires`, then name; a circle is a fault of the plugin that closes it."""
        order: dict[str, None] = {}

        def visit(name: str, above: tuple[str, ...]) -> None:
            if name in above:
                raise PluginFault(f"requires goes round in a circle: {' → '.join((*above, name))}")
            for needed in self.infos[name].requires:
                if needed in self.modules:
                    visit(needed, (*above, name))
            order.setdefault(name)

        for name in sorted(self.modules):
            with self.guard(name):
                visit(name, ())
        self.modules = {name: self.modules[name] for name in order if name not in self.faults}
        return list(self.modules)

    def _check_requires(self, name: str) -> None:
        """Its requirements were checked before it: they stand earlier in the order."""
        for needed in self.infos[name].requires:
            if needed not in self.modules or needed in self.faults:
                raise PluginFault(f"requires the plugin {needed!r}, which is not there")

    def check(self, name: str) -> None:
        """The rules of the house (docs/plugins.md); raises PluginFault with the one that is broken."""
        self._check_requires(name)
        for other in self.modules:
            if name.startswith(f"{other}_"):
                raise PluginFault(f"its tables could be taken for those of {other!r}: please choose another name")
        self._check_tables(name)
        slugs = [getattr(screen, "slug", "") for screen in self.screens(name)]
        for number, slug in enumerate(slugs):
            if not slug or slug in slugs[:number]:
                raise PluginFault(f"the screen {self.screens(name)[number].__name__} has no slug of its own")
        if metric := next((m for m in self._declared[name]["register_metrics"] or []
                           if not m.name.startswith(f"{name}.")), None):
            raise PluginFault(f"the metric {metric.name!r} does not start with {name + '.'!r}")

    def owns(self, name: str, model: type) -> bool:
        """Whether a model belongs to this plugin: it is made in its folder."""
        module = self.modules[name].__name__
        folder = module.rpartition(".")[0] or module
        return model.__module__ == module or model.__module__.startswith(f"{folder}.")

    def _check_tables(self, name: str) -> None:
        for mapper in db.Model.registry.mappers:
            table = mapper.local_table.name
            if self.owns(name, mapper.class_) != table.startswith(f"{name}_"):
                raise PluginFault(f"the table {table!r} does not belong to the names {name + '_…'!r} of this plugin")

    def _found(self, package: ModuleType) -> dict[str, str]:
        """Name → import path of the module with the hooks; wrong names are faults at once."""
        found = {
            m.name: f"{package.__name__}.{m.name}.plugin" for m in pkgutil.iter_modules(package.__path__) if m.ispkg
        }
        for entry in entry_points(group=GROUP):
            with self.guard(entry.name):
                if entry.name in found:
                    raise PluginFault("another plugin has this name")
                found[entry.name] = entry.value
        for name in [n for n in found if not NAME.fullmatch(n) or n in OF_THE_CORE]:
            with self.guard(name):
                del found[name]
                raise PluginFault("a plugin's name has small letters, digits and single _, and is none of the core's")
        return found


"""Find, check, order and ask plugins; one manager per app, nothing global."""
from __future__ import annotations

import contextlib
import importlib
import logging
import pkgutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy
from flask import has_app_context
from sqlalchemy.orm import Session

from core import hookspecs
from core.clock import now
from core.declarations import Metric, PluginInfo, Sheet
from core.errors import JinlinError
from core.plugin_models import check_tables, forget_models, package_of
from core.plugin_rules import LONGEST_NAME, NAME, OF_THE_CORE, PluginFault, answered, declared
from core.plugin_trial import faults_of
from core.plugin_watch import Watch, statement_limit, told, what_failed
from core.plugin_words import check_catalogues

LOG = logging.getLogger("jinlin.plugins")
GROUP = "jinlin.plugins"
DECLARING = ("plugin_info", "register_screens", "register_metrics", "register_sheets", "settings_form")
ON_PAGES = frozenset({"todo_items", "resident_timeline"})  # somebody waits for them: they have a time limit
MARK, TROUBLES = "plugins.mark", "plugin-troubles"


class PluginManager:
    """The loaded plugins, in the order of `requires`, then name; `faults` names those that were left out."""

    def __init__(self, folder: Path | None = None) -> None:
        """`folder` is the instance's: it remembers the set that passed and what went wrong at work."""
        self._pluggy = pluggy.PluginManager("jinlin")
        self._pluggy.add_hookspecs(hookspecs)
        self._declared: dict[str, dict[str, Any]] = {}
        self.memo = folder / MARK if folder else None
        self.watch = Watch(folder / TROUBLES if folder else None)
        self.found: dict[str, str] = {}
        self.modules: dict[str, ModuleType] = {}
        self.infos: dict[str, PluginInfo] = {}
        self.faults: dict[str, str] = {}

    # -- loading ------------------------------------------------------------------------------

    def load(self, package: ModuleType, refuse: Callable[[PluginManager], None] = lambda _self: None) -> None:
        """Load the built-in plugins of `package` and the installed ones; one that fails is left out by name.

        `refuse` may name more faults before anything is imported (their tables are not ready). A child process
        tries a changed set first (core/plugin_trial.py); `memo` remembers the set that passed.
        """
        self.found = self._found(package)
        refuse(self)
        wanted = {name: path for name, path in self.found.items() if name not in self.faults}
        for name, fault in faults_of(wanted, self.memo).items():
            LOG.error("plugin %s: %s", name, fault)
            self.faults[name] = fault
        self.load_here({name: path for name, path in wanted.items() if name not in self.faults})
        if self.memo and any(name in self.faults for name in wanted):
            self.memo.unlink(missing_ok=True)  # it passed once, but something around it has changed

    def load_here(self, found: dict[str, str]) -> None:
        """Load plugins (name → path of the module with the hooks) into this process, without a trial."""
        self.found |= found
        for name in sorted(found):
            with self.guard(name):
                self.take(name, found[name])
        for name in self.ordered():
            with self.guard(name):
                self.check(name)

    def take(self, name: str, path: str) -> None:
        """Import one plugin and note what it declares; what it prints does not mix with our answers."""
        with contextlib.redirect_stdout(sys.stderr):
            module = importlib.import_module(path)
            check_tables(name, package_of(path), own=True)
            self._pluggy.register(module, name)
            self._pluggy.check_pending()
            kept = {hook: declared(name, hook, self._call(name, hook)) for hook in DECLARING}
        self.infos[name], self._declared[name], self.modules[name] = kept["plugin_info"], kept, module

    @property
    def names(self) -> list[str]:
        """The plugins that work, in order."""
        return [name for name in self.modules if name not in self.faults]

    @property
    def known(self) -> set[str]:
        """The plugins that are installed, whether they work or not."""
        return {*self.found, *self.modules, *self.faults}

    def folder(self, name: str) -> Path | None:
        """The folder of an installed plugin, where its templates and migrations lie, whether it is loaded or not."""
        if (module := self.modules.get(name)) is not None:
            return Path(module.__file__).parent if getattr(module, "__file__", None) else None
        root, *below = package_of(self.found.get(name, "")).split(".")
        spec = find_spec(root) if root else None
        places = list(spec.submodule_search_locations or []) if spec else []
        return Path(places[0], *below) if places else None

    def words(self, name: str) -> Path | None:
        """The folder of a plugin's own translations, if they can be used."""
        folder = self.folder(name)
        if folder is None or not (folder / "translations").is_dir():
            return None
        with self.guard(name, "translations"):
            check_catalogues(folder / "translations")
            return folder / "translations"
        return None

    def title(self, name: str) -> str:
        """What a plugin is called in the language of the page; its short name where it is not loaded."""
        return str(self.infos[name].title) if name in self.infos else name

    def screens(self, name: str) -> list[type]:
        """The screen classes of a plugin."""
        return self._declared[name]["register_screens"]

    def metrics(self) -> list[tuple[str, Metric]]:
        """(plugin, metric) of all plugins."""
        return [(n, m) for n in self.names for m in self._declared[n]["register_metrics"]]

    def sheets(self) -> list[tuple[str, Sheet]]:
        """(plugin, sheet) of all plugins."""
        return [(n, s) for n in self.names for s in self._declared[n]["register_sheets"]]

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

    # -- asking -------------------------------------------------------------------------------

    def ask(self, hook: str, plugins: Iterable[str], session: Session, **values: Any) -> list[tuple[str, list[Any]]]:
        """Ask a reacting hook of these plugins in order: (plugin, checked answer) of those that have it.

        Each is behind its own guard and savepoint: one that raises or answers nonsense is named in the log and left
        out. What a page waits for has a time limit: a hook that took longer is left out for some minutes.
        """
        on, answers = set(plugins), []
        asked = [n for n in self.names if n in on and self.has(n, hook) and not self.watch.is_paused(n, hook)]
        limit = statement_limit(session) if asked and hook in ON_PAGES else nullcontext(lambda: None)
        with limit as begin, _not_ended(session):
            for name in asked:
                begin()
                with self.guard(name, hook), self._timed(name, hook), session.begin_nested():
                    answers.append((name, answered(hook, self._call(name, hook, session=session, **values))))
        return answers

    def _timed(self, name: str, hook: str) -> AbstractContextManager[None]:
        if hook not in ON_PAGES:
            return nullcontext()

        def slow(seconds: float) -> None:
            LOG.warning("plugin %s: %s took %.1f seconds", name, hook, seconds)
            self.watch.note(name, hook, f"{seconds:.1f} s", now())

        return self.watch.timed(name, hook, slow)

    def has(self, name: str, hook: str) -> bool:
        """Whether a plugin implements a hook."""
        return any(i.plugin_name == name for i in getattr(self._pluggy.hook, hook).get_hookimpls())

    def _call(self, name: str, hook: str, **values: Any) -> Any:
        for impl in getattr(self._pluggy.hook, hook).get_hookimpls():
            if impl.plugin_name == name:
                return impl.function(*[values[argument] for argument in impl.argnames])
        return None

    # -- faults -------------------------------------------------------------------------------

    @contextmanager
    def guard(self, name: str, where: str | None = None, *, fatal: bool = False) -> Iterator[None]:
        """The one place that catches everything: a plugin's fault stays its own.

        At work (`where`: in which hook, screen …) it is noted; without `where`, or where it is `fatal`, the plugin is
        left out altogether.
        """
        try:
            yield
        except SystemExit as error:
            self.blame(name, where, error, fatal)
        except Exception as error:
            self.blame(name, where, error, fatal)

    def at_work(self, name: str, where: str) -> AbstractContextManager[None]:
        """The guard around a plugin's part of somebody else's page; the core's own parts stand on their own."""
        return nullcontext() if name in OF_THE_CORE else self.guard(name, where)

    def blame(self, name: str, where: str | None, error: BaseException, fatal: bool) -> None:
        """Name a fault: in the log with everything, for the plugins page without data."""
        if where is None or fatal:
            LOG.error("plugin %s: %s", name, where or "start", exc_info=error)
            known = isinstance(error, PluginFault | JinlinError | pluggy.PluginValidationError)
            what = told(error) if where is None else f"{where}: {what_failed(error, self.folder(name))}"
            self.leave_out(name, str(error) if known else what)
        elif self.note(name, where, error):
            LOG.error("plugin %s: %s", name, where, exc_info=error)

    def note(self, name: str, where: str, error: BaseException) -> bool:
        """Keep a fault at work for the plugins page; whether it is news, and no more of what was told a moment ago."""
        what = str(error) if isinstance(error, PluginFault) else what_failed(error, self.folder(name))
        news = self.watch.is_news(name, where, what)
        if news and has_app_context():
            self.watch.note(name, where, what, now())
        return news

    def leave_out(self, name: str, fault: str) -> None:
        """Take a plugin out again, with the models that it may have brought: they would break every other."""
        self.faults[name] = fault
        if self._pluggy.has_plugin(name):
            self._pluggy.unregister(name=name)  # else its unknown hooks would be held against all others
        if path := self.found.get(name):
            forget_models(package_of(path))

    def culprit(self, error: BaseException) -> str | None:
        """The plugin in whose files an error happened, the innermost one."""
        folders = {folder: name for name in self.names if (folder := self.folder(name))}
        step, found = error.__traceback__, None
        while step is not None:
            places = Path(step.tb_frame.f_code.co_filename).parents
            found = next((name for folder, name in folders.items() if folder in places), found)
            step = step.tb_next
        return found

    # -- order and rules ----------------------------------------------------------------------

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

    def check(self, name: str) -> None:
        """The rules of the house (docs/plugins.md); raises PluginFault with the one that is broken."""
        for needed in self.infos[name].requires:  # checked before it: they stand earlier in the order
            if needed not in self.modules or needed in self.faults:
                raise PluginFault(f"requires the plugin {needed!r}, which is not there")
        for other in self.modules:
            if name.startswith(f"{other}_"):
                raise PluginFault(f"its tables could be taken for those of {other!r}: please choose another name")
        check_tables(name, package_of(self.found[name]))
        folder = self.folder(name)
        strange = [p.name for p in (folder / "templates").glob("*") if p.name != name] if folder else []
        if strange:
            raise PluginFault(f"templates/{strange[0]} does not lie in templates/{name}/: it could replace others'")

    def _found(self, package: ModuleType) -> dict[str, str]:
        """Name → import path of the module with the hooks; wrong names are faults at once."""
        found = {
            m.name: f"{package.__name__}.{m.name}.plugin" for m in pkgutil.iter_modules(package.__path__) if m.ispkg
        }
        for entry in entry_points(group=GROUP):
            if found.setdefault(entry.name, entry.value) != entry.value:
                self.faults[f"{entry.name} ({entry.value})"] = "another plugin has this name"
        for name in [n for n in found if not NAME.fullmatch(n) or len(n) > LONGEST_NAME or n in OF_THE_CORE]:
            with self.guard(name):
                del found[name]
                raise PluginFault(f"a plugin's name has small letters, digits and single _, at most {LONGEST_NAME} "
                                  "in all, and is none of the core's")
        return found


@contextmanager
def _not_ended(session: Session) -> Iterator[None]:
    """A hook does not end the transaction of the page that asks it."""
    def refuse(*_args: Any, **_kwargs: Any) -> None:
        raise PluginFault("a hook neither commits nor rolls back nor closes the session that it is given")

    ends = dict.fromkeys(("commit", "rollback", "close"), refuse)
    vars(session).update(ends)
    try:
        yield
    finally:
        for name in ends:
            vars(session).pop(name, None)

"""The child of core/plugin_trial.py: load a set of plugins as the server would and say which fails first."""
from __future__ import annotations

import builtins
import decimal
import json
import locale
import logging
import os
import signal
import socket
import sys
import threading
from typing import Any, TextIO

from flask import Flask

import core.api  # noqa: F401 – everything that plugins build upon
from core.admin.page import ABOVE, COMMUNITY, GuardedView
from core.app import SlugConverter, add_screens
from core.extensions import ScopedSession, db
from core.migrations.chains import check_script
from core.plugin_manager import PluginManager
from core.plugin_models import owns, package_of, resolve_keys
from core.plugin_rules import PluginFault


def first_faults(found: dict[str, str], answers: TextIO) -> dict[str, str]:
    """{plugin: fault} as far as this process can tell: none is added after one that left half a model behind."""
    manager = PluginManager()
    manager.found = found
    for name in sorted(found):
        _say(answers, {"trying": name})
        before = world()
        with manager.guard(name):
            manager.take(name, found[name])
        if changed := sorted(what for what, value in world().items() if before.get(what, value) != value):
            return {**manager.faults, name: f"its import changes {changed[0]}, which belongs to all: on import nothing "
                                            "may happen but the defining of names"}
    order = manager.ordered()
    if manager.faults or not order:
        return manager.faults
    with manager.guard(order[-1]):
        db.Model.registry.configure()
    if manager.faults:
        return _of_the_culprit(manager)
    return _built(manager, order, answers)


def _of_the_culprit(manager: PluginManager) -> dict[str, str]:
    """A mapper says only that it fails; whose it is shows in its module."""
    for mapper in db.Model.registry.mappers:
        if getattr(mapper, "_configure_failed", False):
            for name, path in manager.found.items():
                if owns(package_of(path), mapper.class_):
                    return {name: next(iter(manager.faults.values()))}
    return manager.faults


def _built(manager: PluginManager, order: list[str], answers: TextIO) -> dict[str, str]:
    """Everything that is otherwise built when the server starts or at the first visit."""
    for name in order:
        _say(answers, {"trying": name})
        with manager.guard(name):
            manager.check(name)
            resolve_keys(package_of(manager.found[name]))
            if form := manager.settings_form(name):
                form()
    if not manager.faults:
        app = Flask("core")
        app.extensions["jinlin_plugins"] = manager
        app.url_map.converters["slug"] = SlugConverter
        add_screens(app)
        built = dict(app.extensions["jinlin_screens"])
        for name in order:
            with manager.guard(name):
                for screen in built.get(name, ()):
                    check_screen(name, screen)
                check_script(manager, name)
    return manager.faults


def check_screen(name: str, screen: GuardedView) -> None:
    """A screen stands where its plugin and its slug say, and what it declares is there. Raises PluginFault."""
    what = f"the screen {type(screen).__name__}"
    if screen.always_on or not set(screen.levels) or not set(screen.levels) <= {COMMUNITY, ABOVE}:
        raise PluginFault(f"{what} has wrong levels, or is always_on, which only the core's are")
    if screen.plugin != name or not screen.url.endswith(f"/{name}/{screen.slug}"):
        raise PluginFault(f"{what} has an address of its own making ({screen.url})")
    try:
        screen.check_declaration()
        screen.permissions()
    except (KeyError, AttributeError, ValueError, TypeError) as error:
        raise PluginFault(f"{what}: {type(error).__name__}: {error}") from error


def world() -> dict[str, Any]:
    """What all plugins and the core share; what a plugin's import must leave as it is."""
    modules = {name: module for name, module in list(sys.modules.items()) if name.startswith(("core.", "flask."))}
    shared = {f"{name}.{key}": id(value) for name, module in modules.items() for key, value in vars(module).items()}
    for value in [v for module in modules.values() for v in vars(module).values() if isinstance(v, type)]:
        shared |= {f"{value.__module__}.{value.__qualname__}.{key}": id(v) for key, v in vars(value).items()}
    heard = [getattr(ScopedSession.dispatch, event)._clslevel for event in ScopedSession.dispatch._event_names]
    return shared | {
        "what sessions listen to": [len(listeners.get(ScopedSession, ())) for listeners in heard],
        "the working folder": os.getcwd(), "the environment": dict(os.environ),
        "the locale": locale.setlocale(locale.LC_ALL), "the decimal context": repr(decimal.getcontext()),
        "logging": (logging.root.level, logging.root.manager.disable),
        "the signals": (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)),
        "the recursion limit": sys.getrecursionlimit(), "the time-out of sockets": socket.getdefaulttimeout(),
        "the builtins": {key: id(value) for key, value in vars(builtins).items() if key != "_"},
        "the threads": threading.active_count(), "the hooks of Python": (id(sys.excepthook), id(sys.gettrace())),
    }


def _say(answers: TextIO, line: dict[str, Any]) -> None:
    print(json.dumps(line, ensure_ascii=True), file=answers, flush=True)


def main() -> None:
    """Answers go to the real output; whatever plugins print goes nowhere."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    _say(answers, {"faults": first_faults(json.loads(sys.argv[1]), answers)})
    os._exit(0)  # no thread or atexit hook of a plugin holds the answer up


if __name__ == "__main__":
    main()

"""create_app(): the table of contents of a running Jinlin."""
from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask, has_request_context, session
from flask_admin import Admin
from flask_babel import Babel
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import BaseConverter

import core.audit.trail  # noqa: F401 – the audit listeners
import core.metrics.keeping  # noqa: F401 – the listeners that keep figures
import plugins
from core.admin.account import account
from core.admin.addresses import AddressedFlask
from core.admin.asking import install_questions
from core.admin.errors import install_error_pages
from core.admin.figures.page import FiguresPage
from core.admin.files import serve_files
from core.admin.gate import install_gate
from core.admin.health import health
from core.admin.protection import install_protection
from core.admin.screens import core_modules
from core.admin.shell import install_shell
from core.admin.words import Words
from core.admin.workbench import Workbench
from core.areas.models import Installation
from core.areas.scope import session_for
from core.areas.transactions import prepare_postgresql
from core.clock import system_clock
from core.config import CHINESE, ROOT, Settings, command_language, prepare_instance, settings_from_environment
from core.connections import outlive_outages
from core.extensions import db, prepare_sqlite
from core.keys import ring_for
from core.migrations.chains import refuse_failed
from core.plugin_manager import PluginManager


class SlugConverter(BaseConverter):
    """The short name of an area in the address."""

    regex = r"[a-z][a-z0-9-]{1,38}[a-z0-9]"


def create_app(
    settings: Settings | None = None, *, clock: Callable[[], datetime] = system_clock, **config: Any
) -> Flask:
    """Build the application; raises SetupError in words when it cannot start."""
    settings = settings or settings_from_environment()
    app = AddressedFlask("core", instance_path=str(settings.instance), root_path=str(ROOT / "core"))
    _configure(app, settings, clock, config)
    _open_database(app, settings)
    _load_plugins(app)
    _set_language(app)
    install_protection(app, settings.hosts)
    CSRFProtect(app)
    app.url_map.converters["slug"] = SlugConverter
    serve_files(app)
    install_gate(app)
    install_questions(app)
    install_shell(app)
    install_error_pages(app)
    app.register_blueprint(account)
    app.register_blueprint(health)
    add_screens(app)
    if settings.proxies:
        hops = settings.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    return app


def _configure(app: Flask, settings: Settings, clock: Callable[[], datetime], config: dict[str, Any]) -> None:
    prepare_instance(settings)
    app.extensions["jinlin_settings"] = settings
    app.config.update(
        CLOCK=clock, SQLALCHEMY_DATABASE_URI=settings.server_database_url or settings.database_url,
        SESSION_COOKIE_HTTPONLY=True, SESSION_COOKIE_SAMESITE="Lax", SESSION_COOKIE_NAME="jinlin",
        WTF_CSRF_TIME_LIMIT=None,
        BABEL_DEFAULT_LOCALE="zh_Hans_CN", BABEL_DEFAULT_TIMEZONE="Asia/Shanghai",
        PERMANENT_SESSION_LIFETIME=timedelta(hours=settings.absolute_hours),
        SQLALCHEMY_ENGINE_OPTIONS={"pool_size": 8, "max_overflow": 24},  # two at once for each of 16 threads
    )
    app.config.update(config)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.add_extension("jinja2.ext.i18n")


def _open_database(app: Flask, settings: Settings) -> None:
    db.init_app(app)
    with app.app_context():
        (prepare_sqlite if settings.is_sqlite else prepare_postgresql)(db.engine)
        outlive_outages(db.engine)
    app.extensions["jinlin_keys"] = ring_for(app, settings)
    app.secret_key = app.extensions["jinlin_keys"].session_secret
    app.extensions["jinlin_demo"] = _demo_flag()


def _demo_flag() -> Callable[[], bool]:
    """Whether this is a demonstration, asked of the database once it is there."""
    known: dict[str, bool] = {}

    def is_demo() -> bool:
        if "demo" not in known:
            try:
                with session_for(None, "is this a demonstration") as reading:
                    known["demo"] = bool(reading.scalar(sa.select(Installation.demo)))
            except sa.exc.SQLAlchemyError:
                return False  # the page that says that the database is away asks too
        return known["demo"]

    return is_demo


def _set_language(app: Flask) -> None:
    """Our words and the plugins' own; the last folder wins, so that no plugin rewords the core."""
    manager: PluginManager = app.extensions["jinlin_plugins"]
    with app.app_context():
        folders = [str(folder) for folder in map(manager.words, manager.names) if folder]
    babel = Babel(app, locale_selector=_chosen_language,
                  default_translation_directories=";".join([*folders, str(ROOT / "translations")]))
    babel.domain_instance = Words()


def _chosen_language() -> str:
    """The language of this browser; Chinese until one is chosen. Commands have no browser."""
    return session.get("language") or CHINESE if has_request_context() else command_language()


def _load_plugins(app: Flask) -> None:
    """All that are installed; `MIGRATES` says that those are to be tried again whose migrations failed."""
    manager, settings = PluginManager(Path(app.instance_path)), app.extensions["jinlin_settings"]
    manager.load(plugins, (lambda found: None) if app.config.get("MIGRATES") else partial(refuse_failed, settings))
    app.extensions["jinlin_plugins"] = manager


def add_screens(app: Flask) -> None:
    """Screens of the core and of every plugin; whether they exist for a community is asked per request."""
    manager: PluginManager = app.extensions["jinlin_plugins"]
    admin = Admin(app, name="Jinlin", index_view=Workbench(), url="/<slug:area>")
    by_module = [(m.name, m.title, [s(m.name) for s in m.screens]) for m in core_modules()]
    for _name, _title, screens in by_module:
        admin.add_views(*screens)
    by_plugin = []
    for name in manager.names:
        with manager.guard(name):
            screens = [screen(name) for screen in manager.screens(name)]
            admin.add_views(*screens)
            by_plugin.append((name, manager.infos[name].title, screens))
    records, office = by_module[:1], by_module[1:]
    app.extensions["jinlin_screens"] = [(name, screens) for name, _t, screens in by_module + by_plugin]
    home = [admin.index_view, *(s for _n, _t, screens in office for s in screens if isinstance(s, FiguresPage))]
    app.extensions["jinlin_menu"] = [("", home), *(
        (title, [screen for screen in screens if screen not in home])
        for _n, title, screens in [*by_plugin, *records, *office])]

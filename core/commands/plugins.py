"""Modules: which there are, where they are on, what is wrong with them, what is left of those that are gone."""
from __future__ import annotations

from datetime import datetime

import click
import sqlalchemy as sa
from flask import Flask, current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.areas.models import Area, PluginSwitch
from core.areas.scope import session_for
from core.clock import beijing, now
from core.config import settings_from_environment
from core.extensions import db
from core.installation import installed, opened
from core.migrations.remains import plugins_left, rows_left
from core.plugin_manager import PluginManager


@click.command("plugins", help=_l("List the modules and where they are on."))
def list_plugins() -> None:
    """name, title, state, communities; then what is wrong, and what is left of modules that are gone."""
    with opened(settings_from_environment()) as app:
        manager: PluginManager = app.extensions["jinlin_plugins"]
        on = _where_on() if installed() else {}
        loaded = _("loaded")
        for name in manager.names:
            places = "、".join(on.get(name, [])) or _("on nowhere")
            click.echo(f"{name}  {manager.title(name)}  {loaded}  {places}")
        say_what_is_wrong(app, err=False)
        for trouble in manager.watch.troubles(now()):
            at = beijing(datetime.fromisoformat(trouble.at)).strftime("%Y-%m-%d %H:%M")
            click.echo(f"{trouble.plugin}  {at}  {trouble.where}: {trouble.what}")


def say_what_is_wrong(app: Flask, *, err: bool = True) -> None:
    """Modules that are left out with their fault, and the data of those that are no longer installed."""
    manager: PluginManager = app.extensions["jinlin_plugins"]
    for name, fault in manager.faults.items():
        state = _("not loaded: %(fault)s", fault=fault)
        click.secho(f"{name}  {manager.title(name)}  {state}", fg="red", err=err)
    for name, tables in _what_is_left().items():
        state = _("not installed; its data are kept: %(tables)s", tables="; ".join(tables))
        click.secho(f"{name}  {state}", fg="yellow", err=err)


def _what_is_left() -> dict[str, list[str]]:
    """Module → "table: community rows, …" of modules that are gone."""
    if installed() is None:
        return {}
    with session_for(None, "names of communities") as reading:
        areas = dict(reading.execute(sa.select(Area.id, Area.name).where(Area.is_community)).all())
    found: dict[str, list[str]] = {}
    with db.engine.connect() as connection:
        known = current_app.extensions["jinlin_plugins"].known
        for name, tables in plugins_left(connection, known).items():
            rows = {table: rows_left(connection, table, areas) for table in tables}
            found[name] = [table + ": " + ("、".join(f"{areas[i]} {n}" for i, n in counted.items()) or "0")
                           for table, counted in rows.items()]
    return found


def _where_on() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    with session_for(None, "where plugins are on") as reading:
        rows = sa.select(PluginSwitch.plugin, Area.name).join(Area, Area.id == PluginSwitch.community_id)
        for plugin, name in reading.execute(rows.where(PluginSwitch.off_on.is_(None)).order_by(Area.path)):
            found.setdefault(plugin, []).append(name)
    return found

"""Every hook of a plugin, in the order of its life; docs/hooks.md lists the exact signatures.

Declaring hooks return plain data and are called once at start: no database, no request. Reacting
hooks are called only where the plugin is on, each behind a guard and a savepoint of its own.
"""
from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import pluggy

from core.declarations import Entry, Metric, PluginInfo, Sheet, Todo

hookspec = pluggy.HookspecMarker("jinlin")
hookimpl = pluggy.HookimplMarker("jinlin")


@hookspec
def plugin_info() -> PluginInfo:  # type: ignore[empty-body]
    """Say what the plugin is called, what it is for, and which plugins it needs."""


@hookspec
def register_screens() -> list[type]:  # type: ignore[empty-body]
    """Give the Screen and Page classes, in the order of the menu."""


@hookspec
def register_metrics() -> list[Metric]:  # type: ignore[empty-body]
    """Give the numbers that the workbench and the street's page show."""


@hookspec
def register_sheets() -> list[Sheet]:  # type: ignore[empty-body]
    """Give the sheets that can be imported from Excel."""


@hookspec
def settings_form() -> type:  # type: ignore[empty-body]
    """Give a WTForms class for the settings of one community; they are stored as checked JSON."""


@hookspec
def demo_records(session: Any, community: Any, today: date) -> None:
    """Fill a demonstration community with invented records; the session has its scope."""


@hookspec
def plugin_enabled(session: Any, community: Any, today: date) -> None:
    """Prepare a community for which the plugin has just been switched on (default rows)."""


@hookspec
def todo_items(session: Any, community: Any, today: date) -> Iterable[Todo]:  # type: ignore[empty-body]
    """Name what waits for somebody on this community's workbench today."""


@hookspec
def resident_timeline(session: Any, resident: Any) -> Iterable[Entry]:  # type: ignore[empty-body]
    """Give the latest entries about a resident for his page, newest first, at most 20."""

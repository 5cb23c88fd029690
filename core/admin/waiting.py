"""What waits for somebody (待办): the core's reminders, and those of every plugin of each community.

A plugin answers for one community at a time, so an area of sixty would ask a thousand statements. The page waits for
a moment only: communities that were not asked by then stand behind a link.
"""
from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import current_app, url_for
from werkzeug.exceptions import HTTPException

from core.admin.gate import Visit, manager, sees_plugin
from core.admin.reminders import reminders
from core.areas.models import Area, PluginSwitch
from core.areas.scope import scope_of, session_for
from core.clock import today

MOMENT = 0.6  # seconds
MOST_SINGLE = 12  # lines; more are put together by what they are about
URGENT_FIRST = ("bad", "warn", "info")


@dataclass(frozen=True)
class Waiting:
    """A line: how urgent (`kind`), what, where to do it, of which community."""

    kind: str
    label: str
    text: str
    url: str | None
    community: str
    when: str = ""


@dataclass(frozen=True)
class Group:
    """Lines about the same, of several communities."""

    kind: str
    label: str
    lines: list[Waiting]

    @property
    def communities(self) -> list[str]:
        """Whose, in the order of the tree."""
        return list(dict.fromkeys(line.community for line in self.lines))


@dataclass(frozen=True)
class Todos:
    """Few lines one by one, many in groups; `next` is the place of the first community that was not asked."""

    lines: list[Waiting]
    groups: list[Group]
    count: int
    left: int = 0
    next: int | None = None


def todos_of(here: Visit, first: int = 0) -> Todos:
    """Of the communities from the place `first` on, as many as answer in a moment, at least one.

    The most urgent line comes first; what two plugins say in the same words stands once.
    """
    communities = [a for a in here.areas if a.is_community and here.area.contains(a) and a.closed_on is None]
    on, asked = _plugins_on(here, communities), first
    lines = [] if first else [Waiting(r.kind, str(r.label), str(r.text), _openable(r.url), here.area.name)
                              for r in reminders(here)]
    until = time.monotonic() + MOMENT
    for community in communities[first:]:
        lines += _of(here, community, on.get(community.id, set()))
        asked += 1
        if time.monotonic() > until:
            break
    lines = sorted(dict.fromkeys(lines), key=lambda line: URGENT_FIRST.index(line.kind))
    left = len(communities) - asked
    single = here.area.is_community or len(lines) <= MOST_SINGLE
    return Todos(lines if single else [], [] if single else _grouped(lines), len(lines), max(left, 0),
                 asked if left > 0 else None)


def _plugins_on(here: Visit, communities: list[Area]) -> dict[int, set[str]]:
    """By community what is on and seen by the reader."""
    with session_for(None, "which modules are on") as reading:
        rows = reading.execute(sa.select(PluginSwitch.community_id, PluginSwitch.plugin).where(
            PluginSwitch.off_on.is_(None), PluginSwitch.community_id.in_([area.id for area in communities]))).all()
    seen = {plugin for plugin in {plugin for _community, plugin in rows} if sees_plugin(here.access, plugin)}
    found: dict[int, set[str]] = {}
    for community, plugin in rows:
        if plugin in seen:
            found.setdefault(community, set()).add(plugin)
    return found


def _of(here: Visit, community: Area, plugins: set[str]) -> Iterator[Waiting]:
    """From every plugin that is on in the community."""
    own = here.area.is_community
    with session_for(scope_of(community), "what waits on the workbench") as reading:
        answers = manager().ask("todo_items", plugins, reading, community=community, today=today())
    for _plugin, items in answers:
        for item in items:
            yield Waiting(item.kind, str(item.label), str(item.text) if own else f"{community.name} {item.text}",
                          _openable(item.url) if own else url_for("workbench.index", area=community.slug),
                          community.name)


def _grouped(lines: list[Waiting]) -> list[Group]:
    """By urgency and label, in the order of the lines."""
    groups: dict[tuple[str, str], Group] = {}
    for line in lines:
        groups.setdefault((line.kind, line.label), Group(line.kind, line.label, [])).lines.append(line)
    return list(groups.values())


def _openable(url: str | None) -> str | None:
    """The address, if it is one of a screen that the person may open: one may see what waits without doing it."""
    try:
        endpoint, _values = current_app.url_map.bind("").match(urlsplit(url or "").path)
    except HTTPException:
        return None
    blueprint, _dot, view = endpoint.partition(".")
    screens = (s for _module, found in current_app.extensions["jinlin_screens"] for s in found)
    screen = next((s for s in screens if s.endpoint == blueprint), None)
    return url if screen is None or screen.may(screen.needs.get(view, screen.menu_action)) else None

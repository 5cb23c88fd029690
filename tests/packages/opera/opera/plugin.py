"""Opera: what the module declares and how it reacts; read this first."""
from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.api import Area, Metric, PluginInfo, Todo, hookimpl
from opera.models import Event
from opera.screens import BoardPage, EventScreen, MemberScreen
from opera.services import without_number


@hookimpl
def plugin_info() -> PluginInfo:
    return PluginInfo(title=_l("Opera"), summary=_l("Events and how many people came"), icon="calendar")


@hookimpl
def register_screens() -> list[type]:
    return [BoardPage, EventScreen, MemberScreen]


@hookimpl
def register_metrics() -> list[Metric]:
    return [Metric("opera.events", _l("Events held"), _l("times"), Event, Event.day,
                   (Event.deleted_at.is_(None),), "opera_events")]


@hookimpl
def todo_items(session: Any, community: Area, today: date) -> Iterable[Todo]:
    for event in without_number(session, today):
        yield Todo("warn", _("Opera"), _("%(name)s: how many people came?", name=event.name),
                   url_for("opera_events.edit_view", area=community.slug, id=event.id))

"""Setting a street up: areas, the first accounts, plugins, each with what it needs to begin."""
from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Session

from core.areas.models import Area
from core.areas.scope import scope_of, session_for
from core.areas.service import switch_on
from core.plugin_manager import PluginManager
from core.residents.models import TagKind
from core.residents.service import add_default_tags


def prepare_community(session: Session) -> None:
    """What every community begins with; the session has its scope."""
    if session.scalar(sa.select(sa.func.count()).select_from(TagKind)) == 0:
        add_default_tags(session)


def switch_plugin_on(community_id: int, plugin: str, day: date, by: str) -> None:
    """Turn a plugin and what it requires on, and let each prepare the community; all or nothing."""
    manager: PluginManager = current_app.extensions["jinlin_plugins"]
    with session_for(None, "which community") as reading:
        scope = scope_of(reading.get_one(Area, community_id))
    with session_for(scope, "switch a plugin on", writes=True, actor=by) as writing:
        community = writing.get_one(Area, community_id)
        prepare_community(writing)
        for name in manager.with_requirements(plugin):
            switch_on(writing, community, name, day, by)
            manager.ask("plugin_enabled", [name], writing, community=community, today=day)

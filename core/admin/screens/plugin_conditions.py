"""What the modules page says below its list: which modules failed, and what is left of those that are gone."""
from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from core.accounts.roles import Action
from core.admin.gate import manager, visit
from core.admin.values import show
from core.areas.models import PluginSwitch
from core.clock import now
from core.extensions import db
from core.migrations.remains import plugins_left, rows_left


@dataclass(frozen=True)
class Remains:
    """A table of a module that is no longer installed; `rows` in words, where the reader may know."""

    plugin: str
    table: str
    rows: str


def conditions() -> dict[str, Any]:
    """Faults and their places above a community, for those who can have them mended; in it only which do not work."""
    here = visit()
    if here.area.is_community:
        return {"faults": {}, "troubles": [], "stopped": _stopped(), "remains": _remains()}
    troubles = [(manager().title(t.plugin), t.where, t.what, show(datetime.fromisoformat(t.at)))
                for t in manager().watch.troubles(now())]
    return {"faults": manager().faults, "troubles": troubles, "stopped": [], "remains": _remains()}


def _stopped() -> list[str]:
    """The modules that are on in this community and could not be loaded."""
    on = db.session.scalars(sa.select(PluginSwitch.plugin).where(
        PluginSwitch.community_id == visit().area.id, PluginSwitch.off_on.is_(None)))
    return sorted(set(on) & manager().faults.keys())


def _remains() -> list[Remains]:
    """Every table of every module that is gone."""
    here = visit()
    areas = {a.id: a.name for a in here.areas if a.is_community and here.area.contains(a)}
    found = []
    with db.engine.connect() as connection:
        for plugin, tables in plugins_left(connection, manager().known).items():
            sees = here.access.may(f"{plugin}.records.{Action.VIEW}")  # as with a module that is there
            for table in tables:
                rows = rows_left(connection, table, areas) if sees else {}
                words = "、".join(_("%(area)s %(count)s", area=areas[i], count=f"{n:,}") for i, n in rows.items())
                found.append(Remains(plugin, table, words))
    return found

"""The open tasks at the top of the workbench: by name in a community, as counts above it."""
from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from core.accounts.roles import Action
from core.admin.gate import Visit
from core.clock import beijing
from core.extensions import db
from core.residents.masking import mask_name
from core.tasks.models import Task
from core.tasks.service import count_open, open_tasks

MOST_SHOWN = 10
MAY_VIEW = f"residents.tasks.{Action.VIEW}"


def task_alerts(here: Visit) -> list[tuple[str, str]]:
    """(words, address) of what waits, the longest first; [] for those who may not see tasks."""
    if not here.access.may(MAY_VIEW):
        return []
    return _by_name(here) if here.area.is_community else _by_community(here)


def _by_name(here: Visit) -> list[tuple[str, str]]:
    tasks = open_tasks(db.session(), MOST_SHOWN + 1)
    lines = [(_words(task, here.access.sees_names), url_for("residents_tasks.details_view", id=task.id))
             for task in tasks[:MOST_SHOWN]]
    if len(tasks) > MOST_SHOWN:
        lines.append((_("All open tasks"), url_for("residents_tasks.index_view", state="open")))
    return lines


def _words(task: Task, sees_names: bool) -> str:
    name = task.resident.name if sees_names else mask_name(task.resident.name)
    when = beijing(task.opened_at).strftime("%m-%d %H:%M")
    return _("%(name)s · %(task)s · opened %(when)s by %(by)s", name=name, task=task.title, when=when,
             by=task.opened_by)


def _by_community(here: Visit) -> list[tuple[str, Any]]:
    counts = count_open(db.session())
    return [
        (f"{area.name} · " + ngettext("%(num)s open task", "%(num)s open tasks", counts[area.id]),
         url_for("residents_tasks.index_view", area=area.slug, state="open"))
        for area in here.areas if area.is_community and here.area.contains(area) and counts.get(area.id)
    ]

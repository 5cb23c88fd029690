"""The workbench (今日概况): what happened today and this month, and what waits for somebody."""
from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from flask import current_app, url_for
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.exceptions import HTTPException

from core.admin.gate import Visit, manager, sees_plugin, visit
from core.admin.page import ABOVE, COMMUNITY, Page
from core.admin.reminders import reminders
from core.admin.task_alerts import task_alerts
from core.areas.scope import scope_of, session_for
from core.areas.service import communities_with, plugins_on
from core.clock import beijing, now, today
from core.declarations import Metric
from core.extensions import db
from core.metrics.figures import by_day, totals

DAYS_SHOWN = 30


class Workbench(Page):
    """Home of every area."""

    slug = "workbench"
    title = _l("Today")
    icon = "home"
    levels = frozenset({COMMUNITY, ABOVE})
    always_on = True

    def __init__(self) -> None:
        """At the root of the area's address."""
        super().__init__("core")
        self.endpoint, self.url = "workbench", "/<slug:area>"

    def may(self, action: str) -> bool:
        """Everybody with a role here has a workbench."""
        return visit().access is not None

    @expose("/")
    def index(self) -> str:
        """Figures, a table by community above a community, and what waits."""
        here = visit()
        figures, tables = [], []
        for plugin, metric in self._metrics(here):
            with manager().at_work(plugin, metric.name):
                days = _counted(here, plugin, metric)
                table = not here.area.is_community and metric.daily and _table(plugin, metric, days, here)
                figures += _figures(metric, days, here)
                tables += [table] if table else []
        return self.render(
            "workbench.html", title=_("Today"), note=self._note(here), figures=figures, tables=tables,
            todos=self._todos(here), advice=_first_steps(here), alerts=task_alerts(here),
        )

    def _metrics(self, here: Visit) -> list[tuple[str, Metric]]:
        return [(p, m) for p, m in manager().metrics() if p in here.plugins and sees_plugin(here.access, p)]

    def _note(self, here: Visit) -> str:
        if here.area.is_community:
            return _("As of %(time)s", time=beijing(now()).strftime("%H:%M"))
        communities = [a for a in here.areas if a.is_community and here.area.contains(a) and a.closed_on is None]
        return _("%(num)s communities, as of %(time)s", num=len(communities), time=beijing(now()).strftime("%H:%M"))

    def _todos(self, here: Visit) -> list[Any]:
        """The reminders of the core, then from every plugin of the community, or of each community below."""
        todos = [SimpleNamespace(kind=r.kind, label=r.label, text=r.text, url=_openable(r.url), when="")
                 for r in reminders(here)]
        for community in (a for a in here.areas if a.is_community and here.area.contains(a) and not a.closed_on):
            with session_for(scope_of(community), "what waits on the workbench") as reading:
                on = {p for p in plugins_on(reading, community) if sees_plugin(here.access, p)}
                for _plugin, items in manager().ask("todo_items", on, reading, community=community, today=today()):
                    for item in items:
                        text = str(item.text) if here.area.is_community else f"{community.name} {item.text}"
                        todos.append(SimpleNamespace(kind=item.kind, label=str(item.label), text=text,
                                                     url=_openable(item.url) if here.area.is_community
                                                     else url_for("workbench.index", area=community.slug), when=""))
        return todos


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


def _first_steps(here: Visit) -> str | None:
    """What a new office does first; None once a module is on."""
    if here.plugins:
        return None
    if any(a.is_community and here.area.contains(a) for a in here.areas):
        return _("No module is enabled here yet. An administrator enables it under “Modules”; "
                 "its figures then stand here.")
    return _("There is no community here yet. An administrator adds it under “Area tree”, "
             "then enables modules and adds accounts.")


def _counted(here: Visit, plugin: str, metric: Metric) -> SimpleNamespace:
    day = today()
    first = day.replace(day=1)
    with session_for(scope_of(here.area, plugin), "figures of the workbench") as reading:
        return SimpleNamespace(
            today=totals(reading, metric, day, day), month=totals(reading, metric, first, day),
            all=totals(reading, metric, None, day),
            days=by_day(reading, metric, day - timedelta(days=DAYS_SHOWN - 1), day),
            last_week=totals(reading, metric, day - timedelta(days=7), day - timedelta(days=7)),
        )


def _url(metric: Metric, start: date | None, end: date, slug: str | None = None) -> str | None:
    if metric.screen is None:
        return None
    days = {} if start is None else {f"{metric.day.key}_from": start.isoformat()}
    days[f"{metric.day.key}_to"] = end.isoformat()
    area = {"area": slug} if slug else {}
    return url_for(f"{metric.screen}.index_view", **days, **metric.filters, **area)


def _figures(metric: Metric, days: SimpleNamespace, here: Visit) -> list[SimpleNamespace]:
    day = today()
    before = sum(days.last_week.values())
    now_, note = sum(days.today.values()), ""
    if before:
        note = _("%(percent)s against a week ago", percent=f"{(now_ - before) / before:+.0%}")
    series = [sum(n for (_c, d), n in days.days.items() if d == day - timedelta(days=i))
              for i in range(DAYS_SHOWN - 1, -1, -1)]
    title = str(metric.title)
    return [
        SimpleNamespace(label=_("%(what)s today", what=title), value=f"{now_:,}", unit=str(metric.unit), note=note,
                        url=_url(metric, day, day), points=series[-14:]),
        SimpleNamespace(label=_("%(what)s this month", what=title), value=f"{sum(days.month.values()):,}",
                        unit=str(metric.unit), note="", url=_url(metric, day.replace(day=1), day), points=series),
    ]


def _cell(
    text: str, url: str | None = None, kind: str | None = None, points: list[int] | None = None
) -> SimpleNamespace:
    return SimpleNamespace(text=text, url=url, kind=kind, points=points)


def _column(label: str, numeric: bool = False) -> SimpleNamespace:
    return SimpleNamespace(label=label, numeric=numeric, lead=True)


def _table(plugin: str, metric: Metric, days: SimpleNamespace, here: Visit) -> SimpleNamespace:
    """A row for each community: recorded today or not, and figures that open their lists."""
    day = today()
    communities = [a for a in here.areas if a.is_community and here.area.contains(a) and a.closed_on is None]
    on = {a.id for a in communities_with(db.session(), plugin, communities)}
    rows = []
    for area in communities:
        name = _cell(area.name, url_for("workbench.index", area=area.slug))
        if area.id not in on:
            rows.append([name, _cell(_("Not enabled"), kind="none"), _cell("—"), _cell("—"), _cell("—"), _cell("")])
            continue
        number = days.today.get(area.id, 0)
        state = _cell(_("Recorded"), kind="ok") if number else _cell(_("Nothing recorded"), kind="bad")
        series = [days.days.get((area.id, day - timedelta(days=i)), 0) for i in range(DAYS_SHOWN - 1, -1, -1)]
        rows.append([
            name, state, _cell(f"{number:,}", _url(metric, day, day, area.slug)),
            _cell(f"{days.month.get(area.id, 0):,}", _url(metric, day.replace(day=1), day, area.slug)),
            _cell(f"{days.all.get(area.id, 0):,}", _url(metric, None, day, area.slug)),
            _cell("", points=series),
        ])
    return SimpleNamespace(
        title=_("%(what)s by community", what=metric.title), note=_("Every figure opens the list behind it"),
        columns=[_column(_("Community")), _column(_("State today")), _column(_("Number today"), True),
                 _column(_("This month"), True), _column(_("Since opening"), True), _column(_("Last 30 days"))],
        rows=rows,
    )



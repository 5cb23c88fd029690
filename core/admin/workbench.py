"""The workbench (今日概况): what happened today and this month, and what waits for somebody."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from types import SimpleNamespace

from flask import request, url_for
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.admin.figures.asked import Asked
from core.admin.figures.links import figure_url, page_url
from core.admin.figures.reading import Found, communities_of, metrics_for, on_in, read_totals
from core.admin.gate import Visit, visit
from core.admin.listing import Tool
from core.admin.page import ABOVE, COMMUNITY, Page
from core.admin.query import whole
from core.admin.task_alerts import task_alerts
from core.admin.waiting import todos_of
from core.areas.models import Area
from core.areas.scope import scope_of, session_for
from core.clock import beijing, now, today
from core.declarations import Metric
from core.metrics.expectations import DayState, States, states_of
from core.metrics.figures import by_day
from core.metrics.periods import PeriodKind, period_of
from core.metrics.units import change_of, change_text, text_of

DAYS_SHOWN = 30
TODAY, MONTH, ALL, LAST_WEEK = range(4)  # the spans that are read


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
        glance = _glance(here)
        tables = [] if here.area.is_community else [_table(glance, *each) for each in glance.metrics if each[1].daily]
        todos = todos_of(here, whole(request.args.get("todo"), 0, 10**6, 0))
        more = None if todos.next is None else url_for("workbench.index", todo=todos.next)
        figures_page = Tool(_("All figures"), url_for("figures.index"), icon="columns")
        return self.render(
            "workbench.html", title=_("Today"), note=self._note(here), todos=todos, more_todos=more,
            figures=[card for each in glance.metrics for card in _cards(glance, *each)], tables=tables,
            advice=_first_steps(here), alerts=task_alerts(here),
            actions=[figures_page] if glance.metrics else [],
        )

    def _note(self, here: Visit) -> str:
        time = beijing(now()).strftime("%H:%M")
        if here.area.is_community:
            return _("As of %(time)s", time=time)
        open_ones = [area for area in communities_of(here) if area.closed_on is None]
        return _("%(num)s communities, as of %(time)s", num=len(open_ones), time=time)


def _first_steps(here: Visit) -> str | None:
    """What a new office does first; None once a module is on."""
    if here.plugins:
        return None
    if any(a.is_community and here.area.contains(a) for a in here.areas):
        return _("No module is enabled here yet. An administrator enables it under “Modules”; "
                 "its figures then stand here.")
    return _("There is no community here yet. An administrator adds it under “Area tree”, "
             "then enables modules and adds accounts.")


# -- figures ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Glance:
    """What the workbench shows of the figures; the page of figures shows the rest."""

    metrics: list[tuple[str, Metric]]
    communities: list[Area]
    on: dict[str, set[int]]  # by plugin
    found: Found
    days: dict[str, dict[tuple[int, date], int]]
    states: dict[str, States]

    def number(self, plugin: str, metric: Metric, span: int, areas: Iterable[Area]) -> int:
        """Of those of the areas where it is on."""
        return sum(self.found.get((metric.name, span, area.id), 0) for area in areas if area.id in self.on[plugin])

    def points(self, plugin: str, metric: Metric, areas: Sequence[Area]) -> list[int]:
        """Day by day, the oldest first."""
        days, kept = [today() - timedelta(days=i) for i in range(DAYS_SHOWN - 1, -1, -1)], self.days[metric.name]
        return [sum(kept.get((area.id, day), 0) for area in areas if area.id in self.on[plugin]) for day in days]


def _glance(here: Visit) -> Glance:
    """The metrics that are expected daily, and one of each plugin that has none of them; in few statements."""
    day, communities = today(), communities_of(here)
    spans = ((day, day), (day.replace(day=1), day), (None, day), (day - timedelta(days=7), day - timedelta(days=7)))
    found, readable = read_totals(here, _at_a_glance(metrics_for(here)), spans)
    with session_for(scope_of(here.area), "figures of the workbench") as reading:
        known, _people = on_in(reading, communities, (day, day))
        days = {metric.name: by_day(reading, metric, day - timedelta(days=DAYS_SHOWN - 1), day)
                for _plugin, metric in readable}
        daily = [] if here.area.is_community else [metric for _plugin, metric in readable if metric.daily]
        states = states_of(reading, daily, communities, day, day) if daily else {}
    on = {plugin: {area for name, area in known if name == plugin} for plugin, _metric in readable}
    return Glance(readable, communities, on, found, days, states)


def _at_a_glance(metrics: list[tuple[str, Metric]]) -> list[tuple[str, Metric]]:
    daily = {plugin for plugin, metric in metrics if metric.daily}
    first = {plugin: metric for plugin, metric in reversed(metrics)}
    return [(plugin, metric) for plugin, metric in metrics
            if metric.daily or (plugin not in daily and first[plugin] is metric)]


def _cards(glance: Glance, plugin: str, metric: Metric) -> list[SimpleNamespace]:
    """Today, against the same weekday before, and this month."""
    area, title, unit = visit().area, str(metric.title), str(metric.unit)
    now_, month, before = (glance.number(plugin, metric, span, glance.communities)
                           for span in (TODAY, MONTH, LAST_WEEK))
    change, points = change_of(now_, before), glance.points(plugin, metric, glance.communities)
    note = _("%(percent)s against a week ago", percent=change_text(change)) if change is not None else ""
    return [
        SimpleNamespace(label=_("%(what)s today", what=title), value=text_of(metric, now_), unit=unit, note=note,
                        url=_url(metric, PeriodKind.DAY, area), points=points[-14:]),
        SimpleNamespace(label=_("%(what)s this month", what=title), value=text_of(metric, month), unit=unit, note="",
                        url=_url(metric, PeriodKind.MONTH, area), points=points),
    ]


def _url(metric: Metric, kind: PeriodKind, area: Area) -> str | None:
    asked = Asked(period_of(kind, today()), today())
    if kind == PeriodKind.ALL:  # what was counted before records began stands in no list
        return page_url(metric, asked, area)
    return figure_url(metric, asked, area)


def _table(glance: Glance, plugin: str, metric: Metric) -> SimpleNamespace:
    """A row for each community: recorded today or not, and figures that open their lists."""
    rows = []
    for area in (area for area in glance.communities if area.closed_on is None):
        name = _cell(area.name, url_for("workbench.index", area=area.slug))
        if area.id not in glance.on[plugin]:
            rows.append([name, _cell(_("Not enabled"), kind="none"), _cell("—"), _cell("—"), _cell("—"), _cell("")])
            continue
        numbers = [
            _cell(text_of(metric, glance.number(plugin, metric, span, [area])), _url(metric, kind, area))
            for span, kind in ((TODAY, PeriodKind.DAY), (MONTH, PeriodKind.MONTH), (ALL, PeriodKind.ALL))]
        rows.append([name, _state(glance, metric, area), *numbers,
                     _cell("", points=glance.points(plugin, metric, [area]))])
    return SimpleNamespace(
        title=_("%(what)s by community", what=metric.title), note=_("Every figure opens the list behind it"),
        columns=[_column(_("Community")), _column(_("State today")), _column(_("Number today"), True),
                 _column(_("This month"), True), _column(_("Since opening"), True), _column(_("Last 30 days"))],
        rows=rows,
    )


def _state(glance: Glance, metric: Metric, area: Area) -> SimpleNamespace:
    """Recorded, signed as zero, closed, or nothing yet."""
    state = glance.states.get(metric.name, {}).get((area.id, today()), DayState.FUTURE)
    if state in (DayState.FUTURE, DayState.MISSING):  # before the hour at which it is due nobody lacks anything
        return _cell(_("Nothing recorded"), kind="bad" if state is DayState.MISSING else "none")
    if state in (DayState.DONE, DayState.LATE):
        return _cell(_("Recorded"), kind="ok")
    return _cell(str(state.label), kind="info" if state is DayState.ZERO else "none")


def _cell(
    text: str, url: str | None = None, kind: str | None = None, points: list[int] | None = None
) -> SimpleNamespace:
    return SimpleNamespace(text=text, url=url, kind=kind, points=points)


def _column(label: str, numeric: bool = False) -> SimpleNamespace:
    return SimpleNamespace(label=label, numeric=numeric, lead=True)

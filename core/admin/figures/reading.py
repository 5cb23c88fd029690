"""Reads a page of figures in few statements, however many communities and metrics it shows."""
from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from core.admin.figures.asked import Asked
from core.admin.figures.lines import Days, Line, days_of, whole_of
from core.admin.gate import Visit, manager, sees_plugin
from core.areas.models import Area, AreaProfile, PluginSwitch
from core.areas.scope import scope_of, session_for
from core.declarations import Metric
from core.metrics.expectations import courses_of
from core.metrics.figures import Span, totals_of
from core.metrics.months import corrections_of
from core.metrics.openings import openings_of
from core.metrics.periods import PeriodKind

WEEKS = 4  # of those before a period, with which it is compared

MONTH = timedelta(days=31)  # of longer periods it is not asked which days were entered late: a row a day
WEEKS_BEFORE = range(2, 2 + WEEKS)  # their places among the spans: not worth a count over all records

Found = dict[tuple[str, int, int], int]


@dataclass(frozen=True)
class Board:
    """Every figure of a page: a line for each metric and community, and one for all of them."""

    asked: Asked
    area: Area
    metrics: tuple[tuple[str, Metric], ...]
    communities: tuple[Area, ...]
    lines: dict[tuple[str, int], Line]

    def of(self, metric: Metric) -> list[Line]:
        """A metric's lines, in the order of the tree."""
        return [self.lines[metric.name, area.id] for area in self.communities]

    def whole(self, metric: Metric) -> Line:
        """A metric's line of the area of the page."""
        lines = self.of(metric)
        return lines[0] if self.area.is_community else whole_of(metric, self.area, lines)


def metrics_for(here: Visit) -> list[tuple[str, Metric]]:
    """(plugin, metric) of what is on somewhere here, and of which the reader may see records."""
    return [(p, m) for p, m in manager().metrics() if p in here.plugins and sees_plugin(here.access, p)]


def communities_of(here: Visit) -> list[Area]:
    """The communities of the page in the order of the tree, closed ones too: they may have records."""
    return [area for area in here.areas if area.is_community and here.area.contains(area)]


def board_of(here: Visit, asked: Asked, metrics: Sequence[tuple[str, Metric]] | None = None) -> Board:
    """The figures of an area; a metric that cannot be counted is left out and its plugin named."""
    metrics = metrics_for(here) if metrics is None else metrics
    spans, communities = _spans(asked), communities_of(here)
    found, readable = read_totals(here, metrics, spans, WEEKS_BEFORE)
    with session_for(scope_of(here.area), "figures") as reading:
        on, people = on_in(reading, communities, asked.span)
        days = _days(reading, [metric for _p, metric in readable if metric.daily], communities, asked)
        openings = openings_of(reading, [metric for _p, metric in readable]) if asked.span[0] is None else {}
        corrected = corrections_of(reading, *asked.span)
    lines = {
        (metric.name, area.id): replace(
            _line(asked, metric, area, on.get((plugin, area.id)), found, people.get(area.id),
                  days.get(metric.name, {}).get(area.id)), opening=openings.get(metric.name, {}).get(area.id, 0),
            corrected=sum(corrected.get((part.name, area.id), 0) for part in metric.counted))
        for plugin, metric in readable for area in communities
    }
    shown = [area for area in communities if area.closed_on is None
             or any(lines[metric.name, area.id].parts is not None for _p, metric in readable)]
    return Board(asked, here.area, tuple(readable), tuple(shown), lines)


def read_totals(
    here: Visit, metrics: Sequence[tuple[str, Metric]], spans: Sequence[Span], kept_only: Collection[int] = ()
) -> tuple[Found, list[tuple[str, Metric]]]:
    """Totals by metric, span and community in one statement, and the metrics that could be read.

    Where that fails each metric is asked by itself, behind the guard of its plugin.
    """
    if not metrics:
        return {}, []
    try:
        with session_for(scope_of(here.area), "figures") as reading:
            return totals_of(reading, [metric for _plugin, metric in metrics], spans, kept_only), list(metrics)
    except SQLAlchemyError:
        found: Found = {}
        readable = []
        for plugin, metric in metrics:
            with manager().at_work(plugin, metric.name), session_for(scope_of(here.area), "figures") as reading:
                found |= totals_of(reading, [metric], spans, kept_only)
                readable.append((plugin, metric))
        return found, readable


def _spans(asked: Asked) -> list[Span]:
    """The period, the same part of last year, then what four weeks before it are looked at."""
    start, before = asked.span[0], asked.a_year_before
    if start is None or before is None:
        return [asked.span]
    spans: list[Span] = [asked.span, before]
    if asked.kind == PeriodKind.DAY:
        return [*spans, *((day, day) for day in (start - timedelta(weeks=n) for n in range(1, WEEKS + 1)))]
    return [*spans, (start - timedelta(weeks=WEEKS), start - timedelta(days=1))]


def _line(
    asked: Asked, metric: Metric, area: Area, was_on: bool | None, found: Found, residents: int | None,
    days: Days | None,
) -> Line:
    parts, start = found.get((metric.name, 0, area.id), 0), asked.span[0]
    was_closed = start is not None and area.closed_on is not None and area.closed_on <= start
    if was_on is None or ((was_closed or not was_on) and not parts):
        return Line(metric, area, None)
    before = found.get((metric.name, 1, area.id), 0) or None
    return Line(metric, area, parts, before, _usual(asked, metric, area, found), residents,
                parts if residents else None, days)


def _usual(asked: Asked, metric: Metric, area: Area, found: Found) -> Decimal | None:
    """What the four weeks before let expect of as many days; people who come daily do not add up, so not of them."""
    start, end = asked.span
    if start is None or (metric.once_per is not None and asked.kind != PeriodKind.DAY):
        return None
    numbers = [found.get((metric.name, at, area.id), 0) for at in WEEKS_BEFORE]
    if asked.kind == PeriodKind.DAY:
        return Decimal(sum(numbers)) / WEEKS or None
    return Decimal(numbers[0]) * ((end - start).days + 1) / (7 * WEEKS) or None


def on_in(
    reading: Session, communities: Sequence[Area], span: Span
) -> tuple[dict[tuple[str, int], bool], dict[int, int]]:
    """(plugin, community) → whether it was on at some time of these days, and the residents of the communities.

    What is off now is not there: it is hidden. One that was off for a time has the days before that time too.
    Residents as they are declared for the year of the last day, else for the latest year before it.
    """
    start, end = span
    declared = sa.select(AreaProfile.residents).where(
        AreaProfile.area_id == PluginSwitch.community_id, AreaProfile.year <= end.year, AreaProfile.residents > 0,
    ).order_by(AreaProfile.year.desc()).limit(1).scalar_subquery()
    rows = reading.execute(
        sa.select(PluginSwitch.plugin, PluginSwitch.community_id, PluginSwitch.on_from, PluginSwitch.off_on, declared)
        .where(PluginSwitch.community_id.in_([area.id for area in communities]))).all()
    on = {(plugin, community): False for plugin, community, _since, off_on, _people in rows if off_on is None}
    for plugin, community, since, off_on, _people in rows:
        if (plugin, community) in on and since <= end and (off_on is None or off_on > max(start or since, since)):
            on[plugin, community] = True
    return on, {community: people for _plugin, community, _since, _off, people in rows if people}


def _days(
    reading: Session, metrics: Sequence[Metric], communities: Sequence[Area], asked: Asked
) -> dict[str, dict[int, Days]]:
    """By metric and community how complete the records are; since the opening those of the last year."""
    if not metrics or not communities:
        return {}
    start, end = asked.span
    start = start or end.replace(month=1, day=1)
    days, found = courses_of(reading, metrics, communities, start, end, late=end - start <= MONTH)
    return {name: {community: days_of(days, course) for community, course in courses.items()}
            for name, courses in found.items()}

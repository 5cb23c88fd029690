"""What a metric comes to: by community, day, month, and by what it is broken down. Read from what is kept.

Numbers are stored parts (fen, minutes) of the metric's unit. Of a distinct count each community's own: people belong
to one. What is not kept (a week of people, a metric of no loaded plugin) is counted from the records.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import FunctionElement

from core.declarations import Dimension, Metric
from core.metrics.cells import new_in, value_of
from core.metrics.counting import count
from core.metrics.groups import kept, last_of, month_of
from core.metrics.models import MetricFigure
from core.metrics.openings import openings_of
from core.metrics.periods import MONTHS, PeriodKind, period_of


class DaysAsText(FunctionElement[str]):
    """Many days as one text, 2026-11-22,2026-11-23, in no order."""

    type = sa.String()
    name = "days_as_text"
    inherit_cache = True


@compiles(DaysAsText, "sqlite")
def _days_on_sqlite(element: Any, compiler: Any, **kwargs: Any) -> str:
    return f"group_concat({compiler.process(element.clauses, **kwargs)})"


@compiles(DaysAsText, "postgresql")
def _days_on_postgresql(element: Any, compiler: Any, **kwargs: Any) -> str:
    return f"string_agg(to_char({compiler.process(element.clauses, **kwargs)}, 'YYYY-MM-DD'), ',')"


Span = tuple[date | None, date]  # from (None: since the beginning) and to, both included
Piece = tuple[PeriodKind, date | None, date]  # cells of this period whose first day lies between these
MOST_SELECTS = 200  # in one statement; SQLite takes 500


def totals(session: Session, metric: Metric, start: date | None, end: date) -> dict[int, int]:
    """The metric from `start` (None: since the beginning, with its opening balance) to `end`, for each community."""
    return {community: number for (_name, _span, community), number in
            totals_of(session, [metric], [(start, end)]).items()}


def totals_of(
    session: Session, metrics: Sequence[Metric], spans: Sequence[Span], kept_only: Collection[int] = ()
) -> dict[tuple[str, int, int], int]:
    """The same of many metrics and spans at once: (the metric's name, place of the span, community) → number.

    What is not kept is counted from the records, but for the places `kept_only`: there it is left out.
    """
    parts = {part.name: part for metric in metrics for part in metric.counted}
    found = _of_parts(session, list(parts.values()), spans, kept_only)
    summed: Counter[tuple[str, int, int]] = Counter()
    for metric in metrics:
        names = [part.name for part in metric.counted]
        for (name, place, community), number in found.items():
            summed[metric.name, place, community] += number * names.count(name)
    for place in (place for place, (start, _end) in enumerate(spans) if start is None):
        for name, openings in openings_of(session, metrics, spans[place][1]).items():
            for community, number in openings.items():
                summed[name, place, community] += number
    return {key: number for key, number in summed.items() if number}


def by_day(session: Session, metric: Metric, start: date, end: date) -> dict[tuple[int, date], int]:
    """The metric for each community and day that has records."""
    return _by(session, metric, PeriodKind.DAY, start, end)


def days_recorded(session: Session, metric: Metric, start: date, end: date) -> dict[int, set[date]]:
    """For each community the days on which the metric is not 0.

    A row for each community and part: 20,000 for a year of a street cost ten times as much.
    """
    found: dict[int, set[date]] = {}
    names, negative = [part.name for part in metric.counted], not all(kept().holds(part) for part in metric.counted)
    if not negative:
        rows = sa.select(MetricFigure.community_id, DaysAsText(MetricFigure.day), sa.func.min(MetricFigure.number))
        for community, days, least in session.execute(rows.where(_cells(names, (PeriodKind.DAY, start, end))).group_by(
                MetricFigure.community_id, MetricFigure.metric)):
            found.setdefault(community, set()).update(map(date.fromisoformat, days.split(",")))
            negative = negative or least < 0
    if negative:  # parts may come to nothing together
        found = {}
        for community, day in by_day(session, metric, start, end):
            found.setdefault(community, set()).add(day)
    return found


def by_month(session: Session, metric: Metric, start: date, end: date) -> dict[tuple[int, date], int]:
    """The metric for each community and month (its first day) that has records; whole months."""
    return _by(session, metric, PeriodKind.MONTH, month_of(start), end)


def by_value(
    session: Session, metric: Metric, dimension: Dimension, start: date | None, end: date
) -> dict[tuple[int, Any], int]:
    """The metric for each community and value of one of its dimensions."""
    if metric.once_per is not None or not kept().holds(metric):
        rows = count(session, metric, start, end, metric.model.community_id, dimension.column)
        return {(community, value): number for community, value, number in rows}
    found: Counter[tuple[int, Any]] = Counter()
    pieces = [sa.select(MetricFigure.community_id, MetricFigure.split).where(_cells([metric.name], piece))
              for piece in _pieces(start, end)]
    for community, split in session.execute(sa.union_all(*pieces)):
        for text, number in ((split or {}).get(dimension.name) or {}).items():
            found[community, value_of(dimension.column, text)] += number
    return {key: number for key, number in found.items() if number}


def rows_of(session: Session, metric: Metric, span: Span) -> int:
    """How many records an amount is summed from (笔数)."""
    return sum(session.scalar(sa.select(sa.func.count()).select_from(part.model).where(
        *(() if span[0] is None else (part.day >= span[0],)), part.day <= span[1], *part.where)) or 0
        for part in metric.counted)


# -- cells --------------------------------------------------------------------------------------------


def _by(session: Session, metric: Metric, kind: PeriodKind, start: date, end: date) -> dict[tuple[int, date], int]:
    found: Counter[tuple[int, date]] = Counter()
    holds = kept().holds
    names = [new_in(part.name, kind) if part.once_per is not None and kind is PeriodKind.MONTH else part.name
             for part in metric.counted if holds(part)]
    if names:
        rows = sa.select(MetricFigure.community_id, MetricFigure.day, sa.func.sum(MetricFigure.number))
        rows = rows.where(_cells(names, (kind, start, end))).group_by(MetricFigure.community_id, MetricFigure.day)
        found.update({(community, day): int(number) for community, day, number in session.execute(rows)})
    for part in (part for part in metric.counted if not holds(part)):
        for community, first, number in _live_by(session, part, kind, start, end):
            found[community, first] += int(number)
    return {key: number for key, number in found.items() if number}


def _live_by(session: Session, part: Metric, kind: PeriodKind, start: date, end: date) -> Iterable[Any]:
    if kind is PeriodKind.DAY:
        return count(session, part, start, end, part.model.community_id, part.day)
    year, month = sa.extract("year", part.day), sa.extract("month", part.day)
    rows = count(session, part, start, end, part.model.community_id, year, month)
    return [(community, date(int(y), int(m), 1), number) for community, y, m, number in rows]


def _cells(names: Sequence[str], piece: Piece) -> Any:
    kind, first, last = piece
    since = () if first is None else (MetricFigure.day >= first,)
    return sa.and_(MetricFigure.metric.in_(names), MetricFigure.period == kind, *since, MetricFigure.day <= last,
                   MetricFigure.number != 0)


def _pieces(start: date | None, end: date) -> list[Piece]:
    """The fewest cells of a sum: its whole months, and single days before and after them."""
    after = end + timedelta(days=1)
    first = start if start is None or start.day == 1 else last_of(start) + timedelta(days=1)
    last = month_of(after) - timedelta(days=1)  # of the last whole month
    if first is not None and first > last:
        return [(PeriodKind.DAY, start, end)]
    found: list[Piece] = [(PeriodKind.MONTH, first, last)]
    if start is not None and first is not None and start < first:
        found.append((PeriodKind.DAY, start, first - timedelta(days=1)))
    if last < end:
        found.append((PeriodKind.DAY, last + timedelta(days=1), end))
    return found


# -- many at once -------------------------------------------------------------------------------------


def _of_parts(
    session: Session, parts: Sequence[Metric], spans: Sequence[Span], kept_only: Collection[int]
) -> dict[tuple[str, int, int], int]:
    """One statement over the cells, and one for each number that is not kept."""
    sums = [part.name for part in parts if part.once_per is None and kept().holds(part)]
    found: Counter[tuple[str, int, int]] = Counter()
    selects: list[Any] = []
    for place, span in enumerate(spans):
        selects += [_sum(place, sums, piece) for piece in _pieces(*span) if sums]
        for part in (part for part in parts if part.name not in sums):
            series = _series(part, span) if kept().holds(part) else None
            selects += [_sum(place, [series], piece) for piece in _pieces(*span)] if series else []
            live = not series and place not in kept_only
            for community, number in count(session, part, *span, part.model.community_id) if live else ():
                found[part.name, place, community] += int(number)
    for start in range(0, len(selects), MOST_SELECTS):
        for place, name, community, number in session.execute(sa.union_all(*selects[start:start + MOST_SELECTS])):
            found[name.partition(":")[0], place, community] += int(number)
    return found


def _sum(place: int, names: Sequence[str], piece: Piece) -> Any:
    return sa.select(
        sa.literal(place, sa.Integer), MetricFigure.metric, MetricFigure.community_id, sa.func.sum(MetricFigure.number)
    ).where(_cells(names, piece)).group_by(MetricFigure.metric, MetricFigure.community_id)


def _series(part: Metric, span: Span) -> str | None:
    """What of a distinct count adds up over these days: who is new in a period that begins with them."""
    start, end = span
    if start == end:
        return part.name
    if start is None:
        return new_in(part.name, PeriodKind.ALL)
    for kind in MONTHS:
        period = period_of(kind, start)
        if period.start == start and end <= period.end:
            return new_in(part.name, kind)
    return None

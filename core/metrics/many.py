"""Many metrics and periods at once: a page of figures asks the database once, however many it shows."""
from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.declarations import Metric
from core.metrics.figures import counted

Span = tuple[date | None, date]  # from (None: since the beginning) and to, both included
PIECES = 200  # selects in one statement; SQLite takes 500


def totals_of(session: Session, metrics: Sequence[Metric], spans: Sequence[Span]) -> dict[tuple[str, int, int], int]:
    """Stored parts by (the metric's name, number of the span, community), as `figures.totals` gives them one by one."""
    adds_to: dict[str, list[str]] = {}
    parts = {part.name: part for metric in metrics for part in metric.counted}
    for metric in metrics:
        for part in metric.counted:
            adds_to.setdefault(part.name, []).append(metric.name)
    names, found = list(parts), Counter[tuple[str, int, int]]()
    selects = [_total(at, parts[name], number, span)
               for at, name in enumerate(names) for number, span in enumerate(spans)]
    for start in range(0, len(selects), PIECES):
        for at, number, community, total in session.execute(sa.union_all(*selects[start:start + PIECES])):
            for name in adds_to[names[at]]:
                found[name, number, community] += int(total)
    return dict(found)


def _total(at: int, part: Metric, number: int, span: Span) -> Any:
    community = part.model.community_id
    return sa.select(sa.literal(at), sa.literal(number), community, counted(part)).where(
        *_within(part, span), *part.where).group_by(community)


def rows_counted(session: Session, metric: Metric, span: Span) -> int:
    """How many records an amount is summed from (笔数)."""
    return sum(session.scalar(sa.select(sa.func.count()).select_from(part.model).where(
        *_within(part, span), *part.where)) or 0 for part in metric.counted)


def _within(part: Metric, span: Span) -> tuple[Any, ...]:
    start, end = span
    return (*(() if start is None else (part.day >= start,)), part.day <= end)

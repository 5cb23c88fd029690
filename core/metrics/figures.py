"""What a metric comes to: by community, day, month, and by what it is broken down."""
from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.declarations import Dimension, Metric


def totals(session: Session, metric: Metric, start: date | None, end: date) -> dict[int, int]:
    """The metric from `start` (None: since the beginning) to `end`, both included, for each community in scope.

    Stored parts (fen, minutes) of the metric's unit. Of a distinct count each community's own: people belong to one.
    """
    found: Counter[int] = Counter()
    for part in metric.counted:
        owner = part.model.community_id
        found.update({community: number for community, number in _rows(session, part, start, end, owner)})
    return dict(found)


def by_day(session: Session, metric: Metric, start: date, end: date) -> dict[tuple[int, date], int]:
    """The metric for each community and day that has records."""
    found: Counter[tuple[int, date]] = Counter()
    for part in metric.counted:
        rows = _rows(session, part, start, end, part.model.community_id, part.day)
        found.update({(community, day): number for community, day, number in rows})
    return dict(found)


def by_month(session: Session, metric: Metric, start: date, end: date) -> dict[tuple[int, date], int]:
    """The metric for each community and month (its first day) that has records; whole months."""
    found: Counter[tuple[int, date]] = Counter()
    for part in metric.counted:
        year, month = sa.extract("year", part.day), sa.extract("month", part.day)
        rows = _rows(session, part, start, end, part.model.community_id, year, month)
        found.update({(community, date(int(y), int(m), 1)): number for community, y, m, number in rows})
    return dict(found)


def by_value(
    session: Session, metric: Metric, dimension: Dimension, start: date | None, end: date
) -> dict[tuple[int, Any], int]:
    """The metric for each community and value of one of its dimensions."""
    rows = _rows(session, metric, start, end, metric.model.community_id, dimension.column)
    return {(community, value): number for community, value, number in rows}


def _rows(session: Session, metric: Metric, start: date | None, end: date, *groups: Any) -> Any:
    since = () if start is None else (metric.day >= start,)
    return session.execute(
        sa.select(*groups, counted(metric)).where(*since, metric.day <= end, *metric.where).group_by(*groups)
    )


def counted(metric: Metric) -> Any:
    """The aggregate of a metric that is counted from records."""
    if metric.once_per is not None:
        return sa.func.count(sa.distinct(metric.once_per))
    if metric.amount is not None:
        return sa.func.coalesce(sa.type_coerce(sa.func.sum(metric.amount), sa.BigInteger), 0)
    return sa.func.count()

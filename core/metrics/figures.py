"""Figures of the workbench: each counted from its records, by community and day."""
from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.declarations import Metric


def by_community(session: Session, metric: Metric, start: date, end: date) -> dict[int, int]:
    """The metric from `start` to `end` (both included) for each community in the session's scope."""
    owner = metric.model.community_id
    rows = session.execute(
        sa.select(owner, metric.count).where(metric.day.between(start, end), *metric.where).group_by(owner)
    )
    return {community: number for community, number in rows}


def by_day(session: Session, metric: Metric, start: date, end: date) -> dict[tuple[int, date], int]:
    """The metric for each community and day that has records."""
    owner = metric.model.community_id
    rows = session.execute(
        sa.select(owner, metric.day, metric.count).where(metric.day.between(start, end), *metric.where)
        .group_by(owner, metric.day)
    )
    return {(community, day): number for community, day, number in rows}

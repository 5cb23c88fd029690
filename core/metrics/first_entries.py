"""When the first record of a day was entered: what tells a late entry (补报) from one in time."""
from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from core.clock import now
from core.declarations import Metric
from core.metrics.reporting_models import FirstEntry


def note_first(session: Session, metric: Metric, community_id: int, day: date, old: int, new: int) -> None:
    """Keep the moment with the change that made the day's figure, in its transaction; gone when nothing is left.

    Written past the ORM like the audit trail: this runs within a flush, for rows of the session's own community.
    """
    if bool(old) == bool(new):
        return
    if not new:
        session.execute(sa.delete(FirstEntry).where(FirstEntry.metric == metric.name, FirstEntry.day == day),
                        execution_options={"synchronize_session": False})
        return
    told = _told(session, metric, [metric.day == day])
    _add(session, [{"community_id": community_id, "metric": metric.name, "day": day,
                    "at": told.get(day) or now(), "row_version": 1}])


def rebuild_first_entries(session: Session, metric: Metric, community_id: int) -> None:
    """From the records themselves, for records that came in before this was kept, or past the ORM.

    Only a model with `recorded_at` tells; without it the days count as in time.
    """
    session.execute(sa.delete(FirstEntry).where(FirstEntry.metric == metric.name),
                    execution_options={"synchronize_session": False})
    _add(session, [{"community_id": community_id, "metric": metric.name, "day": day, "at": at, "row_version": 1}
                   for day, at in _told(session, metric, []).items()])


def first_entries(session: Session, metric: Metric, start: date, end: date) -> dict[tuple[int, date], datetime]:
    """The moment by community and day; of a sum the first of its parts."""
    names = [part.name for part in metric.counted]
    rows = session.execute(
        sa.select(FirstEntry.community_id, FirstEntry.day, sa.func.min(FirstEntry.at, type_=FirstEntry.at.type))
        .where(FirstEntry.metric.in_(names), FirstEntry.day >= start, FirstEntry.day <= end)
        .group_by(FirstEntry.community_id, FirstEntry.day))
    return {(community_id, day): at for community_id, day, at in rows}


def _told(session: Session, metric: Metric, conditions: list[Any]) -> dict[date, datetime]:
    column = getattr(metric.model, "recorded_at", None)
    if column is None:
        return {}
    return dict(session.execute(
        sa.select(metric.day, sa.func.min(column, type_=column.type)).where(*metric.where, *conditions)
        .group_by(metric.day)
    ).all())


def _add(session: Session, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    connection = session.connection()
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(insert(FirstEntry.__table__).on_conflict_do_nothing(), rows)

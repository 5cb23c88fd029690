"""When the first record of a day was entered: what tells a late entry (补报) from one in time."""
from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from core.clock import now
from core.declarations import Metric
from core.metrics.reporting_models import FirstEntry


def note_first(
    session: Session, metric: Metric, community_id: int, begun: Iterable[date], ended: Iterable[date]
) -> None:
    """Keep the moment for days that have records now (`begun`), forget it for days that have none any more (`ended`).

    In the transaction of the change, and past the ORM like the audit trail: this runs while a session commits, for
    rows of its own community. Only figures that are expected daily are asked for it.
    """
    begun, ended = list(begun), list(ended)
    if metric.name not in _expected():
        return
    if ended:
        session.execute(sa.delete(FirstEntry).where(FirstEntry.metric == metric.name, FirstEntry.day.in_(ended)),
                        execution_options={"synchronize_session": False})
    if begun:
        told = _told(session, metric, [metric.day.in_(begun)])
        _add(session, community_id, metric, {day: told.get(day) or now() for day in begun})


def rebuild_first_entries(session: Session, metric: Metric, community_id: int) -> None:
    """From the records themselves, for records that came in before this was kept, or past the ORM.

    Only a model with `recorded_at` tells; without it the days count as in time.
    """
    session.execute(sa.delete(FirstEntry).where(FirstEntry.metric == metric.name),
                    execution_options={"synchronize_session": False})
    if metric.name in _expected():
        _add(session, community_id, metric, _told(session, metric, []))


def first_entries(session: Session, metric: Metric, start: date, end: date) -> dict[tuple[int, date], datetime]:
    """The moment by community and day; of a sum the first of its parts."""
    names = [part.name for part in metric.counted]
    rows = session.execute(
        sa.select(FirstEntry.community_id, FirstEntry.day, sa.func.min(FirstEntry.at, type_=FirstEntry.at.type))
        .where(FirstEntry.metric.in_(names), FirstEntry.day >= start, FirstEntry.day <= end)
        .group_by(FirstEntry.community_id, FirstEntry.day))
    return {(community_id, day): at for community_id, day, at in rows}


def _expected() -> set[str]:
    """What the daily figures of the plugins are counted from."""
    metrics = current_app.extensions["jinlin_plugins"].metrics()
    return {part.name for _plugin, metric in metrics if metric.daily for part in metric.counted}


def _told(session: Session, metric: Metric, conditions: list[Any]) -> dict[date, datetime]:
    column = getattr(metric.model, "recorded_at", None)
    if column is None:
        return {}
    return dict(session.execute(
        sa.select(metric.day, sa.func.min(column, type_=column.type)).where(*metric.where, *conditions)
        .group_by(metric.day)
    ).all())


def _add(session: Session, community_id: int, metric: Metric, moments: dict[date, datetime]) -> None:
    if moments:
        connection = session.connection()
        insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        connection.execute(insert(FirstEntry.__table__).on_conflict_do_nothing(), [
            {"community_id": community_id, "metric": metric.name, "day": day, "at": at, "row_version": 1}
            for day, at in sorted(moments.items())])

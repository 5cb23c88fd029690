"""Closed months: a figure that changes afterwards is kept as a correction, in the transaction of the change."""
from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, inspect
from sqlalchemy.orm import Session, SessionTransaction

from core.areas.tenancy import TenantModel
from core.clock import now, today
from core.declarations import Metric
from core.extensions import ScopedSession
from core.metrics.first_entries import note_first
from core.metrics.reporting import Reporting, reporting
from core.metrics.reporting_models import Correction

LONGEST_REASON = 200


def note_changes(session: Session, metric: Metric, changes: Mapping[date, tuple[int, int]]) -> None:
    """Kept figures of days changed, each from → to in stored parts; said by what keeps them, before the commit.

    `metric` is one that is counted, not a sum. Notes the first entry of a day, and a correction where its month is
    closed, for the community of the session.
    """
    scope = session.info["scope"]
    moved = {day: (old, new) for day, (old, new) in changes.items() if old != new}
    note_first(session, metric, scope.community_id, begun=[day for day, (old, _new) in moved.items() if not old],
               ended=[day for day, (_old, new) in moved.items() if not new])
    day_today = today()
    rows = [_correction(session, metric, day, *moved[day]) for day in sorted(moved)
            if day < day_today.replace(day=1) and _rules(session).is_closed(scope.path, day.replace(day=1), day_today)]
    if rows:
        session.connection().execute(Correction.__table__.insert(), rows)


def _correction(session: Session, metric: Metric, day: date, old: int, new: int) -> dict[str, Any]:
    given = session.info.get("reasons", {})
    reasons = given.get((metric.model.__tablename__, metric.day.key, day)) or [  # it follows from a change elsewhere
        why for (_table, name, on), known in given.items() if (name, on) == (metric.day.key, day) for why in known]
    return {
        "community_id": session.info["scope"].community_id, "month": day.replace(day=1), "day": day,
        "metric": metric.name, "old": old, "new": new,
        "reason": "；".join(dict.fromkeys(reasons))[:LONGEST_REASON] or None,
        "changed_by": session.info.get("actor", "system"), "at": now(), "row_version": 1,
    }


def _rules(session: Session) -> Reporting:
    """Asked once a transaction: an import touches many days."""
    if "reporting" not in session.info:
        session.info["reporting"] = reporting(session)
    return session.info["reporting"]


@event.listens_for(ScopedSession, "before_flush")
def _collect_reasons(session: Session, _context: object, _instances: object) -> None:
    """Why a record is made or voided, by the days that it bears: the transaction's corrections ask for it."""
    for row in session.new | session.dirty:
        if isinstance(row, TenantModel) and (why := _reason_of(row)):
            for name in _day_names(type(row)):
                key = (row.__tablename__, name, getattr(row, name))
                session.info.setdefault("reasons", {}).setdefault(key, []).append(why)


@event.listens_for(ScopedSession, "after_transaction_end")
def _forget(session: Session, transaction: SessionTransaction) -> None:
    """With the whole transaction: what a savepoint ends is still to be committed."""
    if transaction.parent is None:
        session.info.pop("reasons", None)
        session.info.pop("reporting", None)


def _reason_of(row: TenantModel) -> str | None:
    """The reason given now for a voiding (作废), else for a reversal or a back entry (补录); not one given before."""
    known = inspect(row).attrs
    given = [known[name].history.added for name in ("void_reason", "reason") if name in known]
    return next((added[0] for added in given if added and added[0]), None)


@cache
def _day_names(model: type) -> tuple[str, ...]:
    return tuple(c.key for c in inspect(model).column_attrs if isinstance(c.columns[0].type, sa.Date))


# -- reading ---------------------------------------------------------------------------------------


def unexplained(session: Session) -> int:
    """How many corrections of the session's scope still lack their reason (未说明)."""
    return session.scalar(sa.select(sa.func.count()).select_from(Correction).where(Correction.reason.is_(None))) or 0


def corrections_by_month(session: Session, start: date, end: date) -> dict[date, int]:
    """How many corrections each month has in the session's scope."""
    rows = sa.select(Correction.month, sa.func.count()).where(Correction.month >= start, Correction.month <= end)
    return dict(session.execute(rows.group_by(Correction.month)).all())


def corrections_of(session: Session, start: date | None, end: date) -> dict[tuple[str, int], int]:
    """How many corrections the days from `start` (None: the beginning) to `end` have, by metric and community."""
    since = () if start is None else (Correction.day >= start,)
    rows = session.execute(
        sa.select(Correction.metric, Correction.community_id, sa.func.count()).where(*since, Correction.day <= end)
        .group_by(Correction.metric, Correction.community_id))
    return {(metric, community): number for metric, community, number in rows}

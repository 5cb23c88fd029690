"""Figures kept in the transaction of the change: what a flush touches is noted, and counted anew before the commit.

Why this is exact with many writers: docs/decisions/figures.md.
"""
from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction
from sqlalchemy.orm.attributes import History, get_history

from core.errors import ScopeError
from core.extensions import ScopedSession
from core.metrics.cells import (
    NOTHING,
    Figure,
    Figures,
    Key,
    by_months,
    differences,
    lock,
    of_days,
    once_in,
    present,
    read,
    there,
    write,
    write_presence,
)
from core.metrics.groups import Group, kept, month_of
from core.metrics.periods import PeriodKind

TOUCHED = "figures"
Marks = set[tuple[Any, ...]]  # values of Group.columns that a record has or had


# -- what is touched ----------------------------------------------------------------------------------


@event.listens_for(ScopedSession, "before_flush")
def _note_what_was(session: Session, _context: object, _instances: object) -> None:
    """What changed or deleted records counted as before; a value that is not loaded is still in the database."""
    by_model = kept().by_model
    for row in (*session.dirty, *session.deleted):
        groups = by_model.get(type(row))
        if groups and (row in session.deleted or session.is_modified(row)):
            for group in groups:
                _marks(session, group).add(_as_it_was(session, group, row))


@event.listens_for(ScopedSession, "after_flush")
def _note_what_is(session: Session, _context: object) -> None:
    by_model = kept().by_model
    for row in (*session.new, *session.dirty):
        for group in by_model.get(type(row), ()):  # of what only seemed to change, too much is counted, not too little
            _marks(session, group).add(tuple(getattr(row, column.key) for column in group.columns))


def _as_it_was(session: Session, group: Group, row: Any) -> tuple[Any, ...]:
    histories: list[History] = [get_history(row, column.key) for column in group.columns]
    if any(history.added and not history.deleted for history in histories):
        with session.no_autoflush:
            found = session.execute(sa.select(*group.columns).where(group.model.id == row.id)).first()
        return tuple(found) if found else (None,) * len(histories)
    return tuple((history.deleted or history.unchanged or (None,))[0] for history in histories)


@event.listens_for(ScopedSession, "do_orm_execute")
def _note_many(state: ORMExecuteState) -> None:
    """An UPDATE or DELETE of many records: they are looked for before it is done."""
    if not (state.is_update or state.is_delete) or state.bind_mapper is None:
        return
    for group in kept().by_model.get(state.bind_mapper.class_, ()):
        changed = {getattr(column, "key", column) for column in getattr(state.statement, "_values", None) or ()}
        if changed & {column.key for column in group.columns}:
            raise ScopeError("days of records that are counted change record by record")
        rows = sa.select(*group.columns).distinct()
        if (condition := state.statement.whereclause) is not None:
            rows = rows.where(condition)
        _marks(state.session, group).update(map(tuple, state.session.execute(rows, state.parameters)))


def _marks(session: Session, group: Group) -> Marks:
    return session.info.setdefault(TOUCHED, {}).setdefault(group, set())


@event.listens_for(ScopedSession, "after_soft_rollback")
def _forget(session: Session, transaction: SessionTransaction) -> None:
    """What only a savepoint took back is counted all the same: it does no harm."""
    if transaction.parent is None:
        session.info.pop(TOUCHED, None)


# -- counted anew -------------------------------------------------------------------------------------


@event.listens_for(ScopedSession, "before_commit")
def _keep(session: Session) -> None:
    if session.in_nested_transaction():
        return
    session.flush()
    if touched := session.info.pop(TOUCHED, None):
        community = session.info["scope"].community_id
        connection = session.connection()
        lock(connection, community)
        figures: Figures = {}
        for group, marks in touched.items():
            figures |= _counted(connection, community, group, marks)
        if figures:
            write(connection, community, figures)


def _counted(connection: sa.Connection, community: int, group: Group, marks: Marks) -> Figures:
    """The cells that change, as they are now."""
    days = {mark[0] for mark in marks} - {None}
    if not days:
        return {}
    moved = _people(connection, community, group, marks)
    keys = {(PeriodKind.DAY, day) for day in days} | {(kind, day) for _name, kind, day in moved}
    keys |= {(PeriodKind.MONTH, month_of(day)) for day in days if group.summed}
    before = read(connection, community, [metric.name for metric in group.metrics], keys)
    now = of_days(connection, community, group, days)
    changed = differences({k: f for k, f in before.items() if k[1] is PeriodKind.DAY and k[2] in days}, now)
    by_day = {key: wanted.plus(was, -1) for key, (was, wanted) in changed.items()}
    found = {key: wanted for key, (_was, wanted) in changed.items()}
    for key, difference in by_months(by_day, {metric.name for metric in group.summed}).items():
        found[key] = before.get(key, NOTHING).plus(difference)
    for key, number in moved.items():
        found[key] = before.get(key, NOTHING).plus(Figure(number))
    return found


def _people(connection: sa.Connection, community: int, group: Group, marks: Marks) -> Counter[Key]:
    """Who is counted in a month for the first time or no more: kept, and what it adds to which cells."""
    moved: Counter[Key] = Counter()
    for place, metric in enumerate(group.distinct, 1):
        months: dict[date, set[int]] = {}
        for mark in marks:
            if mark[0] is not None and mark[place] is not None:
                months.setdefault(month_of(mark[0]), set()).add(mark[place])
        subjects = set().union(*months.values())
        if not subjects:
            continue
        asked = {(subject, month) for month, some in months.items() for subject in some}
        before = there(connection, community, metric.name, subjects)
        now = before - asked | present(connection, community, group, metric, months)
        if before != now:
            write_presence(connection, community, metric.name, before, now)
            numbers = once_in(now)
            numbers.subtract(once_in(before))
            moved.update({(metric.name, kind, day): number for (kind, day), number in numbers.items() if number})
    return moved

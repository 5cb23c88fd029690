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
    new_ones,
    of_days,
    present,
    read,
    series_of,
    there,
    write,
    write_presence,
)
from core.metrics.groups import Group, kept, month_of
from core.metrics.months import note_changes
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
            figures |= _counted(session, community, group, marks)
        if figures:
            write(connection, community, figures)


def _counted(session: Session, community: int, group: Group, marks: Marks) -> Figures:
    """The cells that change, as they are now; what changed by day is told to the months."""
    days, connection = {mark[0] for mark in marks} - {None}, session.connection()
    if not days:
        return {}
    moved = _people(connection, community, group, marks)
    touched = days | {day for _name, _kind, day in moved}
    keys = {(PeriodKind.DAY, day) for day in touched} | {(PeriodKind.MONTH, month_of(day)) for day in touched}
    before = read(connection, community, series_of(group) if moved else [m.name for m in group.metrics], keys)
    wanted = of_days(connection, community, group, days)
    known = {metric.name for metric in group.metrics}
    were = {key: figure for key, figure in before.items()
            if key[0] in known and key[1] is PeriodKind.DAY and key[2] in days}
    changed = differences(were, wanted)
    for metric in group.metrics:
        note_changes(session, metric, {key[2]: (was.number, now.number) for key, (was, now) in changed.items()
                                       if key[0] == metric.name})
    changes = {key: now.plus(was, -1) for key, (was, now) in changed.items()}
    changes |= {key: Figure(number) for key, number in moved.items()}
    changes |= by_months(changes, group)
    return {key: before.get(key, NOTHING).plus(change) for key, change in changes.items() if change != NOTHING}


def _people(connection: sa.Connection, community: int, group: Group, marks: Marks) -> Counter[Key]:
    """Who is counted first on another day of a month, or no more: kept here, and what it changes."""
    moved: Counter[Key] = Counter()
    for place, metric in enumerate(group.distinct, 1):
        months: dict[date, set[int]] = {}
        for mark in marks:
            if mark[0] is not None and mark[place] is not None:
                months.setdefault(month_of(mark[0]), set()).add(mark[place])
        subjects = set().union(*months.values())
        if not subjects:
            continue
        before = there(connection, community, metric.name, subjects)
        others = {(subject, day) for subject, day in before if subject not in months.get(month_of(day), ())}
        now = others | present(connection, community, group, metric, months)
        if before != now:
            write_presence(connection, community, metric.name, before, now)
            numbers = new_ones(metric.name, now)
            numbers.subtract(new_ones(metric.name, before))
            moved.update({key: number for key, number in numbers.items() if number})
    return moved

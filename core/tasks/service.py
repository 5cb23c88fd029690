"""Opening and finishing tasks."""
from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session, joinedload

from core.errors import ValidationError
from core.residents.models import Resident
from core.tasks.models import Outcome, Task, TaskState

LONGEST_NOTE = 200


def open_task(
    session: Session, title: str, resident: Resident, due: date, *, source: str, by: str, at: datetime,
    link: str | None = None,
) -> Task:
    """A task about a resident; the one that this module has open for the person and day already, if there is one.

    A finished task is over: what happens after it opens another.
    """
    known = session.scalar(sa.select(Task).where(
        Task.resident_id == resident.id, Task.source == source, Task.due == due, Task.state == TaskState.OPEN,
        Task.voided_at.is_(None)))
    if known is not None:
        return known
    task = Task(title=title[:100], resident_id=resident.id, due=due, source=source, link=link, opened_by=by,
                opened_at=at, state=TaskState.OPEN)
    session.add(task)
    session.flush()
    return task


def close_task(session: Session, task: Task, outcome: Outcome, note: str, by: str, at: datetime) -> Task:
    """Say how it ended. Raises ValidationError where words are missing, or it is finished or void already."""
    if task.voided_at is not None:
        raise ValidationError(_("“%(name)s” is already void.", name=task.label))
    if task.state == TaskState.DONE:
        raise ValidationError(_("%(by)s has finished this task already: %(outcome)s.", by=task.done_by,
                                outcome=task.outcome.label if task.outcome else "—"))
    note = " ".join(note.split())
    if len(note) < 2:
        raise ValidationError(_("Please write down in a few words what happened."), "note")
    if len(note) > LONGEST_NOTE:
        raise ValidationError(_("At most %(most)s characters, please.", most=LONGEST_NOTE), "note")
    task.state, task.outcome, task.outcome_note, task.done_by, task.done_at = TaskState.DONE, outcome, note, by, at
    session.flush()
    return task


def open_tasks(session: Session, most: int) -> list[Task]:
    """What waits longest comes first."""
    return list(session.scalars(
        sa.select(Task).where(Task.state == TaskState.OPEN, Task.voided_at.is_(None))
        .options(joinedload(Task.resident)).order_by(Task.due, Task.id).limit(most)))


def count_open(session: Session) -> dict[int, int]:
    """Community → how many tasks wait there, of the communities in the session's scope."""
    return dict(session.execute(
        sa.select(Task.community_id, sa.func.count()).where(Task.state == TaskState.OPEN, Task.voided_at.is_(None))
        .group_by(Task.community_id)).all())


def tasks_about(session: Session, resident: Resident, most: int) -> Iterator[Task]:
    """The latest tasks about a resident, newest first."""
    return iter(session.scalars(
        sa.select(Task).where(Task.resident_id == resident.id, Task.voided_at.is_(None))
        .order_by(Task.due.desc(), Task.id.desc()).limit(most)))

"""Saving a record: whole or not at all, never over somebody else's change; the recycle bin; voiding."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask import current_app
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.exc import StaleDataError

from core.admin.once import KEY, claim, note_done, was_sent
from core.admin.rules import broken_rule, doubled_by
from core.areas.tenancy import Deletable, TenantModel, Voidable, model_of, tenant_models
from core.clock import now
from core.errors import ValidationError


class Stale(Exception):
    """Somebody else saved the record since this form was opened."""


def save_changes(
    session: Session, record: TenantModel, version: str, change: Callable[[], None], *, key: str = ""
) -> None:
    """Change a record and commit; Stale when its version is not the one the form was opened with.

    `key` is the form's own: the same form sent twice is saved once, and the second time is as good as the first.
    """
    model, number = type(record), record.id
    if key and was_sent(session, model, key, number):
        return
    if not version.isascii() or not version.isdecimal() or int(version[:9]) != record.row_version:
        raise Stale
    set_committed_value(record, "row_version", int(version[:9]))
    if KEY.fullmatch(key) and not claim(session, model, key):
        return  # the other click was faster by a moment
    try:
        change()
        session.flush()
        if KEY.fullmatch(key):
            note_done(session, model, key, number)
        session.commit()
    except StaleDataError as error:
        session.rollback()
        raise Stale from error
    except IntegrityError as error:
        session.rollback()
        raise broken_rule(error) from error


def commit(session: Session) -> None:
    """Commit a change that asks for no row version; what happened in between is said in words.

    Raises ValidationError when another person changed the record in the same moment, or a key is broken.
    """
    try:
        session.commit()
    except StaleDataError as error:
        session.rollback()
        raise ValidationError(_("Somebody else has just changed this record. Please look again.")) from error
    except IntegrityError as error:
        session.rollback()
        raise broken_rule(error) from error


def send_to_bin(session: Session, record: Any, by: str) -> None:
    """Delete to the recycle bin and commit; refused while living records point to it."""
    put_in_bin(session, record, by)
    commit(session)


def put_in_bin(session: Session, record: Any, by: str) -> None:
    """Mark as deleted, without the commit: several go together or not at all."""
    if record.deleted_at is not None:
        raise ValidationError(_("“%(name)s” is in the recycle bin already.", name=record.label))
    uses = references_to(session, record)
    if uses:
        raise ValidationError(
            _("“%(name)s” cannot be deleted: it is used in %(uses)s.", name=record.label, uses="、".join(uses))
        )
    record.deleted_at, record.deleted_by = now(), by


def references_to(session: Session, record: Any) -> list[str]:
    """The kinds of living records that point to this one, with their numbers."""
    uses = []
    for model in tenant_models():
        for column in model.__table__.columns:
            if column.info.get("references") != record.__tablename__ or owned_by(model, type(record)):
                continue
            query = sa.select(sa.func.count()).where(getattr(model, column.key) == record.id).select_from(model)
            if issubclass(model, Deletable):
                query = query.where(model.deleted_at.is_(None))
            if issubclass(model, Voidable):
                query = query.where(model.voided_at.is_(None))
            if number := session.scalar(query):
                uses.append(f"{_title_of(model)} × {number}")
    return uses


def _title_of(model: type) -> str:
    """The title of the screen that shows such records, or of the one that shows what they are a part of."""
    screens = [s for _module, found in current_app.extensions["jinlin_screens"] for s in found if hasattr(s, "model")]
    shown = next((s for s in screens if s.model is model), None)
    shown = shown or next((s for s in screens if owned_by(model, s.model)), None)
    return str(shown.title) if shown else model.__tablename__


def owned_by(model: type, owner: type) -> bool:
    """Whether rows of `model` are parts of a record of `owner` (its phones, its tags) and go with it."""
    return any(
        r.mapper.class_ is model and r.cascade.delete_orphan for r in sa.inspect(owner).relationships
    )


def restore(session: Session, record: Any) -> None:
    """Take a record out of the recycle bin and commit; refused where it would double a living one."""
    take_from_bin(session, record)
    commit(session)


def take_from_bin(session: Session, record: Any) -> None:
    """Take it out, without the commit. Raises ValidationError that names what it would double.

    Refused too while something that it belongs to is still in the bin.
    """
    for target in deleted_parents(session, record):
        raise ValidationError(_("Please restore “%(name)s” first.", name=target.label))
    if double := doubled_by(session, record):
        other, why = double
        raise ValidationError(_("“%(name)s” cannot come back: it would double “%(other)s”. %(why)s",
                                name=record.label, other=getattr(other, "long_label", other.label), why=why or ""))
    record.deleted_at = record.deleted_by = None
    session.flush()  # of several that double each other the second is refused by name


def deleted_parents(session: Session, record: Any) -> list[Any]:
    """What the record refers to and is itself in the recycle bin."""
    parents = []
    for column in type(record).__table__.columns:
        target = column.info.get("references")
        if target and issubclass(model_of(target), Deletable):
            model = model_of(target)
            wanted = sa.select(model).where(model.id == getattr(record, column.key), model.deleted_at.is_not(None))
            parents += session.scalars(wanted)
    return parents


def void(session: Session, record: Any, by: str, reason: str) -> None:
    """作废 and commit: the entry stays, with who and why; it counts no more."""
    mark_void(session, record, by, reason)
    commit(session)


def mark_void(session: Session, record: Any, by: str, reason: str) -> None:
    """The same without the commit: several go together or not at all."""
    reason = clean_reason(reason)
    if len(reason) < 2:
        raise ValidationError(_("Please give the reason for voiding."), "reason")
    if record.voided_at is not None:
        raise ValidationError(_("“%(name)s” is already void.", name=record.label))
    record.voided_at, record.voided_by, record.void_reason = now(), by, reason


def clean_reason(text: str) -> str:
    """A reason as it is kept: one line, nothing invisible, at most 200 characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:200]

"""Saving a record: whole or not at all, once for a double click, never over somebody else's change."""
from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask import current_app
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.exc import StaleDataError

from core.areas.tenancy import Deletable, TenantModel, Voidable, model_of, tenant_models
from core.audit.models import OnceKey
from core.clock import now
from core.errors import ValidationError

KEY = re.compile(r"[A-Za-z0-9_-]{16,64}")


class Stale(Exception):
    """Somebody else saved the record since this form was opened."""


def create_once(session: Session, key: str, make: Callable[[], TenantModel]) -> tuple[int | None, bool]:
    """Make a record and commit; the same `key` again gives the first record's id and False.

    The key's row goes in first, in the same transaction. Raises ValidationError for broken unique keys.
    """
    if not KEY.fullmatch(key):
        raise ValidationError(_("This form is out of date. Please open it again."))
    once = OnceKey(key=key)
    session.add(once)
    try:
        session.flush()
    except IntegrityError:
        session.rollback()
        return first_of(session, key), False
    try:
        record = make()
        session.add(record)
        session.flush()
        once.record_id = record.id
        session.commit()
        return record.id, True
    except IntegrityError as error:
        session.rollback()
        raise broken_rule(error) from error


def first_of(session: Session, key: str) -> int | None:
    """The id of the record that this key made."""
    return session.scalar(sa.select(OnceKey.record_id).where(OnceKey.key == key))


def save_changes(session: Session, record: TenantModel, version: str, change: Callable[[], None]) -> None:
    """Change a record and commit; Stale when its version is not the one the form was opened with."""
    if not version.isascii() or not version.isdecimal() or int(version[:9]) != record.row_version:
        raise Stale
    set_committed_value(record, "row_version", int(version[:9]))
    try:
        change()
        session.flush()
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


def broken_rule(error: IntegrityError) -> ValidationError:
    """The sentence that the broken key declares; never the database's own words."""
    for model in tenant_models():
        for index in model.__table__.indexes:
            if index.unique and index.info.get("message") and _names(error, index):
                return ValidationError(index.info["message"])
    return ValidationError(_("This contradicts another record. Please check and save again."))


def _names(error: IntegrityError, index: sa.Index) -> bool:
    diagnosis = getattr(error.orig, "diag", None)
    if diagnosis is not None:
        return (diagnosis.constraint_name or "").startswith((index.name or "")[:50])
    columns = ", ".join(f"{index.table.name}.{c.name}" for c in index.columns)
    return str(error.orig).endswith(columns)


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
    """Take a record out of the recycle bin and commit; refused where it would double a living one.

    Refused too while something that it belongs to is still in the bin.
    """
    for target in deleted_parents(session, record):
        raise ValidationError(_("Please restore “%(name)s” first.", name=target.label))
    record.deleted_at = record.deleted_by = None
    commit(session)


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
    """作废: the entry stays, with who and why; it counts no more."""
    reason = clean_reason(reason)
    if len(reason) < 2:
        raise ValidationError(_("Please give the reason for voiding."), "reason")
    if record.voided_at is not None:
        raise ValidationError(_("This entry is already void."))
    record.voided_at, record.voided_by, record.void_reason = now(), by, reason
    commit(session)


def clean_reason(text: str) -> str:
    """A reason as it is kept: one line, nothing invisible, at most 200 characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:200]

"""Unique keys in words: which sentence a broken one says, and which record another one would double."""
from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.areas.tenancy import Deletable, TenantModel, tenant_models
from core.errors import ValidationError


def broken_rule(error: IntegrityError) -> ValidationError:
    """The sentence that the broken key declares, at its field; never the database's own words."""
    for model in tenant_models():
        for index in model.__table__.indexes:
            if index.unique and index.info.get("message") and _names(error, index):
                return ValidationError(index.info["message"], field_of(model, index))
    return ValidationError(_("This contradicts another record. Please check and save again."))


def _names(error: IntegrityError, index: sa.Index) -> bool:
    diagnosis = getattr(error.orig, "diag", None)
    if diagnosis is not None:
        return (diagnosis.constraint_name or "").startswith((index.name or "")[:50])
    columns = ", ".join(f"{index.table.name}.{c.name}" for c in index.columns)
    return str(error.orig).endswith(columns)


def field_of(model: type[TenantModel], index: sa.Index) -> str | None:
    """The form's name of the last column of a key: a reference stands in forms by its relation."""
    column = list(index.columns)[-1]
    relations = sa.inspect(model).relationships
    return next((r.key for r in relations if column in r.local_columns and r.direction.name == "MANYTOONE"),
                column.key)


def doubled_by(session: Session, record: Any) -> tuple[Any, object] | None:
    """(the living record, the sentence) that this one would double if it came out of the bin; None: nothing."""
    model = type(record)
    for index in model.__table__.indexes:
        columns = [c for c in index.columns if c.key != "community_id"]
        values = [getattr(record, c.key) for c in columns]
        if not index.unique or None in values:
            continue
        same = [getattr(model, c.key) == value for c, value in zip(columns, values, strict=True)]
        found = sa.select(model).where(*same, model.id != record.id)
        if issubclass(model, Deletable):
            found = found.where(model.deleted_at.is_(None))
        if (other := session.scalars(found.limit(1)).first()) is not None:
            return other, index.info.get("message")
    return None

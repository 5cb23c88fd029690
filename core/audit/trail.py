"""Writing the audit trail in the transaction of the change itself."""
from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import event, inspect
from sqlalchemy.orm import Session

from core.areas.tenancy import Deletable, TenantModel, Voidable
from core.audit.models import AuditEntry, Deed, OnceKey
from core.clock import now
from core.extensions import ScopedSession
from core.residents.models import NamePart

SILENT = (AuditEntry, OnceKey, NamePart)
UNTOLD = {"row_version", "search_key", "sort_key", "identity_hash", "number_hash", "last4_hash"}


@event.listens_for(ScopedSession, "before_flush")
def _collect(session: Session, _context: object, _instances: object) -> None:
    seen = session.info.setdefault("audit", [])
    for row in session.new:
        if isinstance(row, TenantModel) and not isinstance(row, SILENT):
            seen.append((row, Deed.CREATED, None))
    for row in session.dirty:
        if isinstance(row, TenantModel) and not isinstance(row, SILENT) and session.is_modified(row):
            seen.append((row, *_deed(row)))
    for row in session.deleted:
        if isinstance(row, TenantModel) and not isinstance(row, SILENT):
            seen.append((row, Deed.DELETED, None))


@event.listens_for(ScopedSession, "after_flush")
def _write(session: Session, _context: object) -> None:
    """Through the connection: ids are known now and no second flush is needed."""
    seen = session.info.pop("audit", [])
    if not seen or session.info.get("quiet"):
        return
    table = AuditEntry.__table__
    session.connection().execute(table.insert(), [
        {"community_id": row.community_id, "at": now(), "username": session.info.get("actor", "system"),
         "deed": deed, "table_name": row.__tablename__, "record_id": row.id, "changes": changes,
         "reason": getattr(row, "void_reason", None) if deed is Deed.VOIDED else None, "row_version": 1}
        for row, deed, changes in seen
    ])


@event.listens_for(ScopedSession, "after_soft_rollback")
def _forget(session: Session, _transaction: object) -> None:
    session.info.pop("audit", None)


def _deed(row: TenantModel) -> tuple[Deed, dict[str, Any] | None]:
    changes = _changes(row)
    if isinstance(row, Deletable) and "deleted_at" in changes:
        return (Deed.DELETED if row.deleted_at else Deed.RESTORED), None
    if isinstance(row, Voidable) and "voided_at" in changes:
        return Deed.VOIDED, None
    return Deed.CHANGED, changes


def _changes(row: TenantModel) -> dict[str, Any]:
    """Field → [old, new]; private fields only by name."""
    found: dict[str, Any] = {}
    state = inspect(row)
    for column in state.mapper.column_attrs:
        history = state.attrs[column.key].history
        if column.key in UNTOLD or not history.has_changes():
            continue
        if column.columns[0].info.get("private"):
            found[column.key] = None
        else:
            found[column.key] = [_plain(v[0]) if v else None for v in (history.deleted, history.added)]
    return found


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, date | datetime | Decimal) else value


def note_deed(
    session: Session, deed: Deed, table_name: str, record_id: int | None = None, *, reason: str | None = None,
    changes: dict[str, Any] | None = None,
) -> None:
    """Note something that changes no row: a look at a masked value, an export, an import."""
    session.add(
        AuditEntry(at=now(), username=session.info.get("actor", "system"), deed=deed, table_name=table_name,
                   record_id=record_id, reason=reason, changes=changes)
    )

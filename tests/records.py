"""A valid record of any tenant model, so that a new model cannot be forgotten by the contract tests."""
from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.areas.tenancy import Deletable, TenantModel, Voidable, model_of, tenant_models
from core.encryption import EncryptedText
from core.extensions import Moment, Money
from core.residents.models import Resident
from core.residents.service import identity_hash, set_name

LEFT_OUT = {"id", "community_id", "row_version", *Deletable.__annotations__, *Voidable.__annotations__}
RARE = "彧翀翮旻昉昱晞曈榑樾橐櫂欢歆殊毓沄泠洺浥涘涣湉溦滢漪潆澹瀚炜烨"  # letters that no page has by itself
_numbers = itertools.count(1)


def make(session: Session, model: type[TenantModel], made: dict[str, Any], **values: Any) -> Any:
    """Add a record of `model`; what it refers to is taken from `made` (by table) or made likewise."""
    record = model(**values)
    for column in model.__table__.columns:
        if column.key in LEFT_OUT or column.key in values:
            continue
        if column.info.get("references"):
            _refer(session, record, column, made, values)
        elif not column.nullable or column.info.get("private"):
            setattr(record, column.key, _value(column))
    if after := ODDITIES.get(model.__tablename__):
        after(record)
    session.add(record)
    session.flush()
    made[model.__tablename__] = record
    return record


def _refer(session: Session, record: Any, column: sa.Column, made: dict[str, Any], values: dict[str, Any]) -> None:
    target = column.info["references"]
    if target == record.__tablename__:
        assert column.nullable, f"{column} needs a record of its own kind: please say how in ODDITIES"
        return
    if target not in made:
        make(session, model_of(target), made, **{k: v for k, v in values.items() if k == "id"})
    setattr(record, column.key, made[target].id)


def _value(column: sa.Column) -> Any:
    """Something valid of the column's type; texts are never the same twice."""
    kind, number = column.type, next(_numbers)
    if isinstance(kind, sa.Enum):
        return next(iter(kind.enum_class))
    for types, value in VALUES:
        if isinstance(kind, types):
            return value
    if isinstance(kind, sa.Integer):
        return number
    text = f"{column.key}{number}{RARE[number % len(RARE)]}{RARE[number // len(RARE) % len(RARE)]}"
    return text if isinstance(kind, EncryptedText) else text[-(kind.length or 60):]


VALUES: tuple[tuple[Any, Any], ...] = (
    (sa.Boolean, False), (Moment, datetime(2026, 11, 20, 1, tzinfo=UTC)), (sa.Date, date(2026, 11, 20)),
    (sa.Time, time(11)), (Money | sa.Numeric, Decimal("0.00")), (sa.JSON, {}), (sa.LargeBinary, b"x"),
)


def _resident(resident: Resident) -> None:
    number = next(_numbers)
    set_name(resident, "钱" + RARE[number % len(RARE)] + RARE[number // len(RARE) % len(RARE)])
    resident.birth_date = date(1951, 3, 4)
    resident.identity_number = f"99000019510304{number:04}"
    resident.identity_hash = identity_hash(resident.identity_number)


ODDITIES: dict[str, Callable[[Any], None]] = {"resident": _resident}  # by table: what no type can tell


def fill(session: Session, number: int) -> dict[str, Any]:
    """A record of every tenant model with this id in the session's community; the records by table."""
    made: dict[str, Any] = {}
    for model in tenant_models():
        if model.__tablename__ not in made:
            make(session, model, made, id=number)
    return made


def secrets(records: dict[str, Any]) -> set[str]:
    """What of these records is private: people's names and every value that is kept encrypted."""
    found = {record.name for record in records.values() if isinstance(record, Resident)}
    for record in records.values():
        for column in record.__table__.columns:
            value = getattr(record, column.key)
            if isinstance(column.type, EncryptedText) and isinstance(value, str):
                found.add(value)
    return found

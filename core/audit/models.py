"""The audit trail of a community's records, and the keys that make a double click one record."""
from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Mapped, mapped_column

from core.areas.tenancy import TenantModel, tenant_index, tenant_unique
from core.extensions import Choice, Moment, choice_column


class Deed(Choice):
    """What was done to a record."""

    CREATED = "created", _l("Created")
    CHANGED = "changed", _l("Changed")
    DELETED = "deleted", _l("Deleted")
    RESTORED = "restored", _l("Restored")
    VOIDED = "voided", _l("Voided")
    REVEALED = "revealed", _l("Revealed")
    EXPORTED = "exported", _l("Exported")
    IMPORTED = "imported", _l("Imported")


class AuditEntry(TenantModel):
    """One deed. Private values are never written here, only the names of the fields."""

    __tablename__ = "audit_entry"
    __table_args__ = (tenant_index("table_name", "record_id"), tenant_index("at"))

    at: Mapped[datetime] = mapped_column(Moment, info={"label": _l("Time")})
    username: Mapped[str] = mapped_column(sa.String(60), info={"label": _l("Account")})
    deed: Mapped[Deed] = mapped_column(choice_column(Deed), info={"label": _l("Deed")})
    table_name: Mapped[str] = mapped_column(sa.String(60), info={"label": _l("Table")})
    record_id: Mapped[int | None] = mapped_column(info={"label": _l("Record")})
    reason: Mapped[str | None] = mapped_column(sa.String(200), info={"label": _l("Reason")})
    changes: Mapped[dict | None] = mapped_column(sa.JSON, info={"label": _l("Changes")})


class OnceKey(TenantModel):
    """The key of a form that was sent; it goes in with the record, so a second sending finds the first."""

    __tablename__ = "once_key"
    __table_args__ = (tenant_unique("key"), tenant_index("at"))

    key: Mapped[str] = mapped_column(sa.String(64))
    kind: Mapped[str] = mapped_column(sa.String(60))  # the table of the record
    at: Mapped[datetime] = mapped_column(Moment)  # old keys are swept away
    record_id: Mapped[int | None]

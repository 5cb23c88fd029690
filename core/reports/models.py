"""Reports that were issued: whole as they were, so that what changed later can be told."""
from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.extensions import BigId, Moment, choice_column, db
from core.metrics.periods import Period, PeriodKind


class Report(db.Model):  # type: ignore[name-defined]
    """The figures of an area in a month, quarter or year as they were issued; never changed, only issued again.

    It belongs to an area at any height, so it is no tenant row: whoever reads one asks by `area_id`.
    """

    __tablename__ = "report"
    __table_args__ = (sa.UniqueConstraint("area_id", "kind", "start", "version"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    area_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("area.id"))
    kind: Mapped[PeriodKind] = mapped_column(choice_column(PeriodKind))
    start: Mapped[date]
    end: Mapped[date]
    version: Mapped[int]
    content: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    digest: Mapped[str] = mapped_column(sa.String(64))  # SHA-256 of the content as `service.canonical` writes it
    issued_by: Mapped[str] = mapped_column(sa.String(60))
    issued_at: Mapped[datetime] = mapped_column(Moment)

    @property
    def period(self) -> Period:
        """What it is about."""
        return Period(self.kind, self.start, self.end)

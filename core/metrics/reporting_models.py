"""What stands beside the records: signed zeros, opening balances, first entries, closed months, corrections."""
from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Mapped, mapped_column

from core.areas.tenancy import TenantModel, Voidable, tenant_index, tenant_unique
from core.extensions import BigId, Moment, db

LONGEST_METRIC = 80  # characters of a metric's name


class ZeroReport(Voidable, TenantModel):
    """零报告: somebody states that nothing happened on a day. A record of that day, entered later, overrides it."""

    __tablename__ = "zero_report"
    __table_args__ = (
        tenant_unique("metric", "day", where="voided_at IS NULL", message=_l("This day has a zero report already.")),
    )

    metric: Mapped[str] = mapped_column(sa.String(LONGEST_METRIC), info={"label": _l("Figure")})
    day: Mapped[date] = mapped_column(info={"label": _l("Day")})
    note: Mapped[str | None] = mapped_column(sa.String(200), info={"label": _l("Note")})
    signed_by: Mapped[str] = mapped_column(sa.String(60), info={"label": _l("Signed by")})
    account: Mapped[str] = mapped_column(sa.String(60), info={"label": _l("Account")})
    at: Mapped[datetime] = mapped_column(Moment, info={"label": _l("Signed at")})

    @property
    def label(self) -> str:
        """Which day."""
        return self.day.isoformat()


class MetricOpening(Voidable, TenantModel):
    """期初数: what a figure came to before records began here, with its source.

    One that is wrong is voided, and another is entered: both versions stay.
    """

    __tablename__ = "metric_opening"
    __table_args__ = (
        tenant_unique("metric", where="voided_at IS NULL", message=_l(
            "Somebody has just entered an opening balance of this figure. Please look again.")),
    )

    metric: Mapped[str] = mapped_column(sa.String(LONGEST_METRIC), info={"label": _l("Figure")})
    since: Mapped[date | None] = mapped_column(info={"label": _l("From day")})
    until: Mapped[date] = mapped_column(info={"label": _l("Until day")})
    parts: Mapped[int] = mapped_column(  # stored: fen, minutes
        sa.BigInteger, info={"label": _l("Opening balance"), "numeric": True})
    estimated: Mapped[bool] = mapped_column(default=False, info={"label": _l("Estimated")})
    source: Mapped[str] = mapped_column(sa.String(200), info={"label": _l("Source")})
    entered_by: Mapped[str] = mapped_column(sa.String(60), info={"label": _l("Entered by")})
    account: Mapped[str] = mapped_column(sa.String(60), info={"label": _l("Account")})
    at: Mapped[datetime] = mapped_column(Moment, info={"label": _l("Entered at")})

    @property
    def label(self) -> str:
        """Until when, from where."""
        return f"{self.until.isoformat()} {self.source}"


class FirstEntry(TenantModel):
    """When the first of the records of a day that stand now was entered: late (补报) or in time."""

    __tablename__ = "metric_first_entry"
    __table_args__ = (
        tenant_unique("metric", "day", message=_l("The first entry of this day is known already.")),
    )

    metric: Mapped[str] = mapped_column(sa.String(LONGEST_METRIC))
    day: Mapped[date]
    at: Mapped[datetime] = mapped_column(Moment)


class Correction(TenantModel):
    """A figure of a closed month that changed afterwards: from, to, why, who and when (in stored parts)."""

    __tablename__ = "metric_correction"
    __table_args__ = (tenant_index("month"),)

    month: Mapped[date] = mapped_column(info={"label": _l("Month")})  # its first day
    day: Mapped[date] = mapped_column(info={"label": _l("Day")})
    metric: Mapped[str] = mapped_column(sa.String(LONGEST_METRIC), info={"label": _l("Figure")})
    old: Mapped[int] = mapped_column(sa.BigInteger, info={"label": _l("Before"), "numeric": True})
    new: Mapped[int] = mapped_column(sa.BigInteger, info={"label": _l("After"), "numeric": True})
    reason: Mapped[str | None] = mapped_column(sa.String(200), info={"label": _l("Reason")})
    changed_by: Mapped[str] = mapped_column(sa.String(60), info={"label": _l("Account")})
    at: Mapped[datetime] = mapped_column(Moment, info={"label": _l("Changed at")})

    @property
    def label(self) -> str:
        """Which day."""
        return self.day.isoformat()


class MonthClosing(db.Model):  # type: ignore[name-defined]
    """A month that an area closed by hand, for every community below it."""

    __tablename__ = "month_closing"
    __table_args__ = (sa.UniqueConstraint("area_id", "month"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    area_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("area.id"))
    month: Mapped[date]  # its first day
    closed_by: Mapped[str] = mapped_column(sa.String(60))
    closed_at: Mapped[datetime] = mapped_column(Moment)


class ReportingRule(db.Model):  # type: ignore[name-defined]
    """From a month on: at which hour a day's record is due, on which day of the next month a month closes by itself."""

    __tablename__ = "reporting_rule"
    __table_args__ = (sa.UniqueConstraint("area_id", "starts_on"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    area_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("area.id"))
    starts_on: Mapped[date] = mapped_column(info={"label": _l("From month")})  # its first day
    due_hour: Mapped[int] = mapped_column(info={"label": _l("Due at (hour)")})
    closes_on: Mapped[int | None] = mapped_column(info={"label": _l("Closes on day")})  # None: by hand only
    set_by: Mapped[str] = mapped_column(sa.String(60), info={"label": _l("Account")})

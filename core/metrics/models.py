"""What metrics come to, kept beside the records; written by core/metrics alone (docs/decisions/figures.md)."""
from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.areas.tenancy import TenantModel, tenant_unique
from core.extensions import BigId, choice_column, db
from core.metrics.periods import PeriodKind
from core.plugin_rules import LONGEST_METRIC


class MetricFigure(TenantModel):
    """What a metric comes to on a day, or in the month that begins on it: stored parts (fen, minutes), also by value.

    Of what counts once per person ("canteen.diners") the days are kept, and who is new: how many came on this day for
    the first time in its month ("canteen.diners:month"), its quarter, its year or at all (":all"). New ones add up.
    """

    __tablename__ = "metric_figure"
    __table_args__ = (tenant_unique("metric", "period", "day"),)

    metric: Mapped[str] = mapped_column(sa.String(LONGEST_METRIC + 10))
    period: Mapped[PeriodKind] = mapped_column(choice_column(PeriodKind))  # DAY or MONTH
    day: Mapped[date]
    number: Mapped[int] = mapped_column(BigId)
    split: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))  # dimension → value → number


class MetricPresence(TenantModel):
    """On which day of a month somebody (`subject_id`, an id of whatever the metric counts once) was counted first."""

    __tablename__ = "metric_presence"
    __table_args__ = (tenant_unique("metric", "subject_id", "first_day"),)

    metric: Mapped[str] = mapped_column(sa.String(LONGEST_METRIC))
    subject_id: Mapped[int] = mapped_column(BigId)
    first_day: Mapped[date]


class MetricDefinition(db.Model):  # type: ignore[name-defined]
    """By which definition the figures of a metric were built; another one now means that they must be built anew."""

    __tablename__ = "metric_definition"

    metric: Mapped[str] = mapped_column(sa.String(LONGEST_METRIC), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(sa.String(64))

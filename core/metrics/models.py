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
    """The cell of a metric, a period and its first day: stored parts (fen, minutes), and the same by its dimensions.

    Sums are kept by day and by month. Of what counts once per person, days, months, quarters and years are counts of
    their own; ALL of a month is how many came in it for the first time, so that its sum is everybody until then.
    """

    __tablename__ = "metric_figure"
    __table_args__ = (tenant_unique("metric", "period", "day"),)

    metric: Mapped[str] = mapped_column(sa.String(LONGEST_METRIC))
    period: Mapped[PeriodKind] = mapped_column(choice_column(PeriodKind))
    day: Mapped[date]
    number: Mapped[int] = mapped_column(BigId)
    split: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))  # dimension → value → number


class MetricPresence(TenantModel):
    """Somebody (`subject_id`, an id of whatever the metric counts once) was counted in this month (its first day)."""

    __tablename__ = "metric_presence"
    __table_args__ = (tenant_unique("metric", "subject_id", "month"),)

    metric: Mapped[str] = mapped_column(sa.String(LONGEST_METRIC))
    subject_id: Mapped[int] = mapped_column(BigId)
    month: Mapped[date]


class MetricDefinition(db.Model):  # type: ignore[name-defined]
    """By which definition the figures of a metric were built; another one now means that they must be built anew."""

    __tablename__ = "metric_definition"

    metric: Mapped[str] = mapped_column(sa.String(LONGEST_METRIC), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(sa.String(64))

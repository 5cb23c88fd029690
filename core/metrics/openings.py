"""Opening balances (期初数): what a figure came to before records began here, with its source."""
from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.declarations import Metric
from core.metrics.reporting_models import MetricOpening


def opening_of(session: Session, metric: Metric) -> dict[int, int]:
    """Community → the opening balance in stored parts; of a sum its own and those of what it sums."""
    return openings_of(session, [metric])[metric.name]


def openings_of(session: Session, metrics: Sequence[Metric], end: date | None = None) -> dict[str, dict[int, int]]:
    """The same of several metrics by name, in one statement.

    A balance is of a time that ends with its day `until`: to a total that ends before (`end`) it does not belong.
    """
    rows = [row for row in opening_rows(session, *metrics) if end is None or row.until <= end]
    found: dict[str, dict[int, int]] = {}
    for metric in metrics:
        names, own = _names(metric), Counter[int]()
        for row in (row for row in rows if row.metric in names):
            own[row.community_id] += row.parts
        found[metric.name] = dict(own)
    return found


def opening_rows(session: Session, *metrics: Metric) -> list[MetricOpening]:
    """The balances behind them, with their sources."""
    names = {name for metric in metrics for name in _names(metric)}
    return list(session.scalars(sa.select(MetricOpening).where(
        MetricOpening.metric.in_(names), MetricOpening.voided_at.is_(None)).order_by(MetricOpening.id)))


def _names(metric: Metric) -> set[str]:
    return {metric.name, *(part.name for part in metric.counted)}

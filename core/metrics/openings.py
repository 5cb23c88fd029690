"""Opening balances (期初数): what a figure came to before records began here, with its source."""
from __future__ import annotations

from collections import Counter

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.declarations import Metric
from core.metrics.reporting_models import MetricOpening


def opening_of(session: Session, metric: Metric) -> dict[int, int]:
    """Community → the opening balance in stored parts; of a sum its own and those of what it sums."""
    found: Counter[int] = Counter()
    for row in opening_rows(session, metric):
        found[row.community_id] += row.parts
    return dict(found)


def opening_rows(session: Session, metric: Metric) -> list[MetricOpening]:
    """The balances behind it, with their sources."""
    names = {metric.name, *(part.name for part in metric.counted)}
    return list(session.scalars(sa.select(MetricOpening).where(
        MetricOpening.metric.in_(names), MetricOpening.voided_at.is_(None)).order_by(MetricOpening.id)))

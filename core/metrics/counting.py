"""A metric counted from its records, now: what is kept must equal it, and what is not kept."""
from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.declarations import Metric
from core.metrics.groups import aggregate


def count(session: Session, metric: Metric, start: date | None, end: date, *groups: Any) -> Any:
    """Rows of (values of `groups`, stored parts) over the records of these days, in the scope of the session."""
    since = () if start is None else (metric.day >= start,)
    return session.execute(
        sa.select(*groups, aggregate(metric)).where(*since, metric.day <= end, *metric.where).group_by(*groups)
    )

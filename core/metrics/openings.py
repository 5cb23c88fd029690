"""Opening balances of figures: what they came to before records began here."""
from __future__ import annotations

from sqlalchemy.orm import Session

from core.declarations import Metric


def opening_of(session: Session, metric: Metric) -> dict[int, int]:
    """Community → stored parts from before the first record."""
    return {}

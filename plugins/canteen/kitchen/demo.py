"""Demonstration records of the kitchen."""
from __future__ import annotations

from datetime import date, datetime
from typing import Any


def demo_records(session: Any, community: Any, today: date, at: datetime) -> None:
    """Fill in."""

"""Meals of guests, for tests that only want something to be counted."""
from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from plugins.canteen.models import Meal, Source, Way
from plugins.canteen.services import kinds_of


def meal(writing: Session, on: date, *, at: datetime | None = None, **values: Any) -> Meal:
    """A lunch, entered at noon (Beijing) of its day unless `at` says when."""
    row = Meal(
        kind_id=kinds_of(writing)[1].id, day=on, booked_on=on, way=Way.DINE_IN, source=Source.COUNTER,
        standard_price=Decimal(15), self_pay=Decimal(15), government=Decimal(0), other_aid=Decimal(0),
        recorded_by="王敏", recorded_at=at or datetime(on.year, on.month, on.day, 4, tzinfo=UTC), **values)
    writing.add(row)
    writing.flush()
    return row

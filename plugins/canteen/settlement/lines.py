"""The lines of a settlement, and the canonical text over which its hash is made."""
from __future__ import annotations

import calendar
import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from plugins.canteen.models import Diner, Meal

FORM = "jinlin canteen settlement 1"  # another order of the values is another form
AMOUNTS = (
    "standard_price", "self_pay", "government", "other_aid", "operator_aid", "city_pays", "district_pays",
    "street_pays", "community_pays", "donors_pay",
)


@dataclass(frozen=True)
class Line:
    """A meal, or the row that takes one back (amounts below zero), in yuan; people, meals and rules by their ids.

    Without names: a name that is corrected later breaks no hash, and every reader sees the same hash.
    """

    meal: int
    reverses: int | None
    resident: int | None  # None: a guest
    kind: int
    rule: int | None
    age: int | None
    way: str
    day: date
    booked_on: date
    reason: str | None
    standard_price: Decimal
    self_pay: Decimal
    government: Decimal
    other_aid: Decimal
    operator_aid: Decimal
    city_pays: Decimal
    district_pays: Decimal
    street_pays: Decimal
    community_pays: Decimal
    donors_pay: Decimal

    @property
    def count(self) -> int:
        """1 for a meal, -1 for the row that takes one back."""
        return -1 if self.reverses else 1

    @property
    def payable(self) -> Decimal:
        """What the payers owe for it, to the diner's price and to the operator."""
        return self.government + self.other_aid + self.operator_aid

    def corrects(self, month: date) -> bool:
        """Whether it belongs to an earlier month than the one in whose books it stands."""
        return self.day < month


@dataclass(frozen=True)
class Contents:
    """All that a settlement contains: its lines by the ids of the meals, and the number of meals without a name."""

    community: int
    month: date
    unnamed: int
    lines: tuple[Line, ...]

    @property
    def meals(self) -> int:
        """The named meals (guests too), those taken back left out."""
        return sum(line.count for line in self.lines)

    @property
    def payable(self) -> Decimal:
        """What the payers owe in all, in yuan."""
        return sum((line.payable for line in self.lines), Decimal(0))

    @property
    def corrections(self) -> list[Line]:
        """The lines that correct earlier months."""
        return [line for line in self.lines if line.corrects(self.month)]


def first_of(day: date) -> date:
    """The first day of its month."""
    return day.replace(day=1)


def last_of(day: date) -> date:
    """The last day of its month."""
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def contents_of(session: Session, community_id: int, month: date, unnamed: int) -> Contents:
    """What the records say now: every meal in the books of the month that is not void."""
    rows = session.execute(
        sa.select(Meal.id, Meal.reverses_id, Diner.resident_id, Meal.kind_id, Meal.rule_id, Meal.age, Meal.way,
                  Meal.day, Meal.booked_on, Meal.reason, *(getattr(Meal, name) for name in AMOUNTS))
        .outerjoin(Diner, Meal.diner_id == Diner.id)
        .where(Meal.booked_on.between(month, last_of(month)), Meal.voided_at.is_(None)).order_by(Meal.id)
    )
    return Contents(community_id, month, unnamed, tuple(Line(*row) for row in rows))


def canonical(contents: Contents) -> str:
    """The text that is kept and hashed: a head, then a line a meal, as JSON without blanks; amounts as 12.00."""
    head = [FORM, contents.community, contents.month, contents.unnamed]
    rows = (list(vars(line).values()) for line in contents.lines)
    return "".join(f"{_json(row)}\n" for row in (head, *rows))


def read_canonical(text: str) -> Contents:
    """The contents that a canonical text was made of. Raises ValueError where it is none."""
    head, *rows = (json.loads(row) for row in text.splitlines())
    if head[0] != FORM:
        raise ValueError(head[0])
    return Contents(head[1], date.fromisoformat(head[2]), head[3], tuple(_line(row) for row in rows))


def _line(row: list[Any]) -> Line:
    *ids, day, booked_on, reason = row[:-len(AMOUNTS)]
    return Line(*ids, date.fromisoformat(day), date.fromisoformat(booked_on), reason,
                *(Decimal(amount) for amount in row[-len(AMOUNTS):]))


def _json(row: Any) -> str:
    return json.dumps(row, ensure_ascii=True, separators=(",", ":"), default=_text)


def _text(value: date | Decimal) -> str:
    return value.isoformat() if isinstance(value, date) else f"{value:.2f}"


def digest_of(text: str) -> str:
    """SHA-256 of a canonical text, in hexadecimal."""
    return sha256(text.encode()).hexdigest()

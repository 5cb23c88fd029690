"""A figure as people read it: whole units, yuan with two places, hours with one."""
from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from core.declarations import Metric

YUAN, TENTH = Decimal("0.01"), Decimal("0.1")
NOT_KNOWN = "—"


def number_of(metric: Metric, parts: int) -> int | Decimal:
    """Stored parts (fen, minutes) in the metric's unit, rounded half up."""
    return in_units(parts, metric.parts)


def in_units(number: int, parts: int) -> int | Decimal:
    """A number of parts, of which so many make a unit: fen in yuan with two places, minutes in hours with one."""
    if parts == 1:
        return number
    return (Decimal(number) / parts).quantize(YUAN if parts == 100 else TENTH, ROUND_HALF_UP)


def text_of(metric: Metric, parts: int | None) -> str:
    """12,345 or 1,234.50; "—" where there is no figure."""
    return NOT_KNOWN if parts is None else f"{number_of(metric, parts):,}"


def change_of(now: int | None, before: int | None) -> Decimal | None:
    """The growth as a share (0.061 = 6.1 %); None without a base, or with a base of nothing (domain.md §8.3)."""
    if now is None or not before or before < 0:
        return None
    return Decimal(now - before) / before


def in_percent(change: Decimal | None) -> Decimal | None:
    """A share in per cent with one place, rounded half up."""
    return None if change is None else (change * 100).quantize(TENTH, ROUND_HALF_UP)


def change_text(change: Decimal | None) -> str:
    """+6.1%, -30.0%, 0.0%; "—" without a base."""
    percent = in_percent(change)
    if percent is None:
        return NOT_KNOWN
    return f"{percent:+,}%" if percent else "0.0%"


def per_thousand(number: int | None, residents: int | None, parts: int) -> Decimal | None:
    """Units for 1,000 residents with one place, rounded half up; None where the residents were not declared."""
    if number is None or not residents:
        return None
    return (Decimal(number) * 1000 / parts / residents).quantize(TENTH, ROUND_HALF_UP)

"""A figure as people read it: whole units, yuan with two places, hours with one."""
from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from core.declarations import Metric

YUAN, TENTH = Decimal("0.01"), Decimal("0.1")
NOT_KNOWN = "—"


def number_of(metric: Metric, parts: int) -> int | Decimal:
    """Stored parts (fen, minutes) in the metric's unit, rounded half up."""
    if metric.parts == 1:
        return parts
    return (Decimal(parts) / metric.parts).quantize(YUAN if metric.parts == 100 else TENTH, ROUND_HALF_UP)


def text_of(metric: Metric, parts: int | None) -> str:
    """12,345 or 1,234.50; "—" where there is no figure."""
    return NOT_KNOWN if parts is None else f"{number_of(metric, parts):,}"


def change_of(now: int | None, before: int | None) -> Decimal | None:
    """The growth as a share (0.061 = 6.1 %); None without a base, or with a base of nothing (domain.md §8.3)."""
    if now is None or not before or before < 0:
        return None
    return Decimal(now - before) / before


def change_text(change: Decimal | None) -> str:
    """+6.1%, -30.0%, 0.0%; "—" without a base."""
    if change is None:
        return NOT_KNOWN
    percent = (change * 100).quantize(TENTH, ROUND_HALF_UP)
    return f"{percent:+,}%" if percent else "0.0%"

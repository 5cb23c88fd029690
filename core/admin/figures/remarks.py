"""What stands out, by a few plain rules in words; communities only, never people."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from flask_babel import gettext as _

from core.admin.figures.asked import Asked
from core.admin.figures.lines import LAST, Line
from core.admin.figures.reading import Board
from core.metrics.expectations import DayState
from core.metrics.periods import PeriodKind
from core.metrics.units import change_text, number_of

MUCH = Decimal("0.3")
SMALLEST_BASE = 20  # below it 30 % is a matter of a few
ENOUGH_DAYS = 7  # of a period that runs still, before it is compared with the four weeks before


@dataclass(frozen=True)
class Remark:
    """A sentence about one community's figure; `kind` colours its tag: bad, warn, info."""

    kind: str
    label: str
    text: str
    line: Line


def remarks_on(board: Board) -> list[Remark]:
    """Silence first, then falls, then rises; within them in the order of the metrics and the tree."""
    parts = {part.name for _plugin, metric in board.metrics for part in metric.sums}  # their sum says it
    found = [remark for _plugin, metric in board.metrics if metric.name not in parts for line in board.of(metric)
             for remark in _about(line, board.asked)]
    return sorted(found, key=lambda remark: ("bad", "warn", "info").index(remark.kind))


def _about(line: Line, asked: Asked) -> Iterator[Remark]:
    if line.parts is None:
        return
    what = {"area": line.area.name, "metric": line.metric.title}
    if line.days is not None and line.days.last == (DayState.MISSING,) * LAST:
        yield Remark("bad", _("Silent"), _("%(area)s: no %(metric)s for the last 3 open days", **what), line)
    base, words = _base(line, asked)
    change = None if base is None else (line.parts - base) / base
    if change is None or base is None or base < SMALLEST_BASE * line.metric.parts or abs(change) <= MUCH:
        return
    if change < 0 and asked.kind == PeriodKind.DAY and asked.runs:
        return  # the day is not over
    about = words % {**what, "change": change_text(change), "now": line.text,
                     "base": f"{number_of(line.metric, round(base)):,}"}
    yield Remark("info", _("Much more"), about, line) if change > 0 else Remark("warn", _("Much less"), about, line)


def _base(line: Line, asked: Asked) -> tuple[Decimal | None, str]:
    """Last year where there is one, else the four weeks before, and the sentence for it."""
    if line.before:
        return Decimal(line.before), _("%(area)s: %(metric)s %(change)s against last year (%(now)s; then %(base)s)")
    start, end = asked.span
    short = asked.runs and asked.kind != PeriodKind.DAY and start is not None and (end - start).days < ENOUGH_DAYS
    return None if short else line.usual, _(
        "%(area)s: %(metric)s %(change)s against the four weeks before (%(now)s; usual %(base)s)")

"""A line of the page: what one metric came to in one area, and what it is measured against."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core.areas.models import Area
from core.declarations import Metric
from core.metrics.expectations import DayState
from core.metrics.units import NOT_KNOWN, change_of, change_text, per_thousand, text_of

LAST = 3  # days whose silence stands out


@dataclass(frozen=True)
class Days:
    """How complete the records of a period are: of `expected` days so many are answered, the others `missing`."""

    expected: int
    missing: tuple[date, ...]
    zeros: int
    late: int = 0
    last: tuple[DayState, ...] = ()  # of the last few expected days, the latest last

    @property
    def percent(self) -> int | None:
        """Answered of 100 expected days, rounded down so that 100 is whole; None while none was expected."""
        return (self.expected - len(self.missing)) * 100 // self.expected if self.expected else None


def days_of(days: Sequence[date], states: Sequence[DayState]) -> Days:
    """What the states of the days of a period come to, in the order of the days."""
    only = [state for state in states
            if state is not DayState.OFF and state is not DayState.CLOSED and state is not DayState.FUTURE]
    missing = tuple(day for day, state in zip(days, states, strict=True) if state is DayState.MISSING)
    return Days(len(only), missing, sum(state is DayState.ZERO for state in only),
                sum(state is DayState.LATE for state in only), tuple(only[-LAST:]))


@dataclass(frozen=True)
class Line:
    """A metric in an area: stored parts (None: not enabled there, which is neither zero nor missing).

    `before` is the same part of last year, `usual` what the four weeks before let expect (None where there is no
    base); `residents` as declared, and `of_residents` the parts of those communities that declare them; `days` only
    where a record is expected daily; `opening` is what of it was counted before records began, `corrected` how many
    changes came after its month was closed.
    """

    metric: Metric
    area: Area
    parts: int | None
    before: int | None = None
    usual: Decimal | None = None
    residents: int | None = None
    of_residents: int | None = None
    days: Days | None = None
    opening: int = 0
    corrected: int = 0

    @property
    def text(self) -> str:
        """12,345; "—" where it is not enabled."""
        return text_of(self.metric, self.parts)

    @property
    def is_silent(self) -> bool:
        """Whether its 0 would be taken for a zero report, though days are missing."""
        return self.parts == 0 and self.days is not None and bool(self.days.missing) and not self.days.zeros

    @property
    def change(self) -> Decimal | None:
        """Against the same part of last year (同比), as a share."""
        return change_of(self.parts, self.before)

    @property
    def per_thousand(self) -> Decimal | None:
        """For 1,000 declared residents, in the metric's unit, with one place."""
        return per_thousand(self.of_residents, self.residents, self.metric.parts)

    @property
    def per_thousand_text(self) -> str:
        """271.3, or "—"."""
        return NOT_KNOWN if self.per_thousand is None else f"{self.per_thousand:,}"

    @property
    def change_text(self) -> str:
        """+6.1%, or "—"."""
        return change_text(self.change)

    @property
    def before_text(self) -> str:
        """What there was a year before; "—" for none, which is no base."""
        return text_of(self.metric, self.before or None)


def whole_of(metric: Metric, area: Area, lines: Sequence[Line]) -> Line:
    """The line of an area above: the sum of its communities where it is on."""
    on = [line for line in lines if line.parts is not None]
    declared = [line for line in on if line.residents]
    due = [line.days for line in on if line.days is not None]
    days = Days(sum(each.expected for each in due), tuple(day for each in due for day in each.missing),
                sum(each.zeros for each in due), sum(each.late for each in due)) if due else None
    return Line(
        metric, area, sum(line.parts or 0 for line in on) if on else None,
        sum(line.before or 0 for line in on) if on else None, None,
        sum(line.residents or 0 for line in declared) or None,
        sum(line.of_residents or 0 for line in declared) if declared else None, days, sum(line.opening for line in on),
        sum(line.corrected for line in on),
    )

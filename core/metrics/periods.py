"""The periods of reports: day, week (from Monday), month, quarter, year, and since the beginning."""
from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.extensions import Choice


class PeriodKind(Choice):
    """How long a period is."""

    DAY = "day", _l("One day")
    WEEK = "week", _l("Week")
    MONTH = "month", _l("Month")
    QUARTER = "quarter", _l("Quarter")
    YEAR = "year", _l("Year")
    ALL = "all", _l("Since opening")


MONTHS = {PeriodKind.MONTH: 1, PeriodKind.QUARTER: 3, PeriodKind.YEAR: 12}


@dataclass(frozen=True)
class Period:
    """Whole days; `start` is None since the beginning. `end` may lie in the future: the period runs still."""

    kind: PeriodKind
    start: date | None
    end: date

    @property
    def label(self) -> str:
        """2026-11-22, 2026-11-16 – 2026-11-22, 2026-11, 2026 Q4, Year 2026."""
        if self.kind == PeriodKind.ALL or self.start is None:
            return _("until %(day)s", day=self.end.isoformat())
        if self.kind == PeriodKind.WEEK:
            return f"{self.start.isoformat()} – {self.end.isoformat()}"
        if self.kind == PeriodKind.QUARTER:
            return _("%(year)s Q%(quarter)s", year=self.start.year, quarter=(self.start.month + 2) // 3)
        if self.kind == PeriodKind.MONTH:
            return _("%(year)s-%(month)s", year=self.start.year, month=self.start.month)
        return self.start.isoformat() if self.kind == PeriodKind.DAY else _("Year %(year)s", year=self.start.year)

    def a_year_before(self) -> Period | None:
        """The same period of last year (同比); None since the beginning. 29 February is compared with the 28th."""
        if self.start is None:
            return None
        if self.kind == PeriodKind.WEEK:
            return Period(self.kind, self.start - timedelta(weeks=52), self.end - timedelta(weeks=52))
        return period_of(self.kind, same_day(self.start, self.start.year - 1))

    def same_part_a_year_before(self, today: date) -> tuple[date, date] | None:
        """As much of last year's period as of this one has come by today (同比); None since the beginning."""
        before = self.a_year_before()
        if before is None or before.start is None:
            return None
        if self.end <= today:
            return before.start, before.end
        if self.kind == PeriodKind.WEEK:
            return before.start, today - timedelta(weeks=52)
        return before.start, min(before.end, same_day(today, today.year - 1))

    def next(self) -> Period | None:
        """The period after it."""
        return None if self.start is None else period_of(self.kind, self.end + timedelta(days=1))

    def previous(self) -> Period | None:
        """The period before it (环比)."""
        return None if self.start is None else period_of(self.kind, self.start - timedelta(days=1))


def same_day(day: date, year: int) -> date:
    """The day in another year; 29 February becomes the 28th where there is none."""
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 2, 28)


def period_of(kind: PeriodKind, day: date) -> Period:
    """The period of a kind that holds this day."""
    if kind == PeriodKind.DAY:
        return Period(kind, day, day)
    if kind == PeriodKind.ALL:
        return Period(kind, None, day)
    if kind == PeriodKind.WEEK:
        monday = day - timedelta(days=day.weekday())
        return Period(kind, monday, monday + timedelta(days=6))
    months = MONTHS[kind]
    start = date(day.year, (day.month - 1) // months * months + 1, 1)
    after = start.month - 1 + months
    return Period(kind, start, date(start.year + after // 12, after % 12 + 1, 1) - timedelta(days=1))

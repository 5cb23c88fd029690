"""Which period the address line asks for, and the links to others."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _

from core.admin.query import day as day_of
from core.metrics.figures import Span
from core.metrics.periods import Period, PeriodKind, period_of

FIRST_DAY = date(2000, 1, 1)


@dataclass(frozen=True)
class Asked:
    """A period, looked at on a day: what is still to come is not counted."""

    period: Period
    today: date

    @property
    def kind(self) -> PeriodKind:
        """How long it is."""
        return self.period.kind

    @property
    def runs(self) -> bool:
        """Whether it is not over yet."""
        return self.period.end >= self.today

    @property
    def span(self) -> Span:
        """Its days until today."""
        return self.period.start, min(self.period.end, self.today)

    @property
    def a_year_before(self) -> Span | None:
        """The same part of the same period of last year (同比); None since the beginning."""
        return self.period.same_part_a_year_before(self.today)

    @property
    def label(self) -> str:
        """2026-11 (until 2026-11-23)."""
        if not self.runs or self.kind in (PeriodKind.DAY, PeriodKind.ALL):
            return self.period.label
        return _("%(period)s (until %(day)s)", period=self.period.label, day=self.today.isoformat())

    @property
    def query(self) -> dict[str, str]:
        """The arguments that ask for it again; the present one needs no day."""
        day = {} if self.runs else {"day": (self.period.start or self.period.end).isoformat()}
        return {"kind": self.kind.value, **day}


def asked_for(arguments: Mapping[str, str], today: date) -> Asked:
    """What `kind` and `day` ask for, clamped to what can have been recorded; this month without."""
    kinds = {kind.value: kind for kind in PeriodKind}
    day = day_of(arguments.get("day", "").strip()) or today
    return Asked(period_of(kinds.get(arguments.get("kind", ""), PeriodKind.MONTH), min(max(day, FIRST_DAY), today)),
                 today)


@dataclass(frozen=True)
class Chooser:
    """The links and the form above the figures."""

    kinds: list[tuple[str, str, bool]]  # (label, address, whether it is shown now)
    before: str | None
    after: str | None
    day: str
    kind: str
    options: list[tuple[str, str]]


def chooser(asked: Asked, url: Callable[..., str]) -> Chooser:
    """Today, this week …; the period before and after; any other by its day. `url` makes an address of arguments."""
    names = {PeriodKind.DAY: _("This day"), PeriodKind.WEEK: _("This week"), PeriodKind.MONTH: _("This month"),
             PeriodKind.QUARTER: _("This quarter"), PeriodKind.YEAR: _("This year"),
             PeriodKind.ALL: _("Since opening")}
    before, after = asked.period.previous(), None if asked.runs else asked.period.next()
    return Chooser(
        [(name, url(kind=kind.value), asked.runs and kind == asked.kind) for kind, name in names.items()],
        _beside(asked, before, url), _beside(asked, after, url),
        asked.span[1].isoformat(),
        asked.kind.value, [(kind.value, str(kind.label)) for kind in PeriodKind],
    )


def _beside(asked: Asked, period: Period | None, url: Callable[..., Any]) -> str | None:
    if period is None or period.start is None or period.start < FIRST_DAY:
        return None
    return url(**Asked(period, asked.today).query)

"""日结: what a day came to, and closing it."""
from __future__ import annotations

import calendar
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.api import ValidationError, beijing, clean_reason
from plugins.canteen.ledger.days import closed_among, hold
from plugins.canteen.ledger.models import ClosedDay, Entry, Method, Tally
from plugins.canteen.ledger.takings import Clerk, taken
from plugins.canteen.models import Meal, MealKind, Way

DRAWER = (Method.CASH, Method.CODE)  # what is counted at the end of a day


@dataclass
class Sitting:
    """A day's meals of one kind, by way: those with a name or a guest's row, and those only counted."""

    kind: MealKind
    named: dict[Way, int] = field(default_factory=dict)
    unnamed: dict[Way, int] = field(default_factory=dict)


@dataclass(frozen=True)
class DaySums:
    """What a day came to: meals, and money by method in yuan."""

    day: date
    sittings: list[Sitting]
    money: dict[Method, Decimal]

    @property
    def named(self) -> int:
        """Meals with a name or a guest's row."""
        return sum(sum(sitting.named.values()) for sitting in self.sittings)

    @property
    def unnamed(self) -> int:
        """Meals only counted."""
        return sum(sum(sitting.unnamed.values()) for sitting in self.sittings)

    @property
    def moves_money(self) -> bool:
        """Whether there is something to count."""
        return any(self.money[method] for method in DRAWER)

    @property
    def seen(self) -> str:
        """What somebody saw who closes the day: when it is another at the end, something came in between."""
        return "/".join(str(part) for part in (self.day, self.named, self.unnamed, *self.money.values()))


def day_sums(session: Session, day: date) -> DaySums:
    """What a day came to until now."""
    sittings = {kind.id: Sitting(kind) for kind in session.scalars(sa.select(MealKind).order_by(MealKind.opens))}
    named = sa.select(Meal.kind_id, Meal.way, sa.func.count()).where(Meal.day == day, *Meal.counts())
    unnamed = sa.select(Tally.kind_id, Tally.way, sa.func.sum(Tally.unnamed)).where(
        Tally.day == day, Tally.voided_at.is_(None))
    for kind_id, way, number in session.execute(named.group_by(Meal.kind_id, Meal.way)):
        sittings[kind_id].named[way] = number
    for kind_id, way, number in session.execute(unnamed.group_by(Tally.kind_id, Tally.way)):
        sittings[kind_id].unnamed[way] = int(number)
    return DaySums(day, [s for s in sittings.values() if s.named or s.unnamed or s.kind.deleted_at is None],
                   taken(session, day))


def closed_day(session: Session, day: date) -> ClosedDay | None:
    """The closing of a day."""
    return session.scalar(sa.select(ClosedDay).where(ClosedDay.day == day))


def check_counts(sums: DaySums, counted: dict[Method, Decimal], note: str, today: date) -> Decimal:
    """The difference (counted less expected) in yuan. Raises ValidationError where the day cannot be closed so."""
    if sums.day > today:
        raise ValidationError(_("A day is closed on its evening or later."))
    apart = [counted[method] - sums.money[method] for method in DRAWER]
    if any(apart) and len(clean_reason(note)) < 2:
        raise ValidationError(_("There is a difference of %(amount)s yuan. Please write down how it came about.",
                                amount=f"{sum(apart):+.2f}"), "note")
    return sum(apart, Decimal(0))


def close_day(
    session: Session, community_id: int, sums: DaySums, counted: dict[Method, Decimal], note: str, clerk: Clerk,
) -> ClosedDay:
    """Close a day for ever with the amounts counted; what comes later is a late entry or a reversal.

    Raises ValidationError where somebody closed it first, where something was recorded since `sums` were shown, for a
    day to come, and for a difference without a note.
    """
    hold(session, community_id)
    if found := closed_day(session, sums.day):
        raise ValidationError(_("%(day)s was closed by %(by)s at %(time)s already.", day=sums.day.isoformat(),
                                by=found.closed_by, time=beijing(found.closed_at).strftime("%m-%d %H:%M")))
    if day_sums(session, sums.day).seen != sums.seen:
        raise ValidationError(_("Something was recorded meanwhile. Please look at the sums again."))
    check_counts(sums, counted, note, clerk.today)
    closed = ClosedDay(
        day=sums.day, named=sums.named, unnamed=sums.unnamed, expected_cash=sums.money[Method.CASH],
        counted_cash=counted[Method.CASH], expected_code=sums.money[Method.CODE], counted_code=counted[Method.CODE],
        note=clean_reason(note) or None, closed_by=clerk.name, account=clerk.account, closed_at=clerk.at,
    )
    session.add(closed)
    session.flush()
    return closed


@dataclass
class DayLine:
    """A day in the list of a month."""

    day: date
    named: int = 0
    unnamed: int = 0
    money: dict[Method, Decimal] = field(default_factory=dict)
    closed: ClosedDay | None = None

    @property
    def moves_money(self) -> bool:
        """Whether there is something to count."""
        return any(self.money.get(method) for method in DRAWER)


def days_between(session: Session, first: date, last: date) -> list[DayLine]:
    """The days with meals, tallies, money or a closing, the latest first."""
    lines: dict[date, DayLine] = {}

    def line(day: date) -> DayLine:
        return lines.setdefault(day, DayLine(day))

    named = sa.select(Meal.day, sa.func.count()).where(Meal.day.between(first, last), *Meal.counts())
    unnamed = sa.select(Tally.day, sa.func.sum(Tally.unnamed)).where(
        Tally.day.between(first, last), Tally.voided_at.is_(None))
    money = sa.select(Entry.day, Entry.method, sa.func.sum(Entry.amount)).where(Entry.day.between(first, last))
    for day, number in session.execute(named.group_by(Meal.day)):
        line(day).named = number
    for day, number in session.execute(unnamed.group_by(Tally.day)):
        line(day).unnamed = int(number)
    for day, method, amount in session.execute(money.group_by(Entry.day, Entry.method)):
        line(day).money[method] = amount
    for closed in session.scalars(sa.select(ClosedDay).where(ClosedDay.day.between(first, last))):
        line(closed.day).closed = closed
    return [lines[day] for day in sorted(lines, reverse=True)]


def open_days(session: Session, first: date, last: date) -> list[date]:
    """The days with meals, tallies or money that nobody has closed, the earliest first."""
    used: set[date] = set()
    for query in (
        sa.select(Meal.day).where(Meal.day.between(first, last), *Meal.counts()),
        sa.select(Tally.day).where(Tally.day.between(first, last), Tally.voided_at.is_(None)),
        sa.select(Entry.day).where(Entry.day.between(first, last)),
    ):
        used.update(session.scalars(query.distinct()))
    return sorted(used - closed_among(session, used))


def month_of(day: date) -> tuple[date, date]:
    """The first and the last day of its month."""
    return day.replace(day=1), day.replace(day=calendar.monthrange(day.year, day.month)[1])


@dataclass(frozen=True)
class Later:
    """What came after a day was closed."""

    meals: list[Meal]  # late entries and reversals
    tallies: list[Tally]  # recorded or voided since


def came_later(session: Session, closed: ClosedDay) -> Later:
    """Late entries, reversals and corrected tallies of a closed day."""
    since = closed.closed_at
    return Later(
        list(session.scalars(sa.select(Meal).where(
            Meal.day == closed.day, Meal.recorded_at > since, Meal.voided_at.is_(None)).order_by(Meal.id))),
        list(session.scalars(sa.select(Tally).where(
            Tally.day == closed.day, sa.or_(Tally.recorded_at > since, Tally.voided_at > since)).order_by(Tally.id))),
    )

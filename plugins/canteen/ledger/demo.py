"""Demonstration: prepaid accounts, takings of two weeks, closed days with a difference, tallies, a reversal."""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.api import BEIJING, save_settings, settings_of
from plugins.canteen.ledger.books import reverse_meal
from plugins.canteen.ledger.closing import DRAWER, days_between
from plugins.canteen.ledger.models import (
    Account,
    ClosedDay,
    Entry,
    EntryKind,
    Method,
    Tally,
    TallyMode,
    TallySource,
)
from plugins.canteen.models import Diner, Meal, MealKind, Way
from plugins.canteen.settings import PLUGIN

TAKEN_DAYS = 14
CLERKS = ("王敏", "李华", "陈静")
ON_TICKETS, ON_PAPER = 10, 3  # days back with a tally in addition, with one of the whole lunch


def fill(session: Session, community_id: int, kinds: list[MealKind], chance: Random, today: date) -> None:
    """The books behind the meals that are there; half of the communities take money at the counter."""
    if takes := chance.random() < 0.5:
        save_settings(session, community_id, PLUGIN, {
            **settings_of(session, community_id, PLUGIN), "takes_money": True, "usual_method": "cash", "sittings": 2})
        _take(session, chance, today)
    session.add_all(_tallies(session, chance, today, kinds))
    session.flush()
    session.add_all(_closed(session, chance, today, takes))
    session.flush()
    _reverse_one(session, today)


def _moment(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), tzinfo=BEIJING)


def _take(session: Session, chance: Random, today: date) -> None:
    """Some diners pay in before the two weeks; each meal since is paid from the balance while it suffices."""
    first = today - timedelta(days=TAKEN_DAYS)
    diners = session.scalars(sa.select(Diner).order_by(Diner.id)).all()
    left: dict[int, Decimal] = {}
    entries = list(_top_ups(chance, [diner for diner in diners if chance.random() < 0.4], first, left))
    eaten = sa.select(Meal).where(Meal.day >= first, *Meal.counts()).order_by(Meal.day, Meal.recorded_at, Meal.id)
    for meal in session.scalars(eaten):
        if meal.self_pay:
            entries.append(_fee(chance, meal, left))
    numbers: Counter[int] = Counter()
    for entry in entries:
        numbers[entry.day.year] += 1
        entry.year, entry.number = entry.day.year, numbers[entry.day.year]
    session.add_all(Account(diner_id=diner_id, balance=balance) for diner_id, balance in left.items())
    session.add_all(entries)
    session.flush()


def _top_ups(chance: Random, diners: list[Diner], first: date, left: dict[int, Decimal]) -> Iterator[Entry]:
    for minute, diner in enumerate(diners):
        amount = Decimal(chance.choice((100, 200, 300)))
        left[diner.id] = amount
        yield Entry(day=first, kind=EntryKind.TOP_UP, method=chance.choice(DRAWER), amount=amount,
                    balance_change=amount, diner_id=diner.id, recorded_by=CLERKS[0],
                    recorded_at=_moment(first, 6, minute % 30))


def _fee(chance: Random, meal: Meal, left: dict[int, Decimal]) -> Entry:
    from_balance = left.get(meal.diner_id, Decimal(0)) >= meal.self_pay
    if from_balance:
        left[meal.diner_id] -= meal.self_pay
    method = Method.ACCOUNT if from_balance else chance.choices(DRAWER, (3, 2))[0]
    return Entry(day=meal.day, kind=EntryKind.MEAL, method=method, amount=meal.self_pay,
                 balance_change=-meal.self_pay if from_balance else Decimal(0), diner_id=meal.diner_id,
                 meal_id=meal.id, recorded_by=meal.recorded_by, recorded_at=meal.recorded_at)


def _tallies(session: Session, chance: Random, today: date, kinds: list[MealKind]) -> Iterator[Tally]:
    """Tickets of dine-in guests on some days; on a few the paper list of the whole lunch."""
    lunch = kinds[min(1, len(kinds) - 1)]
    for back in range(1, ON_TICKETS):
        day = today - timedelta(days=back)
        if chance.random() < 0.5:
            continue
        whole, number = back <= ON_PAPER, chance.randint(6, 20)
        named = session.scalar(sa.select(sa.func.count()).select_from(Meal).where(
            Meal.day == day, Meal.kind_id == lunch.id, *Meal.counts())) if whole else 0
        yield Tally(day=day, kind_id=lunch.id, mode=TallyMode.WHOLE if whole else TallyMode.ADDED,
                    source=TallySource.PAPER if whole else TallySource.TICKETS, way=Way.DINE_IN,
                    number=named + number, unnamed=number, recorded_by=chance.choice(CLERKS),
                    recorded_at=_moment(day, 13, 30))


def _closed(session: Session, chance: Random, today: date, takes: bool) -> Iterator[ClosedDay]:
    """Every day up to the one before yesterday; one drawer was short."""
    lines = days_between(session, date.min, today - timedelta(days=2))
    short = chance.randrange(5, 10)
    for back, line in enumerate(lines):
        cash, code = (line.money.get(method, Decimal(0)) for method in DRAWER)
        missing = Decimal(5) if takes and back == short and cash > 5 else Decimal(0)
        yield ClosedDay(
            day=line.day, named=line.named, unnamed=line.unnamed, expected_cash=cash, counted_cash=cash - missing,
            expected_code=code, counted_code=code, note="找零多付 5 元" if missing else None,
            closed_by=chance.choice(CLERKS), closed_at=_moment(line.day, 19, chance.randint(0, 50)))


def _reverse_one(session: Session, today: date) -> None:
    """A meal of last week that was recorded for the wrong person."""
    meal = session.scalar(sa.select(Meal).where(Meal.day == today - timedelta(days=6), *Meal.counts(),
                                                Meal.diner_id.is_not(None)).order_by(Meal.id).limit(1))
    if meal is not None:
        reverse_meal(session, meal, "同名登记错误", CLERKS[0], _moment(today - timedelta(days=1), 9))

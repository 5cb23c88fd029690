"""Random changes to records that are counted, as services make them, and a plain count of the records in Python."""
from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from core.clock import now
from core.metrics.checking import check
from core.metrics.figures import by_day, by_month, by_value, totals
from core.metrics.periods import PeriodKind, period_of
from core.residents.models import LifeState, Resident
from core.residents.service import set_name
from core.testing.place import Place
from plugins.canteen.ledger.models import Tally, TallyMode, TallySource
from plugins.canteen.models import Diner, Meal, MealKind, Way
from plugins.douyin.models import Account, Stage, Work

FIRST = date(2026, 8, 25)
DAYS = 90


def metric(place: Place, name: str) -> Any:
    return next(m for _plugin, m in place.app.extensions["jinlin_plugins"].metrics() if m.name == name)


def settle(place: Place) -> None:
    """Twelve diners and an account in `upper`."""
    with place.session("upper", writes=True) as writing:
        for _n in range(12):
            resident = Resident(state=LifeState.ALIVE)
            set_name(resident, "陈桂兰")
            writing.add(Diner(resident=resident, usual_way=Way.DINE_IN))
        writing.add(Account(name="上游", number="a1", opened_on=FIRST))


def ids(place: Place, model: type) -> list[int]:
    with place.session("upper") as reading:
        return list(reading.scalars(sa.select(model.id).order_by(model.id)))


def meal_of(diner: int | None, kind: int, day: date, way: Way = Way.DINE_IN, price: str = "15.00") -> Meal:
    return Meal(diner_id=diner, kind_id=kind, day=day, booked_on=day, way=way, standard_price=Decimal(price),
                self_pay=Decimal(price), government=0, other_aid=0, source="counter", recorded_by="test",
                recorded_at=now())


def add_meals(place: Place, *meals: Meal) -> None:
    with place.session("upper", writes=True) as writing:
        writing.add_all(meals)


class Change:
    """One random change after the other, as services make them; what cannot be is refused and taken back."""

    def __init__(self, place: Place, seed: int) -> None:
        self.place, self.chance = place, random.Random(seed)
        self.diners, self.kinds = ids(place, Diner), ids(place, MealKind)
        self.account = ids(place, Account)[0]

    def day(self) -> date:
        return FIRST + timedelta(days=self.chance.randrange(DAYS))

    def __call__(self) -> None:
        with self.place.app.app_context(), self.place.session("upper", writes=True) as writing:
            try:
                for _n in range(self.chance.choice((1, 1, 1, 2, 6))):
                    self.one(writing)
                if self.chance.random() < 0.1:
                    writing.flush()
                    writing.rollback()
                elif self.chance.random() < 0.2:
                    with writing.begin_nested() as inner:
                        self.one(writing)
                        writing.flush()
                        if self.chance.random() < 0.5:
                            inner.rollback()
                    self.one(writing)
                writing.commit()
            except (IntegrityError, StaleDataError, OperationalError):
                writing.rollback()  # it was there already, somebody else was faster, or two waited for each other

    def one(self, writing: Session) -> None:
        what = self.chance.choice(DEEDS)
        what(self, writing)

    def some(self, writing: Session, model: type, *where: Any) -> Any:
        found = list(writing.scalars(sa.select(model.id).where(*where).order_by(model.id)))
        return writing.scalars(sa.select(model).where(model.id == self.chance.choice(found))).one() if found else None

    def eat(self, writing: Session) -> None:
        diner = self.chance.choice([None, *self.diners])
        writing.add(meal_of(diner, self.chance.choice(self.kinds), self.day(), self.chance.choice(list(Way)),
                            f"{self.chance.randrange(9999) / 100:.2f}"))

    def tally(self, writing: Session) -> None:
        number = self.chance.randrange(80)
        writing.add(Tally(day=self.day(), kind_id=self.chance.choice(self.kinds), mode=TallyMode.ADDED,
                          source=TallySource.PAPER, number=number, unnamed=number, recorded_by="test",
                          recorded_at=now()))

    def correct(self, writing: Session) -> None:
        if tally := self.some(writing, Tally):
            tally.number = tally.unnamed = self.chance.randrange(80)
            tally.voided_at = self.chance.choice([None, now()])

    def void(self, writing: Session) -> None:
        if meal := self.some(writing, Meal, Meal.voided_at.is_(None)):
            meal.voided_at, meal.voided_by, meal.void_reason = now(), "test", "错了"

    def unvoid(self, writing: Session) -> None:
        if meal := self.some(writing, Meal, Meal.voided_at.is_not(None)):
            meal.voided_at = meal.voided_by = meal.void_reason = None

    def redate(self, writing: Session) -> None:
        if meal := self.some(writing, Meal):
            meal.day = self.day()

    def give(self, writing: Session) -> None:
        """Somebody else's meal, in another way."""
        if meal := self.some(writing, Meal):
            meal.diner_id, meal.way = self.chance.choice([None, *self.diners]), self.chance.choice(list(Way))

    def delete(self, writing: Session) -> None:
        if meal := self.some(writing, Meal):
            writing.delete(meal)

    def blind(self, writing: Session) -> None:
        """Changed without having been read since the last commit."""
        if meal := self.some(writing, Meal):
            writing.expire(meal)
            meal.day = self.day()

    def many(self, writing: Session) -> None:
        """Many by one statement."""
        writing.execute(sa.update(Meal).where(Meal.day == self.day()).values(voided_at=now()))

    def publish(self, writing: Session) -> None:
        writing.add(Work(name="作品", account_id=self.account, state=self.chance.choice(list(Stage)),
                         published_on=self.chance.choice([None, self.day()])))

    def bin(self, writing: Session) -> None:
        if work := self.some(writing, Work):
            work.deleted_at = None if work.deleted_at else now()

    def stage(self, writing: Session) -> None:
        if work := self.some(writing, Work):
            work.state, work.published_on = self.chance.choice(list(Stage)), self.day()


DEEDS = [
    *[Change.eat] * 6, Change.void, Change.unvoid, Change.redate, Change.give, Change.delete, Change.blind,
    Change.many, Change.tally, Change.tally, Change.correct, Change.publish, Change.publish, Change.bin, Change.stage,
]


def found(place: Place) -> list[str]:
    with place.app.test_request_context():
        return [str(difference) for difference in check()]


@dataclass
class Plain:
    """Counted in Python from the rows themselves, by day."""

    named: Counter[tuple[date, int, Way]] = field(default_factory=Counter)  # and by kind and way
    people: dict[date, set[int]] = field(default_factory=dict)
    numbers: dict[str, Counter[date]] = field(default_factory=dict)  # by metric: meals with tallies, fen, works


def plain_count(place: Place) -> Plain:
    """Everything in `upper`."""
    plain, meals, fen = Plain(), Counter[date](), Counter[date]()
    with place.session("upper") as reading:
        for meal in reading.scalars(sa.select(Meal)):
            if meal.voided_at is None:
                fen[meal.day] += int(meal.self_pay * 100)
            if meal.voided_at is None and meal.reversed_on is None and meal.reverses_id is None:
                meals[meal.day] += 1
                plain.named[meal.day, meal.kind_id, meal.way] += 1
                if meal.diner_id:
                    plain.people.setdefault(meal.day, set()).add(meal.diner_id)
        for tally in reading.scalars(sa.select(Tally)):
            meals[tally.day] += 0 if tally.voided_at else tally.unnamed
        works = Counter(w.published_on for w in reading.scalars(sa.select(Work))
                        if w.state == Stage.PUBLISHED and not w.deleted_at and w.published_on)
    plain.numbers = {"canteen.meals": meals, "canteen.self_pay": fen, "douyin.works": works}
    return plain


def compare(place: Place, chance: random.Random) -> None:
    """Every way of reading against the plain count, for some period."""
    plain, here = plain_count(place), place.ids["upper"]
    start = FIRST + timedelta(days=chance.randrange(DAYS))
    end = min(start + timedelta(days=chance.randrange(70)), FIRST + timedelta(days=DAYS))
    spans = [(start, end), (None, end), (start, start)]
    spans += [(p.start, last) for kind in PeriodKind for p in (period_of(kind, end),) for last in (p.end, end)]
    with place.session(chance.choice(("upper", "street"))) as reading:
        for first, last in spans:
            def inside(day: date, first: date | None = first, last: date = last) -> bool:
                return (first is None or day >= first) and day <= last

            for name, days in plain.numbers.items():
                assert totals(reading, metric(place, name), first, last).get(here, 0) == sum(
                    n for day, n in days.items() if inside(day)), (name, first, last)
            people = set[int]().union(*(some for day, some in plain.people.items() if inside(day)))
            assert totals(reading, metric(place, "canteen.diners"), first, last).get(here, 0) == len(people), (
                first, last)
            named = metric(place, "canteen.named_meals")
            for at, dimension in enumerate(named.by, 1):
                sums = Counter[tuple[int, Any]]()
                for row, n in plain.named.items():
                    if inside(row[0]):
                        sums[here, row[at]] += n
                assert by_value(reading, named, dimension, first, last) == dict(sums)
        for name, days in plain.numbers.items():
            months = Counter[tuple[int, date]]()
            for day, n in days.items():
                months[here, day.replace(day=1)] += n
            assert by_month(reading, metric(place, name), FIRST, FIRST + timedelta(days=DAYS)) == _some(months)
            assert by_day(reading, metric(place, name), start, end) == _some(
                {(here, day): n for day, n in days.items() if start <= day <= end})


def _some(numbers: dict[Any, int]) -> dict[Any, int]:
    return {key: number for key, number in numbers.items() if number}

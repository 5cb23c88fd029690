"""Random changes to records that are counted, as services make them, and a plain count of the records in Python."""
from __future__ import annotations

import random
from collections import Counter
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


def meal_of(diner: int | None, kind: int, day: date, way: Way = Way.DINE_IN) -> Meal:
    return Meal(diner_id=diner, kind_id=kind, day=day, booked_on=day, way=way, standard_price=Decimal(15),
                self_pay=Decimal(15), government=0, other_aid=0, source="counter", recorded_by="test",
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
        writing.add(meal_of(diner, self.chance.choice(self.kinds), self.day(), self.chance.choice(list(Way))))

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


DEEDS = [Change.eat] * 6 + [Change.void, Change.unvoid, Change.redate, Change.give, Change.delete, Change.blind,
                            Change.many, Change.publish, Change.publish, Change.bin, Change.stage]


def found(place: Place) -> list[str]:
    with place.app.test_request_context():
        return [str(difference) for difference in check()]


def plain_count(place: Place) -> tuple[Counter, dict[date, set[int]], Counter]:
    """Meals and works by day, and who ate on which day, counted in Python from the rows themselves."""
    with place.session("upper") as reading:
        meals = [(m.day, m.diner_id, m.kind_id, m.way) for m in reading.scalars(sa.select(Meal))
                 if not m.voided_at and not m.reversed_on and not m.reverses_id]
        works = Counter(w.published_on for w in reading.scalars(sa.select(Work))
                        if w.state == Stage.PUBLISHED and not w.deleted_at and w.published_on)
    people: dict[date, set[int]] = {}
    for day, diner, _kind, _way in meals:
        people.setdefault(day, set()).update({diner} - {None})
    return Counter(meals), people, works


def compare(place: Place, chance: random.Random) -> None:
    """Every way of reading against the plain count, for some period."""
    meals, people, works = plain_count(place)
    here = place.ids["upper"]
    eaten, diners, shown = (metric(place, n) for n in ("canteen.meals", "canteen.diners", "douyin.works"))
    start = FIRST + timedelta(days=chance.randrange(DAYS))
    end = min(start + timedelta(days=chance.randrange(70)), FIRST + timedelta(days=DAYS))
    spans = [(start, end), (None, end), (start, start)]
    spans += [(p.start, last) for kind in PeriodKind for p in (period_of(kind, end),) for last in (p.end, end)]
    with place.session(chance.choice(("upper", "street"))) as reading:
        for first, last in spans:
            inside = [day for day in people if (first is None or day >= first) and day <= last]
            ate = {day for day in inside if people[day]}
            assert totals(reading, eaten, first, last).get(here, 0) == sum(
                n for (day, *_rest), n in meals.items() if day in inside), (first, last)
            assert totals(reading, diners, first, last).get(here, 0) == len(set().union(*(people[d] for d in ate))), (
                first, last)
            assert totals(reading, shown, first, last).get(here, 0) == sum(
                n for day, n in works.items() if (first is None or day >= first) and day <= last)
            for place_in_row, dimension in enumerate(eaten.by, 2):
                sums = Counter()
                for row, n in meals.items():
                    if row[0] in inside:
                        sums[here, row[place_in_row]] += n
                assert by_value(reading, eaten, dimension, first, last) == dict(sums)
        days = {(here, d): sum(n for row, n in meals.items() if row[0] == d) for d in people if start <= d <= end}
        assert by_day(reading, eaten, start, end) == days
        months = Counter()
        for row, n in meals.items():
            months[here, row[0].replace(day=1)] += n
        assert by_month(reading, eaten, FIRST, FIRST + timedelta(days=DAYS)) == dict(months)

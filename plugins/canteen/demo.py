"""A demonstration canteen: diners, cards, and two months of invented meals."""
from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.api import BEIJING, LifeState, Resident, beijing, save_settings
from plugins.canteen.ledger import demo as books
from plugins.canteen.ledger.demo_paper import fill_year
from plugins.canteen.models import Card, Diner, Meal, MealKind, Price, Source, Way
from plugins.canteen.services import add_default_kinds, kinds_of
from plugins.canteen.settings import PLUGIN
from plugins.canteen.subsidies.demo import DemoSubsidies, review_soon

DAYS = 60
CLERKS = ("王敏", "李华", "陈静")
ALLERGIES = ("花生过敏", "海鲜过敏", "鸡蛋过敏", "牛奶过敏", "芒果过敏")
NOTES = ("糖尿病 少糖", "低盐", "软食", "不吃辣", "清真", "少油", "忌豆制品")
NO_MEALS = {  # days before today: 焦家 signed a zero report, 中福 lacks two days, 建胜路 was closed
    "jiaojia": (15,), "zhongfu": (9, 12), "jianshenglu": (20, 21),
}
SHARE = {"早餐": 0.25, "午餐": 0.7, "晚餐": 0.3}  # of the diners, on a weekday


def fill(session: Session, community: Any, today: date, at: datetime) -> None:
    """Diners of the community's elderly residents, cards, and their meals until now; the same each time."""
    chance = Random(community.slug)
    add_default_kinds(session, today - timedelta(days=DAYS))
    kinds = kinds_of(session)
    prices = _prices(session, kinds, today - timedelta(days=DAYS))
    save_settings(session, community.id, PLUGIN, {
        "opened_on": (today - timedelta(days=400)).isoformat(), "seats": chance.choice((60, 80, 120)),
        "phone": "0990-5550000", "address": None,
    })
    diners = _diners(session, chance, today)
    session.add_all(diners)
    session.flush()
    review_soon(diners, today)
    subsidies = DemoSubsidies(session, today - timedelta(days=DAYS), today)
    for back in range(DAYS, -1, -1):
        if back in NO_MEALS.get(community.slug, ()):
            continue
        day = today - timedelta(days=back)
        until = beijing(at).time() if back == 0 else time.max
        for kind in kinds:
            session.add_all(_meals(chance, diners, day, kind, prices[kind.id], until, subsidies))
    session.flush()
    books.fill(session, community.id, kinds, Random(f"{community.slug} purses"), today)
    fill_year(session, kinds, Random(f"{community.slug} paper"), today, today - timedelta(days=DAYS + 1))


def _prices(session: Session, kinds: list[MealKind], first: date) -> dict[int, Decimal]:
    """A price for each kind from the first day on."""
    prices = {}
    for kind in kinds:
        row = session.scalar(sa.select(Price).where(Price.kind_id == kind.id).order_by(Price.starts_on))
        if row is None:
            row = Price(kind_id=kind.id, starts_on=first, amount=Decimal("12.00"))
            session.add(row)
        row.starts_on = min(row.starts_on, first)
        prices[kind.id] = row.amount
    session.flush()
    return prices


def _diners(session: Session, chance: Random, today: date) -> list[Diner]:
    """60 to 120 residents, the oldest first."""
    oldest = session.scalars(
        sa.select(Resident).where(Resident.deleted_at.is_(None), Resident.state == LifeState.ALIVE,
                                  Resident.birth_date <= today.replace(year=today.year - 58, day=1))
        .order_by(Resident.birth_date, Resident.id).limit(chance.randint(60, 120))
    ).all()
    diners = []
    for number, resident in enumerate(oldest):
        way = chance.choices((Way.DINE_IN, Way.TAKE_AWAY, Way.DELIVERY), (72, 10, 18))[0]
        diner = Diner(
            resident=resident, usual_way=way, allergy=chance.choice(ALLERGIES) if chance.random() < 0.12 else None,
            diet_note=chance.choice(NOTES) if chance.random() < 0.25 else None,
            delivery_address=(resident.address or None) if way == Way.DELIVERY else None,
        )
        if chance.random() < 0.6:
            diner.cards = _cards(chance, 60_001 + number * 7, today)
        diners.append(diner)
    return diners


def _cards(chance: Random, number: int, today: date) -> list[Card]:
    """A card; one diner in twelve has lost one before."""
    issued = today - timedelta(days=chance.randint(90, 380))
    if chance.random() > 1 / 12:
        return [Card(number=f"{number:010d}", issued_on=issued)]
    lost = issued + timedelta(days=chance.randint(20, 80))
    return [Card(number=f"{number:010d}", issued_on=issued, ended_on=lost, end_reason="遗失"),
            Card(number=f"{number + 1:010d}", issued_on=lost)]


def _meals(
    chance: Random, diners: list[Diner], day: date, kind: MealKind, price: Decimal, until: time,
    subsidies: DemoSubsidies,
) -> list[Meal]:
    """The meals of a kind on a day, in the order of the counter; fewer at weekends, a guest now and then."""
    share = SHARE.get(kind.name, 0.3) * (1, 1, 1, 1, 1, 0.55, 0.4)[day.weekday()]
    eaters: list[Diner | None] = [diner for diner in diners if chance.random() < share]
    eaters += [None] * chance.choice((0, 0, 1, 2))
    chance.shuffle(eaters)
    opens, closes = (t.hour * 60 + t.minute for t in (kind.opens, kind.closes))
    minutes = sorted(chance.randint(opens, closes) for _eater in eaters)
    meals = []
    for diner, minute in zip(eaters, minutes, strict=True):
        clock = time(minute // 60, minute % 60)
        if clock >= until:
            break
        moment = datetime.combine(day, clock, tzinfo=BEIJING)
        meals.append(Meal(
            diner=diner, kind=kind, day=day, booked_on=day, way=diner.usual_way if diner else Way.DINE_IN,
            source=Source.COUNTER,
            **subsidies.of(diner, kind, day, price), recorded_by=chance.choice(CLERKS), recorded_at=moment,
        ))
    return meals

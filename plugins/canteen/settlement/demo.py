"""Demonstration settlements: the month before last is paid, the last one stands differently in each place."""
from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.api import BEIJING
from plugins.canteen.ledger.closing import close_day, day_sums, open_days
from plugins.canteen.ledger.takings import Clerk
from plugins.canteen.models import Diner, Meal, Source
from plugins.canteen.settlement.lines import AMOUNTS, first_of, last_of
from plugins.canteen.settlement.models import StepKind
from plugins.canteen.settlement.services import Actor, approve, make, pay, send_back, submit

STREET, FINANCE = Actor("street", "街道管理员"), Actor("finance", "街道财务")
UNTIL = {"zhongfu": StepKind.SUBMITTED, "jianshenglu": StepKind.RETURNED, "jiaojia": StepKind.APPROVED}
WHY = "10月31日晚餐有两份没有对应签字，请核对后重新提交"
LATE, MISTAKEN = "送餐员月底才交回的纸质名单", "同一人重复登记，退回本月冲减"


def fill(session: Session, community: Any, today: date, at: datetime) -> None:
    """Two months, with corrections of the first in the books of the second."""
    last = first_of(first_of(today) - timedelta(days=1))
    before = first_of(last - timedelta(days=1))
    office = Actor(f"manager.{community.slug}", f"{community.name}管理员")
    _settle(session, before, office, StepKind.PAID, at)
    _correct(session, before, last)
    _settle(session, last, office, UNTIL.get(community.slug, StepKind.PAID), at)


def _settle(session: Session, month: date, office: Actor, until: StepKind, at: datetime) -> None:
    """Take the steps of a month in the first days of the next one, none later than now."""
    following = first_of(month + timedelta(days=31))

    def moment(days: int) -> datetime:
        return min(at, datetime.combine(following + timedelta(days=days), time(10, 20), tzinfo=BEIJING))

    settlement = make(session, month.isoformat(), office, moment(0))
    session.add(settlement)
    session.flush()
    for day in open_days(session, month, last_of(month)):
        sums = day_sums(session, day)
        close_day(session, settlement.community_id, sums, sums.money, "", Clerk(office.name, moment(1), office.account))
    submit(session, settlement, office, moment(1))
    if until == StepKind.RETURNED:
        send_back(session, settlement, STREET, moment(3), WHY)
    elif until != StepKind.SUBMITTED:
        approve(session, settlement, STREET, moment(4))
    if until == StepKind.PAID:
        paid = moment(8)
        pay(session, settlement, FINANCE, paid, paid.date(), f"拨付〔{paid.year}〕{paid:%m}{settlement.id:03d}号")
    session.flush()


def _correct(session: Session, settled: date, month: date) -> None:
    """A meal of the settled month that came late, and one that is taken back."""
    meals = session.scalars(
        sa.select(Meal).where(Meal.booked_on.between(settled, month - timedelta(days=1)), Meal.diner_id.is_not(None))
        .order_by(Meal.id.desc()).limit(2)).all()
    if len(meals) < 2:
        return
    ate = sa.select(Meal.diner_id).where(Meal.day == meals[0].day, Meal.diner_id.is_not(None))
    absent = session.scalar(sa.select(Diner.id).where(Diner.id.not_in(ate)).order_by(Diner.id).limit(1))
    session.add(_copy(meals[0], month + timedelta(days=4), 1, diner_id=absent, reason=LATE, source=Source.BACK_ENTRY))
    session.add(_copy(meals[1], month + timedelta(days=5), -1, diner_id=meals[1].diner_id, reason=MISTAKEN,
                      reverses_id=meals[1].id))
    meals[1].reversed_on = month + timedelta(days=5)
    session.flush()


def _copy(meal: Meal, booked_on: date, sign: int, **values: Any) -> Meal:
    """The same meal, or what takes it back, in the books of another day."""
    return Meal(
        kind_id=meal.kind_id, day=meal.day, way=meal.way, rule_id=meal.rule_id, booked_on=booked_on,
        recorded_by=meal.recorded_by, recorded_at=datetime.combine(booked_on, time(9), tzinfo=BEIJING),
        **{name: sign * getattr(meal, name) for name in AMOUNTS}, **{"source": meal.source, **values},
    )

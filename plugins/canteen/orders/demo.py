"""Demonstration: usual meals, a pause, and orders for today and tomorrow."""
from __future__ import annotations

from datetime import date, datetime, timedelta
from random import Random

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from core.api import LifeState, Resident
from plugins.canteen.models import Diner, MealKind, Way
from plugins.canteen.orders.models import LateChange, MealOrder, Pause, UsualMeal
from plugins.canteen.services import kinds_of

CLERK, MANAGER = "王敏", "李华"
SINCE = timedelta(days=45)
LUNCH = "午餐"


def fill(session: Session, slug: str, today: date, at: datetime) -> None:
    """Two in five diners have usual meals; those who have theirs brought have them every day."""
    chance, kinds = Random(f"orders {slug}"), kinds_of(session)
    diners = list(session.scalars(
        sa.select(Diner).join(Resident, Diner.resident_id == Resident.id)
        .where(Diner.deleted_at.is_(None), Resident.state == LifeState.ALIVE).order_by(Diner.id)
        .options(joinedload(Diner.resident))))
    lunch = next((kind for kind in kinds if kind.name == LUNCH), kinds[0] if kinds else None)
    if lunch is None:
        return
    regular = [d for d in diners if d.usual_way == Way.DELIVERY or chance.random() < 0.25]
    for diner in regular:
        session.add_all(_week(chance, diner, lunch, kinds[-1], today - SINCE))
    _single_days(session, [d for d in regular if d.usual_way != Way.DELIVERY], lunch, today, at)
    brought = [d for d in regular if d.usual_way == Way.DELIVERY]
    if len(brought) > 3:
        session.add(Pause(diner=brought[-1], starts_on=today - timedelta(days=2), reason="住院", recorded_by=CLERK,
                          recorded_at=at - timedelta(days=2)))
        session.add(Pause(diner=brought[-2], starts_on=today + timedelta(days=3), ends_on=today + timedelta(days=9),
                          reason="去女儿家小住", recorded_by=CLERK, recorded_at=at - timedelta(days=1)))
    session.flush()


def _week(chance: Random, diner: Diner, lunch: MealKind, dinner: MealKind, since: date) -> list[UsualMeal]:
    days = range(7) if diner.usual_way == Way.DELIVERY else range(5)
    kinds = [lunch, *([dinner] if dinner is not lunch and chance.random() < 0.3 else [])]
    return [UsualMeal(diner_id=diner.id, kind_id=kind.id, weekday=day, way=diner.usual_way, starts_on=since)
            for kind in kinds for day in days]


def _single_days(session: Session, diners: list[Diner], lunch: MealKind, today: date, at: datetime) -> None:
    """Two have tomorrow's lunch brought, one calls it off, and one order of today came too late."""
    tomorrow = today + timedelta(days=1)
    for number, diner in enumerate(diners[:4]):
        late, wanted = number == 3, number != 2
        session.add(MealOrder(
            diner=diner, kind=lunch, day=today if late else tomorrow, wanted=wanted, way=Way.DELIVERY,
            reason="出院回家，请当天送餐" if late else None, recorded_by=MANAGER if late else CLERK,
            recorded_at=at - timedelta(hours=2 if late else 1)))
        if late:
            session.add(LateChange(
                diner=diner, kind=lunch, day=today, before=diner.usual_way, after=Way.DELIVERY,
                reason="出院回家，请当天送餐", changed_by=MANAGER, changed_at=at - timedelta(hours=2)))

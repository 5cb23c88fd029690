"""Demonstration: two rounds for lunch, the first of today half done, a task that is open and one that is finished."""
from __future__ import annotations

from datetime import date, datetime, time, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.api import BEIJING, Outcome, close_task
from plugins.canteen.delivery.models import DeliveryRound
from plugins.canteen.delivery.rounds import add_stops, candidates, rounds_on
from plugins.canteen.delivery.services import Door, hand_over, no_answer
from plugins.canteen.models import MealKind
from plugins.canteen.orders.demo import LUNCH

DRIVER, ACCOUNT, CLERK = "赵师傅", "demo", "王敏"
NAMES = ("东线", "西线")
NOTE = "电话联系上女儿，老人在女儿家，平安"


def fill(session: Session, today: date, at: datetime) -> None:
    """Rounds in the order of the houses; what lies in the future has not happened."""
    lunch = session.scalar(sa.select(MealKind).where(MealKind.name == LUNCH, MealKind.deleted_at.is_(None)))
    if lunch is None:
        return
    people = candidates(session, lunch, today)
    half = -(-len(people) // 2)
    for name, some in zip(NAMES, (people[:half], people[half:]), strict=True):
        each = DeliveryRound(name=name, kind=lunch)
        session.add(each)
        session.flush()
        add_stops(session, each, some, today - timedelta(days=30))
    _deliver(session, lunch, today - timedelta(days=1), at, finished=True)
    _deliver(session, lunch, today, at, finished=False)


def _deliver(session: Session, lunch: MealKind, day: date, at: datetime, *, finished: bool) -> None:
    """The first round of a day: at one door nobody answers; yesterday that was cleared up."""
    rounds = [each for each in rounds_on(session, lunch, day) if each.round is not None]
    if not rounds:
        return
    stops = rounds[0].stops
    for number, stop in enumerate(stops if finished else stops[:-(-len(stops) // 2)]):
        moment = datetime.combine(day, time(10, 50), tzinfo=BEIJING) + timedelta(minutes=4 * number)
        if moment > at:
            return
        door = Door(stop.diner, lunch, rounds[0].name, DRIVER, ACCOUNT, moment)
        if number != (3 if finished else 1):
            hand_over(session, door)
            continue
        link = f"canteen/delivery/run/?kind={lunch.id}&round={rounds[0].round.id if rounds[0].round else ''}"
        task = no_answer(session, door, link).task
        if finished:
            close_task(session, task, Outcome.SAFE, NOTE, CLERK, moment + timedelta(minutes=25))

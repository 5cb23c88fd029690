"""Demonstration: the year before the counter, counted on paper lists, so that this year can be compared with it."""
from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from random import Random

from sqlalchemy.orm import Session

from core.api import BEIJING
from plugins.canteen.ledger.models import Tally, TallyMode, TallySource
from plugins.canteen.models import MealKind, Way

DAYS = 690  # so that this year can be compared with the last from its first day
FORGOTTEN = 150  # one day in so many is on no list
BY_WEEKDAY = (1, 1, 1, 1, 1, 0.55, 0.4)


def fill_year(session: Session, kinds: Sequence[MealKind], chance: Random, today: date, until: date) -> None:
    """A list of the whole lunch for each day of two years until `until`."""
    lunch = kinds[min(1, len(kinds) - 1)]
    usual = chance.randint(70, 100)
    for back in range(DAYS, (today - until).days - 1, -1):
        day = today - timedelta(days=back)
        number = round(usual * BY_WEEKDAY[day.weekday()] * chance.uniform(0.85, 1.1))
        if chance.randrange(FORGOTTEN):
            session.add(Tally(
                day=day, kind_id=lunch.id, mode=TallyMode.WHOLE, source=TallySource.PAPER, way=Way.DINE_IN,
                number=number, unnamed=number, recorded_by="陈静",
                recorded_at=datetime.combine(day, time(16, 20), tzinfo=BEIJING)))
    session.flush()

"""Which days are closed, and the day whose books something belongs to."""
from __future__ import annotations

import calendar
from collections.abc import Collection
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.api import Area
from plugins.canteen.ledger.models import ClosedDay
from plugins.canteen.settlement.lines import first_of
from plugins.canteen.settlement.locks import is_locked, locked_months


def hold(session: Session, community_id: int) -> None:
    """Let nobody else change this community's books until the end of the transaction.

    Meals, money, tallies and the closing of a day take it first, so that sums, balances, receipt numbers and caps
    are read as they stay. On SQLite a writing transaction is alone anyway; records of other modules do not wait.
    """
    if session.get_bind().dialect.name == "sqlite":
        return
    session.execute(sa.select(Area.id).where(Area.id == community_id).with_for_update(key_share=True))


def is_closed(session: Session, day: date) -> bool:
    """Whether the books of a day are closed."""
    return session.scalar(sa.select(ClosedDay.id).where(ClosedDay.day == day)) is not None


def closed_among(session: Session, days: Collection[date]) -> set[date]:
    """Those of the days that are closed."""
    return set(session.scalars(sa.select(ClosedDay.day).where(ClosedDay.day.in_(set(days))))) if days else set()


def late_among(session: Session, days: Collection[date]) -> set[date]:
    """Those of the days that are closed, or whose month's settlement is locked; in one statement."""
    if not days:
        return set()
    closed = sa.select(ClosedDay.day, sa.literal(False)).where(ClosedDay.day.in_(set(days)))
    rows = session.execute(closed.union_all(locked_months({first_of(day) for day in days}))).all()
    return {day for day in days if (day, False) in rows or (first_of(day), True) in rows}


def is_late(session: Session, day: date) -> bool:
    """Whether what is written for a day now comes after its books, or its month's settlement, were closed."""
    return bool(late_among(session, [day]))


def book_day(session: Session, day: date, today: date) -> date:
    """The day whose books a meal of `day`, its voiding or its reversal goes to.

    The day itself while it is open. Else, while the month's settlement is not locked, today if it is of the same
    month, or the month's last day. Else today: the next settlement carries it as a correction.
    """
    locked = is_locked(session, day)
    if not locked and not is_closed(session, day):
        return day
    if locked or (day.year, day.month) == (today.year, today.month):
        return today
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def drawer_day(session: Session, day: date, today: date) -> date:
    """The day whose drawer money of `day` is counted with: the day itself while open, else the next open one.

    What is taken after today's close is counted tomorrow; nothing is counted with a month that is settled.
    """
    if not is_late(session, day):
        return day
    closed = set(session.scalars(sa.select(ClosedDay.day).where(ClosedDay.day >= today)))
    return next(later for later in (today + timedelta(days=n) for n in range(len(closed) + 1)) if later not in closed)

"""What a settlement locks: the books of its month, for whatever writes a meal."""
from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy import event
from sqlalchemy.orm import Session, object_session
from sqlalchemy.orm.attributes import PASSIVE_NO_INITIALIZE, History, get_history

from core.api import ValidationError
from plugins.canteen.models import Meal
from plugins.canteen.settlement.lines import first_of
from plugins.canteen.settlement.models import LOCKING, Settlement

FREE = {"reversed_on"}  # a meal of a settled month is taken back by a row in the books of a later one
KNOWN = "canteen_open_months"  # where a session keeps which months it has found open


def is_locked(session: Session, day: date) -> bool:
    """Whether the settlement of the day's month is submitted, approved or paid: nothing is written into its books."""
    return session.execute(locked_months({first_of(day)})).first() is not None


def locked_months(months: Collection[date]) -> sa.Select:
    """Those of the months, by their first days, whose settlement is locked; each with True."""
    return sa.select(Settlement.month, sa.literal(True)).where(
        Settlement.month.in_(months), Settlement.state.in_(LOCKING))


def look_again(session: Session) -> None:
    """Forget what the session knows about months: a step changes it."""
    session.info.pop(KNOWN, None)


def found_open(session: Session, day: date) -> None:
    """The month of this day was found open, with the books held: it is not asked for again in this transaction."""
    _open_months(session).add(first_of(day))


def _open_months(session: Session) -> set[date]:
    transaction, known = session.info.get(KNOWN, (None, set()))
    if transaction is not session.get_transaction():
        transaction, known = session.info[KNOWN] = session.get_transaction(), set()
    return known


def check_books_open(session: Session, booked_on: date) -> None:
    """Raises ValidationError where the month of this day is settled."""
    if is_locked(session, booked_on):
        raise ValidationError(
            _("The month %(month)s is settled: nothing more is written into its books. What comes later is booked in "
              "a month that is still open, as a correction.", month=f"{booked_on:%Y-%m}"))


@event.listens_for(Meal, "before_insert")
@event.listens_for(Meal, "before_update")
def keep_settled_months(_mapper: Any, _connection: Any, meal: Meal) -> None:
    """The last wall, whatever writes a meal: raises ValidationError where the books of its day are settled.

    Who writes meals holds the books (ledger), so each month is asked for once in a transaction: an import writes
    thousands of meals.
    """
    state, session = sa.inspect(meal), object_session(meal)
    if state.persistent and not any(_history(meal, column.key).has_changes()
                                    for column in state.mapper.column_attrs if column.key not in FREE):
        return
    known = _open_months(session)
    for day in {meal.booked_on, *_history(meal, "booked_on").deleted} - {None}:
        if first_of(day) not in known:
            check_books_open(session, day)
            known.add(first_of(day))


def _history(meal: Meal, name: str) -> History:
    return get_history(meal, name, PASSIVE_NO_INITIALIZE)  # nothing is loaded in a flush

"""The books of the canteen: what a meal moves when it is recorded, voided or reversed.

Every meal goes through these functions, so that the money, the tallies of its sitting and the day that it is booked on
are right in the same transaction.
"""
from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.api import ConfirmationNeeded, ValidationError, clean_reason, mark_void
from plugins.canteen.ledger.days import book_day, drawer_day, hold, is_closed, is_late
from plugins.canteen.ledger.models import Method, Tally, TallyMode
from plugins.canteen.ledger.takings import Clerk, give_back, pay
from plugins.canteen.models import Meal, MealKind, Source, Way

__all__ = [
    "book_day", "check_seats", "drawer_day", "hold", "is_closed", "is_late", "meal_recorded", "named_meals",
    "recount", "reverse_meal", "void_meal", "was_reversed",
]

MONEY = ("standard_price", "self_pay", "government", "other_aid", "operator_aid", "city_pays", "district_pays",
         "street_pays", "community_pays", "donors_pay")
KEPT = ("diner_id", "kind_id", "day", "way", "rule_id", "age", "source")


def meal_recorded(session: Session, meal: Meal, method: Method | None, usual: str | None, clerk: Clerk) -> None:
    """A new meal: taken into the tally of its sitting, and paid where the counter has a usual way (books held)."""
    session.flush()
    recount(session, meal.day, meal.kind_id)
    if meal.source is Source.IMPORT:
        return  # its money was taken before there was this ledger
    if usual:
        pay(session, meal, method, Method(usual), clerk)


def void_meal(session: Session, meal: Meal, by: str, reason: str, clerk: Clerk) -> None:
    """作废 or 撤销 of a meal, without the commit; its fee goes back the way it came. `by` is the account that does it.

    Raises ValidationError where its books are closed: it is reversed instead.
    """
    hold(session, meal.community_id)
    session.refresh(meal)
    _check_not_reversed(meal)
    if is_late(session, meal.booked_on):
        raise ValidationError(_("%(day)s is closed. Please reverse the meal instead (冲销).",
                                day=meal.booked_on.isoformat()))
    mark_void(session, meal, by, reason)
    give_back(session, meal, meal.void_reason, clerk)
    recount(session, meal.day, meal.kind_id)


def reverse_meal(
    session: Session, meal: Meal, reason: str, by: str, at: datetime, account: str | None = None
) -> Meal:
    """冲销: a second row with negative amounts takes the meal back; gives that row, not committed.

    Raises ValidationError without a reason, for a voided meal, for a reversal, and the second time.
    """
    hold(session, meal.community_id)
    session.refresh(meal)
    reason = clean_reason(reason)
    if len(reason) < 2:
        raise ValidationError(_("Please give the reason."), "reason")
    _check_not_reversed(meal)
    if meal.voided_at is not None:
        raise ValidationError(_("“%(name)s” is already void.", name=meal.label))
    clerk = Clerk(by, at, account)
    booked = book_day(session, meal.booked_on, clerk.today)  # the month that has the meal, while it is open
    row = Meal(
        **{name: getattr(meal, name) for name in KEPT}, **{name: -getattr(meal, name) for name in MONEY},
        booked_on=booked, reverses_id=meal.id, reason=reason, recorded_by=by, recorded_at=at, account=account,
    )
    meal.reversed_on = clerk.today
    session.add(row)
    session.flush()
    give_back(session, meal, reason, clerk)
    recount(session, meal.day, meal.kind_id)
    return row


def was_reversed(session: Session, meal: Meal, account: str, reason: str) -> bool:
    """Whether this very account has reversed the meal for this very reason: the second click of one deed."""
    return session.scalar(sa.select(Meal.id).where(
        Meal.reverses_id == meal.id, Meal.account == account, Meal.reason == reason)) is not None


def _check_not_reversed(meal: Meal) -> None:
    if meal.reverses_id is not None:
        raise ValidationError(_("This is a reversal: it stays. Please record the meal anew if it was eaten after all."))
    if meal.reversed_on is not None:
        raise ValidationError(_("This meal has already been reversed."))


def named_meals(session: Session, day: date, kind_id: int) -> int:
    """How many meals of a sitting bear a name or a guest's row."""
    return session.scalar(sa.select(sa.func.count()).select_from(Meal).where(
        Meal.day == day, Meal.kind_id == kind_id, *Meal.counts()))


def recount(session: Session, day: date, kind_id: int) -> None:
    """Keep the unnamed meals of a whole sitting true: its number less the named ones, never below zero (books held)."""
    whole = session.scalar(sa.select(Tally).where(
        Tally.day == day, Tally.kind_id == kind_id, Tally.mode == TallyMode.WHOLE, Tally.voided_at.is_(None)))
    if whole is not None:
        session.refresh(whole)
        whole.unnamed = max(whole.number - named_meals(session, day, kind_id), 0)
        session.flush()


def check_seats(session: Session, day: date, kind: MealKind, most: int | None, more: int = 1) -> None:
    """Raises ConfirmationNeeded "seats" where `more` dine-in meals pass the `most` that have a seat (books held).

    Asked once a sitting: when the limit is passed.
    """
    if most is None:
        return
    named = session.scalar(sa.select(sa.func.count()).select_from(Meal).where(
        Meal.day == day, Meal.kind_id == kind.id, Meal.way == Way.DINE_IN, *Meal.counts()))
    unnamed = dict(session.execute(
        sa.select(Tally.mode, sa.func.sum(Tally.unnamed)).where(
            Tally.day == day, Tally.kind_id == kind.id, Tally.way == Way.DINE_IN, Tally.voided_at.is_(None)
        ).group_by(Tally.mode)).all())
    if unnamed.get(TallyMode.WHOLE):
        return  # one of those who were counted gets a name
    before = named + int(unnamed.get(TallyMode.ADDED, 0))
    if before <= most < before + more:
        raise ConfirmationNeeded(
            _("That makes %(count)s dine-in meals of %(kind)s on %(day)s; the canteen has room for %(most)s. "
              "Record it all the same?", count=before + more, kind=kind.name, day=day.isoformat(), most=most), "seats")

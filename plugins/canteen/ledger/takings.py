"""Money taken and given back: entries with receipts, and the diners' prepaid accounts."""
from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.api import ValidationError, beijing, clean_reason
from plugins.canteen.ledger.days import drawer_day, hold
from plugins.canteen.ledger.models import Account, Entry, EntryKind, Method
from plugins.canteen.models import Diner, Meal

MOST_AT_ONCE = Decimal("10000.00")  # yuan; more in one go is a slip of the keys


@dataclass(frozen=True)
class Clerk:
    """Who writes an entry and when: the name shown, the account behind it, the moment in UTC."""

    name: str
    at: datetime
    account: str | None = None

    @property
    def today(self) -> date:
        """The day in Beijing."""
        return beijing(self.at).date()


def balance_of(session: Session, diner_id: int) -> Decimal:
    """What is left on a diner's account, in yuan; 0 without one."""
    return session.scalar(sa.select(Account.balance).where(Account.diner_id == diner_id)) or Decimal(0)


def balances_of(session: Session, diner_ids: Collection[int]) -> dict[int, Decimal]:
    """The balances of those diners who have an account."""
    if not diner_ids:
        return {}
    found = sa.select(Account.diner_id, Account.balance).where(Account.diner_id.in_(diner_ids))
    return {diner_id: balance for diner_id, balance in session.execute(found)}


def top_up(session: Session, diner: Diner, amount: Decimal, method: Method, clerk: Clerk) -> Entry:
    """充值. Raises ValidationError for an amount that is not above zero, or for a method that brings no money."""
    _check(amount, method)
    hold(session, diner.community_id)
    if session.scalar(sa.select(Account.id).where(Account.diner_id == diner.id)) is None:
        session.add(Account(diner_id=diner.id))
        session.flush()
    return _write(session, clerk, drawer_day(session, clerk.today, clerk.today), kind=EntryKind.TOP_UP, method=method,
                  amount=amount, balance_change=amount, diner_id=diner.id)


def refund(session: Session, diner: Diner, amount: Decimal, method: Method, reason: str, clerk: Clerk) -> Entry:
    """退款 from the balance. Raises ValidationError for more than there is."""
    _check(amount, method)
    hold(session, diner.community_id)
    return _write(session, clerk, drawer_day(session, clerk.today, clerk.today), kind=EntryKind.REFUND, method=method,
                  amount=-amount, balance_change=-amount, diner_id=diner.id, reason=_reason(reason))


def pay(session: Session, meal: Meal, method: Method | None, usual: Method, clerk: Clerk) -> Entry | None:
    """餐费 of a meal just recorded (books held): by `method`, else from the balance if it suffices, else as usual.

    None where the diner pays nothing. Raises ValidationError for a balance that does not suffice.
    """
    if meal.self_pay == 0:
        return None
    if method is None:
        enough = meal.diner_id is not None and balance_of(session, meal.diner_id) >= meal.self_pay
        method = Method.ACCOUNT if enough else usual
    if method is Method.ACCOUNT and meal.diner_id is None:
        raise ValidationError(_("A guest has no account. Please choose cash or the payment code."), "pay")
    return _write(session, clerk, drawer_day(session, meal.day, clerk.today), kind=EntryKind.MEAL, method=method,
                  amount=meal.self_pay, balance_change=-meal.self_pay if method is Method.ACCOUNT else Decimal(0),
                  diner_id=meal.diner_id, meal_id=meal.id)


def payment_of(session: Session, meal: Meal) -> Entry | None:
    """How a meal was paid; None where nothing was taken for it."""
    return session.scalar(sa.select(Entry).where(Entry.meal_id == meal.id, Entry.kind == EntryKind.MEAL))


def taken(session: Session, day: date) -> dict[Method, Decimal]:
    """What a day's drawer must hold by method, in yuan: all its entries, also those that give back."""
    found = dict(session.execute(
        sa.select(Entry.method, sa.func.sum(Entry.amount)).where(Entry.day == day).group_by(Entry.method)).all())
    return {method: found.get(method, Decimal(0)) for method in Method}


def give_back(session: Session, meal: Meal, reason: str, clerk: Clerk) -> None:
    """The fee of a meal that is voided or reversed goes back the way it came (books held)."""
    paid = payment_of(session, meal)
    if paid is not None:
        _reverse(session, paid, reason, clerk)


def reverse_entry(session: Session, entry: Entry, reason: str, clerk: Clerk) -> Entry:
    """冲销 of a top-up or a refund. Raises ValidationError for entries of meals, for reversals, and the second time."""
    hold(session, entry.community_id)
    if entry.kind is EntryKind.REVERSAL:
        raise ValidationError(_("A reversal cannot be reversed. Please make the entry anew."))
    if entry.kind is EntryKind.MEAL:
        raise ValidationError(_("The fee of a meal goes back with the meal. Please void or reverse the meal."))
    if session.scalar(sa.select(Entry.id).where(Entry.reverses_id == entry.id)) is not None:
        raise ValidationError(_("This entry has already been reversed."))
    return _reverse(session, entry, _reason(reason), clerk)


def _reverse(session: Session, entry: Entry, reason: str, clerk: Clerk) -> Entry:
    return _write(session, clerk, drawer_day(session, entry.day, clerk.today), kind=EntryKind.REVERSAL,
                  method=entry.method, amount=-entry.amount, balance_change=-entry.balance_change,
                  diner_id=entry.diner_id, meal_id=entry.meal_id, reverses_id=entry.id, reason=reason)


def _write(session: Session, clerk: Clerk, day: date, **values: object) -> Entry:
    """The only way to an entry: it takes the next receipt number and moves the balance with it (books held)."""
    if values["balance_change"]:
        _move(session, values["diner_id"], values["balance_change"])
    last = session.scalar(sa.select(sa.func.max(Entry.number)).where(Entry.year == day.year)) or 0
    entry = Entry(day=day, year=day.year, number=last + 1, recorded_by=clerk.name, account=clerk.account,
                  recorded_at=clerk.at, **values)
    session.add(entry)
    session.flush()
    return entry


def _move(session: Session, diner_id: int, change: Decimal) -> None:
    """Change a balance in one statement that refuses to go below zero."""
    moved = session.execute(
        sa.update(Account).where(Account.diner_id == diner_id, Account.balance + change >= 0)
        .values(balance=Account.balance + change, row_version=Account.row_version + 1)
    ).rowcount
    if not moved:
        raise ValidationError(
            _("The balance is %(balance)s yuan; that is not enough for %(amount)s yuan.",
              balance=f"{balance_of(session, diner_id):.2f}", amount=f"{-change:.2f}"), "amount")


def _check(amount: Decimal, method: Method) -> None:
    if not 0 < amount <= MOST_AT_ONCE:
        raise ValidationError(_("Please give an amount above 0 and up to %(most)s yuan.", most=MOST_AT_ONCE), "amount")
    if method is Method.ACCOUNT:
        raise ValidationError(_("Please choose cash or the payment code."), "method")


def _reason(text: str) -> str:
    reason = clean_reason(text)
    if len(reason) < 2:
        raise ValidationError(_("Please give the reason."), "reason")
    return reason

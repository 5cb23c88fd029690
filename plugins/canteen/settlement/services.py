"""The rules of a settlement: who may take which step when, what is locked, what is fixed by the submission.

An account takes one sort of step of a settlement only, whatever roles it holds: who made or submitted it never
approves, returns or pays it, and who approved or returned it never pays it.
"""
from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.api import ValidationError, beijing, clean_reason
from plugins.canteen.ledger.closing import open_days
from plugins.canteen.ledger.days import hold
from plugins.canteen.ledger.tallies import unnamed_meals
from plugins.canteen.models import Meal
from plugins.canteen.settlement.lines import (
    Contents,
    canonical,
    contents_of,
    digest_of,
    first_of,
    last_of,
    read_canonical,
)
from plugins.canteen.settlement.locks import look_again
from plugins.canteen.settlement.models import Settlement, SettlementState, SettlementStep, StepKind

FROM = {  # step → the states in which it is taken
    StepKind.SUBMITTED: (SettlementState.DRAFT, SettlementState.RETURNED),
    StepKind.RETURNED: (SettlementState.SUBMITTED,),
    StepKind.APPROVED: (SettlementState.SUBMITTED,),
    StepKind.PAID: (SettlementState.APPROVED,),
}
SORTS = {  # what one account may do together
    StepKind.MADE: "prepare", StepKind.SUBMITTED: "prepare", StepKind.RETURNED: "examine",
    StepKind.APPROVED: "examine", StepKind.PAID: "pay",
}
DAYS_NAMED = 5


@dataclass(frozen=True)
class Actor:
    """Who takes a step: the account, and the name shown beside it."""

    account: str
    name: str


def settlement_of(session: Session, month: date) -> Settlement | None:
    """The settlement of a month, by any of its days."""
    return session.scalar(sa.select(Settlement).where(Settlement.month == first_of(month)))


def months_to_settle(session: Session, today: date) -> list[date]:
    """The months without a settlement, from the first with a meal until this one, newest first."""
    first = session.scalar(sa.select(sa.func.min(Meal.booked_on)).where(Meal.voided_at.is_(None)))
    known, months, month = set(session.scalars(sa.select(Settlement.month))), [], first_of(today)
    while first is not None and month >= first_of(first):
        months += [month] if month not in known else []
        month = first_of(month - timedelta(days=1))
    return months


def live(session: Session, settlement: Settlement) -> Contents:
    """What the records of the month say now."""
    month = settlement.month
    return contents_of(session, settlement.community_id, month, unnamed_meals(session, month, last_of(month)))


def make(session: Session, first: str, actor: Actor, at: datetime) -> Settlement:
    """The draft of the month with this first day (ISO); its figures are those of the records until it is submitted."""
    month = next((m for m in months_to_settle(session, beijing(at).date()) if m.isoformat() == first), None)
    if month is None:
        raise ValidationError(_("Please choose a month with meals that has no settlement yet."), "month")
    settlement = Settlement(month=month, state=SettlementState.DRAFT)
    _note(session, settlement, StepKind.MADE, actor, at)
    return settlement


def discard(session: Session, settlement: Settlement) -> None:
    """Take a draft away. Raises ValidationError once it was submitted: what the street has seen stays."""
    if settlement.state != SettlementState.DRAFT:
        raise ValidationError(_("Only a draft that was never submitted can be discarded."))
    session.delete(settlement)


def why_not(session: Session, settlement: Settlement, step: StepKind, account: str, today: date) -> str | None:
    """Why this account may not take this step now, in words; None where it may."""
    if settlement.state not in FROM[step]:
        return _("The settlement is “%(state)s”: this step is not due.", state=settlement.state.label)
    other = next((s for s in settlement.steps if s.account == account and SORTS[s.kind] != SORTS[step]), None)
    if other is not None:
        return _("You have taken the step “%(step)s” of this settlement. Preparing, examining and paying are done by "
                 "three different accounts.", step=other.kind.label)
    return _not_ready(session, settlement.month, today) if step == StepKind.SUBMITTED else None


def _not_ready(session: Session, month: date, today: date) -> str | None:
    if today <= last_of(month):
        return _("The month is not over yet.")
    still_open = open_days(session, month, last_of(month))
    return _("Please close these days first: %(days)s", days=_named(still_open)) if still_open else None


def _named(days: list[date]) -> str:
    more = _(" and %(num)s more", num=len(days) - DAYS_NAMED) if len(days) > DAYS_NAMED else ""
    return "、".join(f"{day:%m-%d}" for day in days[:DAYS_NAMED]) + more


def submit(session: Session, settlement: Settlement, actor: Actor, at: datetime) -> None:
    """Fix the snapshot and lock the month. Raises ValidationError with why not."""
    hold(session, settlement.community_id)  # a meal that is being written is in the snapshot, or comes after it
    _check(session, settlement, StepKind.SUBMITTED, actor, at)
    contents = live(session, settlement)
    text = canonical(contents)
    settlement.state, settlement.digest = SettlementState.SUBMITTED, digest_of(text)
    settlement.meals, settlement.payable = contents.meals, contents.payable
    _note(session, settlement, StepKind.SUBMITTED, actor, at, digest=settlement.digest, payable=settlement.payable,
          snapshot=text)


def send_back(session: Session, settlement: Settlement, actor: Actor, at: datetime, reason: str) -> None:
    """Return it to the community, which unlocks the month. Raises ValidationError with why not."""
    _check(session, settlement, StepKind.RETURNED, actor, at)
    reason = clean_reason(reason)
    if len(reason) < 2:
        raise ValidationError(_("Please give the reason why it is sent back."), "reason")
    settlement.state = SettlementState.RETURNED
    settlement.digest = settlement.meals = settlement.payable = None
    _note(session, settlement, StepKind.RETURNED, actor, at, reason=reason)


def approve(session: Session, settlement: Settlement, actor: Actor, at: datetime) -> None:
    """Say that it is right. Raises ValidationError with why not, also where the records differ from the snapshot."""
    _check(session, settlement, StepKind.APPROVED, actor, at)
    if not is_unchanged(session, settlement):
        raise ValidationError(_("The records differ from what was submitted. Please send it back."))
    settlement.state = SettlementState.APPROVED
    _note(session, settlement, StepKind.APPROVED, actor, at, digest=settlement.digest, payable=settlement.payable)


def pay(
    session: Session, settlement: Settlement, actor: Actor, at: datetime, paid_on: date, reference: str,
) -> None:
    """Note the payment: its day, and the number of the voucher or transfer. Raises ValidationError with why not."""
    _check(session, settlement, StepKind.PAID, actor, at)
    reference = clean_reason(reference)
    if not 2 <= len(reference) <= 60:
        raise ValidationError(_("Please give the number of the payment voucher or transfer."), "payment_reference")
    if paid_on > beijing(at).date():
        raise ValidationError(_("The day of payment lies in the future."), "paid_on")
    approved_on = max(beijing(step.at).date() for step in settlement.steps if step.kind == StepKind.APPROVED)
    if paid_on < approved_on:
        raise ValidationError(_("It was approved on %(day)s. Please choose that day or a later one.",
                                day=approved_on.isoformat()), "paid_on")
    settlement.state, settlement.paid_on, settlement.payment_reference = SettlementState.PAID, paid_on, reference
    _note(session, settlement, StepKind.PAID, actor, at, reason=f"{paid_on.isoformat()} {reference}",
          digest=settlement.digest, payable=settlement.payable)


def is_unchanged(session: Session, settlement: Settlement) -> bool:
    """Whether the kept snapshot is the one of the digest, and the records still say the same.

    But for the meals without a name: tallies of a closed day can be corrected, and no money hangs on them.
    """
    kept = settlement.submission.snapshot if settlement.submission else None
    if kept is None or digest_of(kept) != settlement.digest:
        return False
    unnamed = read_canonical(kept).unnamed
    return canonical(contents_of(session, settlement.community_id, settlement.month, unnamed)) == kept


def _check(session: Session, settlement: Settlement, step: StepKind, actor: Actor, at: datetime) -> None:
    if refusal := why_not(session, settlement, step, actor.account, beijing(at).date()):
        raise ValidationError(refusal)


def _note(
    session: Session, settlement: Settlement, kind: StepKind, actor: Actor, at: datetime, **kept: object,
) -> None:
    look_again(session)
    settlement.steps.append(SettlementStep(kind=kind, by=actor.name, account=actor.account, at=at, **kept))

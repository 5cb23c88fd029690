"""Meal cards: handed out, reported lost, replaced; every card keeps its dates."""
from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.api import ValidationError, clean_reason
from plugins.canteen.finding import CARD, card_number
from plugins.canteen.models import Card, Diner


def issue_card(session: Session, diner: Diner, number: str, day: date, today: date) -> Card:
    """Hand out a card. Raises ValidationError where the number is none or in use, or the diner has a card."""
    if diner.card is not None:
        raise ValidationError(_("%(name)s has card %(number)s already. Please replace it instead.", name=diner.label,
                                number=diner.card.number), "number")
    number = card_number(number)
    if not CARD.fullmatch(number):
        raise ValidationError(_("A card number has 3 to 32 letters and digits. Please scan the card again."), "number")
    owner = session.scalar(sa.select(Card).where(Card.number == number, Card.ended_on.is_(None)))
    if owner is not None:
        raise ValidationError(_("Card %(number)s is in use by %(name)s.", number=number, name=owner.diner.label),
                              "number")
    _check_day(day, today)
    card = Card(diner=diner, number=number, issued_on=day)
    session.add(card)
    return card


def lose_card(session: Session, diner: Diner, day: date, reason: str, today: date) -> Card:
    """挂失: the card in use ends on this day. Raises ValidationError where there is none."""
    card = diner.card
    if card is None:
        raise ValidationError(_("%(name)s has no card.", name=diner.label))
    _check_day(day, today)
    if day < card.issued_on:
        raise ValidationError(_("This card was handed out on %(day)s. Please choose that day or a later one.",
                                day=card.issued_on.isoformat()), "day")
    card.ended_on, card.end_reason = day, clean_reason(reason)[:60] or None
    return card


def replace_card(session: Session, diner: Diner, number: str, day: date, reason: str, today: date) -> Card:
    """补卡: the old card, if it is still in use, ends on the day on which the new one begins."""
    if diner.card is not None:
        if card_number(number) == diner.card.number:
            raise ValidationError(_("This is the card that %(name)s has already.", name=diner.label), "number")
        lose_card(session, diner, day, reason, today)
        session.flush()
    return issue_card(session, diner, number, day, today)


def _check_day(day: date, today: date) -> None:
    if day > today:
        raise ValidationError(_("This day lies in the future."), "day")

"""What waits on the workbench: last month's settlement, and what the street has to decide or pay."""
from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import sqlalchemy as sa
from flask import url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.api import Area, Todo
from plugins.canteen.models import Meal
from plugins.canteen.settlement.lines import first_of, last_of
from plugins.canteen.settlement.models import Settlement, SettlementState


def waiting(session: Session, community: Area, today: date) -> Iterator[Todo]:
    """From the first of a month on: the last one is not submitted; then what was sent back, waits, or is to be paid."""
    last = first_of(first_of(today) - timedelta(days=1))
    settlements = {s.month: s for s in session.scalars(
        sa.select(Settlement).where(Settlement.state != SettlementState.PAID).order_by(Settlement.month))}
    if _is_missing(session, settlements.get(last), last):
        text = _("The settlement of %(month)s has not been submitted.", month=f"{last:%Y-%m}")
        yield Todo("warn", _("Not settled"), text, _url(community, settlements.get(last)))
    for settlement in settlements.values():
        if told := _told(settlement):
            yield Todo(*told, _url(community, settlement))


def _is_missing(session: Session, settlement: Settlement | None, month: date) -> bool:
    if settlement is not None:
        return settlement.state == SettlementState.DRAFT
    known = sa.select(Settlement.id).where(Settlement.month == month)
    meals = sa.select(Meal.id).where(Meal.booked_on.between(month, last_of(month)), Meal.voided_at.is_(None)).limit(1)
    return session.scalar(known) is None and session.scalar(meals) is not None


def _told(settlement: Settlement) -> tuple[str, str, str] | None:
    month = settlement.label
    return {
        SettlementState.RETURNED: ("bad", _("Returned"), _("The settlement of %(month)s was sent back: please correct "
                                                           "and submit it again.", month=month)),
        SettlementState.SUBMITTED: ("info", _("Settlement"), _("The settlement of %(month)s waits for the street.",
                                                               month=month)),
        SettlementState.APPROVED: ("info", _("Settlement"), _("The settlement of %(month)s is approved and waits for "
                                                              "its payment.", month=month)),
    }.get(settlement.state)


def _url(community: Area, settlement: Settlement | None) -> str:
    if settlement is None:
        return url_for("canteen_settlements.index_view", area=community.slug)
    return url_for("canteen_settlements.details_view", area=community.slug, id=settlement.id)

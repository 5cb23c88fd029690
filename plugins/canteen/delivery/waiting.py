"""What waits on the workbench of the rounds of today."""
from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.api import Todo
from plugins.canteen.delivery.models import DeliveryRound, Handover, RoundStop
from plugins.canteen.models import Way
from plugins.canteen.orders.expected import expected_meals


def delivery_todos(session: Session, today: date, clock: time, url: str) -> Iterator[Todo]:
    """Who is on no round before the meal is over; who has not been visited after it."""
    brought = [e for e in expected_meals(session, today) if e.way == Way.DELIVERY]
    if not brought:
        return
    visited = set(session.execute(sa.select(Handover.diner_id, Handover.kind_id).where(
        Handover.day == today, Handover.voided_at.is_(None))).all())
    placed = set(session.execute(sa.select(RoundStop.diner_id, RoundStop.kind_id).join(
        DeliveryRound, RoundStop.round_id == DeliveryRound.id).where(DeliveryRound.deleted_at.is_(None))).all())
    for kind in dict.fromkeys(e.kind for e in brought):
        waiting = {(e.diner.id, kind.id) for e in brought if e.kind is kind} - visited
        lost = waiting - placed
        if waiting and clock > kind.closes:
            yield Todo("bad", _("Not delivered"), _("%(kind)s: %(num)s people on the rounds have not been visited.",
                                                    kind=kind.name, num=len(waiting)), url)
        elif lost:
            yield Todo("warn", _("On no round"), _("%(kind)s: %(num)s people have it brought and are on no round.",
                                                   kind=kind.name, num=len(lost)), url)

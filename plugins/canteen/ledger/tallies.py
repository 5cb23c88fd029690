"""不记名统计: counting the meals of a sitting that nobody is named for, from tickets or a paper list."""
from __future__ import annotations

from collections.abc import Collection
from datetime import date

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.api import ConfirmationNeeded, ValidationError, clean_reason, mark_void
from plugins.canteen.ledger.books import check_seats, hold, is_late, named_meals
from plugins.canteen.ledger.models import Tally, TallyMode, TallySource
from plugins.canteen.ledger.takings import Clerk
from plugins.canteen.models import MealKind, Way
from plugins.canteen.services import OLD_AFTER, check_day, old_text
from plugins.canteen.settings import canteen_settings, opened_on, seats_a_meal

MOST = 5000  # of one sitting; more is a slip of the keys


def add_tally(
    session: Session, day: date, kind: MealKind, mode: TallyMode, source: TallySource, way: Way, number: int,
    reason: str, clerk: Clerk, confirmed: Collection[str] = (),
) -> Tally:
    """Count `number` meals of a sitting: in addition to the named ones, or the whole of it.

    Raises ValidationError for a day to come or before the opening, a closed day without a reason, and where the
    sitting is counted in the other way already; ConfirmationNeeded "old" for a day of long ago, "fewer" where more are
    named than the whole sitting had, and "seats".
    """
    reason = clean_reason(reason)
    settings = canteen_settings(session, kind.community_id)
    check_day(kind, day, clerk.at, opened_on(settings))
    if not 1 <= number <= MOST:
        raise ValidationError(_("Please give a number from 1 to %(most)s.", most=MOST), "number")
    if clerk.today - day > OLD_AFTER and "old" not in confirmed:
        raise ConfirmationNeeded(old_text(day), "old")
    hold(session, kind.community_id)
    if is_late(session, day) and len(reason) < 2:
        raise ValidationError(_("%(day)s is closed. A correction needs a reason.", day=day.isoformat()), "reason")
    _check_modes(session, day, kind, mode)
    unnamed = number
    if mode is TallyMode.WHOLE:
        named = named_meals(session, day, kind.id)
        unnamed = max(number - named, 0)
        if number < named and "fewer" not in confirmed:
            raise ConfirmationNeeded(
                _("%(named)s meals of %(kind)s on %(day)s are recorded by name, more than the %(number)s counted. Then "
                  "none is unnamed, and %(named)s count. Save it all the same?", named=named, kind=kind.name,
                  day=day.isoformat(), number=number), "fewer")
    if way is Way.DINE_IN and unnamed and "seats" not in confirmed:
        check_seats(session, day, kind, seats_a_meal(settings), unnamed)
    tally = Tally(day=day, kind_id=kind.id, mode=mode, source=source, way=way, number=number, unnamed=unnamed,
                  reason=reason or None, recorded_by=clerk.name, account=clerk.account, recorded_at=clerk.at)
    session.add(tally)
    session.flush()
    return tally


def void_tally(session: Session, tally: Tally, by: str, reason: str) -> None:
    """作废, also of a closed day: the reason makes it a correction, which the day's page shows."""
    hold(session, tally.community_id)
    session.refresh(tally)
    mark_void(session, tally, by, reason)


def unnamed_meals(session: Session, first: date, last: date) -> int:
    """The meals from day to day (both included) of which only the number is known."""
    return int(session.scalar(sa.select(sa.func.coalesce(sa.func.sum(Tally.unnamed), 0)).where(
        Tally.day.between(first, last), Tally.voided_at.is_(None))))


def _check_modes(session: Session, day: date, kind: MealKind, mode: TallyMode) -> None:
    """A sitting is counted as a whole once, or in addition to the named meals as often as one likes; never both."""
    there = session.scalar(sa.select(Tally).where(
        Tally.day == day, Tally.kind_id == kind.id, Tally.voided_at.is_(None)).order_by(Tally.id).limit(1))
    if there is None or (mode is TallyMode.ADDED and there.mode is TallyMode.ADDED):
        return
    what = _("the whole sitting") if there.mode is TallyMode.WHOLE else _("in addition to the named meals")
    raise ValidationError(
        _("%(kind)s on %(day)s is counted already: %(number)s, %(what)s, by %(by)s. Please void that tally first.",
          kind=kind.name, day=day.isoformat(), number=there.number, what=what, by=there.recorded_by), "mode")

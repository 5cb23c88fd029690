"""零报告: signing that nothing happened on days that would else be missing."""
from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.clock import beijing
from core.declarations import Metric
from core.errors import ValidationError
from core.metrics.expectations import DayState, states
from core.metrics.reporting_models import ZeroReport

MOST_DAYS = 62  # signed at once


def signable(session: Session, metric: Metric, community_id: int, start: date, end: date, at: datetime) -> list[date]:
    """The days for which a zero may be signed now: those that are missing, and today before it is due."""
    today = beijing(at).date()
    found = states(session, metric, [community_id], start, min(end, today), at=at)
    return [day for (_c, day), state in found.items()
            if state is DayState.MISSING or (state is DayState.FUTURE and day == today)]


def sign_zeros(
    session: Session, metric: Metric, community_id: int, days: Iterable[date], *, by: str, account: str,
    note: str | None, at: datetime,
) -> list[ZeroReport]:
    """One signed zero a day, all or none. Raises ValidationError that names the day and why it takes none."""
    wanted = sorted(set(days))
    if not wanted:
        raise ValidationError(_("Please tick at least one day."), "days")
    if len(wanted) > MOST_DAYS:
        raise ValidationError(_("At most %(most)s days at once.", most=MOST_DAYS), "days")
    found = states(session, metric, [community_id], wanted[0], wanted[-1], at=at)
    for day in wanted:
        state = found.get((community_id, day), DayState.OFF)
        if state is not DayState.MISSING and not (state is DayState.FUTURE and day == beijing(at).date()):
            why = WHY_NOT[state]()
            raise ValidationError(_("%(day)s takes no zero report: %(why)s.", day=day.isoformat(), why=why), "days")
    rows = [ZeroReport(metric=metric.name, day=day, note=note, signed_by=by, account=account, at=at) for day in wanted]
    session.add_all(rows)
    session.flush()
    return rows


WHY_NOT = {
    DayState.DONE: lambda: _("there are records of that day"),
    DayState.LATE: lambda: _("there are records of that day"),
    DayState.ZERO: lambda: _("it is signed already"),
    DayState.CLOSED: lambda: _("the module was not open, nothing is expected"),
    DayState.OFF: lambda: _("the module was not enabled, nothing is expected"),
    DayState.FUTURE: lambda: _("the day has not come yet"),
}

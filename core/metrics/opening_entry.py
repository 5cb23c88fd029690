"""Entering an opening balance: what is refused, and what is asked first."""
from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.declarations import Metric
from core.errors import ConfirmationNeeded, ValidationError
from core.metrics.figures import by_day
from core.metrics.reporting_models import MetricOpening

NAMED_DAYS = 5
REPLACED = "由新的期初数替代"  # stored as a reason, so it stays one word whatever language the screen has
LARGEST = Decimal(10) ** 12
BEGINNING = date(1900, 1, 1)


def is_additive(metric: Metric) -> bool:
    """Whether its periods add up: a number of persons counted once each does not."""
    return all(part.once_per is None for part in metric.counted)


def make_opening(
    session: Session, metric: Metric, since: date | None, until: date, number: Decimal, source: str, *,
    by: str, account: str, at: datetime, today: date, estimated: bool = False, sure: bool = False,
) -> MetricOpening:
    """A balance in the metric's unit for the session's community (not added to the session yet).

    One that stands is voided. Raises ValidationError with the field; ConfirmationNeeded "twice" where records of days
    that it covers are here already and would count twice (`sure`: they do not). What is `estimated` is said with 约.
    """
    if not is_additive(metric):
        raise ValidationError(_(
            "“%(title)s” counts each person once: somebody in an old total may be among the diners of today, so the "
            "two cannot be added. Please keep the old number in a report instead.", title=metric.title), "metric")
    if until > today:
        raise ValidationError(_("An opening balance ends today at the latest."), "until")
    if since is not None and since > until:
        raise ValidationError(_("The first day lies after the last."), "since")
    parts = number * metric.parts
    if parts != parts.to_integral_value() or not 0 < parts < LARGEST:
        raise ValidationError(_("Please enter a number above 0 in the unit %(unit)s, with no more digits after the "
                                "point than it has.", unit=metric.unit), "parts")
    if not sure:
        _ask_about_records(session, metric, until)
    _replace(session, metric, account, at)
    return MetricOpening(metric=metric.name, since=since, until=until, parts=int(parts), estimated=estimated,
                         source=" ".join(source.split()), entered_by=by, account=account, at=at)


def _replace(session: Session, metric: Metric, account: str, at: datetime) -> None:
    """The balance that stands gives way; it stays as a voided version."""
    standing = sa.select(MetricOpening).where(MetricOpening.metric == metric.name, MetricOpening.voided_at.is_(None))
    for row in session.scalars(standing):
        row.voided_at, row.voided_by, row.void_reason = at, account, REPLACED
    session.flush()


def _ask_about_records(session: Session, metric: Metric, until: date) -> None:
    counted = {day: number for (_community, day), number in by_day(session, metric, BEGINNING, until).items() if number}
    if not counted:
        return
    days = sorted(counted)
    named = "、".join(day.isoformat() for day in days[:NAMED_DAYS]) + ("…" if len(days) > NAMED_DAYS else "")
    total = Decimal(sum(counted.values())) / metric.parts
    raise ConfirmationNeeded(_(
        "There are records of %(days)s days up to %(until)s already, %(number)s %(unit)s in all (%(named)s). If the "
        "balance contains them, they count twice: then choose an earlier day. If it does not, tick this box.",
        days=len(days), until=until.isoformat(), number=f"{total.normalize():f}", unit=metric.unit, named=named,
    ), "twice")

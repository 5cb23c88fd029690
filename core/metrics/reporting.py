"""When a day's record is due and when a month closes: the rules of the areas above a community."""
from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.areas.models import Area, Installation
from core.clock import beijing
from core.errors import ValidationError
from core.metrics.reporting_models import MonthClosing, ReportingRule

DUE_HOUR, CLOSES_ON = 20, 5  # until an area above says otherwise
LATEST_CLOSING = 28  # a day that every month has


@dataclass(frozen=True)
class Rule:
    """What holds in a month: the hour (Beijing) at which a day is due, the day of the next month on which it closes."""

    due_hour: int = DUE_HOUR
    closes_on: int | None = CLOSES_ON


@dataclass(frozen=True)
class Reporting:
    """The rules and the months closed by hand of a whole installation; made by `reporting`."""

    begun: date | None  # the month in which this installation was set up: earlier ones close by hand only
    rules: dict[int, list[ReportingRule]]  # by area, the latest first
    by_hand: dict[tuple[int, date], MonthClosing]

    def rule(self, path: str, day: date) -> Rule:
        """The rule of the nearest area of the path that has one for the month of this day."""
        for area_id in reversed(_ids(path)):
            for each in self.rules.get(area_id, ()):
                if each.starts_on <= day:
                    return Rule(each.due_hour, each.closes_on)
        return Rule() if self.begun is not None and day >= self.begun else Rule(closes_on=None)

    def is_due(self, path: str, day: date, at: datetime) -> bool:
        """Whether the record of this day should be there by now."""
        clock = beijing(at)
        return day < clock.date() or (day == clock.date() and clock.hour >= self.rule(path, day).due_hour)

    def closing(self, path: str, month: date) -> MonthClosing | None:
        """By whom the month was closed by hand for this area, if it was."""
        return next((self.by_hand[key] for area_id in _ids(path) if (key := (area_id, month)) in self.by_hand), None)

    def closes_after(self, path: str, month: date) -> date | None:
        """The last day on which the month is still open by the rule; None: it closes by hand only."""
        closes_on = self.rule(path, month).closes_on
        return None if closes_on is None else next_month(month).replace(day=closes_on)

    def is_closed(self, path: str, month: date, today: date) -> bool:
        """Whether changes of this month's figures are corrections by now."""
        if self.closing(path, month) is not None:
            return True
        last = self.closes_after(path, month)
        return last is not None and today > last


def _ids(path: str) -> list[int]:
    return [int(part) for part in path.split("/") if part]


def next_month(month: date) -> date:
    """The first day of the month after."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)


def reporting(session: Session) -> Reporting:
    """All rules and closings: few rows, three small statements."""
    begun = session.scalar(sa.select(Installation.created_at))
    closings = {(c.area_id, c.month): c for c in session.scalars(sa.select(MonthClosing))}
    return Reporting(beijing(begun).date().replace(day=1) if begun else None, _rules(session), closings)


def due_hours(session: Session) -> Reporting:
    """What `is_due` needs, in one statement; which months are closed is not asked."""
    return Reporting(None, _rules(session), {})


def _rules(session: Session) -> dict[int, list[ReportingRule]]:
    rules: dict[int, list[ReportingRule]] = {}
    for rule in session.scalars(sa.select(ReportingRule).order_by(ReportingRule.starts_on.desc())):
        rules.setdefault(rule.area_id, []).append(rule)
    return rules


def set_rule(
    session: Session, area: Area, month: date, due_hour: int, closes_on: int | None, by: str, today: date,
) -> None:
    """From a month on for all communities below. Raises ValidationError for a month of the past: it has its rule."""
    month = month.replace(day=1)
    if month < today.replace(day=1):
        raise ValidationError(_("A rule begins this month at the earliest: earlier months keep theirs."), "starts_on")
    if not 1 <= due_hour <= 23:
        raise ValidationError(_("Please choose an hour from 1 to 23."), "due_hour")
    if closes_on is not None and not 1 <= closes_on <= LATEST_CLOSING:
        raise ValidationError(_("Please choose a day from 1 to %(last)s.", last=LATEST_CLOSING), "closes_on")
    row = session.scalar(sa.select(ReportingRule).where(
        ReportingRule.area_id == area.id, ReportingRule.starts_on == month))
    if row is None:
        row = ReportingRule(area_id=area.id, starts_on=month)
        session.add(row)
    row.due_hour, row.closes_on, row.set_by = due_hour, closes_on, by
    session.flush()


def close_month(session: Session, area: Area, month: date, by: str, at: datetime) -> None:
    """Close a month by hand for all communities below. Raises ValidationError while it still runs, or is closed."""
    month, today = month.replace(day=1), beijing(at).date()
    if next_month(month) > today:
        raise ValidationError(_("%(month)s is not over yet.", month=f"{month:%Y-%m}"))
    if reporting(session).is_closed(area.path, month, today):
        raise ValidationError(_("%(month)s is closed already.", month=f"{month:%Y-%m}"))
    session.add(MonthClosing(area_id=area.id, month=month, closed_by=by, closed_at=at))
    session.flush()

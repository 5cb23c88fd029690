"""Whether a community's module is open on a day: its closures, its opening days, and the public holidays.

Without a rule every day is open, holidays too: the elderly eat every day, and a day that is wrongly expected is seen
and set right, while one that is wrongly not expected would never be missed (docs/decisions/expected-days.md).
"""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.calendar.holidays import holidays_between
from core.calendar.models import ALL_MODULES, Closure, OpeningDays


@dataclass(frozen=True)
class Openings:
    """The opening days of many communities in a time; made by `openings`."""

    off: dict[date, bool]  # the days of the notices: off, or worked
    rules: dict[int, list[OpeningDays]]  # by community, the latest first
    closures: dict[int, list[Closure]]

    def is_open(self, community_id: int, plugin: str, day: date) -> bool:
        """Whether the module is open there on that day."""
        if any(each.plugin in (ALL_MODULES, plugin) and each.starts_on <= day <= each.ends_on
               for each in self.closures.get(community_id, ())):
            return False
        begun = [each for each in self.rules.get(community_id, ()) if each.starts_on <= day]
        for name in (plugin, ALL_MODULES):
            rule = next((each for each in begun if each.plugin == name), None)
            if rule is not None:
                return rule.opens_on(day, self.off.get(day))
        return True

    def closed_days(self, community_id: int, plugin: str, days: Iterable[date]) -> frozenset[date]:
        """Those of the days on which it is not open; without a rule or a closure none is looked at."""
        if community_id not in self.closures and community_id not in self.rules:
            return frozenset()
        return frozenset(day for day in days if not self.is_open(community_id, plugin, day))


def openings(session: Session, start: date, end: date) -> Openings:
    """What is to be known to say for any community in the session's scope which days are open; three statements."""
    rules, closures = defaultdict(list), defaultdict(list)
    begun = sa.select(OpeningDays).where(OpeningDays.deleted_at.is_(None), OpeningDays.starts_on <= end)
    for rule in session.scalars(begun.order_by(OpeningDays.starts_on.desc())):
        rules[rule.community_id].append(rule)
    touching = sa.select(Closure).where(Closure.starts_on <= end, Closure.ends_on >= start)
    for closure in session.scalars(touching.where(Closure.deleted_at.is_(None))):
        closures[closure.community_id].append(closure)
    notice = holidays_between(session, start, end) if rules else {}
    return Openings({day: holiday.is_off for day, holiday in notice.items()}, dict(rules), dict(closures))


def is_open(session: Session, community_id: int, plugin: str, day: date) -> bool:
    """Whether the module is open in this community on this day."""
    return openings(session, day, day).is_open(community_id, plugin, day)


def open_days(session: Session, community_id: int, plugin: str, days: Iterable[date]) -> list[date]:
    """Those of the days on which the module is open."""
    wanted = sorted(days)
    if not wanted:
        return []
    known = openings(session, wanted[0], wanted[-1])
    return [day for day in wanted if known.is_open(community_id, plugin, day)]

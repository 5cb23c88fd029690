"""Expected against done: which days a community should have recorded, and what it did.

A day is expected where the module is on and open, after the time that an opening balance covers. The rate counts
expected days alone, so it never passes 100 %: records of a day on which the module was closed or off are in the
figures, not in the rate.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from core.areas.models import Area, PluginSettings, PluginSwitch
from core.calendar.opening import openings
from core.clock import beijing, now
from core.declarations import Metric
from core.extensions import Choice
from core.metrics.figures import days_recorded
from core.metrics.first_entries import first_entries
from core.metrics.openings import opening_rows
from core.metrics.reporting import due_hours
from core.metrics.reporting_models import ZeroReport

ONE_DAY = timedelta(days=1)
OPENED_ON = "opened_on"  # a module whose settings have a day of this name expects nothing before it


class DayState(Choice):
    """What a community's day is."""

    DONE = "done", _l("Reported")
    LATE = "late", _l("Reported late")
    ZERO = "zero", _l("Zero report")
    MISSING = "missing", _l("Missing")
    CLOSED = "closed", _l("Not open")
    OFF = "off", _l("Not enabled")
    FUTURE = "future", _l("Not due yet")


States = dict[tuple[int, date], DayState]
ANSWERED = frozenset({DayState.DONE, DayState.LATE, DayState.ZERO})
EXPECTED = ANSWERED | {DayState.MISSING}


def states(
    session: Session, metric: Metric, communities: Iterable[Area | int], start: date, end: date, *,
    at: datetime | None = None,
) -> States:
    """The state of each community and day from `start` to `end`, both included, as of `at` (now)."""
    return states_of(session, [metric], communities, start, end, at=at)[metric.name]


def states_of(
    session: Session, metrics: Iterable[Metric], communities: Iterable[Area | int], start: date, end: date, *,
    at: datetime | None = None,
) -> dict[str, States]:
    """The same for several metrics by name: five statements for all of them, and two for each."""
    days, found = courses_of(session, metrics, communities, start, end, at=at)
    return {name: {(place, day): state for place, course in courses.items()
                   for day, state in zip(days, course, strict=True)} for name, courses in found.items()}


def courses_of(
    session: Session, metrics: Iterable[Metric], communities: Iterable[Area | int], start: date, end: date, *,
    at: datetime | None = None, late: bool = True,
) -> tuple[list[date], dict[str, dict[int, list[DayState]]]]:
    """The days, and by metric and community the state of each of them.

    A year of a street is 20,000 states: what communities have in common is found once. `late` False saves asking when
    the first records were entered: what is late counts as reported.
    """
    metrics = list(metrics)
    moment = at or now()
    ids = [each if isinstance(each, int) else each.id for each in communities]
    places = _places(session, ids, {plugin_of(metric) for metric in metrics})
    open_, rules, zeros = openings(session, start, end), due_hours(session), _zeros(session, start, end)
    days = [start + timedelta(days=n) for n in range((end - start).days + 1)]
    today = beijing(moment).date()
    found: dict[str, dict[int, list[DayState]]] = {}
    grounds: dict[Any, list[DayState]] = {}
    for metric in metrics:
        plugin, recorded = plugin_of(metric), days_recorded(session, metric, start, end)
        first = first_entries(session, metric, start, end) if late else {}
        covered: dict[int, date] = {}
        for row in opening_rows(session, metric):  # its own and those of what it sums: until the latest of them
            covered[row.community_id] = max(row.until, covered.get(row.community_id, row.until))
        courses = found.setdefault(metric.name, {})
        for place in places:
            closed = open_.closed_days(place.id, plugin, days)
            key = (plugin, place.when_on(plugin), covered.get(place.id), closed)
            if key not in grounds:
                grounds[key] = _ground(place, plugin, covered.get(place.id), closed, days, today)
            done = recorded.get(place.id, frozenset())
            signed = zeros.get((place.id, metric.name), frozenset())
            course = courses[place.id] = [
                state if state is not DayState.MISSING else DayState.DONE if day in done else
                DayState.ZERO if day in signed else state for day, state in zip(days, grounds[key], strict=True)]
            for day in [day for day in done if (entered := first.get((place.id, day))) and
                        beijing(entered).date() > day]:
                if course[(day - start).days] is DayState.DONE:
                    course[(day - start).days] = DayState.LATE
            if (start <= today <= end and course[(today - start).days] is DayState.MISSING
                    and not rules.is_due(place.path, today, moment)):
                course[(today - start).days] = DayState.FUTURE
    return days, found


def _ground(
    place: Place, plugin: str, covered: date | None, closed: frozenset[date], days: list[date], today: date
) -> list[DayState]:
    """What each day is as long as nobody records anything: missing where it is expected."""
    return [DayState.FUTURE if day > today
            else DayState.OFF if not place.is_on(plugin, day) or (covered is not None and day <= covered)
            else DayState.CLOSED if day in closed else DayState.MISSING for day in days]


def plugin_of(metric: Metric) -> str:
    """The module that declares it: the first part of its name."""
    return metric.name.partition(".")[0]


def rate(found: Mapping[Any, DayState]) -> float | None:
    """Answered (records, late ones, signed zeros) ÷ expected days, 0 to 1; None where nothing was expected."""
    expected = sum(state in EXPECTED for state in found.values())
    return sum(state in ANSWERED for state in found.values()) / expected if expected else None


@dataclass
class Place:
    """A community with the times in which each module was on."""

    id: int
    path: str
    closed_on: date | None
    on: dict[str, list[tuple[date, date | None]]]
    opened_on: dict[str, date]

    def when_on(self, plugin: str) -> tuple[Any, ...]:
        """All that `is_on` depends on but the day: places of which it is the same are on on the same days."""
        return self.closed_on, self.opened_on.get(plugin), tuple(self.on.get(plugin, ()))

    def is_on(self, plugin: str, day: date) -> bool:
        """Whether the module was on that day: from the day on which it was switched on, until the one before it went
        off, and never before the opening day of its settings."""
        if self.closed_on is not None and day >= self.closed_on:
            return False
        if day < self.opened_on.get(plugin, day):
            return False
        return any(begun <= day and (ended is None or day < ended) for begun, ended in self.on.get(plugin, ()))


def _places(session: Session, ids: list[int], plugins: set[str]) -> list[Place]:
    rows = session.execute(
        sa.select(Area.id, Area.path, Area.closed_on, PluginSwitch.plugin, PluginSwitch.on_from, PluginSwitch.off_on,
                  PluginSettings.values)
        .outerjoin(PluginSwitch, sa.and_(PluginSwitch.community_id == Area.id, PluginSwitch.plugin.in_(plugins)))
        .outerjoin(PluginSettings, sa.and_(PluginSettings.community_id == Area.id,
                                           PluginSettings.plugin == PluginSwitch.plugin))
        .where(Area.id.in_(ids)).order_by(PluginSwitch.id))
    found: dict[int, Place] = {}
    for area_id, path, closed_on, plugin, on_from, off_on, values in rows:
        place = found.setdefault(area_id, Place(area_id, path, closed_on, {}, {}))
        if plugin is not None:
            place.on.setdefault(plugin, []).append((on_from, off_on))
            if opened := _day((values or {}).get(OPENED_ON)):
                place.opened_on[plugin] = opened
    return [found[area_id] for area_id in ids if area_id in found]


def _day(text: object) -> date | None:
    try:
        return date.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _zeros(session: Session, start: date, end: date) -> dict[tuple[int, str], set[date]]:
    """By community and metric."""
    rows = sa.select(ZeroReport.community_id, ZeroReport.metric, ZeroReport.day).where(
        ZeroReport.voided_at.is_(None), ZeroReport.day >= start, ZeroReport.day <= end)
    found: dict[tuple[int, str], set[date]] = {}
    for community, metric, day in session.execute(rows):
        found.setdefault((community, metric), set()).add(day)
    return found

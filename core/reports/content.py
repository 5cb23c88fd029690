"""What a report says: the figures of an area and of each community below it in a period, as plain data."""
from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.areas.models import Area, AreaProfile, PluginSwitch
from core.declarations import Metric
from core.metrics.expectations import EXPECTED, DayState, states_of
from core.metrics.figures import totals_of
from core.metrics.openings import opening_rows
from core.metrics.periods import Period
from core.metrics.reporting_models import Correction
from core.metrics.units import NOT_KNOWN, in_units

COUNTED = (DayState.DONE, DayState.LATE, DayState.ZERO, DayState.MISSING)
NOW, BEFORE, EVER = range(3)  # the spans that are read


def compose(
    session: Session, area: Area, communities: Sequence[Area], metrics: Sequence[tuple[str, Metric]], period: Period,
    today: date,
) -> dict[str, Any]:
    """The report of a period as far as it has run; the session's scope is the area, `metrics` are (plugin, metric).

    Numbers are stored parts (fen, minutes). A community where the plugin was off in the whole period has the number
    None. It holds nothing but what the figures say: made twice of the same records it is the same.
    """
    end = min(period.end, today)
    plain = [metric for _plugin, metric in metrics]
    found = totals_of(session, plain, [(period.start, end), period.same_part_a_year_before(end), (None, end)])
    residents = _residents(session, communities, end.year)
    daily = [metric for metric in plain if metric.daily]
    days = states_of(session, daily, communities, period.start, end)
    said = []
    for plugin, metric in metrics:
        on = _on(session, plugin, period.start, end)
        openings = [row for row in opening_rows(session, metric) if row.until <= end]
        said.append({
            "name": metric.name, "title": str(metric.title), "unit": str(metric.unit), "parts": metric.parts,
            "definition": str(metric.definition), "estimated": any(row.estimated for row in openings),
            "sources": sorted({row.source for row in openings}),
            "rows": [_row(metric, area, on, found, residents) for area in communities],
            "days": [_days(area, days[metric.name]) for area in communities] if metric.daily else [],
            "corrections": _corrections(session, metric, communities, period.start, end),
        })
    return {
        "area": area.name, "kind": period.kind.value, "start": period.start.isoformat(),
        "end": period.end.isoformat(), "until": end.isoformat(), "communities": [c.name for c in communities],
        "metrics": said,
    }


def _row(
    metric: Metric, area: Area, on: set[int], found: dict[tuple[str, int, int], int], residents: dict[int, int]
) -> dict[str, Any]:
    number, ever = (found.get((metric.name, span, area.id)) for span in (NOW, EVER))
    return {
        "area": area.name, "number": number or 0 if area.id in on or number else None,
        "before": found.get((metric.name, BEFORE, area.id)), "residents": residents.get(area.id),
        "ever": ever or 0 if area.id in on or ever else None,
    }


def _days(area: Area, states: dict[tuple[int, date], DayState]) -> dict[str, Any]:
    """How many days were expected, and what became of them."""
    counted = Counter(state for (community, _day), state in states.items() if community == area.id)
    return {"area": area.name, "expected": sum(counted[state] for state in EXPECTED),
            **{state.value: counted[state] for state in COUNTED}}


def _corrections(
    session: Session, metric: Metric, communities: Sequence[Area], start: date, end: date
) -> list[dict[str, Any]]:
    """What changed after its month was closed: of the metric and, for a sum, of what it sums."""
    names = {area.id: area.name for area in communities}
    if metric.sums:
        return []  # they stand with what is summed
    rows = session.scalars(sa.select(Correction).where(
        Correction.metric == metric.name, Correction.day >= start, Correction.day <= end).order_by(Correction.id))
    return [{"area": names.get(row.community_id, ""), "day": row.day.isoformat(), "old": row.old, "new": row.new,
             "reason": row.reason} for row in rows]


def _on(session: Session, plugin: str, start: date, end: date) -> set[int]:
    """The communities in which the plugin was on at some time of these days."""
    return set(session.scalars(sa.select(PluginSwitch.community_id).where(
        PluginSwitch.plugin == plugin, PluginSwitch.on_from <= end,
        sa.or_(PluginSwitch.off_on.is_(None), PluginSwitch.off_on > start))))


def _residents(session: Session, communities: Sequence[Area], year: int) -> dict[int, int]:
    """The declared residents of the year, else of the latest year before it."""
    rows = session.execute(
        sa.select(AreaProfile.area_id, AreaProfile.residents)
        .where(AreaProfile.area_id.in_([c.id for c in communities]), AreaProfile.year <= year,
               AreaProfile.residents > 0).order_by(AreaProfile.year)
    )
    return {area_id: number for area_id, number in rows}


# -- what it comes to ----------------------------------------------------------------------------------


def whole(metric: dict[str, Any]) -> dict[str, Any]:
    """The row of all communities together; None where none has a number."""
    rows = metric["rows"]
    declared = [row for row in rows if row["residents"] and row["number"] is not None]
    return {
        **{what: _sum(row[what] for row in rows) for what in ("number", "before", "ever")},
        "residents": _sum(row["residents"] for row in declared), "of_residents": _sum(r["number"] for r in declared),
    }


def _sum(numbers: Any) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None


def text_of(number: int | None, parts: int) -> str:
    """As a table shows it; — where there is none."""
    return NOT_KNOWN if number is None else f"{in_units(number, parts):,}"

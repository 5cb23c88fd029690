"""What a report says: the figures of an area and of each community below it in a period, as plain data."""
from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.areas.models import Area, AreaProfile, PluginSwitch
from core.declarations import Metric
from core.metrics.expectations import EXPECTED, DayState, states_of
from core.metrics.figures import Span, totals_of
from core.metrics.openings import opening_rows
from core.metrics.periods import Period, same_day
from core.metrics.reporting_models import Correction
from core.metrics.units import TENTH, YUAN

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
    found = totals_of(session, plain, [(period.start, end), a_year_before(period, end), (None, end)])
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


def a_year_before(period: Period, end: date) -> Span:
    """The same part of last year's period."""
    before = period.a_year_before()
    if end == period.end:
        return before.start, before.end
    return before.start, min(before.end, same_day(end, end.year - 1))


def _row(
    metric: Metric, area: Area, on: set[int], found: dict[tuple[str, int, int], int], residents: dict[int, int]
) -> dict[str, Any]:
    ever = found.get((metric.name, EVER, area.id))
    return {
        "area": area.name, "number": found.get((metric.name, NOW, area.id), 0) if area.id in on else None,
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
               AreaProfile.residents.is_not(None)).order_by(AreaProfile.year)
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


def in_units(number: int | None, parts: int) -> Decimal | int | None:
    """Stored parts in the metric's unit: fen in yuan with two places, minutes in hours with one; half up."""
    if number is None or parts == 1:
        return number
    return (Decimal(number) / parts).quantize(YUAN if parts == 100 else TENTH, ROUND_HALF_UP)


def text_of(number: int | None, parts: int) -> str:
    """As a table shows it; — where there is none."""
    value = in_units(number, parts)
    return "—" if value is None else f"{value:,}"


def per_thousand(number: int | None, residents: int | None, parts: int) -> Decimal | None:
    """Units per 1,000 residents with one place; None where the residents were not declared."""
    if number is None or not residents:
        return None
    return (Decimal(number) * 1000 / parts / residents).quantize(TENTH, ROUND_HALF_UP)

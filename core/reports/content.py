"""What a report says: the figures of an area and of each community below it in a period, as plain data."""
from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.areas.models import Area, AreaProfile, PluginSwitch
from core.declarations import Metric
from core.metrics.figures import totals
from core.metrics.periods import Period


def compose(
    session: Session, area: Area, communities: Sequence[Area], metrics: Sequence[tuple[str, Metric]], period: Period,
    today: date,
) -> dict[str, Any]:
    """The report of a period as far as it has run; the session's scope is the area, `metrics` are (plugin, metric).

    Numbers are stored parts (fen, minutes). A community where the plugin was off in the whole period has the number
    None. It holds nothing but what the figures say: made twice of the same records it is the same.
    """
    end = min(period.end, today)
    residents = _residents(session, communities, end.year)
    return {
        "area": area.name, "kind": period.kind.value, "start": period.start.isoformat(),
        "end": period.end.isoformat(), "until": end.isoformat(), "communities": [c.name for c in communities],
        "metrics": [_metric(session, communities, plugin, metric, period, end, residents)
                    for plugin, metric in metrics],
    }


def _metric(
    session: Session, communities: Sequence[Area], plugin: str, metric: Metric, period: Period, end: date,
    residents: dict[int, int],
) -> dict[str, Any]:
    on = _on(session, plugin, period.start, end)
    now = totals(session, metric, period.start, end)
    last = period.a_year_before()
    before = totals(session, metric, last.start, min(last.end, _a_year_before(end, period, last))) if last else {}
    ever = totals(session, metric, None, end)
    rows = [
        {"area": c.name, "number": now.get(c.id, 0) if c.id in on else None, "before": before.get(c.id),
         "residents": residents.get(c.id), "ever": ever.get(c.id, 0) if c.id in on or c.id in ever else None}
        for c in communities
    ]
    return {"name": metric.name, "title": str(metric.title), "unit": str(metric.unit), "parts": metric.parts,
            "definition": str(metric.definition), "rows": rows}


def _a_year_before(end: date, period: Period, last: Period) -> date:
    """As many days of last year's period as of this one have passed."""
    return last.end if end == period.end else last.start + (end - period.start)


def _on(session: Session, plugin: str, start: date | None, end: date) -> set[int]:
    """The communities in which the plugin was on at some time of these days."""
    since = () if start is None else (sa.or_(PluginSwitch.off_on.is_(None), PluginSwitch.off_on > start),)
    return set(session.scalars(
        sa.select(PluginSwitch.community_id).where(PluginSwitch.plugin == plugin, PluginSwitch.on_from <= end, *since)
    ))


def _residents(session: Session, communities: Sequence[Area], year: int) -> dict[int, int]:
    """The declared residents of the year, else of the latest year before it."""
    rows = session.execute(
        sa.select(AreaProfile.area_id, AreaProfile.residents)
        .where(AreaProfile.area_id.in_([c.id for c in communities]), AreaProfile.year <= year,
               AreaProfile.residents.is_not(None)).order_by(AreaProfile.year)
    )
    return {area_id: number for area_id, number in rows}


# -- what it comes to ----------------------------------------------------------------------------------


def summed(metric: dict[str, Any], what: str) -> int | None:
    """The number of all communities together; None where none has one."""
    numbers = [row[what] for row in metric["rows"] if row[what] is not None]
    return sum(numbers) if numbers else None


def in_units(number: int | None, parts: int) -> Decimal | int | None:
    """Stored parts in the metric's unit: fen in yuan with two places, minutes in hours with one."""
    if number is None or parts == 1:
        return number
    return (Decimal(number) / parts).quantize(Decimal("0.01") if parts == 100 else Decimal("0.1"))


def text_of(number: int | None, parts: int) -> str:
    """As a table shows it; — where there is none."""
    value = in_units(number, parts)
    return "—" if value is None else f"{value:,}"


def change_in_percent(number: int | None, before: int | None) -> Decimal | None:
    """同比 in percent with one place; None without a base."""
    if number is None or not before:
        return None
    return (Decimal(number - before) * 100 / before).quantize(Decimal("0.1"))


def per_thousand(number: int | None, residents: int | None, parts: int) -> Decimal | None:
    """Units per 1,000 residents with one place; None where the residents were not declared."""
    if number is None or not residents:
        return None
    return (Decimal(number) * 1000 / parts / residents).quantize(Decimal("0.1"))

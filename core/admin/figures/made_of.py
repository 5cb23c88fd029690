"""What a figure is made of: its parts, the values of its dimensions, and how many records it was summed from."""
from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.admin.figures.links import corrections_url, list_url, page_url
from core.admin.figures.reading import Board
from core.admin.values import private_label
from core.areas.scope import scope_of, session_for
from core.areas.tenancy import tenant_models
from core.declarations import Dimension, Metric
from core.metrics.expectations import plugin_of
from core.metrics.figures import by_value, rows_of, totals_of
from core.metrics.opening_entry import BEGINNING
from core.metrics.openings import opening_rows
from core.metrics.reporting_models import Correction, MetricOpening
from core.metrics.units import text_of


@dataclass(frozen=True)
class Part:
    """A line of what a figure is made of; `url` leads to its records or its own page."""

    label: str
    text: str
    url: str | None = None
    note: str = ""


@dataclass(frozen=True)
class MadeOf:
    """The parts, and for each dimension its values with their figures."""

    parts: list[Part]
    dimensions: list[tuple[str, list[Part]]]


def made_of(reading: Session, board: Board, metric: Metric) -> MadeOf:
    """Of the communities where it is on."""
    on = {line.area.id for line in board.of(metric) if line.parts is not None}
    dimensions = [(str(each.title), _values(reading, board, metric, each, on)) for each in metric.by
                  if not metric.sums]
    parts = [*_openings(reading, board, metric, on), *_parts(reading, board, metric, on),
             *_corrected(reading, board, metric, on), *_declared(board, metric)]
    return MadeOf(parts, dimensions)


def _openings(reading: Session, board: Board, metric: Metric, on: set[int]) -> list[Part]:
    """What was counted before records began, with its source and who entered it; those of parts stand with the part."""
    if board.asked.span[0] is not None:
        return []
    names = {area.id: area.name for area in board.communities}
    rows = [row for row in opening_rows(reading, metric)
            if row.metric == metric.name and row.community_id in on and row.until <= board.asked.span[1]]
    besides = totals_of(reading, [metric], [(row.since or BEGINNING, row.until) for row in rows]) if rows else {}
    return [_opening(metric, names[row.community_id], row, besides.get((metric.name, place, row.community_id), 0))
            for place, row in enumerate(rows)]


def _opening(metric: Metric, area: str, row: MetricOpening, besides: int) -> Part:
    """`besides`: what the records of the days that it covers come to; it is in the figure as well."""
    days = " – ".join(day.isoformat() for day in (row.since, row.until) if day)
    note = _("%(days)s, source: %(source)s, entered by %(who)s", source=row.source, who=row.entered_by, days=days)
    if besides:
        note += _("; the records of those days count besides: %(number)s", number=_told(metric, besides))
    return Part(_("Opening balance"), f"{area} {_told(metric, row.parts)}", note=note)


def _corrected(reading: Session, board: Board, metric: Metric, on: set[int]) -> list[Part]:
    """How often days of the period changed after their month was closed."""
    start, end = board.asked.span
    rows = sa.select(sa.func.count()).select_from(Correction).where(
        Correction.metric.in_([part.name for part in metric.counted]), Correction.day <= end,
        *(() if start is None else (Correction.day >= start,)))
    number = reading.scalar(rows) if on else 0
    url = None if metric.sums else corrections_url(metric, board.asked.span, board.area)
    return [Part(_("Corrections of closed months"), f"{number:,}", url)] if number else []


def _declared(board: Board, metric: Metric) -> list[Part]:
    """The residents that 1,000 are counted of, and of how many communities."""
    known = [line for line in board.of(metric) if line.parts is not None and line.residents]
    if not known:
        return []
    people = f"{sum(line.residents or 0 for line in known):,}"
    text = people if board.area.is_community else _("%(people)s in %(num)s communities", people=people, num=len(known))
    return [Part(_("Declared residents"), text)]


def _parts(reading: Session, board: Board, metric: Metric, on: set[int]) -> list[Part]:
    if board.whole(metric).parts is None:
        return []
    if metric.sums:
        found = totals_of(reading, metric.sums, [board.asked.span])
        return [Part(str(each.title), _told(each, sum(found.get((each.name, 0, area), 0) for area in on)),
                     page_url(each, board.asked, board.area)) for each in metric.sums]
    url, whole = list_url(metric, board.asked.span, board.area), board.whole(metric)
    recorded = (whole.parts or 0) - whole.opening
    if metric.amount is None:
        return [Part(_("Records"), _told(metric, recorded), url)]
    with session_for(scope_of(board.area, plugin_of(metric)), "the list behind a figure") as listing:
        rows = rows_of(listing, metric, board.asked.span)  # without those of communities where it is off: hidden there
    text = _("%(rows)s records, %(sum)s in all", rows=f"{rows:,}", sum=_told(metric, recorded))
    return [Part(_("Records"), text, url)]


def _told(metric: Metric, parts: int) -> str:
    return f"{text_of(metric, parts)} {metric.unit}"


def _values(reading: Session, board: Board, metric: Metric, dimension: Dimension, on: set[int]) -> list[Part]:
    """By value, the most first: kinds of things, never people."""
    found: Counter[Any] = Counter()
    labels = _Labels(reading, dimension)
    rows = [(value, number) for (area, value), number in by_value(
        reading, metric, dimension, *board.asked.span).items() if area in on]
    labels.look_up([value for value, _number in rows])
    for value, number in rows:
        found[labels.of(value)] += number
    return [Part(label, _told(metric, number)) for label, number in found.most_common()]


class _Labels:
    """The words for the values of a dimension: of a choice, or of a record of another table."""

    def __init__(self, reading: Session, dimension: Dimension) -> None:
        self.reading, self.table = reading, dimension.column.info.get("references")
        self.known: dict[Any, str] = {}

    def look_up(self, values: Sequence[Any]) -> None:
        """Read the labels of these records at once."""
        if self.table is None:
            return
        model = next(model for model in tenant_models() if model.__tablename__ == self.table)
        for record in self.reading.scalars(sa.select(model).where(model.id.in_({v for v in values if v is not None}))):
            self.known[record.id] = _("No. %(id)s", id=record.id) if private_label(record) else str(record.label)

    def of(self, value: Any) -> str:
        """Its words; 未填写 for none."""
        if value is None:
            return _("Not given")
        return self.known.get(value) or (str(value.label) if isinstance(value, enum.Enum) else str(value))

"""The page's table for paper and Excel: a row for each metric and community, numbers as numbers."""
from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _

from core.admin.figures.lines import Line
from core.admin.figures.reading import Board
from core.metrics.missing import short_days
from core.metrics.units import NOT_KNOWN, in_percent, number_of


@dataclass(frozen=True)
class Sheet:
    """Heads and rows; None prints as "—". The last row of each metric is the area's."""

    heads: list[str]
    rows: list[list[Any]]
    whole: str = ""  # how the rows of the area are named

    @staticmethod
    def text(value: Any) -> str:
        """A value on paper."""
        if value is None:
            return NOT_KNOWN
        return f"{value:,}" if isinstance(value, int | Decimal) else str(value)


def sheet_of(board: Board) -> Sheet:
    """In the order of the page."""
    heads = [_("Figure"), _("Counted in"), _("Community"), _("Number"), _("Per 1,000 residents"),
             _("Same time last year"), _("Against last year, per cent"), _("Recorded days, per cent"), _("State")]
    rows, whole = [], _("In all")
    for _plugin, metric in board.metrics:
        lines = board.of(metric)
        rows += [_row(line, line.area.name) for line in lines]
        if not board.area.is_community:
            rows.append(_row(board.whole(metric), whole))
    return Sheet(heads, rows, whole)


def _row(line: Line, name: str) -> list[Any]:
    metric = line.metric
    share = line.days.percent if line.days and line.parts is not None else None
    return [
        str(metric.title), str(metric.unit), name,
        None if line.parts is None or line.is_silent else number_of(metric, line.parts), line.per_thousand,
        number_of(metric, line.before) if line.before else None,
        in_percent(line.change), share, _state(line),
    ]


def _state(line: Line) -> str:
    """未启用, 缺 2 天（11-03、11-05）, 零报告; empty where there is nothing to say."""
    if line.parts is None:
        return _("Not enabled")
    if line.days is None:
        return ""
    words = [_("Zero report")] * bool(line.days.zeros and not line.parts)
    if missing := line.days.missing:
        days = f" ({short_days(list(missing))})" if line.area.is_community else ""
        words.append(_("%(num)s days missing", num=len(missing)) + days)
    if line.days.late:
        words.append(_("%(num)s days reported late", num=line.days.late))
    return _(", ").join(words)

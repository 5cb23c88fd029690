"""What the charts of one metric draw: its days or months in time, and its communities beside each other."""
from __future__ import annotations

from datetime import date, timedelta

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.admin.figures.asked import Asked
from core.admin.figures.charts import Chart, comparison, trend
from core.admin.figures.reading import Board
from core.declarations import Metric
from core.metrics.figures import by_day, by_month
from core.metrics.periods import PeriodKind

DAYS, MONTHS = 28, 12  # that lead up to a short period, so that there is something to see
MOST_MONTHS = 36


def charts_of(reading: Session, board: Board, metric: Metric) -> list[Chart]:
    """The trend, and above a community the comparison; what has nothing to show is left out."""
    drawn = [_trend(reading, board, metric)]
    if not board.area.is_community:
        title = _("%(metric)s by community, %(period)s", metric=metric.title, period=board.asked.label)
        drawn.append(comparison(title, metric, [(line.area.name, line.parts) for line in board.of(metric)]))
    return [chart for chart in drawn if chart is not None]


def _trend(reading: Session, board: Board, metric: Metric) -> Chart | None:
    on = {line.area.id for line in board.of(metric) if line.parts is not None}
    start, end = board.asked.span
    if board.asked.kind in (PeriodKind.DAY, PeriodKind.WEEK, PeriodKind.MONTH) and start is not None:
        first = min(start, end - timedelta(days=DAYS - 1)) if board.asked.kind != PeriodKind.MONTH else start
        days = [first + timedelta(days=number) for number in range((end - first).days + 1)]
        found = by_day(reading, metric, first, end)
        title = _("%(metric)s by day", metric=metric.title)
        return trend(title, metric, [(f"{day:%m-%d}", _sum(found, on, day)) for day in days])
    months = _months(board.asked)
    found = by_month(reading, metric, months[0], end)
    points = [(f"{month:%Y-%m}", _sum(found, on, month)) for month in months]
    while points and points[0][1] is None:
        points.pop(0)
    return trend(_("%(metric)s by month", metric=metric.title), metric, points)


def _months(asked: Asked) -> list[date]:
    """The months of a year; those that lead up to a quarter's end; the last three years since the opening."""
    end = asked.span[1]
    number = {PeriodKind.YEAR: end.month, PeriodKind.QUARTER: MONTHS}.get(asked.kind, MOST_MONTHS)
    last = end.year * 12 + end.month - 1
    return [date(at // 12, at % 12 + 1, 1) for at in range(last - number + 1, last + 1)]


def _sum(found: dict[tuple[int, date], int], on: set[int], day: date) -> int | None:
    """All communities together; None (a gap) where nobody recorded anything."""
    known = [found[community, day] for community in on if (community, day) in found]
    return sum(known) if known else None

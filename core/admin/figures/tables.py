"""The tables of the page: communities beside each other, each figure a link to the records behind it."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup

from core.admin.figures.asked import Asked
from core.admin.figures.lines import Line
from core.admin.figures.links import figure_url
from core.admin.figures.reading import Board
from core.areas.models import Area
from core.declarations import Metric
from core.metrics.units import NOT_KNOWN

LINK, PLAIN, SMALL = Markup('<a href="%s">%s</a>'), Markup("%s"), Markup('<small class="under">%s</small>')
TAG = Markup('<span class="tag %s">%s</span>')
BAR = Markup('<progress class="%s" max="100" value="%s" aria-hidden="true"></progress><span class="nowrap">%s</span>')
GOOD, FAIR = 90, 60  # per cent of the expected days


@dataclass(frozen=True)
class Column:
    """The head of a column: its words, the unit below them, whether numbers stand in it."""

    label: str
    unit: str = ""
    numeric: bool = True


@dataclass(frozen=True)
class Table:
    """Cells ready to print, the line of the whole area last."""

    title: str
    columns: list[Column]
    rows: list[list[Markup]]
    whole: list[Markup] | None = None


def table_of(board: Board) -> Table | None:
    """Above a community: a row each, a column a metric. In a community: a row a metric."""
    if not board.metrics:
        return None
    if board.area.is_community:
        rows = [[LINK % (_page(board, m), m.title), number(board.whole(m), board.asked), PLAIN % m.unit,
                 *_measures(board.whole(m))] for _p, m in board.metrics]
        columns = [Column(_("Figure"), numeric=False), Column(_("Number")), Column(_("Unit"), numeric=False)]
        return Table(_("Figures of the period"), [*columns, *_heads()], rows)
    metrics = [metric for _plugin, metric in board.metrics]
    columns = [Column(_("Community"), numeric=False)]
    for metric in metrics:
        columns += [Column(str(metric.title), str(metric.unit)), *([Column(_("Recorded days"))] * metric.daily)]
    rows = [[_name(area, board.asked), *(cell for m in metrics for cell in _brief(board.lines[m.name, area.id],
                                                                                    board.asked))]
            for area in board.communities]
    whole = [PLAIN % _("In all"), *(cell for m in metrics for cell in _brief(board.whole(m), board.asked))]
    return Table(_("By community"), columns, rows, whole)


def table_of_metric(board: Board, metric: Metric) -> Table | None:
    """One metric: a row for each community with everything it is measured against."""
    if board.area.is_community:
        return None
    whole = board.whole(metric)
    return Table(
        _("By community"), [Column(_("Community"), numeric=False), Column(_("Number"), str(metric.unit)), *_heads()],
        [[_name(line.area, board.asked), number(line, board.asked), *_measures(line)] for line in board.of(metric)],
        [PLAIN % _("In all"), number(whole, board.asked), *_measures(whole)])


def number(line: Line, asked: Asked) -> Markup:
    """The figure as a link to what it counts; "—" where it is off, what is missing or signed as a tag."""
    if line.parts is None:
        return Markup(NOT_KNOWN)
    marks = list(_marks(line))
    if line.is_silent:
        return Markup(" ").join(marks)
    url = figure_url(line.metric, asked, line.area, line.opening)
    return Markup(" ").join([*marks, LINK % (url, line.text) if url else PLAIN % line.text])


def _marks(line: Line) -> Iterator[Markup]:
    if line.corrected:
        yield TAG % ("info", ngettext("%(num)s correction", "%(num)s corrections", line.corrected))
    if line.days is None:
        return
    if line.days.late:
        yield TAG % ("warn", _("%(num)s days entered late", num=line.days.late))
    if line.days.zeros and not line.parts:
        yield TAG % ("info", _("Zero report"))
    if line.days.missing:
        yield TAG % ("bad", _("%(num)s days missing", num=len(line.days.missing)))


def _brief(line: Line, asked: Asked) -> list[Markup]:
    """The figure, below it per 1,000 and against last year; where a record is expected daily how complete it is."""
    under = [_("%(number)s per 1,000", number=line.per_thousand_text)] * (line.per_thousand is not None)
    under += [_("%(change)s on last year", change=line.change_text)] * (line.change is not None)
    cell = number(line, asked) + (SMALL % " · ".join(under) if under else Markup(""))
    return [cell, _complete(line)] if line.metric.daily else [cell]


def _heads() -> list[Column]:
    return [Column(_("Per 1,000 residents")), Column(_("Same time last year")), Column(_("Against last year")),
            Column(_("Recorded days"))]


def _measures(line: Line) -> list[Markup]:
    texts = (line.per_thousand_text, line.before_text, line.change_text)
    return [*(PLAIN % text for text in texts), _complete(line)]


def _complete(line: Line) -> Markup:
    percent = line.days.percent if line.days is not None and line.parts is not None else None
    if percent is None:
        return Markup(NOT_KNOWN)
    return BAR % ("ok" if percent >= GOOD else "warn" if percent >= FAIR else "bad", percent, f"{percent}%")


def _name(area: Area, asked: Asked) -> Markup:
    closed = " " + TAG % ("", _("Closed")) if area.closed_on else ""
    return LINK % (url_for("figures.index", area=area.slug, **asked.query), area.name) + closed


def _page(board: Board, metric: Metric) -> str:
    return url_for("figures.metric_view", metric=metric.name, **board.asked.query)

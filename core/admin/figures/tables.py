"""The tables of the page: communities beside each other, each figure a link to the records behind it."""
from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup, escape

from core.admin.figures.asked import Asked
from core.admin.figures.lines import Line
from core.admin.figures.links import Links
from core.admin.figures.reading import Board
from core.areas.models import Area
from core.declarations import Metric
from core.metrics.units import NOT_KNOWN

LINK, PLAIN, UNDER = Markup('<a href="%s">%s</a>'), Markup("%s"), Markup('<small class="under">%s</small>')
TAG = Markup('<span class="tag %s">%s</span>')
BAR = Markup('<progress class="%s" max="100" value="%s" aria-hidden="true"></progress>'
             '<span class="nowrap">%s%%</span>')
GOOD, FAIR = 90, 60  # per cent of the expected days
LEADS = 4  # columns of a row that a phone shows before it is opened


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

    @cached_property
    def begins(self) -> list[Markup]:
        """How a cell of each column begins: the same in every row."""
        made = []
        for place, column in enumerate(self.columns):
            lead = f"lead lead-{place + 1} {'told' if place else 'name'}" if place < LEADS else (
                "rest first" if place == LEADS else "rest")
            made.append(Markup('<td class="%s%s" data-label="%s">') % (
                lead, " num" if column.numeric else "", column.label))
        return made


def table_of(board: Board) -> Table | None:
    """Above a community: a row each, a column a metric. In a community: a row a metric."""
    if not board.metrics:
        return None
    cells = Cells(board.asked)
    if board.area.is_community:
        rows = [[LINK % (_page(board, m), m.title), cells.number(board.whole(m)), PLAIN % m.unit,
                 *cells.measures(board.whole(m))] for _p, m in board.metrics]
        columns = [Column(_("Figure"), numeric=False), Column(_("Number")), Column(_("Counted in"), numeric=False)]
        return Table(_("Figures of the period"), [*columns, *_heads()], rows)
    metrics = [metric for _plugin, metric in board.metrics]
    columns = [Column(_("Community"), numeric=False)]
    for metric in metrics:
        columns += [Column(str(metric.title), str(metric.unit)), *([Column(_("Recorded days"))] * metric.daily)]
    rows = [[cells.name(area), *(cell for m in metrics for cell in cells.brief(board.lines[m.name, area.id]))]
            for area in board.communities]
    whole = [PLAIN % _("In all"), *(cell for m in metrics for cell in cells.brief(board.whole(m)))]
    return Table(_("By community"), columns, rows, whole)


def table_of_metric(board: Board, metric: Metric) -> Table | None:
    """One metric: a row for each community with everything it is measured against."""
    if board.area.is_community:
        return None
    whole, cells = board.whole(metric), Cells(board.asked)
    return Table(
        _("By community"), [Column(_("Community"), numeric=False), Column(_("Number"), str(metric.unit)), *_heads()],
        [[cells.name(line.area), cells.number(line), *cells.measures(line)] for line in board.of(metric)],
        [PLAIN % _("In all"), cells.number(whole), *cells.measures(whole)])


class Cells:
    """Cells of one page: its words and addresses are looked up once, not for each of five hundred cells."""

    def __init__(self, asked: Asked) -> None:
        self.asked, self.links = asked, Links(asked)
        self.per_thousand, self.last_year = _("%(number)s per 1,000"), _("%(change)s on last year")
        self.signed, self.closed = TAG % ("info", _("Zero report")), " " + TAG % ("", _("Closed"))

    def number(self, line: Line) -> Markup:
        """The figure as a link to what it counts; "—" where it is off, what is missing or signed as a tag."""
        if line.parts is None:
            return Markup(NOT_KNOWN)
        marks = self._marks(line)
        if line.is_silent:
            return Markup(" ").join(marks)
        url = self.links.figure(line.metric, line.area, line.opening)
        told = LINK % (url, line.text) if url else escape(line.text)
        return Markup(" ").join([*marks, told]) if marks else told

    def _marks(self, line: Line) -> list[Markup]:
        marks = []
        if line.corrected:
            marks.append(TAG % ("info", ngettext("%(num)s correction", "%(num)s corrections", line.corrected)))
        if line.days is None:
            return marks
        if line.days.zeros and not line.parts:
            marks.append(self.signed)
        if line.days.missing:
            marks.append(TAG % ("bad", _("%(num)s days missing", num=len(line.days.missing))))
        if line.days.late:
            marks.append(TAG % ("warn", _("%(num)s days reported late", num=line.days.late)))
        return marks

    def brief(self, line: Line) -> list[Markup]:
        """The figure, below it per 1,000 and against last year; where a record is expected daily how complete it is."""
        under = [self.per_thousand % {"number": line.per_thousand_text}] if line.per_thousand is not None else []
        if line.change is not None:
            under.append(self.last_year % {"change": line.change_text})
        cell = self.number(line)
        if under:
            cell += UNDER % " · ".join(under)
        return [cell, self._complete(line)] if line.metric.daily else [cell]

    def measures(self, line: Line) -> list[Markup]:
        """What it is measured against, as `_heads` names it."""
        texts = (line.per_thousand_text, line.before_text, line.change_text)
        return [*map(escape, texts), self._complete(line)]

    def _complete(self, line: Line) -> Markup:
        percent = line.days.percent if line.days is not None and line.parts is not None else None
        if percent is None:
            return Markup(NOT_KNOWN)
        return BAR % ("ok" if percent >= GOOD else "warn" if percent >= FAIR else "bad", percent, percent)

    def name(self, area: Area) -> Markup:
        """A community, as a link to its own figures."""
        closed = self.closed if area.closed_on else Markup("")
        return LINK % (url_for("figures.index", area=area.slug, **self.asked.query), area.name) + closed


def _heads() -> list[Column]:
    return [Column(_("Per 1,000 residents")), Column(_("Same time last year")), Column(_("Against last year")),
            Column(_("Recorded days"))]


def _page(board: Board, metric: Metric) -> str:
    return url_for("figures.metric_view", metric=metric.name, **board.asked.query)

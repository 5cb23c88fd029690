"""The page of figures, the page of one figure, and both on paper and as Excel."""
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from flask import abort, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.accounts.sign_in import log_event
from core.admin.export_pages import EXCEL, download
from core.admin.figures import sheet
from core.admin.figures.asked import Asked, asked_for, chooser
from core.admin.figures.cards import cards_of
from core.admin.figures.made_of import made_of
from core.admin.figures.missing import lacks_of, reminder
from core.admin.figures.reading import Board, board_of, metrics_for
from core.admin.figures.remarks import remarks_on
from core.admin.figures.series import charts_of
from core.admin.figures.tables import table_of, table_of_metric
from core.admin.gate import visit
from core.admin.page import ABOVE, COMMUNITY, Page
from core.areas.scope import scope_of, session_for
from core.audit.models import Deed
from core.audit.trail import note_deed
from core.clock import beijing, now, today
from core.declarations import Metric
from core.exchange.writer import write_table
from core.extensions import db

MOST_REMARKS = 12


class FiguresPage(Page):
    """数据: today, this week, month, quarter, year and since opening; in an area and in a community."""

    slug = "figures"
    title = _l("Data")
    icon = "columns"
    levels = frozenset({COMMUNITY, ABOVE})
    always_on = True
    needs = {"excel": "export"}

    def __init__(self, plugin: str) -> None:
        """At /<area>/figures/."""
        super().__init__(plugin)
        self.endpoint, self.url = self.slug, self.slug

    @expose("/")
    def index(self) -> str:
        """Every metric of the area for a period."""
        board = self._board()
        chosen = next((m for _p, m in board.metrics if m.name == request.args.get("metric")), None) or next(
            (m for _p, m in board.metrics if m.daily), board.metrics[0][1] if board.metrics else None)
        missing, remarks = lacks_of(board), remarks_on(board)
        return self.render(
            "figures/index.html", title=str(self.title), page=self, note=_note(board), board=board,
            chooser=chooser(board.asked, self._url), cards=cards_of(board), table=table_of(board),
            remarks=remarks[:MOST_REMARKS], more_remarks=len(remarks) - MOST_REMARKS, chosen=chosen,
            metrics=[(str(m.title), self._url(**board.asked.query, metric=m.name), m is chosen)
                     for _p, m in board.metrics],
            charts=self._charts(board, chosen) if chosen else [], missing=missing, reminder=reminder(missing),
        )

    @expose("/<metric>/")
    def metric_view(self, metric: str) -> str:
        """One figure: what it means, what it is made of, its days or months, its communities."""
        plugin, found = self._metric(metric)
        board = board_of(visit(), self._asked(), [(plugin, found)])
        if not board.metrics:
            abort(404)
        with session_for(scope_of(visit().area), "a figure") as reading:
            about = made_of(reading, board, found)
        return self.render(
            "figures/figure.html", title=str(found.title), page=self, note=_note(board), metric=found, board=board,
            chooser=chooser(board.asked, lambda **asked: self.get_url(".metric_view", metric=metric, **asked)),
            card=cards_of(board)[0], about=about, charts=self._charts(board, found),
            table=table_of_metric(board, found), back_url=self._url(**board.asked.query),
        )

    @expose("/print/")
    def paper(self) -> str:
        """The table on A4."""
        board = self._board()
        return self.render("figures/paper.html", title=_("Figures of %(area)s", area=visit().area.name), board=board,
                           date_text=board.asked.label, table=sheet.sheet_of(board), signatures=None,
                           back_url=self._url(**board.asked.query))

    @expose("/excel/", methods=("POST",))
    def excel(self) -> ResponseReturnValue:
        """The table as Excel, logged."""
        board = self._board()
        table = sheet.sheet_of(board)
        self._note_export(len(table.rows))
        title = f"{visit().area.name} {self.title} {board.asked.label}"
        body = write_table(table.heads, [*table.rows], title)
        return download(body, EXCEL, f"{visit().area.name}-{self.title}-{board.asked.label}.xlsx")

    def _note_export(self, rows: int) -> None:
        here, session = visit(), db.session()
        if here.area.is_community:
            note_deed(session, Deed.EXPORTED, "metric_figure", changes={"rows": rows})
        else:
            log_event(session, here.user.username, request.remote_addr, now(), area_id=here.area.id,
                      what=f"{Deed.EXPORTED.value}: {self.endpoint} × {rows}")
        session.commit()

    def address(self, view: str) -> str:
        """Another view of the period that is shown."""
        return self.get_url(view, **self._asked().query)

    def _url(self, **asked: Any) -> str:
        return self.get_url(".index", **asked)

    def _asked(self) -> Asked:
        return asked_for(request.args, today())

    def _board(self) -> Board:
        return board_of(visit(), self._asked())

    def _metric(self, name: str) -> tuple[str, Metric]:
        return next(((p, m) for p, m in metrics_for(visit()) if m.name == name), None) or abort(404)

    def _charts(self, board: Board, metric: Metric) -> list[Any]:
        with session_for(scope_of(visit().area), "charts of figures") as reading:
            return charts_of(reading, board, metric)


def _note(board: Board) -> SimpleNamespace:
    """What is shown, and as of when."""
    time = beijing(now()).strftime("%H:%M")
    open_ones = [area for area in board.communities if area.closed_on is None]
    return SimpleNamespace(
        period=board.asked.label,
        text=_("As of %(time)s", time=time) if board.area.is_community
        else _("%(num)s communities, as of %(time)s", num=len(open_ones), time=time))

"""The filtered list of a screen as a file."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from flask import Response, abort, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from markupsafe import Markup

from core.accounts.sign_in import log_event
from core.admin import query as q
from core.admin.gate import visit
from core.admin.query import ListArguments
from core.audit.models import Deed
from core.audit.trail import note_deed
from core.clock import now, today
from core.exchange.writer import write_csv, write_table
from core.extensions import db

MOST_EXPORTED = 200_000

class ExportPages:
    """The export of a screen."""

    @expose("/export/<export_type>/", methods=("POST",))
    def export(self, export_type: str) -> ResponseReturnValue:
        """The filtered list as Excel or CSV, masked as on the screen, logged."""
        if export_type not in ("csv", "xlsx"):
            abort(404)
        arguments = q.read_arguments(self, request.args)
        ids = list(db.session.scalars(
            q.listed_ids(self, arguments).order_by(*q.order_of(self, arguments)).limit(MOST_EXPORTED)
        ))
        self._note_export(len(ids))
        above = not visit().area.is_community
        heads = [c.label for c in self._heads(arguments, above)]
        name = f"{visit().area.name}-{self.title}-{today():%Y%m%d}.{export_type}"
        if export_type == "csv":
            body: Any = list(write_csv(heads, self._export_rows(ids, above)))
            kind = "text/csv; charset=utf-8"
        else:
            body = write_table(heads, self._export_rows(ids, above), str(self.title))
            kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        return download(body, kind, name)

    def _export_rows(self, ids: list[int], above: bool) -> Iterator[list[Any]]:
        for start in range(0, len(ids), 500):
            for record in q.rows_of(self, ids[start:start + 500]):
                row = self._row(record, above, ListArguments(1, 20, None, False, "", {}))
                yield [cell.striptags() if isinstance(cell, Markup) else cell for cell in row.cells]

    def _note_export(self, rows: int) -> None:
        """Log first, then read: the write lock is not held while a long list is written."""
        here, session = visit(), db.session()
        if here.area.is_community:
            note_deed(session, Deed.EXPORTED, self.model.__tablename__, changes={"rows": rows})
        else:
            log_event(session, here.user.username, request.remote_addr, now(), area_id=here.area.id,
                      what=f"{Deed.EXPORTED.value}: {self.endpoint} × {rows}")
        session.commit()
        session.info["writes"] = False

def download(body: Any, kind: str, name: str) -> Response:
    """A file to keep; its name may be Chinese (RFC 5987: header lines themselves are Latin letters only)."""
    response = Response(body, mimetype=kind)
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\/' else "_" for c in name)
    response.headers.set("Content-Disposition", "attachment", filename=plain,
                         **{"filename*": f"UTF-8''{quote(name, safe='')}"})
    return response

"""The list of a screen, or its ticked rows, as a file: masked as on the screen, logged, never whole in memory."""
from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from flask import Response, abort, flash, redirect, request, stream_with_context
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _
from markupsafe import Markup

from core.accounts.sign_in import log_event
from core.admin import query as q
from core.admin.export_jobs import Job, job_of, start_job
from core.admin.gate import visit
from core.areas.scope import Scope, set_scope
from core.audit.models import Deed
from core.audit.trail import note_deed
from core.clock import now, today
from core.exchange.writer import fill_table, write_csv
from core.extensions import db

MOST_EXPORTED = 1_000_000  # a sheet of Excel holds 1,048,576 lines
AT_ONCE = 500  # rows read together
SOON = 2.0  # seconds that an export may take before it shows how far it is
NUMBER = re.compile(r"-?(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.[0-9]+)?")
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class ExportPages:
    """The export of a screen."""

    @expose("/export/<export_type>/", methods=("POST",))
    def export(self, export_type: str) -> ResponseReturnValue:
        """The filtered list, or what is ticked in it, as Excel or CSV."""
        if export_type not in ("csv", "xlsx"):
            abort(404)
        ids = self._asked_ids()
        if isinstance(ids, str):
            flash(ids, "error")
            return redirect(self.back_url())
        above = not visit().area.is_community
        columns = self.choosable() if request.args.get("columns") == "all" else self.shown_columns()
        heads = [*([_("Community")] if above else []), *(str(self.field(path).label) for path in columns)]
        name = f"{visit().area.name}-{self.title}-{today():%Y%m%d}.{export_type}"
        self._note_export(len(ids))
        rows = self._export_rows(ids, above, columns, db.session.info["scope"])
        if export_type == "csv":
            return download(stream_with_context(write_csv(heads, rows)), "text/csv; charset=utf-8", name)
        job = start_job(self.endpoint, name, len(ids), rows, lambda file, counted: fill_table(
            file, heads, counted, str(self.title)), wait=SOON)
        return self._file_of(job, last=True) if job.ready else redirect(self.get_url(".exported_view", job=job.token))

    def _asked_ids(self) -> array[int] | str:
        """The ids to be exported, in the list's order; or the sentence why not."""
        arguments = q.read_arguments(self, request.args)
        wanted = q.listed_ids(self, arguments)
        if ticked := request.form.getlist("rowid")[: q.PAGE_SIZES[-1] + 1]:
            numbers = {int(t) for t in ticked if t.isascii() and t.isdecimal() and len(t) < 19}
            wanted = wanted.where(self.model.id.in_(numbers))
        found = wanted.order_by(*q.order_of(self, arguments)).limit(MOST_EXPORTED + 1)
        ids = array("q", db.session.scalars(found.execution_options(yield_per=10_000)))
        if ticked and len(ids) != len(ticked):
            return _("Nothing was exported: some of the ticked records are not in this list any more. Please tick "
                     "again.")
        if len(ids) > MOST_EXPORTED:
            return _("More than %(most)s records. Please narrow the list with the filters, by day for example.",
                     most=f"{MOST_EXPORTED:,}")
        return ids

    def _export_rows(
        self, ids: array[int], above: bool, columns: tuple[str, ...], scope: Scope
    ) -> Iterator[list[Any]]:
        """Read piece by piece while it is written: by then the request's own session is gone."""
        set_scope(db.session(), scope)
        numeric = [*([False] if above else []), *(self.field(path).numeric for path in columns)]
        for start in range(0, len(ids), AT_ONCE):
            records = q.rows_of(self, list(ids[start:start + AT_ONCE]), columns)
            self.prepare(records)
            for record in records:
                yield [_exported(*cell) for cell in zip(self.cells(record, above, columns), numeric, strict=True)]
            db.session.expunge_all()

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

    @expose("/exported/")
    def exported_view(self) -> ResponseReturnValue:
        """How far a long export is; then the file, for the one who asked for it."""
        job = job_of(request.args.get("job", ""), self.endpoint)
        if job is None:
            abort(404)
        if job.ready and request.args.get("file") == "1":
            return self._file_of(job, last=False)
        return self.render("admin/exported.html", title=_("Export: %(title)s", title=self.title), job=job,
                           here_url=self.get_url(".exported_view", job=job.token),
                           file_url=self.get_url(".exported_view", job=job.token, file=1),
                           list_url=self.get_url(".index_view"))

    def _file_of(self, job: Job, *, last: bool) -> Response:
        return download(job.pieces(last=last), EXCEL, job.name)


def _exported(cell: str | Markup, numeric: bool) -> str | Decimal | int:
    """What a list shows, without its tags; a number as one, so that a sheet can add it up."""
    text = cell.striptags() if isinstance(cell, Markup) else str(cell)
    if not (numeric and NUMBER.fullmatch(text)):
        return text
    plain = text.replace(",", "")
    return Decimal(plain) if "." in plain else int(plain)


def download(body: Any, kind: str, name: str) -> Response:
    """A file to keep; its name may be Chinese (RFC 5987: header lines themselves are Latin letters only)."""
    response = Response(body, mimetype=kind)
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\/' else "_" for c in name)
    response.headers.set("Content-Disposition", "attachment", filename=plain,
                         **{"filename*": f"UTF-8''{quote(name, safe='')}"})
    return response

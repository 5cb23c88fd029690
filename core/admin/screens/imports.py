"""Import from Excel: choose a sheet and a file, look at what would happen, then let the good rows in, or none."""
from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa
from flask import Response, abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from core.accounts.roles import Action, Permission
from core.admin.export_pages import download
from core.admin.gate import manager, visit
from core.admin.once import create_once
from core.admin.page import Page
from core.admin.rules import broken_rule
from core.admin.values import show
from core.areas.scope import scope_of, session_for
from core.audit.models import Deed
from core.audit.trail import note_deed
from core.clock import now
from core.declarations import Sheet
from core.errors import ValidationError
from core.exchange import batches
from core.exchange.models import BatchState, ImportBatch
from core.exchange.planning import Outcome
from core.exchange.roster import RESIDENT_SHEET
from core.exchange.writer import write_template
from core.extensions import db

EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_BATCHES = 10
MOST_SHOWN = 1000  # lines of a table; the file with the reasons holds all
MOST_ASKED = 300  # rows that one page asks about
SKIPPED = {"blank": _l("blank"), "total": _l("total"), "signature": _l("signature line"), "title": _l("title"),
           "note": _l("note")}
COUNTING = frozenset(("序号", "编号", "NO.", "No."))  # columns that nobody misses
STATE_KINDS = {BatchState.PREVIEW: "warn", BatchState.DONE: "ok", BatchState.REFUSED: "bad"}


class ImportPage(Page):
    """One page for every sheet that the person may import here."""

    slug = "import"
    title = _l("Import from Excel")
    icon = "import"
    always_on = True
    menu_action = Action.IMPORT

    def may(self, action: str) -> bool:
        """Only for those who may see names: files, previews and refusals are full of them."""
        return visit().access is not None and visit().access.sees_names and super().may(action)

    def permissions(self) -> list[Permission]:
        """Its own, and that of each sheet of a plugin."""
        sheets = [Permission(sheet.permission, sheet.title) for _plugin, sheet in manager().sheets()]
        return [Permission(RESIDENT_SHEET.permission, RESIDENT_SHEET.title), *sheets]

    def sheets(self) -> dict[str, Sheet]:
        """By name: the residents, and the sheets of plugins that are on here."""
        here = visit()
        found = [RESIDENT_SHEET, *(sheet for plugin, sheet in manager().sheets() if plugin in here.plugins)]
        return {sheet.name: sheet for sheet in found if here.access.may(sheet.permission)}

    # -- upload -------------------------------------------------------------------------------

    @expose("/", methods=("GET", "POST"))
    def index(self) -> ResponseReturnValue:
        """Templates, the upload, and the last imports."""
        if request.method != "POST":
            return self._start()
        sheet = self.sheets().get(request.form.get("sheet", ""))
        if sheet is None:
            abort(404)
        sent = request.files.get("file")
        if sent is None or not sent.filename:
            return self._start(_("Please choose a file first."), sheet.name), 422
        try:
            number = self._take(sheet, sent.read(), sent.filename)
        except ValidationError as refused:
            db.session.rollback()
            return self._start(str(refused), sheet.name), 422
        return redirect(self.get_url(".batch", id=number))

    def _take(self, sheet: Sheet, data: bytes, filename: str) -> int | None:
        """Read and plan before the write lock is taken; a double click makes one batch."""
        result = batches.read_upload(sheet, data, filename)
        with _reading("plan of an import") as reading:
            made = batches.make_batch(reading, sheet, result, data, filename, visit().user.username, now())

        def keep() -> ImportBatch:
            batches.forget_files(db.session(), now())
            return made

        return create_once(db.session(), ImportBatch, request.form.get("once", ""), keep)[0]

    def _start(self, error: str | None = None, chosen: str | None = None) -> str:
        sheets = self.sheets()
        chosen = chosen or request.args.get("sheet") or next(iter(sheets), None)
        with _reading("the last imports") as reading:
            found = sa.select(ImportBatch).where(ImportBatch.sheet.in_(sheets)).order_by(ImportBatch.id.desc())
            last = list(reading.scalars(found.limit(MOST_BATCHES)))
        return self.render(
            "exchange/start.html", title=str(self.title), sheets=list(sheets.values()), chosen=chosen, error=error,
            last=last, once=secrets.token_urlsafe(24), state_kinds=STATE_KINDS, moment=show,
            sheet_titles={name: sheet.title for name, sheet in sheets.items()},
        )

    @expose("/template/")
    def template(self) -> ResponseReturnValue:
        """An empty sheet to fill in."""
        sheet = self.sheets().get(request.args.get("sheet", ""))
        if sheet is None:
            abort(404)
        return _download(write_template(sheet.columns, sheet.title, sheet.title),
                         _("%(title)s template.xlsx", title=sheet.title))

    # -- one import ---------------------------------------------------------------------------

    @expose("/batch/")
    def batch(self) -> str:
        """The preview until it is decided, then the result."""
        batch = self._batch_or_404(db.session())
        if batch.state is BatchState.PREVIEW:
            return self._preview(batch)
        title = _("Import result: %(file)s", file=batch.filename)
        return self.render("exchange/result.html", title=title, **self._about(batch), done=_done_lines(batch),
                           left_out=batch.plan.get("left_out", [])[:MOST_SHOWN])

    def _preview(self, batch: ImportBatch) -> str:
        plan = batch.plan
        asked = [
            SimpleNamespace(row=row, cells=[(title, shown) for title, shown in self._titled(batch, cells)],
                            candidates=[(number, label if visit().access.sees_names else _("No. %(id)s", id=number))
                                        for number, label in candidates])
            for row, cells, candidates in plan["asked"][:MOST_ASKED]
        ]
        title = _("Check before importing: %(file)s", file=batch.filename)
        return self.render("exchange/preview.html", title=title, **self._about(batch),
                           asked=asked, not_asked=len(plan["asked"]) - len(asked),
                           updates=plan["updates"][:MOST_SHOWN], good=batch.counts["new"] + batch.counts["update"])

    def _titled(self, batch: ImportBatch, cells: list[list[str]]) -> Iterator[tuple[str, str]]:
        titles = {column.key: str(column.title) for column in self.sheets()[batch.sheet].columns}
        return ((titles.get(key, key), shown) for key, shown in cells)

    def _about(self, batch: ImportBatch) -> dict[str, Any]:
        """What both pages show."""
        plan = batch.plan
        skipped = [_("row %(row)d (%(why)s)", row=row, why=SKIPPED[why]) for row, why in plan.get("skipped", [])]
        return {
            "batch": batch, "plan": plan, "counts": batch.counts, "sheet_title": self.sheets()[batch.sheet].title,
            "figures": _figures(batch), "wrong": plan.get("wrong", [])[:MOST_SHOWN],
            "unknown": [title for title in plan.get("unknown", []) if title not in COUNTING],
            "wrong_cells": len(plan.get("wrong", [])), "skipped": skipped, "states": BatchState, "moment": show,
            "file_kept": batch.sealed_file is not None and bool(plan.get("wrong") or plan.get("left_out")),
        }

    @expose("/decide/", methods=("POST",))
    def decide(self) -> ResponseReturnValue:
        """Let the good rows in (or all or none), or drop the upload; a second click finds it decided."""
        with _reading("the file of an import") as reading:
            before = self._batch_or_404(reading)
            sheet, data, filename = self.sheets()[before.sheet], before.file, before.filename
            page = redirect(self.get_url(".batch", id=before.id))
        if before.state is not BatchState.PREVIEW:
            return page
        if request.form.get("action") == "discard":
            return self._discard()
        if data is None:
            flash(_("The file is not kept any more. Please upload it again."), "error")
            return page
        try:
            self._carry_out(sheet, batches.read_upload(sheet, data, filename))
        except StaleDataError:
            db.session.rollback()
        except IntegrityError as error:
            db.session.rollback()
            flash(f"{broken_rule(error)} " + _("Nothing was imported. Please look at the preview again."), "error")
        return page

    def _carry_out(self, sheet: Sheet, result: Any) -> None:
        session = db.session()
        batch = self._batch_or_404(session)
        if batch.state is BatchState.PREVIEW:
            decisions = {int(name[4:]): answer for name, answer in request.form.items()
                         if name.startswith("row-") and name[4:].isdecimal() and len(name) < 12}
            batches.carry_out(session, batch, sheet, result, decisions,
                              all_or_none=request.form.get("action") == "all", at=now())
        session.commit()

    def _discard(self) -> ResponseReturnValue:
        batch = self._batch_or_404(db.session())
        if batch.state is BatchState.PREVIEW:
            batches.discard(batch, now())
        db.session.commit()
        flash(_("The upload was discarded. Nothing was imported."), "success")
        return redirect(self.get_url(".index"))

    @expose("/file/", methods=("POST",))
    def file(self) -> ResponseReturnValue:
        """The person's own file with the reasons for its wrong rows; noted, because it leaves the house."""
        with _reading("the file of an import") as reading:
            batch = self._batch_or_404(reading)
            if batch.sealed_file is None:
                flash(_("The file is not kept any more. Please upload it again."), "error")
                return redirect(self.get_url(".batch", id=batch.id))
            data = batches.file_with_reasons(batch.file, batch.filename, batch.plan)
        batch = self._batch_or_404(db.session())
        batch.fetched_at = now()
        note_deed(db.session(), Deed.EXPORTED, ImportBatch.__tablename__, batch.id, changes={"file": batch.filename})
        name = _("%(name)s with reasons.xlsx", name=batch.filename.rpartition(".")[0] or batch.filename)
        db.session.commit()
        return _download(data, name)

    def _batch_or_404(self, session: Session) -> ImportBatch:
        """The batch of the address line; another community's, or of a sheet that is off here, is unknown."""
        text = request.args.get("id", "")
        number = int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else -1
        batch = session.scalar(sa.select(ImportBatch).where(ImportBatch.id == number))
        if batch is None or batch.sheet not in self.sheets():
            abort(404)
        return batch


@contextmanager
def _reading(reason: str) -> Iterator[Session]:
    """A read session of this community beside the request's, so that slow work holds no write lock."""
    with session_for(scope_of(visit().area), reason) as reading:
        yield reading


def _figures(batch: ImportBatch) -> list[dict[str, Any]]:
    counts, preview = batch.counts, batch.state is BatchState.PREVIEW
    shown = [(Outcome.NEW, _("To be added") if preview else _("Added")),
             (Outcome.UPDATE, _("To be updated") if preview else _("Updated")), (Outcome.WRONG, _("Wrong")),
             (Outcome.ASKED, _("To be decided")) if preview else (Outcome.LEFT_OUT, _("Left out"))]
    lines = [(label, counts.get(outcome.value, 0)) for outcome, label in shown]
    lines.append((_("Skipped"), counts.get("skipped", 0)))
    return [{"label": label, "value": f"{value:,}", "unit": _("rows")} for label, value in lines]


def _done_lines(batch: ImportBatch) -> list[tuple[str, int, str]]:
    """(what, how many, which rows) of what went in."""
    rows = batch.plan.get("rows", {})
    shown = [(label, rows.get(outcome.value)) for outcome, label in ((Outcome.NEW, _("Added")),
                                                                     (Outcome.UPDATE, _("Updated")))]
    return [(label, len(numbers), batches.ranges(numbers)) for label, numbers in shown if numbers]


def _download(content: bytes, name: str) -> Response:
    return download(content, EXCEL, name)

"""The buttons of a screen that change records: delete, restore, void, and bulk actions on ticked rows."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask import abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup

from core.admin import query as q
from core.admin.gate import page_before, visit
from core.admin.listing import BulkAction
from core.admin.protection import inside
from core.admin.query import ListArguments
from core.admin.saving import clean_reason, commit, mark_void, put_in_bin, take_from_bin
from core.areas.tenancy import Deletable, Voidable
from core.errors import ValidationError
from core.extensions import db

NAMED = 5  # how many records a question names
UNDO = Markup('{} <button class="link" form="post" formaction="{}">{}</button>')
DELETE = BulkAction("delete", _l("Delete"), _l("Delete these %(count)s records? They go to the recycle bin."), True)
RESTORE = BulkAction("restore", _l("Restore"), _l("Restore these %(count)s records?"), in_bin=True)
VOID = BulkAction("void", _l("Void"), _l("Void these %(count)s entries? They stay in the list, marked as void."),
                  True, True)


class RemovalPages:
    """Deleting, restoring and voiding, one at a time or several together: all or none."""

    bulk: tuple[BulkAction, ...] = ()  # a plugin's own; each needs a method bulk_<name>(records, reason) -> done text

    @expose("/delete/", methods=("POST",))
    def delete_view(self) -> ResponseReturnValue:
        """Delete to the recycle bin; a second click finds it done."""
        record = self._of(Deletable)
        if record.deleted_at is not None and record.deleted_by == visit().user.username:
            return redirect(self.back_url())

        def delete() -> str:
            put_in_bin(db.session(), record, visit().user.username)
            return _("“%(name)s” is in the recycle bin.", name=self.record_label(record))

        return self._together([record], delete, undo=True)

    @expose("/restore/", methods=("POST",))
    def restore_view(self) -> ResponseReturnValue:
        """Take a record out of the recycle bin."""
        record = self._of(Deletable)
        if record.deleted_at is None:
            return redirect(self.back_url())

        def restore() -> str:
            take_from_bin(db.session(), record)
            return _("“%(name)s” is back.", name=self.record_label(record))

        return self._together([record], restore)

    @expose("/void/", methods=("POST",))
    def void_view(self) -> ResponseReturnValue:
        """作废 an entry with a reason. There is no way back: who slips records it again."""
        record, by = self._of(Voidable), visit().user.username
        reason = clean_reason(request.form.get("reason", ""))
        if record.voided_at is not None and (record.voided_by, record.void_reason) == (by, reason):
            return redirect(self.back_url())

        def mark() -> str:
            self.void_record(record, reason)
            return _("“%(name)s” is void.", name=self.record_label(record))

        return self._together([record], mark)

    def void_record(self, record: Any, reason: str) -> None:
        """What voiding one entry does; a screen whose entries move other records says so here."""
        mark_void(db.session(), record, visit().user.username, reason)

    def _of(self, kind: type) -> Any:
        if not issubclass(self.model, kind):
            abort(404)
        return self.record_or_404()

    def back_url(self) -> str:
        """The list as the person had it, with its filters and page; else the list."""
        here = self.get_url(".index_view")
        asked = (inside(request.form.get("back")), page_before())
        return next((url for url in asked if url and url.partition("?")[0] == here), here)

    def _together(self, records: list[Any], work: Callable[[], str], *, undo: bool = False) -> ResponseReturnValue:
        """Do it in one transaction and say what was done, or why nothing was."""
        ids = ",".join(str(record.id) for record in records)
        try:
            done = work()
            commit(db.session())
        except ValidationError as error:
            db.session.rollback()
            flash(str(error), "error")
        else:
            url = self.get_url(".undo_view", ids=ids)
            flash(UNDO.format(done, url, _("Undo")) if undo else done, "success")
        return redirect(self.back_url())

    # -- several at once ----------------------------------------------------------------------

    def known_bulk(self) -> list[BulkAction]:
        """Every bulk action of this screen."""
        given = [*((DELETE, RESTORE) if issubclass(self.model, Deletable) else ()),
                 *((VOID,) if issubclass(self.model, Voidable) else ())]
        return [*self.bulk, *given]

    def bulk_actions(self, arguments: ListArguments) -> list[BulkAction]:
        """What can be done with the ticked rows of this list."""
        return [b for b in self.known_bulk() if b.in_bin == arguments.bin and self.allows(b.needs)]

    @expose("/action/", methods=("POST",))
    def action_view(self) -> ResponseReturnValue:
        """A bulk action on the ticked rows of this community, after a question that names them; all or none."""
        action = next((b for b in self.known_bulk() if b.name == request.form.get("action")), None)
        if action is None:
            abort(404)
        if not self.allows(action.needs):
            abort(403)
        rows = self._ticked(request.form.getlist("rowid"), action)
        if rows is None:
            flash(_("Nothing was done: some of the ticked records are not there any more, or not in this state. "
                    "Please tick again."), "error")
            return redirect(self.back_url())
        reason = clean_reason(request.form.get("reason", ""))
        if request.form.get("sure") != "1" or (action.reason and len(reason) < 2):
            return self._bulk_question(action, rows)
        return self._carry_out(action, rows, reason)

    @expose("/undo/", methods=("POST",))
    def undo_view(self) -> ResponseReturnValue:
        """撤销 a deletion: what was deleted a moment ago comes back, all or none."""
        if not issubclass(self.model, Deletable):
            abort(404)
        rows = self._ticked(request.args.get("ids", "").split(","), RESTORE)
        if rows is None:
            flash(_("This cannot be undone any more. Please look into the recycle bin."), "error")
            return redirect(self.back_url())
        return self._carry_out(RESTORE, rows, "")

    def _ticked(self, numbers: list[str], action: BulkAction) -> list[Any] | None:
        """The records of these ids in the state that the action needs; None when one of them is not."""
        wanted = dict.fromkeys(
            int(t) for t in numbers[: q.PAGE_SIZES[-1] + 1] if t.isascii() and t.isdecimal() and len(t) < 19)
        found = sa.select(self.model).where(self.model.id.in_(wanted))
        if issubclass(self.model, Deletable):
            found = found.where(self.model.deleted_at.is_not(None) if action.in_bin
                                else self.model.deleted_at.is_(None))
        if issubclass(self.model, Voidable):
            found = found.where(self.model.voided_at.is_(None))
        rows = {row.id: row for row in db.session.scalars(found.options(*self.extra_loads())).unique()}
        return [rows[i] for i in wanted] if rows and len(rows) == len(wanted) == len(numbers) else None

    def _bulk_question(self, action: BulkAction, rows: list[Any]) -> ResponseReturnValue:
        names = [self.record_label(row) for row in rows[:NAMED]]
        if len(rows) > NAMED:
            names.append(_("and %(count)s more", count=len(rows) - NAMED))
        question = str(action.confirm).replace("%(count)s", str(len(rows)))
        asked = request.form.get("sure") == "1"
        page = self.render(
            "admin/confirm.html", title=f"{action.label}：{self.title}", question=question, names=names,
            action=self.get_url(".action_view"), reason=action.reason, danger=action.danger,
            hidden=[("action", action.name), *(("rowid", row.id) for row in rows), ("sure", "1"),
                    ("back", self.back_url())],
            error=_("Please give the reason.") if asked else None, cancel_url=self.back_url(),
            submit_label=f"{action.label} ({len(rows)})",
        )
        return page, 422 if asked else 200

    def _carry_out(self, action: BulkAction, rows: list[Any], reason: str) -> ResponseReturnValue:
        own = getattr(self, f"bulk_{action.name}")
        return self._together(rows, lambda: own(rows, reason), undo=action.name == DELETE.name)

    def bulk_delete(self, records: list[Any], _reason: str) -> str:
        """All to the recycle bin."""
        for record in records:
            put_in_bin(db.session(), record, visit().user.username)
        return ngettext("%(num)s record is in the recycle bin.", "%(num)s records are in the recycle bin.",
                        len(records))

    def bulk_restore(self, records: list[Any], _reason: str) -> str:
        """All out of the recycle bin."""
        for record in records:
            take_from_bin(db.session(), record)
        return ngettext("%(num)s record is back.", "%(num)s records are back.", len(records))

    def bulk_void(self, records: list[Any], reason: str) -> str:
        """作废 all, with one reason."""
        for record in records:
            self.void_record(record, reason)
        return ngettext("%(num)s entry is void.", "%(num)s entries are void.", len(records))

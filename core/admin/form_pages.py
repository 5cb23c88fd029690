"""Making, changing, deleting, restoring and voiding records."""
from __future__ import annotations

import secrets
from typing import Any

import wtforms as wt
from flask import abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import ngettext

from core.admin import query as q
from core.admin.forms import MOST_IN_LIST, ReferenceField, form_for, living
from core.admin.gate import visit
from core.admin.saving import Stale, commit, create_once, put_in_bin, restore, save_changes, send_to_bin, void
from core.admin.values import show
from core.areas.tenancy import Deletable, Voidable
from core.errors import ValidationError
from core.extensions import db


class FormPages:
    """The forms of a screen and its buttons that change records."""

    def scaffold_form(self) -> type[wt.Form]:
        """Forms are ours (core/admin/forms.py), not Flask-Admin's."""
        return form_for(self)

    def save(self, record: Any, form: wt.Form, is_created: bool) -> None:
        """Fill the record from the form, in the transaction; may raise ValidationError."""
        form.populate_obj(record)

    def new_record(self, form: wt.Form) -> Any:
        """Make the record of a form (not yet in the session)."""
        record = self.model()
        self.save(record, form, True)
        return record

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> ResponseReturnValue:
        """Make a record; a double click makes one."""
        form = self._create_form_class(request.form if request.method == "POST" else None, **self.prefill())
        if request.method == "POST" and form.validate():
            try:
                number, created = create_once(db.session(), request.form.get("once", ""),
                                              lambda: self.new_record(form))
                flash(_("“%(name)s” has been saved.", name=self._label_of(number)), "success")
                return redirect(self.after_save_url(number))
            except ValidationError as error:
                db.session.rollback()
                put_error(form, error)
        return self._form_page(form, _("New: %(title)s", title=self.title),
                               [("once", request.form.get("once") or secrets.token_urlsafe(24))])

    def prefill(self) -> dict[str, Any]:
        """Values that a new record's form begins with."""
        return {}

    def after_save_url(self, number: int | None) -> str:
        """Where to go after saving."""
        return self.get_url(".index_view")

    def _label_of(self, number: int | None) -> str:
        record = db.session.get(self.model, number) if number else None
        return self.record_label(record) if record is not None else ""

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> ResponseReturnValue:
        """Change a record; somebody else's change in between is shown, not overwritten."""
        record = self.record_or_404()
        if isinstance(record, Voidable) or getattr(record, "deleted_at", None):
            abort(404)
        posted = request.method == "POST"
        form = self._edit_form_class(request.form if posted else None, obj=record)
        version = request.form.get("row_version", "") if posted else str(record.row_version)
        conflict = None
        if posted and form.validate():
            name = self.record_label(record)
            try:
                save_changes(db.session(), record, version, lambda: self.save(record, form, False))
                flash(_("“%(name)s” has been saved.", name=name), "success")
                return redirect(self.after_save_url(record.id))
            except ValidationError as error:
                db.session.rollback()
                put_error(form, error)
            except Stale:
                db.session.expire_all()
                record = self.record_or_404()
                conflict, version = self._conflict(form, record), str(record.row_version)
        return self._form_page(form, _("Edit: %(name)s", name=self.record_label(record)),
                               [("row_version", version)], conflict)

    def _conflict(self, form: wt.Form, record: Any) -> list[tuple[str, str, str]]:
        """(label, what is stored now, what was typed) where they differ."""
        stored = self._edit_form_class(None, obj=record)
        pairs = [(stored[f.name], f) for f in form if f.name in stored]
        return [(str(mine.label.text), shown_input(theirs), shown_input(mine)) for theirs, mine in pairs
                if (theirs.data != mine.data if hasattr(mine, "mask") else shown_input(theirs) != shown_input(mine))]

    def _form_page(
        self, form: wt.Form, title: str, hidden: list[tuple[str, str]],
        conflict: list[tuple[str, str, str]] | None = None,
    ) -> ResponseReturnValue:
        page = self.render(
            "admin/form.html", title=title, form=form, sections=self.form_sections(form), hidden=hidden,
            cancel_url=self.get_url(".index_view"), conflict=conflict, submit_label=_("Save"), delete=None,
        )
        return page, 409 if conflict is not None else 422 if form.errors else 200

    def form_sections(self, form: wt.Form) -> list[tuple[str, list[wt.Field]]]:
        """The fields under their headings."""
        return [("", list(form))]

    @expose("/delete/", methods=("POST",))
    def delete_view(self) -> ResponseReturnValue:
        """Delete to the recycle bin."""
        record = self.record_or_404()
        if not isinstance(record, Deletable):
            abort(404)
        return self._do(lambda: send_to_bin(db.session(), record, visit().user.username),
                        _("“%(name)s” is in the recycle bin.", name=self.record_label(record)))

    @expose("/restore/", methods=("POST",))
    def restore_view(self) -> ResponseReturnValue:
        """Take a record out of the recycle bin."""
        record = self.record_or_404()
        if not isinstance(record, Deletable):
            abort(404)
        return self._do(lambda: restore(db.session(), record),
                        _("“%(name)s” is back.", name=self.record_label(record)))

    @expose("/void/", methods=("POST",))
    def void_view(self) -> ResponseReturnValue:
        """作废 an entry with a reason."""
        record = self.record_or_404()
        if not isinstance(record, Voidable):
            abort(404)
        return self._do(
            lambda: void(db.session(), record, visit().user.username, request.form.get("reason", "")),
            _("“%(name)s” is void.", name=self.record_label(record)),
        )

    def _do(self, work: Any, done: str) -> ResponseReturnValue:
        try:
            work()
            flash(done, "success")
        except ValidationError as error:
            db.session.rollback()
            flash(str(error), "error")
        return redirect(self.get_url(".index_view"))

    @expose("/action/", methods=("POST",))
    def action_view(self) -> ResponseReturnValue:
        """A bulk action on the ticked rows of this community; all or none."""
        if request.form.get("action") != "delete" or not issubclass(self.model, Deletable):
            abort(404)
        ticked = request.form.getlist("rowid")[: q.PAGE_SIZES[-1] + 1]
        wanted = {int(t) for t in ticked if t.isascii() and t.isdecimal() and len(t) < 19}
        rows = list(db.session.scalars(living(self.model).where(self.model.id.in_(wanted)))) if wanted else []
        if not rows or len(rows) != len(ticked):
            flash(_("Some of the ticked records are not there any more. Please tick again."), "error")
            return redirect(self.get_url(".index_view"))

        def delete_all() -> None:
            for row in rows:
                put_in_bin(db.session(), row, visit().user.username)
            commit(db.session())

        return self._do(delete_all, ngettext("%(num)s record is in the recycle bin.",
                                             "%(num)s records are in the recycle bin.", len(rows)))

    @expose("/ajax/lookup/")
    def ajax_lookup(self) -> ResponseReturnValue:
        """Choices of a reference field as [[id, label], …], at most 20."""
        field = self._create_form_class()._fields.get(request.args.get("name", ""))
        if not isinstance(field, ReferenceField) or not visit().access.sees_names or not self.writable():
            abort(404)
        text = request.args.get("query", "").replace("\x00", "").strip()[:q.LONGEST_SEARCH]
        target = field.target
        found = living(target).limit(MOST_IN_LIST).order_by(target.id)
        if text and field.searchable:
            found = found.where(target.matches(text))
        return [[row.id, getattr(row, "long_label", row.label)] for row in db.session.scalars(found)]

def put_error(form: wt.Form, error: ValidationError) -> None:
    """Show a service's refusal at the field that it names, else above the form."""
    field = form._fields.get(error.field or "")
    if field is not None:
        field.errors = [*field.errors, str(error)]
    else:
        form.form_errors.append(str(error))


def shown_input(field: wt.Field) -> str:
    """What a form field holds, as text for the comparison; of a private one only what was typed just now."""
    if hasattr(field, "mask"):
        return field._value() or ("***" if field.data else "")
    return show(field.data)

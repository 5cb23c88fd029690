"""The forms of a screen: making and changing records."""
from __future__ import annotations

from typing import Any, ClassVar

import wtforms as wt
from flask import abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _

from core.admin import query as q
from core.admin.conflicts import Difference, differences, opened_with, take_theirs
from core.admin.forms import ReferenceField, form_for
from core.admin.gate import visit
from core.admin.lookups import looked_up
from core.admin.once import create_once, new_key
from core.admin.saving import Stale, save_changes
from core.areas.tenancy import Voidable
from core.errors import ValidationError
from core.extensions import db


class FormPages:
    """The forms of a screen."""

    form_template: ClassVar[str] = "admin/form.html"  # one of a screen's own extends it

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
                number, _created = create_once(db.session(), self.model, sent_key(), lambda: self.new_record(form))
                flash(_("“%(name)s” has been saved.", name=self._label_of(number)), "success")
                return redirect(self.after_save_url(number))
            except ValidationError as error:
                db.session.rollback()
                put_error(form, error)
        return self._form_page(form, _("New: %(title)s", title=self.title), [("once", sent_key() or new_key())])

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
        opened = request.form.get("opened", "") if posted else opened_with(form)
        conflict = None
        if posted:
            take_theirs(form, self._edit_form_class(None, obj=record), request.form)
        if posted and form.validate():
            try:
                return self._save_edit(record, form, version)
            except ValidationError as error:
                db.session.rollback()
                put_error(form, error)
            except Stale:
                db.session.expire_all()
                record = self.record_or_404()
                version = str(record.row_version)
                conflict = differences(form, self._edit_form_class(None, obj=record), opened)
                if not conflict:
                    return self._saved(record.id, self.record_label(record))
        return self._form_page(form, _("Edit: %(name)s", name=self.record_label(record)),
                               [("row_version", version), ("opened", opened), ("once", sent_key() or new_key())],
                               conflict)

    def _save_edit(self, record: Any, form: wt.Form, version: str) -> ResponseReturnValue:
        number = record.id
        save_changes(db.session(), record, version, lambda: self.save(record, form, False), key=sent_key())
        return self._saved(number, self._label_of(number))

    def _saved(self, number: int, name: str) -> ResponseReturnValue:
        flash(_("“%(name)s” has been saved.", name=name), "success")
        return redirect(self.after_save_url(number))

    def _form_page(
        self, form: wt.Form, title: str, hidden: list[tuple[str, str]], conflict: list[Difference] | None = None,
    ) -> ResponseReturnValue:
        page = self.render(
            self.form_template, title=title, form=form, sections=self.form_sections(form), hidden=hidden,
            cancel_url=self.get_url(".index_view"), conflict=conflict, submit_label=_("Save"), delete=None,
        )
        return page, 409 if conflict is not None else 422 if form.errors else 200

    def form_sections(self, form: wt.Form) -> list[tuple[str, list[wt.Field]]]:
        """The fields under their headings."""
        return [("", list(form))]

    @expose("/ajax/lookup/")
    def ajax_lookup(self) -> ResponseReturnValue:
        """Choices of a reference as [[id, label], …], at most 20: of a form's field, or of a filter of the list."""
        name = request.args.get("name", "")
        target = q.filter_target(self, name) if request.args.get("filter") == "1" else self._field_target(name)
        if target is None:
            abort(404)
        return looked_up(target, request.args.get("query", "").replace("\x00", "").strip()[:q.LONGEST_SEARCH])

    def _field_target(self, name: str) -> type | None:
        field = self._create_form_class()._fields.get(name)
        may = isinstance(field, ReferenceField) and visit().access.sees_names and self.writable()
        return field.target if may else None


def put_error(form: wt.Form, error: ValidationError) -> None:
    """Show a service's refusal at the field that it names, else above the form."""
    field = form._fields.get(error.field or "")
    if field is not None:
        field.errors = [*field.errors, str(error)]
    else:
        form.form_errors.append(str(error))


def sent_key() -> str:
    """The key of the form that was sent, if it has one."""
    return request.form.get("once", "")

"""The page of one record: everything about it, private values masked and revealed one at a time."""
from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _

from core.admin.gate import visit
from core.admin.listing import RowAction
from core.admin.saving import clean_reason
from core.admin.values import Field, show
from core.audit.models import Deed
from core.audit.trail import note_deed
from core.extensions import db


class RecordPages:
    """The details page and the revealing of private values."""

    def record_or_404(self) -> Any:
        """The record of the address line; another community's is as unknown as one that never was."""
        text = request.args.get("id", "")
        number = int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else -1
        record = db.session.scalar(sa.select(self.model).where(self.model.id == number).options(*self.extra_loads()))
        if record is None or not visit().area.is_community:
            abort(404)
        return record

    @expose("/details/")
    def details_view(self) -> str:
        """Everything about one record, private values masked."""
        return self.details_page(self.record_or_404())

    def details_page(self, record: Any, revealed: dict[str, str] | None = None) -> str:
        """The page of a record; `revealed` holds the values shown in clear this once."""
        return self.render(
            "admin/details.html", title=self.record_label(record), subtitle=str(self.title), record=record,
            sections=self.sections(record, revealed or {}), actions=self.detail_actions(record),
            timeline=self.timeline(record), list_url=self.get_url(".index_view"),
        )

    def sections(self, record: Any, revealed: dict[str, str]) -> list[tuple[str, list[tuple[str, Any, str | None]]]]:
        """(heading, [(label, value, address that reveals it)])."""
        return [("", [self.fact(path, record, revealed) for path in self.detail_list or self.column_list])]

    def fact(self, path: str, record: Any, revealed: dict[str, str]) -> tuple[str, Any, str | None]:
        """(label, value, address that reveals it) of a field."""
        field = self.field(path)
        hidden = path not in revealed and self._is_hidden(field, record) and self.allows("reveal")
        url = self.get_url(".reveal_view", id=record.id, field=path) if hidden else None
        return str(field.label), revealed.get(path) or self.cell(path, record), url

    def clear_value(self, record: Any, path: str) -> str | None:
        """A hidden value of the record's page in clear; None where there is no such value, or it is not hidden."""
        field = next((f for f in self._details_fields() if f.path == path), None)
        return show(field.value(record)) if field is not None and self._is_hidden(field, record) else None

    def _is_hidden(self, field: Field, record: Any) -> bool:
        value = field.value(record)
        return bool(field.private and value not in (None, "") and field.shown(record, True) != show(value))

    def timeline(self, record: Any) -> list[Any]:
        """Entries of other plugins about the record."""
        return []

    def detail_actions(self, record: Any) -> list[RowAction]:
        """The buttons on a record's page."""
        in_bin = getattr(record, "deleted_at", None) is not None
        here = self.get_url(".details_view", id=record.id)
        return [action for action in self.row_actions(record, in_bin) if action.url != here]

    @expose("/reveal/", methods=("POST",))
    def reveal_view(self) -> ResponseReturnValue:
        """Show one private value in clear, with a reason, which is logged."""
        record = self.record_or_404()
        path = request.args.get("field", "")
        revealed = self.clear_value(record, path)
        if revealed is None:
            abort(404)
        reason = clean_reason(request.form.get("reason", ""))
        if len(reason) < 2:
            flash(_("Please give the reason for looking at it."), "error")
            return redirect(self.get_url(".details_view", id=record.id))
        note_deed(db.session(), Deed.REVEALED, record.__tablename__, record.id, reason=reason,
                  changes={path: None})
        page = self.details_page(record, {path: revealed})
        db.session.commit()
        return page

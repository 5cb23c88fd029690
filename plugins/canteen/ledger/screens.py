"""Lists of the canteen's books: accounts, entries of money, tallies."""
from __future__ import annotations

import sqlalchemy as sa
from flask import flash, g, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from core.api import (
    NONE,
    ConfirmationNeeded,
    RowAction,
    Screen,
    ValidationError,
    beijing,
    choices,
    clean_reason,
    create_once,
    db,
    mask_name,
    new_key,
    now,
    put_error,
    today,
    visit,
)
from plugins.canteen.ledger.forms import TallyForm
from plugins.canteen.ledger.models import Account, Entry, EntryKind, Tally, TallyMode
from plugins.canteen.ledger.takings import Clerk, reverse_entry
from plugins.canteen.ledger.tallies import add_tally, void_tally
from plugins.canteen.models import Diner
from plugins.canteen.services import kind_at, kinds_of

MONEY = _l("Subsidies and money")
TAG = Markup('<span class="tag %s">%s</span>')
KIND_COLOUR = {EntryKind.TOP_UP: "ok", EntryKind.MEAL: "", EntryKind.REFUND: "warn", EntryKind.REVERSAL: "bad"}


def here() -> Clerk:
    """The person at the screen, now."""
    user = visit().user
    return Clerk(user.name, now(), user.username)


def shown_name(diner: Diner | None) -> str:
    """The diner's name, masked for those who see no names; 散客 without one."""
    if diner is None:
        return _("Guest")
    return diner.label if visit().access.sees_names else mask_name(diner.label)


class AccountScreen(Screen):
    """餐费账户: who has paid in, and what is left."""

    model = Account
    slug = "accounts"
    title = _l("Meal accounts")
    section = MONEY
    icon = "money"
    column_list = ("diner.resident.name", "balance")
    column_labels = {"diner.resident.name": _l("Name")}
    search_by = ("diner.resident",)
    search_hint = _l("Name, initials, last 4 of the phone")
    empty_text = _l("There are no accounts yet. One is opened by the first top-up: choose “Meal account” in the list "
                    "of diners. Whether the counter takes money is set in the canteen’s settings.")

    def shown_paths(self) -> tuple[str, ...]:
        """The diner with the resident."""
        return ("diner.resident",)

    def row_actions(self, record: Account, in_bin: bool = False) -> list[RowAction]:
        """The account's own page."""
        if not visit().area.is_community:
            return []
        return [RowAction(_("Meal account"), self.get_url("canteen_account.index", id=record.diner_id))]


class EntryScreen(Screen):
    """收支流水: every movement of money, never edited; corrected by a reversal with a reason."""

    model = Entry
    slug = "entries"
    title = _l("Takings")
    section = MONEY
    icon = "list"
    needs = {**Screen.needs, "reverse_view": "void"}
    column_list = ("receipt", "day", "kind", "method", "amount", "diner.resident.name", "recorded_by")
    column_labels = {"diner.resident.name": _l("Name"), "receipt": _l("Receipt"),
                     "recorded_by": _l("Recorded by and at")}
    detail_list = ("receipt", "day", "kind", "method", "amount", "balance_change", "diner.resident.name", "reverses",
                   "reason", "recorded_by")
    lead_columns = 5
    filter_by = ("day", "kind", "method", "recorded_by", "diner")
    search_by = ("diner.resident",)
    search_hint = _l("Name, initials, last 4 of the phone")
    default_order = ("-day",)
    empty_text = _l("No money is recorded yet. Whether the counter takes money is set in the canteen’s settings.")

    def shown_paths(self) -> tuple[str, ...]:
        """The diner with the resident."""
        return ("diner.resident",)

    def prepare(self, rows: list[Entry]) -> None:
        """Which of them are reversed, in one statement."""
        super().prepare(rows)
        wanted = sa.select(Entry.reverses_id).where(Entry.reverses_id.in_([row.id for row in rows]))
        g.canteen_reversed = set(db.session.scalars(wanted)) if rows else set()

    def cell_receipt(self, entry: Entry) -> str:
        """2026-000123."""
        return entry.receipt

    def cell_kind(self, entry: Entry) -> Markup:
        """The kind as a tag, and whether it is reversed."""
        kind = TAG % (KIND_COLOUR[entry.kind], entry.kind.label)
        return kind + " " + TAG % ("bad", _("Reversed")) if self._is_reversed(entry) else kind

    def cell_diner_resident_name(self, entry: Entry) -> str:
        """The diner, or 散客."""
        return shown_name(entry.diner)

    def cell_recorded_by(self, entry: Entry) -> str:
        """王敏 11-23 11:20."""
        return f"{entry.recorded_by} {beijing(entry.recorded_at):%m-%d %H:%M}"

    def cell_reverses(self, entry: Entry) -> str:
        """The receipt that is taken back."""
        return entry.reverses.receipt if entry.reverses else NONE

    def _is_reversed(self, entry: Entry) -> bool:
        found = g.get("canteen_reversed")
        if found is None:
            return db.session.scalar(sa.select(Entry.id).where(Entry.reverses_id == entry.id)) is not None
        return entry.id in found

    def row_actions(self, record: Entry, in_bin: bool = False) -> list[RowAction]:
        """Its receipt; 冲销 of a top-up or refund."""
        actions = super().row_actions(record, in_bin)
        if not visit().area.is_community:
            return actions
        actions.append(RowAction(_("Receipt"), self.record_url(".receipt_view", record)))
        if self.allows("void") and record.kind in (EntryKind.TOP_UP, EntryKind.REFUND) \
                and not self._is_reversed(record):
            actions.append(RowAction(
                _("Reverse"), self.record_url(".reverse_view", record), "POST",
                _("Reverse “%(name)s”? A second entry takes it back.", name=record.label), True, True))
        return actions

    def actions(self) -> set[str]:
        """Entries are reversed by those who may void."""
        return super().actions() | {"void"}

    @expose("/reverse/", methods=("POST",))
    def reverse_view(self) -> ResponseReturnValue:
        """冲销 with a reason; a second click finds it done."""
        entry, clerk = self.record_or_404(), here()
        reason = clean_reason(request.form.get("reason", ""))
        same = sa.select(Entry.id).where(
            Entry.reverses_id == entry.id, Entry.account == clerk.account, Entry.reason == reason)
        if db.session.scalar(same) is not None:
            return redirect(self.back_url())

        def reverse() -> str:
            row = reverse_entry(db.session(), entry, reason, clerk)
            return _("“%(name)s” is reversed by %(receipt)s.", name=entry.label, receipt=row.receipt)

        return self._together([entry], reverse)

    @expose("/receipt/")
    def receipt_view(self) -> str:
        """The receipt on a small sheet."""
        entry = self.record_or_404()
        return self.render("canteen/receipt.html", title=_("Receipt"), entry=entry, name=shown_name(entry.diner),
                           at=f"{beijing(entry.recorded_at):%Y-%m-%d %H:%M}", back_url=self.get_url(".index_view"))


class TallyScreen(Screen):
    """不记名统计: meals of a sitting from tickets or a paper list."""

    model = Tally
    slug = "tallies"
    title = _l("Unnamed meals")
    icon = "columns"
    column_list = ("day", "kind", "mode", "number", "unnamed", "way", "source", "recorded_by")
    column_labels = {"recorded_by": _l("Recorded by and at")}
    detail_list = ("day", "kind", "mode", "number", "unnamed", "way", "source", "reason", "recorded_by", "voided_at",
                   "voided_by", "void_reason")
    lead_columns = 4
    filter_by = ("day", "kind", "mode", "source", "voided")
    default_order = ("-day",)
    form_columns = ("day", "kind", "mode", "source", "way", "number", "reason")
    empty_text = _l("Nothing is counted yet. Where tickets or a paper list are used, enter their numbers here.")

    def cell_recorded_by(self, tally: Tally) -> str:
        """王敏 11-23 11:20."""
        return f"{tally.recorded_by} {beijing(tally.recorded_at):%m-%d %H:%M}"

    def void_record(self, record: Tally, reason: str) -> None:
        """Under the lock of the books."""
        void_tally(db.session(), record, visit().user.username, reason)

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> ResponseReturnValue:
        """Count a sitting; what is unusual is asked."""
        kinds = kinds_of(db.session())
        clock = kind_at(kinds, beijing(now()).time())
        form = TallyForm(request.form if request.method == "POST" else None, day=today(),
                         kind=clock.id if clock else None)
        form.kind.choices = choices((kind.id, kind.name) for kind in kinds)
        if request.method == "POST" and form.validate():
            kind = next(kind for kind in kinds if kind.id == form.kind.data)
            try:
                create_once(db.session(), Tally, request.form.get("once", ""), lambda: add_tally(
                    db.session(), form.day.data, kind, form.mode.data, form.source.data, form.way.data,
                    form.number.data, form.reason.data or "", here(), request.form.getlist("confirmed")))
                flash(_("Counted: %(what)s", what=f"{form.day.data} {kind.name} × {form.number.data}"), "success")
                return redirect(self._next())
            except ConfirmationNeeded as question:
                db.session.rollback()
                return self._asked(question)
            except ValidationError as error:
                db.session.rollback()
                put_error(form, error)
        page = self.render(
            "admin/form.html", title=_("New: %(title)s", title=self.title), form=form, sections=[("", list(form))],
            hidden=[("once", request.form.get("once") or new_key())], cancel_url=self.get_url(".index_view"),
            conflict=None, submit_label=_("Save"), delete=None, note=self._note())
        return page, 422 if form.errors or form.form_errors else 200

    def _note(self) -> str:
        return _("“%(whole)s”: the unnamed meals are the number less the named ones",
                 whole=TallyMode.WHOLE.label)

    def _next(self) -> str:
        """Back to the day's page where its quick form was used."""
        if request.form.get("to") == "day":
            return self.get_url("canteen_closing.day", day=request.form.get("day", "")[:10])
        return self.get_url(".index_view")

    def _asked(self, question: ConfirmationNeeded) -> str:
        kept = [(k, v) for k, v in request.form.items(multi=True) if k != "csrf_token"]
        return self.render("admin/confirm.html", question=str(question), action=self.get_url(".create_view"),
                           hidden=[*kept, ("confirmed", question.question)], cancel_url=self._next(),
                           submit_label=_("Save all the same"))

"""The steps of a settlement: making, submitting, approving, sending back, paying."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa
import wtforms as wt
from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import validators as check

from core.api import (
    Action,
    Page,
    ScreenForm,
    Stale,
    ValidationError,
    create_once,
    db,
    new_key,
    now,
    put_error,
    save_changes,
    today,
    visit,
)
from plugins.canteen.settings import PLUGIN
from plugins.canteen.settlement import services
from plugins.canteen.settlement.models import Settlement, SettlementState, StepKind
from plugins.canteen.settlement.services import Actor


@dataclass(frozen=True)
class NextStep:
    """A step that is due: its button, what is asked first, and why this person may not take it."""

    name: str
    label: str
    url: str
    question: str
    refusal: str | None


class MonthForm(ScreenForm):
    """Which month to settle."""

    month = wt.SelectField(_l("Month"), [check.InputRequired()], validate_choice=False)  # the service knows them


class PaymentForm(ScreenForm):
    """When it was paid, and by which voucher."""

    paid_on = wt.DateField(_l("Paid on"), [check.InputRequired()])
    payment_reference = wt.StringField(
        _l("Payment reference"), [check.InputRequired(), check.Length(max=60)], render_kw={"autocomplete": "off"},
        description=_l("Number of the voucher or transfer"))


class StepsPage(Page):
    """What is done with settlements: prepared by the community, decided and paid by the street."""

    slug = "settlement-steps"
    title = _l("Steps of a settlement")
    section = _l("Subsidies and money")
    in_menu = False
    needs = {"index": Action.CREATE, "submit": Action.EDIT, "discard": Action.EDIT, "approve": Action.APPROVE,
             "send_back": Action.APPROVE, "pay": Action.APPROVE}

    # -- making one -----------------------------------------------------------------------------

    @expose("/", methods=("GET", "POST"))
    def index(self) -> ResponseReturnValue:
        """The draft of a month."""
        posted, months = request.method == "POST", services.months_to_settle(db.session(), today())
        form = MonthForm(request.form if posted else None)
        form.month.choices = [(m.isoformat(), f"{m:%Y-%m}") for m in months]
        if not posted:
            form.month.data = next((m for m in (m.isoformat() for m in months) if m < f"{today():%Y-%m}"), None)
        if posted and form.validate():
            try:
                number, _new = create_once(
                    db.session(), Settlement, request.form.get("once", ""),
                    lambda: services.make(db.session(), form.month.data, _actor(), now()))
                return redirect(_page(number))
            except ValidationError as error:
                db.session.rollback()
                put_error(form, error)
        page = self.render(
            "admin/form.html", title=_("New settlement"), form=form, sections=[("", list(form))], conflict=None,
            hidden=[("once", request.form.get("once") or new_key())],
            cancel_url=url_for("canteen_settlements.index_view"), submit_label=_("Make the draft"), delete=None,
            note=_("Its figures follow the records until it is submitted") if months
            else _("No month is left to settle: each with meals has its settlement"),
        )
        return page, 422 if form.errors or form.form_errors else 200

    # -- the steps ------------------------------------------------------------------------------

    @expose("/submit/", methods=("POST",))
    def submit(self) -> ResponseReturnValue:
        """To the street."""
        return self._take(lambda s: services.submit(db.session(), s, _actor(), now()),
                          _("Submitted. The month is locked until the street has decided."))

    @expose("/discard/", methods=("POST",))
    def discard(self) -> ResponseReturnValue:
        """Take a draft away that nobody needs; a second click finds it done."""
        gone, record = url_for("canteen_settlements.index_view"), _found()
        if record is None:
            return redirect(gone)
        month, number = record.label, record.id
        try:
            self._step(record, lambda s: services.discard(db.session(), s))
        except ValidationError as error:
            db.session.rollback()
            flash(str(error), "error")
            return redirect(_page(number))
        flash(_("The draft of %(month)s is discarded.", month=month), "success")
        return redirect(gone)

    @expose("/approve/", methods=("POST",))
    def approve(self) -> ResponseReturnValue:
        """By the street."""
        return self._take(lambda s: services.approve(db.session(), s, _actor(), now()), _("Approved."))

    @expose("/return/", methods=("POST",))
    def send_back(self) -> ResponseReturnValue:
        """To the community, with a reason."""
        reason = request.form.get("reason", "")
        return self._take(lambda s: services.send_back(db.session(), s, _actor(), now(), reason),
                          _("Sent back. The community can correct the month and submit it again."))

    @expose("/pay/", methods=("GET", "POST"))
    def pay(self) -> ResponseReturnValue:
        """Day and reference of the payment."""
        record = _record()
        form = PaymentForm(request.form if request.method == "POST" else None, paid_on=today())
        if request.method == "POST" and form.validate():
            try:
                self._step(record, lambda s: services.pay(
                    db.session(), s, _actor(), now(), form.paid_on.data, form.payment_reference.data))
                flash(_("The payment is noted."), "success")
                return redirect(_page(record.id))
            except ValidationError as error:
                db.session.rollback()
                put_error(form, error)
                record = _record()
        elif refusal := services.why_not(db.session(), record, StepKind.PAID, visit().user.username, today()):
            flash(refusal, "error")
            return redirect(_page(record.id))
        version = request.form.get("version") or str(record.row_version)
        page = self.render(
            "admin/form.html", title=_("Payment of %(month)s", month=record.label), form=form, conflict=None,
            sections=[("", list(form))], submit_label=_("Mark as paid"), delete=None,
            hidden=[("version", version), ("once", request.form.get("once") or new_key())],
            cancel_url=_page(record.id),
            note=_("%(amount)s yuan", amount=f"{record.payable:,.2f}") if record.payable is not None else None,
        )
        return page, 422 if form.errors or form.form_errors else 200

    def _take(self, change: Callable[[Settlement], None], done: str) -> ResponseReturnValue:
        record = _record()
        number = record.id
        try:
            self._step(record, change)
            flash(done, "success")
        except ValidationError as error:
            db.session.rollback()
            flash(str(error), "error")
        return redirect(_page(number))

    def _step(self, record: Settlement, change: Callable[[Settlement], None]) -> None:
        """Take a step and commit. Raises ValidationError where somebody else took one since the page was opened."""
        try:
            save_changes(db.session(), record, request.form.get("version", ""), lambda: change(record),
                         key=request.form.get("once", ""))
        except Stale:
            raise ValidationError(_("Somebody else has just taken a step with this settlement. Please look again; "
                                    "nothing of yours was saved.")) from None


def _record() -> Settlement:
    """The settlement of the address line."""
    return _found() or abort(404)


def _found() -> Settlement | None:
    text = request.args.get("id", "")
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else -1
    return db.session.scalar(sa.select(Settlement).where(Settlement.id == number))


def _page(number: int | None) -> str:
    return url_for("canteen_settlements.details_view", id=number)


def _actor() -> Actor:
    user = visit().user
    return Actor(user.username, user.name)


def may(action: str) -> bool:
    """Whether the person may take steps of this action here."""
    return visit().access.may(f"{PLUGIN}.{StepsPage.slug}.{action}")


def due(record: Settlement) -> list[NextStep]:
    """The steps that are due; of those that this person may not take, why."""
    month = record.label
    offers = {
        StepKind.SUBMITTED: ("submit", _("Submit to the street"),
                             _("Submit %(month)s? The month is locked then.", month=month)),
        StepKind.APPROVED: ("approve", _("Approve"), _("Approve the settlement of %(month)s?", month=month)),
        StepKind.RETURNED: ("send_back", _("Send back"),
                            _("Send %(month)s back to the community? Say what is to be corrected.", month=month)),
        StepKind.PAID: ("pay", _("Mark as paid"), ""),
    }
    steps = [
        NextStep(kind.value, label, url_for(f"canteen_settlement_steps.{view}", id=record.id), question,
                 _why_not(record, kind, view))
        for kind, (view, label, question) in offers.items() if record.state in services.FROM[kind]
    ]
    if record.state == SettlementState.DRAFT and may(Action.EDIT):
        steps.append(NextStep("discard", _("Discard the draft"), url_for("canteen_settlement_steps.discard",
                                                                         id=record.id),
                              _("Discard the draft of %(month)s? The records stay; it can be made again.",
                                month=month), None))
    return steps


def _why_not(record: Settlement, kind: StepKind, view: str) -> str | None:
    if not may(StepsPage.needs[view]):
        return _("This is done by the community.") if kind == StepKind.SUBMITTED else _("This is done by the street.")
    return services.why_not(db.session(), record, kind, visit().user.username, today())

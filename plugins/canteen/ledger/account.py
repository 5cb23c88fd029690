"""The page of one diner's account: balance, entries, top up, refund."""
from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from core.api import Page, ValidationError, create_once, db, new_key, put_error, visit
from plugins.canteen.ledger.forms import MoneyForm
from plugins.canteen.ledger.models import Entry
from plugins.canteen.ledger.screens import MONEY, here, shown_name
from plugins.canteen.ledger.takings import balance_of, refund, top_up
from plugins.canteen.models import Diner
from plugins.canteen.settings import canteen_settings, usual_method

LATEST = 30
DONE = Markup('{} <a href="{}">{}</a>')


class AccountPage(Page):
    """One account; not in the menu: it is opened from the lists of accounts and of diners."""

    slug = "account"
    title = _l("Meal account")
    section = MONEY
    icon = "money"
    in_menu = False
    needs = {"pay_in": "create", "pay_out": "edit"}

    @expose("/")
    def index(self) -> str:
        """Balance and the latest entries."""
        return self._page(self._diner(), MoneyForm(), MoneyForm())

    def _diner(self) -> Diner:
        text = request.args.get("id", "")
        number = int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else -1
        diner = db.session.scalar(sa.select(Diner).where(Diner.id == number))
        if diner is None:
            abort(404)
        return diner

    def _page(self, diner: Diner, paying_in: MoneyForm, paying_out: MoneyForm) -> str:
        session = db.session()
        entries = session.scalars(
            sa.select(Entry).where(Entry.diner_id == diner.id).order_by(Entry.id.desc()).limit(LATEST)).all()
        del paying_in.reason
        for prefix, form in (("in", paying_in), ("out", paying_out)):
            for field in form:
                field.id = f"{prefix}-{field.name}"  # both forms stand on one page
        return self.render(
            "canteen/account.html", title=_("Meal account: %(name)s", name=shown_name(diner)), diner=diner, page=self,
            balance=balance_of(session, diner.id), entries=entries, paying_in=paying_in, paying_out=paying_out,
            takes_money=_takes_money(diner) and diner.deleted_at is None,
            once=new_key, back_url=self.get_url("canteen_diners.index_view"))

    @expose("/pay-in/", methods=("POST",))
    def pay_in(self) -> ResponseReturnValue:
        """充值."""
        diner, form = self._diner(), MoneyForm(request.form)
        if not _takes_money(diner) or diner.deleted_at is not None:
            form.form_errors.append(_("The counter takes no money. It is switched on in the canteen’s settings."))
        elif form.validate() and self._write(form, lambda: top_up(
                db.session(), diner, form.amount.data, form.method.data, here())):
            return redirect(self.get_url(".index", id=diner.id))
        return self._page(diner, form, MoneyForm()), 422

    @expose("/pay-out/", methods=("POST",))
    def pay_out(self) -> ResponseReturnValue:
        """退款."""
        diner, form = self._diner(), MoneyForm(request.form)
        if form.validate() and self._write(form, lambda: refund(
                db.session(), diner, form.amount.data, form.method.data, form.reason.data or "", here())):
            return redirect(self.get_url(".index", id=diner.id))
        return self._page(diner, MoneyForm(), form), 422

    def _write(self, form: MoneyForm, make: Any) -> bool:
        """Whether the entry is in the books; a double click writes one."""
        try:
            number, _new = create_once(db.session(), Entry, request.form.get("once", ""), make)
        except ValidationError as error:
            db.session.rollback()
            put_error(form, error)
            return False
        entry = db.session.scalars(sa.select(Entry).where(Entry.id == number)).one()
        flash(DONE.format(_("Done: %(what)s.", what=entry.label),
                          self.get_url("canteen_entries.receipt_view", id=number), _("Print the receipt")), "success")
        return True

    def may_write(self, action: str) -> bool:
        """Whether the person may, by rights and by seeing whom it is about."""
        return self.may(action) and visit().access.sees_names


def _takes_money(diner: Diner) -> bool:
    return usual_method(canteen_settings(db.session(), diner.community_id)) is not None

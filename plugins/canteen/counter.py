"""就餐登记: one field, one highlighted match, one Enter; and 补录, the same for a list of another day."""
from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask import abort, current_app, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from core.api import (
    ConfirmationNeeded,
    Page,
    Resident,
    ValidationError,
    beijing,
    clean_reason,
    commit,
    create_once,
    db,
    now,
    today,
    visit,
)
from plugins.canteen.desk import Desk, day_totals, just_recorded, read_desk
from plugins.canteen.finding import Found, Match, find_diners
from plugins.canteen.ledger.books import void_meal
from plugins.canteen.ledger.models import Method
from plugins.canteen.ledger.takings import Clerk, balance_of, balances_of, payment_of, taken
from plugins.canteen.models import Card, Diner, Meal, Source, Way
from plugins.canteen.services import (
    UNDONE,
    NoPrice,
    deceased_text,
    diner_of,
    make_diner,
    meal_of,
    new_resident,
    record_meal,
    taken_text,
)
from plugins.canteen.subsidies.services import self_pays

QUESTIONS = frozenset({"lost_card", "moved", "hours", "early", "old", "seats", "same_name"})
WITH_REASON = frozenset({"moved"})


class CounterPage(Page):
    """The counter; every answer is the same for our script (JSON) and for a browser without it (pages)."""

    slug = "counter"
    title = _l("Meal counter")
    icon = "bowl"
    menu_action = "create"

    def is_shown(self) -> bool:
        """Only for those who may see names: the counter finds people by them."""
        return super().is_shown() and visit().access.sees_names

    def _handle_view(self, name: str, **kwargs: Any) -> ResponseReturnValue | None:
        answer = super()._handle_view(name, **kwargs)
        if answer is None and not visit().access.sees_names:
            abort(403)
        return answer

    # -- pages ----------------------------------------------------------------------------------

    @expose("/")
    def index(self) -> str:
        """The counter of now."""
        return self._page(read_desk(db.session(), request.args, now(), back=False))

    @expose("/back/")
    def back(self) -> str:
        """补录: the paper list of a day, with one reason for all of it."""
        return self._page(read_desk(db.session(), request.args, now(), back=True))

    def _page(self, desk: Desk) -> str:
        found = find_diners(db.session(), desk.text, desk.day, desk.kind) if desk.ready and desk.text else None
        return self.render("canteen/counter.html", **self._words(desk), found=found, balances=_balances(desk, found),
                           paying=_paying(desk, found), **self._side(desk))

    def _words(self, desk: Desk) -> dict[str, Any]:
        return {
            "title": _("Back entry") if desk.back else str(self.title), "desk": desk, "ways": list(Way),
            "page": self, "once": lambda: secrets.token_urlsafe(24), "today": today(), "methods": list(Method),
            "here": ".back" if desk.back else ".index",
        }

    def _side(self, desk: Desk) -> dict[str, Any]:
        if desk.kind is None:
            return {"totals": None, "recent": []}
        session = db.session()
        return {"drawer": taken(session, desk.day) if desk.usual else None, "beijing": beijing,
                "totals": day_totals(session, desk.day, desk.kind),
                "recent": just_recorded(session, desk.day, desk.kind, visit().user.username, now())}

    def address(self, desk: Desk, **changes: Any) -> str:
        """This page's address with what is set, some of it changed."""
        asked = {
            "kind": desk.kind.id if desk.kind and (desk.chosen or desk.back) else None,
            "way": desk.way.value if desk.way else None, "pay": desk.pay.value if desk.pay else None,
            **({"day": desk.day.isoformat(), "back_reason": desk.back_reason} if desk.back else {}), **changes,
        }
        return self.get_url(".back" if desk.back else ".index", **{k: v for k, v in asked.items() if v})

    def note(self, desk: Desk) -> str:
        """11月23日 · 午餐（10:30–13:00）· 15.00 元."""
        if desk.kind is None:
            return ""
        day = _("%(month)s/%(day)s", month=desk.day.month, day=desk.day.day)
        price = _("%(amount)s yuan", amount=f"{desk.price:.2f}") if desk.price is not None else _("no price yet")
        return f"{day} · " + _("%(kind)s (%(hours)s)", kind=desk.kind.name, hours=desk.hours) + f" · {price}"

    def why_not(self, match: Match) -> str:
        """Why this person's meal cannot be recorded."""
        return taken_text(match.taken) if match.taken else deceased_text(match.resident)

    def taken_tag(self, meal: Meal) -> str:
        """11:36 已登记 · 王敏."""
        return _("Recorded %(time)s · %(by)s", time=beijing(meal.recorded_at).strftime("%H:%M"), by=meal.recorded_by)

    # -- what the script asks -------------------------------------------------------------------

    @expose("/find/")
    def find(self) -> ResponseReturnValue:
        """The matches of a text as a piece of the page."""
        desk = read_desk(db.session(), request.args, now(), back=request.args.get("back") == "1")
        if not desk.ready:
            return {"refused": desk.problem or _("Please choose the meal first.")}, 422
        found = find_diners(db.session(), desk.text, desk.day, desk.kind)
        return {"text": request.args.get("q", ""), "total": found.total, "sure": found.sure,
                "card": bool(found.matches and found.matches[0].card), "html": self._matches(desk, found),
                "note": self.note(desk), "kind": desk.kind.id}

    def _matches(self, desk: Desk, found: Found) -> str:
        return _piece("canteen/matches.html", **self._words(desk), found=found, balances=_balances(desk, found),
                      paying=_paying(desk, found))

    @expose("/record/", methods=("POST",))
    def record(self) -> ResponseReturnValue:
        """Record one meal: of a resident, a guest, or somebody new; the same key again records nothing more."""
        desk = read_desk(db.session(), request.form, now(), back=request.form.get("back") == "1", priced=False)
        try:
            meal = self._record(desk)
        except ConfirmationNeeded as question:
            db.session.rollback()
            return self._asked(desk, question)
        except ValidationError as error:
            db.session.rollback()
            return self._refused(desk, error)
        desk = replace(desk, price=meal.standard_price)
        return self._done(desk, _done_text(meal) + (_paid_text(meal) if desk.usual else ""))

    def _record(self, desk: Desk) -> Meal:
        if not desk.ready:
            raise ValidationError(desk.problem or _("Please give the reason for the back entry."))
        if request.form.get("kind") and not desk.chosen:  # deleted meanwhile: never record another meal instead
            raise ValidationError(_("Please choose the meal first."), "kind")
        for attempt in (1, 2):
            try:
                number, _new = create_once(
                    db.session(), Meal, request.form.get("once", ""), lambda: _meal(desk))
                break
            except ValidationError as error:
                # Another counter was faster by a moment: looking again tells who, or finds the diner it made.
                if attempt == 2 or not isinstance(error.__cause__, IntegrityError):
                    raise
        db.session().read_on()
        return db.session.scalars(sa.select(Meal).where(Meal.id == number).options(
            joinedload(Meal.diner).joinedload(Diner.resident), joinedload(Meal.kind))).one()

    @expose("/undo/", methods=("POST",))
    def undo(self) -> ResponseReturnValue:
        """撤销: void a meal that this person recorded today."""
        desk = read_desk(db.session(), request.form, now(), back=request.form.get("back") == "1")
        meal = db.session.scalar(sa.select(Meal).where(Meal.id == _whole(request.form.get("meal", ""))))
        here = visit().user
        if meal is None or meal.account != here.username or beijing(meal.recorded_at).date() != today():
            return self._refused(desk, ValidationError(
                _("Only what you recorded today can be undone here. Please void it in the meal records.")))
        text = _("Undone: %(what)s", what=meal.label)
        if (meal.voided_by, meal.void_reason) == (here.username, UNDONE) and not _again(meal):
            return self._done(desk, text)  # the second click of one deed
        try:
            void_meal(db.session(), meal, here.username, UNDONE, Clerk(here.name, now(), here.username))
            commit(db.session())
        except ValidationError as error:
            db.session.rollback()
            return self._refused(desk, error)
        return self._done(desk, text)

    # -- answers --------------------------------------------------------------------------------

    def _done(self, desk: Desk, text: str) -> ResponseReturnValue:
        if not _by_script():
            flash(text, "success")
            return redirect(self.address(desk))
        return {"done": text, "side": _piece("canteen/side.html", **self._words(desk), **self._side(desk)),
                "note": self.note(desk), "kind": desk.kind.id if desk.kind else None,
                "once": [secrets.token_urlsafe(24) for _form in ("somebody new", "guest")]}

    def _refused(self, desk: Desk, error: ValidationError) -> ResponseReturnValue:
        link = self.get_url("canteen_prices.create_view") if isinstance(error, NoPrice) else None
        if _by_script():
            return {"refused": str(error), "field": error.field, "link": link,
                    "link_label": _("Set a price") if link else None}, 422
        flash(str(error), "error")
        return redirect(link or self.address(desk, q=desk.text))

    def _asked(self, desk: Desk, question: ConfirmationNeeded) -> ResponseReturnValue:
        reason = question.question in WITH_REASON
        if _by_script():
            return {"question": question.question, "text": str(question), "reason": reason}, 409
        kept = [(k, v) for k, v in request.form.items(multi=True) if k not in ("csrf_token", "reason")]
        return self.render(
            "admin/confirm.html", question=str(question), action=self.get_url(".record"), reason=reason,
            hidden=[*kept, ("confirmed", question.question)], cancel_url=self.address(desk, q=desk.text),
            submit_label=_("Record the meal"),
        )


def _by_script() -> bool:
    return request.headers.get("X-Requested-With") == "fetch"


def _balances(desk: Desk, found: Found | None) -> dict[int, Decimal]:
    """What the diners found have paid in, where the counter takes money."""
    shown = [match.diner.id for match in found.matches if match.diner] if found is not None and desk.usual else []
    return balances_of(db.session(), shown)


def _paying(desk: Desk, found: Found | None) -> dict[int, Decimal]:
    """What those who may eat will pay, by the residents' ids: said before it is recorded."""
    shown = [(m.resident, m.diner.id if m.diner else None) for m in found.matches if m.may_eat] if found else []
    if not shown or desk.price is None:
        return {}
    return self_pays(db.session(), shown, desk.kind, desk.day, desk.price, desk.ages)


def _piece(template: str, **words: Any) -> str:
    """A part of a page; the shell around it, which costs more than the part, is not made."""
    return current_app.jinja_env.get_template(template).render(**words)


def _meal(desk: Desk) -> Meal:
    """The meal that the form asks for, not yet flushed."""
    form, session = request.form, db.session()
    confirmed = QUESTIONS & set(form.getlist("confirmed"))
    diner, card = _diner(confirmed), None
    if diner is not None and form.get("card"):
        card = session.scalar(sa.select(Card).where(Card.id == _whole(form["card"]), Card.diner_id == diner.id))
    return record_meal(
        session, diner, desk.day, desk.kind, desk.way or (diner.usual_way if diner else Way.DINE_IN),
        visit().user.name, now(), source=Source.BACK_ENTRY if desk.back else Source.COUNTER,
        reason=desk.back_reason or None, moved_reason=clean_reason(form.get("reason", "")),
        confirmed=confirmed, card=card, account=visit().user.username, method=desk.pay,
    )


def _diner(confirmed: frozenset[str]) -> Diner | None:
    """Whom the form names: nobody (a guest), a resident, or somebody new."""
    form, session = request.form, db.session()
    if form.get("guest") == "1":
        return None
    if form.get("resident"):
        number = _whole(form["resident"])
        if diner := diner_of(session, number):
            return diner
        known = session.scalar(sa.select(Resident).where(Resident.id == number))
        if known is None:
            raise ValidationError(_("This person is not known here any more. Please search again."))
        return make_diner(session, known)
    return make_diner(session, new_resident(
        session, form.get("name", ""), form.get("phone", ""), _birth(form.get("birth_date", "")),
        form.get("building", ""), today(), confirmed))


def _whole(text: str) -> int:
    """The id in a form field; -1, which no record has, for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else -1


def _birth(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip()) if text.strip() else None
    except ValueError:
        raise ValidationError(_("Please give the birth date as 1950-01-31."), "birth_date") from None


def _again(meal: Meal) -> Meal | None:
    """The meal that was recorded in its place since."""
    return meal_of(db.session(), meal.diner_id, meal.day, meal.kind_id)


def _done_text(meal: Meal) -> str:
    who = meal.diner.label if meal.diner else _("Guest")
    return _("Recorded: %(who)s · %(kind)s · %(way)s · %(paid)s yuan", who=who, kind=meal.kind.name,
             way=meal.way.label, paid=f"{meal.self_pay:.2f}")


def _paid_text(meal: Meal) -> str:
    """How it was paid, and what is left."""
    entry = payment_of(db.session(), meal)
    if entry is None:
        return ""
    if entry.method is not Method.ACCOUNT:
        return f" · {entry.method.label}"
    return " · " + _("from the balance, %(left)s yuan left", left=f"{balance_of(db.session(), meal.diner_id):.2f}")

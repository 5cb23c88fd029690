"""试算: what each rule would pay for one meal; and 下月变动: whose claims change in a month."""
from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import wtforms as wt
from flask import abort, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import validators as check

from core.api import (
    NONE,
    AmountField,
    Page,
    ReferenceField,
    Resident,
    ScreenForm,
    ValidationError,
    beijing,
    choices,
    db,
    mask_name,
    now,
    today,
    visit,
)
from plugins.canteen.models import MealKind, SubsidyRule
from plugins.canteen.services import age_rule, kind_at, kinds_of, price_on
from plugins.canteen.subsidies.claims import Change, changes_of
from plugins.canteen.subsidies.rules import Obstacle, Offer, best, split_meal
from plugins.canteen.subsidies.services import month_of, trial
from plugins.canteen.subsidies.words import caps_text, offer_text, what_text, who_text, yuan
from plugins.canteen.tables import Column, Table, TablePage

DEAREST = Decimal(99999)


class TrialForm(ScreenForm):
    """Whose meal, which, when, at what price."""

    resident = ReferenceField(_l("Resident"), validators=[check.InputRequired()], target=Resident, name_of="resident",
                              endpoint="canteen_diners")
    day = wt.DateField(_l("Day"), [check.InputRequired()])
    kind = wt.SelectField(_l("Meal"), coerce=int)
    price = AmountField(_l("Price"), [check.Optional(), check.NumberRange(min=0, max=DEAREST)], places=2,
                        description=_l("Empty: the standard price of that day"))


class TrialPage(Page):
    """试算: every rule with what it would pay for a meal, or why nothing."""

    slug = "trial"
    title = _l("Try the rules")
    icon = "search"
    section = _l("Subsidies and money")
    menu_action = "view"

    def is_shown(self) -> bool:
        """Only for those who may see names: people are found by them."""
        return super().is_shown() and visit().access.sees_names

    def _handle_view(self, name: str, **kwargs: Any) -> ResponseReturnValue | None:
        answer = super()._handle_view(name, **kwargs)
        if answer is None and not visit().access.sees_names:
            abort(403)
        return answer

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """The question, and below it the answer."""
        kinds = kinds_of(db.session())
        asked = "resident" in request.args
        usual = kind_at(kinds, beijing(now()).time())
        form = TrialForm(request.args if asked else None, day=today(), kind=usual.id if usual else None)
        form.kind.choices = choices((kind.id, kind.name) for kind in kinds)
        answer = self._answer(form, kinds) if asked and form.validate() else None
        page = self.render("canteen/trial.html", title=str(self.title), form=form, answer=answer, who=who_text,
                           what=what_text, caps=caps_text, yuan=yuan)
        return page, 422 if form.errors and request.args["resident"] else 200  # nobody chosen yet is no fault

    def _answer(self, form: TrialForm, kinds: list[MealKind]) -> dict[str, Any] | None:
        session, day, person = db.session(), form.day.data, form.resident.data
        kind = next(kind for kind in kinds if kind.id == form.kind.data)
        price = form.price.data if form.price.data is not None else price_on(session, kind, day)
        if price is None:
            form.price.errors = [_("%(kind)s has no price on %(day)s yet. Please type one.", kind=kind.name,
                                   day=day.isoformat())]
            return None
        found = trial(session, person, kind, day, price.quantize(Decimal("0.01")), age_rule(session, visit().area.id))
        winner = best(found.offers)
        found.offers.sort(key=lambda each: (each is not winner, -each.aid, each.obstacle is Obstacle.DATES))
        return {"trial": found, "winner": winner, "split": split_meal(price, winner), "person": person, "kind": kind,
                "day": day, "tags": [tag.kind.name for tag in person.tags if tag.holds_on(day)]}


class ChangesPage(TablePage):
    """下月变动: who turns 70, 80, 90, gets or loses a tag, and which rules begin or end."""

    slug = "changes"
    title = _l("Changes next month")
    icon = "calendar"
    section = _l("Subsidies and money")

    @expose("/")
    def index(self) -> str:
        """On the screen."""
        return self.render("canteen/changes.html", title=str(self.title), table=self.table(), page=self,
                           **self.choices())

    @expose("/print/")
    def paper(self) -> str:
        """On A4."""
        table = self.table()
        return self.render("canteen/changes_paper.html", title=table.title, table=table, date_text=table.when,
                           back_url=self.address(".index"))

    def table(self) -> Table:
        """The changes of the month asked for, else of the next one; compared at the price of a meal."""
        session, chosen = db.session(), self.choices()
        month, kind = chosen["first"], chosen["kind"]
        if kind is None:
            raise ValidationError(_("There is no kind of meal yet. Please add breakfast, lunch or dinner first."))
        price = price_on(session, kind, month_of(month)[1]) or Decimal("15.00")
        found = changes_of(session, month, age_rule(session, visit().area.id), kind.id, price)
        return changes_table(found, month, _("%(kind)s at %(price)s", kind=kind.name, price=yuan(price)),
                             visit().access.sees_names)

    def choices(self) -> dict[str, Any]:
        """Month and meal; the meal of noon at first."""
        kinds, text = kinds_of(db.session()), request.args.get("month", "")
        noon = beijing(now()).replace(hour=12, minute=0).time()
        first = _first_of(text) or month_of(today())[1] + timedelta(days=1)
        return {"first": first, "month": f"{first:%Y-%m}", "kinds": kinds, "kind": next(
            (kind for kind in kinds if str(kind.id) == request.args.get("kind")), kind_at(kinds, noon))}


def _first_of(text: str) -> date | None:
    """The first of a month 2026-12; None for what is none."""
    if not re.fullmatch(r"[1-9]\d{3}-(0[1-9]|1[0-2])", text, re.ASCII) or text in ("9999-12", "1000-01"):
        return None  # the months beside it are needed too
    return date.fromisoformat(f"{text}-01")


def changes_table(found: list[Change], month: date, example: str, sees_names: bool) -> Table:
    """A line a change; the last says how many people it concerns."""
    rows = [[number, _day(change, sees_names), _name(change, sees_names), change.what, _said(change.before),
             _said(change.after), _difference(change)] for number, change in enumerate(found, 1)]
    people = len({change.resident.id for change in found if change.resident})
    return Table(_("Changes of subsidies (%(example)s)", example=example), f"{month:%Y-%m}", [
        Column(_("No."), True), Column(_("From")), Column(_("Name")), Column(_("What changes")),
        Column(_("Rule until then")), Column(_("Rule from then on")), Column(_("Difference a meal"), True),
    ], rows, [None, _("%(num)s people", num=people), *[None] * 5])


def _name(change: Change, sees_names: bool) -> str:
    if change.resident is None:
        return NONE
    return change.resident.name if sees_names else mask_name(change.resident.name)


def _day(change: Change, sees_names: bool) -> str:
    """The day; only its month where it would tell somebody's birthday."""
    return change.day.isoformat() if sees_names or not change.by_birthday else f"{change.day:%Y-%m}"


def _said(paying: Offer | SubsidyRule | None) -> str:
    """What somebody gets, or what a rule pays."""
    return what_text(paying) if isinstance(paying, SubsidyRule) else offer_text(paying)


def _difference(change: Change) -> Decimal | None:
    if change.resident is None:
        return None
    before, after = (offer.aid if offer else Decimal("0.00") for offer in (change.before, change.after))
    return after - before

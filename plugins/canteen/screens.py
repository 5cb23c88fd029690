"""The canteen's lists and forms."""
from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import sqlalchemy as sa
import wtforms as wt
from flask import abort, flash, g, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy.orm import joinedload, selectinload
from wtforms import validators as check

from core.api import (
    NONE,
    DaysFilter,
    PageLink,
    RowAction,
    Screen,
    ScreenForm,
    SpecialFilter,
    Tool,
    ValidationError,
    beijing,
    clean_reason,
    create_once,
    db,
    few,
    new_key,
    now,
    put_error,
    today,
    visit,
)
from plugins.canteen.cards import issue_card, lose_card, replace_card
from plugins.canteen.ledger.books import reverse_meal, void_meal, was_reversed
from plugins.canteen.ledger.days import is_late, late_among
from plugins.canteen.ledger.takings import Clerk
from plugins.canteen.models import Card, Diner, Meal, MealKind, Price, Way
from plugins.canteen.services import check_hours, kind_at, kinds_of
from plugins.canteen.settings import canteen_settings, usual_method

PAYERS = ("city_pays", "district_pays", "street_pays", "community_pays", "donors_pay")
TAG = Markup('<span class="tag %s">%s</span>')
WAY_COLOUR = {Way.DINE_IN: "", Way.TAKE_AWAY: "warn", Way.DELIVERY: "info"}


class WithAge(Screen):
    """A list with a column for the age, which is computed and right-aligned."""

    def field(self, path: str) -> Any:
        """The age is a number, though no column of a table."""
        found = super().field(path)
        return replace(found, numeric=True) if path.endswith("resident.age") else found


def _ate(start: date | None, end: date | None) -> Any:
    """Diners with a meal that counts; the list behind "canteen.diners"."""
    days = [c for c in (start and Meal.day >= start, end and Meal.day <= end) if c is not None]
    return sa.select(Meal.id).where(
        Meal.community_id == Diner.community_id, Meal.diner_id == Diner.id, *Meal.counts(), *days).exists()


def _eaten(value: str) -> Any:
    return sa.and_(*Meal.counts()) if value == "yes" else sa.not_(sa.and_(*Meal.counts()))


class MealScreen(WithAge):
    """Every meal, never edited; voided with a reason."""

    model = Meal
    slug = "meals"
    title = _l("Meal records")
    icon = "list"
    column_list = ("diner.resident.name", "diner.resident.age", "kind", "way", "day", "standard_price", "government",
                   "rule", "self_pay", "recorded_by")
    column_labels = {"diner.resident.name": _l("Name"), "diner.resident.age": _l("Age"),
                     "recorded_by": _l("Recorded by and at"), "age": _l("Age as counted")}
    detail_list = ("diner.resident.name", "day", "kind", "way", "standard_price", "self_pay", "government",
                   "other_aid", "operator_aid", "rule", "age", *PAYERS, "booked_on", "reverses", "reversed_on",
                   "source", "reason", "recorded_by", "recorded_at", "voided_at", "voided_by", "void_reason")
    lead_columns = 4
    filter_by = ("day", "kind", "way", "rule", "eaten", "source", "voided")
    looked_up = ("rule",)
    special_filters = {"eaten": SpecialFilter(
        _l("Counted"), lambda: [("yes", _("eaten")), ("no", _("voided or taken back"))], _eaten)}
    needs = {**WithAge.needs, "reverse_view": "void"}
    search_by = ("diner.resident",)
    search_hint = _l("Name, initials, last 4 of the phone")
    default_order = ("-day",)
    empty_text = _l("No meal is recorded yet. Record the first one at the counter.")

    def shown_paths(self) -> tuple[str, ...]:
        """The age is computed from the resident."""
        return ("diner.resident", "kind", "rule")

    def sections(self, record: Meal, revealed: dict[str, str]) -> list[Any]:
        """Who pays the subsidy under a heading of its own, where there is one."""
        [(heading, facts)] = super().sections(record, revealed)
        shown = dict(zip(self.detail_list, facts, strict=True))
        payers = [shown.pop(path) for path in PAYERS if shown[path] and getattr(record, path)]
        rest = [fact for path, fact in shown.items() if path not in PAYERS]
        return [(heading, rest), *([(_("Who pays the subsidy"), payers)] if payers else [])]

    def cell_diner_resident_name(self, meal: Meal) -> str:
        """The diner, or 散客."""
        return self.field("diner.resident.name").shown(meal, visit().access.sees_names) if meal.diner else _("Guest")

    def cell_diner_resident_age(self, meal: Meal) -> str:
        """Full years on the day of the meal."""
        age = meal.diner.resident.age_on(meal.day) if meal.diner else None
        return str(age) if age is not None else NONE

    def cell_way(self, meal: Meal) -> Markup:
        """The way as a tag; whether the meal is reversed, or takes one back."""
        way = TAG % (WAY_COLOUR[meal.way], meal.way.label)
        note = _("Reversal") if meal.reverses_id else _("Reversed") if meal.reversed_on else None
        return way + " " + TAG % ("bad", note) if note else way

    def cell_recorded_by(self, meal: Meal) -> str:
        """王敏 11:20; with the day where it is another one."""
        moment = beijing(meal.recorded_at)
        shown = "%H:%M" if moment.date() == meal.day == today() else "%m-%d %H:%M"
        return f"{meal.recorded_by} {moment.strftime(shown)}"

    def void_record(self, record: Meal, reason: str) -> None:
        """Its fee goes back, and the tally of its sitting follows; refused for a closed day."""
        user = visit().user
        void_meal(db.session(), record, user.username, reason, Clerk(user.name, now(), user.username))

    def prepare(self, rows: list[Meal]) -> None:
        """The days of these rows whose books are closed, by day or by month, in one statement."""
        super().prepare(rows)
        g.canteen_late_days = late_among(db.session(), {meal.booked_on for meal in rows})

    def row_actions(self, record: Meal, in_bin: bool = False) -> list[RowAction]:
        """作废 while its books are open, 冲销 after that; neither for what is reversed."""
        actions = super().row_actions(record, in_bin)
        if record.voided_at is not None or not self._is_late(record.booked_on):
            return actions if not (record.reversed_on or record.reverses_id) else actions[:1]
        actions = actions[:1]
        if self.allows("void") and not (record.reversed_on or record.reverses_id):
            actions.append(RowAction(
                _("Reverse"), self.record_url(".reverse_view", record), "POST",
                _("Reverse “%(name)s”? Its books are closed; a second entry takes it back.",
                  name=self.record_label(record)), True, True))
        return actions

    def _is_late(self, day: date) -> bool:
        found = g.get("canteen_late_days")
        return is_late(db.session(), day) if found is None else day in found

    @expose("/reverse/", methods=("POST",))
    def reverse_view(self) -> ResponseReturnValue:
        """冲销 a meal of a closed day with a reason; a second click finds it done."""
        meal, user = self.record_or_404(), visit().user
        reason = clean_reason(request.form.get("reason", ""))
        if meal.reversed_on is not None and was_reversed(db.session(), meal, user.username, reason):
            return redirect(self.back_url())

        def reverse() -> str:
            row = reverse_meal(db.session(), meal, reason, user.name, now(), user.username)
            return _("“%(name)s” is reversed, booked on %(day)s.", name=self.record_label(meal),
                     day=row.booked_on.isoformat())

        return self._together([meal], reverse)

    def tools(self, arguments: Any) -> list[Tool]:
        """The counter is what is next here."""
        tools = super().tools(arguments)
        if visit().area.is_community and visit().access.may(f"{self.plugin}.counter.create"):
            tools.append(Tool(_("Meal counter"), self.get_url("canteen_counter.index"), primary=True, icon="bowl"))
        return tools

    def quick_filters(self) -> list[PageLink]:
        """今日午餐 and 送餐名单."""
        if not visit().area.is_community:
            return [PageLink(_("Meals of today"), self.get_url(".index_view", **_one_day()))]
        kind = kind_at(few(MealKind) or kinds_of(db.session()), beijing(now()).time())
        if kind is None:
            return []
        of_kind = {**_one_day(), "kind": kind.id}
        return [
            PageLink(_("%(kind)s today", kind=kind.name), self.get_url(".index_view", **of_kind),
                     _is_asked(of_kind) and not request.args.get("way")),
            PageLink(_("Delivery list"), self.get_url(".index_view", **of_kind, way="delivery"),
                     _is_asked({**of_kind, "way": "delivery"})),
        ]


def _one_day() -> dict[str, str]:
    return {"day_from": today().isoformat(), "day_to": today().isoformat()}


def _is_asked(wanted: dict[str, Any]) -> bool:
    return all(request.args.get(name) == str(value) for name, value in wanted.items())


class CardForm(ScreenForm):
    """A card handed out, lost or replaced."""

    number = wt.StringField(_l("Card number"), [check.InputRequired(), check.Length(max=40)],
                            render_kw={"autocomplete": "off", "autofocus": True},
                            description=_l("Scan the card or type its number"))
    day = wt.DateField(_l("Day"), [check.InputRequired()])
    reason = wt.StringField(_l("Reason"), [check.Length(max=60)], render_kw={"autocomplete": "off"})


class DinerScreen(WithAge):
    """Residents who eat at the canteen."""

    model = Diner
    slug = "diners"
    title = _l("Diners")
    icon = "people"
    needs = {**Screen.needs, "card_view": "edit"}
    column_list = ("resident.name", "resident.age", "resident.address", "card", "usual_way", "allergy", "diet_note")
    column_labels = {"resident.name": _l("Name"), "resident.age": _l("Age"), "resident.address": _l("Address"),
                     "card": _l("Card number")}
    detail_list = ("resident.name", "resident.birth_date", "resident.address", "usual_way", "allergy", "diet_note",
                   "delivery_address", "card")
    lead_columns = 4
    filter_by = ("usual_way", "day")
    special_filters = {"day": DaysFilter(_l("Ate"), _ate)}
    search_by = ("resident",)
    search_hint = _l("Name, initials, last 4 of the phone")
    form_columns = ("resident", "allergy", "diet_note", "delivery_address", "usual_way")
    empty_text = _l("There are no diners yet. Whoever eats for the first time becomes one at the counter.")

    def shown_paths(self) -> tuple[str, ...]:
        """Age and address are computed from the resident."""
        return ("resident",)

    def extra_loads(self) -> tuple[Any, ...]:
        """Cards in one statement."""
        return (joinedload(Diner.resident), selectinload(Diner.cards))

    def cell_resident_age(self, diner: Diner) -> str:
        """Full years today."""
        age = diner.resident.age_on(today())
        return str(age) if age is not None else NONE

    def cell_resident_address(self, diner: Diner) -> str:
        """In full for those who see names."""
        return (diner.resident.address if visit().access.sees_names else diner.resident.masked_address) or NONE

    def cell_card(self, diner: Diner) -> str | Markup:
        """The card in use; 已挂失 where the last one ended."""
        if diner.card:
            return diner.card.number
        return TAG % ("warn", _("Reported lost")) if diner.cards else NONE

    def sections(self, record: Diner, revealed: dict[str, str]) -> list[Any]:
        """The facts, then every card with its dates."""
        cards = [(card.number, _card_dates(card), None) for card in reversed(record.cards)]
        return super().sections(record, revealed) + ([(_("Cards"), cards)] if cards else [])

    def row_actions(self, record: Diner, in_bin: bool = False) -> list[RowAction]:
        """发卡, or 挂失 and 补卡, beside the usual."""
        actions = super().row_actions(record, in_bin)
        if in_bin or not self.allows("edit"):
            return actions
        links = [("lose", _("Report lost")), ("replace", _("Replace card"))] if record.card else \
            [("replace", _("Replace card"))] if record.cards else [("issue", _("Hand out card"))]
        own = [RowAction(label, f"{self.record_url('.card_view', record)}&do={do}") for do, label in links]
        if _takes_money():
            own.append(RowAction(_("Meal account"), self.get_url("canteen_account.index", id=record.id)))
        own.append(RowAction(_("Usual meals"), self.get_url("canteen_plans.of", id=record.id)))
        return [*actions[:2], *own, *actions[2:]]

    @expose("/card/", methods=("GET", "POST"))
    def card_view(self) -> ResponseReturnValue:
        """Hand a card out, report it lost, or replace it."""
        diner, do = self.record_or_404(), request.args.get("do", "")
        titles = {"issue": _("Hand out card"), "lose": _("Report lost"), "replace": _("Replace card")}
        if do not in titles or diner.deleted_at is not None:
            abort(404)
        form = CardForm(request.form if request.method == "POST" else None, day=today())
        for name in {"issue": ("reason",), "lose": ("number",), "replace": ()}[do]:
            del form[name]
        if request.method == "POST" and form.validate():
            name, number = self.record_label(diner), diner.id
            try:
                create_once(db.session(), Card, request.form.get("once", ""), lambda: _change_card(diner, do, form))
                flash(_("“%(name)s” has been saved.", name=name), "success")
                return redirect(self.get_url(".details_view", id=number))
            except ValidationError as error:
                db.session.rollback()
                put_error(form, error)
        page = self.render(
            "admin/form.html", title=f"{titles[do]}：{self.record_label(diner)}", form=form,
            sections=[("", list(form))], hidden=[("once", request.form.get("once") or new_key())],
            cancel_url=self.get_url(".index_view"), conflict=None, submit_label=titles[do], delete=None,
        )
        return page, 422 if form.errors else 200


def _takes_money() -> bool:
    """Whether this community's counter does; asked once a page."""
    if "canteen_takes_money" not in g:
        g.canteen_takes_money = usual_method(canteen_settings(db.session(), visit().area.id)) is not None
    return g.canteen_takes_money


def _card_dates(card: Any) -> str:
    ended = f" – {card.ended_on.isoformat()} {card.end_reason or ''}".rstrip() if card.ended_on else ""
    return (_("in use since %(day)s", day=card.issued_on.isoformat()) if not ended
            else card.issued_on.isoformat() + ended)


def _change_card(diner: Diner, do: str, form: CardForm) -> Card:
    session, day = db.session(), form.day.data
    if do == "issue":
        return issue_card(session, diner, form.number.data, day, today())
    if do == "lose":
        return lose_card(session, diner, day, form.reason.data or "", today())
    return replace_card(session, diner, form.number.data, day, form.reason.data or "", today())


class MealKindScreen(Screen):
    """Breakfast, lunch, dinner."""

    model = MealKind
    slug = "kinds"
    title = _l("Meals and hours")
    icon = "clock"
    column_list = ("name", "opens", "closes", "prices")
    column_labels = {"prices": _l("Price today (yuan)")}
    lead_columns = 4
    form_columns = ("name", "opens", "closes")
    default_order = ("opens",)

    def shown_paths(self) -> tuple[str, ...]:
        """The prices are loaded below."""
        return ()

    def extra_loads(self) -> tuple[Any, ...]:
        """The prices of all kinds in one statement."""
        return (selectinload(MealKind.prices),)

    def cell_prices(self, kind: MealKind) -> str | Markup:
        """The price that holds today: the last that has begun."""
        amount = next((price.amount for price in reversed(kind.prices) if price.starts_on <= today()), None)
        return f"{amount:.2f}" if amount is not None else TAG % ("bad", _("no price yet"))

    def row_actions(self, record: MealKind, in_bin: bool = False) -> list[RowAction]:
        """The prices of this meal."""
        actions = super().row_actions(record, in_bin)
        if not in_bin and visit().area.is_community:
            actions.insert(2, RowAction(_("Prices"), self.get_url("canteen_prices.index_view", kind=record.id)))
        return actions

    def save(self, record: MealKind, form: wt.Form, is_created: bool) -> None:
        """Refuse hours that overlap another meal."""
        with db.session.no_autoflush:
            super().save(record, form, is_created)
            check_hours(db.session(), record)


class PriceScreen(Screen):
    """标准价 by kind and from which day it holds; changes no meal that is recorded."""

    model = Price
    slug = "prices"
    title = _l("Meal prices")
    icon = "money"
    column_list = ("kind", "starts_on", "amount")
    filter_by = ("kind",)
    form_columns = ("kind", "starts_on", "amount")
    default_order = ("kind_id", "-starts_on")

    def prefill(self) -> dict[str, Any]:
        """From today on."""
        return {"starts_on": today()}

    def note(self) -> str | None:
        """What a price changes and what not."""
        return super().note() or _("A price holds from its day on; meals that are recorded keep theirs")

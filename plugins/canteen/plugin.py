"""Elderly canteen: who ate which meal on which day."""
from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from core.api import Dimension, Entry, Metric, PluginInfo, Sheet, Todo, beijing, hookimpl, is_open, now
from plugins.canteen import demo
from plugins.canteen.counter import CounterPage
from plugins.canteen.delivery import demo as delivery_demo
from plugins.canteen.delivery.door import DeliveryPage
from plugins.canteen.delivery.screens import HandoverScreen, RoundScreen
from plugins.canteen.delivery.waiting import delivery_todos
from plugins.canteen.kitchen import hooks as kitchen
from plugins.canteen.ledger.account import AccountPage
from plugins.canteen.ledger.closing import open_days
from plugins.canteen.ledger.models import Tally
from plugins.canteen.ledger.pages import ClosingPage
from plugins.canteen.ledger.screens import AccountScreen, EntryScreen, TallyScreen
from plugins.canteen.models import Diner, Meal
from plugins.canteen.orders import demo as orders_demo
from plugins.canteen.orders.count import CountPage
from plugins.canteen.orders.screens import OrderScreen, PauseScreen, PlansPage
from plugins.canteen.roster import DINER_SHEET
from plugins.canteen.screens import DinerScreen, MealKindScreen, MealScreen, PriceScreen
from plugins.canteen.services import add_default_kinds, kinds_of, price_on
from plugins.canteen.settings import PLUGIN, CanteenSettings
from plugins.canteen.settlement import demo as settlement_demo
from plugins.canteen.settlement.reminders import waiting
from plugins.canteen.settlement.screens import SettlementScreen
from plugins.canteen.settlement.steps import StepsPage
from plugins.canteen.settlement.street import SettlementsPage
from plugins.canteen.subsidies.pages import ChangesPage, TrialPage
from plugins.canteen.subsidies.screens import SubsidyRuleScreen
from plugins.canteen.tables import DayPage, MonthPage

LATEST = 20
BY = (Dimension("kind", _l("Meal"), Meal.kind_id), Dimension("way", _l("Way"), Meal.way))
LOOKED_BACK = timedelta(days=62)  # for days that nobody has closed


@hookimpl
def plugin_info() -> PluginInfo:
    return PluginInfo(title=_l("Elderly canteen"), summary=_l("Diners, meals and prices"), icon="bowl")


@hookimpl
def register_screens() -> list[type]:
    return [
        CounterPage, MealScreen, DinerScreen, DayPage, MonthPage, TallyScreen, MealKindScreen, PriceScreen,
        SubsidyRuleScreen, TrialPage, ChangesPage,
        ClosingPage, AccountScreen, AccountPage, EntryScreen,
        SettlementScreen, SettlementsPage, StepsPage,
        PlansPage, OrderScreen, PauseScreen, CountPage, DeliveryPage, RoundScreen, HandoverScreen,
        *kitchen.SCREENS,
    ]


@hookimpl
def register_sheets() -> list[Sheet]:
    return [DINER_SHEET]


@hookimpl
def register_metrics() -> list[Metric]:
    named = Metric(
        "canteen.named_meals", _l("Named meals"), unit=_l("meals"), model=Meal, day=Meal.day, where=Meal.counts(),
        screen="canteen_meals", filters={"eaten": "yes"}, by=BY,
        definition=_l("Meals recorded for a person or a guest, without voided and reversed ones, by the day they were "
                      "eaten."))
    unnamed = Metric(
        "canteen.unnamed_meals", _l("Unnamed meals"), unit=_l("meals"), model=Tally, day=Tally.day,
        where=(Tally.voided_at.is_(None),), amount=Tally.unnamed, screen="canteen_tallies",
        by=(Dimension("kind", _l("Meal"), Tally.kind_id), Dimension("way", _l("Way"), Tally.way)),
        definition=_l("Meals counted from tickets or paper lists beyond the named ones."))
    return [
        Metric("canteen.meals", _l("Meals"), unit=_l("meals"), sums=(named, unnamed), daily=True,
               day=Meal.day, screen="canteen_meals", filters={"eaten": "yes"},  # its list shows those with a name
               definition=_l("Named and unnamed meals together.")),
        named, unnamed,
        Metric("canteen.diners", _l("People who ate"), unit=_l("people"), model=Meal, day=Meal.day, by=BY,
               where=Meal.counts(), once_per=Meal.diner_id, screen="canteen_diners",
               definition=_l("Residents with at least one meal that counts, each once in a period. Guests are not "
                             "among them. The people of a quarter are no sum of those of its months.")),
        _money("canteen.subsidy", _l("Subsidies"), Meal.government + Meal.other_aid + Meal.operator_aid,
               _l("What others than the diners pay for the meals, to the diner or to the operator.")),
        _money("canteen.self_pay", _l("Paid by diners"), Meal.self_pay, _l("What the diners pay for named meals.")),
    ]


def _money(name: str, title: object, amount: Any, definition: object) -> Metric:
    """A sum of yuan over all meals that are not void; a reversed meal and its reversal are nothing together."""
    return Metric(name, title, unit=_l("yuan"), model=Meal, day=Meal.day, where=(Meal.voided_at.is_(None),),
                  amount=amount, parts=100, screen="canteen_meals", definition=definition)


@hookimpl
def settings_form() -> type:
    return CanteenSettings


@hookimpl
def plugin_enabled(session: Any, community: Any, today: date) -> None:
    add_default_kinds(session, today.replace(month=1, day=1))  # so that last month's paper lists have a price


@hookimpl
def demo_records(session: Any, community: Any, today: date) -> None:
    demo.fill(session, community, today, now())
    settlement_demo.fill(session, community, today, now())
    orders_demo.fill(session, community.slug, today, now())
    delivery_demo.fill(session, today, now())
    kitchen.demo_records(session, community, today, now())


@hookimpl
def todo_items(session: Any, community: Any, today: date) -> Iterable[Todo]:
    """Meals without a price; on an open day a meal that is being served or over with nothing recorded."""
    clock, opens = beijing(now()).time(), is_open(session, community.id, PLUGIN, today)
    recorded = set(session.scalars(
        sa.select(Meal.kind_id).where(Meal.day == today, *Meal.counts())
        .union(sa.select(Tally.kind_id).where(Tally.day == today, Tally.voided_at.is_(None)))))
    for kind in kinds_of(session):
        if price_on(session, kind, today) is None:
            yield Todo("bad", _("No price"), _("%(kind)s has no price: meals cannot be recorded.", kind=kind.name),
                       url_for("canteen_prices.create_view", area=community.slug))
        elif opens and clock > kind.opens and kind.id not in recorded:
            yield Todo("warn", _("Nothing recorded"), _("No %(kind)s has been recorded today.", kind=kind.name),
                       url_for("canteen_counter.index", area=community.slug, kind=kind.id))
    if days := open_days(session, today - LOOKED_BACK, today - timedelta(days=1)):
        yield Todo("warn", _("Not closed"),
                   ngettext("%(num)s day with meals is not closed: %(first)s.",
                            "%(num)s days with meals are not closed, the first is %(first)s.", len(days),
                            first=days[0].isoformat()),
                   url_for("canteen_closing.index", area=community.slug, month=f"{days[0]:%Y-%m}"))
    yield from waiting(session, community, today)
    if opens:
        yield from delivery_todos(session, today, clock, url_for("canteen_delivery.index", area=community.slug))
    yield from kitchen.todo_items(session, community, today, now())


@hookimpl
def resident_timeline(session: Any, resident: Any) -> Iterable[Entry]:
    """The latest meals."""
    meals = session.scalars(
        sa.select(Meal).join(Diner, Meal.diner_id == Diner.id)
        .where(Diner.resident_id == resident.id, *Meal.counts()).order_by(Meal.day.desc(), Meal.id.desc())
        .limit(LATEST)
    )
    for meal in meals:
        paid = _("%(amount)s yuan", amount=f"{meal.self_pay:.2f}")
        yield Entry(meal.day, f"{meal.kind.name} · {meal.way.label} · {paid}",
                    url_for("canteen_meals.details_view", id=meal.id))

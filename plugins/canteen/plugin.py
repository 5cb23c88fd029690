"""Elderly canteen: who ate which meal on which day."""
from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import sqlalchemy as sa
from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func

from core.api import Entry, Metric, PluginInfo, Sheet, Todo, beijing, hookimpl, now
from plugins.canteen import demo
from plugins.canteen.counter import CounterPage
from plugins.canteen.models import Diner, Meal
from plugins.canteen.roster import DINER_SHEET
from plugins.canteen.screens import DinerScreen, MealKindScreen, MealScreen, PriceScreen
from plugins.canteen.services import add_default_kinds, kinds_of, price_on
from plugins.canteen.settings import CanteenSettings
from plugins.canteen.subsidies.pages import ChangesPage, TrialPage
from plugins.canteen.subsidies.screens import SubsidyRuleScreen
from plugins.canteen.tables import DayPage, MonthPage

LATEST = 20


@hookimpl
def plugin_info() -> PluginInfo:
    return PluginInfo(title=_l("Elderly canteen"), summary=_l("Diners, meals and prices"), icon="bowl")


@hookimpl
def register_screens() -> list[type]:
    return [CounterPage, MealScreen, DinerScreen, DayPage, MonthPage, MealKindScreen, PriceScreen,
            SubsidyRuleScreen, TrialPage, ChangesPage]


@hookimpl
def register_sheets() -> list[Sheet]:
    return [DINER_SHEET]


@hookimpl
def register_metrics() -> list[Metric]:
    return [
        Metric("canteen.meals", _l("Meals"), unit=_l("meals"), model=Meal, day=Meal.day,
               where=Meal.counts(), screen="canteen_meals", daily=True, filters={"eaten": "yes"}),
    ]


@hookimpl
def settings_form() -> type:
    return CanteenSettings


@hookimpl
def plugin_enabled(session: Any, community: Any, today: date) -> None:
    add_default_kinds(session, today.replace(month=1, day=1))  # so that last month's paper lists have a price


@hookimpl
def demo_records(session: Any, community: Any, today: date) -> None:
    demo.fill(session, community, today, now())


@hookimpl
def todo_items(session: Any, community: Any, today: date) -> Iterable[Todo]:
    """Meals without a price; a meal that is being served or over with nothing recorded."""
    clock = beijing(now()).time()
    counted = dict(session.execute(
        sa.select(Meal.kind_id, func.count()).where(Meal.day == today, *Meal.counts()).group_by(Meal.kind_id)
    ).all())
    for kind in kinds_of(session):
        if price_on(session, kind, today) is None:
            yield Todo("bad", _("No price"), _("%(kind)s has no price: meals cannot be recorded.", kind=kind.name),
                       url_for("canteen_prices.create_view", area=community.slug))
        elif clock > kind.opens and not counted.get(kind.id):
            yield Todo("warn", _("Nothing recorded"), _("No %(kind)s has been recorded today.", kind=kind.name),
                       url_for("canteen_counter.index", area=community.slug, kind=kind.id))


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

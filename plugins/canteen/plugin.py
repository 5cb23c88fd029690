"""Elderly canteen: who ate which meal on which day."""
from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import func

from core.api import Metric, PluginInfo, hookimpl
from plugins.canteen.models import Meal
from plugins.canteen.screens import DinerScreen, MealKindScreen, MealScreen


@hookimpl
def plugin_info() -> PluginInfo:
    return PluginInfo(title=_l("Elderly canteen"), summary=_l("Diners, meals and prices"), icon="bowl")


@hookimpl
def register_screens() -> list[type]:
    return [MealScreen, DinerScreen, MealKindScreen]


@hookimpl
def register_metrics() -> list[Metric]:
    return [
        Metric("canteen.meals", _l("Meals"), unit=_l("meals"), model=Meal, day=Meal.day, count=func.count(),
               where=(Meal.voided_at.is_(None),), screen="canteen_meals", daily=True),
    ]

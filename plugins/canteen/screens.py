"""The canteen's lists and forms."""
from __future__ import annotations

from flask_babel import lazy_gettext as _l

from core.api import Screen
from plugins.canteen.models import Diner, Meal, MealKind


class MealScreen(Screen):
    """Every meal, never edited; voided with a reason."""

    model = Meal
    slug = "meals"
    title = _l("Meal records")
    icon = "list"
    column_list = ("diner.resident.name", "day", "kind", "way", "standard_price", "government", "self_pay",
                   "recorded_by", "recorded_at")
    column_labels = {"diner.resident.name": _l("Diner")}
    filter_by = ("day", "kind", "way", "voided")
    search_by = ("diner.resident",)
    default_order = ("-day",)


class DinerScreen(Screen):
    """Residents who eat at the canteen."""

    model = Diner
    slug = "diners"
    title = _l("Diners")
    icon = "people"
    column_list = ("resident.name", "allergy", "diet_note", "usual_way")
    search_by = ("resident",)
    form_columns = ("resident", "allergy", "diet_note", "delivery_address", "usual_way")


class MealKindScreen(Screen):
    """Breakfast, lunch, dinner."""

    model = MealKind
    slug = "kinds"
    title = _l("Meals and hours")
    icon = "clock"
    column_list = ("name", "opens", "closes")
    form_columns = ("name", "opens", "closes")

"""The settings of a community's canteen."""
from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from typing import Any

import wtforms as wt
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import validators as check

from core.api import Choice, ScreenForm, choices, settings_of
from plugins.canteen.subsidies.rules import AgeCounts

PLUGIN = "canteen"
USUAL_METHODS = [("cash", _l("Cash")), ("code", _l("Payment code"))]


class OrderDay(Choice):
    """On which day orders for a meal close."""

    DAY_BEFORE = "day_before", _l("The day before")
    SAME_DAY = "same_day", _l("The same day")


class Kitchen(Choice):
    """Where the meals are cooked."""

    OWN = "own", _l("Cooked here")
    BROUGHT = "brought", _l("Brought here")


ORDER_UNTIL, ORDER_ON = time(16), OrderDay.DAY_BEFORE  # where a community has set nothing


def canteen_settings(session: Session, community_id: int) -> dict[str, Any]:
    """What a community has set; read once, then asked by the functions below."""
    return settings_of(session, community_id, PLUGIN)


def usual_method(values: Mapping[str, Any]) -> str | None:
    """How a meal is usually paid at the counter ("cash", "code"); None where it takes no money."""
    return values.get("usual_method") or "cash" if values.get("takes_money") else None


def seats_a_meal(values: Mapping[str, Any]) -> int | None:
    """How many can sit down to one meal: seats times sittings; None where the seats were not entered."""
    return values["seats"] * (values.get("sittings") or 1) if values.get("seats") else None


def opened_on(values: Mapping[str, Any]) -> date | None:
    """开业日期; None where it was not entered."""
    return date.fromisoformat(values["opened_on"]) if values.get("opened_on") else None


def age_counts(values: Mapping[str, Any]) -> AgeCounts:
    """From when a new age counts."""
    return AgeCounts(values.get("age_counts") or AgeCounts.DAY)


class CanteenSettings(ScreenForm):
    """Kept as checked JSON (days as ISO text) and read by services."""

    opened_on = wt.DateField(_l("Opening day"), [check.Optional()],
                             description=_l("No meal is recorded for a day before it"))
    seats = wt.IntegerField(_l("Seats"), [check.Optional(), check.NumberRange(min=0, max=5000)])
    sittings = wt.IntegerField(_l("Sittings a meal"), [check.Optional(), check.NumberRange(min=1, max=20)],
                               description=_l("How often the seats are filled; more dine-in meals are asked about"))
    takes_money = wt.BooleanField(_l("Takes money at the counter"),
                                  description=_l("Prepaid accounts, cash and payment code, with receipts"))
    usual_method = wt.SelectField(_l("Usual payment"), choices=choices(USUAL_METHODS), default="cash")
    phone = wt.StringField(_l("Phone of the canteen"), [check.Optional(), check.Length(max=30)])
    address = wt.StringField(_l("Address of the canteen"), [check.Optional(), check.Length(max=100)])
    age_counts = wt.SelectField(
        _l("From when a new age counts"), [check.Optional()], default=AgeCounts.DAY.value,
        choices=choices((how.value, how.label) for how in AgeCounts),
        description=_l("For subsidies by age, e.g. from 70; meals that are recorded keep theirs"))
    order_on = wt.SelectField(_l("Orders close on"), [check.Optional()], default=ORDER_ON,
                              choices=choices((day.value, day.label) for day in OrderDay))
    order_until = wt.TimeField(_l("Orders close at"), [check.Optional()], default=ORDER_UNTIL,
                               description=_l("Afterwards only a manager changes them, with a reason"))
    kitchen = wt.SelectField(
        _l("Kitchen"), choices=choices([("", _l("Not said")), *((k.value, k.label) for k in Kitchen)]), default="",
        description=_l("Where meals are brought, no samples and no disinfection are asked for. Not said: nothing is "
                       "asked for before the first record of the kitchen."))
    fever_from = wt.DecimalField(_l("Unfit for the kitchen from (°C)"), [check.Optional(), check.NumberRange(36, 40)],
                                 places=1, description=_l("Empty: 37.3"))
    sample_hours = wt.IntegerField(_l("Food samples are gone after (hours)"),
                                   [check.Optional(), check.NumberRange(48, 480)], description=_l("Empty: 72"))

"""People at the counter of the tests: residents, diners and cards of the community `upper`."""
from __future__ import annotations

import re
import secrets
from datetime import date
from typing import Any

import sqlalchemy as sa

from core.api import Resident, add_phones, set_name
from plugins.canteen.models import Card, Diner, Meal, MealKind

COUNTER = "/upper/canteen/counter/"
BY_SCRIPT = {"X-Requested-With": "fetch"}


def add_resident(place: Any, name: str, *, phone: str | None = None, **values: Any) -> int:
    """A resident of upper; the id."""
    with place.app.app_context(), place.session("upper", writes=True) as session:
        resident = Resident(birth_date=date(1948, 5, 1), compound="盛世小区", building="3栋", **values)
        set_name(resident, name)
        if phone:
            add_phones(resident, [phone])
        session.add(resident)
        session.flush()
        return resident.id


def add_diner(place: Any, name: str, *, card: str | None = None, ended: date | None = None, **values: Any) -> int:
    """A resident who is a diner already, with a card; the resident's id."""
    about = {k: values.pop(k) for k in ("allergy", "diet_note", "usual_way") if k in values}
    number = add_resident(place, name, **values)
    with place.app.app_context(), place.session("upper", writes=True) as session:
        diner = Diner(resident_id=number, **about)
        session.add(diner)
        if card:
            diner.cards = [Card(number=card, issued_on=date(2026, 3, 1), ended_on=ended)]
    return number


def kind_id(place: Any, name: str) -> int:
    """The id of 早餐, 午餐 or 晚餐."""
    with place.app.app_context(), place.session("upper") as session:
        return session.scalar(sa.select(MealKind.id).where(MealKind.name == name))


def meals(place: Any, *, voided: bool = False) -> list[dict[str, Any]]:
    """The meals of upper, oldest first."""
    with place.app.app_context(), place.session("upper") as session:
        found = session.scalars(sa.select(Meal).order_by(Meal.id)).all()
        return [
            {"name": m.diner.resident.name if m.diner else None, "day": m.day, "kind": m.kind.name, "way": m.way.value,
             "standard": m.standard_price, "paid": m.self_pay, "reason": m.reason, "by": m.recorded_by,
             "source": m.source.value, "void_reason": m.void_reason, "voided_by": m.voided_by, "id": m.id}
            for m in found if (m.voided_at is not None) == voided
        ]


def once() -> str:
    """A key as a page makes it."""
    return secrets.token_urlsafe(24)


def record(browser: Any, **values: Any) -> Any:
    """What the counter's script sends for one meal."""
    return browser.post(COUNTER + "record/", {"once": once(), **values}, headers=BY_SCRIPT)


def find(browser: Any, text: str, **values: Any) -> dict[str, Any]:
    """What the counter's script asks, with the names found in order."""
    answer = browser.get(COUNTER + "find/", query_string={"q": text, **values}, headers=BY_SCRIPT).get_json()
    return {**answer, "names": re.findall(r'data-who="([^"]*)"', answer.get("html", ""))}

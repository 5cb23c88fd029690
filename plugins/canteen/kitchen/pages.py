"""What all pages of the kitchen share: how they read a day, a sitting and an hour, and how they name people."""
from __future__ import annotations

import unicodedata
from datetime import date, datetime, time, timedelta
from typing import Any

from flask import request
from flask_babel import format_date
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.api import BEIJING, Page, ValidationError, mask_name, today, visit
from plugins.canteen.models import MealKind

SECTION = _l("Menu and food safety")
FARTHEST = timedelta(days=3660)  # a day in the address line, from today


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None
    return day if day is not None and abs(day - today()) < FARTHEST else None


def asked_day() -> date:
    """The day of the address line or the form, else today."""
    return _day(request.values.get("day", "")) or today()


def typed_day(name: str = "day") -> date:
    """A day that was sent to be recorded. Raises ValidationError where it is none."""
    day = _day(request.form.get(name, ""))
    if day is None:
        raise ValidationError(_("Please give the day as 2026-01-31."), name)
    return day


def asked_kind(kinds: list[MealKind], default: MealKind | None) -> MealKind | None:
    """The kind of meal that is asked for."""
    return next((kind for kind in kinds if str(kind.id) == request.values.get("kind")), default)


def typed_moment(day: date, text: str, field: str) -> datetime:
    """An hour of a day (11:05, １１：０５) on a Beijing clock. Raises ValidationError where it is none."""
    text = unicodedata.normalize("NFKC", text).strip()
    try:
        clock = time.fromisoformat(text) if 4 < len(text) < 9 else None
    except ValueError:
        clock = None
    if clock is None or clock.tzinfo is not None:
        raise ValidationError(_("Please give the time as 11:05."), field)
    return datetime.combine(day, clock, tzinfo=BEIJING)


def named(name: str) -> str:
    """The name of somebody in the kitchen as this reader may see it."""
    return name if visit().access.sees_names else mask_name(name)


def day_name(day: date) -> str:
    """星期一, Monday."""
    return format_date(day, "EEEE")


class KitchenPage(Page):
    """A page of a day or a week."""

    section = SECTION
    menu_action = "view"

    def address(self, day: date, view: str = ".index", **more: Any) -> str:
        """A view of a day, or of its week."""
        return self.get_url(view, day=day.isoformat(), **more)

    def shifted(self, day: date, days: int) -> date:
        """So many days later."""
        return day + timedelta(days=days)

    def page(self, template: str, title: Any, **words: Any) -> str:
        """A template with what all of them need."""
        return self.render(f"canteen/{template}.html", title=str(title), page=self, today=today(), day_name=day_name,
                           named=named, **words)

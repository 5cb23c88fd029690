"""The menu of a week: dishes of sittings, typed by their names; what is new becomes a dish."""
from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session, joinedload

from core.api import ValidationError, clean_reason
from plugins.canteen.kitchen.models import Dish, MenuDish, MenuWeek

BETWEEN_DISHES = re.compile(r"[、，,;；/\n\r]+")
LONGEST_NAME, MOST_DISHES = 40, 20  # characters of a dish; dishes of a sitting

Cell = tuple[date, int]  # a sitting: its day and the id of its kind of meal


def monday_of(day: date) -> date:
    """The Monday of the week."""
    return day - timedelta(days=day.weekday())


def days_of(monday: date) -> list[date]:
    """Monday to Sunday."""
    return [monday + timedelta(days=number) for number in range(7)]


def week_of(session: Session, monday: date) -> MenuWeek | None:
    """What is known about the menu of a week."""
    return session.scalar(sa.select(MenuWeek).where(MenuWeek.monday == monday))


def menu_between(session: Session, first: date, last: date) -> dict[Cell, list[Dish]]:
    """The dishes of every sitting from a day to a day that has any, in their order."""
    found: dict[Cell, list[Dish]] = {}
    rows = session.scalars(sa.select(MenuDish).where(MenuDish.day.between(first, last))
                           .options(joinedload(MenuDish.dish)).order_by(MenuDish.id))
    for row in rows:
        found.setdefault((row.day, row.kind_id), []).append(row.dish)
    return found


def typed_dishes(texts: Iterable[str]) -> list[str]:
    """The names in what was typed, once each; several may stand in one input, divided by 、 or a comma.

    Raises ValidationError for a name that is too long, or too many.
    """
    names = dict.fromkeys(clean_reason(name) for text in texts for name in BETWEEN_DISHES.split(text))
    names.pop("", None)
    if too_long := next((name for name in names if len(name) > LONGEST_NAME), None):
        raise ValidationError(_("The name of a dish has at most %(most)s characters: %(name)s…", most=LONGEST_NAME,
                                name=too_long[:12]))
    if len(names) > MOST_DISHES:
        raise ValidationError(_("A sitting has at most %(most)s dishes.", most=MOST_DISHES))
    return list(names)


def dishes_named(session: Session, names: Iterable[str]) -> dict[str, Dish]:
    """The living dishes of these names; those that nobody knows yet are made."""
    wanted = list(dict.fromkeys(names))
    known = {dish.name: dish for dish in session.scalars(
        sa.select(Dish).where(Dish.name.in_(wanted), Dish.deleted_at.is_(None)))}
    made = {name: Dish(name=name) for name in wanted if name not in known}
    session.add_all(made.values())
    session.flush()
    return known | made


def set_menu(session: Session, cells: Mapping[Cell, list[str]], today: date) -> None:
    """Make these the dishes of these sittings.

    Raises ValidationError where a dish would go from a day that is over: what was served stays in the book.
    """
    if not cells:
        return
    days = [day for day, _kind in cells]
    present = menu_between(session, min(days), max(days))
    changed = {cell: names for cell, names in cells.items() if [d.name for d in present.get(cell, ())] != names}
    for (day, kind_id), names in changed.items():
        gone = [dish.name for dish in present.get((day, kind_id), ()) if dish.name not in names]
        if gone and day < today:
            raise ValidationError(_("%(day)s is over: %(dishes)s cannot be taken from its menu. Dishes can only be "
                                    "added.", day=day.isoformat(), dishes="、".join(gone)))
    dishes = dishes_named(session, [name for names in changed.values() for name in names])
    for row in session.scalars(sa.select(MenuDish).where(MenuDish.day.between(min(days), max(days)))):
        if (row.day, row.kind_id) in changed:
            session.delete(row)
    session.flush()  # or the new rows would meet the old ones
    session.add_all(MenuDish(day=day, kind_id=kind_id, dish_id=dishes[name].id)
                    for (day, kind_id), names in changed.items() for name in names)


def publish(week: MenuWeek, day: date) -> None:
    """公示: from this day on everybody may read it; one that is published already keeps its first day."""
    week.published_on = week.published_on or day


def changed_since(week: MenuWeek, changed_on: date) -> bool:
    """Whether it changed after the day on which it was published."""
    return week.published_on is not None and changed_on > week.published_on


def touch(week: MenuWeek, by: str, at: datetime) -> None:
    """Note who changed it."""
    week.changed_by, week.changed_at = by, at

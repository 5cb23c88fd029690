"""The book of a day: what was recorded, and what is missing; for the workbench, the day's sheet and the month."""
from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session, joinedload

from core.api import Choice, settings_of
from plugins.canteen.kitchen.menus import menu_between
from plugins.canteen.kitchen.models import (
    Cook,
    Dish,
    Disinfection,
    Duty,
    FoodSample,
    MenuDish,
    MorningCheck,
    PurchaseCheck,
)
from plugins.canteen.kitchen.people import checks_between, duties_between, why_not
from plugins.canteen.kitchen.samples import without_sample
from plugins.canteen.ledger.models import Tally
from plugins.canteen.models import Meal, MealKind
from plugins.canteen.services import kinds_of
from plugins.canteen.settings import PLUGIN, Kitchen


class Subject(Choice):
    """What the book of a day is asked for."""

    MENU = "menu", _l("Menu")
    SAMPLES = "samples", _l("Food samples")
    MORNING = "morning", _l("Morning check")
    DISINFECTION = "disinfection", _l("Disinfection")
    CERTIFICATES = "certificates", _l("Health certificates")


ASKED: dict[Kitchen, frozenset[Subject]] = {
    Kitchen.OWN: frozenset(Subject),
    Kitchen.BROUGHT: frozenset({Subject.MENU, Subject.MORNING, Subject.CERTIFICATES}),
}


@dataclass(frozen=True)
class Gap:
    """Something that is missing: of which subject, in words, and for which kind of meal."""

    subject: Subject
    text: str
    kind_id: int | None = None
    bad: bool = False


@dataclass
class DayBook:
    """Everything of a day, in the order in which it is printed."""

    day: date
    menu: dict[int, list[Dish]] = field(default_factory=dict)
    meals: dict[int, int] = field(default_factory=dict)
    samples: list[FoodSample] = field(default_factory=list)
    duties: list[Duty] = field(default_factory=list)
    checks: list[MorningCheck] = field(default_factory=list)
    disinfections: list[Disinfection] = field(default_factory=list)
    purchases: list[PurchaseCheck] = field(default_factory=list)

    def unchecked(self) -> list[Cook]:
        """Who is on duty and was not checked."""
        known = {check.cook_id for check in self.checks}
        return [duty.cook for duty in self.duties if duty.cook_id not in known]

    def unfit(self) -> set[int]:
        """Who was taken off duty by the morning check: the ids."""
        return {check.cook_id for check in self.checks if not check.fit}

    def faults(self, named: Callable[[str], str] = str) -> list[str]:
        """Who is on duty without a valid certificate, in words: a certificate may be shortened afterwards."""
        return [reason for duty in self.duties if (reason := why_not(duty.cook, self.day, named))]


def asked_of(session: Session, community_id: int) -> frozenset[Subject]:
    """What this canteen is asked for; nothing before the first record, where the settings say nothing."""
    chosen = settings_of(session, community_id, PLUGIN).get("kitchen")
    if chosen in {kitchen.value for kitchen in Kitchen}:
        return ASKED[Kitchen(chosen)]
    return ASKED[Kitchen.OWN] if first_day(session) else frozenset()


def first_day(session: Session) -> date | None:
    """The first day with a record of the kitchen; None before there is any."""
    days = [session.scalar(sa.select(sa.func.min(model.day)))
            for model in (MenuDish, FoodSample, Duty, Disinfection, PurchaseCheck)]
    return min((day for day in days if day), default=None)


def read_days(session: Session, first: date, last: date) -> dict[date, DayBook]:
    """The books of all days from a day to a day, in one statement for each kind of record."""
    books = {day: DayBook(day) for day in
             (first + timedelta(days=number) for number in range((last - first).days + 1))}
    for (day, kind_id), dishes in menu_between(session, first, last).items():
        books[day].menu[kind_id] = dishes
    for day, kind_id, number in _served(session, first, last):
        books[day].meals[kind_id] = books[day].meals.get(kind_id, 0) + number
    for duty in duties_between(session, first, last):
        books[duty.day].duties.append(duty)
    for check in checks_between(session, first, last):
        books[check.day].checks.append(check)
    for sample in _valid(session, FoodSample, first, last, joinedload(FoodSample.dish)):
        books[sample.day].samples.append(sample)
    for record in _valid(session, Disinfection, first, last):
        books[record.day].disinfections.append(record)
    for record in _valid(session, PurchaseCheck, first, last):
        books[record.day].purchases.append(record)
    return books


def _served(session: Session, first: date, last: date) -> list[tuple[date, int, int]]:
    """(day, id of the kind, meals): those that were named, then those that were only counted."""
    named = sa.select(Meal.day, Meal.kind_id, sa.func.count()).where(
        Meal.day.between(first, last), *Meal.counts()).group_by(Meal.day, Meal.kind_id)
    counted = sa.select(Tally.day, Tally.kind_id, sa.func.sum(Tally.unnamed)).where(
        Tally.day.between(first, last), Tally.voided_at.is_(None), Tally.unnamed > 0).group_by(
        Tally.day, Tally.kind_id)
    return [(day, kind_id, int(number)) for query in (named, counted)
            for day, kind_id, number in session.execute(query)]


def _valid(session: Session, model: Any, first: date, last: date, *loads: Any) -> list[Any]:
    return list(session.scalars(sa.select(model).where(model.day.between(first, last), model.voided_at.is_(None))
                                .options(*loads).order_by(model.id)))


def gaps_of(
    book: DayBook, kinds: list[MealKind], asked: Collection[Subject], named: Callable[[str], str] = str
) -> list[Gap]:
    """What is missing of a day on which meals were served, and faults of the roster; in the order of the subjects."""
    found = []
    served = [kind for kind in kinds if book.meals.get(kind.id)]
    for kind in served:
        if not book.menu.get(kind.id):
            found.append(Gap(Subject.MENU, _("%(kind)s: no menu", kind=kind.name), kind.id))
    for kind in served:
        if text := _without_sample(book, kind):
            found.append(Gap(Subject.SAMPLES, text, kind.id, bad=True))
    if served and not book.duties:
        found.append(Gap(Subject.MORNING, _("Nobody is on the duty roster")))
    if names := "、".join(named(cook.name) for cook in book.unchecked()):
        found.append(Gap(Subject.MORNING, _("Not checked this morning: %(names)s", names=names)))
    if served and not book.disinfections:
        found.append(Gap(Subject.DISINFECTION, _("No disinfection is recorded")))
    found += [Gap(Subject.CERTIFICATES, text, bad=True) for text in book.faults(named)]
    return [gap for gap in found if gap.subject in asked]


def _without_sample(book: DayBook, kind: MealKind) -> str | None:
    samples = [sample for sample in book.samples if sample.kind_id == kind.id]
    missing = without_sample(book.menu.get(kind.id, ()), samples)
    if missing:
        return _("%(kind)s: no sample of %(dishes)s", kind=kind.name, dishes="、".join(d.name for d in missing))
    return None if samples else _("%(kind)s: no sample", kind=kind.name)


def serving_is_over(session: Session, book: DayBook, clock: time) -> bool:
    """Whether one of the sittings that were served has ended: then the first disinfection is due."""
    return any(kind.closes <= clock for kind in kinds_of(session) if book.meals.get(kind.id))

"""食品留样: at least 125 g of each dish, kept at least 48 hours."""
from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session, joinedload

from core.api import Choice, ValidationError, beijing, clean_reason, settings_by_community, settings_of
from plugins.canteen.kitchen.menus import dishes_named, typed_dishes
from plugins.canteen.kitchen.models import LEAST_GRAMS, Dish, FoodSample
from plugins.canteen.models import MealKind
from plugins.canteen.settings import PLUGIN

KEPT = timedelta(hours=48)  # GB 31654-2021 and 餐饮服务食品安全操作规范 (domain.md §2.4)
UNTIL_HOURS = 72  # when a sample should be gone, where the settings say nothing else
MOST_GRAMS = 5000
LONGEST = 30  # characters of a name and a fridge


class Kept(Choice):
    """What is to be done with a sample now."""

    KEEP = "keep", _l("Keep")
    MAY_GO = "may_go", _l("May be thrown away")
    OVERDUE = "overdue", _l("Overdue")
    GONE = "gone", _l("Thrown away")


COLOURS = {Kept.KEEP: "info", Kept.MAY_GO: "warn", Kept.OVERDUE: "bad", Kept.GONE: ""}


@dataclass(frozen=True)
class Line:
    """One line of the fast entry: a dish by its name, and the grams as typed."""

    dish: str
    grams: str


def whole_number(text: str) -> int | None:
    """A number as people type it (１２５, 125 克, 125g); None where it is none."""
    text = unicodedata.normalize("NFKC", text).strip().lower().removesuffix("克").removesuffix("g").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def check_grams(text: str, dish: str) -> int:
    """The grams of a sample. Raises ValidationError below 125 g."""
    grams = whole_number(text)
    if grams is None or grams > MOST_GRAMS:
        raise ValidationError(_("Please give the grams of %(dish)s as a whole number.", dish=dish), "grams")
    if grams < LEAST_GRAMS:
        raise ValidationError(_("%(dish)s: %(grams)s g is too little. A sample has at least %(least)s g; please take "
                                "more.", dish=dish, grams=grams, least=LEAST_GRAMS), "grams")
    return grams


def take_samples(
    session: Session, day: date, kind: MealKind, lines: Iterable[Line], taken_at: datetime, taken_by: str,
    fridge: str, by: str, at: datetime,
) -> list[FoodSample]:
    """A sample of each line with grams; `at` is the moment of recording, `by` who records (UTC).

    Raises ValidationError with what to do: too little, taken in the future or on another day, sampled already.
    """
    taken_by, fridge = clean_reason(taken_by), clean_reason(fridge)
    if not taken_by:
        raise ValidationError(_("Please say who took the samples."), "taken_by")
    if max(len(taken_by), len(fridge)) > LONGEST:
        raise ValidationError(_("At most %(most)s characters.", most=LONGEST), "taken_by")
    if taken_at > at:
        raise ValidationError(_("This time lies in the future. Please give the time at which the samples were taken."),
                              "time")
    wanted = _wanted(lines)
    if not wanted:
        raise ValidationError(_("Please give the grams of at least one dish."), "grams")
    dishes = dishes_named(session, wanted)
    known = sampled(session, day, kind.id)
    if double := next((name for name in wanted if dishes[name].id in known), None):
        raise ValidationError(_("There is already a sample of %(dish)s of this meal.", dish=double), "dish")
    samples = [FoodSample(day=day, kind_id=kind.id, dish=dishes[name], grams=grams, fridge=fridge or None,
                          taken_at=taken_at, taken_by=taken_by, recorded_by=by) for name, grams in wanted.items()]
    session.add_all(samples)
    return samples


def _wanted(lines: Iterable[Line]) -> dict[str, int]:
    """Dish → grams of the lines that are filled in; a line without grams is left out, one without a dish is asked."""
    wanted: dict[str, int] = {}
    for line in lines:
        if not line.grams.strip():
            continue
        names = typed_dishes([line.dish])
        if len(names) != 1:
            if not names and whole_number(line.grams) == LEAST_GRAMS:
                continue  # an empty line with what was proposed
            raise ValidationError(_("Please give one dish in each line."), "dish")
        if names[0] in wanted:
            raise ValidationError(_("%(dish)s stands here twice.", dish=names[0]), "dish")
        wanted[names[0]] = check_grams(line.grams, names[0])
    return wanted


def sampled(session: Session, day: date, kind_id: int) -> set[int]:
    """The ids of the dishes of a sitting of which there is a sample."""
    return set(session.scalars(sa.select(FoodSample.dish_id).where(
        FoodSample.day == day, FoodSample.kind_id == kind_id, FoodSample.voided_at.is_(None))))


def samples_of(session: Session, day: date, kind_id: int | None = None) -> list[FoodSample]:
    """The valid samples of a day (and sitting), in their order."""
    query = sa.select(FoodSample).where(FoodSample.day == day, FoodSample.voided_at.is_(None))
    query = query.where(FoodSample.kind_id == kind_id) if kind_id else query
    return list(session.scalars(query.options(joinedload(FoodSample.dish), joinedload(FoodSample.kind))
                                .order_by(FoodSample.id)))


def in_the_fridge(session: Session, most: int = 300) -> list[FoodSample]:
    """The samples that are not thrown away yet, the oldest first."""
    return list(session.scalars(
        sa.select(FoodSample).where(FoodSample.disposed_at.is_(None), FoodSample.voided_at.is_(None))
        .options(joinedload(FoodSample.dish), joinedload(FoodSample.kind))
        .order_by(FoodSample.taken_at, FoodSample.id).limit(most)))


def until_hours(session: Session, community_id: int) -> timedelta:
    """After how long a sample should be gone: the community's own, never before the 48 hours are over."""
    return _until(settings_of(session, community_id, PLUGIN))


def until_by_community(session: Session, samples: Iterable[FoodSample]) -> dict[int, timedelta]:
    """The same for the communities of these samples, at once."""
    ids = {sample.community_id for sample in samples}
    stored = settings_by_community(session, ids, PLUGIN)
    return {number: _until(stored.get(number, {})) for number in ids}


def _until(stored: dict[str, Any]) -> timedelta:
    return max(timedelta(hours=stored.get("sample_hours") or UNTIL_HOURS), KEPT)


def state_of(sample: FoodSample, at: datetime, until: timedelta) -> Kept:
    """Whether it is kept, may go, is overdue, or is gone."""
    if sample.disposed_at is not None:
        return Kept.GONE
    age = at - sample.taken_at
    return Kept.KEEP if age < KEPT else Kept.MAY_GO if age <= until else Kept.OVERDUE


def dispose(samples: Iterable[FoodSample], when: datetime, by: str, reason: str, at: datetime) -> None:
    """Throw these away; `at` is now. Before 48 hours are over it needs a reason.

    Raises ValidationError with what to do.
    """
    by, reason = clean_reason(by), clean_reason(reason)
    if not by or len(by) > LONGEST:
        raise ValidationError(_("Please say who threw the samples away, in at most %(most)s characters.",
                                most=LONGEST), "disposed_by")
    if when > at:
        raise ValidationError(_("This time lies in the future. Please give the time at which they were thrown away."),
                              "disposed_at")
    for sample in samples:
        if sample.disposed_at is not None:
            raise ValidationError(_("“%(name)s” has been thrown away already.", name=sample.label))
        if when < sample.taken_at:
            raise ValidationError(_("“%(name)s” was taken only after that time.", name=sample.label), "disposed_at")
        early = when - sample.taken_at < KEPT
        if early and len(reason) < 2:
            raise ValidationError(
                _("“%(name)s” was taken at %(time)s and is to be kept for 48 hours. To throw it away before, please "
                  "give the reason.", name=sample.label, time=f"{beijing(sample.taken_at):%Y-%m-%d %H:%M}"), "reason")
        sample.disposed_at, sample.disposed_by = when, by
        sample.dispose_reason = reason if early else None


def without_sample(menu: Iterable[Dish], samples: Iterable[FoodSample]) -> list[Dish]:
    """What of a menu has no sample."""
    known = {sample.dish_id for sample in samples}
    return [dish for dish in menu if dish.id not in known]

"""The rules of a community and what they paid: chosen for a meal, checked, ended."""
from __future__ import annotations

import calendar
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session, joinedload

from core.api import Money, Resident, ResidentTag, ValidationError
from plugins.canteen.models import AidForm, Diner, Meal, MealKind, SubsidyRule
from plugins.canteen.subsidies.rules import (
    AgeCounts,
    Eater,
    Offer,
    Used,
    best,
    eater_on,
    has_caps,
    offers,
    split_meal,
)

SHARES = ("city_share", "district_share", "street_share", "community_share", "donor_share")
AID = sa.func.sum(Meal.government + Meal.other_aid + Meal.operator_aid, type_=Money)


@dataclass(frozen=True)
class Trial:
    """How somebody is seen on a day, what each rule would pay, and what those with caps have paid already."""

    eater: Eater
    offers: list[Offer]
    used: dict[int, Used]


@dataclass(frozen=True)
class Paid:
    """What a rule paid so far: meals that count, and yuan."""

    meals: int
    yuan: Decimal


def in_force(day: date) -> tuple[Any, ...]:
    """The conditions of a rule that holds on a day."""
    return (SubsidyRule.deleted_at.is_(None), SubsidyRule.starts_on <= day,
            sa.or_(SubsidyRule.ends_on.is_(None), SubsidyRule.ends_on >= day))


def rules_between(session: Session, first: date, last: date) -> list[SubsidyRule]:
    """The rules that hold on any of these days, with their tags and kinds, in one statement."""
    return list(session.scalars(_with_parts(sa.select(SubsidyRule)).where(
        SubsidyRule.deleted_at.is_(None), SubsidyRule.starts_on <= last,
        sa.or_(SubsidyRule.ends_on.is_(None), SubsidyRule.ends_on >= first),
    ).order_by(SubsidyRule.id)).unique())


def _with_parts(query: sa.Select) -> sa.Select:
    return query.options(joinedload(SubsidyRule.tags), joinedload(SubsidyRule.kinds))


def _rules_for(session: Session, diner: Diner, day: date) -> list[SubsidyRule]:
    """The rules of a day. Locks the diner: of two counters the second waits, then sees what the first one used up."""
    query = _with_parts(sa.select(SubsidyRule)).join(Diner, Diner.community_id == SubsidyRule.community_id)
    query = query.where(Diner.id == diner.id, *in_force(day)).order_by(SubsidyRule.id)
    return list(session.scalars(query.with_for_update(of=Diner, key_share=True)).unique())


def aid_for(
    session: Session, diner: Diner, kind: MealKind, day: date, price: Decimal, how: AgeCounts
) -> list[Offer]:
    """What each rule of the day pays for this meal that is about to be recorded; `rules.best` says which counts."""
    return _try(session, _rules_for(session, diner, day), diner.resident, diner.id, kind, day, price, how).offers


def trial(
    session: Session, resident: Resident, kind: MealKind, day: date, price: Decimal, how: AgeCounts
) -> Trial:
    """What each rule, also of other days, would pay for a meal of this resident; nothing is locked or changed."""
    diner_id = session.scalar(sa.select(Diner.id).where(Diner.resident_id == resident.id, Diner.deleted_at.is_(None)))
    every = sa.select(SubsidyRule).where(SubsidyRule.deleted_at.is_(None)).order_by(SubsidyRule.id)
    rules = session.scalars(_with_parts(every)).unique().all()
    return _try(session, rules, resident, diner_id, kind, day, price, how)


def _try(
    session: Session, rules: Sequence[SubsidyRule], resident: Resident, diner_id: int | None, kind: MealKind,
    day: date, price: Decimal, how: AgeCounts,
) -> Trial:
    tags = tags_on(session, resident.id, day) if any(rule.tags for rule in rules) else ()
    capped = [rule.id for rule in rules if has_caps(rule)]
    used = used_by(session, diner_id, capped, day) if capped and diner_id else {}
    eater = eater_on(resident, tags, day, how)
    return Trial(eater, offers(rules, eater, used, day, kind.id, price), used)


def self_pays(
    session: Session, people: Iterable[tuple[Resident, int | None]], kind: MealKind, day: date, price: Decimal,
    how: AgeCounts,
) -> dict[int, Decimal]:
    """What each would pay for a meal, by the residents' ids; of those who are diners their ids.

    One statement for the rules of the day, and one for what those with caps have paid. Nothing is locked: what counts
    is what is recorded.
    """
    people, rules = list(people), rules_between(session, day, day)
    capped, diners = [rule.id for rule in rules if has_caps(rule)], [diner for _who, diner in people if diner]
    used = used_by_each(session, diners, capped, day) if capped and diners else {}
    paying = {}
    for resident, diner in people:
        tags = [tag.kind_id for tag in resident.tags if tag.holds_on(day)]
        found = offers(rules, eater_on(resident, tags, day, how), used.get(diner, {}), day, kind.id, price)
        paying[resident.id] = split_meal(price, best(found)).self_pay
    return paying


def tags_on(session: Session, resident_id: int, day: date) -> frozenset[int]:
    """The kinds of tags that hold for a resident on a day (ResidentTag.holds_on)."""
    return frozenset(session.scalars(sa.select(ResidentTag.kind_id).where(
        ResidentTag.resident_id == resident_id, ResidentTag.starts_on <= day,
        sa.or_(ResidentTag.ends_on.is_(None), ResidentTag.ends_on >= day),
    )))


def used_by(session: Session, diner_id: int, rule_ids: Sequence[int], day: date) -> dict[int, Used]:
    """What these rules have paid for a diner on the day and in its month, by rule."""
    return used_by_each(session, [diner_id], rule_ids, day).get(diner_id, {})


def used_by_each(
    session: Session, diner_ids: Sequence[int], rule_ids: Sequence[int], day: date
) -> dict[int, dict[int, Used]]:
    """The same for several diners, in one statement."""
    today, found = Meal.day == day, {}
    rows = session.execute(
        sa.select(Meal.diner_id, Meal.rule_id, sa.func.count().filter(today), sa.func.count(), AID.filter(today), AID)
        .where(Meal.diner_id.in_(diner_ids), Meal.day.between(*month_of(day)), Meal.rule_id.in_(rule_ids),
               *Meal.counts()).group_by(Meal.diner_id, Meal.rule_id)
    )
    for diner_id, rule_id, meals, of_month, yuan, yuan_of_month in rows:
        found.setdefault(diner_id, {})[rule_id] = Used(meals, of_month, _yuan(yuan), _yuan(yuan_of_month))
    return found


def _yuan(amount: Decimal | None) -> Decimal:
    return amount if amount is not None else Decimal("0.00")


def month_of(day: date) -> tuple[date, date]:
    """The first and the last day of a day's month."""
    return day.replace(day=1), day.replace(day=calendar.monthrange(day.year, day.month)[1])


# -- making, changing, ending -------------------------------------------------------------------


def check_rule(rule: SubsidyRule) -> None:
    """Raises ValidationError, at its field, for a rule that cannot be meant so; drops what its form does not use."""
    if rule.ends_on is not None and rule.ends_on < rule.starts_on:
        raise ValidationError(_("The last day lies before the first. Please choose %(day)s or a later day.",
                                day=rule.starts_on.isoformat()), "ends_on")
    if rule.age_from is not None and rule.age_to is not None and rule.age_to < rule.age_from:
        raise ValidationError(_("Please give an age of at least %(age)s, or none.", age=rule.age_from), "age_to")
    _check_form(rule)
    for name in ("meals_a_day", "meals_a_month", "yuan_a_day", "yuan_a_month"):
        if getattr(rule, name) == 0:
            raise ValidationError(_("Leave this empty where there is no limit, else give more than 0."), name)
    total = sum(getattr(rule, name) or 0 for name in SHARES)
    if total != 100:
        raise ValidationError(shares_text(total), "city_share")


def _check_form(rule: SubsidyRule) -> None:
    if rule.form is AidForm.SHARE:
        if rule.percent is None or not 1 <= rule.percent <= 100:
            raise ValidationError(_("Please give the share of the price, from 1 to 100 %."), "percent")
        rule.amount = None
        return
    if rule.amount is None:
        raise ValidationError(_("Please give the amount in yuan."), "amount")
    if rule.amount == 0 and rule.form is not AidForm.FIXED_PRICE:
        raise ValidationError(_("Please give an amount above 0."), "amount")
    rule.percent = None


def shares_text(total: int) -> str:
    """What to do about shares that do not come to 100 %."""
    if total < 100:
        return _("The shares come to %(sum)s %%: %(rest)s %% are missing.", sum=total, rest=100 - total)
    return _("The shares come to %(sum)s %%: take %(rest)s %% away.", sum=total, rest=total - 100)


def has_paid(session: Session, rule: SubsidyRule) -> bool:
    """Whether any meal, even one taken back since, keeps this rule: then its terms stand for ever."""
    return bool(session.scalar(sa.select(sa.select(Meal.id).where(Meal.rule_id == rule.id).exists())))


def paid_by(session: Session, rule: SubsidyRule) -> Paid:
    """How many meals that count a rule paid for, and how much."""
    meals, yuan = session.execute(
        sa.select(sa.func.count(), AID).where(Meal.rule_id == rule.id, *Meal.counts())).one()
    return Paid(meals, _yuan(yuan))


def stands_text(session: Session, rule: SubsidyRule) -> str:
    """Why the terms of a rule are not changed any more, and what to do instead."""
    meals = paid_by(session, rule).meals
    return ngettext("“%(name)s” has paid for %(num)s meal. Its terms stand: end it on a day and make a new one.",
                    "“%(name)s” has paid for %(num)s meals. Its terms stand: end it on a day and make a new one.",
                    meals, name=rule.name)


def end_rule(rule: SubsidyRule, last: date) -> None:
    """Let a rule end on a day; meals after it keep what they have.

    Raises ValidationError for a day before the rule begins, or after it ends already.
    """
    if last < rule.starts_on:
        raise ValidationError(_("The rule begins on %(day)s. Please choose that day or a later one as its last.",
                                day=rule.starts_on.isoformat()), "ends_on")
    if rule.ends_on is not None and last > rule.ends_on:
        raise ValidationError(_("The rule ends on %(day)s already. To go on with it, make a new rule.",
                                day=rule.ends_on.isoformat()), "ends_on")
    rule.ends_on = last


def replace_rule(old: SubsidyRule, new: SubsidyRule) -> None:
    """Let the old rule end on the day before the new one begins, unless it ends earlier."""
    if new.starts_on <= old.starts_on:
        raise ValidationError(_("“%(name)s” begins on %(day)s. Please let the new rule begin on a later day.",
                                name=old.name, day=old.starts_on.isoformat()), "starts_on")
    last = new.starts_on - timedelta(days=1)
    if old.ends_on is None or old.ends_on > last:
        old.ends_on = last


def overlapping(session: Session, rule: SubsidyRule) -> SubsidyRule | None:
    """Another rule of the same name that holds on some of the same days."""
    query = sa.select(SubsidyRule).where(
        SubsidyRule.name == rule.name, SubsidyRule.id != rule.id, SubsidyRule.deleted_at.is_(None),
        sa.or_(SubsidyRule.ends_on.is_(None), SubsidyRule.ends_on >= rule.starts_on),
    )
    if rule.ends_on is not None:
        query = query.where(SubsidyRule.starts_on <= rule.ends_on)
    return session.scalar(query.order_by(SubsidyRule.id).limit(1))

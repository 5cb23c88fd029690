"""Which subsidy a meal gets and who pays it, in yuan; sums without a database (domain.md §2.2)."""
from __future__ import annotations

import calendar
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from flask_babel import lazy_gettext as _l

from core.api import Choice, LifeState, Resident
from plugins.canteen.models import AidForm, SubsidyRule

FEN, NOTHING = Decimal("0.01"), Decimal("0.00")


class AgeCounts(Choice):
    """From when a new age counts, a setting of the community."""

    DAY = "day", _l("From the birthday on")
    MONTH = "month", _l("From the 1st of the birthday's month")
    NEXT_MONTH = "next_month", _l("From the 1st of the month after the birthday")


class Obstacle(Choice):
    """Why a rule pays nothing for a meal."""

    DATES = "dates", _l("Not in force on this day")
    KIND = "kind", _l("Not for this meal")
    LEFT = "left", _l("No longer lives here")
    NO_BIRTH_DATE = "no_birth_date", _l("The birth date is not known")
    TOO_YOUNG = "too_young", _l("Too young")
    TOO_OLD = "too_old", _l("Too old")
    NOT_REGISTERED = "not_registered", _l("Not registered here")
    NO_TAG = "no_tag", _l("Has none of the tags on this day")
    MEALS_A_DAY = "meals_a_day", _l("The meals of this day are used up")
    MEALS_A_MONTH = "meals_a_month", _l("The meals of this month are used up")
    YUAN_A_DAY = "yuan_a_day", _l("The yuan of this day are used up")
    YUAN_A_MONTH = "yuan_a_month", _l("The yuan of this month are used up")
    NOTHING_LEFT = "nothing_left", _l("The price leaves nothing to pay")


@dataclass(frozen=True)
class Eater:
    """What the rules ask about somebody on a day; `tags` are the kinds of tags that hold then."""

    age: int | None
    tags: frozenset[int] = frozenset()
    registered_here: bool = False
    lives_here: bool = True


@dataclass(frozen=True)
class Used:
    """What a rule has paid for one diner, on the day and in the month of a meal."""

    meals_today: int = 0
    meals_this_month: int = 0
    yuan_today: Decimal = NOTHING
    yuan_this_month: Decimal = NOTHING

    def and_one(self, aid: Decimal) -> Used:
        """With one more meal of the same day."""
        return Used(self.meals_today + 1, self.meals_this_month + 1, self.yuan_today + aid, self.yuan_this_month + aid)


@dataclass(frozen=True)
class Offer:
    """What a rule would pay for a meal, or why nothing."""

    rule: SubsidyRule
    aid: Decimal = NOTHING
    obstacle: Obstacle | None = None


@dataclass(frozen=True)
class Split:
    """Who pays a meal, under the names of its columns: none below zero, and the sums that the table checks."""

    standard_price: Decimal
    self_pay: Decimal
    government: Decimal = NOTHING
    other_aid: Decimal = NOTHING
    operator_aid: Decimal = NOTHING
    city_pays: Decimal = NOTHING
    district_pays: Decimal = NOTHING
    street_pays: Decimal = NOTHING
    community_pays: Decimal = NOTHING
    donors_pay: Decimal = NOTHING


def age_counted(resident: Resident, day: date, how: AgeCounts) -> int | None:
    """周岁 as the community counts it on a day; who was born on 29 February turns on 1 March."""
    if how is AgeCounts.MONTH:
        day = day.replace(day=calendar.monthrange(day.year, day.month)[1])
    elif how is AgeCounts.NEXT_MONTH:
        day = day.replace(day=1) - timedelta(days=1)
    age = resident.age_on(day)
    return None if age is None else max(age, 0)


def left_by(resident: Resident, day: date) -> bool:
    """Whether somebody had died or moved away by this day; what was eaten before that was eaten."""
    return resident.state != LifeState.ALIVE and (resident.state_on is None or day >= resident.state_on)


def eater_on(resident: Resident, tags: Iterable[int], day: date, how: AgeCounts) -> Eater:
    """Somebody as the rules see them on a day. Who moved away or died has no claim from that day on."""
    return Eater(age_counted(resident, day, how), frozenset(tags), resident.registered_here is True,
                 not left_by(resident, day))


def obstacle(rule: SubsidyRule, eater: Eater, day: date, kind_id: int) -> Obstacle | None:
    """Why a rule does not hold for somebody's meal; None where it does. Its caps are not asked."""
    if day < rule.starts_on or (rule.ends_on is not None and day > rule.ends_on):
        return Obstacle.DATES
    if rule.kinds and kind_id not in {part.kind_id for part in rule.kinds}:
        return Obstacle.KIND
    if not eater.lives_here:
        return Obstacle.LEFT
    if rule.registered_only and not eater.registered_here:
        return Obstacle.NOT_REGISTERED
    if rule.tags and eater.tags.isdisjoint(part.tag_kind_id for part in rule.tags):
        return Obstacle.NO_TAG
    return _age_obstacle(rule, eater.age)


def _age_obstacle(rule: SubsidyRule, age: int | None) -> Obstacle | None:
    if rule.age_from is None and rule.age_to is None:
        return None
    if age is None:
        return Obstacle.NO_BIRTH_DATE
    if rule.age_from is not None and age < rule.age_from:
        return Obstacle.TOO_YOUNG
    return Obstacle.TOO_OLD if rule.age_to is not None and age > rule.age_to else None


def full_aid(rule: SubsidyRule, price: Decimal) -> Decimal:
    """What a rule pays for a meal of this price while its caps have room: half-up to the fen, at most the price."""
    if rule.form is AidForm.SHARE:
        aid = half_up(price * rule.percent / 100)
    elif rule.form is AidForm.FIXED_PRICE:
        aid = price - rule.amount
    else:
        aid = rule.amount
    return min(max(aid, NOTHING), price)


def half_up(amount: Decimal) -> Decimal:
    """Rounded to the fen, half a fen upwards."""
    return amount.quantize(FEN, ROUND_HALF_UP)


def has_caps(rule: SubsidyRule) -> bool:
    """Whether it matters what the rule has paid before."""
    return any(cap is not None for cap in (rule.meals_a_day, rule.meals_a_month, rule.yuan_a_day, rule.yuan_a_month))


def offer(rule: SubsidyRule, eater: Eater, used: Used, day: date, kind_id: int, price: Decimal) -> Offer:
    """What a rule pays for this meal; of a cap in yuan the rest that is left."""
    if why_not := obstacle(rule, eater, day, kind_id):
        return Offer(rule, obstacle=why_not)
    aid = full_aid(rule, price)
    if aid == 0:
        return Offer(rule, obstacle=Obstacle.NOTHING_LEFT)
    for cap, spent, why_not in (
        (rule.meals_a_day, used.meals_today, Obstacle.MEALS_A_DAY),
        (rule.meals_a_month, used.meals_this_month, Obstacle.MEALS_A_MONTH),
        (rule.yuan_a_day, used.yuan_today, Obstacle.YUAN_A_DAY),
        (rule.yuan_a_month, used.yuan_this_month, Obstacle.YUAN_A_MONTH),
    ):
        if cap is not None and spent >= cap:
            return Offer(rule, obstacle=why_not)
    for cap, spent in ((rule.yuan_a_day, used.yuan_today), (rule.yuan_a_month, used.yuan_this_month)):
        if cap is not None:
            aid = min(aid, cap - spent)
    return Offer(rule, aid)


def offers(
    rules: Iterable[SubsidyRule], eater: Eater, used: Mapping[int, Used], day: date, kind_id: int, price: Decimal,
) -> list[Offer]:
    """What each rule pays for a meal; `used` by the rules' ids."""
    return [offer(rule, eater, used.get(rule.id, Used()), day, kind_id, price) for rule in rules]


def best(found: Iterable[Offer]) -> Offer | None:
    """The one that counts (就高不就低，不叠加): the highest; of equals the highest priority, then the oldest rule."""
    paying = [each for each in found if each.aid > 0]
    return max(paying, key=lambda each: (each.aid, each.rule.priority, -each.rule.id), default=None)


def split_meal(price: Decimal, chosen: Offer | None) -> Split:
    """Divide a price: public payers are government, donors other aid; an aid to the operator leaves the price whole."""
    if chosen is None:
        return Split(price, price)
    rule, aid = chosen.rule, chosen.aid
    *public, donors = share_out(aid, (rule.city_share, rule.district_share, rule.street_share, rule.community_share,
                                      rule.donor_share))
    if rule.form is AidForm.OPERATOR:
        return Split(price, price, NOTHING, NOTHING, aid, *public, donors)
    return Split(price, price - aid, sum(public, NOTHING), donors, NOTHING, *public, donors)


def share_out(amount: Decimal, shares: Sequence[int]) -> list[Decimal]:
    """Divide an amount by shares in percent, each half-up to the fen; the largest share takes the rest of rounding.

    Where many halves rounded up come to more than there is, the smaller shares go short: none is below zero.
    """
    largest = max(range(len(shares)), key=lambda at: (shares[at], -at))
    parts, left = [NOTHING] * len(shares), amount
    for at in sorted(range(len(shares)), key=lambda at: -shares[at]):
        if at != largest:
            parts[at] = min(half_up(amount * shares[at] / 100), left)
            left -= parts[at]
    parts[largest] = left
    return parts

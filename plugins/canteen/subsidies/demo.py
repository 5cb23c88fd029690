"""Demonstration rules as one place has them (domain.md §2.2), one of donors, and what they pay for invented meals."""
from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.api import TagKind
from plugins.canteen.models import AidForm, Diner, MealKind, RuleKind, RuleTag, SubsidyRule
from plugins.canteen.services import kinds_of
from plugins.canteen.subsidies.claims import tags_of
from plugins.canteen.subsidies.rules import AgeCounts, Used, best, eater_on, offers, split_meal
from plugins.canteen.subsidies.services import SHARES, month_of

PUBLIC = {"city_share": 30, "district_share": 40, "street_share": 30}
HARD = ("特困", "低保", "失独", "失能")
RULES: tuple[dict[str, Any], ...] = (
    {"name": "高龄助餐（70–89 岁）", "age_from": 70, "age_to": 89, "amount": Decimal(3), "meals_a_day": 2, **PUBLIC},
    {"name": "高龄助餐（90 岁及以上）", "age_from": 90, "amount": Decimal(5), "meals_a_day": 2, **PUBLIC},
    {"name": "特殊困难老年人助餐", "age_from": 60, "amount": Decimal(4), "meals_a_day": 2, "tags": HARD, **PUBLIC},
    {"name": "爱心企业敬老午餐", "age_from": 65, "registered_only": True, "form": AidForm.SHARE, "percent": 20,
     "yuan_a_month": Decimal(60), "kinds": ("午餐",), "donor_share": 80, "community_share": 20},
)


class DemoSubsidies:
    """The rules of a community, and the invented meals they paid so far."""

    def __init__(self, session: Session, first: date, today: date) -> None:
        """Makes the rules: those of the age from the year of `first` on, the donors' from this month."""
        tags = dict(session.execute(sa.select(TagKind.name, TagKind.id)).all())
        kinds = {kind.name: kind.id for kind in kinds_of(session)}
        starts = first.replace(month=1, day=1)
        self.rules = [_rule(terms, tags, kinds, today.replace(day=1) if "donor_share" in terms else starts)
                      for terms in RULES]
        self.rules[1].ends_on = _next_month(today).replace(day=15)
        raised = _rule({**RULES[1], "amount": Decimal(6)}, tags, kinds, _next_month(today).replace(day=16))
        session.add_all([*self.rules, raised])
        session.flush()
        self.asked = tags_of(self.rules)
        self.used: dict[tuple[int, int], tuple[date, Used]] = {}

    def of(self, diner: Diner | None, kind: MealKind, day: date, price: Decimal) -> dict[str, Any]:
        """The columns of a meal that say which rule counts and who pays."""
        if diner is None:
            return vars(split_meal(price, None))
        person = diner.resident
        held = [tag.kind_id for tag in person.tags if tag.kind_id in self.asked and tag.holds_on(day)]
        eater = eater_on(person, held, day, AgeCounts.DAY)
        used = {rule.id: self._used(diner.id, rule.id, day) for rule in self.rules}
        chosen = best(offers(self.rules, eater, used, day, kind.id, price))
        if chosen is None:
            return {"age": eater.age, **vars(split_meal(price, None))}
        self.used[diner.id, chosen.rule.id] = (day, used[chosen.rule.id].and_one(chosen.aid))
        return {"rule_id": chosen.rule.id, "age": eater.age, **vars(split_meal(price, chosen))}

    def _used(self, diner_id: int, rule_id: int, day: date) -> Used:
        """Of the last meal that the rule paid: what still counts for this day. Days come in order."""
        last, used = self.used.get((diner_id, rule_id), (day, Used()))
        if (last.year, last.month) != (day.year, day.month):
            return Used()
        return used if last == day else Used(0, used.meals_this_month, Decimal(0), used.yuan_this_month)


def review_soon(diners: list[Diner], today: date) -> None:
    """Two of those in hardship are looked at again in the middle of the next month, so that their tags end."""
    tags = [tag for diner in diners for tag in diner.resident.tags if tag.kind.name in HARD and tag.holds_on(today)]
    for tag in tags[:2]:
        tag.ends_on = _next_month(today).replace(day=20)


def _next_month(day: date) -> date:
    return month_of(day)[1] + timedelta(days=1)


def _rule(terms: dict[str, Any], tags: dict[str, int], kinds: dict[str, int], starts_on: date) -> SubsidyRule:
    named = {**dict.fromkeys(SHARES, 0), "form": AidForm.AMOUNT, **terms, "starts_on": starts_on}
    rule_tags, rule_kinds = named.pop("tags", ()), named.pop("kinds", ())
    return SubsidyRule(
        priority=0, registered_only=named.pop("registered_only", False),
        tags=[RuleTag(tag_kind_id=tags[name]) for name in rule_tags if name in tags],
        kinds=[RuleKind(kind_id=kinds[name]) for name in rule_kinds if name in kinds], **named,
    )

"""Who has a claim when: all diners under the rules of a day, and what changes for them in a month."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session, load_only

from core.api import Resident, ResidentTag, TagKind
from plugins.canteen.models import Diner, SubsidyRule
from plugins.canteen.subsidies.rules import AgeCounts, Eater, Offer, best, eater_on, obstacle, offers
from plugins.canteen.subsidies.services import month_of, rules_between

ROUND_AGES = frozenset({60, 70, 80, 90})
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Claimant:
    """A diner, with the tags that matter: (kind of tag, first day, last day or None)."""

    resident: Resident
    tags: list[tuple[int, date, date | None]] = field(default_factory=list)

    def tags_on(self, day: date) -> set[int]:
        """The kinds of tags that hold on a day."""
        return {kind for kind, first, last in self.tags if first <= day and (last is None or day <= last)}

    def on(self, day: date, how: AgeCounts) -> Eater:
        """As the rules see this person on a day."""
        return eater_on(self.resident, self.tags_on(day), day, how)


@dataclass(frozen=True)
class Holders:
    """For how many of all diners a rule holds."""

    holding: int
    all: int


@dataclass(frozen=True)
class Change:
    """What changes from a day on: for somebody, with what was paid before and is then, or by a rule (no resident)."""

    day: date
    what: str
    before: Offer | SubsidyRule | None
    after: Offer | SubsidyRule | None
    resident: Resident | None = None
    by_birthday: bool = False  # the day tells the birthday


@dataclass(frozen=True)
class Example:
    """A meal by which rules are compared: all caps have room."""

    rules: Sequence[SubsidyRule]
    how: AgeCounts
    kind_id: int
    price: Decimal

    def winner(self, claimant: Claimant, day: date) -> Offer | None:
        """The rule that counts for somebody on a day."""
        return best(offers(self.rules, claimant.on(day, self.how), {}, day, self.kind_id, self.price))


def claimants(session: Session, tag_kinds: Iterable[int]) -> list[Claimant]:
    """All diners by name, with their tags of these kinds; in two statements."""
    diners = sa.select(Diner.resident_id).where(Diner.deleted_at.is_(None))
    people = session.scalars(
        sa.select(Resident).where(Resident.id.in_(diners), Resident.deleted_at.is_(None))
        .options(load_only(Resident.name, Resident.birth_date, Resident.registered_here, Resident.state,
                           Resident.state_on)).order_by(Resident.sort_key, Resident.id)
    ).all()
    found = {person.id: Claimant(person) for person in people}
    wanted = sorted(tag_kinds)
    for resident_id, *tag in session.execute(
        sa.select(ResidentTag.resident_id, ResidentTag.kind_id, ResidentTag.starts_on, ResidentTag.ends_on)
        .where(ResidentTag.kind_id.in_(wanted), ResidentTag.resident_id.in_(diners))
    ) if wanted else ():
        if resident_id in found:
            found[resident_id].tags.append(tuple(tag))
    return list(found.values())


def tags_of(rules: Iterable[SubsidyRule]) -> set[int]:
    """The kinds of tags that these rules ask about."""
    return {part.tag_kind_id for rule in rules for part in rule.tags}


def count_holders(session: Session, rule: SubsidyRule, day: date, how: AgeCounts) -> Holders:
    """For how many diners a rule holds on a day, at any of its meals."""
    people = claimants(session, tags_of([rule]))
    kind_id = next((part.kind_id for part in rule.kinds), 0)
    holding = sum(obstacle(rule, person.on(day, how), day, kind_id) is None for person in people)
    return Holders(holding, len(people))


def changes_of(session: Session, month: date, how: AgeCounts, kind_id: int, price: Decimal) -> list[Change]:
    """What happens in a month, or takes effect in it: ages, tags that a rule asks about, rules; by day."""
    first, last = month_of(month)
    rules = rules_between(session, first - DAY, last + DAY)
    names = dict(session.execute(sa.select(TagKind.id, TagKind.name).where(TagKind.id.in_(tags_of(rules)))).all())
    example = Example(rules, how, kind_id, price)
    ages = ROUND_AGES | {rule.age_from for rule in rules if rule.age_from is not None}
    ages |= {rule.age_to + 1 for rule in rules if rule.age_to is not None}
    people = claimants(session, names)
    found = [*_of_rules(rules, people, example, first, last)]
    for person in people:
        events = [*_birthdays(person, how, first, last, ages), *_tag_changes(person, names, first, last)]
        found += [Change(day, what, example.winner(person, day - DAY), example.winner(person, day), person.resident,
                         by_birthday) for day, what, by_birthday in events if person.on(day, how).lives_here]
    return sorted(found, key=lambda change: change.day)  # of one day the rules come first, then people by name


def _birthdays(
    person: Claimant, how: AgeCounts, first: date, last: date, ages: frozenset[int] | set[int]
) -> Iterator[tuple[date, str, bool]]:
    """Birthdays in the month; where ages count from the next month also those of the month before."""
    months = [(first, last)]
    if how is AgeCounts.NEXT_MONTH:
        months.insert(0, month_of(first - DAY))
    for start, end in months:
        before, age = person.resident.age_on(start - DAY), person.resident.age_on(end)
        if age is None or age == before or age not in ages:
            continue
        birthday = _birthday(person.resident.birth_date, start)
        day = {AgeCounts.DAY: birthday, AgeCounts.MONTH: start, AgeCounts.NEXT_MONTH: end + DAY}[how]
        yield day, _("turns %(age)s", age=age), how is AgeCounts.DAY


def _birthday(born: date, month: date) -> date:
    """The day on which an age is reached; 29 February is 1 March where there is none."""
    return month.replace(day=1) if born.month != month.month else month.replace(day=born.day)


def _tag_changes(
    person: Claimant, names: dict[int, str], first: date, last: date
) -> Iterator[tuple[date, str, bool]]:
    """Tags that begin or end; one that goes on in another row does neither."""
    for kind, start, end in person.tags:
        if first <= start <= last and kind not in person.tags_on(start - DAY):
            yield start, _("gets the tag %(tag)s", tag=names[kind]), False
        if end is not None and first - DAY <= end <= last and kind not in person.tags_on(end + DAY):
            yield end + DAY, _("loses the tag %(tag)s", tag=names[kind]), False


def _of_rules(
    rules: Sequence[SubsidyRule], people: list[Claimant], example: Example, first: date, last: date
) -> Iterator[Change]:
    """Rules that begin or hold no longer; one that follows another of its name is one change."""
    ended = {(rule.name, rule.ends_on + DAY): rule for rule in rules
             if rule.ends_on is not None and first <= rule.ends_on + DAY <= last + DAY}
    begun = {(rule.name, rule.starts_on): rule for rule in rules if first <= rule.starts_on <= last}
    for name, day in sorted(ended.keys() | begun.keys(), key=lambda key: (key[1], key[0])):
        before, after = ended.get((name, day)), begun.get((name, day))
        what = _("“%(name)s” begins", name=name) if before is None else _("“%(name)s” changes", name=name) if after \
            else _("“%(name)s” holds no longer", name=name)
        touched = _("%(num)s diners get another subsidy", num=_changed(people, example, day))
        yield Change(day, f"{what} ({touched})", before, after)


def _changed(people: list[Claimant], example: Example, day: date) -> int:
    """For how many another rule, or another amount, counts from this day on."""
    def paid(person: Claimant, on: date) -> tuple[int, Decimal] | None:
        offer = example.winner(person, on)
        return (offer.rule.id, offer.aid) if offer else None

    return sum(paid(person, day - DAY) != paid(person, day) for person in people)

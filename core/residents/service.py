"""Writing residents: keys for search kept with the values, contradictions refused."""
from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.declarations import Candidates
from core.encryption import ring_of_app
from core.errors import ValidationError
from core.residents import name_parts  # noqa: F401 – the listener that keeps the pieces of names
from core.residents.address import make_house, too_long
from core.residents.identity import check_against, parse_identity
from core.residents.models import IDENTITY, LAST4, PHONE, LifeState, Resident, ResidentPhone, ResidentTag, TagKind
from core.residents.phone import parse_phone
from core.residents.pinyin import normalise_name, pinyin_key
from core.residents.sex import Sex

DEFAULT_TAGS = ("独居", "空巢", "留守", "失独", "高龄", "低保", "低保边缘", "特困", "残疾", "失能", "优抚")
HOUSE_FIELDS = frozenset(("compound", "building", "unit", "room"))
PLAIN_FIELDS = frozenset(("sex", "birth_date", "lives_elsewhere", "other_address", "registered_here", "contact_note",
                          "state", "state_on"))


def set_name(resident: Resident, name: str) -> None:
    """The name and its search keys."""
    name = normalise_name(name)
    if resident.name != name:
        resident.name, resident.search_key = name, pinyin_key(name)
        resident.sort_key = (resident.search_key.partition(" ")[0] or name)[:120]


def set_identity(resident: Resident, number: str | None, today: date) -> None:
    """The identity number and its keyed hash; sex and birth date follow it where they were not known.

    Raises ValidationError for a wrong number, or one that contradicts sex or birth date.
    """
    if not number:
        resident.identity_number = resident.identity_hash = None
        return
    identity = parse_identity(number, today=today)
    check_against(identity, resident.sex, resident.birth_date)
    resident.identity_number = identity.number
    resident.identity_hash = identity_hash(identity.number)
    resident.birth_date, resident.sex = identity.birth_date, identity.sex


def identity_hash(number: str) -> str:
    """The key by which an encrypted identity number is found."""
    return ring_of_app().blind_index(number, IDENTITY)


def phone_hash(number: str) -> str:
    """The key by which an encrypted phone is found."""
    return ring_of_app().blind_index(number, PHONE)


def make_phone(number: str, whose: str | None = None) -> ResidentPhone:
    """A phone with its keyed hashes."""
    number = parse_phone(number)
    last4 = ring_of_app().blind_index(number[-4:], LAST4)
    return ResidentPhone(number=number, number_hash=phone_hash(number), last4_hash=last4, whose=whose)


def add_phones(resident: Resident, numbers: Iterable[str]) -> None:
    """Add those numbers that the resident does not have yet."""
    known = {phone.number for phone in resident.phones}
    for number in numbers:
        phone = make_phone(number)
        if phone.number not in known:
            known.add(phone.number)
            resident.phones.append(phone)


def check_resident(resident: Resident, today: date) -> None:
    """Raises ValidationError for dates that cannot be."""
    if resident.birth_date and not date(1900, 1, 1) <= resident.birth_date <= today:
        raise ValidationError(_("The birth date lies in the future or before 1900."), "birth_date")
    if resident.state == LifeState.ALIVE:
        resident.state_on = None
    elif resident.state_on is None:
        raise ValidationError(_("Please give the day on which the person moved or died."), "state_on")
    elif resident.state_on > today:
        raise ValidationError(_("This day lies in the future."), "state_on")
    elif resident.birth_date and resident.state_on < resident.birth_date:
        raise ValidationError(_("This day is before the birth date."), "state_on")


def find_resident(session: Session, values: dict[str, Any]) -> list[Resident]:
    """Whom a sheet's row may mean: see `whom_it_means`."""
    living = sa.select(Resident).where(Resident.deleted_at.is_(None))
    by_number = None
    if number := values.get("identity_number"):
        by_number = session.scalar(living.where(Resident.identity_hash == identity_hash(number)))
    same_name = session.scalars(living.where(Resident.name == values["name"])).all()
    hashes = {phone_hash(number) for number in values.get("phones", ())}
    return whom_it_means(by_number, same_name, number, values.get("birth_date"), hashes)


def whom_it_means(
    by_number: Resident | None, same_name: Iterable[Resident], number: str | None, birth_date: date | None,
    phone_hashes: set[str],
) -> list[Resident]:
    """By identity number, else name and birth date, else name and phone, else name: then it must be asked (Candidates).

    A different known number, or a different known birth date, is a different person.
    """
    if by_number is not None:
        return [by_number]
    pool = [r for r in same_name if not (number and r.identity_hash)]
    if birth_date:
        same = [r for r in pool if r.birth_date == birth_date]
        if same:
            return same
        pool = [r for r in pool if r.birth_date is None]
    same = [r for r in pool if phone_hashes & {phone.number_hash for phone in r.phones}]
    return same or Candidates(pool)


def find_doubles(session: Session, resident: Resident) -> list[Resident]:
    """Living records of the same name with the same birth date, or with a phone of this one."""
    others = sa.select(Resident).where(
        Resident.deleted_at.is_(None), Resident.name == resident.name, Resident.id != (resident.id or 0)
    )
    hashes = {phone.number_hash for phone in resident.phones}
    with session.no_autoflush:
        same_name = session.scalars(others.order_by(Resident.id)).all()
        return [r for r in same_name if r is not resident and (
            (r.birth_date and r.birth_date == resident.birth_date) or hashes & {p.number_hash for p in r.phones}
        )]


def new_resident() -> Resident:
    """A resident of whom nothing is known yet."""
    return Resident(sex=Sex.UNKNOWN, state=LifeState.ALIVE, lives_elsewhere=False)


def fill_resident(resident: Resident, values: Mapping[str, Any], today: date) -> None:
    """Set the fields that `values` holds by their names; the others stay.

    Raises ValidationError where the identity number contradicts sex or birth date, or a date cannot be.
    """
    if "name" in values:
        set_name(resident, values["name"])
    for key in PLAIN_FIELDS & values.keys():
        setattr(resident, key, values[key])
    if HOUSE_FIELDS & values.keys():
        house = make_house(**{key: values.get(key, getattr(resident, key)) for key in HOUSE_FIELDS})
        if part := too_long(house):
            raise ValidationError(_("This is too long. Please shorten it."), part)
        for key in HOUSE_FIELDS & values.keys():
            setattr(resident, key, getattr(house, key))
    set_identity(resident, values.get("identity_number", resident.identity_number), today)
    check_resident(resident, today)


def tick_tags(resident: Resident, kinds: Collection[TagKind], day: date, today: date, source: str | None) -> None:
    """Make these the resident's tags: new ones begin on the day, those left out hold until the day before.

    Raises ValidationError for a day in the future or before a tag began.
    """
    if day > today:
        raise ValidationError(_("This day lies in the future."), "tags_on")
    holding = [tag for tag in resident.tags if tag.holds_on(today)]
    for tag in [tag for tag in holding if tag.kind not in kinds]:
        if day < tag.starts_on:
            raise ValidationError(_("The tag “%(name)s” began on %(day)s. Please choose that day or a later one.",
                                    name=tag.kind.name, day=tag.starts_on.isoformat()), "tags_on")
        if day == tag.starts_on:
            resident.tags.remove(tag)
        else:
            tag.ends_on = day - timedelta(days=1)
    have = {tag.kind for tag in holding}
    resident.tags += [ResidentTag(kind=kind, starts_on=day, source=source) for kind in kinds if kind not in have]


def set_tags(session: Session, resident: Resident, names: Iterable[str], today: date, source: str | None) -> None:
    """Give the tags that the resident does not have today; none is taken away."""
    have = {tag.kind.name for tag in resident.tags if tag.holds_on(today)}
    for name in names:
        if name not in have:
            kind = session.scalar(sa.select(TagKind).where(TagKind.name == name, TagKind.deleted_at.is_(None)))
            if kind is None:
                raise ValidationError(_("There is no tag “%(name)s” in the dictionary.", name=name), "tags")
            resident.tags.append(ResidentTag(kind=kind, starts_on=today, source=source))


def add_default_tags(session: Session) -> None:
    """The dictionary that a new community begins with."""
    session.add_all(TagKind(name=name) for name in DEFAULT_TAGS)

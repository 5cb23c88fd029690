"""Writing residents: keys for search kept with the values, contradictions refused."""
from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.encryption import ring_of_app
from core.errors import ValidationError
from core.residents.identity import check_against, parse_identity
from core.residents.models import IDENTITY, LAST4, PHONE, LifeState, Resident, ResidentPhone, ResidentTag, TagKind
from core.residents.phone import parse_phone
from core.residents.pinyin import normalise_name, pinyin_key, sort_key

DEFAULT_TAGS = ("独居", "空巢", "留守", "失独", "高龄", "低保", "低保边缘", "特困", "残疾", "失能", "优抚")


def set_name(resident: Resident, name: str) -> None:
    """The name and its search keys."""
    resident.name = normalise_name(name)
    resident.search_key, resident.sort_key = pinyin_key(resident.name), sort_key(resident.name)[:120]


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
    """Whom a sheet's row may mean: by identity number, else name and birth date, else name and phone, else name.

    One resident found by a number or by two values is the one; several, or one by the name alone, are asked about.
    """
    living = sa.select(Resident).where(Resident.deleted_at.is_(None))
    if number := values.get("identity_number"):
        found = session.scalars(living.where(Resident.identity_hash == identity_hash(number))).all()
        if found:
            return list(found)
        living = living.where(Resident.identity_hash.is_(None))
    same_name = living.where(Resident.name == values["name"])
    if birth := values.get("birth_date"):
        found = session.scalars(same_name.where(Resident.birth_date == birth)).all()
        if found:
            return list(found)
        same_name = same_name.where(Resident.birth_date.is_(None))
    if phones := values.get("phones"):
        hashes = [phone_hash(number) for number in phones]
        owners = sa.select(ResidentPhone.resident_id).where(ResidentPhone.number_hash.in_(hashes))
        found = session.scalars(same_name.where(Resident.id.in_(owners))).all()
        if found:
            return list(found)
    return list(session.scalars(same_name).all())


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



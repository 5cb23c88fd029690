"""Residents (居民档案): persons, their phones, and dated tags; shared by the plugins."""
from __future__ import annotations

import unicodedata
from datetime import date
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship, remote

from core.areas.tenancy import Deletable, TenantModel, tenant_index, tenant_reference, tenant_unique
from core.encryption import EncryptedText, ring_of_app
from core.extensions import Choice, choice_column
from core.residents.masking import mask_address
from core.residents.sex import Sex

HIGHEST = "\U0010ffff"  # comes after every character
IDENTITY, PHONE, LAST4 = "resident.identity_number", "resident_phone.number", "resident_phone.last4"


class LifeState(Choice):
    """Whether the person still lives here; moved and deceased end every entitlement at once."""

    ALIVE = "alive", _l("Living here")
    MOVED = "moved", _l("Moved away")
    DECEASED = "deceased", _l("Deceased")


class Resident(Deletable, TenantModel):
    """A person known to a community, who lives here or elsewhere."""

    __tablename__ = "resident"
    __table_args__ = (
        tenant_unique("identity_hash", where="deleted_at IS NULL",
                      message=_l("Another resident here has this identity number.")),
        tenant_index("sort_key", "id"),
    )

    name: Mapped[str] = mapped_column(sa.String(30), info={"label": _l("Name"), "private": "name"})
    search_key: Mapped[str] = mapped_column(sa.String(1000), default="")  # every reading and its initials
    sort_key: Mapped[str] = mapped_column(sa.String(120), default="", info={"private": "name"})
    sex: Mapped[Sex] = mapped_column(
        choice_column(Sex), default=Sex.UNKNOWN, info={"label": _l("Sex")}
    )
    birth_date: Mapped[date | None] = mapped_column(info={"label": _l("Birth date"), "private": "birth"})
    identity_number: Mapped[str | None] = mapped_column(
        EncryptedText("resident.identity_number"), info={"label": _l("Identity number"), "private": "identity"}
    )
    identity_hash: Mapped[str | None] = mapped_column(sa.String(64))
    compound: Mapped[str | None] = mapped_column(sa.String(40), info={"label": _l("Compound")})
    building: Mapped[str | None] = mapped_column(sa.String(20), info={"label": _l("Building"), "private": "house"})
    unit: Mapped[str | None] = mapped_column(sa.String(20), info={"label": _l("Unit"), "private": "house"})
    room: Mapped[str | None] = mapped_column(sa.String(20), info={"label": _l("Room"), "private": "house"})
    lives_elsewhere: Mapped[bool] = mapped_column(default=False, info={"label": _l("Lives elsewhere")})
    other_address: Mapped[str | None] = mapped_column(
        EncryptedText("resident.other_address"), info={"label": _l("Address elsewhere"), "private": "text"}
    )
    registered_here: Mapped[bool | None] = mapped_column(info={"label": _l("Registered here")})
    contact_note: Mapped[str | None] = mapped_column(
        EncryptedText("resident.contact_note"),
        info={"label": _l("Contact note"), "private": "note",
              "hint": _l("e.g. hard of hearing, does not hear a knock")},
    )
    state: Mapped[LifeState] = mapped_column(
        choice_column(LifeState), default=LifeState.ALIVE, info={"label": _l("State")}
    )
    state_on: Mapped[date | None] = mapped_column(info={"label": _l("Moved or deceased on")})

    phones: Mapped[list[ResidentPhone]] = relationship(
        primaryjoin=lambda: remote(foreign(ResidentPhone.resident_id)) == Resident.id,
        order_by="ResidentPhone.id", cascade="all, delete-orphan", back_populates="resident",
    )
    tags: Mapped[list[ResidentTag]] = relationship(
        primaryjoin=lambda: remote(foreign(ResidentTag.resident_id)) == Resident.id,
        order_by="ResidentTag.id", cascade="all, delete-orphan", back_populates="resident",
    )

    parts: Mapped[list[NamePart]] = relationship(
        primaryjoin=lambda: remote(foreign(NamePart.resident_id)) == Resident.id, cascade="all, delete-orphan",
        back_populates="resident",
    )

    label_private = "name"

    @classmethod
    def matches(cls, text: str) -> Any:
        """The condition that finds people by a piece of the name, pinyin, initials, phone, last four or number."""
        text = "".join(unicodedata.normalize("NFKC", text).split())
        ring = ring_of_app()
        digits = text.replace("-", "")
        if digits[:-1].isdecimal() and len(digits) == 18:
            return cls.identity_hash == ring.blind_index(digits.upper(), IDENTITY)
        if digits.isdecimal() and digits.isascii():
            column, context = (
                (ResidentPhone.last4_hash, LAST4) if len(digits) == 4 else (ResidentPhone.number_hash, PHONE)
            )
            return cls.id.in_(sa.select(ResidentPhone.resident_id).where(column == ring.blind_index(digits, context)))
        piece = text.lower().replace("'", "") if text.isascii() else text
        return cls.id.in_(sa.select(NamePart.resident_id).where(NamePart.begins(piece)))

    @property
    def long_label(self) -> str:
        """Name, year of birth and address, to tell people of one name apart."""
        born = f"{self.birth_date:%Y}" if self.birth_date else ""
        return " ".join(part for part in (self.name, born, self.address) if part)

    @property
    def address(self) -> str:
        """小区/楼栋/单元/室 in one line; an address elsewhere is shown only one at a time, with a reason."""
        if self.lives_elsewhere:
            return str(_("Lives elsewhere"))
        house = "".join(part for part in (self.building, self.unit, self.room) if part)
        return " ".join(part for part in (self.compound, house) if part)

    @property
    def masked_address(self) -> str:
        """As shown to those who may not see it (domain.md §7.2)."""
        if self.lives_elsewhere:
            return self.address
        return mask_address(self.compound, self.building, self.unit, self.room)

    def age_on(self, day: date) -> int | None:
        """Full years (周岁) on a day; someone born on 29 February turns on 1 March."""
        if self.birth_date is None:
            return None
        return day.year - self.birth_date.year - ((day.month, day.day) < (self.birth_date.month, self.birth_date.day))


class NamePart(TenantModel):
    """An end of a resident's name or of one of its readings; core/residents/name_parts.py keeps them."""

    __tablename__ = "resident_name_part"
    __table_args__ = (tenant_index("part", "resident_id"),)

    resident_id, resident = tenant_reference(Resident, back_populates="parts")
    part: Mapped[str] = mapped_column(sa.String(40).with_variant(sa.String(40, "C"), "postgresql"))

    @classmethod
    def begins(cls, piece: str) -> Any:
        """The condition that a part begins so, as a range of the index: LIKE could not use it below a wall."""
        return sa.and_(cls.part >= piece, cls.part <= piece + HIGHEST)


class ResidentPhone(TenantModel):
    """A phone of a resident; families share phones, so a number may stand at several people."""

    __tablename__ = "resident_phone"
    __table_args__ = (tenant_index("number_hash"), tenant_index("last4_hash"))

    resident_id, resident = tenant_reference(Resident, back_populates="phones")
    number: Mapped[str] = mapped_column(
        EncryptedText("resident_phone.number"), info={"label": _l("Phone"), "private": "phone"}
    )
    number_hash: Mapped[str] = mapped_column(sa.String(64))
    last4_hash: Mapped[str] = mapped_column(sa.String(64))
    whose: Mapped[str | None] = mapped_column(sa.String(20), info={"label": _l("Whose phone")})


class TagKind(Deletable, TenantModel):
    """The community's dictionary of tags (独居, 空巢, 低保, 残疾 …)."""

    __tablename__ = "resident_tag_kind"
    __table_args__ = (
        tenant_unique("name", where="deleted_at IS NULL", message=_l("There is already a tag of this name.")),
    )

    name: Mapped[str] = mapped_column(sa.String(20), info={"label": _l("Tag")})
    note: Mapped[str | None] = mapped_column(sa.String(100), info={"label": _l("Note")})


class ResidentTag(TenantModel):
    """A tag that holds for a resident from a day to a day (both included)."""

    __tablename__ = "resident_tag"

    resident_id, resident = tenant_reference(Resident, back_populates="tags")
    kind_id, kind = tenant_reference(TagKind, info={"label": _l("Tag")})
    starts_on: Mapped[date] = mapped_column(info={"label": _l("From")})
    ends_on: Mapped[date | None] = mapped_column(info={"label": _l("Until")})
    source: Mapped[str | None] = mapped_column(sa.String(60), info={"label": _l("Source")})

    def holds_on(self, day: date) -> bool:
        """Whether the tag holds on this day."""
        return self.starts_on <= day and (self.ends_on is None or day <= self.ends_on)

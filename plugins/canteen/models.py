"""Diners, their cards, the kinds of meals with their prices, and the meals taken."""
from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Mapped, mapped_column

from core.api import (
    Choice,
    Deletable,
    EncryptedText,
    Moment,
    Money,
    Resident,
    TenantModel,
    Voidable,
    choice_column,
    foreign,
    relationship,
    tenant_index,
    tenant_reference,
    tenant_unique,
)


class Way(Choice):
    """How a meal is taken."""

    DINE_IN = "dine_in", _l("Dine in")
    TAKE_AWAY = "take_away", _l("Take away")
    DELIVERY = "delivery", _l("Delivery")


class Source(Choice):
    """How a meal came into the book."""

    COUNTER = "counter", _l("Counter")
    BACK_ENTRY = "back_entry", _l("Back entry")
    IMPORT = "import", _l("Import")


class MealKind(Deletable, TenantModel):
    """Breakfast, lunch, dinner: the hours in which the counter expects it."""

    __tablename__ = "canteen_meal_kind"
    __table_args__ = (
        tenant_unique("name", where="deleted_at IS NULL", message=_l("There is already a meal of this name.")),
    )

    name: Mapped[str] = mapped_column(sa.String(20), info={"label": _l("Meal")})
    opens: Mapped[time] = mapped_column(info={"label": _l("From")})
    closes: Mapped[time] = mapped_column(info={"label": _l("Until")})

    prices: Mapped[list[Price]] = relationship(
        primaryjoin=lambda: MealKind.id == foreign(Price.kind_id), order_by="Price.starts_on",
        back_populates="kind", cascade="all, delete-orphan",  # parts of the kind: they do not keep it from the bin
    )


class Price(TenantModel):
    """标准价 of a kind of meal from a day on; a later price changes no meal of the past."""

    __tablename__ = "canteen_price"
    __table_args__ = (
        tenant_unique("kind_id", "starts_on", message=_l("This meal already has a price from that day.")),
    )

    kind_id, kind = tenant_reference(MealKind, back_populates="prices", indexed=True, info={"label": _l("Meal")})
    starts_on: Mapped[date] = mapped_column(info={"label": _l("In force from")})
    amount: Mapped[Decimal] = mapped_column(Money, info={"label": _l("Standard price"), "numeric": True})

    @property
    def label(self) -> str:
        """What and from when."""
        return f"{self.kind.name} {self.starts_on:%Y-%m-%d}"


class Diner(Deletable, TenantModel):
    """A resident who eats at the canteen (就餐人员)."""

    __tablename__ = "canteen_diner"
    __table_args__ = (
        tenant_unique("resident_id", where="deleted_at IS NULL", message=_l("This resident is already a diner.")),
    )

    resident_id, resident = tenant_reference(Resident, indexed=True, info={"label": _l("Resident")})
    allergy: Mapped[str | None] = mapped_column(
        EncryptedText("canteen_diner.allergy"), info={"label": _l("Allergy"), "private": "note"}
    )
    diet_note: Mapped[str | None] = mapped_column(
        EncryptedText("canteen_diner.diet_note"), info={"label": _l("Diet note"), "private": "note"}
    )
    delivery_address: Mapped[str | None] = mapped_column(
        EncryptedText("canteen_diner.delivery_address"), info={"label": _l("Delivery address"), "private": "text"}
    )
    usual_way: Mapped[Way] = mapped_column(
        choice_column(Way), default=Way.DINE_IN, info={"label": _l("Usual way")}
    )

    cards: Mapped[list[Card]] = relationship(
        primaryjoin=lambda: Diner.id == foreign(Card.diner_id), order_by="Card.id", back_populates="diner",
        passive_deletes="all",
    )

    label_private = "name"

    @property
    def label(self) -> str:
        """The resident's name."""
        return self.resident.name

    @property
    def card(self) -> Card | None:
        """The card in use, if there is one."""
        return next((card for card in self.cards if card.ended_on is None), None)


class Card(TenantModel):
    """A meal card; a lost one ends on a day and another begins."""

    __tablename__ = "canteen_card"
    __table_args__ = (
        tenant_unique("number", where="ended_on IS NULL", message=_l("This card is already in use here.")),
    )

    diner_id, diner = tenant_reference(Diner, back_populates="cards", info={"label": _l("Diner")})
    number: Mapped[str] = mapped_column(sa.String(32), info={"label": _l("Card number")})
    issued_on: Mapped[date] = mapped_column(info={"label": _l("Issued on")})
    ended_on: Mapped[date | None] = mapped_column(info={"label": _l("Lost or replaced on")})
    end_reason: Mapped[str | None] = mapped_column(sa.String(60), info={"label": _l("Reason")})

    @property
    def label(self) -> str:
        """The number."""
        return self.number


class Meal(Voidable, TenantModel):
    """One meal taken; a guest (散客) has no diner. 标准价 = 个人支付 + 政府补贴 + 其他补助."""

    __tablename__ = "canteen_meal"
    __table_args__ = (
        tenant_unique("diner_id", "day", "kind_id", where="voided_at IS NULL",
                      message=_l("This meal has already been recorded.")),
        tenant_index("day", "id", "voided_at"),  # the last only so that a list is found without looking at the rows
        sa.Index(None, "day", "id", "community_id", "voided_at"),  # the same above the communities, for far pages
        sa.CheckConstraint("standard_price = self_pay + government + other_aid", name="split"),
    )

    diner_id, diner = tenant_reference(Diner, nullable=True, indexed=True, info={"label": _l("Diner")})
    kind_id, kind = tenant_reference(MealKind, info={"label": _l("Meal")})
    day: Mapped[date] = mapped_column(info={"label": _l("Day")})
    way: Mapped[Way] = mapped_column(choice_column(Way), info={"label": _l("Way")})
    standard_price: Mapped[Decimal] = mapped_column(Money, info={"label": _l("Standard price"), "numeric": True})
    self_pay: Mapped[Decimal] = mapped_column(Money, info={"label": _l("Paid by diner"), "numeric": True})
    government: Mapped[Decimal] = mapped_column(Money, info={"label": _l("Subsidy"), "numeric": True})
    other_aid: Mapped[Decimal] = mapped_column(Money, info={"label": _l("Other aid"), "numeric": True})
    source: Mapped[Source] = mapped_column(choice_column(Source), info={"label": _l("Source")})
    reason: Mapped[str | None] = mapped_column(sa.String(200), info={"label": _l("Reason")})
    recorded_by: Mapped[str] = mapped_column(sa.String(60), info={"label": _l("Recorded by")})
    account: Mapped[str | None] = mapped_column(sa.String(60))  # two people may bear one name
    recorded_at: Mapped[datetime] = mapped_column(Moment, info={"label": _l("Recorded at")})

    label_private = "name"

    @property
    def label(self) -> str:
        """Who, when, what."""
        who = self.diner.label if self.diner else str(_l("Guest"))
        return f"{who} {self.day:%Y-%m-%d} {self.kind.name}"

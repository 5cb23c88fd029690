"""Diners, their cards, the kinds of meals with their prices, and the meals taken."""
from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

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
    TagKind,
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
    DELIVERY = "delivery", _l("Handed over at the door")


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


class AidForm(Choice):
    """What a subsidy rule pays for a meal."""

    AMOUNT = "amount", _l("An amount off the price")
    SHARE = "share", _l("A share of the price")
    FIXED_PRICE = "fixed_price", _l("The diner pays a fixed price")
    OPERATOR = "operator", _l("An amount to the operator")


class SubsidyRule(Deletable, TenantModel):
    """Who gets which subsidy for a meal, from a day to a day (both included); domain.md §2.2.

    A rule that has paid for a meal is never changed: it ends, and another begins.
    """

    __tablename__ = "canteen_subsidy_rule"
    __table_args__ = (
        sa.CheckConstraint("city_share + district_share + street_share + community_share + donor_share = 100",
                           name="shares"),
    )

    name: Mapped[str] = mapped_column(sa.String(40), info={"label": _l("Rule")})
    starts_on: Mapped[date] = mapped_column(info={"label": _l("In force from")})
    ends_on: Mapped[date | None] = mapped_column(info={"label": _l("In force until")})
    age_from: Mapped[int | None] = mapped_column(
        info={"label": _l("Age from"), "hint": _l("Full years, this age included")})
    age_to: Mapped[int | None] = mapped_column(
        info={"label": _l("Age to"), "hint": _l("Full years, this age included")})
    registered_only: Mapped[bool] = mapped_column(default=False, info={"label": _l("Only registered here")})
    form: Mapped[AidForm] = mapped_column(choice_column(AidForm), info={"label": _l("Form")})
    amount: Mapped[Decimal | None] = mapped_column(
        Money, info={"label": _l("Amount"), "numeric": True,
                     "hint": _l("Yuan a meal: what is taken off, what the diner pays, or what the operator gets")})
    percent: Mapped[int | None] = mapped_column(info={"label": _l("Share (%)"), "numeric": True})
    meals_a_day: Mapped[int | None] = mapped_column(info={"label": _l("Meals a day"), "numeric": True})
    meals_a_month: Mapped[int | None] = mapped_column(info={"label": _l("Meals a month"), "numeric": True})
    yuan_a_day: Mapped[Decimal | None] = mapped_column(Money, info={"label": _l("Yuan a day"), "numeric": True})
    yuan_a_month: Mapped[Decimal | None] = mapped_column(Money, info={"label": _l("Yuan a month"), "numeric": True})
    city_share: Mapped[int] = mapped_column(default=0, info={"label": _l("City pays (%)"), "numeric": True})
    district_share: Mapped[int] = mapped_column(default=0, info={"label": _l("District pays (%)"), "numeric": True})
    street_share: Mapped[int] = mapped_column(default=0, info={"label": _l("Street pays (%)"), "numeric": True})
    community_share: Mapped[int] = mapped_column(
        default=0, info={"label": _l("Community pays (%)"), "numeric": True})
    donor_share: Mapped[int] = mapped_column(default=0, info={"label": _l("Donors pay (%)"), "numeric": True})
    priority: Mapped[int] = mapped_column(
        default=0, info={"label": _l("Priority"), "numeric": True,
                         "hint": _l("Of two rules that pay as much the higher number counts")})

    tags: Mapped[list[RuleTag]] = relationship(
        primaryjoin=lambda: SubsidyRule.id == foreign(RuleTag.rule_id), back_populates="rule",
        cascade="all, delete-orphan",
    )
    kinds: Mapped[list[RuleKind]] = relationship(
        primaryjoin=lambda: SubsidyRule.id == foreign(RuleKind.rule_id), back_populates="rule",
        cascade="all, delete-orphan",
    )


class RuleTag(TenantModel):
    """A tag that opens a rule; of several any one does, none means everybody."""

    __tablename__ = "canteen_rule_tag"
    __table_args__ = (tenant_unique("rule_id", "tag_kind_id", message=_l("This rule names the tag already.")),)

    rule_id, rule = tenant_reference(SubsidyRule, back_populates="tags", indexed=True)
    tag_kind_id, tag_kind = tenant_reference(TagKind, info={"label": _l("Tag")})


class RuleKind(TenantModel):
    """A kind of meal for which a rule holds; none means every kind."""

    __tablename__ = "canteen_rule_kind"
    __table_args__ = (tenant_unique("rule_id", "kind_id", message=_l("This rule names the meal already.")),)

    rule_id, rule = tenant_reference(SubsidyRule, back_populates="kinds", indexed=True)
    kind_id, kind = tenant_reference(MealKind, info={"label": _l("Meal")})


class Meal(Voidable, TenantModel):
    """One meal taken; a guest (散客) has no diner. 标准价 = 个人支付 + 政府补贴 + 其他补助.

    The rule and who pays are kept for ever. `booked_on` is the day whose books it belongs to: the day of the meal, or
    a later one where that day was closed already. A meal of a closed day is taken back by a second row with negative
    amounts that names it (`reverses`); then neither of the two counts as a meal, and both count in the money.
    """

    __tablename__ = "canteen_meal"
    __table_args__ = (
        tenant_unique("diner_id", "day", "kind_id",
                      where="voided_at IS NULL AND reversed_on IS NULL AND reverses_id IS NULL",
                      message=_l("This meal has already been recorded.")),
        tenant_index("day", "id", "voided_at"),  # the last only so that a list is found without looking at the rows
        sa.Index(None, "day", "id", "community_id", "voided_at"),  # the same above the communities, for far pages
        tenant_index("booked_on"),
        tenant_unique("reverses_id", where="voided_at IS NULL AND reverses_id IS NOT NULL",
                      message=_l("This meal has already been reversed.")),
        sa.CheckConstraint("standard_price = self_pay + government + other_aid", name="split"),
        sa.CheckConstraint("government + other_aid + operator_aid"
                           " = city_pays + district_pays + street_pays + community_pays + donors_pay", name="payers"),
    )

    diner_id, diner = tenant_reference(Diner, nullable=True, indexed=True, info={"label": _l("Diner")})
    kind_id, kind = tenant_reference(MealKind, info={"label": _l("Meal")})
    day: Mapped[date] = mapped_column(info={"label": _l("Day")})
    way: Mapped[Way] = mapped_column(choice_column(Way), info={"label": _l("Way")})
    standard_price: Mapped[Decimal] = mapped_column(Money, info={"label": _l("Standard price"), "numeric": True})
    self_pay: Mapped[Decimal] = mapped_column(Money, info={"label": _l("Paid by diner"), "numeric": True})
    government: Mapped[Decimal] = mapped_column(Money, info={"label": _l("Subsidy"), "numeric": True})
    other_aid: Mapped[Decimal] = mapped_column(Money, info={"label": _l("Other aid"), "numeric": True})
    operator_aid: Mapped[Decimal] = mapped_column(
        Money, default=Decimal(0), info={"label": _l("Paid to the operator"), "numeric": True})
    city_pays: Mapped[Decimal] = mapped_column(
        Money, default=Decimal(0), info={"label": _l("City pays"), "numeric": True})
    district_pays: Mapped[Decimal] = mapped_column(
        Money, default=Decimal(0), info={"label": _l("District pays"), "numeric": True})
    street_pays: Mapped[Decimal] = mapped_column(
        Money, default=Decimal(0), info={"label": _l("Street pays"), "numeric": True})
    community_pays: Mapped[Decimal] = mapped_column(
        Money, default=Decimal(0), info={"label": _l("Community pays"), "numeric": True})
    donors_pay: Mapped[Decimal] = mapped_column(
        Money, default=Decimal(0), info={"label": _l("Donors pay"), "numeric": True})
    rule_id, rule = tenant_reference(SubsidyRule, nullable=True, info={"label": _l("Subsidy rule")})
    age: Mapped[int | None] = mapped_column(info={"label": _l("Age"), "numeric": True})  # 周岁 as the rule counted it
    booked_on: Mapped[date] = mapped_column(info={"label": _l("Booked on")})
    reverses_id, reverses = tenant_reference("canteen_meal", nullable=True, indexed=True,
                                             info={"label": _l("Reverses")})
    reversed_on: Mapped[date | None] = mapped_column(info={"label": _l("Reversed on")})
    source: Mapped[Source] = mapped_column(choice_column(Source), info={"label": _l("Source")})
    reason: Mapped[str | None] = mapped_column(sa.String(200), info={"label": _l("Reason")})
    recorded_by: Mapped[str] = mapped_column(sa.String(60), info={"label": _l("Recorded by")})
    account: Mapped[str | None] = mapped_column(sa.String(60))  # two people may bear one name
    recorded_at: Mapped[datetime] = mapped_column(Moment, info={"label": _l("Recorded at")})


    label_private = "name"

    @classmethod
    def counts(cls) -> tuple[Any, ...]:
        """The conditions of a meal that was eaten: neither voided nor taken back, nor the row that takes it back."""
        return cls.voided_at.is_(None), cls.reversed_on.is_(None), cls.reverses_id.is_(None)

    @property
    def label(self) -> str:
        """Who, when, what."""
        who = self.diner.label if self.diner else str(_l("Guest"))
        return f"{who} {self.day:%Y-%m-%d} {self.kind.name}"

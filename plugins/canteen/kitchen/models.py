"""Dishes and menus, food samples, the kitchen's people, and the checks of a day."""
from __future__ import annotations

from datetime import date, datetime, time

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Mapped, mapped_column

from core.api import (
    Choice,
    Deletable,
    EncryptedText,
    Moment,
    TenantModel,
    Voidable,
    choice_column,
    foreign,
    relationship,
    tenant_index,
    tenant_reference,
    tenant_unique,
)
from plugins.canteen.models import MealKind

LEAST_GRAMS = 125  # of each sample: GB 31654-2021 and 餐饮服务食品安全操作规范 (domain.md §2.4)


class Allergen(Choice):
    """The eight groups of GB 7718 that cause allergies."""

    GLUTEN = "gluten", _l("Cereals with gluten")
    CRUSTACEAN = "crustacean", _l("Crustaceans")
    FISH = "fish", _l("Fish")
    EGG = "egg", _l("Eggs")
    PEANUT = "peanut", _l("Peanuts")
    SOY = "soy", _l("Soybeans")
    MILK = "milk", _l("Milk")
    NUT = "nut", _l("Nuts")


class Dish(Deletable, TenantModel):
    """A dish that the canteen serves. `allergens` None: nobody has looked yet; []: none of the eight."""

    __tablename__ = "canteen_dish"
    __table_args__ = (
        tenant_unique("name", where="deleted_at IS NULL", message=_l("There is already a dish of this name.")),
    )

    name: Mapped[str] = mapped_column(sa.String(40), info={"label": _l("Dish")})
    allergens: Mapped[list[str] | None] = mapped_column(
        sa.JSON(none_as_null=True), info={"label": _l("Allergens")})
    note: Mapped[str | None] = mapped_column(sa.String(100), info={"label": _l("Note")})

    @property
    def known_allergens(self) -> list[Allergen]:
        """The allergens in the order of the standard."""
        return [allergen for allergen in Allergen if allergen.value in (self.allergens or ())]


class MenuWeek(TenantModel):
    """The menu of a week, known by its Monday: when it was made known (公示), who changed it last."""

    __tablename__ = "canteen_menu_week"
    __table_args__ = (tenant_unique("monday", message=_l("This week has a menu already. Please open it again.")),)

    monday: Mapped[date] = mapped_column(info={"label": _l("Week from")})
    published_on: Mapped[date | None] = mapped_column(info={"label": _l("Published on")})
    changed_by: Mapped[str] = mapped_column(sa.String(60), info={"label": _l("Changed by")})
    changed_at: Mapped[datetime] = mapped_column(Moment, info={"label": _l("Changed at")})

    @property
    def label(self) -> str:
        """Its Monday."""
        return self.monday.isoformat()


class MenuDish(TenantModel):
    """A dish of a sitting, in the order of the ids."""

    __tablename__ = "canteen_menu_dish"
    __table_args__ = (tenant_unique("day", "kind_id", "dish_id", message=_l("This dish is on the menu already.")),)

    day: Mapped[date] = mapped_column(info={"label": _l("Day")})
    kind_id, kind = tenant_reference(MealKind, info={"label": _l("Meal")})
    dish_id, dish = tenant_reference(Dish, info={"label": _l("Dish")})


class FoodSample(Voidable, TenantModel):
    """食品留样: a dish of a sitting in its box; thrown away once, never edited."""

    __tablename__ = "canteen_food_sample"
    __table_args__ = (
        tenant_unique("day", "kind_id", "dish_id", where="voided_at IS NULL",
                      message=_l("There is already a sample of this dish.")),
        tenant_index("disposed_at", "taken_at"),
        sa.CheckConstraint(f"grams >= {LEAST_GRAMS}", name="grams"),
    )

    day: Mapped[date] = mapped_column(info={"label": _l("Day")})
    kind_id, kind = tenant_reference(MealKind, info={"label": _l("Meal")})
    dish_id, dish = tenant_reference(Dish, info={"label": _l("Dish")})
    grams: Mapped[int] = mapped_column(info={"label": _l("Grams"), "numeric": True})
    fridge: Mapped[str | None] = mapped_column(sa.String(30), info={"label": _l("Fridge")})
    taken_at: Mapped[datetime] = mapped_column(Moment, info={"label": _l("Taken at")})
    taken_by: Mapped[str] = mapped_column(sa.String(30), info={"label": _l("Taken by")})
    recorded_by: Mapped[str] = mapped_column(sa.String(60), info={"label": _l("Recorded by")})
    disposed_at: Mapped[datetime | None] = mapped_column(Moment, info={"label": _l("Thrown away at")})
    disposed_by: Mapped[str | None] = mapped_column(sa.String(30), info={"label": _l("Thrown away by")})
    dispose_reason: Mapped[str | None] = mapped_column(
        sa.String(200), info={"label": _l("Reason for throwing away early")})

    @property
    def label(self) -> str:
        """Which dish of which sitting."""
        return f"{self.dish.name} {self.day:%Y-%m-%d} {self.kind.name}"


class Cook(Deletable, TenantModel):
    """Somebody who works in the kitchen or hands out food (从业人员)."""

    __tablename__ = "canteen_cook"
    __table_args__ = (
        tenant_unique("name", where="deleted_at IS NULL",
                      message=_l("There is already somebody of this name in the kitchen.")),
    )

    name: Mapped[str] = mapped_column(sa.String(30), info={"label": _l("Name"), "private": "name"})
    job: Mapped[str | None] = mapped_column(sa.String(20), info={"label": _l("Work")})
    phone: Mapped[str | None] = mapped_column(
        EncryptedText("canteen_cook.phone"), info={"label": _l("Phone"), "private": "phone"})
    left_on: Mapped[date | None] = mapped_column(info={"label": _l("Last day of work")})

    certificates: Mapped[list[HealthCertificate]] = relationship(
        primaryjoin=lambda: Cook.id == foreign(HealthCertificate.cook_id), order_by="HealthCertificate.expires_on",
        back_populates="cook", viewonly=True,
    )

    label_private = "name"

    @property
    def label(self) -> str:
        """The name."""
        return self.name


class HealthCertificate(Deletable, TenantModel):
    """健康证明: holds from the day of issue to its last day, both included; at most a year (食品安全法 art. 45)."""

    __tablename__ = "canteen_health_certificate"
    __table_args__ = (tenant_index("expires_on"),)

    cook_id, cook = tenant_reference(Cook, info={"label": _l("Name")})
    number: Mapped[str] = mapped_column(
        EncryptedText("canteen_health_certificate.number"),
        info={"label": _l("Certificate number"), "private": "text"})
    issued_on: Mapped[date] = mapped_column(info={"label": _l("Issued on")})
    expires_on: Mapped[date] = mapped_column(
        info={"label": _l("Last day"), "hint": _l("At most one year after the day of issue")})

    label_private = "name"

    @property
    def label(self) -> str:
        """Whose, from when."""
        return f"{self.cook.name} {self.issued_on:%Y-%m-%d}"


class Duty(TenantModel):
    """Somebody on duty on a day, as planned; who fails the morning check is taken off (MorningCheck.fit)."""

    __tablename__ = "canteen_duty"
    __table_args__ = (tenant_unique("day", "cook_id", message=_l("This person is on duty that day already.")),)

    cook_id, cook = tenant_reference(Cook, info={"label": _l("Name")})
    day: Mapped[date] = mapped_column(info={"label": _l("Day")})


class MorningCheck(Voidable, TenantModel):
    """晨检 of somebody on duty; never edited, voided with a reason. `temperature` is in tenths of a degree."""

    __tablename__ = "canteen_morning_check"
    __table_args__ = (
        tenant_unique("day", "cook_id", where="voided_at IS NULL",
                      message=_l("This person has been checked that day already.")),
    )

    cook_id, cook = tenant_reference(Cook, info={"label": _l("Name")})
    day: Mapped[date] = mapped_column(info={"label": _l("Day")})
    temperature: Mapped[int] = mapped_column(info={"label": _l("Temperature (°C)"), "numeric": True})
    symptoms: Mapped[str | None] = mapped_column(
        EncryptedText("canteen_morning_check.symptoms"), info={"label": _l("Symptoms"), "private": "note"})
    fit: Mapped[bool] = mapped_column(info={"label": _l("Fit for work")})
    checked_at: Mapped[datetime] = mapped_column(Moment, info={"label": _l("Checked at")})
    checked_by: Mapped[str] = mapped_column(sa.String(60), info={"label": _l("Checked by")})

    label_private = "name"

    @property
    def degrees(self) -> str:
        """36.5."""
        return f"{self.temperature / 10:.1f}"

    @property
    def label(self) -> str:
        """Who and when."""
        return f"{self.cook.name} {self.day:%Y-%m-%d}"


class Disinfected(Choice):
    """What is disinfected."""

    TABLEWARE = "tableware", _l("Tableware")
    TOOLS = "tools", _l("Tools and containers")
    SURFACES = "surfaces", _l("Work surfaces")
    ROOM = "room", _l("Dining room")
    DELIVERY = "delivery", _l("Delivery boxes")
    OTHER = "other", _l("Other things")


class Method(Choice):
    """How it is disinfected."""

    STEAM = "steam", _l("Steam or boiling")
    CABINET = "cabinet", _l("Disinfection cabinet")
    CHLORINE = "chlorine", _l("Chlorine solution")
    ALCOHOL = "alcohol", _l("Alcohol")
    ULTRAVIOLET = "ultraviolet", _l("Ultraviolet light")


class Disinfection(Voidable, TenantModel):
    """消毒记录."""

    __tablename__ = "canteen_disinfection"
    __table_args__ = (tenant_index("day"),)

    day: Mapped[date] = mapped_column(info={"label": _l("Day")})
    began: Mapped[time] = mapped_column(info={"label": _l("Time")})
    what: Mapped[Disinfected] = mapped_column(choice_column(Disinfected), info={"label": _l("Disinfected")})
    method: Mapped[Method] = mapped_column(choice_column(Method), info={"label": _l("Method")})
    minutes: Mapped[int] = mapped_column(info={"label": _l("Minutes"), "numeric": True})
    done_by: Mapped[str] = mapped_column(sa.String(30), info={"label": _l("Done by")})
    note: Mapped[str | None] = mapped_column(
        sa.String(100), info={"label": _l("Note"), "hint": _l("e.g. strength of the solution, temperature")})
    recorded_by: Mapped[str] = mapped_column(sa.String(60), info={"label": _l("Recorded by")})

    @property
    def label(self) -> str:
        """What and when."""
        return f"{self.what.label} {self.day:%Y-%m-%d} {self.began:%H:%M}"


class Verdict(Choice):
    """What becomes of delivered goods."""

    ACCEPTED = "accepted", _l("Accepted")
    REFUSED = "refused", _l("Refused")


class PurchaseCheck(Voidable, TenantModel):
    """进货查验 of one delivered item."""

    __tablename__ = "canteen_purchase_check"
    __table_args__ = (tenant_index("day"),)

    day: Mapped[date] = mapped_column(info={"label": _l("Day")})
    supplier: Mapped[str] = mapped_column(sa.String(60), info={"label": _l("Supplier")})
    item: Mapped[str] = mapped_column(sa.String(60), info={"label": _l("Goods")})
    quantity: Mapped[str] = mapped_column(
        sa.String(20), info={"label": _l("Quantity"), "hint": _l("With its unit, e.g. 20 kg")})
    batch: Mapped[str | None] = mapped_column(sa.String(40), info={"label": _l("Batch or day of production")})
    expires_on: Mapped[date | None] = mapped_column(info={"label": _l("Keeps until")})
    licence_seen: Mapped[bool] = mapped_column(default=False, info={"label": _l("Licence of the supplier seen")})
    proof_seen: Mapped[bool] = mapped_column(default=False, info={"label": _l("Proof of quality seen")})
    verdict: Mapped[Verdict] = mapped_column(
        choice_column(Verdict), default=Verdict.ACCEPTED, info={"label": _l("Result")})
    note: Mapped[str | None] = mapped_column(sa.String(100), info={"label": _l("Note")})
    checked_by: Mapped[str] = mapped_column(sa.String(30), info={"label": _l("Checked by")})
    recorded_by: Mapped[str] = mapped_column(sa.String(60), info={"label": _l("Recorded by")})

    @property
    def label(self) -> str:
        """What and when."""
        return f"{self.item} {self.day:%Y-%m-%d}"

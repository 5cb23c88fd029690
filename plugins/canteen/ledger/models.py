"""Prepaid accounts, the entries of all money taken, closed days, and tallies of unnamed meals."""
from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Mapped, mapped_column

from core.api import (
    Choice,
    Moment,
    Money,
    TenantModel,
    Voidable,
    choice_column,
    tenant_index,
    tenant_reference,
    tenant_unique,
)
from plugins.canteen.models import Diner, Meal, MealKind, Way


class EntryKind(Choice):
    """What an entry is for."""

    TOP_UP = "top_up", _l("Top-up")
    MEAL = "meal", _l("Meal fee")
    REFUND = "refund", _l("Refund")
    REVERSAL = "reversal", _l("Reversal")


class Method(Choice):
    """How money comes and goes; `account` moves none, it uses up what was paid in before."""

    CASH = "cash", _l("Cash")
    CODE = "code", _l("Payment code")
    ACCOUNT = "account", _l("Account balance")


class Account(TenantModel):
    """餐费账户: what a diner has paid in and not eaten yet; the sum of `Entry.balance_change`, never below zero."""

    __tablename__ = "canteen_account"
    __table_args__ = (
        tenant_unique("diner_id", message=_l("This diner already has an account.")),
        sa.CheckConstraint("balance >= 0", name="balance"),
    )

    diner_id, diner = tenant_reference(Diner, indexed=True, info={"label": _l("Diner")})
    balance: Mapped[Decimal] = mapped_column(
        Money, default=Decimal(0), info={"label": _l("Balance"), "numeric": True})

    label_private = "name"

    @property
    def label(self) -> str:
        """Whose."""
        return self.diner.label


class Entry(TenantModel):
    """One movement of money, never changed: `amount` is what the canteen gets (below zero: gives back).

    `day` is the day whose drawer it belongs to; receipts are numbered by the year of that day, without gaps.
    """

    __tablename__ = "canteen_entry"
    __table_args__ = (
        tenant_unique("year", "number", message=_l("This receipt number has just been taken. Please try again.")),
        tenant_unique("reverses_id", where="reverses_id IS NOT NULL",
                      message=_l("This entry has already been reversed.")),
        tenant_unique("meal_id", "kind", where="kind = 'meal'", message=_l("This meal is paid already.")),
        tenant_index("day", "id"),
    )

    day: Mapped[date] = mapped_column(info={"label": _l("Day")})
    year: Mapped[int]
    number: Mapped[int]
    kind: Mapped[EntryKind] = mapped_column(choice_column(EntryKind), info={"label": _l("Kind")})
    method: Mapped[Method] = mapped_column(choice_column(Method), info={"label": _l("Way of payment")})
    amount: Mapped[Decimal] = mapped_column(Money, info={"label": _l("Amount"), "numeric": True})
    balance_change: Mapped[Decimal] = mapped_column(
        Money, default=Decimal(0), info={"label": _l("Change of the balance"), "numeric": True})
    diner_id, diner = tenant_reference(Diner, nullable=True, info={"label": _l("Diner")})
    meal_id, meal = tenant_reference(Meal, nullable=True, info={"label": _l("Meal")})
    reverses_id, reverses = tenant_reference("canteen_entry", nullable=True, indexed=True,
                                             info={"label": _l("Reverses")})
    reason: Mapped[str | None] = mapped_column(sa.String(200), info={"label": _l("Reason")})
    recorded_by: Mapped[str] = mapped_column(sa.String(60), info={"label": _l("Recorded by")})
    account: Mapped[str | None] = mapped_column(sa.String(60))
    recorded_at: Mapped[datetime] = mapped_column(Moment, info={"label": _l("Recorded at")})

    @property
    def receipt(self) -> str:
        """2026-000123."""
        return f"{self.year}-{self.number:06}"

    @property
    def label(self) -> str:
        """Number, kind and amount."""
        return f"{self.receipt} {self.kind.label} {self.amount:.2f}"


class ClosedDay(TenantModel):
    """日结: what a day came to when it was closed. It is never opened again; amounts in yuan."""

    __tablename__ = "canteen_closed_day"
    __table_args__ = (tenant_unique("day", message=_l("This day has just been closed by somebody else.")),)

    day: Mapped[date] = mapped_column(info={"label": _l("Day")})
    named: Mapped[int] = mapped_column(info={"label": _l("Named meals"), "numeric": True})
    unnamed: Mapped[int] = mapped_column(info={"label": _l("Unnamed meals"), "numeric": True})
    expected_cash: Mapped[Decimal] = mapped_column(Money, info={"label": _l("Cash expected"), "numeric": True})
    counted_cash: Mapped[Decimal] = mapped_column(Money, info={"label": _l("Cash counted"), "numeric": True})
    expected_code: Mapped[Decimal] = mapped_column(Money, info={"label": _l("Code expected"), "numeric": True})
    counted_code: Mapped[Decimal] = mapped_column(Money, info={"label": _l("Code counted"), "numeric": True})
    note: Mapped[str | None] = mapped_column(sa.String(200), info={"label": _l("Note")})
    closed_by: Mapped[str] = mapped_column(sa.String(60), info={"label": _l("Closed by")})
    account: Mapped[str | None] = mapped_column(sa.String(60))
    closed_at: Mapped[datetime] = mapped_column(Moment, info={"label": _l("Closed at")})

    @property
    def difference(self) -> Decimal:
        """Counted less expected, cash and code together, in yuan."""
        return self.counted_cash - self.expected_cash + self.counted_code - self.expected_code

    @property
    def label(self) -> str:
        """The day."""
        return self.day.isoformat()


class TallyMode(Choice):
    """What the number of a tally means."""

    ADDED = "added", _l("In addition to the named meals")
    WHOLE = "whole", _l("The whole sitting")


class TallySource(Choice):
    """Where the number comes from."""

    TICKETS = "tickets", _l("Tickets")
    PAPER = "paper", _l("Paper list")


class Tally(Voidable, TenantModel):
    """不记名统计: meals of a sitting (a day's lunch) that were counted, not named.

    `unnamed` is what it adds to the named meals; of the whole sitting it is the number less the named meals, and
    follows them (books.py).
    """

    __tablename__ = "canteen_tally"
    __table_args__ = (
        tenant_index("day", "id"),
        tenant_unique("day", "kind_id", where="voided_at IS NULL AND mode = 'whole'",
                      message=_l("This sitting has a tally of the whole already.")),
        sa.CheckConstraint("number >= 0 AND unnamed >= 0", name="numbers"),
    )

    day: Mapped[date] = mapped_column(info={"label": _l("Day")})
    kind_id, kind = tenant_reference(MealKind, info={"label": _l("Meal")})
    mode: Mapped[TallyMode] = mapped_column(choice_column(TallyMode), info={"label": _l("The number is")})
    source: Mapped[TallySource] = mapped_column(choice_column(TallySource), info={"label": _l("Counted by")})
    way: Mapped[Way] = mapped_column(choice_column(Way), default=Way.DINE_IN, info={"label": _l("Way")})
    number: Mapped[int] = mapped_column(info={"label": _l("Meals counted"), "numeric": True})
    unnamed: Mapped[int] = mapped_column(info={"label": _l("Unnamed meals"), "numeric": True})
    reason: Mapped[str | None] = mapped_column(sa.String(200), info={"label": _l("Reason")})
    recorded_by: Mapped[str] = mapped_column(sa.String(60), info={"label": _l("Recorded by")})
    account: Mapped[str | None] = mapped_column(sa.String(60))
    recorded_at: Mapped[datetime] = mapped_column(Moment, info={"label": _l("Recorded at")})

    @property
    def label(self) -> str:
        """Day, meal and number."""
        return f"{self.day:%Y-%m-%d} {self.kind.name} × {self.number}"

"""The settlement of a month, and every step that somebody took with it."""
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
    choice_column,
    foreign,
    relationship,
    tenant_reference,
    tenant_unique,
)


class SettlementState(Choice):
    """How far a settlement is."""

    DRAFT = "draft", _l("Draft")
    SUBMITTED = "submitted", _l("Waits for the street")
    RETURNED = "returned", _l("Returned")
    APPROVED = "approved", _l("Approved by the street")
    PAID = "paid", _l("Paid out")


LOCKING = (SettlementState.SUBMITTED, SettlementState.APPROVED, SettlementState.PAID)


class StepKind(Choice):
    """What somebody did with a settlement."""

    MADE = "made", _l("Draft made")
    SUBMITTED = "submitted", _l("Submitted")
    RETURNED = "returned", _l("Sent back")
    APPROVED = "approved", _l("Approved")
    PAID = "paid", _l("Marked as paid")


class Settlement(TenantModel):
    """结算 of a month. From its submission on, `digest`, `meals` and `payable` are those of the snapshot."""

    __tablename__ = "canteen_settlement"
    __table_args__ = (tenant_unique("month", message=_l("This month already has a settlement.")),)

    month: Mapped[date] = mapped_column(info={"label": _l("Month")})  # its first day
    state: Mapped[SettlementState] = mapped_column(
        choice_column(SettlementState), default=SettlementState.DRAFT, info={"label": _l("State")})
    digest: Mapped[str | None] = mapped_column(sa.String(64), info={"label": _l("SHA-256")})
    meals: Mapped[int | None] = mapped_column(info={"label": _l("Meals"), "numeric": True})
    payable: Mapped[Decimal | None] = mapped_column(Money, info={"label": _l("Payable"), "numeric": True})
    paid_on: Mapped[date | None] = mapped_column(info={"label": _l("Paid on")})
    payment_reference: Mapped[str | None] = mapped_column(sa.String(60), info={"label": _l("Payment reference")})

    steps: Mapped[list[SettlementStep]] = relationship(
        primaryjoin=lambda: Settlement.id == foreign(SettlementStep.settlement_id), order_by="SettlementStep.id",
        back_populates="settlement", cascade="all, delete-orphan",
    )

    @property
    def label(self) -> str:
        """2026-10."""
        return f"{self.month:%Y-%m}"

    @property
    def is_locked(self) -> bool:
        """Whether nothing may be written into its month."""
        return self.state in LOCKING

    @property
    def submission(self) -> SettlementStep | None:
        """The latest submission, with its snapshot."""
        return next((s for s in reversed(self.steps) if s.kind == StepKind.SUBMITTED), None)


class SettlementStep(TenantModel):
    """Who did what when; a submission keeps the `snapshot` (canonical text) that its digest is of. Never changed."""

    __tablename__ = "canteen_settlement_step"

    settlement_id, settlement = tenant_reference(Settlement, back_populates="steps")
    kind: Mapped[StepKind] = mapped_column(choice_column(StepKind))
    by: Mapped[str] = mapped_column(sa.String(60))
    account: Mapped[str] = mapped_column(sa.String(60))  # two people may bear one name
    at: Mapped[datetime] = mapped_column(Moment)
    reason: Mapped[str | None] = mapped_column(sa.String(200))
    digest: Mapped[str | None] = mapped_column(sa.String(64))
    payable: Mapped[Decimal | None] = mapped_column(Money)
    snapshot: Mapped[str | None] = mapped_column(sa.Text, deferred=True)  # a line a meal: long

"""Accounts, columns, works, and figures by week; a figure that is not known stays empty, which is not 0."""
from datetime import date

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Mapped, mapped_column

from core.api import Choice, Deletable, TenantModel, choice_column, tenant_index, tenant_reference, tenant_unique


class Stage(Choice):
    """How far a work has come."""
    IDEA = "idea", _l("Idea")
    SHOOTING = "shooting", _l("Shooting")
    REVIEW = "review", _l("In review")
    PUBLISHED = "published", _l("Published")
    WITHDRAWN = "withdrawn", _l("Withdrawn")


class Account(Deletable, TenantModel):
    """A public account (抖音号), opened with approval from above (domain.md §5.2)."""
    __tablename__ = "douyin_account"
    __table_args__ = (tenant_unique("number", where="deleted_at IS NULL", message=_l("This account is already here.")),)
    name: Mapped[str] = mapped_column(sa.String(60), info={"label": _l("Account name")})
    number: Mapped[str] = mapped_column(sa.String(40), info={"label": _l("Douyin number")})
    approval: Mapped[str | None] = mapped_column(sa.String(60), info={"label": _l("Approval number")})
    opened_on: Mapped[date] = mapped_column(info={"label": _l("Account opened on")})
    closed_on: Mapped[date | None] = mapped_column(info={"label": _l("Account closed on")})


class Column(Deletable, TenantModel):
    """A column (栏目) under which works appear."""
    __tablename__ = "douyin_column"
    __table_args__ = (tenant_unique("name", where="deleted_at IS NULL", message=_l("This column is already here.")),)
    name: Mapped[str] = mapped_column(sa.String(40), info={"label": _l("Column of works")})
    cadence: Mapped[str | None] = mapped_column(sa.String(60), info={"label": _l("How often")})


class Work(Deletable, TenantModel):
    """A video or picture story, from the idea to its publication."""
    __tablename__ = "douyin_work"
    __table_args__ = (tenant_index("published_on", "id"),)
    name: Mapped[str] = mapped_column(sa.String(100), info={"label": _l("Title of the work")})
    column_id, column = tenant_reference(Column, nullable=True, info={"label": _l("Column of works")})
    account_id, account = tenant_reference(Account, info={"label": _l("Account name")})
    state: Mapped[Stage] = mapped_column(choice_column(Stage), default=Stage.IDEA, info={"label": _l("State")})
    published_on: Mapped[date | None] = mapped_column(info={"label": _l("Published on")})
    link: Mapped[str | None] = mapped_column(sa.String(300), info={"label": _l("Link"), "hint": "https://…"})


class WeeklyFigure(TenantModel):
    """What the platform shows for an account at the end of a week; never a measure of anybody's work."""
    __tablename__ = "douyin_weekly_figure"
    __table_args__ = (tenant_unique("account_id", "week", message=_l("This account has figures of that week.")),)
    account_id, account = tenant_reference(Account, indexed=True, info={"label": _l("Account name")})
    week: Mapped[date] = mapped_column(info={"label": _l("Week"), "hint": _l("Any day of it; its Monday is kept.")})
    followers: Mapped[int | None] = mapped_column(info={"label": _l("Followers"), "numeric": True})
    plays: Mapped[int | None] = mapped_column(info={"label": _l("Plays"), "numeric": True})
    likes: Mapped[int | None] = mapped_column(info={"label": _l("Likes"), "numeric": True})
    comments: Mapped[int | None] = mapped_column(info={"label": _l("Comments"), "numeric": True})
    shares: Mapped[int | None] = mapped_column(info={"label": _l("Shares"), "numeric": True})

    @property
    def label(self) -> str:
        return f"{self.account.name} {self.week:%Y-%m-%d}"

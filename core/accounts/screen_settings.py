"""What a person has set up for a screen: columns, page size, filters by name. The same in every community."""
from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.extensions import BigId, db


class ScreenSettings(db.Model):  # type: ignore[name-defined]
    """One person's settings of one screen, by the screen's endpoint."""

    __tablename__ = "screen_settings"
    __table_args__ = (sa.UniqueConstraint("user_id", "screen"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("user.id"))
    screen: Mapped[str] = mapped_column(sa.String(120))
    columns: Mapped[list[str] | None] = mapped_column(sa.JSON(none_as_null=True))  # None: as the screen declares
    page_size: Mapped[int | None]
    filters: Mapped[list[dict[str, Any]]] = mapped_column(sa.JSON, default=list)  # [{"name", "query"}], in order
    opens_with: Mapped[str | None] = mapped_column(sa.String(40))  # the name of the filter set when it opens
    row_version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": row_version}


def settings_of_screen(session: Session, user_id: int, screen: str) -> ScreenSettings | None:
    """What this person has set up for this screen; None: nothing."""
    return session.scalar(sa.select(ScreenSettings).where(
        ScreenSettings.user_id == user_id, ScreenSettings.screen == screen))

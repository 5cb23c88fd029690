"""Events."""
from __future__ import annotations

from datetime import date

from flask_babel import lazy_gettext as _l
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from core.api import Deletable, Resident, TenantModel, tenant_reference, tenant_unique


class Event(Deletable, TenantModel):
    """Something that took place; `people` is empty until somebody has counted."""

    __tablename__ = "opera_event"
    __table_args__ = (
        tenant_unique("day", "name", where="deleted_at IS NULL", message=_l("This event is already here on that day.")),
    )

    name: Mapped[str] = mapped_column(String(60), info={"label": _l("Event")})
    day: Mapped[date] = mapped_column(info={"label": _l("Day of the event")})
    place: Mapped[str | None] = mapped_column(String(60), info={"label": _l("Place of the event")})
    people: Mapped[int | None] = mapped_column(info={"label": _l("How many came"), "numeric": True})


class Member(Deletable, TenantModel):
    """A resident who sings or plays along."""

    __tablename__ = "opera_member"
    __table_args__ = (
        tenant_unique("resident_id", where="deleted_at IS NULL", message=_l("This person is a member already.")),
    )

    resident_id, resident = tenant_reference(Resident, indexed=True, info={"label": _l("Member")})
    part: Mapped[str | None] = mapped_column(String(20), info={"label": _l("Part in the opera")})

    @property
    def label(self) -> str:
        """The member's name."""
        return self.resident.name

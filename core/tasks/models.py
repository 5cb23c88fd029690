"""Tasks: somebody is to be looked after, until a person says how it ended."""
from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Mapped, mapped_column

from core.areas.tenancy import TenantModel, Voidable, tenant_index, tenant_reference, tenant_unique
from core.encryption import EncryptedText
from core.extensions import Choice, Moment, choice_column
from core.residents.models import Resident


class TaskState(Choice):
    """Whether somebody still has to see to it."""

    OPEN = "open", _l("To be done")
    DONE = "done", _l("Finished")


class Outcome(Choice):
    """How a task ended for the person."""

    SAFE = "safe", _l("Reached, safe and well")
    HOSPITAL = "hospital", _l("Taken to hospital")
    FAMILY = "family", _l("Fetched by the family")
    OTHER = "other", _l("Something else")


class Task(Voidable, TenantModel):
    """Something to be done about a resident by a day; the module that asked for it is `source`.

    `link` is where it came from, an address below the community's own ("canteen/delivery/?…").
    """

    __tablename__ = "task"
    __table_args__ = (
        tenant_unique("resident_id", "source", "due", where="voided_at IS NULL AND state = 'open'",
                      message=_l("There is already an open task for this person.")),
        tenant_index("due", "id", "voided_at"),
        tenant_index("state", "due"),
    )

    title: Mapped[str] = mapped_column(sa.String(100), info={"label": _l("Task")})
    resident_id, resident = tenant_reference(Resident, info={"label": _l("Resident")})
    due: Mapped[date] = mapped_column(info={"label": _l("To be done by")})
    source: Mapped[str] = mapped_column(sa.String(32), info={"label": _l("Module")})
    link: Mapped[str | None] = mapped_column(sa.String(200))
    opened_by: Mapped[str] = mapped_column(sa.String(60), info={"label": _l("Opened by")})
    opened_at: Mapped[datetime] = mapped_column(Moment, info={"label": _l("Opened at")})
    state: Mapped[TaskState] = mapped_column(
        choice_column(TaskState), default=TaskState.OPEN, info={"label": _l("State")})
    outcome: Mapped[Outcome | None] = mapped_column(choice_column(Outcome), info={"label": _l("Outcome")})
    outcome_note: Mapped[str | None] = mapped_column(
        EncryptedText("task.outcome_note"), info={"label": _l("What happened"), "private": "note"})
    done_by: Mapped[str | None] = mapped_column(sa.String(60), info={"label": _l("Finished by")})
    done_at: Mapped[datetime | None] = mapped_column(Moment, info={"label": _l("Finished at")})

    label_private = "name"

    @property
    def label(self) -> str:
        """Who and what."""
        return f"{self.resident.name} · {self.title}"

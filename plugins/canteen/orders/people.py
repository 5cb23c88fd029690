"""Pages that show people by name: for those who may see names alone."""
from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import abort
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import joinedload

from core.api import Page, db, visit
from plugins.canteen.models import Diner


class PeoplePage(Page):
    """Whoever sees names masked finds neither the page nor its place in the menu."""

    def is_shown(self) -> bool:
        """Only for those who may see names."""
        return super().is_shown() and visit().access.sees_names

    def _handle_view(self, name: str, **kwargs: Any) -> ResponseReturnValue | None:
        answer = super()._handle_view(name, **kwargs)
        if answer is None and not visit().access.sees_names:
            abort(403)
        return answer


def whole(text: str | None) -> int:
    """An id from an address or a form; -1, which no record has, for anything else."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 19 else -1


def diner_or_404(number: str | None) -> Diner:
    """A living diner of this community."""
    diner = db.session.scalar(sa.select(Diner).where(Diner.id == whole(number), Diner.deleted_at.is_(None)).options(
        joinedload(Diner.resident)))
    if diner is None:
        abort(404)
    return diner

"""The rules: (session, values) → value or ValidationError; nothing here knows of a request or of the clock."""
from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.api import ValidationError
from opera.models import Event

MOST_SHOWN = 20


def check_event(event: Event, today: date) -> None:
    """Raises ValidationError for people who came to an event that has not been yet."""
    if event.people is not None and event.day > today:
        raise ValidationError(_("Nobody can have been counted yet: this day lies in the future."), "people")


def without_number(session: Session, today: date) -> Sequence[Event]:
    """Events that are over and that nobody has counted."""
    waiting = select(Event).where(Event.day < today, Event.people.is_(None), Event.deleted_at.is_(None))
    return session.scalars(waiting.order_by(Event.day, Event.id).limit(MOST_SHOWN)).all()


def coming(session: Session, today: date) -> Sequence[Event]:
    """Events from today on, the next first."""
    found = select(Event).where(Event.day >= today, Event.deleted_at.is_(None)).order_by(Event.day, Event.id)
    return session.scalars(found.limit(MOST_SHOWN)).all()

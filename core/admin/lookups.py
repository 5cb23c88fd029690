"""The choices of a reference: a drop-down while they are few, else a look-up by name that answers some at a time."""
from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import g
from sqlalchemy import inspect

from core.areas.tenancy import Deletable
from core.extensions import db

MOST_OPTIONS = 200  # of a drop-down
MOST_IN_LIST = 20  # of an answer


def living(model: type) -> sa.Select:
    """The records that are not in the recycle bin."""
    query = sa.select(model)
    return query.where(model.deleted_at.is_(None)) if issubclass(model, Deletable) else query


def few(target: type) -> list[Any] | None:
    """All the records that can be chosen, asked once a page; None when a drop-down would be cut short."""
    known = g.setdefault("few", {})
    if target not in known:
        known[target] = list(db.session.scalars(living(target).order_by(target.id).limit(MOST_OPTIONS + 1)))
    return known[target] if len(known[target]) <= MOST_OPTIONS else None


def looked_up(target: type, text: str) -> list[list[Any]]:
    """[[id, label], …] of the first records that `text` may mean; without text of the first ones at all."""
    found = living(target).order_by(target.id).limit(MOST_IN_LIST)
    if text:
        found = found.where(_meant(target, text))
    return [[row.id, getattr(row, "long_label", row.label)] for row in db.session.scalars(found)]


def finds_people(target: type) -> bool:
    """Whether its records are looked up by somebody's name: for those who may see names only."""
    return hasattr(target, "matches") or _person_of(target) is not None


def _meant(target: type, text: str) -> Any:
    if hasattr(target, "matches"):
        return target.matches(text)
    if (person := _person_of(target)) is not None:
        of_whom = person.mapper.class_
        return getattr(target, next(iter(person.local_columns)).key).in_(
            sa.select(of_whom.id).where(of_whom.matches(text)))
    if "name" in inspect(target).column_attrs:
        return target.name.contains(text, autoescape=True)
    return target.id == (int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else -1)


def _person_of(target: type) -> Any:
    """The relation to the person whom a record is about (a diner's resident)."""
    return next((r for r in inspect(target).relationships
                 if not r.uselist and hasattr(r.mapper.class_, "matches")), None)

"""A form that is sent twice (a double click, a resent page) does its work once."""
from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from core.admin.rules import broken_rule
from core.areas.tenancy import TenantModel
from core.audit.models import OnceKey
from core.clock import now
from core.errors import ValidationError

KEY = re.compile(r"[A-Za-z0-9_-]{16,64}")
KEPT = timedelta(days=7)  # no form stays open longer: sessions end before
_ONCE = OnceKey.__table__
MADE = _ONCE.update().values(record_id=sa.bindparam("record")).where(
    _ONCE.c.community_id == sa.bindparam("community"), _ONCE.c.key == sa.bindparam("once"),
    _ONCE.c.kind == sa.bindparam("made"))
SWEPT_EVERY = 50  # every so many keys the old ones go


def new_key() -> str:
    """A key for a form that is opened."""
    return secrets.token_urlsafe(24)


def create_once(
    session: Session, model: type[TenantModel], key: str, make: Callable[[], TenantModel]
) -> tuple[int | None, bool]:
    """Make a record of `model` (or change one) and commit; the same `key` again gives the first record's id and False.

    The key's row goes in first, in the same transaction. Raises ValidationError for broken unique keys, and for a
    key that came with another kind of record.
    """
    if not KEY.fullmatch(key):
        raise _out_of_date()
    if not claim(session, model, key):
        return first_of(session, model, key), False
    try:
        record = make()
        session.add(record)
        session.flush()
        note_done(session, model, key, record.id)
        number = record.id  # the commit forgets it
        session.commit()
        return number, True
    except StaleDataError as error:
        session.rollback()
        raise ValidationError(_("Somebody else has just changed this record. Please look again.")) from error
    except IntegrityError as error:
        session.rollback()
        raise broken_rule(error) from error


def claim(session: Session, model: type[TenantModel], key: str) -> bool:
    """Put the key's row in, without a commit; False (and the transaction is over) where it is there already."""
    once = OnceKey(key=key, kind=model.__tablename__, at=now())
    session.add(once)
    try:
        session.flush()
    except IntegrityError:
        session.rollback()
        return False
    if once.id % SWEPT_EVERY == 0:
        session.execute(sa.delete(OnceKey).where(OnceKey.at < now() - KEPT))
    return True


def note_done(session: Session, model: type[TenantModel], key: str, record_id: int) -> None:
    """Which record the key's form made or changed."""
    session.connection().execute(MADE, {"community": session.info["scope"].community_id, "once": key,
                                        "made": model.__tablename__, "record": record_id})


def first_of(session: Session, model: type[TenantModel], key: str) -> int | None:
    """The id of the record that this key made; raises ValidationError where it made another kind of record."""
    found = session.execute(sa.select(OnceKey.kind, OnceKey.record_id).where(OnceKey.key == key)).one_or_none()
    if found is None or found.kind != model.__tablename__:
        raise _out_of_date()
    return found.record_id


def was_sent(session: Session, model: type[TenantModel], key: str, record_id: int) -> bool:
    """Whether this form has been saved already, for this record."""
    done = sa.select(OnceKey.id).where(
        OnceKey.key == key, OnceKey.kind == model.__tablename__, OnceKey.record_id == record_id)
    return bool(KEY.fullmatch(key)) and session.scalar(done) is not None


def _out_of_date() -> ValidationError:
    return ValidationError(_("This form is out of date. Please open it again."))

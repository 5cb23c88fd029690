"""Signing in and out, and the sessions kept on the server."""
from __future__ import annotations

import hashlib
import secrets
import unicodedata
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from core.accounts.models import AccountEvent, SignInResult, User, UserSession
from core.accounts.passwords import verify_password

FAILURES = 5
LOCK = timedelta(minutes=15)
SEEN_EVERY = timedelta(minutes=1)
SESSION_OF = sa.select(UserSession).where(UserSession.token_hash == sa.bindparam("token_hash")).options(
    joinedload(UserSession.user).joinedload(User.memberships))  # made once: every request asks
LONGEST_LIFE = timedelta(days=7)  # the longest absolute limit that can be set; older rows are swept away


def normal_username(text: str) -> str:
    """As stored: small letters, no blanks around, full-width letters (ｗａｎｇ) as plain ones."""
    return unicodedata.normalize("NFKC", text.replace("\x00", "")).strip().casefold()[:60]


def password_fits(session: Session, username: str, password: str) -> bool:
    """Compare slowly (argon2), the same for unknown names; done outside the writing transaction."""
    stored = session.scalar(sa.select(User.password_hash).where(User.username == normal_username(username)))
    return verify_password(stored, password)


def sign_in(session: Session, username: str, fits: bool, address: str, now: datetime) -> str | None:
    """Finish an attempt: the token of a new session, or None. Logs it and counts failures.

    Five failures in a row lock the account for 15 minutes, for a right password too.
    """
    name = normal_username(username)
    user = session.scalar(sa.select(User).where(User.username == name))
    locked = bool(user and is_locked(user, now))
    if user and fits and not locked and user.disabled_at is None:
        user.failures, user.locked_until = 0, None
        log_event(session, name, address, now, SignInResult.SUCCESS)
        return start_session(session, user, now)
    log_event(session, name, address, now, SignInResult.LOCKED if locked else SignInResult.WRONG)
    if user and not locked:
        _count_failure(session, user, now)
    return None


def is_locked(user: User, now: datetime) -> bool:
    """Whether too many wrong passwords were tried on this account a short while ago."""
    return user.locked_until is not None and user.locked_until > now


def note_wrong_password(session: Session, user: User, address: str | None, now: datetime) -> None:
    """A wrong old password counts as a wrong attempt to sign in: else it could be guessed at an open screen."""
    log_event(session, user.username, address, now, SignInResult.WRONG)
    _count_failure(session, user, now)


def _count_failure(session: Session, user: User, now: datetime) -> None:
    """In one statement, so that guesses side by side are all counted."""
    session.execute(
        sa.update(User).where(User.id == user.id).values(
            failures=sa.case((User.failures + 1 >= FAILURES, 0), else_=User.failures + 1),
            locked_until=sa.case((User.failures + 1 >= FAILURES, now + LOCK), else_=User.locked_until),
        ), execution_options={"synchronize_session": False},
    )


def start_session(session: Session, user: User, now: datetime) -> str:
    """A new session for a person; the returned token is for the cookie alone."""
    session.execute(sa.delete(UserSession).where(UserSession.started_at < now - LONGEST_LIFE))
    token = secrets.token_urlsafe(32)
    session.add(UserSession(token_hash=_hash(token), user_id=user.id, started_at=now, seen_at=now))
    return token


def session_of(session: Session, token: str, now: datetime, idle: timedelta, absolute: timedelta) -> UserSession | None:
    """The living session of a token, or None when it was ended, has idled out or is too old.

    Its person and the person's memberships, with area and role, come in the same statement.
    """
    found = session.scalars(SESSION_OF, {"token_hash": _hash(token)}).unique().one_or_none()
    if found is None or found.user.disabled_at is not None:
        return None
    if now - found.seen_at > idle or abs(now - found.started_at) > absolute:  # begun by a clock that was far ahead
        return None
    return found


def touch(session: Session, token: str, now: datetime) -> None:
    """Note that the session is in use."""
    session.execute(sa.update(UserSession).where(UserSession.token_hash == _hash(token)).values(seen_at=now))


def end_session(session: Session, token: str) -> None:
    """Sign one browser out."""
    session.execute(sa.delete(UserSession).where(UserSession.token_hash == _hash(token)))


def end_sessions_of(session: Session, user: User, *, but: str | None = None) -> None:
    """Sign a person out everywhere (`but` keeps the browser with this token)."""
    ended = sa.delete(UserSession).where(UserSession.user_id == user.id)
    session.execute(ended.where(UserSession.token_hash != _hash(but)) if but else ended)


def log_event(
    session: Session, username: str, address: str | None, now: datetime,
    result: SignInResult | None = None, *, area_id: int | None = None, about: str | None = None,
    what: str | None = None,
) -> None:
    """A row in the log of accounts: who, in which area, about whose account, what."""
    session.add(
        AccountEvent(at=now, username=username[:60], address=address, result=result, area_id=area_id, about=about,
                     what=what[:300] if what else None)
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()

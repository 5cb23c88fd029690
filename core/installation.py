"""What stands in this installation: nothing, a demonstration or a real street; and who is working on it now."""
from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa
from flask import Flask, current_app
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.accounts.models import AccountEvent
from core.accounts.roles import STREET, SYSTEM
from core.accounts.service import add_membership, built_in_role, create_user, find_user
from core.accounts.sign_in import log_event
from core.app import create_app
from core.areas.models import Area, AreaKind, Installation
from core.areas.row_security import check_row_security
from core.areas.scope import session_for
from core.areas.service import add_area
from core.clock import check_clock, now, today
from core.config import Settings
from core.demo import load_demo
from core.errors import SetupError
from core.extensions import db
from core.metrics.checking import catch_up
from core.migrations.remains import plugins_left
from core.migrations.upgrade import leave_unready_out, pending, upgrade

LOG = logging.getLogger("jinlin.installation")
KINDS_OF_OFFICE = (AreaKind.STREET, AreaKind.TOWN, AreaKind.ZONE, AreaKind.DISTRICT)
LOADING = ".demo-loading"  # is there while the demonstration is being loaded
LOCKED_BYTES = 64  # Windows: one byte a server, all of them for who wants to be alone


def installed() -> Installation | None:
    """The row of this installation; None while nothing is set up."""
    if not sa.inspect(db.engine).has_table(Installation.__tablename__):
        return None
    with session_for(None, "what is installed here") as reading:
        found = reading.scalar(sa.select(Installation))
        reading.expunge_all()
        return found


def last_moment() -> datetime | None:
    """When somebody last signed in or changed an account, or the installation was made."""
    with session_for(None, "when was it last used") as reading:
        return max(filter(None, (reading.scalar(sa.select(sa.func.max(AccountEvent.at))),
                                 reading.scalar(sa.select(Installation.created_at)))), default=None)


def office() -> Area | None:
    """The highest area: the street that was set up."""
    with session_for(None, "which street is this") as reading:
        found = reading.scalar(sa.select(Area).order_by(Area.path).limit(1))
        reading.expunge_all()
        return found


@contextmanager
def opened(settings: Settings, **config: Any) -> Iterator[Flask]:
    """The app, at work for a command; its connections are closed at the end, so that nothing crosses a fork."""
    app = create_app(settings, **config)
    with app.app_context():
        try:
            yield app
        finally:
            db.session.remove()
            db.engine.dispose()


def make_tables() -> None:
    """Make the tables of an empty database, build figures whose definition has changed, see that the walls hold.

    Raises SetupError where an older one waits for `jinlin db upgrade`, or where a wall is open.
    """
    if not pending():
        leave_unready_out()
    elif installed() is not None:
        raise SetupError(_("The database is older than this program. Please run: jinlin db upgrade"))
    else:
        upgrade()
    if db.engine.dialect.name == "postgresql":
        with db.engine.connect() as connection:
            check_row_security(connection)
    catch_up(LOG.warning)


def set_street_up(name: str, slug: str, code: str | None, kind: AreaKind, account: str) -> str:
    """Make the highest area and its first administrator, all or nothing; returns the one-time password.

    The administrator is both system and street administrator there: makes communities, turns plugins on, and
    gives every role. Raises ValidationError with what to do.
    """
    with session_for(None, "set the street up", writes=True, actor="jinlin init") as writing:
        writing.add(Installation(id=1, key_fingerprint=current_app.extensions["jinlin_keys"].fingerprint,
                                 created_at=now()))
        street = add_area(writing, None, name, kind, slug, code)
        return _first_administrator(writing, street, account)


def _first_administrator(writing: Session, street: Area, account: str) -> str:
    password = create_user(writing, account, _("Administrator"), now())
    user = find_user(writing, account)
    for key in (SYSTEM, STREET):
        add_membership(writing, user, street, built_in_role(writing, key), today())
    log_event(writing, "jinlin init", None, now(), area_id=street.id,
              what=_("Set up %(name)s with the account %(account)s", name=street.name, account=user.username))
    return password


def load_demonstration(settings: Settings) -> Installation:
    """Load the demonstration where nothing is set up; one whose loading was broken off is begun again.

    Returns what stands there then: the demonstration, or the real street that was found.
    """
    loading = settings.instance / LOADING
    if loading.exists():
        _clear_half_a_demonstration(settings)
    with opened(settings):
        make_tables()
        if installed() is None:
            loading.touch()
            load_demo()
        found = installed()
    loading.unlink(missing_ok=True)
    if found is None:
        raise SetupError(_("The demonstration could not be loaded."))
    return found


def _clear_half_a_demonstration(settings: Settings) -> None:
    with opened(settings):
        found = installed()
    if found is None or found.demo:  # a real street may have been set up since
        clear(settings)


def clear(settings: Settings) -> None:
    """Remove the data: tables and uploaded files. The key file stays."""
    if settings.is_sqlite:
        for end in ("", "-wal", "-shm"):
            Path(f"{settings.sqlite_file}{end}").unlink(missing_ok=True)
    else:
        engine = sa.create_engine(settings.database_url, poolclass=sa.NullPool)
        with engine.begin() as connection:
            drop_our_tables(connection)
    shutil.rmtree(settings.uploads, ignore_errors=True)


def drop_our_tables(connection: sa.Connection) -> None:
    """The tables of the core and of every plugin that is or was installed, and the notes of their migrations."""
    left = plugins_left(connection, set())
    ours = {*db.metadata.tables, *(table for tables in left.values() for table in tables)}
    for name in sa.inspect(connection).get_table_names():
        if name in ours or name.startswith("alembic_version_"):
            connection.exec_driver_sql(f'DROP TABLE "{name}" CASCADE')


@contextmanager
def setting_up(settings: Settings) -> Iterator[None]:
    """One command at a time sets up or changes the database; another waits here until it is done.

    Raises SetupError while the clock cannot be right.
    """
    check_clock()
    with _open_lock(settings.instance / ".setup.lock") as file:
        _lock(file, alone=True, waits=True)
        yield


@contextmanager
def serving(settings: Settings) -> Iterator[None]:
    """Held by every server as long as it runs."""
    with _open_lock(settings.instance / ".serving.lock") as file:
        if not _lock(file, alone=False, waits=False):
            raise SetupError(_("Another command is replacing the data just now. Please wait until it is done."))
        yield


@contextmanager
def nobody_serving(settings: Settings) -> Iterator[None]:
    """For commands that replace data. Raises SetupError while a server runs on this instance."""
    with _open_lock(settings.instance / ".serving.lock") as file:
        if not _lock(file, alone=True, waits=False):
            raise SetupError(_("Jinlin is running on these data. Please stop the server first, then try again."))
        yield


def _open_lock(path: Path) -> IO[bytes]:
    try:
        return path.open("ab")
    except OSError as error:
        raise SetupError(_("The file %(path)s cannot be written (%(reason)s). Check who owns it.",
                           path=path, reason=error.strerror)) from None


def _lock(file: IO[bytes], *, alone: bool, waits: bool) -> bool:
    """Whether the lock was got; it ends with the file, also when the process is killed."""
    if os.name == "nt":
        return _lock_on_windows(file, alone=alone, waits=waits)
    import fcntl  # POSIX only

    try:
        fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | (0 if waits else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


def _lock_on_windows(file: IO[bytes], *, alone: bool, waits: bool) -> bool:
    import msvcrt  # Windows only; it has no shared locks, so each server takes a byte of its own

    mode = msvcrt.LK_LOCK if waits else msvcrt.LK_NBLCK  # type: ignore[attr-defined]
    for start, length in [(0, LOCKED_BYTES)] if alone else [(n, 1) for n in range(LOCKED_BYTES)]:
        file.seek(start)
        try:
            msvcrt.locking(file.fileno(), mode, length)  # type: ignore[attr-defined]
            return True
        except OSError:
            continue
    return False

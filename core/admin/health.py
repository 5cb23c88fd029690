"""Whether the server lives, and whether it is ready to serve: for a monitor, with words for the administrator."""
from __future__ import annotations

import os
import sys
import tempfile
import time

import sqlalchemy as sa
from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from core.areas.scope import session_for
from core.connections import at_once
from core.errors import SetupError
from core.extensions import db
from core.migrations.upgrade import pending

health = Blueprint("health", __name__)
LOCKED_SECONDS = 1  # a database that is locked for longer is not just at work
LEAST_FREE = 1024**2  # bytes; with less a disk counts as full


@health.route("/healthz")
def alive() -> ResponseReturnValue:
    """The process answers."""
    return {"alive": True}


@health.route("/readyz")
def ready() -> ResponseReturnValue:
    """The database answers, can be written, its migrations are current, and no disk is full."""
    full = full_disks()
    try:
        with at_once():
            if waiting := pending():
                return _not_ready("migrations", _("Please run: jinlin db upgrade"), pending=waiting)
            _try_to_write()
    except SetupError as error:
        return _not_ready("newer", str(error))
    except sa.exc.SQLAlchemyError as error:
        if "locked" in str(getattr(error, "orig", "")):
            return _not_ready("locked", _("Another program keeps the database locked: reading works, writing waits."))
        return _not_ready("database", _("The database does not answer."))
    finally:
        db.session.remove()
    if full & {"database", "temporary"}:
        return _not_ready("space", _("A disk is full. Please make room; nothing has to be restarted."),
                          full=sorted(full))
    return {"ready": True, **({"full": sorted(full)} if full else {})}


def _not_ready(reason: str, text: str, **more: object) -> ResponseReturnValue:
    return {"ready": False, "reason": reason, "text": text, **more}, 503


def _try_to_write() -> None:
    """Take the right to write for a moment; raises what the database says when it is not given."""
    began = time.monotonic()
    while True:
        try:
            with session_for(None, "can it be written", writes=True, waits=False) as writing:
                writing.connection()
                return
        except sa.exc.OperationalError as error:
            if "locked" not in str(error.orig) or time.monotonic() - began > LOCKED_SECONDS:
                raise
            time.sleep(0.02)


def full_disks() -> set[str]:
    """Which of the disks of this computer are full: database, uploads (and backups), temporary files, log."""
    settings = current_app.extensions["jinlin_settings"]
    places: dict[str, object] = {"uploads": settings.instance, "temporary": tempfile.gettempdir()}
    if settings.is_sqlite:
        places["database"] = settings.sqlite_file.parent
    if hasattr(os, "fstatvfs") and sys.stderr is not None:
        places["log"] = 2  # whatever the error output goes to
    return {name for name, place in places.items() if _is_full(place)}


def _is_full(place: object) -> bool:
    try:
        status = os.statvfs(place)  # type: ignore[arg-type]
    except (OSError, AttributeError):  # not there now, or Windows
        return False
    return status.f_blocks > 0 and status.f_bavail * status.f_frsize < LEAST_FREE

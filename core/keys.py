"""Which keys this installation uses, and the refusal to start with the wrong ones."""
from __future__ import annotations

import sqlalchemy as sa
from flask import Flask
from flask_babel import lazy_gettext as _l  # lazy: keys are loaded before the app can translate

from core.areas.models import Installation
from core.config import Settings
from core.encryption import KeyRing
from core.errors import SetupError
from core.extensions import db

WRONG_PASSWORD, NO_SUCH_DATABASE = ("28P01", "28000"), "3D000"
NO_CONNECTION = ("08", "57")  # classes of SQLSTATE


def ring_for(app: Flask, settings: Settings) -> KeyRing:
    """The keys of the key file; made at the first start, never when there are data that need others.

    Raises SetupError in words when the file is gone or belongs to another database.
    """
    with app.app_context():
        try:
            needed = fingerprint_in_database(settings)
        finally:
            db.engine.dispose()  # the app may be refused after this look; nothing is left open then
    if needed is None and not settings.key_file.exists():
        return _first_ring(settings)
    return ring_with(settings, needed)


def ring_with(settings: Settings, needed: str | None) -> KeyRing:
    """The keys of the key file, which must have the fingerprint `needed` by the data (None: any)."""
    if needed is not None and not settings.key_file.exists():
        raise SetupError(_l(
            "The key file %(path)s is gone, but the data are encrypted with it. Put the file back from your copy; no "
            "new key is made, because it could not open the data.", path=settings.key_file,
        ))
    ring = KeyRing.load(settings.key_file)
    if needed is not None and ring.fingerprint != needed:
        raise SetupError(_l(
            "The key file %(path)s belongs to other data. Put back the one that was made with these data (its "
            "fingerprint is %(needed)s, this one has %(found)s).",
            path=settings.key_file, needed=needed, found=ring.fingerprint,
        ))
    return ring


def _first_ring(settings: Settings) -> KeyRing:
    """New keys; of two commands that start at once the first makes them and the other reads them."""
    try:
        settings.key_file.parent.mkdir(parents=True, exist_ok=True)
        return KeyRing.create(settings.key_file)
    except OSError as error:
        raise SetupError(_l("The folder of the key file %(path)s cannot be made (%(reason)s); check JINLIN_KEY_FILE.",
                            path=settings.key_file, reason=error.strerror)) from None
    except SetupError:
        if not settings.key_file.exists():
            raise
        return KeyRing.load(settings.key_file)


def fingerprint_in_database(settings: Settings) -> str | None:
    """The fingerprint of the keys that the data were made with; None while the database is empty.

    The first look at the database: raises SetupError in words when it does not answer.
    """
    try:
        if not sa.inspect(db.engine).has_table(Installation.__tablename__):
            return None
        with db.engine.connect() as connection:
            return connection.execute(sa.select(Installation.key_fingerprint)).scalar()
    except sa.exc.DBAPIError as error:
        raise unreachable(settings, error) from None


def unreachable(settings: Settings, error: sa.exc.DBAPIError) -> SetupError:
    """Why the database does not answer, without names or passwords of the address."""
    where = settings.shown_database
    if settings.is_sqlite:
        return SetupError(_l("The database file %(where)s cannot be opened (%(reason)s). Check who owns it and its "
                             "folder, or restore a backup.", where=where, reason=str(error.orig)))
    text, code = str(error.orig), getattr(error.orig, "sqlstate", None)
    if code in WRONG_PASSWORD or "password authentication failed" in text:
        return SetupError(_l("The database server of %(where)s refuses the name or the password in "
                             "JINLIN_DATABASE_URL.", where=where))
    if code == NO_SUCH_DATABASE or ("database" in text and "does not exist" in text):
        return SetupError(_l("There is no database %(where)s. Make it first, for example with createdb, or correct "
                             "JINLIN_DATABASE_URL.", where=where))
    if code and not code.startswith(NO_CONNECTION):
        return SetupError(_l("The database %(where)s refuses this: %(reason)s", where=where,
                             reason=text.splitlines()[0]))
    return SetupError(_l("The database server of %(where)s does not answer. Is it running, and is JINLIN_DATABASE_URL "
                         "right?", where=where))

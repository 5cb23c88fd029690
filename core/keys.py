"""Which keys this installation uses, and the refusal to start with the wrong ones."""
from __future__ import annotations

import sqlalchemy as sa
from flask import Flask
from flask_babel import gettext as _

from core.areas.models import Installation
from core.config import Settings
from core.encryption import KeyRing
from core.errors import SetupError
from core.extensions import db


def ring_for(app: Flask, settings: Settings) -> KeyRing:
    """The keys of the key file; made at the first start, never when there are data that need others.

    Raises SetupError in words when the file is gone or belongs to another database.
    """
    with app.app_context():
        needed = fingerprint_in_database()
        if settings.key_file.exists():
            ring = KeyRing.load(settings.key_file)
        elif needed is None:
            settings.key_file.parent.mkdir(parents=True, exist_ok=True)
            ring = KeyRing.create(settings.key_file)
        else:
            raise SetupError(_(
                "The key file %(path)s is gone, but the database holds encrypted data. Put the file back from your "
                "copy; no new key is made, because it could not open the data.", path=settings.key_file,
            ))
    if needed is not None and ring.fingerprint != needed:
        raise SetupError(_(
            "The key file %(path)s belongs to another database. Put back the one that was made with this database.",
            path=settings.key_file,
        ))
    return ring


def fingerprint_in_database() -> str | None:
    """The fingerprint of the keys that the database was made with; None while it is empty."""
    if not sa.inspect(db.engine).has_table(Installation.__tablename__):
        return None
    with db.engine.connect() as connection:
        return connection.execute(sa.select(Installation.key_fingerprint)).scalar()

"""Whether the server lives, and whether it is ready to serve."""
from __future__ import annotations

import sqlalchemy as sa
from flask import Blueprint
from flask.typing import ResponseReturnValue

from core.errors import SetupError
from core.extensions import db
from core.migrations.upgrade import pending

health = Blueprint("health", __name__)


@health.route("/healthz")
def alive() -> ResponseReturnValue:
    """The process answers."""
    return {"alive": True}


@health.route("/readyz")
def ready() -> ResponseReturnValue:
    """The database answers and its migrations are current."""
    try:
        waiting = pending()
    except sa.exc.SQLAlchemyError:
        return {"ready": False, "reason": "database"}, 503
    except SetupError:
        return {"ready": False, "reason": "newer"}, 503
    finally:
        db.session.remove()
    if waiting:
        return {"ready": False, "reason": "migrations", "pending": waiting}, 503
    return {"ready": True}

"""Error pages in words; no trace and no database text reaches anybody."""
from __future__ import annotations

from flask import Flask, current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from core.admin.protection import Refused
from core.errors import JinlinError
from core.extensions import db


def install_error_pages(app: Flask) -> None:
    """One page for every error that can reach a person."""
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(JinlinError, _refused)
    app.register_error_handler(OperationalError, _busy)
    app.register_error_handler(IntegrityError, _collided)
    app.register_error_handler(StaleDataError, _collided)
    app.register_error_handler(500, _broken)


def _page(code: int, title: str, text: str) -> ResponseReturnValue:
    if request.headers.get("X-Requested-With") == "fetch":
        return {"error": text}, code
    return render_template("error.html", code=code, title=title, text=text), code


def _http(error: HTTPException) -> ResponseReturnValue:
    code = error.code or 500
    if code < 400:
        return error
    if isinstance(error, Refused):
        return _page(code, str(error.title), str(error.text))
    words = {
        400: (_("This cannot be read"), _("Please go back, reload the page and try again.")),
        403: (_("Not allowed"), _("Your role does not include this. Please ask your community manager.")),
        404: (_("Not found"), _("There is nothing at this address, or it is not part of your area.")),
        405: (_("Not possible this way"), _("Please use the buttons of the page.")),
        413: (_("Too large"), _("The file is too large: at most 10 MB.")),
        414: (_("The address is too long"), _("Please go back and choose fewer filters, or search for less.")),
        429: (_("Too many attempts"), _("Please wait a minute and try again.")),
    }
    return _page(code, *words.get(code, (_("This did not work"), _("Please go back and try again."))))


def _csrf(_error: CSRFError) -> ResponseReturnValue:
    return _page(400, _("The page is out of date"),
                 _("Nothing was saved. Go back with the browser and copy what you typed, "
                   "then reload the page and send it."))


def _refused(error: JinlinError) -> ResponseReturnValue:
    db.session.rollback()
    return _page(422, _("This did not work"), str(error))


def _busy(error: OperationalError) -> ResponseReturnValue:
    current_app.logger.error("database: %s", type(error.orig).__name__)
    db.session.remove()
    return _page(503, _("The database is busy"), _("Nothing was saved. Please wait a moment and try again."))


def _collided(error: IntegrityError | StaleDataError) -> ResponseReturnValue:
    """Two requests side by side, where a view has no better words of its own."""
    current_app.logger.error("collision: %s", type(getattr(error, "orig", error)).__name__)
    db.session.remove()
    return _page(409, _("This did not work"),
                 _("Somebody else changed this at the same moment. Please look again and repeat it."))


def _broken(_error: Exception) -> ResponseReturnValue:
    db.session.remove()
    return _page(500, _("Something went wrong"),
                 _("Nothing was saved. Please try again; if it happens again, tell your administrator the time."))

"""Error pages in words; no trace and no database text reaches anybody."""
from __future__ import annotations

import errno

from flask import Flask, current_app, g, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError, PendingRollbackError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException, InternalServerError

from core.admin.gate import NOT_KEPT, PUBLIC, SAFE, WITHOUT_AREA, manager
from core.admin.protection import Refused
from core.admin.resume import typed_in
from core.errors import JinlinError
from core.extensions import db

AWAY = (OperationalError, InterfaceError, PendingRollbackError, PoolTimeout)  # what a database says that is not there
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
DISK_FULL = "53100"  # SQLSTATE
BUSY_SECONDS, FULL_SECONDS = 5, 60  # Retry-After


def install_error_pages(app: Flask) -> None:
    """One page for every error that can reach a person."""
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(JinlinError, _refused)
    for error in AWAY:
        app.register_error_handler(error, _away)
    app.register_error_handler(OSError, _no_room)
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


def _away(error: SQLAlchemyError) -> ResponseReturnValue:
    """The database went away, is locked or has no room: 503 with what was typed; a look is taken once more first."""
    cause = getattr(error, "orig", error)
    current_app.logger.error("database: %s: %s", type(cause).__name__, next(iter(str(cause).splitlines()), ""))
    db.session.remove()
    if request.method in SAFE and _line_broke(error) and not g.get("repeated"):
        g.repeated = True
        if g.get("slug"):
            request.view_args = {**(request.view_args or {}), "area": g.slug}  # the gate had taken it out
        return current_app.full_dispatch_request()
    if getattr(cause, "sqlstate", None) == DISK_FULL or "is full" in str(cause):
        return _full()
    text = _("The database does not answer, or somebody else is writing for a long time. Please wait a moment and "
             "try again.")
    return _unavailable(_("The database is busy"), text, BUSY_SECONDS, _kept())


def _line_broke(error: SQLAlchemyError) -> bool:
    return isinstance(error, PendingRollbackError) or getattr(error, "connection_invalidated", False)


def _no_room(error: OSError) -> ResponseReturnValue:
    """A disk is full: that of the database, or that of the files that come in and go out."""
    if error.errno not in NO_ROOM and "temporary directory" not in str(error):
        return current_app.handle_exception(error)
    current_app.logger.error("disk full: %s", error.filename or error.strerror or error)
    db.session.remove()
    return _full()


def _full() -> ResponseReturnValue:
    text = _("The disk of the server is full, so nothing can be saved at present; looking things up still works. "
             "Please tell your administrator.")
    return _unavailable(_("The disk is full"), text, FULL_SECONDS, _kept())


def _kept() -> list[tuple[str, str]]:
    """What was typed, to be sent again from the page of the error; never a password."""
    unread = "form" not in vars(request)  # it was the form that found no room
    if unread or request.method in SAFE or request.endpoint in PUBLIC or request.endpoint in WITHOUT_AREA:
        return []
    return [(k, v) for k, v in request.form.items(multi=True) if k not in NOT_KEPT]


def _unavailable(title: str, text: str, seconds: int, kept: list[tuple[str, str]]) -> ResponseReturnValue:
    headers = {"Retry-After": str(seconds)}
    if request.headers.get("X-Requested-With") == "fetch":
        return {"error": text}, 503, headers
    here = request.full_path.rstrip("?")
    files = sorted({f.filename for f in request.files.values() if f.filename}) if kept else []
    return make_response(render_template(
        "again.html", code=503, title=title, text=text, action=here, kept=kept, typed=typed_in(here, kept) if kept
        else [], files=files, again_url=here if request.method in SAFE else None,
    ), 503, headers)


def _collided(error: IntegrityError | StaleDataError) -> ResponseReturnValue:
    """Two requests side by side, where a view has no better words of its own."""
    current_app.logger.error("collision: %s", type(getattr(error, "orig", error)).__name__)
    db.session.remove()
    return _page(409, _("This did not work"),
                 _("Somebody else changed this at the same moment. Please look again and repeat it."))


def _broken(error: InternalServerError) -> ResponseReturnValue:
    """Said in the log by Flask; what a plugin has broken is named on the plugins page too."""
    cause = error.original_exception or error
    if name := manager().culprit(cause):
        manager().note(name, request.endpoint or request.path, cause)
    db.session.remove()
    return _page(500, _("Something went wrong"),
                 _("Nothing was saved. Please try again; if it happens again, tell your administrator the time."))

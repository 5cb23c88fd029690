"""Signing in and out, one's own password, language and font: the pages without an area."""
from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, current_app, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from core.accounts.models import SignInResult, User
from core.accounts.service import change_password
from core.accounts.sign_in import end_session, log_event, password_fits, sign_in
from core.admin.gate import NOT_KEPT, visit
from core.areas.scope import session_for
from core.clock import now
from core.demo import demo_accounts
from core.errors import ValidationError
from core.extensions import db

account = Blueprint("account", __name__)
KEPT = "kept:"


def inside(target: str | None) -> str | None:
    """A path of this server, or None: a redirect never leaves it."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or "\\" in target:
        return None
    parts = urlsplit(target)
    return target if not parts.scheme and not parts.netloc and target.isprintable() else None


@account.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    """One text for every failure, in the same time; what was typed before a time-out comes along."""
    target = inside(request.values.get("next"))
    kept = [(k.removeprefix(KEPT), v) for k, v in request.form.items(multi=True) if k.startswith(KEPT)]
    if request.method == "GET":
        return _login_page(target, kept, None)
    username, password = request.form.get("username", ""), request.form.get("password", "")
    with session_for(None, "compare a password") as reading:
        fits = password_fits(reading, username, password)
    with session_for(None, "finish an attempt to sign in", writes=True) as writing:
        if old := session.get("token"):
            end_session(writing, old)
        token = sign_in(writing, username, fits, request.remote_addr or "", now())
    if token is None:
        session.pop("token", None)
        return _login_page(target, kept, _("Wrong account or password. 5 wrong attempts in a row lock it for 15 minutes."))
    language = session.get("language")
    session.clear()
    session["token"] = token
    if language:
        session["language"] = language
    if kept and target:
        kept = [(k, v) for k, v in kept if k not in NOT_KEPT]
        return render_template("resume.html", action=target, kept=kept)
    return redirect(target or url_for("account.home"))


def _login_page(target: str | None, kept: list[tuple[str, str]], error: str | None) -> ResponseReturnValue:
    return render_template("login.html", next=target or "", kept=kept, error=error,
                           demo_accounts=demo_accounts() if current_app.extensions["jinlin_demo"]() else [])


@account.route("/logout", methods=["POST"])
def logout() -> ResponseReturnValue:
    """End the session on the server."""
    here = visit()
    end_session(db.session(), here.token)
    log_event(db.session(), here.user.username, request.remote_addr, now(), SignInResult.SIGNED_OUT)
    db.session.commit()
    language = session.get("language")
    session.clear()
    if language:
        session["language"] = language
    return redirect(url_for("account.login"))


@account.route("/")
def home() -> ResponseReturnValue:
    """To the workbench of the person's own area (the highest one)."""
    areas = visit().areas
    if not areas:
        return render_template("error.html", code="", title=_("No role yet"), text=_(
            "Your account has no role anywhere at present. Please ask your community manager or street administrator."
        )), 403
    return redirect(url_for("workbench.index", area=areas[0].slug))


@account.route("/account/password", methods=["GET", "POST"])
def password() -> ResponseReturnValue:
    """Change one's own password; compulsory after a one-time password."""
    here, errors = visit(), {}
    if request.method == "POST":
        try:
            _change(here)
            flash(_("Your password has been changed. Other browsers have been signed out."), "success")
            return redirect(url_for("account.home"))
        except ValidationError as error:
            db.session.rollback()
            errors[error.field or "password"] = str(error)
    return render_template("change_password.html", errors=errors, must=here.user.must_change,
                           classes=current_app.extensions["jinlin_settings"].password_classes)


def _change(here: object) -> None:
    if request.form.get("password") != request.form.get("again"):
        raise ValidationError(_("The two new passwords differ."), "again")
    user = db.session.get(User, here.user.id)
    change_password(
        db.session(), user, request.form.get("old", ""), request.form.get("password", ""), here.token, now(),
        area_names=[a.name for a in here.areas], classes=current_app.extensions["jinlin_settings"].password_classes,
    )
    db.session.commit()


@account.route("/account/large", methods=["POST"])
def large() -> ResponseReturnValue:
    """Switch the large font on or off, for this person."""
    user = db.session.get(User, visit().user.id)
    user.large_font = not user.large_font
    db.session.commit()
    return redirect(inside(request.form.get("next")) or url_for("account.home"))


@account.route("/account/language", methods=["POST"])
def language() -> ResponseReturnValue:
    """Switch the language of this browser."""
    wanted = request.form.get("language")
    session["language"] = wanted if wanted in ("zh_Hans_CN", "en") else "zh_Hans_CN"
    return redirect(inside(request.form.get("next")) or url_for("account.home"))

"""Signing in and out, one's own password, language and font: the pages without an area."""
from __future__ import annotations

import sqlalchemy as sa
from flask import Blueprint, current_app, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from core.accounts.models import SignInResult, User
from core.accounts.service import change_password, find_user
from core.accounts.sign_in import (
    end_session,
    is_locked,
    log_event,
    note_wrong_password,
    password_fits,
    sign_in,
)
from core.admin.gate import NOT_KEPT, read_keeper, visit
from core.admin.protection import inside
from core.admin.resume import typed_in
from core.areas.models import Area
from core.areas.scope import session_for
from core.clock import now
from core.demo import demo_accounts
from core.errors import ValidationError
from core.extensions import db

account = Blueprint("account", __name__)
KEPT = "kept:"


@account.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    """One text for every failure, in the same time; what was typed before a time-out comes along."""
    target = inside(request.values.get("next"))
    kept = [(k.removeprefix(KEPT), v) for k, v in request.form.items(multi=True) if k.startswith(KEPT)]
    if request.method != "POST":
        return _login_page(target, [], None)
    username, password = request.form.get("username", ""), request.form.get("password", "")
    with session_for(None, "compare a password") as reading:
        fits = password_fits(reading, username, password)
    with session_for(None, "finish an attempt to sign in", writes=True) as writing:
        if old := session.get("token"):
            end_session(writing, old)
        token = sign_in(writing, username, fits, request.remote_addr or "", now())
        user = find_user(writing, username) if token else None
        who, must_change = (user.id, user.must_change) if user else (None, False)
    if token is None:
        session.pop("token", None)
        return _login_page(target, kept, _(
            "Wrong account or password. 5 wrong attempts in a row lock it for 15 minutes."
        ))
    _begin(token, who)
    if kept and target:
        return _resume(target, kept, who, must_change)
    return redirect(target or url_for("account.home"))


def _begin(token: str, who: int) -> None:
    """A new session in the cookie; for the same person the pages that are still open can go on sending."""
    same_person = session.get("who") == who
    carried = {k: session[k] for k in ("language", *(("csrf_token",) if same_person else ())) if k in session}
    session.clear()
    session.update(carried, token=token, who=who)


def _resume(target: str, kept: list[tuple[str, str]], who: int, must_change: bool) -> ResponseReturnValue:
    """What was typed before the time-out, to be sent by the one who typed it and by nobody else."""
    typed_by, files = read_keeper(request.form.get("kept_by", ""))
    if typed_by != who or must_change:
        flash(_("Please choose a password of your own first; what was typed before was not kept.") if typed_by == who
              else _("What was typed before came from another account. It was not kept and not saved."), "warning")
        return redirect(url_for("account.home"))
    kept = [(k, v) for k, v in kept if k not in NOT_KEPT]
    return render_template("resume.html", action=target, kept=kept, typed=typed_in(target, kept), files=files,
                           cancel_url=url_for("account.home"))


def _login_page(target: str | None, kept: list[tuple[str, str]], error: str | None) -> ResponseReturnValue:
    kept_by = request.form.get("kept_by", "")
    return render_template("login.html", next=target or "", kept=kept, kept_by=kept_by, files=read_keeper(kept_by)[1],
                           username=request.form.get("username", ""), error=error,
                           demo_accounts=demo_accounts() if current_app.extensions["jinlin_demo"]() else [])


@account.route("/logout", methods=["POST"])
def logout() -> ResponseReturnValue:
    """End the session on the server."""
    here = visit()
    end_session(db.session(), here.token)
    log_event(db.session(), here.user.username, request.remote_addr, now(), SignInResult.SIGNED_OUT)
    db.session.commit()
    kept = {k: session[k] for k in ("language", "who", "csrf_token") if k in session}
    session.clear()
    session.update(kept)  # pages still open go the way of a time-out; nobody else can send what they hold
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
    classes = current_app.extensions["jinlin_settings"].password_classes
    return render_template("change_password.html", errors=errors, username=here.user.username,
                           must=here.user.must_change, classes=classes)


def _change(here: object) -> None:
    if request.form.get("password") != request.form.get("again"):
        raise ValidationError(_("The two new passwords differ."), "again")
    user = db.session.get(User, here.user.id)
    if is_locked(user, now()):
        raise ValidationError(_("Too many wrong attempts. Please wait 15 minutes, then try again."), "old")
    try:
        change_password(
            db.session(), user, request.form.get("old", ""), request.form.get("password", ""), here.token, now(),
            area_names=_names_around(user), classes=current_app.extensions["jinlin_settings"].password_classes,
        )
    except ValidationError as error:
        if error.field == "old":
            note_wrong_password(db.session(), user, request.remote_addr, now())
            db.session.commit()
        raise
    user.failures = 0
    db.session.commit()


def _names_around(user: User) -> list[str]:
    """Names of the areas where the person works and of those above, and their short names."""
    ids = {area_id for m in user.memberships for area_id in m.area.ancestor_ids}
    areas = db.session.scalars(sa.select(Area).where(Area.id.in_(ids)))
    return [name for area in areas for name in (area.name, area.slug)]


@account.route("/account/large", methods=["POST"])
def large() -> ResponseReturnValue:
    """Switch the large font on or off, for this person."""
    db.session.execute(  # in one statement: of two clicks at once none fails
        sa.update(User).where(User.id == visit().user.id).values(large_font=sa.not_(User.large_font)))
    db.session.commit()
    return redirect(inside(request.form.get("next")) or url_for("account.home"))


@account.route("/account/language", methods=["POST"])
def language() -> ResponseReturnValue:
    """Switch the language of this browser."""
    wanted = request.form.get("language")
    session["language"] = wanted if wanted in ("zh_Hans_CN", "en") else "zh_Hans_CN"
    return redirect(inside(request.form.get("next")) or url_for("account.home"))

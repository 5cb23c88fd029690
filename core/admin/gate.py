"""Every request passes here: who asks, for which area, with which rights; "Why 404?" starts here."""
from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import Flask, abort, current_app, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy.exc import OperationalError

from core.accounts.access import Access, access_to, areas_of
from core.accounts.models import User
from core.accounts.roles import Action
from core.accounts.sign_in import SEEN_EVERY, session_of, touch
from core.admin.protection import SAFE, asked_for, host_of
from core.areas.models import Area
from core.areas.scope import session_for
from core.clock import now, today
from core.extensions import db
from core.plugin_manager import PluginManager

PUBLIC = {"static", "plugin_static", "account.login", "account.language", "health.alive", "health.ready"}
WITHOUT_AREA = {"account.password", "account.logout", "account.large", "account.home"}
NOT_KEPT = {"csrf_token", "password", "old", "again"}  # never written into a page again


@dataclass
class Visit:
    """What a request knows: the person, the area of the address, the rights there, the plugins on there."""

    user: User
    token: str
    areas: list[Area]
    area: Area | None = None
    access: Access | None = None
    plugins: frozenset[str] = frozenset()
    allowed: dict[tuple[str, str], bool] = field(default_factory=dict)  # what screens have asked about it already
    addresses: dict[tuple[str, str], str] = field(default_factory=dict)  # of a screen's views, up to the record's id


def visit() -> Visit:
    """The visit of this request."""
    return g.visit


def manager() -> PluginManager:
    """The plugins of this app."""
    return current_app.extensions["jinlin_plugins"]


def sees_plugin(access: Access, plugin: str) -> bool:
    """Whether the person may see any of the plugin's records here (system administrators may not)."""
    screens = dict(current_app.extensions["jinlin_screens"]).get(plugin, [])
    with manager().at_work(plugin, "permissions"):
        return any(access.may(s.permission(Action.VIEW)) for s in screens if Action.VIEW in s.actions())
    return False


def install_gate(app: Flask) -> None:
    """Put the gate before every view, and the area into and out of every address."""
    app.before_request(_enter)
    app.teardown_appcontext(lambda _error: db.session.remove())

    @app.url_value_preprocessor
    def take_area(_endpoint: str | None, values: dict | None) -> None:
        g.slug = values.pop("area", None) if values else None

    @app.url_defaults
    def put_area(endpoint: str, values: dict) -> None:
        if "area" not in values and g.get("slug") and app.url_map.is_endpoint_expecting(endpoint, "area"):
            values["area"] = g.slug


def _enter() -> ResponseReturnValue | None:
    """Load the person in a read session of its own: a writing request takes its lock only when it writes."""
    db.session.info["writes"] = request.method not in SAFE
    if request.endpoint is None or request.endpoint in PUBLIC:
        return None
    with session_for(None, "who asks") as reading:
        g.visit = _visit(reading)
    if g.visit is None:
        return _ask_to_sign_in()
    _note_presence(g.visit)
    db.session.info["actor"] = g.visit.user.username
    if _must_change(g.visit.user) and request.endpoint not in WITHOUT_AREA:
        return redirect(url_for("account.password"))
    if g.slug is not None and g.visit.access is None:
        abort(404)
    return None


def _visit(reading: sa.orm.Session) -> Visit | None:
    token = session.get("token")
    limits = current_app.extensions["jinlin_settings"]
    found = token and session_of(
        reading, token, now(), timedelta(minutes=limits.idle_minutes), timedelta(hours=limits.absolute_hours)
    )
    if not found:
        return None
    user = found.user
    g.seen_at = found.seen_at
    areas = areas_of(reading, user, today())
    entered = Visit(user, token, list(areas))
    if g.slug is not None:
        entered.area = next((a for a in entered.areas if a.slug == g.slug), None)
        if entered.area is not None:
            entered.access = access_to(user, entered.area, today())
            on = frozenset().union(*(on for a, on in areas.items() if entered.area.contains(a)))
            entered.plugins = on & frozenset(manager().names)  # some may be gone
    reading.expunge_all()
    return entered


def _note_presence(entered: Visit) -> None:
    """At most once a minute, in a short write of its own that gives up when the database is busy."""
    if timedelta() <= now() - g.seen_at < SEEN_EVERY:  # below: the clock was put back
        return
    try:
        with session_for(None, "last seen", writes=True, waits=False) as writing:
            touch(writing, entered.token, now())
    except OperationalError:
        current_app.logger.info("last seen not noted: database busy")


def _must_change(user: User) -> bool:
    days = current_app.extensions["jinlin_settings"].password_days
    too_old = days and now() - user.password_changed_at > timedelta(days=days)
    return bool(user.must_change or too_old)


def _ask_to_sign_in() -> ResponseReturnValue:
    """Send to the sign-in page; what was being saved goes along and is not lost."""
    if request.headers.get("X-Requested-With") == "fetch":
        return {"signed_out": True}, 401
    if request.method in SAFE:
        return redirect(url_for("account.login", next=asked_for()))
    kept = [(k, v) for k, v in request.form.items(multi=True) if k not in NOT_KEPT]
    if not kept or request.endpoint in WITHOUT_AREA:
        return redirect(url_for("account.login", next=page_before()))
    files = sorted({f.filename for f in request.files.values() if f.filename})
    return render_template(
        "login.html", next=asked_for(), kept=kept, kept_by=sign_keeper(session.get("who"), files),
        files=files, error=None,
    ), 401


def page_before() -> str | None:
    """The page whose button was pressed, if it is one of ours."""
    if host_of(request.referrer or "") != request.host.lower():
        return None
    parts = urlsplit(request.referrer or "")
    return parts.path + (f"?{parts.query}" if parts.query else "")


def sign_keeper(user_id: int | None, files: list[str]) -> str:
    """Who typed what is kept on the sign-in page, and which files could not be kept; it cannot be forged."""
    return _keeper().dumps([user_id, files])


def read_keeper(text: str) -> tuple[int | None, list[str]]:
    """Who typed it; nobody when the mark is missing or forged."""
    try:
        user_id, files = _keeper().loads(text)
    except BadData:
        return None, []
    return user_id, files


def _keeper() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key, salt="kept")



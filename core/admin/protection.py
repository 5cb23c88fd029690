"""What holds for every request and every answer, whatever the screen: names, origins, sizes, headers."""
from __future__ import annotations

import ipaddress
import re
import secrets
import socket
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Request, Response, current_app, g, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_babel import lazy_gettext as _l
from itsdangerous import BadSignature
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, RequestURITooLarge
from werkzeug.sansio.utils import host_is_trusted

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
STATIC = frozenset({"static", "plugin_static"})
LONGEST_ADDRESS = 8_000  # characters of path and query
MOST_BYTES = 16 * 1024 * 1024  # of a whole request: a sheet of 10 MB and its form
MOST_FORM_BYTES = 512 * 1024  # of what is typed, without files
YEAR = 31_536_000  # seconds
HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9._-]+)(?::[0-9]{1,5})?")
LOCAL_ENDINGS = (".local", ".lan", ".internal", ".localhost")  # no page outside the office can get such a name
PAGES_ONLY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'; " \
    "img-src 'self' data:; style-src 'self'; connect-src 'self'; script-src {}"
HEADERS = {
    "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class EscapedRequest(Request):
    """Letters that stand in the query as they are (curl, scripts) become %-escapes, as browsers send them.

    Werkzeug would fail on them as soon as an address is built from this one.
    """

    def __init__(self, environ: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        query = environ.get("QUERY_STRING", "")
        if not query.isascii():
            environ["QUERY_STRING"] = "".join(c if c.isascii() else f"%{ord(c):02X}" for c in query)
        super().__init__(environ, *args, **kwargs)


class Refused(BadRequest):
    """A request that no page of ours makes: a heading, and what to do instead."""

    def __init__(self, title: object, text: object) -> None:
        super().__init__()
        self.title, self.text = title, text


class SessionCookie(SecureCookieSessionInterface):
    """Over TLS a cookie that no other name or port can set (`__Host-`); on a plain LAN address sign-in works too.

    Two names, so that neither stands in the way of the other where an office changes from one to the other.
    """

    def get_cookie_name(self, app: Flask) -> str:
        """The name for this line."""
        return f"__Host-{super().get_cookie_name(app)}" if request.is_secure else super().get_cookie_name(app)

    def get_cookie_secure(self, app: Flask) -> bool:
        """Whether this answer travels encrypted."""
        return request.is_secure

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession:
        """What the cookie holds, whenever it was signed: the row on the server says how long a session lives.

        Flask's own refuses a cookie of the future, so a clock put back by a second would sign everybody out.
        """
        try:
            signed = request.cookies.get(self.get_cookie_name(app), "")
            return self.session_class(self.get_signing_serializer(app).loads(signed))
        except BadSignature:
            return self.session_class()


def install_protection(app: Flask, names: tuple[str, ...]) -> None:
    """Before everything else, and after it; `names` are the hosts that this installation is called by."""
    app.config.update(MAX_CONTENT_LENGTH=MOST_BYTES, MAX_FORM_MEMORY_SIZE=MOST_FORM_BYTES)
    app.session_interface = SessionCookie()
    app.request_class = EscapedRequest
    app.add_template_global(script_nonce)
    own = socket.gethostname().lower()

    @app.before_request
    def check_request() -> None:
        if "Host" in request.headers and not is_ours(request.host, names, own):  # no page comes without one
            raise Refused(_l("This address does not belong to Jinlin"), _l(
                "Please open Jinlin by the address that your office uses. Administrators: a new name is added by "
                "JINLIN_HOSTS."))
        if len(request.environ.get("PATH_INFO", "")) + len(request.query_string) > LONGEST_ADDRESS:
            raise RequestURITooLarge
        if (request.content_length or 0) > MOST_BYTES:  # before anything is read, on every address
            raise RequestEntityTooLarge
        if request.method not in SAFE and comes_from_elsewhere():
            raise Refused(_l("This was sent from another site"), _l(
                "Nothing was saved. Please open Jinlin itself and enter it there."))
        if request.endpoint and request.method not in SAFE and (None in request.form or None in request.files):
            raise BadRequest  # a part without a name: libraries take every name for text

    app.after_request(protect)


def is_ours(host: str, names: tuple[str, ...], own: str) -> bool:
    """Whether Jinlin answers to this Host. Without a list: to IP addresses and to names that only an office has.

    A page outside that gives itself a name with our address (DNS rebinding) would else reach Jinlin as itself.
    """
    found = HOST.fullmatch(host)
    if not found:
        return False
    name = found["name"].strip("[]").lower().rstrip(".")
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        if name == "localhost":
            return True
        return host_is_trusted(name, names) if names else (
            "." not in name or name == own or name.endswith(LOCAL_ENDINGS))
    return address.is_loopback or not names or name in names


def comes_from_elsewhere() -> bool:
    """Whether the browser says that a page of another site sent this (the token is asked for besides)."""
    said = request.headers.get("Origin") or request.referrer
    if said is not None:
        return host_of(said) != request.host.lower()
    return request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site")


def host_of(url: str) -> str:
    """Host and port of an address, empty where it has none."""
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:  # "http://["
        return ""


def inside(target: str | None) -> str | None:
    """A path of this server, or None: a redirect never leaves it, nor grows without end."""
    if not target or len(target) > LONGEST_ADDRESS // 4 or not target.isprintable() or "\\" in target:
        return None
    return target if target.startswith("/") and not target.startswith("//") else None


def asked_for() -> str | None:
    """The address of this request as a place to come back to, if it is one."""
    query = request.query_string.decode("latin-1")
    return inside(request.path + (f"?{query}" if query else ""))


def script_nonce() -> str:
    """The mark that lets the scripts of this very page run, and no others."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    return g.nonce


def protect(response: Response) -> Response:
    """The headers of every answer."""
    scripts = f"'nonce-{g.nonce}'" if "nonce" in g else "'none'"
    response.headers.setdefault("Content-Security-Policy", PAGES_ONLY.format(scripts))
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint not in STATIC or response.status_code >= 400:
        response.headers["Cache-Control"] = "no-store"
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", f"max-age={YEAR}")
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    if location := response.headers.get("Location"):
        response.headers["Location"] = _as_path(location)
    return response


def _as_path(location: str) -> str:
    """A redirect to ourselves as a path: what stood in the Host header is not sent back."""
    parts = urlsplit(location)
    if parts.netloc not in ("", request.host):
        current_app.logger.error("redirect to another host refused")
        return "/"
    return parts._replace(scheme="", netloc="", path="/" + parts.path.lstrip("/")).geturl() if parts.path else location

"""The headers of every answer, the names that we answer to, the cookie, and where redirects may lead."""
from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest

from core.admin.protection import is_ours
from core.config import settings_from_environment
from core.errors import SetupError
from core.testing.place import PASSWORD
from core.testing.walk import OWN, PLAIN, Sender, start

ALWAYS = {
    "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
TLS = {"base_url": "https://localhost"}


@pytest.fixture
def kind() -> str:
    """Headers are the same on both databases."""
    return "sqlite"


def complaints(answer: Any) -> list[str]:
    """What is missing in the headers of an answer."""
    body = answer.get_data()
    wrong = [name for name, value in ALWAYS.items() if answer.headers.get(name) != value]
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    shut = {name for name, value in policy.items() if value == "'none'"}
    if not {"default-src", "object-src", "base-uri", "frame-ancestors"} <= shut:
        wrong.append("Content-Security-Policy")
    if not re.fullmatch(r"'none'|'nonce-[\w-]{20,}'", policy["script-src"]) or policy["style-src"] != "'self'":
        wrong.append("script-src or style-src")
    page = body.decode() if answer.mimetype == "text/html" else ""
    wrong += [tag for tag in re.findall(r"<script[^>]*>", page) if f"nonce=\"{policy['script-src'][7:-1]}\"" not in tag]
    if answer.headers.get("Cache-Control") != "no-store":
        wrong.append("Cache-Control")
    if "Server" in answer.headers or "camera=()" not in answer.headers.get("Permissions-Policy", ""):
        wrong.append("Server or Permissions-Policy")
    return wrong


def test_every_answer_carries_every_header(place):
    walk = start(place)
    sender, wrong, seen = Sender(walk, "manager.upper"), [], set()
    aimed, client = dict.fromkeys(walk.keys(), str(OWN)) | PLAIN, sender.browser.client

    def look(answer: Any) -> None:  # each before the next is asked for: a file may still be on its way
        if found := complaints(answer):
            wrong.append((answer.request.path, answer.status_code, found))
        seen.add(answer.status_code)

    for method in ("GET", "POST"):
        for rule in walk.rules(method):
            look(sender.send(method, walk.addresses(rule, "upper", OWN)[0], aimed))
    for url in ("/", "/login", "/healthz", "/readyz", "/nowhere", "/static/nothing.js", "/upper/residents/people",
                f"/{'x' * 9000}"):
        look(client.get(url))
    for method, url in (("POST", "/login"), ("PUT", "/login"), ("OPTIONS", "/login"), ("HEAD", "/upper/")):
        look(client.open(url, method=method))
    look(client.post("/login", data=b"x" * 17_000_000))
    look(client.get("/login", headers={"Host": "evil.example"}))
    look(place.browser().get("/upper/"))
    assert wrong == []
    assert {200, 302, 308, 400, 404, 405, 413, 414} <= seen


def test_a_file_is_kept_by_the_browser_until_its_content_changes(place):
    browser = place.browser("staff.upper")
    page = browser.get("/upper/canteen/counter/").get_data(as_text=True)
    files = set(re.findall(r'(?:src|href)="(/static/[^"#]+)', page))
    assert any("/plugins/canteen/" in file for file in files) and len(files) >= 5
    for file in files:
        assert re.search(r"\?v=[0-9a-f]{12}$", file), file
        with browser.get(file) as answer:
            assert "immutable" in answer.headers["Cache-Control"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
        for other in (file.split("?")[0], file[:-1] + "x"):
            with browser.get(other) as again:
                assert "immutable" not in again.headers["Cache-Control"]


def test_downloads_are_kept_as_files_of_their_kind(place):
    walk = start(place)
    sender = Sender(walk, "manager.upper")
    found = {}
    for rule in walk.rules("POST"):
        if rule.endpoint.endswith((".export", ".excel")):
            for url in walk.addresses(rule, "upper", OWN):
                answer = sender.send("POST", url, {"reason": "for the test"})
                answer.get_data()
                assert answer.headers["Content-Disposition"].startswith("attachment; filename="), url
                found[url] = answer.mimetype
    assert {"text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"} == set(found.values())


def test_the_cookie_is_bound_to_the_host_behind_tls_and_plain_without(place):
    browser = place.browser()
    plain = browser.post("/login", {"username": "staff.upper", "password": PASSWORD}).headers["Set-Cookie"]
    assert plain.startswith("jinlin=") and "Secure" not in plain and "HttpOnly" in plain and "SameSite=Lax" in plain
    assert browser.get("/upper/").status_code == 200
    assert browser.get("/upper/", **TLS).status_code == 302  # the cookie of the open line counts for nothing here
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get("/login", **TLS).get_data(as_text=True))[1]
    signed_in = browser.client.post("/login", **TLS, headers={"Referer": "https://localhost/login"},
                                    data={"username": "staff.upper", "password": PASSWORD, "csrf_token": token})
    over_tls = signed_in.headers["Set-Cookie"]
    assert over_tls.startswith("__Host-jinlin=") and "Secure" in over_tls and "Path=/" in over_tls
    assert "Domain" not in over_tls
    assert browser.get("/upper/", **TLS).status_code == 200
    assert browser.get("/upper/").status_code == 200  # neither stands in the way of the other


def test_only_an_encrypted_line_promises_to_stay_encrypted(place):
    browser = place.browser()
    assert "Strict-Transport-Security" not in browser.get("/login").headers
    assert "max-age=31536000" in browser.get("/login", **TLS).headers["Strict-Transport-Security"]
    assert browser.get("/login", **TLS).headers["Cross-Origin-Opener-Policy"] == "same-origin"


STRANGE = [
    "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil.example:80", "a b", "[::1", "x@y", "",
    "☃", "localhost\\@evil.example", "evil.example#", "127.0.0.1/evil.example", "1.2.3.4.5", "localhost,evil.example",
    "' or 1=1", "<script>", "evil.example:99999999",
]


def test_a_strange_host_is_refused_in_words_and_never_repeated(place):
    for name in STRANGE:
        answer = place.browser().client.get("/login?next=/upper/", headers={"Host": name.encode().decode("latin-1")})
        page = answer.get_data(as_text=True)
        assert answer.status_code == 400 and "Location" not in answer.headers
        assert "evil.example" not in page and "snowman" not in page and ("JINLIN_HOSTS" in page or name in ("", "☃"))


def test_without_a_list_the_office_is_reached_by_address_and_by_its_own_names():
    for name in ("127.0.0.1:8000", "localhost", "[::1]:8000", "192.168.1.20:8000", "[fe80::1]",
                 "station-pc", "STATION_PC:8000", "station.local", "laptop.office.cn", "jinlin.lan."):
        assert is_ours(name, (), "laptop.office.cn"), name
    for name in ("evil.example", "laptop.office.cn.evil.example", "0x7f.1.evil", "999.1.1.1", "local"+".evil"):
        assert not is_ours(name, (), "laptop.office.cn"), name


def test_with_a_list_only_its_names_and_this_computer_count():
    names = settings_from_environment({"JINLIN_HOSTS": "jinlin.example.cn, 10.0.0.5,.street.cn"}).hosts
    for name in ("jinlin.example.cn", "JINLIN.example.cn:443", "10.0.0.5", "a.street.cn", "[::1]:80", "localhost"):
        assert is_ours(name, names, "laptop"), name
    for name in ("10.0.0.6", "laptop", "station.local", "example.cn", "evil.example"):
        assert not is_ours(name, names, "laptop"), name
    with pytest.raises(SetupError, match="JINLIN_HOSTS"):
        settings_from_environment({"JINLIN_HOSTS": "https://jinlin.example.cn/"})


AWAY = [
    "//evil.example", "/\\evil.example", "\\\\evil.example", "https:evil.example", "https://evil.example",
    "///evil.example", "javascript:alert(1)", "/\t/evil.example", "/\r\n/evil.example", "\t//evil.example",
    " //evil.example", "//[", "/\x00/evil.example", "//evil.example/%2f..", "/\\/evil.example",
    "http:\\\\evil.example", "data:text/html,x",
    "/\u2028/evil.example", "https://localhost@evil.example", "//localhost:80@evil.example/", "/%0d%0aSet-Cookie:x=1",
    "/%2f/evil.example", "/x" * 5000,
]


def test_no_redirect_leads_away(place):
    browser = place.browser("staff.upper")
    who = {"username": "staff.upper", "password": PASSWORD}
    for target in AWAY:
        for answer in (browser.post("/account/language", {"next": target}), browser.get(f"/login?next={quote(target)}"),
                       browser.post("/login", {"next": target, **who})):
            assert answer.status_code in (200, 302, 414), target
            assert stays(answer.headers.get("Location", "/")), (target, answer.headers["Location"])
            kept = re.findall(r'name="next" value="([^"]*)"', answer.get_data(as_text=True))[:1]
            assert answer.status_code == 414 or all(stays(found or "/") for found in kept), target
    for path in ("//evil.example/", "///evil.example", "/%5Cevil.example/", "/upper//evil.example/..", "/upper/manage"):
        answer = browser.client.get(path)
        assert stays(answer.headers.get("Location", "/")), (path, answer.headers["Location"])
    before = browser.client.post("/upper/residents/tags/delete/?id=1", headers={"Referer": "http://["})
    assert before.status_code == 400


def stays(location: str) -> bool:
    """Whether a browser that follows this stays with us: a path with one slash at its beginning."""
    return bool(re.match(r"/(?![/\\])", location)) and location.isprintable() and len(location) < 4000

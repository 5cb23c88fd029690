"""Nothing is changed by a request that no page of ours made: rows of every table are counted and compared."""
from __future__ import annotations

import re
from typing import Any

import pytest
import sqlalchemy as sa

from core.areas.tenancy import TenantModel
from core.extensions import db
from core.testing.place import PASSWORD
from core.testing.walk import OWN, PLAIN, Sender, Walk, record_screens, start
from tests.hostile.corpus import NEVER_SHOWN
from tests.hostile.pages import forms

LOGGED = {"user_session": "seen_at"}  # what a look may change: when somebody was last seen


@pytest.fixture
def walk(place: Any) -> Walk:
    """Both communities filled with a record of every model."""
    return start(place)


def everything(walk: Walk) -> dict[str, list[str]]:
    """Every row of every table, but for when a session was last seen."""
    found = {}
    with walk.place.app.app_context(), db.engine.connect() as connection:
        for table in db.metadata.sorted_tables:
            columns = [c for c in table.columns if c.name != LOGGED.get(table.name)]
            found[table.name] = sorted(repr(tuple(row)) for row in connection.execute(sa.select(*columns)))
    return found


def posts(walk: Walk) -> list[str]:
    """Every address that takes a POST: of the upper community, of the street, and those without an area."""
    below = [url for slug in ("upper", "street") for rule in walk.rules("POST") for url in walk.addresses(rule,
    slug, OWN)]
    without = [rule.rule for rule in walk.place.app.url_map.iter_rules()
               if "POST" in (rule.methods or ()) and "area" not in rule.arguments]
    assert len(below) > 60 and {"/login", "/logout", "/account/password", "/account/large"} <= set(without)
    return below + without


def forgeries(walk: Walk, sender: Sender) -> dict[str, dict[str, Any]]:
    """Ways to send a form that a page of ours would not."""
    stranger, earlier = walk.place.browser("staff.lower"), Sender(walk, sender.username)
    old = earlier.token
    earlier.browser.post("/logout")
    good = {"X-CSRFToken": sender.token}
    return {
        "without a token": {}, "an invented token": {"headers": {"X-CSRFToken": "x" * 90}},
        "somebody else's token": {"headers": {"X-CSRFToken": stranger.token()}},
        "the token of a session that has ended": {"headers": {"X-CSRFToken": old}},
        "a token in the address": {"query_string": {"csrf_token": sender.token, "id": OWN}},
        "from another site": {"headers": {**good, "Origin": "https://evil.example"}},
        "from an unnamed site": {"headers": {**good, "Origin": "null"}},
        "from another port": {"headers": {**good, "Origin": "http://localhost:9"}},
        "from a page of another site": {"headers": {**good, "Referer": "https://evil.example/localhost/"}},
        "marked by the browser": {"headers": {**good, "Sec-Fetch-Site": "cross-site"}},
        "as JSON": {"json": {**PLAIN, "id": OWN, "csrf_token": sender.token}},
        "as text": {"data": f"csrf_token={sender.token}&id={OWN}&reason=because", "content_type": "text/plain"},
    }


def test_no_forged_form_changes_a_row(walk: Walk) -> None:
    sender = Sender(walk, "manager.upper")
    ways, wrong = forgeries(walk, sender), []
    before = everything(walk)
    data = {**dict.fromkeys(walk.keys(), str(OWN)), **PLAIN}
    for number, url in enumerate(posts(walk)):
        chosen = list(ways)[number % 3::3]  # all ways within three addresses
        for way in chosen if url.count("/") > 1 else ways:
            plain = {"query_string": {"id": OWN}, **({} if "json" in ways[way] else {"data": data})}
            answer = sender.browser.client.post(url, **{**plain, **ways[way]})
            if answer.status_code != 400:
                wrong.append((way, url, answer.status_code))
    assert wrong == []
    assert everything(walk) == before


def test_nothing_but_a_post_changes_a_row(walk: Walk) -> None:
    aimed = {**dict.fromkeys(walk.keys(), str(OWN)), **PLAIN}
    for username, slug in (("manager.upper", "upper"), ("street", "street")):
        sender, wrong = Sender(walk, username), []
        before = everything(walk)
        urls = [url for rule in walk.rules("GET") for url in walk.addresses(rule, slug, OWN)]
        urls += [url for url in posts(walk) if slug in url] + ["/login", "/", "/healthz", "/readyz"]
        for number, url in enumerate(urls):
            method = ("GET", "HEAD", "GET", "OPTIONS", "GET", "PUT", "PATCH", "DELETE")[number % 8]
            answer = sender.browser.client.open(url, method=method, query_string=aimed,
                                                headers={"X-CSRFToken": sender.token}, buffered=True)
            if answer.status_code >= 500 or method[0] in "PD" and answer.status_code not in (400, 404, 405):
                wrong.append((method, url, answer.status_code))
        assert wrong == []
        assert everything(walk) == before, username


def test_signing_in_takes_the_token_of_this_very_browser(place: Any) -> None:
    stranger, browser = place.browser(), place.browser()
    form = {"username": "staff.upper", "password": PASSWORD, "csrf_token": stranger.token()}
    assert browser.client.post("/login", data=form).status_code == 400
    browser.get("/login")
    assert browser.client.post("/login", data=form).status_code == 400
    assert browser.get("/upper/").status_code == 302


def test_fields_that_a_form_never_showed_are_left_aside(walk: Walk) -> None:
    """Mass assignment: the edit form of every screen, sent back as it is with columns that are not on it."""
    sender, tried = Sender(walk, "manager.upper"), 0
    with walk.place.app.app_context():
        lower = walk.place.ids["lower"]
    for screen in record_screens(walk):
        address = f"{screen.url.replace('<slug:area>', 'upper')}/edit/?id={OWN}"
        address = address if address.startswith("/") else f"/{address}"
        page = sender.browser.get(address)
        if page.status_code != 200:
            continue
        form = next(f for f in forms(page.get_data(as_text=True)) if "row_version" in dict(f.fields))
        offered = {*re.findall(r' name="([^"]+)"', page.get_data(as_text=True))}  # boxes that are not ticked too
        hidden = {name: str(lower) for name in NEVER_SHOWN if name not in offered}
        others = {c.key: "999" for c in screen.model.__table__.columns if c.key not in offered}
        before = row_of(walk, screen.model)
        answer = sender.browser.client.post(address, data={**others, **hidden, **dict(form.fields),
        "deleted_at": "2026-01-01"})
        assert answer.status_code in (302, 422), (address, answer.status_code)
        after, shown = row_of(walk, screen.model), {*offered, "row_version"}
        changed = {key for key in before if before[key] != after[key] and key.removesuffix("_id") not in shown}
        assert not changed, (address, changed)
        tried += 1
    assert tried > 3


def row_of(walk: Walk, model: type[TenantModel]) -> dict[str, Any]:
    """The own record of a model as it is stored."""
    table = model.__table__
    with walk.place.owner() as connection:
        return dict(connection.execute(sa.select(table).where(table.c.id == OWN)).one()._mapping)

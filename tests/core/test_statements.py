"""How many statements a page asks of the database, whatever it shows: 3 around the page and 4 for its list at most."""
from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from core.admin.page import ABOVE, COMMUNITY
from core.areas.tenancy import tenant_models
from core.extensions import db
from core.testing.walk import Walk, record_screens, start

AROUND, LIST = 3, 4  # who asks, where, and this person's columns; then ids with their number, rows, what they name
TRANSACTIONS = 2  # the gate's and the page's
READS = re.compile(r"\s*(?:SELECT|WITH)\b")
BEGINNINGS = re.compile(r"BEGIN|PRAGMA query_only=")  # on PostgreSQL with SET LOCAL in the same round trip


@pytest.fixture
def walk(place: Any) -> Walk:
    """Both communities filled with a record of every model."""
    return start(place)


@contextmanager
def statements(place: Any) -> Iterator[list[str]]:
    """What the app sends to its database meanwhile."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    with place.app.app_context():
        engine = db.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize(("username", "slug", "level"), [("manager.upper", "upper", COMMUNITY),
                                                         ("street", "street", ABOVE)])
def test_a_list_asks_at_most_four_statements_and_three_around_it(
    walk: Walk, username: str, slug: str, level: str
) -> None:
    browser, asked, many = walk.place.browser(username), 0, []
    for screen in record_screens(walk):
        if level not in screen.levels:
            continue
        url = f"/{slug}/{screen.plugin}/{screen.slug}/"
        if browser.get(url).status_code != 200:
            continue
        with statements(walk.place) as seen:
            assert browser.get(url).status_code == 200
        reads = [s for s in seen if READS.match(s)]
        begun = [s for s in seen if s.startswith("BEGIN")]
        others = [s for s in seen if s not in reads and not BEGINNINGS.match(s)]
        # the audit log names records of every kind: a statement for each, and one for what names it
        most = AROUND + LIST + (2 * len(tenant_models()) if screen.slug == "audit" else 0)
        if len(reads) > most or len(begun) > TRANSACTIONS or others:
            many.append((url, len(begun), others, *(s[:60] for s in reads)))
        asked += 1
    assert not many and asked > 5

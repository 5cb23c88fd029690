"""In chromium: a page of every template, clean in both sizes and with the large font (all pages: `make pages`)."""
from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from jinja2 import meta

from core.config import ROOT
from core.testing.walk import start
from plugins.canteen.kitchen.models import Cook, HealthCertificate
from tests.browser.inspector import NARROW, WIDE, Inspector
from tests.pages import Crawl
from tests.scenes import canteen_scenes, scenes


@pytest.fixture
def inspector(chromium: Any) -> Iterator[Inspector]:
    """A tab that looks at pages."""
    made = Inspector(chromium, [(WIDE, False), (NARROW, True)])
    yield made
    made.close()


def test_a_page_of_every_template_is_clean(place: Any, inspector: Inspector) -> None:
    start(place)
    crawls = [Crawl(place, person, samples=True) for person in ("manager.upper", "street")]
    pages = [page for crawl in crawls for page in crawl.look()]
    pages += canteen_scenes(place)
    pages += [page for crawl in crawls for page in crawl.press()] + scenes(place)
    sample = {(page.templates[-1], page.status, "bin=" in page.asked): page for page in reversed(pages)}
    left = unused(place.app, {template for template, _status, _bin in sample})
    assert sorted(left) == []
    assert {str(page): faults for page in sample.values() if (faults := inspector.faults(page))} == {}


def unused(app: Any, shown: set[str]) -> set[str]:
    """The templates that stand behind none of these, as base, part or macro."""
    known, waiting = set(), list(shown)
    while waiting:
        name = waiting.pop()
        known.add(name)
        source = app.jinja_env.loader.get_source(app.jinja_env, name)[0]
        found = meta.find_referenced_templates(app.jinja_env.parse(source))
        waiting += [other for other in found if other not in known]
    plugins = app.extensions["jinlin_plugins"]
    folders = [ROOT / "core" / "templates", *(plugins.folder(name) / "templates" for name in plugins.names)]
    return {str(file.relative_to(folder)) for folder in folders for file in folder.rglob("*.html")} - known


def test_the_sign_in_page_says_nothing_about_who_exists(open_as: Any, live: Any) -> None:
    page = open_as(None)
    texts = []
    for name in ("staff.upper", "nobody.here"):
        page.goto(f"{live.url}/login")
        page.fill("input[name=username]", name)
        page.fill("input[name=password]", "certainly not this one")
        page.press("input[name=password]", "Enter")
        texts.append(page.locator("[role=alert]").first.inner_text())
    assert texts[0] == texts[1] == "用户名或密码不正确。连续 5 次错误将锁定 15 分钟。"


def test_words_for_screen_readers_make_no_page_wider_or_longer(place: Any, open_as: Any, live: Any) -> None:
    """They hang out of tables that scroll, and below the last line."""
    with place.app.app_context(), place.session("upper", writes=True) as session:
        cook = Cook(name="周建民")
        session.add(cook)
        session.flush()
        session.add(HealthCertificate(cook_id=cook.id, number="A1", issued_on=date(2026, 2, 1),
                                      expires_on=date(2027, 1, 31)))
    page = open_as("staff.upper", NARROW)
    for path in ("duty/", "orders/"):
        page.goto(f"{live.url}/upper/canteen/{path}")
        assert page.evaluate("[scrollBy(9999, 9999), scrollX, scrollY].slice(1)") == [0, 0], path

"""Every page is valid HTML with a title of its own; no link leads to a closed door."""
from __future__ import annotations

from collections import defaultdict
from urllib.parse import parse_qsl, urlsplit

import pytest

from core.testing.walk import start
from tests.markup import faults, text
from tests.pages import Crawl, Page, different
from tests.scenes import scenes


@pytest.fixture
def kind() -> str:
    """Pages look alike on both databases."""
    return "sqlite"


def test_every_page_is_valid_and_every_link_leads_somewhere(place):
    found = [page for crawl in crawls(place) for page in crawl.found]
    assert [str(p) for p in found if p.asked.startswith("GET") and p.status != 200] == []
    pages = found + scenes(place)
    wrong = {fault: str(page) for page in different(pages) for fault in faults(page)}
    assert wrong == {}
    assert shared_titles(pages) == {}


def crawls(place) -> list[Crawl]:
    """These two see every screen (`make pages` looks at every role); first both look, then both press buttons."""
    start(place)
    found = [Crawl(place, "manager.upper"), Crawl(place, "street", samples=True)]
    for crawl in found:
        crawl.look()
    for crawl in found:
        crawl.press()
    return found


def shared_titles(pages: list[Page]) -> dict[str, set[str]]:
    """Titles that two different records or screens bear, for the same person."""
    bearers = defaultdict(set)
    for page in pages:
        address = urlsplit(page.asked.split()[1])
        which = sorted(f"{k}={v}" for k, v in parse_qsl(address.query) if k in ("id", "plugin", "bin"))
        if page.asked.startswith("GET") and page.status == 200 and address.path != "/":
            bearers[f"{page.person}: {text(page.tree.find('.//title'))}"].add(f"{address.path}?{'&'.join(which)}")
    return {title: found for title, found in bearers.items() if len(found) > 1}

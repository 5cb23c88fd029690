"""Every page of every role in chromium, in four looks, and its markup (`make pages`; too long for `make test`)."""
from __future__ import annotations

from typing import Any

from core.testing.walk import start
from tests.browser.inspector import Inspector
from tests.markup import faults
from tests.pages import PEOPLE, Crawl, different
from tests.scenes import scenes


def test_every_page_is_clean_in_every_look(place: Any, chromium: Any) -> None:
    empty = [page for person in PEOPLE for page in Crawl(place, person).look()]
    start(place)
    crawls = [Crawl(place, person) for person in PEOPLE]
    pages = empty + [page for crawl in crawls for page in crawl.look()]
    pages += [page for crawl in crawls for page in crawl.press()] + scenes(place)
    inspector, wrong = Inspector(chromium), {}
    for number, page in enumerate(looked_at := different(pages), 1):
        if found := faults(page) + inspector.faults(page):
            wrong[str(page)] = found
            print(f"{number} of {len(looked_at)}: {page}", *found, sep="\n    ", flush=True)
    inspector.close()
    assert wrong == {}

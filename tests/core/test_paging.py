"""A list too long to be counted is walked from record to record: nothing twice, nothing left out."""
from __future__ import annotations

import html
import re
from typing import Any

import pytest

from core.admin import paging, query
from core.residents.models import TagKind

ROWS, SIZE = 27, 10
LINK = {"next": 'rel="next"', "prev": 'rel="prev"'}


@pytest.fixture
def long_list(place: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Both communities with more tags than are counted."""
    for module in (query, paging):
        monkeypatch.setattr(module, "COUNTED", 20)
    with place.app.app_context():
        for slug in ("upper", "lower"):
            with place.session(slug, writes=True) as writing:
                writing.add_all(TagKind(name=f"{slug}{n:03}") for n in range(ROWS))
    return place


def rows(page: str) -> list[str]:
    found = re.findall(r">((?:upper|lower)\d{3}|[\u4e00-\u9fff]+)</td>", page[page.index("<tbody>"):])
    return [text for text in found if not text.endswith("社区")]


def follow(page: str, way: str) -> str | None:
    found = re.search(rf'href="([^"]*)"[^>]*{LINK[way]}', page)
    return html.unescape(found.group(1)) if found else None


def walked(browser: Any, url: str | None, way: str) -> list[list[str]]:
    """The pages from here on, each as its rows."""
    pages = []
    while url:
        page = browser.get(url).get_data(as_text=True)
        pages.append(rows(page))
        url = follow(page, way)
        assert len(pages) < 40
    return pages


@pytest.mark.parametrize(("username", "slug", "order"), [
    ("manager.upper", "upper", "sort=name"), ("street", "street", "sort=name&desc=1"),
])
def test_a_long_list_is_walked_forwards_and_backwards(long_list: Any, username: str, slug: str, order: str) -> None:
    browser, url = long_list.browser(username), f"/{slug}/residents/tags/"
    whole = [row for page in walked(browser, f"{url}?size={SIZE}&{order}", "next") for row in page]
    assert len(whole) > ROWS
    by_number = [row for n in range(1, -(-len(whole) // SIZE) + 1)
                 for row in rows(browser.get(f"{url}?size={SIZE}&{order}&page={n}").get_data(as_text=True))]
    assert whole == by_number
    back = walked(browser, f"{url}?size={SIZE}&{order}&end=1", "prev")
    assert back[0] == whole[-SIZE:]
    assert [row for page in reversed(back) for row in page][-len(whole):] == whole


def test_a_record_that_is_not_here_leads_to_the_beginning(long_list: Any) -> None:
    browser, url = long_list.browser("manager.upper"), "/upper/residents/tags/"
    first = rows(browser.get(url).get_data(as_text=True))
    for wrong in ("after=999999", "before=999999", "after=-1", "before=x", "end=2"):
        assert rows(browser.get(f"{url}?{wrong}").get_data(as_text=True)) == first

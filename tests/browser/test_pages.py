"""Every page of the menu, wide and narrow: no complaint of the browser, nothing beyond the edge."""
from __future__ import annotations

from typing import Any

import pytest

WIDE, NARROW = (1366, 768), (390, 844)
PEOPLE = ("system", "street", "auditor", "manager.upper", "staff.upper")


def menu_of(page: Any) -> list[str]:
    """The addresses in the menu."""
    links = page.eval_on_selector_all("nav a[href^='/']", "links => links.map(a => a.getAttribute('href'))")
    return list(dict.fromkeys(links))


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("person", PEOPLE)
def test_every_page_of_the_menu_is_clean(open_as: Any, live: Any, person: str, size: tuple[int, int]) -> None:
    page = open_as(person, size)
    for path in menu_of(page):
        answer = page.goto(live.url + path)
        assert answer.status == 200, path
        assert page.locator("h1").count() == 1, path
        wide = page.evaluate("document.scrollingElement.scrollWidth")
        assert wide <= size[0], f"{path} is {wide} pixels wide"
        assert page.complaints == [], path


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

"""The main jobs with the keyboard alone; where the focus is can always be seen, and it never gets stuck."""
from __future__ import annotations

from typing import Any

import pytest

from core.testing.place import PASSWORD
from tests.browser.inspector import NARROW, WIDE
from tests.browser.keys import enter, go, on, stops

TAGS = "/upper/residents/tags/"
PAGES = ("/upper/residents/people/new/", "/upper/canteen/meals/", "/upper/canteen/counter/?q=钱", TAGS,
         "/upper/residents/people/details/?id=770001", "/upper/residents/import/", "/upper/")
ZOOMED = (320, 256)  # 1280 by 1024 at 400 %


def test_one_signs_in_and_skips_the_menu(come_in: Any) -> None:
    tab = come_in(None)
    tab.goto("/login")
    assert on(tab, "#username")
    tab.keyboard.type("manager.upper")
    tab.keyboard.press("Tab")
    tab.keyboard.type(PASSWORD)
    enter(tab)
    tab.keyboard.press("Tab")
    assert on(tab, ".skip") and tab.locator(".skip").bounding_box()["y"] > 0
    tab.keyboard.press("Enter")
    tab.keyboard.press("Tab")
    assert on(tab, "main")


def test_menu_area_switcher_font_and_language(come_in: Any) -> None:
    tab = come_in("street")
    tab.goto("/street/")
    go(tab, "details.menu-group summary")
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.parentElement.open") is False
    tab.keyboard.press("Enter")
    go(tab, "details.area > summary")
    tab.keyboard.press("Enter")
    tab.keyboard.press("Tab")
    assert on(tab, "#areas")
    tab.keyboard.press("Escape")
    assert on(tab, "details.area > summary") and tab.locator("details.area[open]").count() == 0
    tab.keyboard.press("Enter")
    go(tab, "#areas a[href^='/lower']")
    enter(tab)
    assert "下游社区" in tab.title()
    font, language = "form[action$=large] button", "button[name=language]"
    for button, told in ((font, "html.large"), (language, "html[lang=en]"), (language, "html[lang=zh-CN]"),
                         (font, "html:not(.large)")):
        go(tab, "details.end > summary")
        tab.keyboard.press("Enter")
        go(tab, button)
        enter(tab)
        assert tab.locator(told).count() == 1


def test_a_list_is_searched_filtered_and_sorted_and_a_record_changed(come_in: Any) -> None:
    tab = come_in("manager.upper")
    tab.goto(TAGS)
    go(tab, "th a")
    enter(tab)
    assert tab.locator("th[aria-sort=ascending]").count() == 1
    go(tab, "nav a[href*='size=50']")
    enter(tab)
    go(tab, "td.acts a[href*='details']")
    enter(tab)
    name = tab.locator("h1").inner_text()
    assert name in tab.title()
    go(tab, "main a[href*='edit']")
    enter(tab)
    assert on(tab, "#name")  # a form begins in its first field
    tab.keyboard.press("End")
    tab.keyboard.type("户")
    enter(tab)
    assert "已保存" in tab.locator(".flash[role=status]").inner_text()
    assert tab.locator(f"td:text-is('{name}户')").count() == 1
    tab.wait_for_selector("#said:has-text('已保存')", state="attached")
    tab.goto("/upper/residents/people/")
    go(tab, "input[type=search]")
    tab.keyboard.type("没有")
    enter(tab)
    go(tab, ".empty a")
    enter(tab)
    go(tab, "select[name=state]")
    tab.keyboard.press("ArrowDown")
    go(tab, ".filters button[type=submit]")
    enter(tab)
    assert "state=" in tab.url


def test_a_wrong_form_leads_from_its_summary_to_the_fields(come_in: Any) -> None:
    tab = come_in("manager.upper")
    tab.goto("/upper/residents/people/new/")
    enter(tab)
    assert on(tab, ".summary")
    tab.keyboard.press("Tab")
    enter_stays = tab.url
    tab.keyboard.press("Enter")
    assert tab.url == enter_stays and on(tab, "[aria-invalid=true]")
    told = tab.evaluate("document.activeElement.getAttribute('aria-describedby').split(' ').pop()")
    assert tab.locator(f"#{told}").inner_text().strip()


def test_a_reference_is_looked_up_as_a_combobox(come_in: Any, house: Any) -> None:
    tab = come_in("manager.upper")
    tab.goto("/upper/canteen/diners/new/")
    box = tab.locator("[role=combobox]").first
    go(tab, "[role=combobox]")
    assert box.get_attribute("aria-expanded") == "false"
    tab.keyboard.type("钱")
    tab.wait_for_selector("[role=combobox][aria-expanded=true]")
    first = box.get_attribute("aria-activedescendant")
    assert tab.locator(f"#{first}[aria-selected=true]").count() == 1
    tab.keyboard.press("Escape")
    assert box.get_attribute("aria-expanded") == "false" and "new" in tab.url
    tab.keyboard.press("ArrowDown")
    tab.wait_for_selector("[role=combobox][aria-expanded=true]")
    tab.keyboard.press("Enter")
    assert box.input_value() and box.get_attribute("aria-expanded") == "false"
    tab.keyboard.press("Control+a")
    tab.keyboard.type("没有这个人")
    tab.wait_for_selector(".lookup [role=status]:not([hidden])")
    assert tab.locator("[role=listbox] > :not([role=option])").count() == 0


def test_the_menu_of_the_phone_and_the_cards_open_and_close(come_in: Any) -> None:
    tab = come_in("manager.upper", NARROW)
    tab.goto(TAGS)
    go(tab, ".burger")
    tab.keyboard.press("Enter")
    assert on(tab, "#menu") and tab.locator(".burger").get_attribute("aria-expanded") == "true"
    tab.keyboard.press("Escape")
    assert on(tab, ".burger") and tab.locator(".burger").get_attribute("aria-expanded") == "false"
    go(tab, ".expand button")
    tab.keyboard.press("Enter")
    tab.keyboard.press("Shift+Tab")
    assert on(tab, "td.acts")


@pytest.mark.parametrize("size, pages, options", [
    (WIDE, PAGES, {}), (NARROW, PAGES[:4], {"has_touch": True}), (ZOOMED, PAGES[:4], {}),
    (WIDE, PAGES[:2], {"forced_colors": "active", "reduced_motion": "reduce"}),
], ids=["wide", "phone", "zoomed", "forced colours"])
def test_every_stop_is_seen_and_the_page_has_an_end(come_in: Any, size: Any, pages: Any, options: Any) -> None:
    tab, wrong = come_in("manager.upper", size, **options), {}
    for path in pages:
        tab.goto(path)
        found = stops(tab)
        unseen = [s for s in found if not (s["shown"] and s["inside"] and s["clear"])]
        wide = tab.evaluate("document.scrollingElement.scrollWidth")
        if unseen or len(found) < 8 or wide > size[0]:
            wrong[path] = (wide, len(found), [" ".join(str(v) for v in s.values()) for s in unseen])
    assert wrong == {}


def test_fingers_hit_what_stands_on_the_counter(come_in: Any) -> None:
    tab = come_in("manager.upper", NARROW, has_touch=True)
    tab.goto("/upper/canteen/counter/?q=钱")
    small = tab.evaluate("""Array.from(document.querySelectorAll('main a, main button, main input, main summary'))
      .filter((e) => e.type !== 'hidden' && e.getClientRects().length && e.checkVisibility())
      .map((e) => [e.outerHTML.slice(0, 90), e.getBoundingClientRect()])
      .filter(([, box]) => box.height < 44 || box.width < 44)
      .map(([html, r]) => `${Math.round(r.width)}×${Math.round(r.height)} ${html}`)""")
    assert small == []

"""Every screen in a real browser, full of text that wants to run: nothing runs, nothing of ours is blocked."""
from __future__ import annotations

from typing import Any

from core.testing.walk import OWN, start
from tests.browser.conftest import WIDE
from tests.hostile.poison import SHORT, poison

LOOK = """() => ({
  title: document.title,
  foreign: [...document.querySelectorAll('*')].filter((e) => /xss/i.test(e.tagName) || [...e.attributes].some(
    (a) => /^on|xss/i.test(a.name))).map((e) => e.outerHTML.slice(0, 80)),
  scripts: [...document.scripts].filter((s) => !s.src || !s.nonce).length,
  running: typeof window.xssRan,
})"""


def test_spoilt_text_runs_nowhere_and_nothing_of_ours_is_blocked(open_as: Any, live: Any) -> None:
    walk, wrong, seen = start(live.place), [], 0
    assert poison(walk) > 60
    pages = {slug: open_as(username, WIDE) for slug, username in (("upper", "manager.upper"), ("street", "street"))}
    for page in pages.values():
        page.complaints.clear()
        page.on("dialog", lambda dialog: (wrong.append(("dialog", dialog.message)), dialog.dismiss()))
        page.add_init_script("window.xss = () => { window.xssRan = 1; }; window.alert = window.xss;")
    for url in every_page(walk):
        page = pages[url.split("/")[1]]
        answer = page.goto(live.url + url, wait_until="domcontentloaded")
        if answer.status != 200:  # the browser itself complains of a 403 or 404
            page.complaints.clear()
            continue
        found = page.evaluate(LOOK)
        seen += 1
        wrong += [(url, key, found[key]) for key in ("foreign", "scripts") if found[key]]
        wrong += [(url, "ran")] if found["running"] != "undefined" else []
        wrong += [(url, text) for text in page.complaints]
        page.complaints.clear()
    assert wrong == []
    assert seen > 40


def every_page(walk: Any) -> list[str]:
    """Each address that shows a page to one of the two, with and without a record."""
    found = []
    clients = {"upper": walk.place.browser("manager.upper").client, "street": walk.place.browser("street").client}
    for rule in walk.rules("GET"):
        for slug, client in clients.items():
            for url in walk.addresses(rule, slug, OWN):
                for asked in (url, f"{url}?id={OWN}&q=1&search={SHORT[-5:-1]}"):
                    answer = client.get(asked)
                    if answer.status_code == 200 and answer.mimetype == "text/html":
                        found.append(asked)
                        break
    return found


def test_a_look_up_puts_names_into_the_page_as_text(open_as: Any, live: Any) -> None:
    poison(start(live.place))
    page = open_as("manager.upper", WIDE)
    page.goto(f"{live.url}/upper/canteen/diners/new/")
    page.locator("[data-lookup] input[type=text]").first.click()
    page.keyboard.type("x")
    page.locator("[data-lookup] li").first.wait_for()
    assert page.evaluate(LOOK)["foreign"] == [] and page.complaints == []


def test_the_question_names_a_spoilt_record_as_text_and_stops(open_as: Any, live: Any) -> None:
    walk = start(live.place)
    poison(walk)
    before = walk.rows()
    page = open_as("manager.upper", WIDE)
    page.goto(f"{live.url}/upper/residents/tags/")
    page.locator("button[data-verb]").first.click()
    question = page.locator("#confirm-text")
    assert "xss" in question.inner_text() and question.locator("*").count() == 0
    page.locator("#confirm-cancel").click()
    page.reload()
    assert walk.rows() == before and page.complaints == []

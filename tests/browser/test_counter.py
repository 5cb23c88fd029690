"""The counter in a real browser: keyboard alone, input method, card reader, dropped network, phone."""
from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from core.extensions import db
from core.testing.place import PASSWORD, Place
from core.testing.servers import Servers, make_app
from tests.plugins.canteen_people import add_diner, add_resident, meals

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no {CHROMIUM}: install Debian's chromium")


@pytest.fixture
def served(servers: Servers, tmp_path: Path) -> Iterator[tuple[Place, str]]:
    """The street on a loopback port, on SQLite (the rules of both databases are tested elsewhere)."""
    url, ids = servers.copy_of_seed("sqlite", tmp_path)
    app, clock = make_app(url, tmp_path)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Place(app, clock, dict(ids)), f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()
    with app.app_context():
        db.engine.dispose()


@pytest.fixture(scope="module")
def launched() -> Iterator[Any]:
    """One browser for all tests of this file."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture
def chromium(launched: Any) -> Iterator[Any]:
    """Opens pages; an error of a script, or something that the content policy blocked, fails the test."""
    wrong: list[str] = []

    def opens(**options: Any) -> Any:
        page = launched.new_context(**options).new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda line: wrong.append(line.text) if "Content Security Policy" in line.text else None)
        page.set_default_timeout(5000)
        return page

    yield opens
    for context in launched.contexts:
        context.close()
    assert wrong == []


def counter(chromium: Any, address: str, **options: Any) -> Any:
    """The counter, open at `staff.upper`."""
    page = chromium(**options)
    page.goto(address + "/login")
    page.fill("#username", "staff.upper")
    page.fill("#password", PASSWORD)
    page.click("form button.primary")
    page.goto(address + "/upper/canteen/counter/")
    return page


def recorded(page: Any, number: int) -> None:
    """Wait until the totals say so many meals."""
    page.wait_for_selector(f'[data-total]:text-is("{number}")')


def nothing_is_under_way(page: Any) -> None:
    """Wait until the counter has asked and got its answers."""
    page.wait_for_load_state("networkidle")


def test_a_known_diner_takes_one_key_after_the_name_and_the_cursor_stays(served, chromium):
    place, address = served
    add_diner(place, "张秀英", allergy="花生过敏")
    page = counter(chromium, address)
    page.keyboard.type("zxy")
    page.wait_for_selector(".match.best")
    assert page.inner_text(".match .tag.alarm") == "花生过敏"
    page.keyboard.press("Enter")
    recorded(page, 1)
    assert page.input_value("#who") == "" and page.evaluate("document.activeElement.id") == "who"
    assert "张秀英" in page.inner_text("#message") and [m["name"] for m in meals(place)] == ["张秀英"]


def test_arrow_keys_choose_among_several(served, chromium):
    place, address = served
    for name in ("张秀英", "张秀兰"):
        add_diner(place, name)
    page = counter(chromium, address)
    page.keyboard.type("zx")
    page.wait_for_selector(".match >> nth=1")
    second = page.get_attribute(".match >> nth=1", "data-who")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    recorded(page, 1)
    assert [m["name"] for m in meals(place)] == [second]


def test_a_card_reader_is_faster_than_the_answer_and_records_all_the_same(served, chromium):
    place, address = served
    for name, card in (("张秀英", "0000012345"), ("李建国", "0000054321")):
        add_diner(place, name, card=card)
    page = counter(chromium, address)
    for number, card in enumerate(("0000012345", "0000054321"), 1):
        page.keyboard.type(card)  # without a pause, as a reader does
        page.keyboard.press("Enter")
        recorded(page, number)
    assert [m["name"] for m in meals(place)] == ["张秀英", "李建国"]


def test_enter_before_the_answer_does_not_choose_among_several(served, chromium):
    place, address = served
    for name in ("张秀英", "张秀兰"):
        add_diner(place, name)
    page = counter(chromium, address)
    page.keyboard.type("zx")
    page.keyboard.press("Enter")
    page.wait_for_selector("#message.warn")
    nothing_is_under_way(page)
    assert meals(place) == [] and page.input_value("#who") == "zx"


def test_the_enter_that_ends_a_composition_records_nobody_and_the_next_one_does(served, chromium):
    place, address = served
    add_diner(place, "张秀英")
    page = counter(chromium, address)
    devtools = page.context.new_cdp_session(page)
    devtools.send("Input.imeSetComposition", {"text": "zhang'xiu'ying", "selectionStart": 14, "selectionEnd": 14})
    enter = {"type": "rawKeyDown", "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 229}
    devtools.send("Input.dispatchKeyEvent", enter)
    devtools.send("Input.insertText", {"text": "张秀英"})
    devtools.send("Input.dispatchKeyEvent", {**enter, "type": "keyUp", "windowsVirtualKeyCode": 13})
    page.wait_for_selector(".match.best")
    nothing_is_under_way(page)
    assert meals(place) == [] and page.input_value("#who") == "张秀英"
    page.keyboard.press("Enter")
    recorded(page, 1)


ORDERS = {
    "keydown 229 in the composition": [("keydown", 229, True), ("compositionend", 0, False)],
    "keydown 229 after the composition (Safari)": [("compositionend", 0, False), ("keydown", 229, False)],
    "plain keydown right after the composition": [("compositionend", 0, False), ("keydown", 13, False)],
    "plain keydown before the composition ends": [("keydown", 13, False), ("compositionend", 0, False)],
}


@pytest.mark.parametrize("order", ORDERS)
def test_no_order_of_events_of_an_input_method_records_anybody(served, chromium, order):
    place, address = served
    add_diner(place, "张秀英")
    page = counter(chromium, address)
    page.evaluate(
        """(events) => {
            const field = document.querySelector("#who");
            field.dispatchEvent(new CompositionEvent("compositionstart", { bubbles: true }));
            field.value = "张秀英";
            for (const [type, keyCode, isComposing] of events) {
                const event = type === "keydown"
                    ? new KeyboardEvent(type, { key: "Enter", bubbles: true, cancelable: true, isComposing, keyCode })
                    : new CompositionEvent(type, { bubbles: true, data: "张秀英" });
                field.dispatchEvent(event);
            }
        }""", ORDERS[order])
    page.wait_for_selector(".match.best")
    nothing_is_under_way(page)
    assert meals(place) == []
    page.keyboard.press("Enter")
    recorded(page, 1)


def test_a_dropped_network_keeps_what_was_typed_and_enter_tries_again(served, chromium):
    place, address = served
    add_diner(place, "张秀英")
    page = counter(chromium, address)
    page.keyboard.type("zxy")
    page.wait_for_selector(".match.best")
    page.context.set_offline(True)
    page.keyboard.press("Enter")
    page.wait_for_selector("#message.bad")
    assert page.input_value("#who") == "zxy" and meals(place) == []
    page.context.set_offline(False)
    page.keyboard.press("Enter")
    recorded(page, 1)


def test_a_lost_answer_records_a_guest_once(served, chromium):
    place, address = served
    page = counter(chromium, address)
    lost = []

    def lose_the_first(route):
        if not lost:
            lost.append(route.fetch())  # the server has recorded it, the answer never arrives
            route.abort()
        else:
            route.continue_()

    page.route("**/record/", lose_the_first)
    page.click("[data-record=guest] button")
    page.wait_for_selector("#message.bad")
    assert len(meals(place)) == 1
    page.click("#message button")
    recorded(page, 1)
    assert len(meals(place)) == 1
    page.click("[data-record=guest] button")
    recorded(page, 2)


def test_a_double_click_records_one_guest(served, chromium):
    place, address = served
    page = counter(chromium, address)
    page.dblclick("[data-record=guest] button")
    recorded(page, 1)
    page.reload()
    page.go_back()
    page.go_forward()
    assert len(meals(place)) == 1


def test_signed_out_says_so_keeps_the_text_and_links_to_the_sign_in(served, chromium):
    place, address = served
    add_diner(place, "张秀英")
    page = counter(chromium, address)
    page.keyboard.type("zxy")
    page.wait_for_selector(".match.best")
    page.context.clear_cookies()
    page.keyboard.press("Enter")
    page.wait_for_selector("#message.bad a")
    assert page.input_value("#who") == "zxy" and meals(place) == []
    page.click("#message a")
    page.fill("#username", "staff.upper")
    page.fill("#password", PASSWORD)
    page.click("form button.primary")
    page.wait_for_selector(".match.best")
    assert page.input_value("#who") == "zxy"


def test_outside_the_hours_enter_says_yes_and_escape_no(served, chromium):
    place, address = served
    add_diner(place, "张秀英")
    place.clock.forward(hours=2)
    page = counter(chromium, address)
    page.keyboard.type("zxy")
    page.wait_for_selector(".match.best")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="hidden")
    assert meals(place) == [] and page.input_value("#who") == "zxy"
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    page.keyboard.press("Enter")
    recorded(page, 1)


def test_somebody_unknown_is_added_by_keyboard_alone(served, chromium):
    place, address = served
    page = counter(chromium, address)
    page.keyboard.insert_text("周文斌")
    page.wait_for_selector(".none")
    page.keyboard.press("Enter")
    page.keyboard.type("13912345678")
    page.keyboard.press("Enter")
    recorded(page, 1)
    assert [m["name"] for m in meals(place)] == ["周文斌"] and page.evaluate("document.activeElement.id") == "who"


def test_a_paper_list_is_entered_by_keyboard_alone(served, chromium):
    place, address = served
    for name in ("张秀英", "李建国"):
        add_diner(place, name)
    page = counter(chromium, address)
    page.goto(address + "/upper/canteen/counter/back/")
    page.focus("#back_reason")
    page.keyboard.insert_text("停电")
    page.keyboard.press("Enter")
    page.wait_for_selector("#who")
    for number, initials in enumerate(("zxy", "ljg"), 1):
        page.keyboard.type(initials)
        page.keyboard.press("Enter")
        recorded(page, number)
    assert {(m["reason"], str(m["day"])) for m in meals(place)} == {("停电", "2026-11-22")}


def test_undo_takes_the_last_one_back_and_the_cursor_returns(served, chromium):
    place, address = served
    add_resident(place, "张秀英")
    page = counter(chromium, address)
    page.keyboard.type("zxy")
    page.keyboard.press("Enter")
    recorded(page, 1)
    page.click("[data-undo] button")
    recorded(page, 0)
    assert meals(place) == [] and page.evaluate("document.activeElement.id") == "who"


def test_one_thumb_is_enough_on_a_phone(served, chromium):
    place, address = served
    add_diner(place, "张秀英", phone="13812345678")
    page = counter(chromium, address, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.tap("[data-keys]")
    assert page.evaluate("document.querySelector('#who').inputMode") == "numeric"
    page.keyboard.type("5678")
    page.wait_for_selector(".match.best")
    small = page.evaluate("""[...document.querySelectorAll("main button, main a.btn, main summary, main .segments a")]
        .filter((e) => e.offsetParent && e.getBoundingClientRect().height < 43.5).map((e) => e.outerHTML)""")
    assert small == []
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 390
    page.tap(".match.best button")
    recorded(page, 1)


def test_without_a_script_the_counter_works_too(served, chromium):
    place, address = served
    add_diner(place, "张秀英")
    page = counter(chromium, address, java_script_enabled=False)
    page.fill("#who", "zxy")
    page.press("#who", "Enter")
    page.click(".match button")
    assert page.inner_text("[data-total]") == "1" and len(meals(place)) == 1

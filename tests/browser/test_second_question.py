"""Deleting really stops: the question names the record, takes the focus, and only a yes to it deletes, once."""
from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from core.audit.models import AuditEntry, Deed
from core.residents.models import TagKind
from tests.browser.inspector import NARROW
from tests.browser.keys import enter, go, on

TAGS = "/upper/residents/tags/"
DELETE = "td.acts button.danger"


@pytest.fixture
def tag(house: Any, request: pytest.FixtureRequest) -> str:
    """A tag of its own for each test."""
    name = f"测试{abs(hash(request.node.name)) % 10**6}"
    with house.place.app.app_context(), house.place.session("upper", writes=True) as writing:
        writing.add(TagKind(name=name))
        writing.commit()
    return name


def button(tag: str) -> str:
    """The delete button of a row."""
    return f"tr:has(td:text-is('{tag}')) {DELETE}"


def is_there(house: Any, tag: str) -> bool:
    """Whether the tag is not in the recycle bin."""
    with house.place.app.app_context(), house.place.session("upper") as reading:
        return reading.scalar(sa.select(TagKind).where(TagKind.name == tag)).deleted_at is None


def deletions(house: Any, tag: str) -> int:
    """How often the audit trail says that it was deleted."""
    with house.place.app.app_context(), house.place.session("upper") as reading:
        number = reading.scalar(sa.select(TagKind.id).where(TagKind.name == tag))
        return len(list(reading.scalars(sa.select(AuditEntry).where(
            AuditEntry.deed == Deed.DELETED, AuditEntry.record_id == number,
            AuditEntry.table_name == TagKind.__tablename__))))


def test_by_keyboard_the_question_keeps_the_focus_and_escape_gives_it_back(come_in: Any, house: Any, tag: str) -> None:
    tab = come_in("manager.upper")
    tab.goto(TAGS + "?size=100")
    tab.focus(button(tag))
    tab.keyboard.press("Enter")
    assert tag in tab.locator("#confirm-text").inner_text() and on(tab, "#confirm-cancel")
    for key in ("Tab", "Tab", "Tab", "Shift+Tab", "Shift+Tab"):
        tab.keyboard.press(key)
        assert tab.evaluate("!document.activeElement.closest('.shell')")  # in the dialog, or at the browser's own bar
    tab.keyboard.press("Escape")
    assert not tab.locator("#confirm").is_visible()
    assert tab.evaluate("s => document.activeElement.closest('tr').textContent.includes(s)", tag)
    assert is_there(house, tag)
    tab.keyboard.press("Enter")
    go(tab, "#confirm-go", most=5)
    enter(tab)
    assert not is_there(house, tag) and tag in tab.locator(".flash").inner_text()


def test_no_is_no_and_two_quick_clicks_are_one_question_and_one_deletion(come_in: Any, house: Any, tag: str) -> None:
    tab = come_in("manager.upper")
    tab.goto(TAGS + "?size=100")
    tab.dblclick(button(tag))
    assert tab.locator("dialog[open]").count() == 1
    tab.click("#confirm-cancel")
    tab.reload()
    assert is_there(house, tag)
    tab.click(button(tag))
    with tab.expect_navigation():
        tab.dblclick("#confirm-go")
    assert not is_there(house, tag) and deletions(house, tag) == 1


def test_the_second_half_of_a_double_click_is_no_yes(come_in: Any, house: Any, tag: str) -> None:
    tab = come_in("manager.upper")
    tab.goto(TAGS + "?size=100")
    tab.click(button(tag))
    tab.locator("#confirm-go").dispatch_event("click", {"detail": 2})
    assert tab.locator("dialog[open]").count() == 1 and is_there(house, tag)


def test_ticking_by_space_says_how_many_and_the_question_counts_them(come_in: Any, house: Any, tag: str) -> None:
    tab = come_in("manager.upper")
    tab.goto(TAGS + "?size=100")
    for number in (0, 1):
        tab.locator("input[name=rowid]").nth(number).focus()
        tab.keyboard.press("Space")
    assert "2" in tab.locator("#said").inner_text()
    go(tab, "#bulk button[name=action]", "Tab", most=400)
    tab.keyboard.press("Enter")
    assert "2" in tab.locator("#confirm-text, main form").first.inner_text()
    tab.keyboard.press("Escape")
    assert is_there(house, tag)


def test_on_a_phone_without_script_a_page_asks(come_in: Any, house: Any, tag: str) -> None:
    tab = come_in("manager.upper", NARROW, java_script_enabled=False)
    tab.goto(TAGS + "?size=100")
    tab.click(button(tag))
    assert tag in tab.locator("main").inner_text() and is_there(house, tag)
    tab.click("main a.btn:not(.primary)")  # 取消
    assert is_there(house, tag) and TAGS in tab.url
    tab.click(button(tag))
    tab.click("main button.primary")
    assert not is_there(house, tag) and deletions(house, tag) == 1

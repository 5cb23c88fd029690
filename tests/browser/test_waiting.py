"""A page that waits for a file: it looks again by itself, says what came of it, and gives the file."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from core.accounts.models import User
from core.admin.export_jobs import Job
from core.areas.scope import session_for

PEOPLE = "/upper/residents/people/"


@pytest.fixture
def tell(house: Any) -> Callable[[str], None]:
    """tell("ready"): the state of an export of manager.upper; the workbook lies there."""
    with house.place.app.app_context(), session_for(None, "a test looks") as reading:
        user_id = reading.scalar(sa.select(User.id).where(User.username == "manager.upper"))
    job = Job("w" * 32, user_id, house.place.ids["upper"], "residents_people", "名单.xlsx", 9000, 500)

    def telling(state: str) -> None:
        with house.place.app.app_context():
            job.state = state
            job.tell()
            job.file.write_bytes(b"PK\x03\x04")

    return telling


def test_the_file_comes_by_itself_and_it_is_read_aloud(come_in: Any, tell: Callable[[str], None]) -> None:
    tell("running")
    tab = come_in("manager.upper")
    tab.goto(f"{PEOPLE}exported/?job={'w' * 32}")
    tab.wait_for_selector("[data-waits]")
    tab.locator(".row-foot a").last.focus()
    with tab.expect_download() as coming:
        tell("ready")
    assert coming.value.suggested_filename == "名单.xlsx"
    assert "已生成" in tab.text_content("#said")
    assert tab.evaluate("document.activeElement.matches('[data-ready]')")


def test_a_file_that_fails_is_said_aloud_and_nobody_waits_any_longer(
    come_in: Any, tell: Callable[[str], None]
) -> None:
    tell("running")
    tab = come_in("manager.upper")
    tab.goto(f"{PEOPLE}exported/?job={'w' * 32}")
    tab.wait_for_selector("[data-waits]")
    tell("failed")
    tab.wait_for_selector("[role=alert]:has-text('文件没有生成')")
    assert "文件没有生成" in tab.text_content("#said")
    assert tab.locator("[data-ready]").count() == 0


def test_without_script_a_link_looks_again(come_in: Any, tell: Callable[[str], None]) -> None:
    tell("running")
    come_in("manager.upper")  # signs in
    tab = come_in("manager.upper", java_script_enabled=False)
    tab.goto(f"{PEOPLE}exported/?job={'w' * 32}")
    tell("ready")
    tab.click(".row-foot a >> nth=0")
    tab.wait_for_selector("[data-ready]")

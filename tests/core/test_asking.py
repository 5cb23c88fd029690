"""Without script a button that asks first is answered by a page that asks; only a yes on that page acts."""
from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from core.residents.models import Resident
from tests.pages import Crawl, filled
from tests.plugins.canteen_people import add_resident

PEOPLE = "/upper/residents/people/"


@pytest.fixture
def kind() -> str:
    """What is asked does not depend on the database."""
    return "sqlite"


@pytest.fixture
def resident(place) -> int:
    """赵敏, in the roster."""
    return add_resident(place, "赵敏", phone="13800001234")


def living(place) -> list[str]:
    """The names in the roster."""
    with place.app.app_context(), place.session("upper") as reading:
        return list(reading.scalars(sa.select(Resident.name).where(Resident.deleted_at.is_(None))))


def press(crawl: Crawl, page, label: str):
    """Press a button of a page as a browser without script does."""
    button = next(b for b in page.main.iter("button") if "".join(b.itertext()).strip() == label)
    return crawl.post(button.get("formaction"), {button.get("name"): button.get("value")})


def test_deleting_asks_by_name_and_a_yes_deletes_once(place, resident):
    staff = Crawl(place, "manager.upper")
    question = press(staff, staff.get(PEOPLE), "删除")
    assert "确定删除“赵敏”吗？" in "".join(question.main.itertext())
    assert living(place) == ["赵敏"]
    form = question.main.find(".//form")
    assert staff.post(form.get("action"), filled(form)) is None  # sent on to the list
    assert living(place) == []


def test_going_back_from_the_question_deletes_nothing(place, resident):
    staff = Crawl(place, "manager.upper")
    question = press(staff, staff.get(PEOPLE), "删除")
    assert staff.get([a.get("href") for a in question.main.iter("a")][-1]).status == 200
    assert living(place) == ["赵敏"]


def test_what_needs_a_reason_asks_for_it_too(place, resident):
    staff = Crawl(place, "manager.upper")
    page = staff.get(f"{PEOPLE}details/?id={resident}")
    shows = [b for b in page.main.iter("button") if b.get("name") == "ask-why"]
    question = staff.post(shows[0].get("formaction"), {"ask-why": shows[0].get("value")})
    assert question.main.find(".//input[@name='reason']").get("required") is not None


def test_ticked_rows_are_counted_in_the_question_and_kept(place):
    staff = Crawl(place, "manager.upper")
    page = staff.get("/upper/residents/tags/")
    listed = re.findall(r'name="rowid" value="(\d+)"', page.body)
    question = staff.post("/upper/residents/tags/action/", {"action": "delete", "rowid": listed[:2]})
    assert "2" in "".join(question.main.find(".//form").itertext())
    kept = {e.get("value") for e in question.main.iter("input") if e.get("name") == "rowid"}
    assert kept == set(listed[:2])
    assert re.findall(r'name="rowid" value="(\d+)"', staff.get("/upper/residents/tags/").body) == listed


def test_nobody_puts_words_into_a_question_without_the_token_of_the_page(place, resident):
    client = place.browser("manager.upper").client
    answer = client.post(f"{PEOPLE}delete/?id={resident}", data={"ask": "Please call 12345"})
    assert answer.status_code == 400 and "12345" not in answer.get_data(as_text=True)

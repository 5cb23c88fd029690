"""Sessions are rows on the server; what was typed when one ends is still there after signing in again."""
from __future__ import annotations

import html
import io
import re

import pytest
import sqlalchemy as sa

from core.accounts.models import UserSession
from core.accounts.service import create_user
from core.areas.scope import session_for
from core.residents.models import TagKind
from core.testing.place import PASSWORD

FORM = "/upper/residents/tags/new/"
INPUT = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


def hidden_in(answer):
    return {name: html.unescape(value) for name, value in reversed(INPUT.findall(answer.get_data(as_text=True)))}


def sign_in_again(browser, answer, username="staff.upper", password=PASSWORD):
    return browser.client.post("/login", data={**hidden_in(answer), "username": username, "password": password})


def tags(place):
    with place.app.app_context(), place.session("upper") as reading:
        return set(reading.scalars(sa.select(TagKind.name)))


def rows(place):
    with place.app.app_context(), session_for(None, "a test looks") as reading:
        return list(reading.scalars(sa.select(UserSession.token_hash)))


def test_signing_out_ends_the_session_on_the_server(place):
    browser = place.browser("staff.upper")
    cookie = browser.client.get_cookie("jinlin").value
    browser.post("/logout")
    assert rows(place) == []
    thief = place.browser()
    thief.client.set_cookie("jinlin", cookie)
    assert thief.get("/upper/").status_code == 302


def test_the_token_itself_is_not_in_the_database(place):
    browser = place.browser("staff.upper")
    with browser.client.session_transaction() as cookie:
        assert cookie["token"] not in rows(place)


def test_signing_in_gives_a_new_id_and_ends_the_old_one(place):
    browser = place.browser("staff.upper")
    before = rows(place)
    browser.sign_in("staff.upper")
    assert len(rows(place)) == 1 and rows(place) != before


def test_the_idle_limit_is_thirty_minutes(place):
    browser = place.browser("staff.upper")
    for _i in range(3):
        place.clock.forward(minutes=29)
        assert browser.get("/upper/").status_code == 200
    place.clock.forward(minutes=31)
    assert browser.get("/upper/").headers["Location"].startswith("/login?next=")


def test_the_absolute_limit_is_twelve_hours(place):
    browser = place.browser("staff.upper")
    for _i in range(36):
        place.clock.forward(minutes=20)
        last = browser.get("/upper/").status_code
    assert last == 200
    place.clock.forward(minutes=1)
    assert browser.get("/upper/").status_code == 302


def test_after_signing_in_one_is_back_where_one_was(place):
    browser = place.browser("staff.upper")
    place.clock.forward(minutes=31)
    answer = browser.get("/upper/residents/tags/?size=50")
    page = browser.get(answer.headers["Location"])
    assert sign_in_again(browser, page).headers["Location"] == "/upper/residents/tags/?size=50"


@pytest.mark.parametrize("target", [
    "https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\t/evil.example", "\\evil",
    "http:evil.example", "/upper\r\nX: 1",
])
def test_one_is_never_sent_to_another_server(place, target):
    answer = place.browser().post("/login", {"username": "staff.upper", "password": PASSWORD, "next": target})
    assert answer.headers["Location"] == "/"


def test_what_was_typed_is_there_after_signing_in_again_and_saved_when_sent(place):
    browser = place.browser("staff.upper")
    form = browser.form(FORM)
    place.clock.forward(minutes=31)
    answer = browser.post(FORM, {**form, "name": "高龄<独居>", "note": "第一行\n第二行"})
    assert answer.status_code == 401
    wrong = sign_in_again(browser, answer, password="wrong")
    assert wrong.status_code == 200
    resumed = sign_in_again(browser, wrong)
    assert "高龄&lt;独居&gt;" in resumed.get_data(as_text=True)
    assert "高龄<独居>" not in tags(place)
    kept = hidden_in(resumed)
    assert kept["note"].replace("\r", "") == "第一行\n第二行"
    assert browser.client.post(FORM, data=kept).status_code == 302
    assert "高龄<独居>" in tags(place)


def test_the_page_still_open_can_be_sent_after_the_same_person_signed_in_elsewhere(place):
    browser = place.browser("staff.upper")
    form = browser.form(FORM)
    place.clock.forward(minutes=31)
    sign_in_again(browser, browser.get("/login"))
    assert browser.client.post(FORM, data={**form, "name": "独居老人"}).status_code == 302
    assert "独居老人" in tags(place)


def test_another_person_never_saves_what_somebody_typed(place):
    browser = place.browser("staff.upper")
    form = browser.form(FORM)
    place.clock.forward(minutes=31)
    answer = browser.post(FORM, {**form, "name": "独居老人"})
    other = sign_in_again(browser, answer, "manager.upper")
    assert other.status_code == 302 and "独居老人" not in other.get_data(as_text=True)
    assert "独居老人" not in browser.get("/upper/").get_data(as_text=True)
    assert "独居老人" not in tags(place)


def test_a_page_left_open_by_one_person_is_not_sent_by_the_next(place):
    browser = place.browser("staff.upper")
    form = browser.form(FORM)
    browser.post("/logout")
    sign_in_again(browser, browser.get("/login"), "manager.upper")
    assert browser.client.post(FORM, data={**form, "name": "独居老人"}).status_code == 400
    assert "独居老人" not in tags(place)


def test_who_typed_it_cannot_be_forged(place):
    browser = place.browser("staff.upper")
    form = browser.form(FORM)
    place.clock.forward(minutes=31)
    hidden = hidden_in(browser.post(FORM, {**form, "name": "独居老人"}))
    for forged in ("", "1", hidden["kept_by"] + "x", "WzEsW11d.x"):
        answer = browser.post("/login", {**hidden, "kept_by": forged, "username": "staff.upper", "password": PASSWORD})
        assert answer.status_code == 302


def test_passwords_and_files_are_not_kept_and_the_page_says_so_of_files(place):
    browser = place.browser("staff.upper")
    place.clock.forward(minutes=31)
    typed = {"name": "独居老人", "password": "secret words", "file": (io.BytesIO(b"x"), "名单.xlsx")}
    answer = browser.post(FORM, typed, content_type="multipart/form-data")
    page = answer.get_data(as_text=True)
    assert "名单.xlsx" in page and "secret words" not in page
    assert "名单.xlsx" in sign_in_again(browser, answer).get_data(as_text=True)


def test_a_button_pressed_after_the_limit_is_not_pressed_again_by_itself(place):
    browser = place.browser("staff.upper")
    token = browser.token()
    place.clock.forward(minutes=31)
    answer = browser.client.post("/upper/residents/tags/delete/?id=1", data={"csrf_token": token},
                                 headers={"Referer": "http://localhost/upper/residents/tags/"})
    assert answer.headers["Location"] == "/login?next=/upper/residents/tags/"
    assert tags(place)


def test_our_script_is_told_that_one_is_signed_out(place):
    browser = place.browser("staff.upper")
    place.clock.forward(minutes=31)
    answer = browser.get("/upper/", headers={"X-Requested-With": "fetch"})
    assert (answer.status_code, answer.get_json()) == (401, {"signed_out": True})


def test_a_person_without_any_role_is_told_whom_to_ask(place):
    browser = place.browser("system")
    with place.app.app_context(), session_for(None, "a test prepares", writes=True) as writing:
        create_user(writing, "idle", "无", place.clock(), PASSWORD)
    assert browser.get("/").status_code == 302
    assert place.browser("idle").get("/").status_code == 403

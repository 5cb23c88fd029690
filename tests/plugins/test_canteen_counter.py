"""The counter over HTTP: finding, recording once, undoing, back entries, and what it refuses."""
from __future__ import annotations

import io
import re
import threading
from datetime import date
from decimal import Decimal

import openpyxl
import pytest
import sqlalchemy as sa

from core.accounts.models import User
from core.api import LifeState, Resident
from plugins.canteen.models import Card, Diner, Price
from tests.core.test_statements import statements
from tests.plugins.canteen_people import (
    BY_SCRIPT,
    COUNTER,
    add_diner,
    add_resident,
    find,
    kind_id,
    meals,
    once,
    record,
)


@pytest.mark.parametrize("text", ["秀英", "张秀英", "zxy", "ZXY", "zhangxiu", "ｚｘｙ", "张 秀", "5678", "13812345678",
                                  "0000012345", "0000 012345"])
def test_a_diner_is_found_by_name_pinyin_phone_and_card(place, text):
    number = add_diner(place, "张秀英", phone="13812345678", card="0000012345", allergy="花生过敏")
    add_diner(place, "李建国", phone="13900001111")
    answer = find(place.browser("staff.upper"), text)
    assert answer["names"] == ["张秀英"] and answer["sure"]
    assert f'name="resident" value="{number}"' in answer["html"]
    assert 'tag alarm">花生过敏' in answer["html"] and "78" in answer["html"] and "3栋" in answer["html"]


@pytest.mark.parametrize("text", ["不存在", "%", "_", "\x00", "'; --", "9", "😀"])
def test_what_fits_nobody_finds_nobody(place, text):
    add_diner(place, "张秀英")
    assert find(place.browser("staff.upper"), text)["names"] == []


def test_diners_come_before_residents_and_the_dead_last(place):
    add_diner(place, "张秀丽", state=LifeState.DECEASED, state_on=date(2026, 1, 5))
    add_resident(place, "张秀芳")
    add_diner(place, "张秀英")
    answer = find(place.browser("staff.upper"), "张秀")
    assert answer["names"] == ["张秀英", "张秀芳", "张秀丽"] and not answer["sure"]


def test_a_meal_is_recorded_with_price_way_and_recorder(place):
    number = add_diner(place, "张秀英", usual_way="delivery")
    browser = place.browser("staff.upper")
    answer = record(browser, resident=number)
    assert answer.status_code == 200 and "张秀英" in answer.get_json()["done"]
    assert "data-total>1<" in answer.get_json()["side"]
    (meal,) = meals(place)
    assert (meal["kind"], meal["day"], meal["way"], meal["by"], meal["source"]) == (
        "午餐", date(2026, 11, 23), "delivery", "staff.upper", "counter")
    assert meal["standard"] == meal["paid"] == Decimal("15.00")
    assert "11:42" in find(browser, "张秀英")["html"]


def test_a_meal_is_recorded_with_few_statements(place):
    """Measured in docs/speed.md: each costs a third of a millisecond, whatever it asks."""
    browser, numbers = place.browser("staff.upper"), [add_diner(place, name) for name in ("张秀英", "王桂兰")]
    record(browser, resident=numbers[0])
    with statements(place) as seen:
        assert record(browser, resident=numbers[1]).status_code == 200
    asked = [s for s in seen if not re.match(r"BEGIN|PRAGMA", s)]
    assert len(asked) <= 29, asked
    assert sum("plugin_settings" in s for s in asked) == 1


def test_a_second_meal_is_refused_and_says_who_recorded_the_first_and_when(place):
    number = add_diner(place, "张秀英")
    record(place.browser("manager.upper"), resident=number)
    place.clock.forward(minutes=5)
    answer = record(place.browser("staff.upper"), resident=number)
    assert answer.status_code == 422
    assert "manager.upper" in answer.get_json()["refused"] and "11:42" in answer.get_json()["refused"]
    assert len(meals(place)) == 1


def test_the_same_key_sent_twice_records_one_guest(place):
    browser, key = place.browser("staff.upper"), once()
    answers = [record(browser, guest=1, once=key) for _click in range(2)]
    assert [a.status_code for a in answers] == [200, 200]
    assert [m["name"] for m in meals(place)] == [None]
    record(browser, guest=1)
    assert len(meals(place)) == 2


def test_two_counters_at_the_same_moment_record_one_meal(place):
    number = add_resident(place, "张秀英")  # not a diner yet: both would make one too
    browsers = [place.browser("staff.upper"), place.browser("manager.upper")]
    tokens, start, answers = [b.token() for b in browsers], threading.Barrier(2), []

    def send(browser, token):
        start.wait()
        answers.append(browser.client.post(
            COUNTER + "record/", data={"resident": number, "once": once(), "csrf_token": token}, headers=BY_SCRIPT))

    threads = [threading.Thread(target=send, args=pair) for pair in zip(browsers, tokens, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(a.status_code for a in answers) == [200, 422], [a.get_json() for a in answers]
    refused = next(a.get_json()["refused"] for a in answers if a.status_code == 422)
    assert "upper" in refused and "11:42" in refused
    assert len(meals(place)) == 1
    with place.app.app_context(), place.session("upper") as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Diner)) == 1


def test_a_resident_eats_for_the_first_time_in_one_go(place):
    number, browser = add_resident(place, "单桂兰"), place.browser("staff.upper")
    assert "首次" in find(browser, "sgl")["html"] or "first" in find(browser, "sgl")["html"]
    assert record(browser, resident=number).status_code == 200
    assert [m["name"] for m in meals(place)] == ["单桂兰"]


def test_somebody_new_is_added_and_eats_in_one_go(place):
    answer = record(place.browser("staff.upper"), name="周文斌", phone="139 1234 5678", birth_date="1950-01-31",
                    building="5栋")
    assert answer.status_code == 200
    assert [m["name"] for m in meals(place)] == ["周文斌"]
    with place.app.app_context(), place.session("upper") as session:
        resident = session.scalar(sa.select(Resident))
        assert (resident.birth_date, resident.building, resident.phones[0].number) == (
            date(1950, 1, 31), "5栋", "13912345678")


@pytest.mark.parametrize(("values", "field"), [
    ({"name": " "}, "name"), ({"name": "周*斌"}, "name"), ({"name": "周文斌", "phone": "12"}, "phone"),
    ({"name": "周文斌", "birth_date": "2027-01-01"}, "birth_date"),
    ({"name": "周文斌", "birth_date": "很久以前"}, "birth_date"),
])
def test_a_wrong_entry_for_somebody_new_is_refused_at_its_field(place, values, field):
    answer = record(place.browser("staff.upper"), **values)
    assert answer.status_code == 422 and answer.get_json()["field"] == field
    assert meals(place) == []
    with place.app.app_context(), place.session("upper") as session:
        assert session.scalar(sa.select(Resident)) is None


def test_a_name_that_is_known_is_asked_about_before_a_second_record_is_made(place):
    add_diner(place, "张秀英")
    browser = place.browser("staff.upper")
    assert record(browser, name="张秀英").get_json()["question"] == "same_name"
    assert meals(place) == []
    assert record(browser, name="张秀英", confirmed="same_name").status_code == 200


def test_a_lost_card_is_not_a_card_but_may_be_confirmed(place):
    number = add_diner(place, "张秀英", card="0000012345", ended=date(2026, 11, 1))
    browser = place.browser("staff.upper")
    answer = find(browser, "0000012345")
    card = re.search(r'name="card" value="(\d+)"', answer["html"]).group(1)
    asked = record(browser, resident=number, card=card)
    assert asked.status_code == 409 and "2026-11-01" in asked.get_json()["text"]
    assert meals(place) == []
    assert record(browser, resident=number, card=card, confirmed="lost_card").status_code == 200


def test_outside_the_hours_the_counter_asks_and_a_yes_records(place):
    number = add_diner(place, "张秀英")
    place.clock.forward(hours=2)
    browser = place.browser("staff.upper")
    asked = record(browser, resident=number, kind=kind_id(place, "午餐"))
    assert (asked.status_code, asked.get_json()["question"]) == (409, "hours")
    assert "10:30–13:00" in asked.get_json()["text"] and meals(place) == []
    assert record(browser, resident=number, kind=kind_id(place, "午餐"), confirmed="hours").status_code == 200


def test_somebody_who_moved_away_needs_a_reason_that_is_kept(place):
    number = add_diner(place, "张秀英", state=LifeState.MOVED, state_on=date(2026, 10, 1))
    browser = place.browser("staff.upper")
    assert record(browser, resident=number).get_json() | {"text": ""} == {
        "question": "moved", "reason": True, "text": ""}
    assert record(browser, resident=number, confirmed="moved", reason=" ").status_code == 409
    record(browser, resident=number, confirmed="moved", reason="回来探亲")
    assert meals(place)[0]["reason"] == "回来探亲"


def test_nobody_dead_is_recorded(place):
    number = add_diner(place, "张秀英", state=LifeState.DECEASED, state_on=date(2026, 1, 5))
    answer = record(place.browser("staff.upper"), resident=number, confirmed="moved", reason="回来")
    assert answer.status_code == 422 and "2026-01-05" in answer.get_json()["refused"] and meals(place) == []


def test_without_a_price_the_counter_says_so_and_links_to_the_prices(place):
    number = add_diner(place, "张秀英")
    with place.app.app_context(), place.session("upper", writes=True) as session:
        for price in session.scalars(sa.select(Price)):
            session.delete(price)
    browser = place.browser("staff.upper")
    answer = record(browser, resident=number)
    assert answer.status_code == 422 and answer.get_json()["link"] == "/upper/canteen/prices/new/"
    assert "/upper/canteen/prices/new/" in browser.get(COUNTER).get_data(as_text=True)


def test_undo_voids_the_meal_with_its_reason_and_it_can_be_recorded_again(place):
    number, browser = add_diner(place, "张秀英"), place.browser("staff.upper")
    record(browser, resident=number)
    meal = meals(place)[0]["id"]
    answer = browser.post(COUNTER + "undo/", {"meal": meal}, headers=BY_SCRIPT)
    assert answer.status_code == 200 and "data-total>0<" in answer.get_json()["side"]
    assert [(m["void_reason"], m["voided_by"]) for m in meals(place, voided=True)] == [("撤销", "staff.upper")]
    assert record(browser, resident=number).status_code == 200
    assert browser.post(COUNTER + "undo/", {"meal": meal}, headers=BY_SCRIPT).status_code == 422


def test_only_what_one_recorded_oneself_today_can_be_undone_at_the_counter(place):
    number = add_diner(place, "张秀英")
    record(place.browser("manager.upper"), resident=number)
    meal = meals(place)[0]["id"]
    assert place.browser("staff.upper").post(COUNTER + "undo/", {"meal": meal}, headers=BY_SCRIPT).status_code == 422
    place.clock.forward(days=1)
    late = place.browser("manager.upper").post(COUNTER + "undo/", {"meal": meal}, headers=BY_SCRIPT)
    assert late.status_code == 422 and len(meals(place)) == 1


def test_a_namesake_at_the_other_counter_cannot_undo_it(place):
    with place.app.app_context(), place.session(None, writes=True) as session:
        for user in session.scalars(sa.select(User).where(User.username.in_(("manager.upper", "staff.upper")))):
            user.name = "王敏"
    record(place.browser("manager.upper"), resident=add_diner(place, "张秀英"))
    namesake = place.browser("staff.upper")
    answer = namesake.post(COUNTER + "undo/", {"meal": meals(place)[0]["id"]}, headers=BY_SCRIPT)
    assert answer.status_code == 422 and len(meals(place)) == 1


def test_a_paper_list_is_entered_afterwards_with_one_reason(place):
    numbers = [add_diner(place, name) for name in ("张秀英", "李建国")]
    browser, lunch = place.browser("staff.upper"), kind_id(place, "午餐")
    listed = {"back": 1, "day": "2026-11-22", "kind": lunch, "back_reason": "停电"}
    for number in numbers:
        assert record(browser, resident=number, **listed).status_code == 200
    entered = [(m["day"], m["source"], m["reason"]) for m in meals(place)]
    assert entered == [(date(2026, 11, 22), "back_entry", "停电")] * 2
    page = browser.get(COUNTER + "back/?day=2026-11-22&back_reason=x&kind=" + str(lunch)).get_data(as_text=True)
    assert 'id="who"' in page and "data-total>2<" in page


@pytest.mark.parametrize("values", [
    {"day": "2026-11-24", "back_reason": "停电"}, {"day": "2026-11-22", "back_reason": ""},
])
def test_a_back_entry_of_the_future_or_without_a_reason_is_refused(place, values):
    number = add_diner(place, "张秀英")
    answer = record(place.browser("staff.upper"), resident=number, back=1, kind=kind_id(place, "午餐"), **values)
    assert answer.status_code == 422 and answer.get_json()["refused"] and meals(place) == []


def test_an_answer_to_somebody_signed_out_is_401(place):
    browser = place.browser()
    assert browser.get(COUNTER + "find/?q=x", headers=BY_SCRIPT).status_code == 401
    assert record(browser, guest=1).get_json() == {"signed_out": True}


def test_without_a_script_the_counter_is_a_search_with_a_form_for_each_match(place):
    add_diner(place, "张秀英")
    browser = place.browser("staff.upper")
    page = browser.get(COUNTER + "?q=zxy").get_data(as_text=True)
    form = re.search(r'<form class="match.*?</form>', page, re.S).group(0)
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    answer = browser.client.post(COUNTER + "record/", data=hidden)
    assert answer.status_code == 302 and len(meals(place)) == 1
    assert browser.client.post(COUNTER + "record/", data=hidden).status_code == 302
    assert len(meals(place)) == 1
    assert "张秀英" in browser.get(answer.location).get_data(as_text=True)


def test_without_a_script_a_question_is_a_page_that_keeps_everything(place):
    number = add_diner(place, "张秀英")
    place.clock.forward(hours=10)
    browser = place.browser("staff.upper")
    page = browser.post(COUNTER + "record/", {"resident": number, "once": once()}).get_data(as_text=True)
    form = re.search(r'<form class="card form narrow".*?</form>', page, re.S).group(0)
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    assert browser.client.post(COUNTER + "record/", data=hidden).status_code == 302
    assert len(meals(place)) == 1


@pytest.mark.parametrize("user", ["street", "auditor", "system"])
def test_the_counter_is_for_those_who_may_record(place, user):
    assert place.browser(user).get("/upper/canteen/counter/").status_code == 403
    assert place.browser(user).get("/street/canteen/counter/").status_code == 404


def test_another_communitys_resident_and_meal_are_unknown(place):
    number = add_diner(place, "张秀英")
    browser = place.browser("staff.lower")
    answer = browser.post("/lower/canteen/counter/record/", {"resident": number, "once": once()}, headers=BY_SCRIPT)
    assert answer.status_code == 422 and meals(place) == []
    assert browser.get("/lower/canteen/counter/find/?q=zxy", headers=BY_SCRIPT).get_json()["total"] == 0


@pytest.mark.parametrize("values", [
    {"resident": "x"}, {"resident": "9" * 30}, {"guest": "1", "once": "short"}, {"guest": "1", "kind": "x", "way": "x"},
    {"resident": "-1"}, {"meal": "x"}, {"name": "张" * 40}, {"guest": "1", "back": "1", "day": "2026-02-30"},
])
def test_nonsense_gets_an_answer_in_words(place, values):
    browser = place.browser("staff.upper")
    assert record(browser, **values).status_code in (200, 422)
    assert browser.post(COUNTER + "undo/", values, headers=BY_SCRIPT).status_code == 422


def test_the_street_reads_meals_over_its_communities_with_masked_names(place):
    record(place.browser("staff.upper"), resident=add_diner(place, "张秀英"))
    page = place.browser("street").get("/street/canteen/meals/").get_data(as_text=True)
    assert "上游社区" in page and "张**" in page and "张秀英" not in page


def test_a_card_is_handed_out_lost_and_replaced_with_dates(place):
    add_diner(place, "张秀英")
    browser, url = place.browser("staff.upper"), "/upper/canteen/diners/card/?id=1&do="

    def send(do: str, **values: str) -> set[int]:
        form = {**browser.form(url + do), "day": "2026-11-20", **values}
        return {browser.post(url + do, form).status_code for _click in range(2)}  # a double click is one card

    assert send("issue", number="0000012345", day="2026-11-01") == {302}
    assert send("lose", day="2026-12-01", reason="遗失") == {422}
    assert send("replace", number="99999", reason="遗失") == {302}
    with place.app.app_context(), place.session("upper") as session:
        assert [(c.number, c.issued_on, c.ended_on) for c in session.scalars(sa.select(Card).order_by(Card.id))] == [
            ("0000012345", date(2026, 11, 1), date(2026, 11, 20)), ("99999", date(2026, 11, 20), None)]
    page = browser.get("/upper/canteen/diners/details/?id=1").get_data(as_text=True)
    assert "2026-11-20" in page and "0000012345" in page
    assert "99999" in browser.get("/upper/canteen/diners/").get_data(as_text=True)
    assert browser.get(url + "eat").status_code == 404


def test_hours_that_overlap_another_meal_are_refused(place):
    browser, url = place.browser("staff.upper"), "/upper/canteen/kinds/new/"
    for opens, closes in (("12:00", "14:00"), ("20:00", "19:00")):
        answer = browser.post(url, {**browser.form(url), "name": "点心", "opens": opens, "closes": closes})
        assert answer.status_code == 422
    answer = browser.post(url, {**browser.form(url), "name": "点心", "opens": "14:00", "closes": "15:00"})
    assert answer.status_code == 302


def test_the_days_sheet_and_the_months_list_add_up_on_paper_and_in_excel(place):
    browser = place.browser("staff.upper")
    for name in ("张秀英", "李建国"):
        record(browser, resident=add_diner(place, name))
    record(browser, guest=1, way="take_away")
    paper = browser.get("/upper/canteen/day/print/").get_data(as_text=True)
    assert "张秀英" in paper and "45.00" in paper
    month = browser.get("/upper/canteen/month/").get_data(as_text=True)
    assert "李建国" in month and "45.00" in month
    for url in ("/upper/canteen/day/excel/?way=take_away", "/upper/canteen/month/excel/?month=2026-11"):
        book = openpyxl.load_workbook(io.BytesIO(browser.post(url).data))
        last = [cell.value for cell in list(book.active.rows)[-1]]
        assert (15 if "day" in url else 45) in last
        book.close()
    assert "张秀英" not in place.browser("auditor").get("/upper/canteen/day/print/").get_data(as_text=True)


def test_the_key_of_another_form_records_no_meal(place):
    staff, key = place.browser("staff.upper"), once()
    staff.post("/upper/residents/people/new/", {"once": key, "name": "王秀英", "sex": "female", "state": "alive"})
    answer = staff.post(f"{COUNTER}record/", {"once": key, "guest": "1"}, headers=BY_SCRIPT)
    assert answer.status_code == 422 and meals(place) == []


def test_a_kind_of_meal_that_is_gone_is_not_replaced_by_another(place):
    data = {"once": once(), "guest": "1", "kind": "999999"}
    assert place.browser("staff.upper").post(f"{COUNTER}record/", data, headers=BY_SCRIPT).status_code == 422
    assert meals(place) == []


def test_a_reason_keeps_nothing_invisible(place):
    data = {"once": once(), "guest": "1", "kind": kind_id(place, "午餐"), "back": "1", "day": "2026-11-20",
            "back_reason": "停\x00电"}
    assert place.browser("staff.upper").post(f"{COUNTER}record/", data, headers=BY_SCRIPT).status_code == 200
    assert meals(place)[0]["reason"] == "停 电"

"""What one base class gives every screen, seen through the browser (docs/screen.md)."""
from __future__ import annotations

import csv
import io
import re
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from wtforms.widgets import html_params

from core.admin.forms import attributes
from core.admin.query import PAGE_SIZES, day, whole
from core.audit.models import AuditEntry, Deed
from core.extensions import db
from core.residents.models import Resident, TagKind
from core.residents.service import set_name
from core.testing.records import make
from plugins.canteen.models import Diner, Meal, MealKind

TAGS = "/upper/residents/tags/"
PEOPLE = "/upper/residents/people/"
NUMBER = "990000195103040011"


@pytest.fixture
def keeper(place: Any) -> Any:
    """A browser of somebody who keeps the records of `upper`."""
    return place.browser("manager.upper")


def add(place: Any, model: type, slug: str = "upper", **values: Any) -> int:
    """A record; its id."""
    with place.app.app_context(), place.session(slug, writes=True) as writing:
        return make(writing, model, {}, **values).id


def person(place: Any, name: str, **values: Any) -> int:
    """A resident of this name; the id."""
    with place.app.app_context(), place.session("upper", writes=True) as writing:
        resident = make(writing, Resident, {})
        set_name(resident, name)
        for key, value in values.items():
            setattr(resident, key, value)
        return resident.id


def stored(place: Any, model: type, number: int, slug: str = "upper") -> Any:
    """The record as it stands in the database."""
    with place.app.app_context(), place.session(slug) as reading:
        record = reading.get(model, number)
        reading.expunge_all()
        return record


def deeds(place: Any, deed: Deed) -> list[AuditEntry]:
    """The audit trail of one deed in `upper`."""
    with place.app.app_context(), place.session("upper") as reading:
        found = reading.scalars(sa.select(AuditEntry).where(AuditEntry.deed == deed).order_by(AuditEntry.id)).all()
        reading.expunge_all()
        return list(found)


def test_a_stale_form_shows_both_values_and_overwrites_nothing(place: Any, keeper: Any) -> None:
    number = add(place, TagKind, name="原名", note="原注")
    url = f"{TAGS}edit/?id={number}"
    mine, theirs = keeper.form(url), keeper.form(url)
    assert keeper.post(url, {**theirs, "name": "他改的"}).status_code == 302
    answer = keeper.post(url, {**mine, "name": "我改的"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "他改的" in page and "我改的" in page
    assert stored(place, TagKind, number).name == "他改的"
    again = re.search(r'name="row_version" value="(\d+)"', page).group(1)
    assert keeper.post(url, {**mine, "name": "我改的", "row_version": again}).status_code == 302
    assert stored(place, TagKind, number).name == "我改的"


def test_a_double_click_makes_one_record(place: Any, keeper: Any) -> None:
    form = {**keeper.form(f"{TAGS}new/"), "name": "只有一个"}
    assert [keeper.post(f"{TAGS}new/", form).status_code for _click in range(2)] == [302, 302]
    with place.app.app_context(), place.session("upper") as reading:
        assert len(reading.scalars(sa.select(TagKind).where(TagKind.name == "只有一个")).all()) == 1


def test_a_form_with_errors_keeps_what_was_typed_and_its_key(place: Any, keeper: Any) -> None:
    form = {**keeper.form(f"{TAGS}new/"), "name": "", "note": "写好的备注"}
    answer = keeper.post(f"{TAGS}new/", form)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "写好的备注" in page and form["once"] in page


def test_delete_restore_and_the_recycle_bin(place: Any, keeper: Any) -> None:
    number = add(place, TagKind, name="可删除的")
    keeper.post(f"{TAGS}delete/?id={number}")
    assert str(number) not in names(keeper, TAGS)
    assert f"restore/?id={number}" in listed(keeper, f"{TAGS}?bin=1")
    assert keeper.get(f"{TAGS}edit/?id={number}").status_code == 404
    keeper.post(f"{TAGS}restore/?id={number}")
    assert str(number) in names(keeper, TAGS)
    assert [d.deed for d in deeds(place, Deed.RESTORED)] == [Deed.RESTORED]


def test_bulk_delete_takes_all_or_none(place: Any, keeper: Any) -> None:
    numbers = [add(place, TagKind, name=f"批量{n}") for n in range(3)]
    keeper.post(f"{TAGS}action/", {"action": "delete", "rowid": [*numbers, 999999], "sure": 1})
    asked = keeper.post(f"{TAGS}action/", {"action": "delete", "rowid": numbers}).get_data(as_text=True)
    assert all(f"批量{n}" in asked for n in range(3))
    assert all(stored(place, TagKind, n).deleted_at is None for n in numbers)
    keeper.post(f"{TAGS}action/", {"action": "delete", "rowid": numbers, "sure": 1})
    assert all(stored(place, TagKind, n).deleted_at for n in numbers)


def test_an_entry_is_voided_with_a_reason_and_never_edited(place: Any, keeper: Any) -> None:
    number = add(place, Meal)
    meals = "/upper/canteen/meals/"
    assert keeper.get(f"{meals}edit/?id={number}").status_code == 404
    keeper.post(f"{meals}void/?id={number}", {"reason": " "})
    assert stored(place, Meal, number).voided_at is None
    keeper.post(f"{meals}void/?id={number}", {"reason": "重复记录"})
    assert stored(place, Meal, number).void_reason == "重复记录"
    assert [(d.record_id, d.reason) for d in deeds(place, Deed.VOIDED)] == [(number, "重复记录")]
    assert f"id={number}" not in listed(keeper, meals)
    assert f"id={number}" in listed(keeper, f"{meals}?voided=yes")


def test_a_private_value_is_shown_one_at_a_time_with_a_reason(place: Any, keeper: Any) -> None:
    allergy, diet = "对花生过敏得厉害", "要软烂少盐的"
    number = add(place, Diner, allergy=allergy, diet_note=diet)
    details = keeper.get(f"/upper/canteen/diners/details/?id={number}").get_data(as_text=True)
    assert allergy not in details and diet not in details
    urls = [u.replace("&amp;", "&") for u in re.findall(r'formaction="([^"]+reveal[^"]+)"', details)]
    url = next(u for u in urls if "allergy" in u)
    refused = keeper.post(url, {"reason": ""}, follow_redirects=True)
    assert allergy not in refused.get_data(as_text=True)
    assert deeds(place, Deed.REVEALED) == []
    shown = keeper.post(url, {"reason": "准备午餐"}).get_data(as_text=True)
    assert allergy in shown and diet not in shown
    (entry,) = deeds(place, Deed.REVEALED)
    assert (entry.record_id, entry.reason, entry.username) == (number, "准备午餐", "manager.upper")
    assert allergy not in str(entry.changes)
    assert keeper.get(url).status_code == 405


@pytest.mark.parametrize("username", ["street", "auditor"])
def test_names_are_masked_for_those_who_only_oversee(place: Any, username: str) -> None:
    person(place, "王小明")
    page = listed(place.browser(username), "/street/residents/people/")
    assert "王小明" not in page and "王" in page


def test_a_search_finds_by_name_and_pinyin_for_record_keepers_only(place: Any, keeper: Any) -> None:
    person(place, "单雄信")
    for text in ("雄", "shan", "sxx"):
        assert "单雄信" in listed(keeper, f"{PEOPLE}?search={quote(text)}")
    assert "单雄信" not in listed(keeper, f"{PEOPLE}?search=zzz")
    assert 'name="search"' in listed(keeper, PEOPLE)
    assert 'name="search"' not in listed(place.browser("street"), "/street/residents/people/")


def test_an_export_is_masked_neutral_logged_and_named_in_chinese(place: Any, keeper: Any) -> None:
    person(place, "王小明", compound="=1+1", identity_number=NUMBER)
    answer = keeper.post(f"{PEOPLE}export/csv/")
    text = answer.get_data().decode("utf-8-sig")
    row = next(r for r in csv.reader(io.StringIO(text)) if "王小明" in r)
    assert answer.get_data().startswith(b"\xef\xbb\xbf")
    assert NUMBER not in text
    assert [cell[0] for cell in row if "=1+1" in cell] == ["'"]
    assert f"filename*=UTF-8''{quote('上游社区')}" in answer.headers["Content-Disposition"]
    (entry,) = deeds(place, Deed.EXPORTED)
    assert (entry.table_name, entry.username, entry.changes) == ("resident", "manager.upper", {"rows": 1})
    assert "王小明" not in place.browser("street").post("/upper/residents/people/export/csv/").get_data(as_text=True)


def test_an_export_holds_what_the_filter_shows(place: Any, keeper: Any) -> None:
    person(place, "王小明")
    person(place, "李大山")
    text = keeper.post(f"{PEOPLE}export/csv/?search={quote('李')}").get_data(as_text=True)
    assert "李大山" in text and "王小明" not in text


def test_an_export_is_no_link(keeper: Any) -> None:
    assert keeper.get(f"{PEOPLE}export/csv/").status_code == 405
    assert keeper.post(f"{PEOPLE}export/exe/").status_code == 404


def test_money_has_two_places_and_texts_no_invisible_characters(place: Any, keeper: Any) -> None:
    form = keeper.form(f"{TAGS}new/")
    for name in ("坏\x01字符", "长" * 21):
        assert keeper.post(f"{TAGS}new/", {**form, "name": name}).status_code == 422


@pytest.mark.parametrize("text", [None, "", "x", "-1", "1.5", "１", "9" * 13, "٣"])
def test_what_is_no_number_is_the_default(text: str | None) -> None:
    assert whole(text, 1, 100, 20) == 20


def test_numbers_are_clamped_and_days_are_days() -> None:
    assert [whole("0", 1, 100, 20), whole("5000", 1, 100, 20), whole("7", 1, 100, 20)] == [1, 100, 7]
    assert [day("2026-13-01"), day("x"), day(None), day("２０２６-01-01")] == [None] * 4
    assert str(day("2026-01-31")) == "2026-01-31"


def test_page_size_and_sort_are_taken_from_the_offer(place: Any, keeper: Any) -> None:
    for n in range(12):
        add(place, TagKind, name=f"页{n:02}")
    assert rows(keeper, f"{TAGS}?size=10") == 10
    assert rows(keeper, f"{TAGS}?size=100") == rows(keeper, f"{TAGS}?size=100&page=1") > 20 == PAGE_SIZES[1]
    assert rows(keeper, f"{TAGS}?size=99999") == rows(keeper, f"{TAGS}?size=100")
    for wrong in ("size=7", "size=-1", "sort=nothing", "sort=deleted_at"):
        assert rows(keeper, f"{TAGS}?{wrong}") == 20
    upward = names(keeper, f"{TAGS}?size=100&sort=name")
    assert upward != names(keeper, f"{TAGS}?size=100&sort=name&desc=1")
    assert len(upward) == len(set(upward))


def test_a_list_needs_few_statements(place: Any, keeper: Any) -> None:
    """Whatever it shows: the gate's, then settings, count, ids, rows and one for each drop-down filter."""
    for _n in range(8):
        add(place, Meal)
    figures = {}
    for url in (TAGS, PEOPLE, "/upper/canteen/diners/", "/upper/canteen/meals/?voided=all"):
        keeper.get(url)
        figures[url] = statements(place, lambda url=url: keeper.get(url))
    gate = statements(place, lambda: keeper.get("/upper/residents/people/details/?id=0"))
    assert gate <= 7
    assert {url: n - gate for url, n in figures.items() if n - gate > 5} == {}


def statements(place: Any, work: Any) -> int:
    """How many SELECTs it takes."""
    seen: list[str] = []

    def note(*args: Any) -> None:
        if args[2].lstrip().startswith("SELECT"):
            seen.append(args[2])

    with place.app.app_context():
        engine = db.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    assert work().status_code in (200, 404)
    sa.event.remove(engine, "before_cursor_execute", note)
    return len(seen)


def listed(browser: Any, url: str) -> str:
    answer = browser.get(url)
    assert answer.status_code == 200, url
    return answer.get_data(as_text=True)


def rows(browser: Any, url: str) -> int:
    return listed(browser, url).count('name="rowid"')


def names(browser: Any, url: str) -> list[str]:
    return re.findall(r'name="rowid" value="(\d+)"', listed(browser, url))


def test_a_refusal_that_names_no_field_stands_above_the_form(place: Any) -> None:
    manager = place.browser("manager.upper")
    values = manager.form("/upper/canteen/kinds/new/") | {"name": "午餐", "opens": "10:30", "closes": "13:00"}
    answer = manager.post("/upper/canteen/kinds/new/", values)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.get_data(as_text=True)


@pytest.mark.parametrize("typed", ["sNaN", "NaN", "Infinity", "-Infinity", "1E+30", "1E+999999", "9" * 5000,
                                   "1e-999999"])
def test_what_is_no_amount_is_refused_at_its_field(place: Any, keeper: Any, typed: str) -> None:
    kind = add(place, MealKind, name="夜宵")
    form = {**keeper.form("/upper/canteen/prices/new/"), "kind": kind, "starts_on": "2026-12-01"}
    assert keeper.post("/upper/canteen/prices/new/", {**form, "amount": typed}).status_code == 422
    assert keeper.post("/upper/canteen/prices/new/", {**form, "amount": "12.50"}).status_code == 302


def test_what_is_no_number_is_answered_with_one_as_an_example(place: Any, keeper: Any) -> None:
    for typed in ("二百", "NaN"):
        refused = keeper.post("/upper/canteen/prices/new/", {
            **keeper.form("/upper/canteen/prices/new/"), "starts_on": "2026-12-01", "amount": typed})
        assert refused.status_code == 422 and "请填写数字，例如 12.50。" in refused.get_data(as_text=True), typed


def test_the_attributes_of_an_input_are_written_as_wtforms_writes_them() -> None:
    for values in (
        {"name": "a", "value": '"><script>', "class_": "x", "data_role": "date", "aria_label": "x & y"},
        {"required": True, "disabled": False, "value": Markup('&lt;"'), "maxlength": 20, "for_": "b", "z": None},
        {"value": _l("Name"), "aria-describedby": "a-hint a-error"},
    ):
        assert attributes(**values) == html_params(**values)

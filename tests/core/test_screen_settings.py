"""What a person sets up for a list, how a list says what is set, and exports of any length."""
from __future__ import annotations

import errno
import re
from pathlib import Path
from typing import IO, Any

import pytest
import sqlalchemy as sa

from core.accounts.models import Role
from core.accounts.screen_settings import ScreenSettings
from core.accounts.service import find_user
from core.admin import export_pages
from core.admin.listing import BulkAction
from core.areas.scope import session_for
from core.audit.models import AuditEntry, Deed, OnceKey
from core.residents.models import Resident, TagKind
from core.residents.service import set_name
from core.testing.place import PASSWORD
from core.testing.records import make
from tests.forms import fields_of

PEOPLE, TAGS = "/upper/residents/people/", "/upper/residents/tags/"


@pytest.fixture
def keeper(place: Any) -> Any:
    """A browser of somebody who keeps the records of `upper`."""
    return place.browser("manager.upper")


@pytest.fixture
def people(place: Any) -> None:
    """王, 李 and 单, added in this order."""
    with place.app.app_context(), place.session("upper", writes=True) as writing:
        for name in ("王小明", "李大山", "单雄信"):
            set_name(make(writing, Resident, {}), name)


def text(answer: Any) -> str:
    return answer.get_data(as_text=True)


def save_filter(browser: Any, asked: str, **form: str) -> Any:
    return browser.post(f"{PEOPLE}filters/?{asked}", form)


def settings(place: Any) -> ScreenSettings:
    with place.app.app_context(), session_for(None, "a test looks") as reading:
        found = reading.scalars(sa.select(ScreenSettings)).one()
        reading.expunge_all()
        return found


def test_columns_belong_to_one_person_and_hold_in_every_community(place: Any, keeper: Any, people: None) -> None:
    keeper.post(f"{PEOPLE}columns/", {"order": ["sex", "name", "age"], "column": ["sex", "name"], "size": "10"})
    assert re.findall(r'<th scope="col"[^>]*>(?:<a [^>]*>)?([^<]+)', text(keeper.get(PEOPLE))) == ["性别", "姓名"]
    assert 'data-label="住址"' in text(place.browser("staff.upper").get(PEOPLE))
    street = place.browser("street")
    street.post("/street/residents/people/columns/", {"order": ["sex"], "column": ["sex"], "size": "10"})
    assert 'data-label="住址"' not in text(street.get("/street/residents/people/"))
    assert settings_count(place) == 2


def settings_count(place: Any) -> int:
    with place.app.app_context(), session_for(None, "a test looks") as reading:
        return reading.scalar(sa.select(sa.func.count()).select_from(ScreenSettings))


def test_a_column_moves_without_script_and_nothing_is_saved_before_save(place: Any, keeper: Any) -> None:
    moved = keeper.post(f"{PEOPLE}columns/", {"order": ["name", "sex", "age"], "column": ["name", "sex"],
                                              "size": "20", "move": "down:name"})
    assert moved.status_code == 200
    assert re.findall(r'name="order" value="([^"]+)"', text(moved))[:2] == ["sex", "name"]
    assert settings_count(place) == 0


def test_no_column_at_all_is_refused_and_the_first_state_comes_back(place: Any, keeper: Any) -> None:
    assert keeper.post(f"{PEOPLE}columns/", {"order": ["name"], "size": "20"}).status_code == 422
    keeper.post(f"{PEOPLE}columns/", {"order": ["name"], "column": ["name"], "size": "50"})
    assert settings(place).columns == ["name"] and settings(place).page_size == 50
    keeper.post(f"{PEOPLE}columns/", {"do": "reset"})
    assert settings(place).columns is None and settings(place).page_size is None


@pytest.mark.parametrize("column", ["search_key", "identity_hash", "community_id", "__class__", "tags.kind", ""])
def test_what_is_no_column_of_the_screen_cannot_be_chosen(place: Any, keeper: Any, column: str) -> None:
    keeper.post(f"{PEOPLE}columns/", {"order": ["name", column], "column": ["name", column], "size": "20"})
    assert settings(place).columns == ["name"]


def test_what_is_set_stands_above_the_list_with_a_way_out_of_each(keeper: Any, people: None) -> None:
    page = text(keeper.get(f"{PEOPLE}?state=alive&search=wang"))
    chips = page.split('class="chips"')[1].split("</div>")[0]
    assert "在住" in chips and "wang" in chips and "共 1 条" in chips
    outs = re.findall(r'<a href="([^"]+)"', chips)
    assert outs == [f"{PEOPLE}?state=alive", f"{PEOPLE}?search=wang"]
    assert 'class="chips"' not in text(keeper.get(PEOPLE))


def test_a_filter_that_is_not_here_says_so(keeper: Any, people: None) -> None:
    assert "（此处没有）" in text(keeper.get(f"{PEOPLE}?tag=nobody"))


def test_a_saved_filter_opens_the_list_and_there_is_a_way_out(place: Any, keeper: Any, people: None) -> None:
    save_filter(keeper, "search=wang", name="姓王", default="new")
    opened = keeper.get(PEOPLE)
    assert opened.status_code == 302 and opened.location.endswith("?search=wang")
    page = text(keeper.get(opened.location))
    assert "王小明" in page and "李大山" not in page and 'aria-current="true">姓王' in page
    (way_out,) = re.findall(r'class="link" href="([^"]+)">清除条件', page)
    assert "李大山" in text(keeper.get(way_out))
    assert "姓王" not in text(place.browser("staff.upper").get(PEOPLE))


def test_a_saved_filter_is_renamed_and_deleted(place: Any, keeper: Any) -> None:
    save_filter(keeper, "search=wang", name="姓王")
    save_filter(keeper, "search=li", name="姓李")
    save_filter(keeper, "", **{"name-0": "王家", "remove-1": "1", "default": "0"})
    assert [f["name"] for f in settings(place).filters] == ["王家"] and settings(place).opens_with == "王家"
    save_filter(keeper, "", **{"remove-0": "1", "default": "0"})
    assert settings(place).filters == [] and settings(place).opens_with is None


@pytest.mark.parametrize("name", ["", " ", "长" * 21, "姓\x00王", "姓王"])
def test_a_name_that_is_none_or_taken_is_refused(place: Any, keeper: Any, name: str) -> None:
    save_filter(keeper, "search=wang", name="姓王")
    assert save_filter(keeper, "search=li", name=name, do="add").status_code == 422
    assert [f["name"] for f in settings(place).filters] == ["姓王"]


def test_a_saved_filter_whose_column_is_gone_says_so(place: Any, keeper: Any, people: None) -> None:
    save_filter(keeper, "state=alive", name="在住的")
    with place.app.app_context(), session_for(None, "a plugin changes", writes=True) as writing:
        kept = writing.scalars(sa.select(ScreenSettings)).one()
        kept.filters = [{"name": "在住的", "query": {"state": "alive", "grade": "3"}}]
    page = text(keeper.get(f"{PEOPLE}?state=alive&grade=3"))
    assert "常用筛选“在住的”中的条件“grade”" in page


def test_two_browsers_at_once_keep_both_filters(place: Any, keeper: Any) -> None:
    other = place.browser("manager.upper")
    keeper.get(f"{PEOPLE}filters/?search=wang")
    save_filter(other, "search=li", name="姓李")
    save_filter(keeper, "search=wang", name="姓王")
    assert [f["name"] for f in settings(place).filters] == ["姓李", "姓王"]


def test_the_order_tells_no_names_to_those_who_see_them_masked(place: Any, keeper: Any, people: None) -> None:
    """By pinyin: 李, 单 (shan), 王; those who see no names get them as they were added, whatever they ask for."""
    keepers = [r for r in re.findall(r"王小明|李大山|单雄信", text(keeper.get(PEOPLE)).split("<tbody>")[1])]
    assert list(dict.fromkeys(keepers)) == ["李大山", "单雄信", "王小明"]
    street = place.browser("street")
    orders = {tuple(re.findall(r"details/\?id=(\d+)|>([王李单])", text(street.get(url)).split("<tbody>")[1]))
              for url in ("/street/residents/people/", "/street/residents/people/?sort=name",
                          "/street/residents/people/?sort=name&desc=1")}
    assert len(orders) == 1 and "sort=name" not in text(street.get("/street/residents/people/"))
    assert [last for _id, last in next(iter(orders))] == ["单", "李", "王"]


def test_a_long_export_shows_how_far_it_is_and_is_for_its_owner_alone(
    place: Any, keeper: Any, people: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_pages, "SOON", 0.0)
    answer = keeper.post(f"{PEOPLE}export/xlsx/")
    if answer.status_code == 302:  # else it was ready at once
        page = keeper.get(answer.location)
        for _look in range(200):
            if "已生成" in text(page):
                break
            page = keeper.get(answer.location)
        assert "已生成" in text(page) and "data-waits" not in text(page) and "Refresh" not in page.headers
        assert keeper.get(f"{answer.location}&file=1").get_data()[:2] == b"PK"
        assert place.browser("staff.upper").get(answer.location).status_code == 404
        assert keeper.get(answer.location.replace("people", "tags")).status_code == 404
    for token in ("x", "../keys", "a" * 100, "", "%00"):
        assert keeper.get(f"{PEOPLE}exported/?job={token}").status_code == 404


def test_who_may_export_no_more_fetches_no_file_that_was_made_before(place: Any) -> None:
    seer, url = place.browser("staff.upper"), f"{PEOPLE}exported/?job=gone"
    assert seer.get(url).status_code == 404
    with place.app.app_context(), session_for(None, "a test takes a right", writes=True) as writing:
        role = Role(area_id=place.ids["street"], name="只看", permissions=["residents.people.view"])
        writing.add(role)
        writing.flush()
        for membership in find_user(writing, "staff.upper").memberships:
            membership.role_id = role.id
    assert seer.get(PEOPLE).status_code == 200 and seer.get(url).status_code == 403


def test_an_export_that_finds_the_disk_full_says_so_and_leaves_no_half_file(
    place: Any, keeper: Any, people: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_half(file: IO[bytes], *_rest: object) -> None:
        file.write(b"PK")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(export_pages, "fill_table", fill_half)
    answer = keeper.post(f"{PEOPLE}export/xlsx/")
    assert answer.status_code == 302
    page = keeper.get(answer.location)
    assert "文件没有生成" in text(page) and "data-waits" not in text(page)
    assert keeper.get(f"{answer.location}&file=1").mimetype == "text/html"
    assert list((Path(place.app.instance_path) / "exports").glob("*.xlsx")) == []


def test_an_export_that_is_too_long_is_refused_with_what_to_do(
    place: Any, keeper: Any, people: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_pages, "MOST_EXPORTED", 2)
    answer = keeper.post(f"{PEOPLE}export/csv/", follow_redirects=True)
    assert "超过 2 条记录" in text(answer)
    with place.app.app_context(), place.session("upper") as reading:
        assert reading.scalar(sa.select(sa.func.count()).where(AuditEntry.deed == Deed.EXPORTED)) == 0


def test_a_plugin_declares_a_bulk_action_in_one_line_and_a_method(
    place: Any, keeper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = next(s for _name, found in place.app.extensions["jinlin_screens"] for s in found
                  if s.endpoint == "residents_tags")

    def bulk_mark(records: list[TagKind], reason: str) -> str:
        for record in records:
            record.note = reason
        return "都写好了"

    monkeypatch.setattr(type(screen), "bulk", (BulkAction("mark", "写备注", "给这 %(count)s 个标签写备注？",
                                                          reason=True, needs="edit"),), raising=False)
    monkeypatch.setattr(type(screen), "bulk_mark", staticmethod(bulk_mark), raising=False)
    with place.app.app_context(), place.session("upper", writes=True) as writing:
        ids = [make(writing, TagKind, {}, name=f"批量{n}").id for n in range(7)]
    asked = text(keeper.post(f"{TAGS}action/", {"action": "mark", "rowid": ids}))
    assert "给这 7 个标签写备注？" in asked and "批量4" in asked and "批量5" not in asked and "另外 2 条" in asked
    sent = {"action": "mark", "rowid": ids, "sure": "1"}
    assert keeper.post(f"{TAGS}action/", sent).status_code == 422  # it wants a reason
    done = keeper.post(f"{TAGS}action/", {**sent, "reason": "春节前"}, follow_redirects=True)
    assert "都写好了" in text(done)
    with place.app.app_context(), place.session("upper") as reading:
        assert {k.note for k in reading.scalars(sa.select(TagKind).where(TagKind.id.in_(ids)))} == {"春节前"}
    assert place.browser("auditor").post(f"{TAGS}action/", sent).status_code == 403


def test_a_deletion_can_be_undone(place: Any, keeper: Any) -> None:
    with place.app.app_context(), place.session("upper", writes=True) as writing:
        ids = [make(writing, TagKind, {}, name=f"撤销{n}").id for n in range(2)]
    page = text(keeper.post(f"{TAGS}action/", {"action": "delete", "rowid": ids, "sure": "1"}, follow_redirects=True))
    (undo,) = re.findall(r'formaction="([^"]+/undo/[^"]+)"', page)
    assert "撤销0" not in page.split("<tbody>")[1]
    page = text(keeper.post(undo.replace("&amp;", "&"), follow_redirects=True))
    assert "撤销0" in page and "撤销1" in page
    assert "无法撤销" in text(keeper.post(undo.replace("&amp;", "&"), follow_redirects=True))


def test_what_was_typed_survives_signing_out_in_another_tab(place: Any, keeper: Any) -> None:
    form = fields_of(text(keeper.get(f"{TAGS}new/"))) | {"name": "写了一半"}
    keeper.post("/logout")
    kept = keeper.client.post(f"{TAGS}new/", data=form)
    assert kept.status_code == 401 and "写了一半" in text(kept)
    login = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', text(kept)))
    resumed = keeper.client.post("/login", data={**login, "username": "manager.upper", "password": PASSWORD})
    assert resumed.status_code == 200 and "写了一半" in text(resumed)
    sent = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', text(resumed)))
    assert keeper.client.post(f"{TAGS}new/", data=sent).status_code == 302


def test_what_was_typed_before_signing_out_is_shown_to_nobody_else(place: Any, keeper: Any) -> None:
    form = fields_of(text(keeper.get(f"{TAGS}new/"))) | {"name": "我的秘密"}
    keeper.post("/logout")
    keeper.sign_in("staff.upper")
    answer = keeper.client.post(f"{TAGS}new/", data=form)
    assert answer.status_code == 400 and "我的秘密" not in text(answer)


def test_wrong_old_passwords_count_as_wrong_attempts(place: Any, keeper: Any) -> None:
    wrong = {"old": "not my password", "password": "a new quiet evening", "again": "a new quiet evening"}
    for _try in range(5):
        keeper.post("/account/password", wrong)
    locked = keeper.post("/account/password", {**wrong, "old": PASSWORD})
    assert "15 分钟" in text(locked)
    assert place.browser().sign_in("manager.upper").status_code == 200  # locked
    place.clock.forward(minutes=16)
    assert keeper.post("/account/password", {**wrong, "old": PASSWORD}).status_code == 302


def test_an_empty_field_is_told_by_its_name(keeper: Any) -> None:
    page = text(keeper.post(f"{TAGS}new/", fields_of(text(keeper.get(f"{TAGS}new/")))))
    assert "请填写标签" in page and "必填" not in page
    page = text(keeper.post("/upper/canteen/prices/new/", fields_of(text(keeper.get("/upper/canteen/prices/new/")))))
    assert "请选择餐次" in page and "请填写标准价" in page


def test_the_keys_of_old_forms_are_swept_away(place: Any, keeper: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.admin.once.SWEPT_EVERY", 1)
    keeper.post(f"{TAGS}new/", fields_of(text(keeper.get(f"{TAGS}new/"))) | {"name": "第一个"})
    place.clock.forward(hours=11)
    keeper.sign_in("manager.upper")
    assert keys(place) == 1
    place.clock.forward(days=8)
    keeper.sign_in("manager.upper")
    keeper.post(f"{TAGS}new/", fields_of(text(keeper.get(f"{TAGS}new/"))) | {"name": "第二个"})
    assert keys(place) == 1


def keys(place: Any) -> int:
    with place.app.app_context(), place.session("upper") as reading:
        return reading.scalar(sa.select(sa.func.count()).select_from(OnceKey))


def test_the_key_of_a_form_makes_no_other_kind_of_record(place: Any, keeper: Any) -> None:
    form = fields_of(text(keeper.get(f"{TAGS}new/"))) | {"name": "一种"}
    keeper.post(f"{TAGS}new/", form)
    other = fields_of(text(keeper.get("/upper/canteen/prices/new/")))
    kind = re.search(r'<option value="(\d+)"', text(keeper.get("/upper/canteen/prices/new/"))).group(1)
    answer = keeper.post("/upper/canteen/prices/new/", other | {
        "once": form["once"], "kind": kind, "starts_on": "2026-12-01", "amount": "9"})
    assert answer.status_code == 422 and "已过期" in text(answer)

"""The roster comes from Excel as offices keep it: looked at first, then let in, the counts adding up."""
from __future__ import annotations

import io
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa

from core.areas.models import Area
from core.areas.scope import session_for
from core.areas.service import switch_off
from core.audit.models import AuditEntry, Deed
from core.exchange.models import BatchState, ImportBatch
from core.residents.identity import demo_identity
from core.residents.models import LifeState, Resident
from core.residents.sex import Sex
from plugins.canteen.models import Diner

HEADER = ["序号", "姓 名", "身份证号码", "性别", "出生日期", "联系电话", "家庭住址", "人员类别", "备注"]
START = "/upper/residents/import/"
WANG = demo_identity(date(1941, 3, 5), Sex.FEMALE, 7)
ZHANG = demo_identity(date(1938, 11, 30), Sex.MALE, 8)


def workbook(
    rows: list[list[Any]], header: list[str] = HEADER, titles: tuple[str, ...] = ("上游社区居民名册",)
) -> bytes:
    """An office's list: a title, a blank row, the header, the rows."""
    book = openpyxl.Workbook()
    sheet = book.active
    for title in titles:
        sheet.append([title])
        sheet.append([])
    sheet.append(header)
    for row in rows:
        sheet.append(row)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def upload(browser: Any, data: bytes, name: str = "名册.xlsx", sheet: str = "residents", start: str = START) -> Any:
    """Send a file as the page does."""
    form = browser.form(start)
    return browser.post(start, {"once": form["once"], "sheet": sheet, "file": (io.BytesIO(data), name)},
                        content_type="multipart/form-data")


def preview(browser: Any, data: bytes, **more: Any) -> tuple[str, str]:
    """(address, page) of the preview."""
    answer = upload(browser, data, **more)
    assert answer.status_code == 302, text(answer)
    return answer.location, text(browser.get(answer.location))


def decide(browser: Any, address: str, action: str = "good", **rows: str) -> str:
    """Decide about an upload; the result page."""
    answers = {f"row-{name[3:]}": value for name, value in rows.items()}
    answer = browser.post(address.replace("/batch/", "/decide/"), {"action": action, **answers})
    assert answer.status_code == 302, text(answer)
    answer = browser.get(answer.location)
    assert answer.status_code == 200
    return text(answer)


def text(answer: Any) -> str:
    """The words of a page."""
    page = answer.get_data(as_text=True)
    page = page[page.find("<main"):page.find("</main>")] if "<main" in page else page
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def counts(place: Any, number: int = 1) -> dict[str, int]:
    """What the batch counted; its rows add up."""
    with place.app.app_context(), place.session("upper") as reading:
        found = reading.get_one(ImportBatch, number).counts
    assert sum(found.values()) == 2 * found["total"], found
    return found


def residents(place: Any) -> dict[str, Resident]:
    """Everybody in the upper community, by name, with phones and tags."""
    with place.app.app_context(), place.session("upper") as reading:
        found = list(reading.scalars(sa.select(Resident).order_by(Resident.id)))
        for resident in found:
            resident.told = ([p.number for p in resident.phones], [t.kind.name for t in resident.tags])
        reading.expunge_all()
    return {resident.name: resident for resident in found}


GOOD = [
    [1, "王 秀英", WANG, "女", datetime(1941, 3, 5), 13855551234.0, "幸福小区3栋2单元301", "独居老人、低保户", "耳背"],
    [2, "张三", ZHANG.lower(), None, None, "138 5555 0000", "幸福小区3-2-302", None, None],
    [3, "李　四", None, "男", "1950年1月2日", "１３８５５５５９９９９", "建设路12号", "无", None],
]


def test_an_office_list_goes_in_whole(place: Any) -> None:
    browser = place.browser("staff.upper")
    tail = [[None] * 9, ["合计", None, None, None, None, "3人"], ["制表人：", "某某"]]
    address, page = preview(browser, workbook(GOOD + tail))
    assert counts(place)["new"] == 3, page
    decide(browser, address)
    assert counts(place) == {"new": 3, "update": 0, "asked": 0, "wrong": 0, "left_out": 0, "skipped": 3, "total": 6}
    people = residents(place)
    assert list(people) == ["王秀英", "张三", "李四"]
    wang, zhang, li = people.values()
    assert (wang.identity_number, wang.sex, wang.birth_date) == (WANG, Sex.FEMALE, date(1941, 3, 5))
    assert (wang.compound, wang.building, wang.unit, wang.room) == ("幸福小区", "3栋", "2单元", "301")
    assert wang.told == (["13855551234"], ["独居", "低保"])
    assert wang.contact_note == "耳背"
    assert (zhang.sex, zhang.birth_date, zhang.identity_number) == (Sex.MALE, date(1938, 11, 30), ZHANG)
    assert (li.birth_date, li.compound, li.building) == (date(1950, 1, 2), "建设路", "12号")
    assert li.told == (["13855559999"], [])


def test_every_wrong_cell_is_told_by_row_column_value_and_reason(place: Any) -> None:
    browser = place.browser("staff.upper")
    rows = [
        GOOD[0],
        [2, "张三", float(ZHANG), "男", None, None, None, None, None],
        [3, "赵五", demo_identity(date(1950, 1, 2), Sex.FEMALE, 3), "男", None, None, None, None, None],
        [4, None, None, "男", "2050-01-01", "1385555", "幸福小区3栋东边301", "神仙", None],
        [5, "钱*", None, "男", None, "138****1234", None, None, None],
    ]
    address, page = preview(browser, workbook(rows))
    assert counts(place)["wrong"] == 4
    for sentence in (
        "第 5 行 身份证号码", "该列请设为文本格式", "第 6 行 性别 男 身份证号码", "第 7 行 姓名 — ",
        "第 7 行 出生日期 2050-01-01", "第 7 行 电话", "第 7 行 标签 神仙 标签字典中没有“神仙”", "第 8 行 姓名 钱*",
        "第 7 行 住址 幸福小区3栋东边301",
    ):
        assert sentence in page, (sentence, page)
    assert "1385555" not in page, "a private value is masked"
    decide(browser, address)
    assert counts(place) == {"new": 1, "update": 0, "asked": 0, "wrong": 4, "left_out": 0, "skipped": 0, "total": 5}
    assert list(residents(place)) == ["王秀英"]


def test_one_wrong_row_keeps_all_out_if_the_person_wants_all_or_none(place: Any) -> None:
    browser = place.browser("staff.upper")
    address, _page = preview(browser, workbook([*GOOD, [4, "钱七", "12345", None, None, None, None, None, None]]))
    page = decide(browser, address, "all")
    assert "没有导入任何一行" in page, page
    assert counts(place) == {"new": 0, "update": 0, "asked": 0, "wrong": 1, "left_out": 3, "skipped": 0, "total": 4}
    assert not residents(place)
    good, _page = preview(browser, workbook(GOOD))
    decide(browser, good, "all")
    assert len(residents(place)) == 3


def test_a_second_upload_updates_and_empty_cells_wipe_nothing(place: Any) -> None:
    browser = place.browser("staff.upper")
    decide(browser, preview(browser, workbook(GOOD))[0])
    again = [
        ["", "王秀英", None, None, "1941/3/5", "0555-1234567", None, "空巢", None],
        ["", "张三", ZHANG, None, None, None, "幸福小区5栋101", None, None],
        ["", "李四", None, None, None, "13855559999", None, None, "敲门要久一点"],
    ]
    address, page = preview(browser, workbook(again))
    assert "王秀英 电话、标签" in page.replace("联系电话", "电话"), page
    decide(browser, address)
    assert counts(place, 2)["update"] == 3
    people = residents(place)
    assert len(people) == 3
    wang, zhang, li = people.values()
    assert (wang.identity_number, wang.contact_note, wang.room) == (WANG, "耳背", "301")
    assert wang.told == (["13855551234", "05551234567"], ["独居", "低保", "空巢"])
    assert (zhang.building, zhang.unit, zhang.room) == ("5栋", None, "101"), "an address in one cell is one value"
    assert (li.contact_note, li.birth_date) == ("敲门要久一点", date(1950, 1, 2))


def test_a_row_with_a_known_name_alone_is_asked_about(place: Any) -> None:
    browser = place.browser("staff.upper")
    decide(browser, preview(browser, workbook(GOOD))[0])
    rows = [["", name, None, None, None, None, "阳光小区", None, None] for name in ("王秀英", "张三", "李四")]
    address, page = preview(browser, workbook(rows))
    assert counts(place, 2)["asked"] == 3 and "请确认是哪一位" in page, page
    people = residents(place)
    page = decide(browser, address, row4=str(people["王秀英"].id), row5="new")
    assert counts(place, 2) == {"new": 1, "update": 1, "asked": 0, "wrong": 0, "left_out": 1, "skipped": 0, "total": 3}
    with place.app.app_context(), place.session("upper") as reading:
        found = reading.execute(sa.select(Resident.name, Resident.compound).order_by(Resident.id)).all()
    assert found == [("王秀英", "阳光小区"), ("张三", "幸福小区"), ("李四", "建设路"), ("张三", "阳光小区")]


def test_an_answer_that_names_somebody_else_is_no_answer(place: Any) -> None:
    browser = place.browser("staff.upper")
    decide(browser, preview(browser, workbook(GOOD))[0])
    address, _page = preview(browser, workbook([["", "王秀英", None, None, None, None, "阳光小区", None, None]]))
    decide(browser, address, row4=str(residents(place)["张三"].id))
    assert counts(place, 2)["left_out"] == 1


@pytest.mark.parametrize("other", [
    [9, "王秀英", WANG.lower(), None, None, None, None, None, None],
    [9, "王秀英", None, None, "1941.3.5", None, None, None, None],
    [9, "王秀英", None, None, None, "0555-1234567、13855551234", None, None, None],
])
def test_the_same_person_twice_in_a_file_is_an_error(place: Any, other: list[Any]) -> None:
    browser = place.browser("staff.upper")
    first = list(GOOD[0])
    _address, page = preview(browser, workbook([first, GOOD[1], other]))
    assert counts(place)["wrong"] == 2 and counts(place)["new"] == 1
    assert "文件第 6 行与本行重复" in page and "第 4 行与本行重复" in page, page


def test_namesakes_with_different_numbers_are_different_people(place: Any) -> None:
    browser = place.browser("staff.upper")
    twin = demo_identity(date(1941, 3, 5), Sex.FEMALE, 9)
    shared = [[1, "王秀英", number, None, None, "13855551234", None, None, None] for number in (WANG, twin)]
    preview(browser, workbook(shared))
    assert counts(place)["new"] == 2


def test_two_rows_that_mean_one_known_resident_are_an_error(place: Any) -> None:
    browser = place.browser("staff.upper")
    decide(browser, preview(browser, workbook(GOOD))[0])
    rows = [["", "王秀英", WANG, None, None, None, None, None, None],
            ["", "王秀英", None, None, None, "13855551234", None, None, None]]
    preview(browser, workbook(rows))
    assert counts(place, 2)["wrong"] == 2


def test_a_second_click_and_a_second_tab_change_nothing(place: Any) -> None:
    browser = place.browser("staff.upper")
    address, _page = preview(browser, workbook(GOOD))
    decide(browser, address)
    decide(browser, address)
    decide(place.browser("manager.upper"), address, "discard")
    assert len(residents(place)) == 3 and counts(place)["new"] == 3
    form = browser.form(START)
    sent = {"once": form["once"], "sheet": "residents"}
    for _click in range(2):
        browser.post(START, {**sent, "file": (io.BytesIO(workbook(GOOD)), "名册.xlsx")},
                     content_type="multipart/form-data")
    with place.app.app_context(), place.session("upper") as reading:
        assert reading.scalar(sa.select(sa.func.count(ImportBatch.id))) == 2


def test_what_changed_since_the_preview_counts(place: Any) -> None:
    browser, other = place.browser("staff.upper"), place.browser("manager.upper")
    first, _page = preview(browser, workbook(GOOD))
    second, _page = preview(other, workbook(GOOD[:2]))
    decide(browser, first)
    decide(other, second)
    assert counts(place, 2)["update"] == 2 and len(residents(place)) == 3


def test_the_own_file_comes_back_with_the_reasons(place: Any) -> None:
    browser = place.browser("staff.upper")
    address, _page = preview(browser, workbook([GOOD[0], [2, "=1+1", None, None, None, "12", None, "神仙", None]]))
    decide(browser, address)
    answer = browser.post(address.replace("/batch/", "/file/"))
    sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).active
    assert sheet.cell(3, 10).value == "错误原因" and sheet.cell(4, 10).value is None
    assert "联系电话" in sheet.cell(5, 10).value or "电话" in sheet.cell(5, 10).value
    assert "神仙" in sheet.cell(5, 10).value
    with place.app.app_context(), place.session("upper") as reading:
        deeds = reading.scalars(sa.select(AuditEntry.deed).where(AuditEntry.table_name == "import_batch")).all()
    assert {Deed.IMPORTED, Deed.EXPORTED} <= set(deeds)


def test_the_upload_is_stored_encrypted_and_not_for_long(place: Any) -> None:
    browser = place.browser("staff.upper")
    data = workbook(GOOD)
    address, _page = preview(browser, data)
    with place.app.app_context(), place.session("upper") as reading:
        batch = reading.get_one(ImportBatch, 1)
        assert batch.file == data and WANG.encode() not in batch.sealed_file + batch.sealed_plan
        assert "秀英".encode() not in batch.sealed_plan
    place.clock.forward(days=8)
    browser = place.browser("staff.upper")
    preview(browser, workbook(GOOD))
    with place.app.app_context(), place.session("upper") as reading:
        batch = reading.get_one(ImportBatch, 1)
        assert (batch.file, batch.plan, batch.state) == (None, {}, BatchState.DISCARDED)
    assert browser.get(address).status_code == 200


def test_a_fetched_file_goes_at_the_next_upload(place: Any) -> None:
    browser = place.browser("staff.upper")
    address, _page = preview(browser, workbook([GOOD[0], [2, "赵", "1", None, None, None, None, None, None]]))
    decide(browser, address)
    browser.post(address.replace("/batch/", "/file/"))
    preview(browser, workbook(GOOD))
    with place.app.app_context(), place.session("upper") as reading:
        assert reading.get_one(ImportBatch, 1).file is None
    answer = browser.post(address.replace("/batch/", "/file/"), follow_redirects=True)
    assert "请重新上传" in text(answer)
    assert "第 4 行" in text(browser.get(address)), "which rows went in stays known"


def test_another_community_does_not_find_the_import(place: Any) -> None:
    address, _page = preview(place.browser("staff.upper"), workbook(GOOD))
    elsewhere = place.browser("staff.lower")
    foreign = address.replace("/upper/", "/lower/")
    assert elsewhere.get(foreign).status_code == 404
    for view in ("decide", "file"):
        assert elsewhere.post(foreign.replace("/batch/", f"/{view}/"), {"action": "good"}).status_code == 404
    assert elsewhere.get(address).status_code == 404
    assert place.browser("staff.upper").get(START + "batch/?id=999").status_code == 404


def test_who_may_not_import_gets_no_page(place: Any) -> None:
    assert place.browser("auditor").get(START).status_code == 403
    assert place.browser("street").get(START).status_code == 403
    assert place.browser("street").get("/street/residents/import/").status_code == 404


@pytest.mark.parametrize(("data", "name", "words"), [
    (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "照片.xlsx", "另存为 .xlsx"),
    (b"%PDF-1.7\n", "名册.pdf", "另存为 .xlsx"),
    (b"", "空.xlsx", "空"),
    (workbook([["张三"]], header=["甲", "乙"], titles=()), "别的.xlsx", "表头"),
    (workbook([[WANG]], header=["性别", "身份证号码"], titles=()), "无名.xlsx", "姓名"),
    (workbook([]), "没有行.xlsx", "没有"),
])
def test_a_wrong_file_is_refused_in_words(place: Any, data: bytes, name: str, words: str) -> None:
    answer = upload(place.browser("staff.upper"), data, name)
    assert answer.status_code == 422 and words in text(answer), text(answer)


def test_no_file_is_asked_for(place: Any) -> None:
    browser = place.browser("staff.upper")
    answer = browser.post(START, {"once": browser.form(START)["once"], "sheet": "residents"},
                          content_type="multipart/form-data")
    assert answer.status_code == 422 and "请先选择文件" in text(answer)


def test_a_file_of_30_mb_is_too_large(place: Any) -> None:
    answer = place.browser("staff.upper").client.post(
        START, data=b"--x", content_type="multipart/form-data; boundary=x",
        environ_overrides={"CONTENT_LENGTH": str(30 * 1024 * 1024)},
    )
    assert answer.status_code == 413 and "10 MB" in text(answer)


def test_the_template_goes_in_as_it_is_filled(place: Any) -> None:
    browser = place.browser("staff.upper")
    book = openpyxl.load_workbook(io.BytesIO(browser.get(START + "template/?sheet=residents").data))
    sheet = book.worksheets[0]
    titles = [cell.value for cell in sheet[3]]
    for title, value in (("姓名*", "王秀英"), ("身份证号码", WANG), ("楼栋", "3"), ("单元", "2"), ("室", "301室"),
                         ("状态", "迁出"), ("迁出/去世日期", "2026-11-01")):
        sheet.cell(4, titles.index(title) + 1, value)
    target = io.BytesIO()
    book.save(target)
    decide(browser, preview(browser, target.getvalue())[0])
    wang = residents(place)["王秀英"]
    assert (wang.building, wang.unit, wang.room) == ("3栋", "2单元", "301")
    assert (wang.state, wang.state_on) == (LifeState.MOVED, date(2026, 11, 1))


def test_discarding_imports_nothing_and_drops_the_file(place: Any) -> None:
    browser = place.browser("staff.upper")
    address, _page = preview(browser, workbook(GOOD))
    decide(browser, address, "discard")
    with place.app.app_context(), place.session("upper") as reading:
        assert reading.get_one(ImportBatch, 1).file is None
    assert not residents(place)


def test_two_tabs_at_the_same_moment_import_once(place: Any) -> None:
    browser = place.browser("staff.upper")
    address, _page = preview(browser, workbook(GOOD))
    tabs = [place.browser("staff.upper"), place.browser("manager.upper")]
    tokens = [tab.token() for tab in tabs]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda tab, token: tab.client.post(
            address.replace("/batch/", "/decide/"), data={"action": "good", "csrf_token": token}), tabs, tokens))
    assert [answer.status_code for answer in answers] == [302, 302]
    assert len(residents(place)) == 3 and counts(place)["new"] == 3


def test_a_resident_in_the_recycle_bin_is_not_updated(place: Any) -> None:
    browser = place.browser("staff.upper")
    decide(browser, preview(browser, workbook(GOOD[:1]))[0])
    browser.post(f"/upper/residents/people/delete/?id={residents(place)['王秀英'].id}")
    preview(browser, workbook(GOOD[:1]))
    assert counts(place, 2)["new"] == 1


def test_the_page_takes_hostile_addresses_and_answers(place: Any) -> None:
    browser = place.browser("staff.upper")
    address, _page = preview(browser, workbook([*GOOD, [4, "<b>钱</b>", "x", None, None, None, None, None, None]]))
    for number in ("", "-1", "1e3", "9" * 30, "１", "1 or 1=1"):
        assert browser.get(START + "batch/", query_string={"id": number}).status_code == 404
    assert "<b>钱" not in browser.get(address).get_data(as_text=True)
    hostile = {"action": "good", "row-": "1", "row-x": "1", "row-4": "new", "row-99999999999999": "new"}
    assert browser.post(address.replace("/batch/", "/decide/"), hostile).status_code == 302
    assert counts(place)["new"] == 3
    sent = {"once": "short", "sheet": "residents", "file": (io.BytesIO(workbook(GOOD)), "a.xlsx")}
    answer = browser.post(START, sent, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert browser.post(START, {"sheet": "no.such"}, content_type="multipart/form-data").status_code == 404


DINERS = ["姓名", "身份证号", "手机", "就餐卡号", "忌口/饮食备注", "过敏", "送餐地址", "就餐方式"]


def diners(place: Any) -> dict[str, tuple[Any, ...]]:
    """Name → (allergy, diet, address, way, card in use, number of cards)."""
    with place.app.app_context(), place.session("upper") as reading:
        return {d.label: (d.allergy, d.diet_note, d.delivery_address, d.usual_way.value, d.card and d.card.number,
                          len(d.cards)) for d in reading.scalars(sa.select(Diner))}


def test_the_diner_roster_makes_residents_diners_and_cards(place: Any) -> None:
    browser = place.browser("staff.upper")
    decide(browser, preview(browser, workbook(GOOD[:1]))[0])
    rows = [["王秀英", WANG, None, 1001.0, "少盐", "花生", None, None],
            ["张三", ZHANG, "13855550000", "A002", None, None, "幸福小区3栋302", "送餐"]]
    address, _page = preview(browser, workbook(rows, DINERS), sheet="canteen.diners")
    decide(browser, address)
    assert counts(place, 2)["new"] == 2, "a known resident is a new diner"
    assert diners(place) == {
        "王秀英": ("花生", "少盐", None, "dine_in", "1001", 1),
        "张三": (None, None, "幸福小区3栋302", "delivery", "A002", 1),
    }
    assert len(residents(place)) == 2
    rows = [["王秀英", WANG, None, "1003", None, None, None, "自取"], ["张三", ZHANG, None, "a002", *[None] * 4]]
    address, page = preview(browser, workbook(rows, DINERS), sheet="canteen.diners")
    decide(browser, address)
    assert counts(place, 3)["update"] == 2
    assert diners(place)["王秀英"] == ("花生", "少盐", None, "take_away", "1003", 2)
    assert diners(place)["张三"][4:] == ("A002", 1)


def test_a_card_of_somebody_else_or_twice_in_the_file_is_an_error(place: Any) -> None:
    browser = place.browser("staff.upper")
    one = [["王秀英", WANG, None, "1001", None, None, None, None]]
    decide(browser, preview(browser, workbook(one, DINERS), sheet="canteen.diners")[0])
    rows = [[name, number, phone, card, *[None] * 4] for name, number, phone, card in (
        ("张三", ZHANG, None, "1001"), ("李四", None, "13855559999", "7777"), ("赵五", None, "13855558888", "7777"),
        ("钱六", None, "13855557777", "##"),
    )]
    _address, page = preview(browser, workbook(rows, DINERS), sheet="canteen.diners")
    assert counts(place, 2)["wrong"] == 4
    assert "1001" in page and "王秀英" in page and "出现多次" in page


def test_switched_off_the_diner_roster_is_not_there(place: Any) -> None:
    browser = place.browser("manager.upper")
    address, _page = preview(browser, workbook([["王秀英", WANG, *[None] * 6]], DINERS), sheet="canteen.diners")
    with place.app.app_context(), session_for(None, "a test switches off", writes=True) as writing:
        switch_off(writing, writing.get_one(Area, place.ids["upper"]), "canteen", date(2026, 11, 23))
    assert "就餐人员名册" not in text(browser.get(START))
    assert browser.get(address).status_code == 404
    assert browser.get(START + "template/?sheet=canteen.diners").status_code == 404


@pytest.mark.parametrize("written", [
    date(1950, 1, 2), datetime(1950, 1, 2), "1950年1月2日", "1950/1/2", "1950.1.2", "1950-01-02", "１９５０．１．２",
    18265, 18265.0, "18265", "19500102", 19500102,
])
def test_a_birth_date_is_read_in_every_way_of_writing(place: Any, written: Any) -> None:
    browser = place.browser("staff.upper")
    decide(browser, preview(browser, workbook([["王秀英", written]], ["姓名", "出生年月日"], ()))[0])
    assert residents(place)["王秀英"].birth_date == date(1950, 1, 2)


def test_columns_stand_in_any_order_under_any_title(place: Any) -> None:
    header = ["手机号码", "老人姓名", "是否本地户籍", "楼栋", "公民身份号码", "房号", "院落", "单元"]
    row = ["13855551234", "王秀英", "本地", "3", WANG, 301.0, "幸福小区", "2"]
    browser = place.browser("staff.upper")
    decide(browser, preview(browser, workbook([row], header, ("一", "二", "三")))[0])
    wang = residents(place)["王秀英"]
    assert (wang.address, wang.registered_here, wang.told[0]) == ("幸福小区 3栋2单元301", True, ["13855551234"])

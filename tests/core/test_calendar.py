"""Which days a community is open: the notice of holidays, make-up workdays, opening days, closures."""
from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa
from flask import session

from core.calendar.holidays import NoticeDay, known_year, read_notice, save_year, written, year_wanted, years_there
from core.calendar.models import Closure, Holiday, OpeningDays
from core.calendar.opening import is_open, open_days, openings
from core.errors import ValidationError

NOTICE_2026 = """国务院办公厅关于2026年
部分节假日安排的通知
国办发明电〔2025〕7号
各省、自治区、直辖市人民政府，国务院各部委、各直属机构：
　　经国务院批准，现将2026年元旦、春节、清明节、劳动节、端午节、中秋节和国庆节放假调休日期的具体安排通知如下。
　　一、元旦：1月1日（周四）至3日（周六）放假调休，共3天。1月4日（周日）上班。
　　二、春节：2月15日（农历腊月二十八、周日）至23日（农历正月初七、周一）放假调休，共9天。2月14日（周六）、2月28日（周六）上班。
　　三、清明节：4月4日（周六）至6日（周一）放假，共3天。
　　四、劳动节：5月1日（周五）至5日（周二）放假调休，共5天。5月9日（周六）上班。
　　五、端午节：6月19日（周五）至21日（周日）放假，共3天。
　　六、中秋节：9月25日（周五）至27日（周日）放假，共3天。
　　七、国庆节：10月1日（周四）至7日（周三）放假调休，共7天。9月20日（周日）、10月10日（周六）上班。
　　节假日期间，各地区、各部门要妥善安排好值班和安全、保卫、疫情防控等工作。
国务院办公厅
2025年11月4日"""


@pytest.fixture
def upper(place):
    with place.app.app_context(), place.session("upper", writes=True) as writing:
        yield writing


def rule(writing, weekdays="12345", *, plugin="", starts_on=date(2020, 1, 1), on_holidays=False, on_workdays=True):
    writing.add(OpeningDays(plugin=plugin, starts_on=starts_on, weekdays=weekdays, on_holidays=on_holidays,
                            on_workdays=on_workdays))
    writing.flush()


def opened(place, reading, day, plugin="canteen"):
    return is_open(reading, place.ids["upper"], plugin, day)


# -- the notice ------------------------------------------------------------------------------------


def test_the_notice_as_it_was_published_is_read_day_by_day(place):
    with place.app.app_context():
        assert read_notice(NOTICE_2026, 2026) == known_year(2026)


def test_what_is_written_out_is_read_again(place):
    with place.app.app_context():
        assert read_notice(written(known_year(2025)), 2025) == known_year(2025)


@pytest.mark.parametrize(("line", "days", "is_off"), [
    ("2027-01-01 元旦 休", 1, True), ("2027-01-01\t元旦\t休", 1, True), ("２０２７年１月１日－３日 元旦 放假", 3, True),
    ("2027/2/6~2027/2/12 春节 休", 7, True), ("1月1日、1月3日 元旦 休", 2, True), ("2027-2-20 春节 班", 1, False),
    ("2027.10.1至2027.10.7 国庆节 休息", 7, True), ("一、元旦：2026年12月31日至1月2日放假，共3天。", 3, True),
])
def test_a_line_may_be_written_in_many_ways(place, line, days, is_off):
    with place.app.app_context():
        found = read_notice(line, 2027)
    assert len(found) == days and {each.is_off for each in found} == {is_off}
    assert found[0].name in ("元旦", "春节", "国庆节")


@pytest.mark.parametrize(("text", "words"), [
    ("2027-02-30 春节 休", "no day"), ("2026-01-01 元旦 休", "does not lie"), ("2027-01-01 元旦", "neither"),
    ("2027-01-04 元旦 班", "workday as it is"), ("nothing", "No day was found"), ("", "No day was found"),
    ("2027-01-09 元旦 休\n2027-01-09 元旦 班", "both"), ("2027-01-09至2027-01-01 元旦 休", "no range"),
    ("2027-01-01至2027-12-31 元旦 休", "no range"),
])
def test_a_wrong_line_is_named_and_nothing_is_taken(place, text, words):
    with place.app.test_request_context():
        session["language"] = "en"
        with pytest.raises(ValidationError) as refused:
            read_notice(text, 2027)
        assert words in str(refused.value)


def test_the_table_begins_with_what_the_program_knows(place, upper):
    there = years_there(upper)
    assert {2021, 2022, 2023, 2024, 2025, 2026} <= set(there)
    saturday = upper.scalar(sa.select(Holiday).where(Holiday.day == date(2026, 10, 10)))
    assert not saturday.is_off and saturday.name == "国庆节"


@pytest.mark.parametrize(("today", "wanted"), [
    (date(2026, 9, 30), None), (date(2026, 10, 1), 2027), (date(2026, 12, 31), 2027), (date(2027, 3, 1), 2027),
])
def test_the_next_year_is_asked_for_from_october_on(place, upper, today, wanted):
    assert year_wanted(upper, today) == wanted


def test_a_year_that_was_entered_is_not_asked_for(place, upper):
    save_year(upper, 2027, [NoticeDay(date(2027, 10, 1), "国庆节", True)])
    assert year_wanted(upper, date(2026, 11, 1)) is None


def test_entering_a_year_again_replaces_it(place, upper):
    for names in ("元旦", "春节"):
        save_year(upper, 2027, [NoticeDay(date(2026, 12, 31), names, True), NoticeDay(date(2027, 1, 1), names, True)])
    found = upper.scalars(sa.select(Holiday.name).where(Holiday.day >= date(2026, 12, 31))).all()
    assert found == ["春节", "春节"]


# -- open or not -----------------------------------------------------------------------------------


@pytest.mark.parametrize("day", [date(2026, 10, 1), date(2026, 11, 21), date(2026, 11, 23), date(2027, 2, 6)])
def test_without_a_rule_every_day_is_open(place, upper, day):
    assert opened(place, upper, day)


@pytest.mark.parametrize(("day", "is_open_then", "why"), [
    (date(2026, 10, 9), True, "a Friday"), (date(2026, 10, 10), True, "a Saturday that is a workday"),
    (date(2026, 10, 11), False, "a Sunday"), (date(2026, 10, 1), False, "National Day"),
    (date(2026, 9, 20), True, "a Sunday that is a workday"), (date(2026, 11, 21), False, "a Saturday"),
    (date(2026, 2, 16), False, "a Monday in the Spring Festival"),
    (date(2027, 10, 1), True, "a Friday of a year without a table"),
    (date(2027, 10, 2), False, "a Saturday of a year without a table"),
])
def test_working_days_follow_the_notice(place, upper, day, is_open_then, why):
    rule(upper)
    assert opened(place, upper, day) is is_open_then, why


@pytest.mark.parametrize(("weekdays", "on_holidays", "on_workdays", "day", "is_open_then"), [
    ("1234567", False, True, date(2026, 10, 1), False),  # every day but holidays
    ("1234567", False, True, date(2026, 10, 3), False),  # a Saturday within the holiday
    ("1234567", True, True, date(2026, 10, 1), True),
    ("12345", True, True, date(2026, 10, 3), False),  # open on holidays, but not on Saturdays
    ("12345", False, False, date(2026, 10, 10), False),  # make-up workdays do not count here
    ("123456", False, False, date(2026, 10, 10), True),  # a Saturday is usual
])
def test_holidays_and_make_up_days_are_chosen(place, upper, weekdays, on_holidays, on_workdays, day, is_open_then):
    rule(upper, weekdays, on_holidays=on_holidays, on_workdays=on_workdays)
    assert opened(place, upper, day) is is_open_then


def test_a_rule_of_the_module_goes_before_that_of_all_modules(place, upper):
    rule(upper)
    rule(upper, "67", plugin="canteen")
    assert opened(place, upper, date(2026, 11, 21)) and not opened(place, upper, date(2026, 11, 23))
    assert opened(place, upper, date(2026, 11, 23), "douyin")


def test_a_later_rule_changes_no_day_before_it(place, upper):
    rule(upper)
    rule(upper, "1234567", starts_on=date(2026, 11, 22))
    assert not opened(place, upper, date(2026, 11, 21)) and opened(place, upper, date(2026, 11, 22))


def test_a_closure_closes_its_days_and_its_module(place, upper):
    upper.add(Closure(plugin="canteen", starts_on=date(2026, 11, 3), ends_on=date(2026, 11, 5), reason="设备检修"))
    upper.flush()
    days = [date(2026, 11, day) for day in range(1, 8)]
    assert [d.day for d in open_days(upper, place.ids["upper"], "canteen", days)] == [1, 2, 6, 7]
    assert len(open_days(upper, place.ids["upper"], "douyin", days)) == 7


def test_many_communities_and_days_take_three_statements(place, upper):
    rule(upper)
    upper.commit()
    seen = []
    sa.event.listen(upper.get_bind(), "before_cursor_execute", lambda *a: seen.append(a[2]))
    known = openings(upper, date(2021, 1, 1), date(2026, 12, 31))
    assert sum(statement.startswith("SELECT") for statement in seen) == 3
    assert known.is_open(place.ids["upper"], "canteen", date(2026, 11, 23))


# -- the screens -----------------------------------------------------------------------------------

HOLIDAYS = "/street/manage/holidays/"


def test_the_street_pastes_the_next_year(place):
    street = place.browser("street")
    assert "2027" in street.get(HOLIDAYS).get_data(as_text=True)  # asked for since October
    text = "2027-10-01至2027-10-07 国庆节 休\n2027-10-09 国庆节 班"
    assert street.post(f"{HOLIDAYS}year/", {"year": "2027", "text": text}).status_code == 302
    page = street.get(f"{HOLIDAYS}?year=2027").get_data(as_text=True)
    assert "2027-10-07" in page and "2027-10-09" in page
    assert "2027" not in street.get("/street/").get_data(as_text=True)


def test_the_workbench_of_the_street_asks_for_the_next_year_from_october_on(place):
    assert "2027" in place.browser("street").get("/street/").get_data(as_text=True)
    assert "2027" not in place.browser("manager.upper").get("/upper/").get_data(as_text=True)
    place.clock.moment = datetime(2026, 9, 30, 3, tzinfo=UTC)
    assert "2027" not in place.browser("street").get("/street/").get_data(as_text=True)


def test_a_wrong_line_stays_in_the_form_with_its_reason(place):
    answer = place.browser("street").post(f"{HOLIDAYS}year/", {"year": "2027", "text": "2027-02-30 春节 休"})
    assert answer.status_code == 422 and "2027-02-30" in answer.get_data(as_text=True)


def test_single_days_are_added_corrected_and_removed(place):
    street = place.browser("street")
    day = {"day": "2027-02-06", "name": "春节", "is_off": "1"}
    assert street.post(f"{HOLIDAYS}day/", day).status_code == 302
    assert street.post(f"{HOLIDAYS}day/", day).status_code == 422  # twice
    with place.app.app_context(), place.session(None) as reading:
        number = reading.scalar(sa.select(Holiday.id).where(Holiday.day == date(2027, 2, 6)))
    assert street.post(f"{HOLIDAYS}day/?id={number}", {**day, "is_off": "0"}).status_code == 302  # a Saturday, worked
    assert street.post(f"{HOLIDAYS}day/?id={number}", {**day, "day": "2027-02-08", "is_off": "0"}).status_code == 422
    assert street.post(f"{HOLIDAYS}remove/?id={number}").status_code == 302
    assert street.post(f"{HOLIDAYS}remove/?id={number}").status_code == 404


@pytest.mark.parametrize("who", ["manager.upper", "staff.upper", "auditor"])
def test_the_holidays_are_kept_by_the_highest_area_alone(place, who):
    browser, area = place.browser(who), "upper" if "." in who else "street"
    for view in ("year/", "day/", "remove/?id=1"):
        assert browser.post(f"/{area}/manage/holidays/{view}").status_code == 403
    assert browser.get(f"/{area}/manage/holidays/").status_code == (403 if who == "staff.upper" else 200)


def test_a_manager_sets_the_opening_days_and_a_closure(place):
    manager = place.browser("manager.upper")
    form = {**manager.form("/upper/manage/opening-days/new/"), "plugin": "canteen", "starts_on": "2026-11-01",
            "weekdays": ["1", "2", "3", "4", "5"], "on_workdays": "y"}
    form.pop("on_holidays", None)
    assert manager.post("/upper/manage/opening-days/new/", form).status_code == 302
    form = {**manager.form("/upper/manage/closures/new/"), "plugin": "", "starts_on": "2026-11-03",
            "ends_on": "2026-11-02", "reason": "装修"}
    assert manager.post("/upper/manage/closures/new/", form).status_code == 422
    assert manager.post("/upper/manage/closures/new/", {**form, "ends_on": "2026-11-05"}).status_code == 302
    with place.app.app_context(), place.session("upper") as reading:
        days = [date(2026, 11, n) for n in range(1, 10)]
        assert [d.day for d in open_days(reading, place.ids["upper"], "canteen", days)] == [2, 6, 9]
    street = place.browser("street").get("/street/manage/closures/").get_data(as_text=True)
    assert "装修" in street and "上游社区" in street

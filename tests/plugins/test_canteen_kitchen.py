"""Menu and food safety: what is refused and where the limits lie, what is missing, and who may read what."""
from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from core.api import ValidationError, save_settings
from core.calendar.models import Closure, OpeningDays
from plugins.canteen.kitchen.allergies import clashes
from plugins.canteen.kitchen.book import Subject, asked_of, first_day, gaps_of, read_days
from plugins.canteen.kitchen.checks import check_purchase
from plugins.canteen.kitchen.menus import set_menu, typed_dishes
from plugins.canteen.kitchen.models import (
    Cook,
    Dish,
    Duty,
    FoodSample,
    HealthCertificate,
    MenuDish,
    MorningCheck,
    PurchaseCheck,
    Verdict,
)
from plugins.canteen.kitchen.people import certified_on, latest_end, tenths
from plugins.canteen.kitchen.samples import Kept, check_grams, dispose, state_of, whole_number
from plugins.canteen.ledger.models import Tally, TallyMode, TallySource
from plugins.canteen.models import MealKind
from plugins.canteen.services import kinds_of
from tests.plugins.canteen_people import add_diner, kind_id, once, record

HERE = "/upper/canteen/"
TODAY = date(2026, 11, 23)  # a Monday
NOON = datetime(2026, 11, 23, 3, 42, tzinfo=UTC)  # 11:42 in Beijing


def text(answer: Any) -> str:
    return answer.get_data(as_text=True)


def add_cook(place: Any, name: str, *certificates: tuple[date, date]) -> int:
    """Somebody in the kitchen of upper with certificates from a day to a day; the id."""
    with place.app.app_context(), place.session("upper", writes=True) as session:
        cook = Cook(name=name, job="厨师")
        session.add(cook)
        session.flush()
        session.add_all(HealthCertificate(cook_id=cook.id, number="A1", issued_on=start, expires_on=end)
                        for start, end in certificates)
        return cook.id


def put_on_menu(place: Any, *names: str, day: date = TODAY, kind: str = "午餐") -> None:
    """The dishes of a sitting of upper."""
    number = kind_id(place, kind)
    with place.app.app_context(), place.session("upper", writes=True) as session:
        set_menu(session, {(day, number): list(names)}, TODAY)


def rows(place: Any, model: type, *conditions: Any) -> list[Any]:
    """The rows of upper, by id, with all their columns."""
    with place.app.app_context(), place.session("upper") as session:
        found = list(session.scalars(sa.select(model).where(*conditions).order_by(model.id)))
        for row in found:
            for column in sa.inspect(model).column_attrs:
                getattr(row, column.key)
        session.expunge_all()
        return found


def sampling(place: Any, browser: Any, lines: dict[str, str], **values: str) -> Any:
    """What the page of the samples sends."""
    return browser.post(HERE + "sampling/record/", {
        "once": once(), "day": TODAY.isoformat(), "kind": str(kind_id(place, "午餐")), "time": "10:40",
        "taken_by": "周建民", "fridge": "1号", "dish": list(lines), "grams": list(lines.values()), **values})


def todos(place: Any) -> str:
    return text(place.browser("staff.upper").get("/upper/"))


# -- samples -------------------------------------------------------------------------------------

GRAMS = [
    ("125", 125), ("124", None), ("１２５", 125), ("１２４", None), ("125克", 125), (" 130 g", 130), ("0", None),
    ("-125", None), ("125.5", None), ("五百", None), ("٣٣٣", None), ("5001", None), ("5000", 5000),
]


def refused(rule: Callable[[], Any]) -> bool:
    """Whether a rule refuses."""
    try:
        rule()
    except ValidationError:
        return True
    return False


def test_a_sample_has_at_least_125_grams(place):
    with place.app.test_request_context():
        for typed, grams in GRAMS:
            assert refused(lambda typed=typed: check_grams(typed, "红烧肉")) is (grams is None), typed
            assert grams is None or check_grams(typed, "红烧肉") == grams
    assert whole_number("") is None


THROWN_AWAY = [
    (timedelta(hours=47, minutes=59), "", False), (timedelta(hours=47, minutes=59), "x", False),
    (timedelta(hours=47, minutes=59), "冰箱故障", True), (timedelta(hours=48), "", True),
    (timedelta(minutes=-1), "冰箱故障", False),
]


def test_a_sample_is_kept_for_48_hours_or_there_is_a_reason(place):
    with place.app.test_request_context():
        for after, reason, allowed in THROWN_AWAY:
            sample = FoodSample(day=TODAY, dish=Dish(name="红烧肉"), kind=MealKind(name="午餐"), taken_at=NOON)
            how = [sample], NOON + after, "周建民", reason, NOON + timedelta(days=9)
            assert refused(lambda how=how: dispose(*how)) is not allowed, (after, reason)
            assert (sample.disposed_at, sample.dispose_reason) == (
                (NOON + after, reason or None) if allowed else (None, None))


@pytest.mark.parametrize(("age", "state"), [
    (timedelta(hours=47, minutes=59), Kept.KEEP), (timedelta(hours=48), Kept.MAY_GO),
    (timedelta(hours=72), Kept.MAY_GO), (timedelta(hours=72, seconds=1), Kept.OVERDUE),
])
def test_a_sample_may_go_after_48_hours_and_is_overdue_after_the_hours_of_the_settings(age, state):
    assert state_of(FoodSample(taken_at=NOON), NOON + age, timedelta(hours=72)) is state


def test_the_dishes_of_the_menu_are_offered_and_recorded_once(place):
    put_on_menu(place, "红烧肉", "清炒青菜", "米饭")
    staff, key = place.browser("staff.upper"), once()
    page = text(staff.get(f"{HERE}sampling/?kind={kind_id(place, '午餐')}"))
    assert re.findall(r'name="dish" value="([^"]*)"', page) == ["红烧肉", "清炒青菜", "米饭", "", ""]
    lines = {"红烧肉": "125", "清炒青菜": "１５０克", "米饭": "", "": "125", "加菜豆腐": "130"}
    for _click in range(2):
        assert sampling(place, staff, lines, once=key).status_code == 302
    found = rows(place, FoodSample)
    assert sorted(s.grams for s in found) == [125, 130, 150]
    assert {(s.taken_by, s.recorded_by) for s in found} == {("周建民", "staff.upper")}
    assert {d.name for d in rows(place, Dish)} == {"红烧肉", "清炒青菜", "米饭", "加菜豆腐"}
    labels = text(staff.get(f"{HERE}sampling/labels/?day=2026-11-23"))
    assert labels.count('class="label-dish"') == 3 and labels.count("周建民") == 3 and "午餐 10:40" in labels


WRONG_SAMPLES = [
    ({"红烧肉": "124"}, {}, "125"), ({"红烧肉": "125"}, {"taken_by": " "}, "留样人"), ({"红烧肉": ""}, {}, "克数"),
    ({"红烧肉": "125"}, {"time": "11:43"}, "时间"), ({"红烧肉": "125"}, {"time": "25:00"}, "11:05"),
    ({"红烧肉、米饭": "125"}, {}, "每行"), ({"": "130"}, {}, "每行"),
    ({"红烧肉": "125"}, {"day": "2026-11-24"}, "时间"), ({"红烧肉": "125"}, {"day": "昨天"}, "日期"),
    ({"红烧肉": "125"}, {"kind": "99999"}, "餐次"), ({"红烧肉": "125"}, {"taken_by": "周" * 31}, "30"),
    ({"甲" * 41: "125"}, {}, "40"),
]


def test_a_wrong_sample_is_refused_in_words_and_what_was_typed_stays(place):
    staff = place.browser("staff.upper")
    for lines, values, words in WRONG_SAMPLES:
        answer = sampling(place, staff, lines, **values)
        said = re.search(r'class="flash bad" role="alert">.*?<div>(.*?)</div>', text(answer), re.S)[1]
        assert answer.status_code == 422 and words in said, (lines, values, said)
        assert {"kind", "day"} & set(values) or f'name="dish" value="{next(iter(lines))}"' in text(answer)
    assert rows(place, FoodSample) == [] and rows(place, Dish) == []


def test_a_dish_has_one_sample_in_a_sitting_until_it_is_voided(place):
    staff = place.browser("staff.upper")
    assert sampling(place, staff, {"红烧肉": "125"}).status_code == 302
    assert sampling(place, staff, {"红烧肉": "125"}).status_code == 422
    number = rows(place, FoodSample)[0].id
    assert staff.get(f"{HERE}samples/edit/?id={number}").status_code == 404
    assert staff.post(f"{HERE}samples/void/?id={number}", {"reason": "登记错误"}).status_code == 302
    assert sampling(place, staff, {"红烧肉": "130"}).status_code == 302
    assert [s.voided_at is None for s in rows(place, FoodSample)] == [False, True]


def test_samples_that_have_to_stay_are_folded_away_unless_they_are_ticked(place):
    staff = place.browser("staff.upper")
    record(staff, resident=add_diner(place, "张秀英"))
    sampling(place, staff, {"红烧肉": "125"})
    [sample] = rows(place, FoodSample)
    assert '<details class="staying"><summary>保存中 1' in text(staff.get(HERE + "sampling/"))
    refused = staff.post(HERE + "sampling/dispose/", {
        "rowid": str(sample.id), "disposed_on": TODAY.isoformat(), "disposed_time": "11:40", "disposed_by": "周建民"})
    assert refused.status_code == 422 and '<details class="staying" open>' in text(refused)
    place.clock.forward(days=2)
    page = text(place.browser("staff.upper").get(HERE + "sampling/"))
    assert 'class="staying"' not in page and "可处理" in page
    assert 'href="/upper/canteen/sampling/#fridge-list"' in todos(place) and 'id="fridge-list"' in page


def test_samples_are_thrown_away_together_and_only_once(place):
    staff = place.browser("staff.upper")
    sampling(place, staff, {"红烧肉": "125", "米饭": "125"})
    ids = [str(s.id) for s in rows(place, FoodSample)]
    how = {"rowid": ids, "disposed_on": "2026-11-23", "disposed_time": "11:40", "disposed_by": "吴秀英"}
    early = staff.post(HERE + "sampling/dispose/", how)
    assert early.status_code == 422 and "48 小时" in text(early)
    assert staff.post(HERE + "sampling/dispose/", {**how, "reason": "断电变质"}).status_code == 302
    assert {(s.disposed_by, s.dispose_reason) for s in rows(place, FoodSample)} == {("吴秀英", "断电变质")}
    assert staff.post(HERE + "sampling/dispose/", {**how, "reason": "断电变质"}).status_code == 422


# -- the menu ------------------------------------------------------------------------------------

@pytest.mark.parametrize(("typed", "names"), [
    (["红烧肉", " ", "米饭"], ["红烧肉", "米饭"]), (["红烧肉、米饭，青菜;汤"], ["红烧肉", "米饭", "青菜", "汤"]),
    (["红烧肉", "红烧肉"], ["红烧肉"]), (["䶮家 豆腐\x00"], ["䶮家 豆腐"]),
])
def test_several_dishes_may_stand_in_one_field(typed, names):
    assert typed_dishes(typed) == names


def test_a_menu_is_typed_copied_published_and_printed(place):
    staff, lunch = place.browser("staff.upper"), kind_id(place, "午餐")
    put_on_menu(place, "红烧肉", "米饭", day=TODAY - timedelta(days=7))
    edit = HERE + "menu/edit/?day=2026-11-25"
    page = text(staff.get(edit + "&copy=1"))
    names = re.findall(rf'name="dish-2026-11-23-{lunch}" value="([^"]+)"', page)
    assert names == ["红烧肉", "米饭"] and "尚未保存" in page
    form = {"once": once(), "row_version": "", f"dish-2026-11-23-{lunch}": [*names, "虾仁豆腐"]}
    for _click in range(2):
        assert staff.post(edit, form).status_code == 302
    assert [m.day for m in rows(place, MenuDish, MenuDish.day >= TODAY)] == [TODAY] * 3
    assert staff.post(HERE + "menu/publish/?day=2026-11-23").status_code == 302
    paper = text(staff.get(HERE + "menu/print/?day=2026-11-23"))
    assert "虾仁豆腐" in paper and "2026-11-23 公示" in paper and "menu_paper.css" in paper


def test_a_menu_that_somebody_else_changed_is_shown_and_not_overwritten(place):
    staff, other, lunch = place.browser("staff.upper"), place.browser("manager.upper"), kind_id(place, "午餐")
    edit, field = HERE + "menu/edit/?day=2026-11-23", f"dish-2026-11-23-{lunch}"
    assert staff.post(edit, {"once": once(), field: ["红烧肉"]}).status_code == 302
    version = staff.form(edit)["row_version"]
    assert other.post(edit, {"once": once(), "row_version": version, field: ["清蒸鱼"]}).status_code == 302
    late = staff.post(edit, {"once": once(), "row_version": version, field: ["红烧肉", "米饭"]})
    assert late.status_code == 409 and "别人已保存：清蒸鱼" in text(late)
    again = re.search(r'name="row_version" value="(\d+)"', text(late))[1]
    assert staff.post(edit, {"once": once(), "row_version": again, field: ["清蒸鱼", "米饭"]}).status_code == 302
    assert len(rows(place, MenuDish)) == 2


def test_what_was_served_stays_on_the_menu_of_a_day_that_is_over(place):
    yesterday = TODAY - timedelta(days=1)
    put_on_menu(place, "红烧肉", day=yesterday)
    put_on_menu(place, "红烧肉", "补记的汤", day=yesterday)
    with place.app.test_request_context(), pytest.raises(ValidationError, match="红烧肉"):
        put_on_menu(place, "补记的汤", day=yesterday)
    put_on_menu(place, "红烧肉")
    put_on_menu(place, "清蒸鱼")
    assert len(rows(place, MenuDish, MenuDish.day == TODAY)) == 1


NOTES = [
    ("花生过敏", "宫保鸡丁", ["peanut"], True), ("对虾过敏", "白灼虾", [], True), ("海鲜过敏", "清蒸鲈鱼", [], True),
    ("海鲜过敏", "紫菜汤", ["crustacean"], True), ("鸡蛋过敏", "番茄炒蛋", None, True),
    ("牛奶过敏", "红烧肉", ["soy"], False), ("芒果过敏", "芒果西米露", [], True), ("芒果过敏", "苹果", [], False),
    ("鱼过敏", "鱼香肉丝", [], False), ("牛奶过敏", "腐乳肉", [], False), ("无", "宫保鸡丁", ["peanut"], False),
    ("无过敏史", "红烧鱼", ["fish"], False), ("忌豆制品", "麻婆豆腐", [], True), ("小麦过敏", "馒头", ["gluten"], True),
    ("花生、芒果", "芒果布丁", ["egg"], True),
]


def test_an_allergy_note_speaks_against_a_dish(place):
    with place.app.test_request_context():
        for note, dish, allergens, warned in NOTES:
            assert bool(clashes(note, [Dish(name=dish, allergens=allergens)])) is warned, (note, dish)


def test_allergies_are_listed_to_those_who_may_see_them(place):
    add_diner(place, "张秀英", allergy="对花生严重过敏")
    add_diner(place, "李建国", allergy="芒果过敏")
    put_on_menu(place, "花生米")
    seen = text(place.browser("staff.upper").get(HERE + "menu/"))
    assert "张秀英" in seen and "花生米：花生" in seen and "李建国" not in seen and "严重" not in seen
    for who in ("street", "auditor"):
        hidden = text(place.browser(who).get(HERE + "menu/"))
        assert "花生米" in hidden and "张" not in hidden


# -- people --------------------------------------------------------------------------------------

def test_a_certificate_ends_a_year_after_its_issue_at_the_latest():
    for issued, end in ((date(2026, 3, 1), date(2027, 3, 1)), (date(2028, 2, 29), date(2029, 2, 28)),
                        (date(2027, 2, 28), date(2028, 2, 28))):
        assert latest_end(issued) == end
        cook = Cook(certificates=[HealthCertificate(issued_on=issued, expires_on=end)])
        assert [certified_on(cook, day) for day in (
            issued - timedelta(days=1), issued, end, end + timedelta(days=1))] == [False, True, True, False]


def test_a_certificate_of_impossible_dates_is_refused_and_its_number_hidden(place):
    cook, staff = add_cook(place, "周建民"), place.browser("staff.upper")
    for issued, expires, status in (
            ("2026-03-01", "2027-03-01", 302), ("2026-03-01", "2027-03-02", 422), ("2026-11-24", "2027-11-01", 422),
            ("2026-03-01", "2026-02-28", 422), ("2026-11-23", "2026-11-23", 302)):
        sent = staff.post(HERE + "certificates/new/", {"once": once(), "cook": cook, "number": "AH20260099",
                                                       "issued_on": issued, "expires_on": expires})
        assert sent.status_code == status, (issued, expires)
    assert "AH20260099" not in text(staff.get(HERE + "certificates/"))
    with place.owner() as connection:
        stored = connection.execute(sa.select(sa.column("number")).select_from(
            sa.table("canteen_health_certificate"))).scalars().all()
    assert len(stored) == 2 and not any("AH20260099" in number for number in stored)


def roster(browser: Any, *ticks: str, was: tuple[str, ...] = ()) -> Any:
    """What the page of the roster sends."""
    return browser.post(HERE + "duty/save/", {"day": TODAY.isoformat(), "duty": list(ticks), "was": list(was)})


def test_only_who_has_a_valid_certificate_is_put_on_duty(place):
    staff = place.browser("staff.upper")
    good = add_cook(place, "周建民", (date(2026, 1, 1), date(2026, 11, 24)))
    none = add_cook(place, "吴秀英")
    assert roster(staff, f"{good}:2026-11-23", f"{good}:2026-11-24").status_code == 302
    refused = roster(staff, f"{good}:2026-11-25")
    assert refused.status_code == 422 and "已于 2026-11-24 到期" in text(refused)
    assert "没有有效的健康证明" in text(roster(staff, f"{none}:2026-11-23"))
    assert roster(staff, "780001:2026-11-23", "x:y").status_code == 422
    assert [d.day.day for d in rows(place, Duty)] == [23, 24]
    assert roster(staff, was=(f"{good}:2026-11-24",)).status_code == 302
    assert [d.day.day for d in rows(place, Duty)] == [23]


def test_a_certificate_that_is_shortened_later_shows_as_a_fault(place):
    staff = place.browser("staff.upper")
    cook = add_cook(place, "周建民", (date(2026, 1, 1), date(2026, 12, 31)))
    roster(staff, f"{cook}:2026-11-23", f"{cook}:2026-11-26")
    number = rows(place, HealthCertificate)[0].id
    edit = f"{HERE}certificates/edit/?id={number}"
    form = staff.form(edit) | {"cook": cook, "expires_on": "2026-11-22"}
    assert staff.post(edit, form).status_code == 302
    words = "周建民在 2026-11-26 没有有效的健康证明：已于 2026-11-22 到期。"
    assert words in text(staff.get(HERE + "duty/"))
    assert "周*" in text(place.browser("auditor").get(HERE + "duty/"))
    assert "周建民在 2026-11-23 没有" in text(staff.get(HERE + "safety/"))
    assert "今天当班人员中有人没有有效的健康证明" in todos(place)


TEMPERATURES = [
    ("36.5", 365), ("３６．５", 365), ("36。5", 365), ("37", 370), ("36.5℃", 365), ("36.5度", 365), ("", None),
    ("365", None), ("33.9", None), ("43", None), ("36.55", None), ("abc", None), ("٣٦", None),
]


def test_a_temperature_is_read_as_people_type_it():
    assert [tenths(typed) for typed, _value in TEMPERATURES] == [value for _typed, value in TEMPERATURES]


def test_everybody_on_duty_is_checked_on_one_page_and_the_unfit_are_off_duty(place):
    staff, key = place.browser("staff.upper"), once()
    valid = (date(2026, 1, 1), date(2026, 12, 31))
    first, second, third = (add_cook(place, name, valid) for name in ("周建民", "吴秀英", "郑桂芳"))
    roster(staff, *(f"{cook}:2026-11-23" for cook in (first, second, third)))
    page = HERE + "morning/record/"
    feverish = {"day": "2026-11-23", f"temperature-{first}": "36.5", f"temperature-{second}": "37.3",
                f"fit-{first}": "1", f"fit-{second}": "1"}
    refused = staff.post(page, {**feverish, "once": once()})
    assert refused.status_code == 422 and "吴秀英体温 37.3" in text(refused) and rows(place, MorningCheck) == []
    symptoms = {**feverish, "once": once(), f"temperature-{second}": "37.2", f"symptoms-{second}": "腹泻"}
    assert staff.post(page, symptoms).status_code == 422
    for _click in range(2):
        assert staff.post(page, {**symptoms, "once": key, f"fit-{second}": "0"}).status_code == 302
    assert {(c.cook_id, c.temperature, c.fit) for c in rows(place, MorningCheck)} == {
        (first, 365, True), (second, 372, False)}
    assert len(rows(place, MorningCheck)) == 2
    assert "已离岗" in text(staff.get(HERE + "duty/")) and "1 人今天还没有晨检" in todos(place)
    assert "已经晨检" in text(roster(staff, was=(f"{first}:2026-11-23",)))
    assert "腹泻" not in text(staff.get(HERE + "safety/"))
    assert "37.2" not in text(place.browser("street").get(HERE + "morning/"))


# -- goods ---------------------------------------------------------------------------------------

GOODS = [
    (TODAY - timedelta(days=1), Verdict.ACCEPTED, True, "看过", False), (TODAY, Verdict.ACCEPTED, True, None, True),
    (TODAY - timedelta(days=1), Verdict.REFUSED, False, "过期退回", True), (None, Verdict.REFUSED, True, None, False),
    (None, Verdict.ACCEPTED, False, None, False), (None, Verdict.ACCEPTED, False, "居民自种，当场查看", True),
]


def test_expired_goods_and_those_without_papers_are_refused(place):
    with place.app.test_request_context():
        for expires, verdict, seen, note, allowed in GOODS:
            check = PurchaseCheck(day=TODAY, expires_on=expires, verdict=verdict, licence_seen=seen, proof_seen=False,
                                  note=note)
            assert refused(lambda check=check: check_purchase(check, TODAY)) is not allowed, (expires, verdict, note)


def test_records_of_a_day_to_come_are_refused_and_none_is_edited(place):
    staff = place.browser("staff.upper")
    values = {"began": "08:40", "what": "tableware", "method": "steam", "minutes": "15", "done_by": "吴秀英"}
    new = HERE + "disinfection/new/"
    assert staff.post(new, {**values, "once": once(), "day": "2026-11-24"}).status_code == 422
    assert staff.post(new, {**values, "once": once(), "day": "2026-11-23", "minutes": "0"}).status_code == 422
    assert staff.post(new, {**values, "once": once(), "day": "2026-11-23"}).status_code == 302
    assert "编辑" not in text(staff.get(HERE + "disinfection/"))


# -- what is missing -----------------------------------------------------------------------------

def settle(place: Any, kitchen: str) -> None:
    """Where meals are cooked, as the settings say."""
    with place.app.app_context(), place.session("upper", writes=True) as session:
        save_settings(session, place.ids["upper"], "canteen", {"kitchen": kitchen})


def test_a_canteen_is_asked_for_nothing_before_its_first_record(place):
    record(place.browser("staff.upper"), resident=add_diner(place, "张秀英"))
    assert "菜谱。" not in todos(place) and "留样" not in todos(place).partition("<main")[2]
    put_on_menu(place, "红烧肉", day=TODAY + timedelta(days=3))
    seen = todos(place)
    assert "今天没有菜谱" in seen and "明天没有菜谱" in seen and "午餐没有留样" in seen and "值班表上没有人" in seen
    assert "没有消毒记录" not in seen  # the sitting goes on
    place.clock.forward(hours=2)
    assert "没有消毒记录" in todos(place)


def test_on_a_day_of_closing_neither_menu_nor_meals_are_asked_for(place):
    put_on_menu(place, "红烧肉", day=TODAY - timedelta(days=3))
    assert all(words in todos(place) for words in ("今天没有菜谱", "明天没有菜谱", "今天的午餐还没有登记"))
    with place.app.app_context(), place.session("upper", writes=True) as session:
        session.add(OpeningDays(plugin="canteen", starts_on=date(2026, 1, 1), weekdays="12345"))
        session.add(Closure(plugin="", starts_on=TODAY, ends_on=TODAY, reason="停电"))
    seen = todos(place)
    assert "今天没有菜谱" not in seen and "明天没有菜谱" in seen and "今天的午餐还没有登记" not in seen
    count = HERE + "count/?day="
    staff = place.browser("staff.upper")
    assert "食堂当天不营业" in text(staff.get(f"{count}2026-11-23"))
    assert "食堂当天不营业" not in text(staff.get(f"{count}2026-11-24"))
    place.clock.forward(days=4)  # Friday
    assert "今天没有菜谱" in todos(place) and "明天没有菜谱" not in todos(place)


def test_a_canteen_without_a_kitchen_is_not_asked_for_what_it_cannot_do(place):
    for kitchen, asked in (("", set()), ("own", set(Subject)),
                           ("brought", {Subject.MENU, Subject.MORNING, Subject.CERTIFICATES})):
        settle(place, kitchen)
        with place.app.app_context(), place.session("upper") as session:
            assert asked_of(session, place.ids["upper"]) == asked


def test_the_dishes_without_a_sample_are_named(place):
    staff = place.browser("staff.upper")
    record(staff, resident=add_diner(place, "张秀英"))
    put_on_menu(place, "红烧肉", "米饭", "青菜")
    sampling(place, staff, {"红烧肉": "125"})
    assert "午餐缺留样：米饭、青菜" in todos(place)
    sampling(place, staff, {"米饭": "125", "青菜": "125"})
    assert "午餐缺留样" not in todos(place)
    place.clock.forward(days=2)
    assert "3 份留样已满 48 小时" in todos(place)
    place.clock.forward(days=1, hours=1)
    assert "3 份留样超期未处理" in todos(place)


def test_what_is_most_urgent_stands_first_on_the_workbench(place):
    record(place.browser("staff.upper"), resident=add_diner(place, "张秀英"))
    put_on_menu(place, "红烧肉")
    add_cook(place, "周建民", (TODAY - timedelta(days=300), TODAY + timedelta(days=20)))
    place.clock.forward(days=3)
    record(place.browser("staff.upper"), resident=add_diner(place, "李桂芳"))
    kinds = re.findall(r'class="todo".*?class="tag (\w+)', todos(place))
    assert set(kinds) == {"bad", "warn"} and kinds == sorted(kinds)


def test_certificates_are_reminded_of_30_7_and_0_days_before_they_end(place):
    settle(place, "own")
    add_cook(place, "周建民", (TODAY - timedelta(days=300), TODAY + timedelta(days=31)))
    for left, words in ((31, None), (30, "30 天内到期"), (8, "30 天内到期"), (7, "7 天内到期"), (1, "7 天内到期"),
                        (0, "健康证明今天到期"), (-1, "1 人没有有效的健康证明")):
        with place.app.app_context(), place.session("upper", writes=True) as session:
            session.scalars(sa.select(HealthCertificate)).one().expires_on = TODAY + timedelta(days=left)
        found = todos(place)
        assert (words in found) if words else ("到期" not in found), left


def test_meals_that_were_only_counted_are_meals_that_were_served(place):
    number = kind_id(place, "午餐")
    with place.app.app_context(), place.session("upper", writes=True) as session:
        session.add(Tally(day=TODAY, kind_id=number, mode=TallyMode.WHOLE, source=TallySource.PAPER, number=40,
                          unnamed=40, recorded_by="王敏", recorded_at=NOON))
    put_on_menu(place, "红烧肉")
    with place.app.app_context(), place.session("upper") as session:
        assert read_days(session, TODAY, TODAY)[TODAY].meals == {number: 40}
    assert "午餐缺留样：红烧肉" in todos(place)


def test_the_sheet_and_the_month_show_what_is_missing_of_a_day(place):
    staff = place.browser("staff.upper")
    record(staff, resident=add_diner(place, "张秀英"))
    put_on_menu(place, "红烧肉", "米饭")
    sampling(place, staff, {"红烧肉": "125"})
    with place.app.app_context(), place.session("upper") as session:
        assert first_day(session) == TODAY
        book = read_days(session, TODAY, TODAY)[TODAY]
        gaps = [gap.subject for gap in gaps_of(book, kinds_of(session), set(Subject))]
        assert gaps == [Subject.SAMPLES, Subject.MORNING, Subject.DISINFECTION]
    paper = text(staff.get(HERE + "safety/print/"))
    assert "食品安全员：" in paper and "午餐缺留样：米饭" in paper and "safety_paper.css" in paper
    month = text(staff.get(HERE + "safety/month/?month=2026-11"))
    assert "午餐缺留样：米饭" in month and month.count("缺漏") >= 3 and "2026-11-24" not in month.partition("<main")[2]
    for url in ("safety/?day=9999-12-31", "safety/month/?month=0000-00", "menu/?day=x", "morning/?day=0001-01-01"):
        assert staff.get(HERE + url).status_code == 200


def test_nothing_of_a_kitchen_shows_next_door(place):
    put_on_menu(place, "红烧肉")
    add_cook(place, "周建民")
    sampling(place, place.browser("staff.upper"), {"红烧肉": "125"})
    lower = place.browser("staff.lower")
    for page in ("menu/", "menu/edit/", "sampling/", "duty/", "morning/", "safety/", "safety/month/"):
        seen = text(lower.get(f"/lower/canteen/{page}"))
        assert "红烧肉" not in seen and "周建民" not in seen


def test_the_hour_of_a_sample_is_an_hour_of_its_day(place):
    sampling(place, place.browser("staff.upper"), {"红烧肉": "125"}, day="2026-11-22", time="１１：０５")
    assert [s.taken_at for s in rows(place, FoodSample)] == [datetime(2026, 11, 22, 3, 5, tzinfo=UTC)]

"""The page of figures: every number equals the list that it opens, off is no zero, last year is the same part of it."""
from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from flask import Flask
from flask_babel import Babel

from core.admin import waiting
from core.admin.figures.asked import Asked, asked_for
from core.admin.figures.charts import comparison, trend
from core.admin.figures.lines import Line, days_of, whole_of
from core.admin.figures.reading import Board
from core.admin.figures.remarks import remarks_on
from core.areas.models import Area, AreaKind, AreaProfile, PluginSwitch
from core.areas.scope import session_for
from core.areas.service import switch_off, switch_on
from core.clock import BEIJING
from core.declarations import Metric
from core.metrics.expectations import DayState
from core.metrics.periods import PeriodKind, period_of
from core.metrics.reporting_models import MetricOpening, ZeroReport
from core.metrics.units import change_of, change_text, number_of, text_of
from core.testing.place import Place
from plugins.canteen.models import Meal, MealKind, Source, Way
from tests.core.test_statements import READS, statements
from tests.guest_meals import meal

TODAY = date(2026, 11, 23)  # a Monday
MEALS, AMOUNT = Metric("canteen.meals", "就餐", "份", daily=True), Metric("a.b", "补贴", "元", parts=100)
HOURS = Metric("a.c", "时长", "小时", parts=60)
MOST = 10_000  # a list counts no further: 超过 10,000 条
COUNT = re.compile(r"(?:共|超过) ([\d,]+) 条")


def eat(place: Place, slug: str, *days: date, meals: int = 1) -> None:
    """Meals of guests on these days, as the counter records them."""
    with place.app.app_context(), place.session(slug, writes=True) as session:
        kind = session.scalar(sa.select(MealKind).where(MealKind.name == "午餐"))
        session.add_all(
            Meal(kind=kind, day=day, booked_on=day, way=Way.DINE_IN, source=Source.COUNTER, recorded_by="王敏",
                 standard_price=Decimal(12), self_pay=Decimal(12), government=Decimal(0), other_aid=Decimal(0),
                 recorded_at=datetime.combine(day, time(11, 20), tzinfo=BEIJING))
            for day in days for _number in range(meals))


@pytest.fixture
def eaten(place: Place) -> Place:
    """Upper: 3 today, 2 yesterday, 1 in October, 4 on 10 November of last year and 9 on its 30th. Lower: 2 in May."""
    eat(place, "upper", TODAY, meals=3)
    eat(place, "upper", TODAY - timedelta(days=1), meals=2)
    eat(place, "upper", date(2026, 10, 9))
    eat(place, "upper", date(2025, 11, 10), meals=4)
    eat(place, "upper", date(2025, 11, 30), meals=9)
    eat(place, "lower", date(2026, 5, 6), meals=2)
    return place


@dataclass(frozen=True)
class Shown:
    """A card: the number, the address that it opens, its own page, the line below."""

    value: str
    url: str | None
    page: str
    note: str


def cards(page: str) -> dict[str, Shown]:
    """By the metric's name."""
    found = {}
    for card in re.findall(r'<section class="card figure">.*?</section>', page, re.S):
        own, url, value, note = re.search(
            r'<h2[^>]*><a href="([^"]*)">.*?<(?:a class="figure-value" href="([^"]*)"|span class="figure-value")>'
            r'(.*?)<small>.*?<span class="muted small">(.*?)</span>', card, re.S).groups()
        found[re.search(r"/figures/([^/]+)/", own).group(1)] = Shown(value, url and unescape(url), unescape(own), note)
    return found


def agrees(browser: Any, card: Shown) -> None:
    """What a figure opens says the same number: its list by its rows, its own page by the records that it names."""
    if card.url and "/figures/" not in card.url:
        assert listed(browser.get(card.url).get_data(as_text=True)) == min(int(card.value.replace(",", "")), MOST), card
        return
    page = browser.get(card.page).get_data(as_text=True)
    [again] = cards(page).values()
    assert again.value == card.value, card
    for url, text in re.findall(r'<dd><a class="link" href="([^"]*)">([^<]*)</a>', page):
        if "/figures/" not in url:
            rows, _unit, rest = text.partition(" ")
            number = min(int(rows.replace(",", "")), MOST)
            assert listed(browser.get(unescape(url)).get_data(as_text=True)) == number, (card, text)
            assert card.value in rest or card.value == rows, (card, text)


def row(page: str, name: str) -> list[str]:
    """The cells of a community's row, without marks."""
    [found] = [r for r in re.findall(r"<tr.*?</tr>", page, re.S) if f">{name}<" in r and "lead-1" in r]
    cells = re.findall(r'<td class="(?:lead|rest)[^>]*>(.*?)</td>', found, re.S)
    return [" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in cells]


def page_of(place: Place, url: str, who: str = "street") -> str:
    answer = place.browser(who).get(url)
    assert answer.status_code == 200, (who, url, answer.status_code)
    return answer.get_data(as_text=True)


def listed(page: str) -> int:
    """The rows that a list counts."""
    return int(COUNT.search(page).group(1).replace(",", ""))


# -- periods ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "day", "span", "before"), [
    ("day", "2026-11-23", ("2026-11-23", "2026-11-23"), ("2025-11-23", "2025-11-23")),
    ("week", "2026-11-23", ("2026-11-23", "2026-11-23"), ("2025-11-24", "2025-11-24")),
    ("month", "2026-11-02", ("2026-11-01", "2026-11-23"), ("2025-11-01", "2025-11-23")),
    ("month", "2024-02-29", ("2024-02-01", "2024-02-29"), ("2023-02-01", "2023-02-28")),
    ("quarter", "2026-08-15", ("2026-07-01", "2026-09-30"), ("2025-07-01", "2025-09-30")),
    ("year", "2026-01-01", ("2026-01-01", "2026-11-23"), ("2025-01-01", "2025-11-23")),
    ("all", "", (None, "2026-11-23"), None),
    ("month", "2031-01-01", ("2026-11-01", "2026-11-23"), ("2025-11-01", "2025-11-23")),
    ("nonsense", "31.12.2026", ("2026-11-01", "2026-11-23"), ("2025-11-01", "2025-11-23")),
])
def test_a_period_is_compared_with_the_same_part_of_last_year(
    kind: str, day: str, span: tuple, before: tuple | None
) -> None:
    asked = asked_for({"kind": kind, "day": day}, TODAY)
    assert tuple(d and d.isoformat() for d in asked.span) == span
    assert asked.a_year_before == (before and tuple(date.fromisoformat(d) for d in before))


def test_on_its_last_day_february_is_compared_with_the_whole_of_a_longer_one() -> None:
    asked = asked_for({"kind": "month"}, date(2029, 2, 28))
    assert asked.a_year_before == (date(2028, 2, 1), date(2028, 2, 29))


def test_on_29_february_a_month_that_runs_is_compared_until_the_28th() -> None:
    asked = asked_for({"kind": "month"}, date(2028, 2, 29))
    assert asked.a_year_before == (date(2027, 2, 1), date(2027, 2, 28))


# -- numbers ------------------------------------------------------------------------------------------


def test_money_has_two_places_hours_one_and_nothing_is_a_dash() -> None:
    assert [text_of(AMOUNT, n) for n in (123450, 5, None)] == ["1,234.50", "0.05", "—"]
    assert [str(number_of(HOURS, n)) for n in (14400, 93, 0)] == ["240.0", "1.6", "0.0"]
    assert text_of(MEALS, 55012) == "55,012"


def test_a_change_without_a_base_is_a_dash() -> None:
    pairs = {(106, 100): "+6.0%", (70, 100): "-30.0%", (5, 0): "—", (5, None): "—", (None, 5): "—", (5, 5): "0.0%"}
    assert {pair: change_text(change_of(*pair)) for pair in pairs} == pairs


def test_the_street_counts_per_thousand_only_where_residents_are_declared() -> None:
    areas = [Area(id=n, name=str(n), kind=AreaKind.COMMUNITY, slug=str(n)) for n in range(3)]
    lines = [Line(MEALS, areas[0], 500, residents=2000, of_residents=500), Line(MEALS, areas[1], 90),
             Line(MEALS, areas[2], None, residents=9000)]
    whole = whole_of(MEALS, areas[0], lines)
    assert (whole.parts, whole.residents, whole.per_thousand_text) == (590, 2000, "250.0")
    assert [line.per_thousand_text for line in lines] == ["250.0", "—", "—"]


# -- the page -----------------------------------------------------------------------------------------


PERIODS = [  # what is asked for, the street's number, upper's, and the street's against last year
    ("kind=day", 3, 3, "—"), ("kind=week", 3, 3, "—"), ("kind=month", 5, 5, "+25.0%"), ("kind=quarter", 6, 6, "+50.0%"),
    ("kind=year", 8, 6, "+100.0%"), ("kind=all", 21, 19, "—"), ("kind=month&day=2025-11-10", 13, 13, "—"),
    ("kind=day&day=2026-05-06", 2, 0, "—"),
]


def test_every_figure_opens_a_list_with_as_many_rows(eaten: Place) -> None:
    for who, slug, at in (("street", "street", 1), ("auditor", "street", 1), ("manager.upper", "upper", 2)):
        browser = eaten.browser(who)
        for asked in PERIODS:
            found = cards(browser.get(f"/{slug}/figures/?{asked[0]}").get_data(as_text=True))
            meals = found["canteen.named_meals"]
            assert meals.value == str(asked[at]) and (slug == "upper" or meals.note == f"同比 {asked[3]}"), (who, asked)
            assert found["canteen.meals"].value == meals.value
            for card in found.values():
                agrees(browser, card)


def test_a_communitys_figure_opens_its_own_list(eaten: Place) -> None:
    page = page_of(eaten, "/street/figures/?kind=year")
    urls = dict.fromkeys(unescape(u) for u in re.findall(r'href="(/(?:upper|lower)/canteen/meals/[^"]*)"', page))
    assert [listed(page_of(eaten, url)) for url in urls] == [6, 2]


def test_off_is_a_dash_and_neither_zero_nor_missing(eaten: Place) -> None:
    with eaten.app.app_context(), session_for(None, "a test", writes=True) as writing:
        switch_off(writing, writing.get_one(Area, eaten.ids["lower"]), "canteen", TODAY)
    page = page_of(eaten, "/street/figures/?kind=year")
    assert row(page, "下游社区")[:3] == ["下游社区", "—", "—"]
    assert cards(page)["canteen.meals"].value == "6"
    assert "下游社区" not in page[page.index('id="missing"'):]


def test_a_closed_community_keeps_its_figures_on_every_page(eaten: Place) -> None:
    with eaten.app.app_context(), session_for(None, "a test", writes=True) as writing:
        writing.get_one(Area, eaten.ids["lower"]).closed_on = TODAY - timedelta(days=1)
        switch_off(writing, writing.get_one(Area, eaten.ids["upper"]), "canteen", TODAY)
    street = eaten.browser("street")
    for asked in ("kind=year", "kind=month", "kind=all"):
        for card in cards(street.get(f"/street/figures/?{asked}").text).values():
            agrees(street, card)
    assert cards(street.get("/street/figures/?kind=year").text)["canteen.subsidy"].value == "0.00"
    assert cards(street.get("/street/figures/?kind=day").text)["canteen.meals"].value == "—"


def test_off_for_a_time_leaves_the_days_before_it_missing(eaten: Place) -> None:
    with eaten.app.app_context(), session_for(None, "a test", writes=True) as writing:
        switch = writing.scalar(sa.select(PluginSwitch).where(
            PluginSwitch.community_id == eaten.ids["lower"], PluginSwitch.plugin == "canteen"))
        switch.on_from, switch.off_on = date(2026, 7, 16), date(2026, 9, 1)
        writing.flush()
        switch_on(writing, writing.get_one(Area, eaten.ids["lower"]), "canteen", date(2026, 10, 16), "street")
    shown = {month: row(page_of(eaten, f"/street/figures/?kind=month&day=2026-{month:02}-01"), "下游社区")[1]
             for month in (5, 6, 7, 8, 9, 10)}
    assert shown == {5: "2", 6: "—", 7: "缺 16 天", 8: "缺 31 天", 9: "—", 10: "缺 16 天"}


def test_missing_days_are_counted_named_and_ready_to_copy(eaten: Place) -> None:
    page = page_of(eaten, "/street/figures/?kind=month")
    assert row(page, "上游社区")[1].startswith("缺 21 天 5") and row(page, "下游社区")[1] == "缺 22 天"
    text = unescape(re.search(r"<textarea[^>]*readonly[^>]*>(.*?)</textarea>", page, re.S).group(1))
    assert "上游社区" in text and "11-01至11-21" in text and "11-01至11-22" in text
    assert row(page, "上游社区")[2] == "8%"


def test_a_signed_zero_is_a_zero_with_its_mark(eaten: Place) -> None:
    with eaten.app.app_context(), eaten.session("lower", writes=True) as writing:
        writing.add(ZeroReport(metric="canteen.meals", day=TODAY - timedelta(days=1), signed_by="王敏", account="x",
                               at=eaten.clock()))
    yesterday = (TODAY - timedelta(days=1)).isoformat()
    page = page_of(eaten, f"/street/figures/?kind=day&day={yesterday}")
    assert row(page, "下游社区")[1:3] == ["零报告 0", "100%"]
    assert "没有缺报" in page


def test_an_opening_balance_is_in_the_sum_since_the_opening_and_says_its_source(eaten: Place) -> None:
    with eaten.app.app_context(), eaten.session("upper", writes=True) as writing:
        writing.add(MetricOpening(
            metric="canteen.meals", since=date(2021, 6, 1), until=date(2025, 10, 31), parts=55_000, source="纸质台账",
            entered_by="王敏", account="x", at=eaten.clock()))
    card = cards(page_of(eaten, "/street/figures/?kind=all"))["canteen.meals"]
    assert card.value == "55,021" and "/figures/canteen.meals/" in card.url
    page = page_of(eaten, card.url)
    assert "上游社区 55,000 份" in page and "2021-06-01 – 2025-10-31，来源：纸质台账，录入人：王敏" in page
    assert cards(page_of(eaten, "/street/figures/?kind=month"))["canteen.meals"].value == "5"
    assert "纸质台账" not in page_of(eaten, "/street/figures/canteen.meals/?kind=all&day=2025-10-30")


def test_records_of_the_days_that_an_opening_balance_covers_are_named(eaten: Place) -> None:
    with eaten.app.app_context(), eaten.session("upper", writes=True) as writing:
        writing.add(MetricOpening(
            metric="canteen.meals", since=date(2021, 6, 1), until=date(2025, 11, 10), parts=55_000, source="纸质台账",
            entered_by="王敏", account="x", at=eaten.clock()))
    assert "同期已有记录另计：4 份" in page_of(eaten, "/street/figures/canteen.meals/?kind=all")


def test_days_reported_late_are_told_from_those_in_time(eaten: Place) -> None:
    with eaten.app.app_context(), eaten.session("lower", writes=True) as writing:
        meal(writing, date(2026, 11, 2), at=datetime(2026, 11, 3, 1, tzinfo=BEIJING))
        meal(writing, date(2026, 11, 4))
    page = page_of(eaten, "/street/figures/?kind=month")
    assert row(page, "下游社区")[1] == "缺 20 天 补报 1 天 2" and row(page, "上游社区")[1].startswith("缺 21 天 5")
    assert "补报 1 天" in page_of(eaten, "/street/figures/print/?kind=month")


def test_the_workbench_waits_a_moment_only_for_what_waits(eaten: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "MOMENT", 0)
    first = page_of(eaten, "/street/")
    assert "其余 1 个社区" in first and "下游社区 " not in first[first.index('id="todo"'):]
    rest = page_of(eaten, "/street/?todo=1")
    assert "其余" not in rest and "下游社区 " in rest[rest.index('id="todo"'):]
    assert page_of(eaten, "/street/?todo=99").count("没有待办") == 1


def test_residents_are_those_of_the_year_or_the_latest_before_it(eaten: Place) -> None:
    with eaten.app.app_context(), session_for(None, "a test", writes=True) as writing:
        writing.add_all(AreaProfile(area_id=eaten.ids["upper"], year=year, residents=number)
                        for year, number in ((2024, 1000), (2026, 2000), (2027, 9000)))
    assert "每千人 2.5" in row(page_of(eaten, "/street/figures/"), "上游社区")[1]
    assert "每千人 13.0" in row(page_of(eaten, "/street/figures/?kind=month&day=2025-11-30"), "上游社区")[1]


def test_only_those_who_may_see_records_see_figures(eaten: Place) -> None:
    assert eaten.browser("system").get("/street/figures/").status_code == 403
    assert eaten.browser("manager.upper").get("/street/figures/").status_code == 404
    assert eaten.browser("staff.upper").get("/upper/figures/").status_code == 200
    assert eaten.browser("street").get("/street/figures/no.such/").status_code == 404
    assert eaten.browser("auditor").post("/street/figures/excel/").status_code == 403


def test_a_number_whose_list_may_not_be_seen_is_no_link(eaten: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = next(s for _n, found in eaten.app.extensions["jinlin_screens"] for s in found
                  if s.endpoint == "canteen_meals")
    monkeypatch.setattr(screen, "may", lambda action: False)
    page = page_of(eaten, "/street/figures/?kind=year")
    named = cards(page)["canteen.named_meals"]
    assert (named.value, named.url) == ("8", None) and "/canteen/meals/?" not in page


def test_the_page_asks_few_statements_whatever_it_shows(eaten: Place) -> None:
    browser = eaten.browser("street")
    for url, most in (("/street/figures/?kind=month", 12), ("/street/figures/?kind=year", 12),
                      ("/street/figures/?kind=all", 14), ("/street/figures/canteen.meals/?kind=year", 14)):
        browser.get(url)
        with statements(eaten) as seen:
            assert browser.get(url).status_code == 200
        reads = [" ".join(s.split())[:110] for s in seen if READS.match(s)]
        assert len(reads) <= 2 + most, (url, *reads)


# -- one figure ---------------------------------------------------------------------------------------


def test_a_figures_page_says_what_it_is_made_of(eaten: Place) -> None:
    page = page_of(eaten, "/street/figures/canteen.meals/?kind=year")
    assert row(page, "上游社区")[1] and row(page, "合计")[1].endswith("8")
    assert re.search(r'<dd><a class="link" href="/street/figures/canteen.named_meals/[^"]*">8 份</a>', page)
    named = page_of(eaten, "/street/figures/canteen.named_meals/?kind=year")
    assert re.search(r"<dt>记录</dt><dd><a[^>]*>8 份</a>", named) and "午餐" in named and "堂食" in named
    paid = page_of(eaten, "/street/figures/canteen.self_pay/?kind=year")
    assert "8 笔，合计 96.00 元" in paid


def test_charts_have_no_script_no_style_and_a_table_beside_them(eaten: Place) -> None:
    page = page_of(eaten, "/street/figures/canteen.meals/?kind=month")
    drawn = re.findall(r'<svg [^>]*class="pygal-chart".*?</svg>', page, re.S)
    assert len(drawn) == 2
    for svg in drawn:
        assert 'class="bar"' not in svg  # what our style sheet hides on paper
        assert not re.search(r"<style|<script|style=|\sid=|\son\w+=|http(?!://www\.w3\.org)", svg)
    assert page.count('role="img" tabindex="0" aria-label="') == 2 and page.count("表格</summary>") == 2


@pytest.fixture
def words() -> Iterator[None]:
    """Words of the source, without any database."""
    app = Flask("words")
    Babel(app)
    with app.test_request_context("/"):
        yield


@pytest.mark.usefixtures("words")
def test_a_chart_says_in_words_what_it_shows_and_escapes_names() -> None:
    chart = comparison("各社区", AMOUNT, [("<b>甲</b>", 1250), ("乙", 300), ("丙", None)])
    assert "3.00" in chart.text and "12.50" in chart.text
    assert "<b>" not in chart.svg and "&lt;b&gt;" in chart.svg
    assert chart.rows == [("<b>甲</b>", "12.50"), ("乙", "3.00"), ("丙", "—")]
    assert trend("每日", MEALS, [("11-01", 3), ("11-02", None)]) is None


# -- what stands out ----------------------------------------------------------------------------------


def remarks(kind: PeriodKind, day: date, **line: Any) -> list[str]:
    area = Area(id=1, name="焦家社区", kind=AreaKind.COMMUNITY, slug="jiaojia", path="/1/")
    asked = Asked(period_of(kind, day), TODAY)
    board = Board(asked, area, (("canteen", MEALS),), (area,), {("canteen.meals", 1): Line(MEALS, area, **line)})
    return [remark.kind for remark in remarks_on(board)]


@pytest.mark.usefixtures("words")
def test_a_third_more_or_less_than_last_year_stands_out() -> None:
    month, october = PeriodKind.MONTH, date(2026, 10, 1)
    cases = [(131, 100, ["info"]), (130, 100, []), (70, 100, []), (69, 100, ["warn"]), (5, 19, []), (500, 0, [])]
    for parts, before, expected in cases:
        assert remarks(month, october, parts=parts, before=before or None) == expected, (parts, before)
    assert remarks(month, october, parts=None, before=100) == []


@pytest.mark.usefixtures("words")
def test_without_last_year_the_four_weeks_before_are_looked_at() -> None:
    assert remarks(PeriodKind.WEEK, date(2026, 11, 16), parts=60, usual=Decimal(100)) == ["warn"]
    assert remarks(PeriodKind.WEEK, date(2026, 11, 16), parts=60, before=60, usual=Decimal(100)) == []
    assert remarks(PeriodKind.WEEK, TODAY, parts=60, usual=Decimal(100)) == []  # it has only begun
    assert remarks(PeriodKind.DAY, TODAY, parts=20, usual=Decimal(100)) == []  # the day is not over


@pytest.mark.usefixtures("words")
def test_three_open_days_without_a_record_stand_out() -> None:
    gone, done, shut = DayState.MISSING, DayState.DONE, DayState.CLOSED
    for states, expected in (([done, gone, gone, shut, gone], ["bad"]), ([gone, gone, gone, done], []),
                             ([done, gone, gone], []), ([gone, gone, DayState.ZERO, gone], [])):
        days = days_of([date(2026, 11, n) for n in range(1, len(states) + 1)], states)
        assert remarks(PeriodKind.MONTH, TODAY, parts=9, days=days) == expected, states


# -- paper and Excel ----------------------------------------------------------------------------------


def test_excel_holds_numbers_and_is_logged(eaten: Place) -> None:
    manager = eaten.browser("manager.upper")
    answer = manager.post("/upper/figures/excel/?kind=year")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.get_data())).active
    rows = [list(r) for r in sheet.iter_rows(min_row=2, values_only=True)]
    assert rows[0][:4] == ["指标", "单位", "社区", "数量"] and rows[1][:4] == ["就餐", "份", "上游社区", 6]
    assert "导出" in page_of(eaten, "/upper/manage/audit/", "manager.upper")


def test_paper_says_what_is_off_and_what_is_missing(eaten: Place) -> None:
    with eaten.app.app_context(), session_for(None, "a test", writes=True) as writing:
        switch_off(writing, writing.get_one(Area, eaten.ids["lower"]), "canteen", TODAY)
    page = page_of(eaten, "/street/figures/print/?kind=month")
    assert "未启用" in page and "缺 21 天 (11-01至11-21)" in page and "合计" in page

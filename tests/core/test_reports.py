"""Reports: what they say, snapshots that prove themselves, and what changed when made again."""
from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO

import openpyxl
import pytest
import sqlalchemy as sa

from core.areas.models import AreaProfile, PluginSwitch
from core.areas.scope import session_for
from core.metrics.reporting_models import MetricOpening
from core.metrics.units import in_units, per_thousand
from core.reports.document import document
from core.reports.models import Report
from core.reports.service import changes, digest_of, is_unchanged
from plugins.canteen.models import MealKind, Way
from plugins.canteen.services import record_meal

OCTOBER = "kind=month&year=2026&place=10"
REPORTS = "/street/figures/reports"


def eat(place, slug, days, many=1):
    """Meals of guests on these days."""
    with place.app.app_context(), place.session(slug, writes=True) as session:
        kind = session.scalars(sa.select(MealKind).order_by(MealKind.opens)).first()
        for day in days:
            for _n in range(many):
                record_meal(session, None, day, kind, Way.DINE_IN, "王敏", place.clock(), confirmed={"hours", "old"})
        session.commit()


def issued(place):
    with place.app.app_context(), session_for(None, "a test looks") as reading:
        return list(reading.scalars(sa.select(Report).order_by(Report.id)))


def text(answer):
    return re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))


def test_the_draft_says_the_numbers_in_words_and_exactly(place):
    eat(place, "upper", [date(2026, 10, 1)], 12)
    eat(place, "lower", [date(2026, 10, 2)], 11)
    page = text(place.browser("street").get(f"{REPORTS}/draft/?{OCTOBER}"))
    assert "20余" in page and "准确数为23份" in page
    community = text(place.browser("manager.upper").get(f"/upper/figures/reports/draft/?{OCTOBER}"))
    assert "10余" in community and "准确数为12份" in community


def test_an_issued_report_stays_as_it_was_and_the_next_says_what_changed(place):
    eat(place, "upper", [date(2026, 10, 1)], 2)
    street = place.browser("street")
    answer = street.post(f"{REPORTS}/issue/?{OCTOBER}")
    assert answer.status_code == 302, answer.get_data(as_text=True)
    [first] = issued(place)
    assert first.version == 1 and is_unchanged(first) and first.issued_by == "street"
    assert street.post(f"{REPORTS}/issue/?{OCTOBER}").location == f"{REPORTS}/show/?id={first.id}"
    assert len(issued(place)) == 1, "nothing changed, nothing issued"
    eat(place, "lower", [date(2026, 10, 3)], 3)
    assert street.post(f"{REPORTS}/issue/?{OCTOBER}").status_code == 302
    first, second = issued(place)
    [change] = [c for c in changes(first.content, second.content) if c.title == "就餐"]
    assert (change.old, change.new) == (0, 3)
    page = text(street.get(f"{REPORTS}/show/?id={first.id}"))
    assert first.digest in page and "3" in text(street.get(f"{REPORTS}/show/?id={second.id}"))


def test_an_opening_balance_entered_later_is_told_as_a_change(place):
    eat(place, "upper", [date(2026, 10, 1)], 2)
    street = place.browser("street")
    street.post(f"{REPORTS}/issue/?{OCTOBER}")
    with place.app.app_context(), place.session("upper", writes=True) as writing:
        writing.add(MetricOpening(metric="canteen.meals", until=date(2026, 9, 30), parts=55_000, source="纸质台账",
                                  entered_by="王敏", account="x", at=place.clock()))
        writing.flush()
        writing.add(AreaProfile(area_id=place.ids["upper"], year=2026, residents=4318))
    draft = text(street.get(f"{REPORTS}/draft/?{OCTOBER}"))
    assert "没有变化" not in draft and "55,002" in draft and "常住人口" in draft
    street.post(f"{REPORTS}/issue/?{OCTOBER}")
    first, second = issued(place)
    assert [(c.what, c.title, c.area, c.old, c.new) for c in changes(first.content, second.content)] == [
        ("ever", "就餐", "上游社区", 2, 55_002), ("residents", "就餐", "上游社区", None, 4318)]
    page = text(street.get(f"{REPORTS}/show/?id={second.id}"))
    assert "55,002" in page and "5.5万余" in page


def test_meals_of_days_before_the_module_was_on_are_in_the_report(place):
    """Paper lists typed in later: the page of figures counts them too."""
    eat(place, "upper", [date(2026, 10, 1)], 2)
    with place.app.app_context(), session_for(None, "a test", writes=True) as writing:
        writing.execute(sa.update(PluginSwitch).values(on_from=date(2026, 11, 2)))
    place.browser("street").post(f"{REPORTS}/issue/?{OCTOBER}")
    [content] = [report.content for report in issued(place)]
    rows = {m["name"]: [row["number"] for row in m["rows"]] for m in content["metrics"]}
    assert rows["canteen.meals"] == [2, None]


def test_part_of_a_leap_year_is_compared_with_the_same_days_of_the_year_before(place):
    place.clock.moment = datetime(2028, 3, 10, 4, tzinfo=UTC)
    eat(place, "upper", [date(2027, 3, 10)], 3)
    eat(place, "upper", [date(2027, 3, 11)], 5)
    eat(place, "upper", [date(2028, 3, 10)], 4)
    place.browser("street").post(f"{REPORTS}/issue/?kind=year&year=2028&place=1")
    [report] = issued(place)
    meals = next(m for m in report.content["metrics"] if m["name"] == "canteen.meals")
    assert meals["rows"][0]["before"] == 3
    assert "+33.3%" in text(place.browser("street").get("/street/figures/?kind=year"))


def test_a_report_is_the_same_in_whatever_language_it_is_made(place):
    eat(place, "upper", [date(2026, 10, 1)], 2)
    place.browser("street").post(f"{REPORTS}/issue/?{OCTOBER}")
    english = place.browser("street")
    assert english.post("/account/language", {"language": "en"}).status_code == 302
    draft = text(english.get(f"{REPORTS}/draft/?{OCTOBER}"))
    assert "still holds" in draft, draft
    english.post(f"{REPORTS}/issue/?{OCTOBER}")
    assert len(issued(place)) == 1


def test_a_snapshot_that_somebody_changed_is_told(place):
    eat(place, "upper", [date(2026, 10, 1)], 2)
    place.browser("street").post(f"{REPORTS}/issue/?{OCTOBER}")
    [report] = issued(place)
    with place.app.app_context(), session_for(None, "a test forges", writes=True) as writing:
        forged = writing.get(Report, report.id)
        content = {**forged.content, "until": "2026-10-30"}
        forged.content = content
    page = place.browser("street").get(f"{REPORTS}/show/?id={report.id}").get_data(as_text=True)
    assert 'class="tag alarm"' in page


def test_a_report_of_another_area_answers_as_one_that_nobody_made(place):
    place.browser("street").post(f"{REPORTS}/issue/?{OCTOBER}")
    [report] = issued(place)
    for user, slug in (("manager.upper", "upper"), ("street", "upper")):
        browser = place.browser(user)
        for view, method in (("show", "get"), ("print", "get"), ("pdf", "post"), ("excel", "post")):
            own, none = (getattr(browser, method)(f"/{slug}/figures/reports/{view}/?id={i}") for i in (report.id, 999))
            assert own.status_code == none.status_code == 404, view


def test_who_only_looks_issues_nothing(place):
    assert place.browser("auditor").get(f"{REPORTS}/draft/?{OCTOBER}").status_code == 200
    assert place.browser("auditor").post(f"{REPORTS}/issue/?{OCTOBER}").status_code == 403
    assert place.browser("system").get(f"{REPORTS}/").status_code == 403
    assert issued(place) == []


def test_excel_and_pdf_hold_what_the_page_holds(place):
    eat(place, "upper", [date(2026, 10, 1)], 2)
    street = place.browser("street")
    book = openpyxl.load_workbook(BytesIO(street.post(f"{REPORTS}/excel/?{OCTOBER}").data))
    assert "怎么补" not in [cell.value for row in book.worksheets[0].iter_rows() for cell in row]
    values = [cell.value for row in book.worksheets[1].iter_rows(min_row=3) for cell in row]
    assert 2 in values, "sums are numbers"
    pdf = street.post(f"{REPORTS}/pdf/?{OCTOBER}")
    assert pdf.mimetype == "application/pdf" and pdf.data.startswith(b"%PDF")


@pytest.mark.parametrize("asked", ["kind=decade", "year=1", "year=9999&place=13", "place=-1", "kind=quarter&place=4",
                                   "kind=year&year=2026", "year=%00", "place=²"])
def test_any_period_that_is_asked_for_is_one(place, asked):
    assert place.browser("street").get(f"{REPORTS}/draft/?{asked}").status_code == 200


def test_rates_need_a_base():
    assert per_thousand(1, 4000, 1) == Decimal("0.3")  # half up
    assert per_thousand(5, None, 1) is None and per_thousand(86, 4318, 1) == Decimal("19.9")
    assert in_units(1250, 100) == Decimal("12.50") and in_units(90, 60) == Decimal("1.5")


def test_the_hash_is_of_the_content_whatever_the_order():
    assert digest_of({"b": 1, "a": "近邻"}) == digest_of({"a": "近邻", "b": 1}) != digest_of({"a": "近邻", "b": 2})


def test_a_footnote_has_the_exact_number_its_definition_and_its_sources(place):
    content = {"area": "示范街道", "kind": "month", "start": "2026-10-01", "end": "2026-10-31", "until": "2026-10-31",
               "communities": ["甲"], "metrics": [{"name": "canteen.meals", "title": "就餐", "unit": "份", "parts": 1,
                                                   "definition": "每一份餐。", "estimated": False,
                                                   "sources": ["纸质台账"], "days": [], "corrections": [],
                                                   "rows": [{
                                                       "area": "甲", "number": 507, "before": 500, "residents": 4318,
                                                       "ever": 55_012}]}]}
    with place.app.test_request_context():
        [sentence] = document(content).sentences
    assert "。。" not in sentence.note
    assert "500余" in sentence.text and "5.5万余" in sentence.text and "1.4%" in sentence.text
    assert all(part in sentence.note for part in ("507", "55,012", "500", "每一份餐", "甲", "纸质台账"))
    assert "。。" not in sentence.note
    content["metrics"][0]["estimated"] = True
    with place.app.test_request_context():
        assert "约5.5万" in document(content).sentences[0].text

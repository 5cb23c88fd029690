"""The screens of the subsidy rules: made, ended, tried, and what changes next month."""
from __future__ import annotations

import io
from datetime import date
from decimal import Decimal

import openpyxl
import pytest
import sqlalchemy as sa

from core.api import LifeState
from plugins.canteen.models import AidForm, Diner, Meal, SubsidyRule
from plugins.canteen.services import record_meal
from plugins.canteen.subsidies.claims import changes_of
from plugins.canteen.subsidies.rules import AgeCounts
from tests.forms import fields_of
from tests.plugins.canteen_people import kind_id, once
from tests.plugins.canteen_rules import keep, lunch, settle_in, tag_id
from tests.plugins.test_canteen_subsidies import NOON

RULES, MEALS = "/upper/canteen/rules/", "/upper/canteen/meals/"
DECEMBER = date(2026, 12, 1)
TERMS = {"name": "高龄助餐", "starts_on": "2026-11-01", "ends_on": "", "age_from": "70", "age_to": "89",
         "form": "amount", "amount": "3", "percent": "", "priority": "0", "meals_a_day": "", "meals_a_month": "",
         "yuan_a_day": "", "yuan_a_month": "60", "city_share": "0", "district_share": "40", "street_share": "60",
         "community_share": "0", "donor_share": "0"}


def text(answer):
    return answer.get_data(as_text=True)


def rules(place):
    with place.app.app_context(), place.session("upper") as session:
        return [(r.name, r.starts_on, r.ends_on, r.amount, r.percent, sorted(t.tag_kind_id for t in r.tags),
                 [k.kind_id for k in r.kinds]) for r in session.scalars(sa.select(SubsidyRule).where(
                     SubsidyRule.deleted_at.is_(None)).order_by(SubsidyRule.id))]


@pytest.fixture
def paid(place):
    """(id of a rule that paid for a meal and once more for one that was voided, name of the diner's age)."""
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        rule = keep(session, name="高龄助餐", age_from=70, amount="3", city=50, donor=50)
        diner = settle_in(session, "张秀英", "1951-03-04")
        for day in (20, 21, 22):
            meal = record_meal(session, diner, date(2026, 11, day), lunch(session), "dine_in", "王敏", NOON)
        meal.voided_at, meal.voided_by, meal.void_reason = NOON, "王敏", "记错"
        session.flush()
        taken = session.scalars(sa.select(Meal).where(Meal.day == date(2026, 11, 21))).one()
        taken.reversed_on = date(2026, 11, 22)
        session.add(Meal(
            diner=diner, kind=taken.kind, day=taken.day, booked_on=date(2026, 11, 22), way=taken.way, rule=rule,
            source=taken.source, recorded_by="王敏", recorded_at=NOON, reverses=taken, standard_price=-15, self_pay=-12,
            government=Decimal("-1.50"), other_aid=Decimal("-1.50"), city_pays=Decimal("-1.50"),
            donors_pay=Decimal("-1.50")))
        session.flush()
        return rule.id


def test_a_rule_is_made_and_changed_as_the_office_says_it(place):
    manager = place.browser("manager.upper")
    with place.app.app_context(), place.session("upper") as session:
        poor, lonely = tag_id(session, "低保"), tag_id(session, "独居")
    noon = kind_id(place, "午餐")
    made = manager.post(RULES + "new/", {**TERMS, "once": once(), "percent": "30", "tags": [str(poor), str(lonely)],
                                         "kinds": str(noon)})
    assert made.status_code == 302
    [kept] = rules(place)  # the percent is not of this form
    assert kept == ("高龄助餐", date(2026, 11, 1), None, 3, None, sorted((poor, lonely)), [noon])
    page = text(manager.get(made.location))
    assert all(said in page for said in ("70–89", "低保", "独居", "午餐", "3.00", "40%", "60%", "60.00"))
    above = place.browser("street").get("/street/canteen/rules/")
    assert "70–89" in text(manager.get(RULES)) and "70–89" in text(above)

    edit = made.location.replace("details", "edit")
    form = fields_of(text(manager.get(edit)))
    assert sorted(form["tags"]) == sorted((str(poor), str(lonely))) and form["district_share"] == "40"
    assert manager.post(edit, {**form, "tags": str(lonely), "form": "share", "percent": "33"}).status_code == 302
    assert rules(place)[0][3:6] == (None, 33, [lonely])
    late = manager.post(edit, {**form, "once": once(), "name": "另一个名字"})  # a tick alone is a change too
    assert late.status_code == 409


def test_a_rule_that_cannot_be_meant_is_refused_with_what_to_do(place):
    manager = place.browser("manager.upper")
    for values, said in (
        ({"street_share": "40"}, "20"), ({"city_share": "10"}, "110"), ({"amount": ""}, ""), ({"age_to": "60"}, "70"),
        ({"ends_on": "2026-10-31"}, "2026-11-01"), ({"form": "share"}, ""), ({"amount": "3.005"}, ""),
        ({"street_share": "-60"}, ""), ({"meals_a_day": "0"}, ""), ({"tags": "770001"}, ""),
        ({"city_share": "9" * 30}, ""), ({"amount": "NaN"}, ""),
    ):
        answer = manager.post(RULES + "new/", {**TERMS, "once": once(), **values})
        page = text(answer)
        assert answer.status_code == 422 and 'class="wrong"' in page, values
        assert said in page.partition('class="wrong"')[2], values
    assert rules(place) == []


def test_the_terms_of_a_rule_that_paid_stand_and_another_follows_it(place, paid):
    manager, before = place.browser("manager.upper"), rules(place)
    offered = manager.get(f"{RULES}edit/?id={paid}")
    assert offered.status_code == 302 and "/replace/" in offered.location
    assert manager.post(f"{RULES}edit/?id={paid}", {**TERMS, "once": once(), "row_version": "1"}).status_code == 302
    assert "/replace/" in manager.post(f"{RULES}delete/?id={paid}").location
    manager.post(RULES + "action/", {"action": "delete", "rowid": str(paid), "sure": "1"})
    assert rules(place) == before

    form = fields_of(text(manager.get(offered.location)))
    assert (form["name"], form["amount"], form["starts_on"], form["city_share"]) == (
        "高龄助餐", "3.00", "2026-11-24", "50")
    early = manager.post(offered.location, {**form, "once": once(), "starts_on": "2026-01-01"})
    assert early.status_code == 422 and rules(place) == before
    form |= {"amount": "4", "starts_on": "2026-12-16"}
    first, again = (manager.post(offered.location, form) for _click in range(2))
    assert first.location == again.location and first.status_code == again.status_code == 302
    old, new = rules(place)
    assert old[1:4] == (date(2026, 1, 1), date(2026, 12, 15), 3) and new[1:4] == (date(2026, 12, 16), None, 4)


def test_a_rule_is_ended_on_a_day_and_what_it_paid_stays(place, paid):
    manager, url = place.browser("manager.upper"), f"{RULES}end/?id={paid}"
    form = fields_of(text(manager.get(url)))
    assert manager.post(url, {**form, "ends_on": "2025-12-31"}).status_code == 422
    assert manager.post(url, {**form, "once": once(), "ends_on": "2026-11-20"}).status_code == 302
    assert rules(place)[0][2] == date(2026, 11, 20)
    with place.app.app_context(), place.session("upper") as session:
        assert session.scalar(sa.select(sa.func.count()).where(Meal.rule_id == paid)) == 4


def test_a_rule_goes_to_the_bin_unless_a_meal_even_a_voided_one_keeps_it(place):
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        unused = keep(session, name="甲", amount="3", age_to=1).id
        once_used = keep(session, name="乙", amount="3").id
        meal = record_meal(session, settle_in(session, "张秀英", "1951-03-04"), date(2026, 11, 20), lunch(session),
                           "dine_in", "王敏", NOON)
        meal.voided_at = NOON
    manager = place.browser("manager.upper")
    for number in (unused, once_used):
        manager.post(f"{RULES}delete/?id={number}")
        manager.post(RULES + "action/", {"action": "delete", "rowid": str(number), "sure": "1"})
    assert [name for name, *_terms in rules(place)] == ["乙"]


def test_a_rule_of_the_same_name_on_the_same_days_is_told_and_not_refused(place):
    manager = place.browser("manager.upper")
    told = []
    for start in ("2026-11-01", "2026-11-15"):
        made = manager.post(RULES + "new/", {**TERMS, "once": once(), "starts_on": start})
        told.append("flash warn" in text(manager.get(made.location)))
    assert told == [False, True] and len(rules(place)) == 2


def test_the_page_of_a_rule_leads_to_exactly_the_meals_it_paid(place, paid):
    manager = place.browser("manager.upper")
    page = text(manager.get(f"{RULES}details/?id={paid}"))
    link = page.partition('<dd><span><a class="link" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert f"rule={paid}" in link and "3.00" in page
    listed = text(manager.get(link))
    assert listed.count("2026-11-20") and "2026-11-21" not in listed and "2026-11-22" not in listed
    others = text(manager.get(f"{MEALS}?rule={paid}&eaten=no"))
    assert "2026-11-21" in others and "2026-11-20" not in others


def test_the_page_of_a_meal_names_rule_age_and_payers(place, paid):
    with place.app.app_context(), place.session("upper") as session:
        number = session.scalar(sa.select(Meal.id).where(Meal.day == date(2026, 11, 20)))
    page = text(place.browser("manager.upper").get(f"{MEALS}details/?id={number}"))
    assert "高龄助餐" in page and "<span>75</span>" in page and page.count("<span>1.50</span>") == 4
    assert "高龄助餐" in text(place.browser("auditor").get(MEALS))


def test_a_trial_says_of_every_rule_what_it_pays_or_why_not(place, paid):
    with place.app.app_context(), place.session("upper", writes=True) as session:
        resident = session.scalars(sa.select(Diner.resident_id)).one()
        keep(session, name="给更老的人", age_from=90, amount="5")
        keep(session, name="比例", form=AidForm.SHARE, percent=33)
        keep(session, name="明年", amount="9", starts_on=date(2027, 1, 1))
    staff = place.browser("staff.upper")
    asked = {"resident": resident, "day": "2026-11-23", "kind": kind_id(place, "午餐"), "price": "12.35"}
    page = text(staff.get("/upper/canteen/trial/", query_string=asked))
    rows = [row for row in page.split("<tr>") if "rules/details" in row]
    assert all(name in row for name, row in zip(("比例", "高龄助餐", "给更老的人", "明年"), rows, strict=True))
    assert "4.08" in rows[0] and 'class="tag ok"' in rows[0] and "3.00" in rows[1] and "—" in rows[2]
    assert "8.27" in page  # what the diner pays
    assert staff.get("/upper/canteen/trial/", query_string={**asked, "price": ""}).status_code == 200
    for wrong in ({"resident": "1e9"}, {"day": "x"}, {"kind": "0"}, {"price": "-1"}, {"price": "NaN"}):
        assert staff.get("/upper/canteen/trial/", query_string={**asked, **wrong}).status_code == 422
    assert place.browser("auditor").get("/upper/canteen/trial/").status_code == 403


# -- 下月变动 -------------------------------------------------------------------------------------


@pytest.fixture
def street_of_changes(place):
    """Diners of whom something changes in December 2026, and those of whom nothing does."""
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        poor = tag_id(session, "低保")
        keep(session, name="高龄", age_from=70, age_to=89, amount="3")
        keep(session, name="困难", tags=(poor,), amount="4")
        keep(session, name="九十", age_from=90, amount="5", ends_on=date(2026, 12, 15))
        keep(session, name="九十", age_from=90, amount="6", starts_on=date(2026, 12, 16))
        session.flush()
        settle_in(session, "将满七十", "1956-12-15")
        settle_in(session, "将满九十", "1936-12-31")
        settle_in(session, "已满七十", "1956-11-15")
        settle_in(session, "满七十一", "1955-12-15")
        settle_in(session, "已经迁走", "1956-12-20", state=LifeState.MOVED, state_on=date(2026, 11, 1))
        settle_in(session, "失去标签", "1966-05-05", tags=[("低保", date(2026, 1, 1), date(2026, 12, 20))])
        settle_in(session, "月底失去", "1966-05-05", tags=[("低保", date(2026, 1, 1), date(2026, 11, 30))])
        settle_in(session, "接着持有", "1966-05-05", tags=[("低保", date(2026, 1, 1), date(2026, 12, 20)),
                                                       ("低保", date(2026, 12, 21), None)])
        settle_in(session, "得到标签", "1966-05-05", tags=[("低保", date(2026, 12, 5), None)])
        settle_in(session, "无关标签", "1966-05-05", tags=[("独居", date(2026, 12, 5), None)])
    return place


def changes(place, month, how):
    with place.app.test_request_context(), place.session("upper") as session:
        found = changes_of(session, month, how, lunch(session).id, Decimal(15))
        aids = [tuple(getattr(offer, "aid", 0) for offer in (c.before, c.after)) for c in found]
        return [(c.day.isoformat()[5:], c.resident.name if c.resident else None, *aid)
                for c, aid in zip(found, aids, strict=True)]


def test_the_list_says_who_turns_what_gets_or_loses_a_tag_and_which_rules_change(street_of_changes):
    others = [("12-01", "月底失去", 4, 0), ("12-05", "得到标签", 0, 4), ("12-16", None, 0, 0),
              ("12-21", "失去标签", 4, 0)]
    expected = {
        AgeCounts.DAY: [("12-15", "将满七十", 0, 3), ("12-31", "将满九十", 3, 6)],
        AgeCounts.MONTH: [("12-01", "将满七十", 0, 3), ("12-01", "将满九十", 3, 5)],
        AgeCounts.NEXT_MONTH: [("12-01", "已满七十", 0, 3), ("01-01", "将满七十", 0, 3), ("01-01", "将满九十", 3, 6)],
    }
    for how, birthdays in expected.items():
        found = changes(street_of_changes, DECEMBER, how)
        assert sorted(found, key=str) == sorted([*others, *birthdays], key=str)


def test_who_was_born_on_29_february_is_listed_in_march(place):
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        settle_in(session, "闰日出生", "1956-02-29")
    assert changes(place, date(2026, 2, 1), AgeCounts.DAY) == []
    assert [c[:2] for c in changes(place, date(2026, 3, 1), AgeCounts.DAY)] == [("03-01", "闰日出生")]


def test_the_list_is_shown_printed_and_exported_and_names_only_to_those_who_see_them(street_of_changes):
    place, url = street_of_changes, "/upper/canteen/changes/"
    manager, auditor = place.browser("manager.upper"), place.browser("auditor")
    for view in (url, url + "print/", url + "?month=2026-12", url + "?month=9999-99"):
        page = text(manager.get(view))
        assert "将满七十" in page and "2026-12-15" in page and "满七十一" not in page and "无关标签" not in page
    masked = text(auditor.get(url))
    assert "将满七十" not in masked and "将*" in masked and "2026-12-15" not in masked and "2026-12" in masked
    assert "2026-12-16" in masked  # the day of a rule tells nobody's birthday
    sheet = openpyxl.load_workbook(io.BytesIO(manager.post(url + "excel/").get_data())).active
    cells = [[cell.value for cell in row] for row in sheet.rows]
    assert any("将满七十" in row and 3 in row for row in cells)
    assert auditor.post(url + "excel/").status_code == 403
    assert "将满七十" not in text(manager.get(url + "?month=2027-02"))



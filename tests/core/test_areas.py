"""The tree of areas: adding, renaming, moving, closing, declared figures; over HTTP."""
from __future__ import annotations

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from core.accounts.models import AccountEvent
from core.areas.models import Area, AreaKind, AreaProfile
from core.areas.scope import scope_of, session_for
from core.areas.service import RESERVED_SLUGS, check_division_code, check_slug
from core.errors import ValidationError
from core.residents.models import TagKind

NEW = {"name": "左邻社区", "kind": "community", "slug": "zuolin", "division_code": ""}


def add(place, browser, **values):
    return browser.post("/street/manage/areas/new/", {**NEW, "parent": place.ids["street"], **values})


def area(place, slug):
    with place.app.app_context(), session_for(None, "a test looks") as reading:
        found = reading.scalar(sa.select(Area).where(Area.slug == slug))
        return found


def button(place, browser, what, slug):
    return browser.post(f"/street/manage/areas/{what}/?id={area(place, slug).id}", follow_redirects=True)


def test_an_added_community_is_there_with_its_defaults(place):
    street = place.browser("street")
    assert add(place, street).status_code == 302
    made = area(place, "zuolin")
    assert made.path == f"{area(place, 'street').path}{made.id}/"
    assert street.get("/zuolin/").status_code == 200
    with place.app.app_context(), session_for(scope_of(made), "a test looks") as reading:
        assert reading.scalar(sa.select(sa.func.count()).select_from(TagKind)) > 0


def test_depth_is_data(place):
    street = place.browser("street")
    add(place, street, name="东片服务区", kind="service_area", slug="east")
    add(place, street, parent=area(place, "east").id)
    assert area(place, "zuolin").depth == 2
    assert "　　左邻社区" in street.get("/street/manage/areas/").get_data(as_text=True)


@pytest.mark.parametrize(("field", "value", "words"), [
    ("slug", "upper", "taken"), ("slug", "login", "reserved"), ("slug", "Static", "reserved"),
    ("slug", "9lives", "begins"),
    ("slug", "中福", "begins"), ("slug", "a b", "begins"), ("name", "上游社区", "already"), ("name", "左", "2 to 30"),
    ("division_code", "37021100101", "12 digits"), ("division_code", "370211001000", "000"),
    ("division_code", "37021100100A", "12 digits"),
    ("kind", "planet", ""), ("parent", "999999", ""),
])
def test_a_wrong_value_is_refused_at_its_field_and_what_was_typed_stays(place, field, value, words):
    street = place.browser("street")
    street.post("/account/language", {"language": "en"})
    answer = add(place, street, **{field: value})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and 'class="wrong"' in page and words in page
    assert NEW["name"] in page or field == "name"
    assert area(place, "zuolin") is None


def test_a_division_code_belongs_to_one_area(place):
    street = place.browser("street")
    assert add(place, street, division_code="370211001003").status_code == 302
    full_width = "３７０２１１００１００３"
    second = add(place, street, name="右邻社区", slug="youlin", division_code=full_width)
    assert second.status_code == 422
    assert area(place, "youlin") is None


def test_a_community_has_nothing_below_it(place):
    add(place, place.browser("street"), parent=place.ids["upper"])
    assert area(place, "zuolin") is None


def test_a_renamed_area_keeps_its_people_and_records(place):
    street, staff = place.browser("street"), place.browser("staff.upper")
    answer = street.post(f"/street/manage/areas/edit/?id={place.ids['upper']}",
                         {"name": "上游新村社区", "kind": "community", "slug": "shangyou", "division_code": ""})
    assert answer.status_code == 302
    assert staff.get("/upper/").status_code == 404
    assert "上游新村社区" in staff.get("/shangyou/").get_data(as_text=True)


def test_a_community_never_becomes_another_kind(place):
    place.browser("street").post(f"/street/manage/areas/edit/?id={place.ids['upper']}",
                                 {"name": "上游社区", "kind": "street", "slug": "upper"})
    assert area(place, "upper").kind == AreaKind.COMMUNITY


def test_moving_asks_first_and_takes_everything_below_along(place):
    street = place.browser("street")
    add(place, street, name="东片服务区", kind="service_area", slug="east")
    add(place, street, name="西片服务区", kind="service_area", slug="west")
    add(place, street, parent=area(place, "east").id)
    url = f"/street/manage/areas/move/?id={area(place, 'east').id}"
    values = {"parent": area(place, "west").id}
    assert "东片服务区" in street.post(url, values).get_data(as_text=True)
    assert area(place, "zuolin").depth == 2
    assert street.post(url, {**values, "sure": "1"}).status_code == 302
    assert area(place, "zuolin").path.startswith(area(place, "east").path)
    assert area(place, "east").path.startswith(area(place, "west").path)


def test_an_area_does_not_move_below_itself(place):
    street = place.browser("street")
    add(place, street, name="东片服务区", kind="service_area", slug="east")
    add(place, street, name="东一片", kind="service_area", slug="east-one", parent=area(place, "east").id)
    before = area(place, "east").path
    street.post(f"/street/manage/areas/move/?id={area(place, 'east').id}",
                {"parent": area(place, "east-one").id, "sure": "1"})
    assert area(place, "east").path == before


def test_a_closed_area_is_read_but_not_written_and_can_be_opened_again(place):
    street, staff = place.browser("street"), place.browser("staff.upper")
    button(place, street, "close", "upper")
    assert area(place, "upper").closed_on is not None
    assert staff.get("/upper/residents/people/").status_code == 200
    assert staff.get("/upper/residents/people/new/").status_code == 403
    assert staff.post("/upper/residents/tags/new/", {"name": "x"}).status_code == 403
    button(place, street, "reopen", "upper")
    assert staff.get("/upper/residents/people/new/").status_code == 200


def test_what_lies_below_is_closed_first(place):
    system = place.browser("system")
    add(place, system, name="东片服务区", kind="service_area", slug="east")
    add(place, system, parent=area(place, "east").id)
    assert "左邻社区" in button(place, system, "close", "east").get_data(as_text=True)
    assert area(place, "east").closed_on is None


def test_nobody_closes_or_moves_the_area_he_stands_in(place):
    street = place.browser("street")
    for what in ("close", "move", "reopen"):
        assert street.post(f"/street/manage/areas/{what}/?id={place.ids['street']}").status_code == 404


def test_a_manager_writes_figures_of_his_community_and_nothing_else(place):
    manager = place.browser("manager.upper")
    url = f"/upper/manage/areas/profile/?id={place.ids['upper']}"
    assert manager.post(url, {"year": "2026", "households": "1549", "residents": "4318"}).status_code == 302
    assert "4,318" in manager.get("/upper/manage/areas/").get_data(as_text=True)
    assert manager.get(f"/upper/manage/areas/profile/?id={place.ids['lower']}").status_code == 404
    assert manager.post(f"/upper/manage/areas/figures/?id={place.ids['street']}").status_code == 405
    for what in ("new", "edit", "move", "close"):
        assert manager.post(f"/upper/manage/areas/{what}/?id={place.ids['upper']}", NEW).status_code == 403


def test_each_year_has_one_profile(place):
    street = place.browser("street")
    url = f"/street/manage/areas/profile/?id={place.ids['upper']}"
    for year, people in (("2025", "4200"), ("2026", "4318"), ("2026", "4320")):
        street.post(url, {"year": year, "residents": people, "area_km2": "0.47"})
    with place.app.app_context(), session_for(None, "a test looks") as reading:
        found = reading.execute(sa.select(AreaProfile.year, AreaProfile.residents).order_by(AreaProfile.year)).all()
    assert found == [(2025, 4200), (2026, 4320)]


@pytest.mark.parametrize("value", ["-1", "99999999999999999999", "many", "1.5"])
def test_a_figure_that_is_none_is_refused(place, value):
    answer = place.browser("street").post(f"/street/manage/areas/profile/?id={place.ids['upper']}",
                                          {"year": "2026", "residents": value})
    assert answer.status_code == 422 and "aria-invalid" in answer.get_data(as_text=True)


@pytest.mark.parametrize("number", ["0", "-5", "abc", "999999", "99999999999999999999999", "%00"])
def test_an_area_that_is_not_there_is_unknown(place, number):
    assert place.browser("street").get(f"/street/manage/areas/edit/?id={number}").status_code == 404


def test_what_was_done_to_areas_is_logged(place):
    add(place, place.browser("street"))
    with place.app.app_context(), session_for(None, "a test looks") as reading:
        event = reading.scalars(sa.select(AccountEvent).where(AccountEvent.what.contains("左邻社区"))).one()
    assert (event.username, event.area_id) == ("street", area(place, "zuolin").id)


def test_every_first_part_of_an_address_is_reserved(place):
    first = {rule.rule.split("/")[1] for rule in place.app.url_map.iter_rules()}
    assert {part for part in first if part and "<" not in part} <= RESERVED_SLUGS


@given(st.text(max_size=20))
def test_a_division_code_is_twelve_digits_or_refused(text):
    class Nothing:
        def scalar(self, _query):
            return None

    try:
        found = check_division_code(Nothing(), text, AreaKind.DISTRICT)
    except ValidationError:
        return
    assert found is None or (len(found) == 12 and found.isascii() and found.isdecimal())


@given(st.text(max_size=45))
def test_a_short_name_can_stand_in_an_address_or_is_refused(text):
    class Nothing:
        def scalar(self, _query):
            return None

    try:
        found = check_slug(Nothing(), text)
    except ValidationError:
        return
    assert 3 <= len(found) <= 40 and found.isascii() and not set(found) - set("abcdefghijklmnopqrstuvwxyz0123456789-")


@pytest.mark.parametrize("typed", ["sNaN", "Infinity", "1E+999999"])
def test_a_size_that_is_no_number_is_refused(place, typed):
    answer = place.browser("street").post(f"/street/manage/areas/profile/?id={place.ids['upper']}",
                                          {"year": "2026", "area_km2": typed})
    assert answer.status_code == 422 and 'class="wrong"' in answer.get_data(as_text=True)

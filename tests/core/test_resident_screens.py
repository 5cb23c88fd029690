"""The residents' list, page and form, as the office uses them."""
from __future__ import annotations

import io
import re
from datetime import date
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa

from core.audit.models import AuditEntry, Deed
from core.residents.identity import demo_identity
from core.residents.models import LifeState, Resident, TagKind
from core.residents.service import add_phones, fill_resident, new_resident, tick_tags
from core.residents.sex import Sex

PEOPLE = "/upper/residents/people/"
NUMBER = demo_identity(date(1941, 3, 5), Sex.FEMALE, 7)
TODAY = date(2026, 11, 23)
WORDS = {"name": "王秀英", "sex": "female", "state": "alive"}


def words(answer: Any) -> str:
    """The words of a page's main part."""
    page = answer.get_data(as_text=True)
    page = page[page.find("<main"):page.find("</main>")] if "<main" in page else page
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def table(answer: Any) -> str:
    """The words of the list itself."""
    page = answer.get_data(as_text=True)
    return page[page.find("<tbody"):page.find("</tbody>")]


def stored(place: Any, slug: str = "upper") -> list[Resident]:
    """Everybody, with phones and tags."""
    with place.app.app_context(), place.session(slug) as reading:
        found = list(reading.scalars(sa.select(Resident).order_by(Resident.id)))
        for each in found:
            each.told = [p.number for p in each.phones]
            each.kept = [(t.kind.name, t.starts_on, t.ends_on) for t in each.tags]
            each.phone_ids = [p.id for p in each.phones]
        reading.expunge_all()
    return found


def put(place: Any, name: str = "王秀英", phones: tuple[str, ...] = ("13855551234",), tags: tuple[str, ...] = (),
        slug: str = "upper", **values: Any) -> int:
    """A resident in the database."""
    with place.app.test_request_context(), place.session(slug, writes=True) as session:
        resident = new_resident()
        fill_resident(resident, {"name": name, **values}, TODAY)
        add_phones(resident, phones)
        session.add(resident)
        kinds = list(session.scalars(sa.select(TagKind).where(TagKind.name.in_(tags))))
        tick_tags(resident, kinds, date(2026, 1, 1), TODAY, None)
        session.flush()
        return resident.id


def create(browser: Any, **values: Any) -> Any:
    """Fill in the form for a new resident."""
    form = browser.form(PEOPLE + "new/")
    return browser.post(PEOPLE + "new/", {"once": form["once"], **WORDS, **values})


def change(browser: Any, number: int, **values: Any) -> Any:
    """Change a resident with the form as it is filled."""
    url = f"{PEOPLE}edit/?id={number}"
    form = {k: v for k, v in browser.form(url).items() if k not in ("csrf_token", "next")}
    return browser.post(url, {**form, **WORDS, **values})


def tag_id(place: Any, name: str) -> str:
    with place.app.app_context(), place.session("upper") as reading:
        return str(reading.scalar(sa.select(TagKind.id).where(TagKind.name == name)))


def test_a_resident_is_made_with_phones_house_and_tags(place: Any) -> None:
    browser = place.browser("staff.upper")
    answer = create(browser, identity_number=NUMBER, new_phones="13855551234、0555-1234567", whose="女儿",
                    compound="幸福小区", building="3", unit="2", room="301", tags=tag_id(place, "独居"),
                    contact_note="耳背")
    assert answer.status_code == 302, words(answer)
    resident, = stored(place)
    assert (resident.birth_date, resident.address) == (date(1941, 3, 5), "幸福小区 3栋2单元301")
    assert resident.told == ["13855551234", "05551234567"]
    assert resident.kept == [("独居", TODAY, None)]
    page = words(browser.get(answer.location))
    assert "138****1234" in page and "女儿" in page and "独居 2026-11-23" in page
    for private in ("13855551234", NUMBER, "耳背"):
        assert private not in page


def test_a_contradicting_birth_date_is_told_at_its_field(place: Any) -> None:
    answer = create(place.browser("staff.upper"), identity_number=NUMBER, birth_date="1941-03-06")
    assert answer.status_code == 422 and "1941-03-05" in words(answer)
    assert not stored(place)


def test_a_wrong_phone_is_told_at_its_field(place: Any) -> None:
    answer = create(place.browser("staff.upper"), new_phones="1385555")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and 'id="new_phones-error"' in page


def test_a_possible_double_is_asked_about_first(place: Any) -> None:
    put(place, birth_date=date(1941, 3, 5), compound="幸福小区", building="3", room="301")
    browser = place.browser("staff.upper")
    answer = create(browser, birth_date="1941-03-05")
    assert answer.status_code == 422 and "仍要新增" in words(answer) and "幸福小区 3栋301" in words(answer)
    assert create(browser, new_phones="13855551234").status_code == 422
    assert len(stored(place)) == 1
    assert create(browser, birth_date="1941-03-05", another_person="y").status_code == 302
    assert create(browser, birth_date="1950-01-01").status_code == 302, "only the name is the same"
    assert len(stored(place)) == 3


def test_the_form_holds_no_private_value_and_keeps_it(place: Any) -> None:
    number = put(place, identity_number=NUMBER, contact_note="耳背")
    browser = place.browser("staff.upper")
    page = browser.get(f"{PEOPLE}edit/?id={number}").get_data(as_text=True)
    for private in ("13855551234", NUMBER, "耳背"):
        assert private not in page
    assert change(browser, number, compound="阳光小区").status_code == 302
    resident, = stored(place)
    assert (resident.identity_number, resident.contact_note, resident.compound) == (NUMBER, "耳背", "阳光小区")
    assert resident.told == ["13855551234"]


def test_ticked_phones_are_removed_and_new_ones_added(place: Any) -> None:
    number = put(place)
    browser = place.browser("staff.upper")
    old = str(stored(place)[0].phone_ids[0])
    assert change(browser, number, phones=old, new_phones="13800000000").status_code == 302
    assert stored(place)[0].told == ["13800000000"]


def test_somebody_elses_phone_cannot_be_removed(place: Any) -> None:
    number = put(place)
    other = put(place, "李四", ("13900000001",))
    foreign = next(r for r in stored(place) if r.id == other).phone_ids[0]
    assert change(place.browser("staff.upper"), number, phones=str(foreign)).status_code == 422
    assert [r.told for r in stored(place)] == [["13855551234"], ["13900000001"]]


def test_unticked_tags_end_and_ticked_ones_begin(place: Any) -> None:
    number = put(place, tags=("独居", "低保"))
    browser = place.browser("staff.upper")
    ticked = [tag_id(place, name) for name in ("低保", "空巢")]
    assert change(browser, number, tags=ticked, tags_on="2026-11-01").status_code == 302
    begun = date(2026, 1, 1)
    assert sorted(stored(place)[0].kept) == [
        ("低保", begun, None), ("独居", begun, date(2026, 10, 31)), ("空巢", date(2026, 11, 1), None)]


def test_two_people_changing_tags_at_once_do_not_overwrite_each_other(place: Any) -> None:
    number = put(place)
    first, second = place.browser("staff.upper"), place.browser("manager.upper")
    stale = second.form(f"{PEOPLE}edit/?id={number}")["row_version"]
    assert change(first, number, tags=tag_id(place, "独居")).status_code == 302
    assert change(second, number, row_version=stale).status_code == 409


def test_deceased_asks_for_the_day(place: Any) -> None:
    number = put(place)
    browser = place.browser("staff.upper")
    assert change(browser, number, state="deceased").status_code == 422
    assert change(browser, number, state="deceased", state_on="2026-11-20").status_code == 302
    assert stored(place)[0].state is LifeState.DECEASED
    assert "去世" in words(browser.get(PEOPLE)) or "已故" in words(browser.get(PEOPLE))


def test_a_phone_is_revealed_by_itself_with_a_reason_that_is_logged(place: Any) -> None:
    number = put(place, identity_number=NUMBER, phones=("13855551234", "13900000002"))
    browser = place.browser("staff.upper")
    url = f"{PEOPLE}reveal/?id={number}&field=phone-{stored(place)[0].phone_ids[0]}"
    assert "13855551234" not in words(browser.post(url, {"reason": ""}, follow_redirects=True))
    page = words(browser.post(url, {"reason": "上门核对"}))
    assert "13855551234" in page and "13900000002" not in page and NUMBER not in page
    with place.app.app_context(), place.session("upper") as reading:
        entry = reading.scalars(sa.select(AuditEntry).where(AuditEntry.deed == Deed.REVEALED)).one()
        assert (entry.record_id, entry.reason, entry.username) == (number, "上门核对", "staff.upper")
        assert "13855551234" not in str(entry.changes)
    assert browser.get(url).status_code == 405


@pytest.mark.parametrize("field", ["phone-999999", "phone-", "name", "identity_hash", "phones"])
def test_what_is_not_hidden_cannot_be_revealed(place: Any, field: str) -> None:
    number = put(place)
    answer = place.browser("staff.upper").post(f"{PEOPLE}reveal/?id={number}&field={field}", {"reason": "核对"})
    assert answer.status_code == 404


def test_who_may_not_reveal_sees_masks_only(place: Any) -> None:
    number = put(place, identity_number=NUMBER, compound="幸福小区", building="3", room="301")
    auditor = place.browser("auditor")
    page = words(auditor.get(f"{PEOPLE}details/?id={number}"))
    for private in ("王秀英", "13855551234", NUMBER, "3栋"):
        assert private not in page
    assert "幸福小区*栋***" in page
    phone = stored(place)[0].phone_ids[0]
    answer = auditor.post(f"{PEOPLE}reveal/?id={number}&field=phone-{phone}", {"reason": "看看"})
    assert answer.status_code == 403


def test_an_address_elsewhere_is_revealed_only_one_at_a_time(place: Any) -> None:
    number = put(place, lives_elsewhere=True, other_address="滨河路8号2单元")
    browser = place.browser("staff.upper")
    for url in (PEOPLE, f"{PEOPLE}details/?id={number}", f"{PEOPLE}edit/?id={number}"):
        assert "滨河路" not in browser.get(url).get_data(as_text=True)
    assert "滨河路" in words(browser.post(f"{PEOPLE}reveal/?id={number}&field=other_address", {"reason": "走访"}))


@pytest.mark.parametrize("search", ["秀英", "wxy", "1234", "13855551234", NUMBER])
def test_the_list_is_searched(place: Any, search: str) -> None:
    put(place, identity_number=NUMBER)
    put(place, "李建国", ("13900009999",))
    page = table(place.browser("staff.upper").get(PEOPLE, query_string={"search": search}))
    assert "王秀英" in page and "李建国" not in page


def test_the_list_is_filtered_by_tag_sex_state_and_registration(place: Any) -> None:
    put(place, "王秀英", tags=("独居",), sex=Sex.FEMALE, registered_here=True)
    put(place, "李建国", sex=Sex.MALE, registered_here=False, state=LifeState.MOVED, state_on=date(2026, 1, 1))
    browser = place.browser("staff.upper")
    for query in ("tag=独居", "sex=female", "state=alive", "registered_here=1"):
        page = table(browser.get(f"{PEOPLE}?{query}"))
        assert "王秀英" in page and "李建国" not in page, query
    assert "王秀英" not in table(browser.get(f"{PEOPLE}?tag=低保"))


def test_an_ended_tag_is_no_tag_of_today(place: Any) -> None:
    number = put(place, tags=("独居",))
    browser = place.browser("staff.upper")
    change(browser, number, tags_on="2026-11-01")
    assert "王秀英" not in table(browser.get(f"{PEOPLE}?tag=独居"))
    assert "2026-01-01 – 2026-10-31" in words(browser.get(f"{PEOPLE}details/?id={number}"))


def test_the_export_has_words_not_markup(place: Any) -> None:
    put(place, tags=("独居", "低保"))
    book = openpyxl.load_workbook(io.BytesIO(place.browser("staff.upper").post(f"{PEOPLE}export/xlsx/").data))
    cells = [str(cell.value) for row in book.active.iter_rows() for cell in row]
    assert any(set(re.split("[、 ]+", cell)) == {"独居", "低保"} for cell in cells), cells
    assert not any("<" in cell for cell in cells)


def test_the_street_sees_masked_residents_of_all_communities(place: Any) -> None:
    put(place, tags=("独居",))
    put(place, "李建国", slug="lower")
    page = table(place.browser("street").get("/street/residents/people/"))
    assert "上游社区" in page and "下游社区" in page and "王秀英" not in page and "王**" in page


def test_another_communitys_resident_is_unknown(place: Any) -> None:
    number = put(place, slug="lower")
    browser = place.browser("staff.upper")
    for view in ("details", "edit"):
        assert browser.get(f"{PEOPLE}{view}/?id={number}").status_code == 404
    assert browser.post(f"{PEOPLE}reveal/?id={number}&field=phone-1", {"reason": "核对"}).status_code == 404


def test_a_building_that_grows_too_long_by_its_word_is_told_at_its_field(place: Any) -> None:
    browser = place.browser("staff.upper")
    for building in ("1" * 20, "㏂" * 10):
        assert create(browser, name="王秀英", building=building).status_code == 422
    assert stored(place) == []


def test_a_stale_form_names_the_private_fields_that_differ(place: Any) -> None:
    number = put(place)
    first, second = place.browser("staff.upper"), place.browser("manager.upper")
    stale = second.form(f"{PEOPLE}edit/?id={number}")["row_version"]
    assert change(first, number, contact_note="耳背").status_code == 302
    page = change(second, number, row_version=stale, contact_note="敲门").get_data(as_text=True)
    assert "耳背" not in page and "<span>***</span>" in page and "<span>敲门</span>" in page
    assert 'name="take-contact_note" value="mine" checked' in page


def test_what_still_uses_a_tag_is_named_as_its_screen_is(place: Any) -> None:
    put(place, tags=("独居",))
    answer = place.browser("manager.upper").post(
        f"/upper/residents/tags/delete/?id={tag_id(place, '独居')}", follow_redirects=True)
    page = answer.get_data(as_text=True)
    assert "居民档案 × 1" in page and "resident_tag" not in page

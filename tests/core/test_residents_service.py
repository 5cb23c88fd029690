"""Residents are written with their keys, contradictions refused; tags have dates; addresses are divided."""
from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from core.declarations import Candidates
from core.errors import ValidationError
from core.residents.address import House, make_house, parse_address
from core.residents.identity import demo_identity
from core.residents.models import LifeState, NamePart, Resident, ResidentTag, TagKind
from core.residents.service import (
    add_phones,
    fill_resident,
    find_doubles,
    find_resident,
    new_resident,
    tick_tags,
    whom_it_means,
)
from core.residents.sex import Sex

TODAY = date(2026, 11, 23)
BORN = date(1941, 3, 5)
NUMBER = demo_identity(BORN, Sex.FEMALE, 7)


@pytest.fixture
def writing(place: Any) -> Iterator[Any]:
    """A writing session of the upper community."""
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        yield session


def make(session: Any, name: str, phones: tuple[str, ...] = (), **values: Any) -> Resident:
    """A stored resident."""
    resident = new_resident()
    fill_resident(resident, {"name": name, **values}, TODAY)
    add_phones(resident, phones)
    session.add(resident)
    session.flush()
    return resident


def test_an_identity_number_gives_sex_and_birth_date(writing: Any) -> None:
    resident = make(writing, "王 秀英", identity_number=NUMBER.lower())
    assert (resident.name, resident.sex, resident.birth_date) == ("王秀英", Sex.FEMALE, BORN)


@pytest.mark.parametrize(("values", "field"), [
    ({"sex": Sex.MALE}, "sex"), ({"birth_date": date(1941, 3, 6)}, "birth_date"),
])
def test_a_number_against_sex_or_birth_date_is_refused_also_later(
    writing: Any, values: dict[str, Any], field: str
) -> None:
    resident = make(writing, "王秀英", identity_number=NUMBER)
    with pytest.raises(ValidationError) as refused:
        fill_resident(resident, values, TODAY)
    assert refused.value.field == field


def test_number_phone_and_notes_are_unreadable_in_the_database(writing: Any) -> None:
    make(writing, "王秀英", ("13855551234",), identity_number=NUMBER, contact_note="耳背，敲门听不见",
         lives_elsewhere=True, other_address="滨河路8号")
    connection = writing.connection()
    stored = [str(row) for table in ("resident", "resident_phone")
              for row in connection.exec_driver_sql(f"SELECT * FROM {table}")]
    for private in (NUMBER, "13855551234", "耳背", "滨河路"):
        assert not any(private in row for row in stored)


@pytest.mark.parametrize("text", [
    "秀英", "王 秀", "wangxiuying", "wxy", "WXY", "xiuying", "1234", "13855551234", "138-5555-1234",
    "１３８５５５５１２３４", NUMBER, NUMBER[:6] + " " + NUMBER[6:],
])
def test_a_resident_is_found_by_name_pinyin_phone_and_number(writing: Any, text: str) -> None:
    found = make(writing, "王秀英", ("13855551234",), identity_number=NUMBER)
    make(writing, "李建国", ("13800009999",))
    assert writing.scalars(sa.select(Resident).where(Resident.matches(text))).all() == [found]


@pytest.mark.parametrize("text", ["5551", "1385555123", "%", "_", "zzz", NUMBER[:-1] + "0"])
def test_a_piece_of_a_number_finds_nobody(writing: Any, text: str) -> None:
    make(writing, "王秀英", ("13855551234",), identity_number=NUMBER)
    assert writing.scalars(sa.select(Resident).where(Resident.matches(text))).all() == []


def test_any_piece_of_a_name_or_of_its_sound_finds_it(writing: Any) -> None:
    pieces = {"王桂兰": "王 桂 桂兰 wgl guil", "单贵生": "shangui dangui dgs", "吕秀英": "lvxiu luxiu 秀英",
              "李𠮷祥": "𠮷 𠮷祥", "阿依古丽·买买提": "买买提 mmt 古丽·买"}
    people = {name: make(writing, name) for name in pieces}
    for name, texts in pieces.items():
        for text in texts.split():
            assert writing.scalars(sa.select(Resident).where(Resident.matches(text))).all() == [people[name]], text


def test_a_new_name_is_found_and_the_old_one_no_longer(writing: Any) -> None:
    resident = make(writing, "王桂兰")
    fill_resident(resident, {"name": "王秀英"}, TODAY)
    writing.flush()
    for text, hits in (("桂兰", []), ("gl", []), ("秀英", [resident]), ("王", [resident])):
        assert writing.scalars(sa.select(Resident).where(Resident.matches(text))).all() == hits
    writing.delete(resident)
    writing.flush()
    assert writing.scalar(sa.select(sa.func.count()).select_from(NamePart)) == 0


def test_moved_or_deceased_needs_its_day(writing: Any) -> None:
    resident = make(writing, "王秀英", birth_date=BORN)
    for values in ({"state": LifeState.DECEASED}, {"state": LifeState.MOVED, "state_on": date(2026, 11, 24)},
                   {"state": LifeState.DECEASED, "state_on": date(1940, 1, 1)}):
        with pytest.raises(ValidationError) as refused:
            fill_resident(resident, values, TODAY)
        assert refused.value.field == "state_on"
        resident.state, resident.state_on = LifeState.ALIVE, None
    fill_resident(resident, {"state": LifeState.DECEASED, "state_on": TODAY}, TODAY)
    fill_resident(resident, {"state": LifeState.ALIVE}, TODAY)
    assert resident.state_on is None


def kinds(session: Any, *names: str) -> list[TagKind]:
    """Tags of the dictionary."""
    return list(session.scalars(sa.select(TagKind).where(TagKind.name.in_(names))))


def test_tags_begin_and_end_on_the_day_that_is_given(writing: Any) -> None:
    resident = make(writing, "王秀英")
    tick_tags(resident, kinds(writing, "独居", "低保"), date(2026, 1, 10), TODAY, None)
    tick_tags(resident, kinds(writing, "低保", "空巢"), date(2026, 6, 1), TODAY, None)
    told = sorted((tag.kind.name, tag.starts_on, tag.ends_on) for tag in resident.tags)
    assert told == [("低保", date(2026, 1, 10), None), ("独居", date(2026, 1, 10), date(2026, 5, 31)),
                    ("空巢", date(2026, 6, 1), None)]
    with pytest.raises(ValidationError):
        tick_tags(resident, [], date(2026, 5, 1), TODAY, None)


def test_a_tag_taken_back_on_its_first_day_was_never_there(writing: Any) -> None:
    resident = make(writing, "王秀英")
    tick_tags(resident, kinds(writing, "独居"), TODAY, TODAY, None)
    writing.flush()
    tick_tags(resident, [], TODAY, TODAY, None)
    writing.flush()
    assert writing.scalar(sa.select(sa.func.count(ResidentTag.id))) == 0


def test_tags_do_not_begin_in_the_future(writing: Any) -> None:
    with pytest.raises(ValidationError):
        tick_tags(make(writing, "王秀英"), kinds(writing, "独居"), date(2026, 11, 24), TODAY, None)


def test_a_row_is_matched_by_number_then_birth_date_then_phone_and_else_asked(writing: Any) -> None:
    known = make(writing, "王秀英", ("13855551234",), identity_number=NUMBER)
    make(writing, "王秀英", ("13855551234",), birth_date=date(1960, 1, 1))
    assert find_resident(writing, {"name": "王秀荣", "identity_number": NUMBER}) == [known]
    assert find_resident(writing, {"name": "王秀英", "birth_date": BORN}) == [known]
    found = find_resident(writing, {"name": "王秀英", "phones": ["13855551234"]})
    assert len(found) == 2, "two people of one name with one phone: ask"
    alone = find_resident(writing, {"name": "王秀英"})
    assert isinstance(alone, Candidates) and len(alone) == 2
    assert find_resident(writing, {"name": "王秀英", "birth_date": date(1950, 1, 1)}) == []


def test_another_known_number_is_another_person(writing: Any) -> None:
    known = make(writing, "王秀英", identity_number=NUMBER)
    assert whom_it_means(None, [known], demo_identity(BORN, Sex.FEMALE, 8), BORN, set()) == []


def test_doubles_are_living_namesakes_with_the_birth_date_or_a_phone(writing: Any) -> None:
    first = make(writing, "王秀英", ("13855551234",), birth_date=BORN)
    make(writing, "李建国", ("13855551234",), birth_date=BORN)
    again = new_resident()
    fill_resident(again, {"name": "王秀英", "birth_date": BORN}, TODAY)
    assert find_doubles(writing, again) == [first]
    again.birth_date = None
    assert find_doubles(writing, again) == []
    add_phones(again, ["138 5555 1234"])
    assert find_doubles(writing, again) == [first]


@pytest.mark.parametrize(("text", "house"), [
    ("幸福小区3栋2单元301", House("幸福小区", "3栋", "2单元", "301")),
    ("幸福小区 3 号楼 2 单元 301 室", House("幸福小区", "3号楼", "2单元", "301")),
    ("幸福小区３幢３０１", House("幸福小区", "3幢", None, "301")),
    ("幸福小区3-2-301", House("幸福小区", "3栋", "2单元", "301")),
    ("幸福小区3-301室", House("幸福小区", "3栋", None, "301")),
    ("盛世花园A座1203", House("盛世花园", "A座", None, "1203")),
    ("建设路12号院3号楼2单元301", House("建设路12号院", "3号楼", "2单元", "301")),
    ("建设路12号", House("建设路", "12号", None, None)),
    ("幸福小区", House("幸福小区")),
    ("3栋2单元301", House(None, "3栋", "2单元", "301")),
])
def test_an_address_in_one_cell_is_divided(text: str, house: House) -> None:
    assert parse_address(text) == house


@pytest.mark.parametrize("text", ["幸福小区3栋东边301", "13855551234", "某某路" * 20, "301"])
def test_an_address_that_cannot_be_divided_is_refused(place: Any, text: str) -> None:
    with place.app.test_request_context(), pytest.raises(ValidationError):
        parse_address(text)


@given(st.text("幸福小区", min_size=1, max_size=6), st.integers(1, 99), st.integers(1, 9), st.integers(101, 3399))
def test_a_written_house_is_read_again(compound: str, building: int, unit: int, room: int) -> None:
    house = make_house(compound, str(building), str(unit), str(room))
    assert parse_address(f"{house.compound}{house.building}{house.unit}{house.room}") == house

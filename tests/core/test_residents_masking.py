"""What those see who need not see everything (domain.md §7.2)."""
from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.residents.identity import demo_identity
from core.residents.masking import looks_masked, mask_address, mask_identity, mask_name, mask_phone, mask_text
from core.residents.sex import Sex


@pytest.mark.parametrize(("name", "masked"), [
    ("张三", "张*"), ("王小明", "王**"), ("欧阳娜", "欧阳*"), ("欧阳娜娜", "欧阳**"), ("欧阳", "欧*"),
    ("𠮷野", "𠮷*"), ("阿依古丽·买买提", "阿**"), ("Anna Smith", "A**"), ("张", "*"), ("", ""), (None, ""),
])
def test_of_a_name_the_surname_stays(name, masked):
    assert mask_name(name) == masked


@pytest.mark.parametrize(("number", "masked"), [
    ("11010519491231002X", "110105********002X"),
    ("110105491231002", "110105********1002"),
    ("11010519491231002X43", "110105********002X**"),
    ("11010519491231002X43B1", "110105********002X****"),
    ("G1234567", "********"), ("", ""), (None, ""),
])
def test_of_an_identity_number_the_birth_date_is_hidden(number, masked):
    assert mask_identity(number) == masked


@pytest.mark.parametrize(("phone", "masked"), [
    ("13855551234", "138****1234"), ("138 5555 1234", "138****1234"), ("05551234567", "*******4567"),
    ("0555-1234567", "*******4567"), ("2345678", "***5678"), ("110", "***"), ("", ""), (None, ""),
])
def test_of_a_phone_number_the_last_four_digits_stay(phone, masked):
    assert mask_phone(phone) == masked


@pytest.mark.parametrize(("parts", "masked"), [
    (("幸福小区", "3", "2", "501"), "幸福小区*栋*单元***"),
    (("幸福小区", "3", None, "501"), "幸福小区*栋***"),
    (("幸福小区", None, None, None), "幸福小区"),
    ((None, "3", "2", "501"), "*栋*单元***"),
    ((None, None, None, None), ""),
])
def test_an_address_is_shown_down_to_the_compound(parts, masked):
    assert mask_address(*parts) == masked


@pytest.mark.parametrize(("note", "masked"), [
    ("高血压", "***"), ("糖尿病,对青霉素过敏", "***"), ("  ", ""), ("", ""), (None, ""),
])
def test_a_note_shows_only_that_there_is_one(note, masked):
    assert mask_text(note) == masked


@pytest.mark.parametrize("text", ["张*", "138****1234", "110105********002X", "王＊＊", "张××"])
def test_masked_values_are_recognised(text):
    assert looks_masked(text)


@pytest.mark.parametrize("text", ["张三", "阿依古丽·买买提", "13855551234", "11010519491231002X", ""])
def test_full_values_do_not_look_masked(text):
    assert not looks_masked(text)


@given(st.dates(date(1900, 1, 1), date(2026, 1, 1)), st.integers(0, 499))
def test_no_masked_identity_number_tells_the_birth_date(born, serial):
    masked = mask_identity(demo_identity(born, Sex.FEMALE, serial))
    assert masked[6:14] == "********" and looks_masked(masked)


@given(st.text(st.characters(codec="utf-8", exclude_characters="*"), min_size=1, max_size=30))
def test_every_name_loses_something(name):
    assert looks_masked(mask_name(name)) and mask_name(name) != name

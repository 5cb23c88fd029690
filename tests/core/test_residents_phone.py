"""Phone numbers are read as offices write them."""
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ValidationError
from core.residents.phone import parse_phone, parse_phones

mobiles = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
landlines = st.from_regex(r"0(10|2[0-9]|[3-9][0-9]{2})[0-9]{8}", fullmatch=True)
numbers = st.one_of(mobiles, landlines)


def refusal(text: str | int | float) -> str:
    with pytest.raises(ValidationError) as caught:
        parse_phone(text)
    assert caught.value.field == "phone"
    return str(caught.value)


@pytest.mark.parametrize("written", [
    "13855551234", "138 5555 1234", "138-5555-1234", "１３８５５５５１２３４", "+86 138 5555 1234", "+8613855551234",
    "008613855551234", "8613855551234", "(+86)13855551234", "13855551234.0", "13855551234.", 13855551234, 13855551234.0,
    "'13855551234", "\u202d13855551234\u202c", " 13855551234\n",
])
def test_a_mobile_number_is_read_however_it_is_written(written):
    assert parse_phone(written) == "13855551234"


@pytest.mark.parametrize("written", [
    "0555-1234567", "0555 1234567", "(0555)1234567", "（０５５５）１２３４５６７", "0555—1234567", "+86 555 1234567",
    "+86-0555-1234567",
])
def test_a_landline_keeps_its_area_code(written):
    assert parse_phone(written) == "05551234567"


@pytest.mark.parametrize(("written", "digits"), [
    ("010-12345678", "01012345678"), ("021 87654321", "02187654321"), ("2345678", "2345678"), ("62345678", "62345678"),
    ("400-800-1234", "4008001234"), ("800 810 1234", "8008101234"),
    ("12345", "12345"), ("110", "110"), ("95598", "95598"), (12345.0, "12345"),
])
def test_landlines_and_services_are_read(written, digits):
    assert parse_phone(written) == digits


@pytest.mark.parametrize("text", ["138****1234", "138＊＊＊＊1234", "138××××1234"])
def test_a_masked_number_is_refused(text):
    assert "masked" in refusal(text)


@pytest.mark.parametrize("text", ["1.38556E+10", "1.38556e10", "1E10"])
def test_a_number_that_a_spreadsheet_has_shortened_is_refused(text):
    assert "set the column to text format" in refusal(text)


@pytest.mark.parametrize("text", ["", " 　", "-"])
def test_an_empty_number_is_refused(text):
    assert refusal(text) == "Enter a phone number"


@pytest.mark.parametrize("text", [
    "1385555123", "138555512345", "12855551234", "23855551234", "1234567", "0012345678", "无", "1385555123O",
    "13855551234、13955551234", float("nan"), float("inf"), 13855551234.5, "+8613855551234+86", "12", "-12",
])
def test_what_is_no_phone_number_is_refused(text):
    assert "no phone number" in refusal(text)


@given(numbers)
def test_reading_a_number_again_changes_nothing(number):
    assert parse_phone(parse_phone(number)) == number


@given(st.one_of(st.text(max_size=30), st.floats(), st.integers(), st.text("0123456789-+() .eE*", max_size=20)))
def test_whatever_is_typed_is_read_as_digits_or_refused_in_words(text):
    for parse in (parse_phone, parse_phones):
        try:
            assert all(c in "0123456789" for c in "".join(parse(text)))
        except ValidationError as error:
            assert str(error)


@pytest.mark.parametrize("text", [
    "13855551234、0555-1234567", "13855551234,0555-1234567", "13855551234，05551234567", "13855551234; 0555-1234567",
    "13855551234；0555 1234567", "13855551234/0555-1234567", "13855551234 0555-1234567", "13855551234\n0555-1234567",
    "138 5555 1234 0555 1234567", "138-5555-1234　0555-1234567", "13855551234、、0555-1234567、",
    "13855551234或0555-1234567", "13855551234、0555-1234567、138 5555 1234",
])
def test_a_cell_of_two_numbers_is_read(text):
    assert parse_phones(text) == ["13855551234", "05551234567"]


@given(st.lists(numbers, unique=True, max_size=5), st.sampled_from(["、", ",", ";", "/", " ", "  ", "\n", "， "]))
def test_numbers_come_back_in_order_however_they_are_joined(some, between):
    assert parse_phones(between.join(some)) == some


@pytest.mark.parametrize("text", ["", "  ", "、"])
def test_an_empty_cell_has_no_numbers(text):
    assert parse_phones(text) == []


@pytest.mark.parametrize("cell", [13855551234.0, 13855551234, "13855551234.0"])
def test_a_cell_that_is_a_number_is_one_phone(cell):
    assert parse_phones(cell) == ["13855551234"]


@pytest.mark.parametrize(("text", "words"), [
    ("13855551234、138****1234", "masked"), ("13855551234、1385555", "no phone number"),
    ("13855551234 儿子", "no phone"),
])
def test_one_bad_number_refuses_the_cell(text, words):
    with pytest.raises(ValidationError, match=words):
        parse_phones(text)

"""Identity numbers are read as offices write them and refused with a sentence that helps (GB 11643)."""
from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ValidationError
from core.residents.identity import check_against, demo_identity, parse_identity
from core.residents.sex import Sex

TODAY = date(2026, 11, 22)
WOMAN_1949 = "11010519491231002X"  # the example of GB 11643-1999
birth_dates = st.dates(date(1900, 1, 1), TODAY)
known_sexes = st.sampled_from([Sex.MALE, Sex.FEMALE])
serials = st.integers(0, 499)


def refusal(text: str | int | float, **options: bool) -> str:
    with pytest.raises(ValidationError) as caught:
        parse_identity(text, today=TODAY, **options)
    assert caught.value.field == "identity_number"
    return str(caught.value)


def with_check_digit(first_17: str) -> str:
    """By the recursion of ISO 7064 MOD 11-2, another way than the weights in the code."""
    remainder = 0
    for digit in first_17:
        remainder = (remainder + int(digit)) * 2 % 11
    return first_17 + "0123456789X"[(12 - remainder) % 11]


def test_the_example_of_the_standard_is_read():
    identity = parse_identity(WOMAN_1949, today=TODAY)
    assert (identity.number, identity.region) == (WOMAN_1949, "110105")
    assert (identity.birth_date, identity.sex) == (date(1949, 12, 31), Sex.FEMALE)


@pytest.mark.parametrize("written", [
    "11010519491231002x", "１１０１０５１９４９１２３１００２Ｘ", " 110105 19491231 002X\n", "110105　19491231　002X",
    "'11010519491231002X", "\u202d11010519491231002X\u202c", "\ufeff11010519491231002X",
])
def test_a_number_is_read_however_it_is_written(written):
    assert parse_identity(written, today=TODAY).number == WOMAN_1949


@pytest.mark.parametrize("region", ["810000", "820000", "830000"])
def test_residence_permits_of_hong_kong_macao_and_taiwan_residents_are_accepted(region):
    number = with_check_digit(region + "19000101001")
    assert parse_identity(number, today=TODAY).region == region


def test_the_number_of_a_foreign_permanent_resident_is_accepted():
    number = with_check_digit("931840" + "19000101001")
    assert parse_identity(number, today=TODAY).birth_date == date(1900, 1, 1)


def test_a_demo_number_is_of_no_real_region():
    assert parse_identity(demo_identity(date(1950, 2, 3), Sex.MALE, 7), today=TODAY).region == "990000"


@given(birth_dates, known_sexes, serials)
def test_a_demo_number_says_what_it_was_made_from(born, sex, serial):
    identity = parse_identity(demo_identity(born, sex, serial), today=TODAY)
    assert (identity.birth_date, identity.sex) == (born, sex)


@given(birth_dates, known_sexes, serials)
def test_the_check_digit_is_that_of_iso_7064(born, sex, serial):
    number = demo_identity(born, sex, serial)
    assert number == with_check_digit(number[:17])


@given(birth_dates, known_sexes, st.sets(serials, min_size=2, max_size=20))
def test_serials_give_different_people(born, sex, some):
    assert len({demo_identity(born, sex, serial) for serial in some}) == len(some)


@pytest.mark.parametrize(("sex", "serial"), [(Sex.MALE, 500), (Sex.MALE, -1), (Sex.UNKNOWN, 0)])
def test_a_demo_number_that_cannot_be_made_is_a_fault(sex, serial):
    with pytest.raises(ValueError, match="demo number"):
        demo_identity(date(1950, 2, 3), sex, serial)


@given(birth_dates, known_sexes, serials, st.integers(0, 17), st.integers(1, 9))
def test_one_mistyped_digit_is_always_noticed(born, sex, serial, place, shift):
    number = demo_identity(born, sex, serial)
    other = "0" if number[place] == "X" else str((int(number[place]) + shift) % 10)
    refusal(number[:place] + other + number[place + 1:])


@given(birth_dates, known_sexes, serials, st.integers(0, 15))
def test_two_digits_exchanged_are_always_noticed(born, sex, serial, place):
    number = demo_identity(born, sex, serial)
    exchanged = number[:place] + number[place + 1] + number[place] + number[place + 2:]
    if exchanged != number:
        refusal(exchanged)


@pytest.mark.parametrize(("text", "words"), [
    ("", "Enter the identity number"),
    (" 　", "Enter the identity number"),
    ("110105194912310021", "check digit 18"),
    ("11010519491231002", "has 17 characters; enter all 18"),
    ("11010519491231002XX", "has 19 characters; enter all 18"),
    ("110105491231002", "old 15-digit number"),
    ("1101O519491231002X", "check character 5"),
    ("11010519491231002Y", "check character 18"),
    ("1101051949123100٢X", "check character 17"),
    ("00010519491231002X", "check digits 1 and 2"),
    ("66010519491231002X", "check digits 1 and 2"),
    ("11010519490229002X", "does not exist; check digits 7 to 14"),
    ("11010518991231002X", "before 1900; check digits 7 to 14"),
    ("11010520261123002X", "after today; check digits 7 to 14"),
])
def test_a_refusal_says_what_to_correct(text, words):
    assert words in refusal(text)


def test_someone_born_today_has_a_valid_number():
    assert parse_identity(demo_identity(TODAY, Sex.MALE, 0), today=TODAY).birth_date == TODAY


@pytest.mark.parametrize("text", ["110105********002X", "1101＊＊＊＊＊＊＊＊002X", "**"])
def test_a_masked_number_is_refused(text):
    assert "masked" in refusal(text)


@pytest.mark.parametrize("cell", [
    "3.40521E+17", "3.40521194901E17", "3e17", "340521194901010000.0", 3.40521194901010000e17, 340521194901010000,
    "340521194901010000", 110105194912310020,
])
def test_a_number_that_a_spreadsheet_has_cut_is_refused(cell):
    assert "set the column to text format" in refusal(cell)


def test_a_15_digit_number_is_converted_where_old_records_come_in():
    assert parse_identity("110105491231002", today=TODAY, legacy=True).number == WOMAN_1949


@pytest.mark.parametrize("cell", [110105491231002, 110105491231002.0, "110105491231002.0"])
def test_15_digits_survive_a_spreadsheet(cell):
    assert parse_identity(cell, today=TODAY, legacy=True).number == WOMAN_1949


def test_a_15_digit_number_with_an_impossible_birth_date_is_refused():
    assert "does not exist" in refusal("110105491331002", legacy=True)


@given(st.one_of(st.text(max_size=25), st.integers(), st.floats(), st.text("0123456789X* .E+", max_size=20)),
       st.booleans())
def test_whatever_is_typed_is_read_or_refused_in_words(text, legacy):
    try:
        assert len(parse_identity(text, today=TODAY, legacy=legacy).number) == 18
    except ValidationError as error:
        assert str(error)


def test_the_number_is_not_in_the_representation_of_an_identity():
    assert "0105194" not in repr(parse_identity(WOMAN_1949, today=TODAY))


@pytest.mark.parametrize(("sex", "born"), [
    (Sex.FEMALE, date(1949, 12, 31)), (None, None), (Sex.UNKNOWN, None), (None, date(1949, 12, 31)),
])
def test_sex_and_birth_date_that_agree_or_are_unknown_pass(sex, born):
    check_against(parse_identity(WOMAN_1949, today=TODAY), sex, born)


@pytest.mark.parametrize(("sex", "born", "field", "words"), [
    (Sex.MALE, date(1949, 12, 31), "sex", "a woman's"),
    (Sex.FEMALE, date(1949, 12, 30), "birth_date", "born on 1949-12-31"),
])
def test_a_contradiction_names_its_field(sex, born, field, words):
    with pytest.raises(ValidationError, match=words) as caught:
        check_against(parse_identity(WOMAN_1949, today=TODAY), sex, born)
    assert caught.value.field == field


def test_a_mans_number_with_female_sex_is_refused():
    identity = parse_identity(demo_identity(date(1950, 2, 3), Sex.MALE, 1), today=TODAY)
    with pytest.raises(ValidationError, match="a man's") as caught:
        check_against(identity, Sex.FEMALE, None)
    assert caught.value.field == "sex"

"""Cells as offices fill them in, and as Excel changes them."""
from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ValidationError
from core.exchange.cells import (
    EXCEL_EPOCH,
    clean_text,
    is_blank,
    is_masked,
    mask_text,
    parse_amount,
    parse_choice,
    parse_date,
    parse_text,
    parse_whole_number,
    parse_yes_no,
    show_cell,
    text_of,
)

TODAY = date(2026, 11, 22)
ANY_CELL = st.one_of(
    st.text(max_size=20), st.floats(), st.integers(), st.booleans(), st.dates(), st.datetimes(), st.times(),
    st.timedeltas(), st.from_regex(r"[0-9年月日/.,\-元 ]{1,14}", fullmatch=True))
DAYS = st.dates(date(1906, 1, 10), date(2076, 12, 31))


def refused(parse, cell, **known) -> str:
    with pytest.raises(ValidationError) as fault:
        parse(cell, **known)
    return str(fault.value)


@given(DAYS)
def test_a_day_is_understood_in_every_way_of_writing(day):
    y, m, d = day.year, day.month, day.day
    serial = (day - EXCEL_EPOCH).days
    ways = [day, datetime(y, m, d, 8, 30), f"{y}年{m}月{d}日", f"{y} 年 {m} 月 {d} 号", f"{y}/{m}/{d}", f"{y}.{m}.{d}",
            f"{y}-{m:02}-{d:02}", f"{y}-{m}-{d} 08:30:00", f"{y}-{m:02}-{d:02}T08:30:00.000", f"{y}/{m}/{d} 8:30",
            f"{y}年{m}月{d}日 8时30分", f"{y:04}{m:02}{d:02}", int(f"{y}{m:02}{d:02}"), float(f"{y}{m:02}{d:02}"),
            f"{y}—{m}—{d}", f"\ufeff {y}/{m}/{d}\u200b"]
    if not 1800 <= serial < 2200:
        ways += [serial, float(serial), serial + 0.5, str(serial)]
    assert {repr(parse_date(way, today=TODAY)) for way in ways} == {repr(day)}


@given(DAYS)
def test_full_width_digits_make_the_same_day(day):
    text = f"{day.year}/{day.month}/{day.day}".translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789/"})
    assert parse_date(text, today=TODAY) == day


@pytest.mark.parametrize("cell", [1949.5, "1949.5", "1949年5月", 1949, "1949", 194905, "2026-11", "1950年", 1950.12])
def test_a_date_without_its_day_is_refused(cell):
    assert "day is missing" in refused(parse_date, cell, today=TODAY)


@pytest.mark.parametrize("cell", ["26-1-2", "49.5.1", "26年1月2日", 260142])
def test_a_year_of_two_digits_is_refused(cell):
    assert "four digits" in refused(parse_date, cell, today=TODAY)


@pytest.mark.parametrize("cell", ["2026-02-29", "2026年13月1日", 20260431, "2026.4.31"])
def test_an_impossible_day_is_refused(cell):
    assert "no such day" in refused(parse_date, cell, today=TODAY)


@pytest.mark.parametrize("cell", ["1849-05-01", "2126-01-02", date(1899, 1, 1)])
def test_a_day_in_an_impossible_year_is_refused(cell):
    assert "year" in refused(parse_date, cell, today=TODAY)


@pytest.mark.parametrize("cell", ["不详", "2026-1-2-3", True, time(8, 30), timedelta(hours=3), -5, 7, "2026-1-2 早上"])
def test_what_is_no_date_is_refused(cell):
    assert "not a date" in refused(parse_date, cell, today=TODAY)


@given(ANY_CELL)
@pytest.mark.parametrize("parse", [
    lambda cell: parse_date(cell, today=TODAY), parse_amount, parse_whole_number, parse_yes_no, parse_text(10),
    parse_choice({"男": 1, "女": 2})])
def test_no_cell_breaks_a_parser(parse, cell):
    try:
        parse(cell)
    except ValidationError as fault:
        assert str(fault)


@given(st.decimals(0, 999_999_999, places=2))
def test_an_amount_survives_text_and_number(amount):
    ways = [float(amount), str(amount), f"{amount:,}", f"¥{amount}", f"￥ {amount:,}", f"{amount}元",
            f"人民币{amount}元整"]
    assert {parse_amount(way) for way in ways} == {amount}
    assert parse_amount(float(amount)).as_tuple().exponent == -2


@pytest.mark.parametrize(("cell", "amount"), [
    ("１２．５", "12.50"), ("1，234.5", "1234.50"), (12, "12.00"), (0.1 + 0.2, "0.30"), ("8.500", "8.50"),
    ("12.", "12.00")])
def test_amounts_as_they_come(cell, amount):
    assert parse_amount(cell) == Decimal(amount)


@pytest.mark.parametrize("cell", [
    "-5", -5, "1.2万", "免费", "1,23", "12元5角", True, date(2026, 1, 2), 1e12, float("nan")])
def test_what_is_no_amount_is_refused(cell):
    assert "not an amount" in refused(parse_amount, cell)


def test_part_of_a_fen_is_refused():
    assert "two decimal places" in refused(parse_amount, "12.345")


@pytest.mark.parametrize(("cell", "number"), [
    (3.0, 3), ("3人", 3), ("12 人次", 12), ("1,200", 1200), ("０", 0), ("5.0", 5)])
def test_whole_numbers_as_they_come(cell, number):
    assert parse_whole_number(cell) == number


@pytest.mark.parametrize("cell", [3.5, "三", "-1", True, date(2026, 1, 2), "12-3"])
def test_what_is_no_whole_number_is_refused(cell):
    assert "not a whole number" in refused(parse_whole_number, cell)


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True))
def test_a_telephone_number_that_excel_made_a_number_is_text_again(phone):
    wide = phone.translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789"})
    ways = [float(phone), int(phone), phone, wide, f"\t{phone}\u202c", f'="{phone}"']
    assert {text_of(way) for way in ways} == {phone}


@pytest.mark.parametrize("cell", [990000195001021234.0, 990000195001021234, "9.90000195001021E+17", 6222020000000000.0])
def test_an_identity_number_that_excel_has_shortened_is_refused(cell):
    assert "text format" in refused(text_of, cell)


@pytest.mark.parametrize(("cell", "shown"), [
    (None, ""), (12.0, "12"), (12.5, "12.5"), (0.1 + 0.2, "0.3"), (True, "TRUE"), (date(2026, 1, 2), "2026-01-02"),
    (datetime(2026, 1, 2), "2026-01-02"), (datetime(2026, 1, 2, 8, 30), "2026-01-02 08:30"), (time(8, 30), "08:30")])
def test_a_cell_is_shown_as_excel_shows_it(cell, shown):
    assert show_cell(cell) == shown


def test_text_keeps_rare_characters_and_chinese_punctuation():
    assert clean_text(" 䶮𠮷·买买提，（３号楼）\u200b\ufeff\x07 ") == "䶮𠮷·买买提，（3号楼）"
    assert clean_text("\ufa0c") == "\ufa0c"  # a compatibility ideograph is its own character


def test_text_that_is_too_long_says_by_how_much():
    assert "11" in refused(parse_text(10), "一" * 11)
    assert parse_text(10)("一" * 10) == "一" * 10


def test_a_choice_is_found_by_any_of_its_words_and_refused_with_the_allowed_ones():
    sex = parse_choice({"男": "male", "男性": "male", "M": "male", "女": "female", "女性": "female"})
    assert [sex("男"), sex(" 男 性"), sex("ｍ"), sex("女性")] == ["male", "male", "male", "female"]
    assert "男、女" in refused(sex, "南")


@pytest.mark.parametrize(("cell", "answer"), [
    ("是", True), ("√", True), ("有", True), ("ｙ", True), (True, True), (1.0, True), ("否", False), ("×", False),
    ("无", False), ("空", False), ("N", False), (False, False), (0, False)])
def test_yes_and_no_in_many_words(cell, answer):
    assert parse_yes_no(cell) is answer


def test_neither_yes_nor_no_is_refused():
    assert "是" in refused(parse_yes_no, "也许")


@pytest.mark.parametrize("cell", [None, "", "  ", "\u3000", "\u200b", "\n\t", "\ufeff"])
def test_invisible_text_is_blank(cell):
    assert is_blank(cell)


@pytest.mark.parametrize("cell", [0, 0.0, False, "-", date(2026, 1, 2)])
def test_zero_and_dash_are_not_blank(cell):
    assert not is_blank(cell)


@pytest.mark.parametrize("text", [
    "138****1234", "990000********1234", "张*", "欧阳*", "*三", "张**", "990000xxxxxxxx1234", "１３８＊＊＊＊１"])
def test_masked_text_is_recognised(text):
    assert is_masked(text)


@pytest.mark.parametrize("text", ["99000019500102123X", "张三", "3*4米", "13855551234", "** 注意 **", "XXL"])
def test_ordinary_text_is_not_taken_for_masked(text):
    assert not is_masked(text)


@given(st.text(min_size=1, max_size=30))
def test_a_masked_text_is_as_long_and_recognised(text):
    assert "*" in mask_text(text) and len(mask_text(text)) in (len(text), 2)

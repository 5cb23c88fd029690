"""One cell of a sheet: what a column expects, and how a raw value from Excel becomes a checked one.

Parsers take the raw value (text, number, date …) of a cell that is not blank and raise ValidationError with a
sentence that says what to do. They are given to a `SheetColumn`; columns with own rules (identity number, phone)
bring their own parser and start from `text_of`.
"""
from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from flask_babel import LazyString
from flask_babel import gettext as _

from core.errors import ValidationError

CellValue = str | float | int | bool | date | datetime | time | timedelta | None

EXCEL_EPOCH = date(1899, 12, 30)  # serial 61 = 1900-03-01; earlier serials suffer from Excel's 1900-02-29
LARGEST_EXACT_NUMBER = 10**15  # Excel keeps 15 digits; the rest of a longer number is lost
LONGEST_WHOLE_PART = 9  # digits before the point of an amount in yuan

# Not NFKC: it would rewrite compatibility ideographs, which are characters of their own in rare names. Chinese
# commas, colons and brackets stay too: they are right in a remark or an address.
HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F) if chr(code) not in "！（），：；？"}
HALF_WIDTH |= {0x3000: " ", 0xFFE5: "¥"}
# What a person writes between year, month and day, or as a minus, and NFKC leaves alone.
DASHES = str.maketrans({"–": "-", "—": "-", "−": "-", "‐": "-", "。": "."})
SCIENTIFIC = re.compile(r"\d(\.\d+)?[eE]\+?\d{2}")
FORMULA_TEXT = re.compile(r'="([^"]*)"')  # how systems keep digits as text in a CSV: ="0012"
APOSTROPHE = re.compile(r"^'(?=\s*[=+\-@])")  # what `writer.harmless` puts before a formula starter
MASKED = re.compile(r"[0-9\u3400-\u9fff][*●•]{2,}|[*●•]{2,}[0-9]|[0-9]{3}[xX×]{3,}")
MASKED_NAME = re.compile(r"[\u3400-\u9fff]{1,3}[*●•]+[\u3400-\u9fff]?|[*●•]+[\u3400-\u9fff]{1,3}")
STAR = re.compile(r"[*●•]")

FULL_DATE = re.compile(
    r"(\d+)\s*[年/.\-]\s*(\d{1,2})\s*[月/.\-]\s*(\d{1,2})\s*[日号]?"
    r"(?:[T\s]*\d{1,2}\s*[:时点]\s*(?:\d{1,2}\s*(?:[:分]\s*(?:\d{1,2}(?:\.\d+)?\s*秒?)?)?)?)?"
)
YEAR_OR_MONTH = re.compile(r"(1[89]|2[01])\d\d\s*年?|(1[89]|2[01])\d\d\s*[年/.\-]\s*\d{1,2}\s*月?")
AMOUNT = re.compile(r"(?:人民币|RMB|CNY)?¥?\s*(\d+|\d{1,3}(?:,\d{3})+)(\.\d*)?\s*元?整?", re.IGNORECASE)
WHOLE_NUMBER = re.compile(r"(\d+|\d{1,3}(?:,\d{3})+)(?:\.0+)?\s*(?:人次|[人次户份岁个件场支栋名])?")

YES = frozenset(["是", "有", "对", "√", "✓", "✔", "☑", "y", "yes", "true", "1"])
NO = frozenset(["否", "无", "空", "不", "没有", "不是", "×", "✗", "✘", "x", "n", "no", "false", "0"])


@dataclass(frozen=True)
class SheetColumn:
    """What may stand in one column of a sheet, whatever its place.

    `aliases` are the headers that offices use for it, compared after `reader.plain_header`; `private` values are
    shown masked in previews; `hint`, `example` and `choices` go into the template.
    """

    key: str
    title: str | LazyString
    aliases: tuple[str, ...]
    parse: Callable[[CellValue], object]
    required: bool = False
    private: bool = False
    hint: str | LazyString = ""
    example: str = ""
    choices: tuple[str, ...] = ()


def clean_text(text: str) -> str:
    """The text stripped, with half-width letters, digits and signs, without control and zero-width characters."""
    if not text.isascii():
        text = text.translate(HALF_WIDTH)
    if not text.isprintable():
        spaced = (" " if c in "\t\r\n\u2028\u2029" else c for c in text.replace("\r\n", "\n"))
        text = "".join(c for c in spaced if unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
    text = text.strip()
    return APOSTROPHE.sub("", text).strip() if text.startswith("'") else text


def is_blank(cell: CellValue) -> bool:
    """Whether nothing a person can see stands in the cell."""
    return cell is None or cell == "" or (isinstance(cell, str) and not clean_text(cell))


def is_masked(text: str, private: bool = False) -> bool:
    """Whether the text looks like an export with hidden digits (138****1234, 张*); a star is enough if `private`."""
    text = clean_text(text)
    return bool((STAR if private else MASKED).search(text) or MASKED_NAME.fullmatch(text))


def mask_text(text: str) -> str:
    """The text as a preview may show it: the first and the last characters, stars between them."""
    if len(text) < 8:
        return text[:1] + "*" * max(len(text) - 1, 1) if text else ""
    return text[:3] + "*" * (len(text) - 7) + text[-4:]


def show_cell(cell: CellValue) -> str:
    """What the person sees in the cell, for previews and copies; numbers without Excel's `.0`."""
    match cell:
        case None:
            return ""
        case bool():
            return "TRUE" if cell else "FALSE"
        case float() if math.isfinite(cell):
            return str(int(cell)) if cell.is_integer() else f"{cell:.15g}"
        case datetime():
            return f"{cell:%Y-%m-%d}" if cell.time() == time(0) else f"{cell:%Y-%m-%d %H:%M}"
        case time():
            return f"{cell:%H:%M}"
        case str():
            return clean_text(cell)
    return str(cell)


def text_of(cell: CellValue) -> str:
    """The cell as text. Refuses a long number of which Excel has lost the last digits (identity, card numbers)."""
    shown = show_cell(cell)
    if formula_text := FORMULA_TEXT.fullmatch(shown):
        return clean_text(formula_text[1])
    is_number = isinstance(cell, int | float) and not isinstance(cell, bool)
    if SCIENTIFIC.fullmatch(shown) or (is_number and abs(cell) >= LARGEST_EXACT_NUMBER):
        raise ValidationError(_("Excel has shortened this long number. Set the column to text format "
                                "and enter the number again."))
    return shown


def parse_text(max_length: int) -> Callable[[CellValue], str]:
    """A parser for text of at most `max_length` characters."""

    def parse(cell: CellValue) -> str:
        text = text_of(cell)
        if len(text) > max_length:
            raise ValidationError(_("Too long: %(length)d characters, at most %(most)d are possible. Shorten it.",
                                    length=len(text), most=max_length))
        return text

    return parse


def parse_date(cell: CellValue, *, today: date) -> date:
    """A day, from a real date, 2026年1月2日, 2026/1/2, 2026.1.2, 2026-1-2, 20260102 or an Excel serial number.

    Years from 1900 up to 50 years after `today`; year and month alone, or a year of two digits, are refused.
    """
    if isinstance(cell, datetime):
        found = cell.date()
    elif isinstance(cell, date):
        found = cell
    elif isinstance(cell, bool | time | timedelta):
        raise _not_a_date()
    else:
        found = _written_date(_plain(cell).translate(DASHES))
    if not 1900 <= found.year <= today.year + 50:
        raise ValidationError(_("The year %(year)d cannot be right, please check it.", year=found.year))
    return found


def _not_a_date() -> ValidationError:
    return ValidationError(_("This is not a date. Write it like 2026-01-02."))


def _written_date(text: str) -> date:
    if re.fullmatch(r"\d+(\.\d+)?", text) and not re.fullmatch(r"\d{8}", text):
        return _date_of_number(text)
    if re.fullmatch(r"\d{8}", text):
        return _real_date(text[:4], text[4:6], text[6:])
    if full := FULL_DATE.fullmatch(text):
        return _real_date(*full.groups())
    if YEAR_OR_MONTH.fullmatch(text):
        raise _incomplete_date()
    raise _not_a_date()


def _date_of_number(text: str) -> date:
    """From an Excel serial: 2200 (1906) to 80000 (2119). What lies around 1900–2199 is a year, never a serial."""
    number = float(text)
    if 1800 <= number < 2200 or re.fullmatch(r"(1[89]|2[01])\d\d(0[1-9]|1[0-2])", text):
        raise _incomplete_date()
    if 2200 <= number < 80000:
        return EXCEL_EPOCH + timedelta(days=int(number))
    if re.fullmatch(r"\d{6}", text):
        raise _short_year()
    raise _not_a_date()


def _incomplete_date() -> ValidationError:
    return ValidationError(_("The day is missing. Write year, month and day, like 2026-01-02."))


def _short_year() -> ValidationError:
    return ValidationError(_("Write the year with four digits, like 2026-01-02."))


def _real_date(year: str, month: str, day: str) -> date:
    if len(year) != 4:
        raise _short_year()
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        raise ValidationError(_("There is no such day: %(year)s-%(month)s-%(day)s. Please check it.",
                                year=year, month=month, day=day)) from None


def _plain(cell: CellValue) -> str:
    return unicodedata.normalize("NFKC", text_of(cell))


def _folded(text: str) -> str:
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", clean_text(text))).casefold()


def parse_choice(mapping: Mapping[str, object]) -> Callable[[CellValue], object]:
    """A parser for a word out of `mapping` (word → value; the first word of each value is the one we suggest)."""
    values = {_folded(word): value for word, value in mapping.items()}
    suggested: dict[object, str] = {}
    for word, value in mapping.items():
        suggested.setdefault(value, word)

    def parse(cell: CellValue) -> object:
        word = _folded(text_of(cell))
        if word not in values:
            raise ValidationError(_("Choose one of: %(words)s.", words="、".join(suggested.values())))
        return values[word]

    return parse


def parse_yes_no(cell: CellValue) -> bool:
    """是, 有, √, Y … or 否, 无, ×, N …"""
    word = _folded(text_of(cell))
    if word in YES:
        return True
    if word in NO:
        return False
    raise ValidationError(_("Write yes (是) or no (否)."))


def parse_amount(cell: CellValue) -> Decimal:
    """Yuan, not negative, exact to the fen: 12.5, "12.5元", "1,234.50", "¥8"."""
    text = "" if isinstance(cell, bool | date | time | timedelta) else _plain(cell)
    amount = AMOUNT.fullmatch(text)
    if not amount or len(amount[1].replace(",", "")) > LONGEST_WHOLE_PART:
        raise ValidationError(_("This is not an amount in yuan. Write a number like 12.50."))
    fen = (amount[2] or ".")[1:].rstrip("0")
    if len(fen) > 2:
        raise ValidationError(_("An amount has at most two decimal places (jiao and fen)."))
    return Decimal(f"{amount[1].replace(',', '')}.{fen:0<2}")


def parse_whole_number(cell: CellValue) -> int:
    """A number of people, times, things: 0, 3, 3.0, "3 人", "1,200"."""
    text = "" if isinstance(cell, bool | date | time | timedelta) else _plain(cell)
    number = WHOLE_NUMBER.fullmatch(text)
    if not number or len(number[1]) > LONGEST_WHOLE_PART:
        raise ValidationError(_("This is not a whole number. Write digits only, like 12."))
    return int(number[1].replace(",", ""))

"""Citizen identity numbers: read, checked and explained (GB 11643-1999, domain.md §6)."""
from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date

from flask_babel import gettext as _

from core.errors import ValidationError
from core.residents.masking import looks_masked
from core.residents.sex import Sex

FIELD = "identity_number"
DEMO_REGION = "990000"  # no real region: demo people cannot be anybody
EARLIEST_YEAR = 1900
SHEET_PRECISION = 15  # a spreadsheet keeps this many digits of a number; the rest become 0

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"
# GB/T 2260; 81–83 are the residence permits for 港澳台居民. What begins with 9 is not checked further:
# foreign permanent residents (9 + place of application + nationality) and demo people.
_REGION = re.compile("1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|9")
_SCIENTIFIC = re.compile(r"[0-9](\.[0-9]*)?E\+?[0-9]+")
_POINT_ZERO = re.compile(r"([0-9]+)\.0*")


@dataclass(frozen=True)
class Identity:
    """A checked number and what it says about its holder. `region` is the 6-digit code of first registration."""

    number: str = field(repr=False)  # kept out of logs and tracebacks
    region: str
    birth_date: date
    sex: Sex


def parse_identity(text: str | int | float, *, today: date, legacy: bool = False) -> Identity:
    """Read an identity number as typed or as found in a sheet cell; the result has 18 characters, X in upper case.

    `legacy` also takes the 15-digit numbers issued before 1999 and converts them. Raises ValidationError with
    a sentence that says what to correct.
    """
    number = _plain_number(text)
    if legacy and re.fullmatch("[0-9]{15}", number):
        number = _with_check_digit(number[:6] + "19" + number[6:])
    _check_characters(number)
    if not _REGION.match(number):
        raise _refused(_("No province has the code in the identity number; check digits 1 and 2"))
    birth_date = _birth_date(number, today)
    _check_last_digit(number)
    sex = Sex.MALE if int(number[16]) % 2 else Sex.FEMALE
    return Identity(number, number[:6], birth_date, sex)


def check_against(identity: Identity, sex: Sex | None, birth_date: date | None) -> None:
    """Refuse a sex or birth date that contradicts the number; what is not known contradicts nothing.

    Raises ValidationError with field "sex" or "birth_date".
    """
    if sex not in (None, Sex.UNKNOWN, identity.sex):
        if identity.sex is Sex.MALE:
            raise ValidationError(_("The identity number is a man's; check the sex or the number"), "sex")
        raise ValidationError(_("The identity number is a woman's; check the sex or the number"), "sex")
    if birth_date not in (None, identity.birth_date):
        message = _("The identity number says born on %(date)s; check the birth date or the number",
                    date=identity.birth_date.isoformat())
        raise ValidationError(message, "birth_date")


def demo_identity(birth_date: date, sex: Sex, serial: int) -> str:
    """A valid number of region 990000; `serial` 0–499 tells people of one birth date and sex apart."""
    if sex is Sex.UNKNOWN or not 0 <= serial < 500:
        raise ValueError("a demo number needs a known sex and a serial from 0 to 499")
    sequence = serial * 2 + (sex is Sex.MALE)
    return _with_check_digit(f"{DEMO_REGION}{birth_date:%Y%m%d}{sequence:03d}")


def _refused(message: str) -> ValidationError:
    return ValidationError(message, FIELD)


def _cut_by_sheet() -> ValidationError:
    return _refused(_("The spreadsheet has cut this identity number; set the column to text format "
                      "and enter the number again"))


def _plain_number(text: str | int | float) -> str:
    """The characters that count, half-width and upper-case; refuses what a spreadsheet or a mask has damaged."""
    wide = str(text)
    if looks_masked(wide):
        raise _refused(_("This identity number is masked; enter the full number"))
    number = "".join(c for c in unicodedata.normalize("NFKC", wide).upper()
                     if not c.isspace() and unicodedata.category(c) != "Cf").lstrip("'’")
    whole = _POINT_ZERO.fullmatch(number)
    digits = whole[1] if whole else number
    is_number = whole is not None or not isinstance(text, str)
    if _SCIENTIFIC.fullmatch(number) or (is_number and len(digits) > SHEET_PRECISION):
        raise _cut_by_sheet()
    return digits


def _check_characters(number: str) -> None:
    if not number:
        raise _refused(_("Enter the identity number"))
    if re.fullmatch("[0-9]{15}", number):
        raise _refused(_("This is an old 15-digit number; enter the 18-digit identity number"))
    if len(number) != 18:
        raise _refused(_("The identity number has %(count)d characters; enter all 18", count=len(number)))
    wrong = re.search("[^0-9]", number[:17]) or re.compile("[^0-9X]").search(number, 17)
    if wrong:
        raise _refused(_("An identity number has only digits, and perhaps an X at the end; "
                         "check character %(position)d", position=wrong.start() + 1))


def _birth_date(number: str, today: date) -> date:
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        raise _refused(_("The birth date in the identity number does not exist; check digits 7 to 14")) from None
    if born.year < EARLIEST_YEAR:
        raise _refused(_("The birth date in the identity number is before 1900; check digits 7 to 14"))
    if born > today:
        raise _refused(_("The birth date in the identity number is after today; check digits 7 to 14"))
    return born


def _with_check_digit(first_17: str) -> str:
    total = sum(int(digit) * weight for digit, weight in zip(first_17, _WEIGHTS, strict=True))
    return first_17 + _CHECK_DIGITS[total % 11]


def _check_last_digit(number: str) -> None:
    if _with_check_digit(number[:17]) == number:
        return
    if number.endswith("000"):  # what a spreadsheet leaves of the 16th to 18th digit
        raise _cut_by_sheet()
    raise _refused(_("The check digit of the identity number is wrong; check digit 18"))

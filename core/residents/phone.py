"""Telephone numbers as offices write them, read into bare digits (domain.md §6)."""
from __future__ import annotations

import re
import unicodedata

from flask_babel import gettext as _

from core.errors import ValidationError
from core.residents.masking import looks_masked

FIELD = "phone"
_NUMBER = re.compile(
    r"1[3-9][0-9]{9}"  # mobile
    r"|0(10|2[0-9]|[3-9][0-9]{2})[0-9]{7,8}"  # landline with area code
    r"|[2-9][0-9]{6,7}"  # landline without; no local number begins with 0 or 1
    r"|[48]00[0-9]{7}"
    r"|1[0-9]{2,4}|9[0-9]{4,5}"  # services: 110, 12345, 95598
)
_COUNTRY = re.compile(r"(\+|00)?86")
_BETWEEN_DIGITS = re.compile(r"[\s()\-‐‑‒–—−]+")
_BETWEEN_NUMBERS = re.compile(r"[、,;/|\n\r或和]+")
_MOST_PIECES = 20  # of one number written with blanks; a longer cell is not searched further


def parse_phone(text: str | int | float) -> str:
    """The digits of one number, without +86. Cells that a spreadsheet made a number of (13855551234.0) are understood.

    Raises ValidationError (field "phone") with a sentence that says what to correct.
    """
    written = _half_width(text)
    if looks_masked(written):
        raise ValidationError(_("This phone number is masked; enter the full number"), FIELD)
    compact = _BETWEEN_DIGITS.sub("", written)
    if not compact:
        raise ValidationError(_("Enter a phone number"), FIELD)
    if re.fullmatch(r"[0-9]\.?[0-9]*[eE]\+?[0-9]+", compact):
        raise ValidationError(_("The spreadsheet has shortened this phone number; set the column to text format "
                                "and enter the number again"), FIELD)
    number = _complete(compact)
    if number is None:
        raise ValidationError(_("This is no phone number; enter 11 digits for a mobile phone, "
                                "or area code and number for a landline"), FIELD)
    return number


def parse_phones(text: str | int | float) -> list[str]:
    """Every number of a cell like "13855551234、0555-1234567", in order, each once; none for an empty cell.

    Raises ValidationError as parse_phone does if one of them cannot be read.
    """
    parts = _BETWEEN_NUMBERS.split(_half_width(text))
    found = [number for part in parts if part.strip() for number in _numbers_between_blanks(part.split())]
    return list(dict.fromkeys(found))


def _half_width(text: str | int | float) -> str:
    written = unicodedata.normalize("NFKC", str(text))
    visible = "".join(c for c in written if unicodedata.category(c) != "Cf").strip().lstrip("'’")
    return re.sub(r"^([0-9]+)\.0*$", r"\1", visible)


def _complete(compact: str) -> str | None:
    """The number in national form if it is complete, else None."""
    if _NUMBER.fullmatch(compact):
        return compact
    country = _COUNTRY.match(compact)
    rest = compact[country.end():] if country else ""
    # abroad the landline 0555-1234567 is written +86 555 1234567
    return next((n for n in (rest, "0" + rest) if len(n) > 8 and _NUMBER.fullmatch(n)), None)


def _numbers_between_blanks(pieces: list[str]) -> list[str]:
    """Blanks stand inside a number ("138 5555 1234") as well as between two: take the longest that is complete."""
    numbers = []
    while pieces:
        for end in range(min(len(pieces), _MOST_PIECES), 0, -1):
            number = _complete(_BETWEEN_DIGITS.sub("", "".join(pieces[:end])))
            if number:
                break
        numbers.append(number or parse_phone(" ".join(pieces)))  # the latter says what is wrong
        pieces = pieces[end:]
    return numbers

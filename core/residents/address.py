"""Addresses: 小区/楼栋/单元/室, from a form or from one cell of a sheet (domain.md §6)."""
from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from flask_babel import gettext as _

from core.errors import ValidationError

FIELD = "address"
LONGEST_COMPOUND, LONGEST_PART = 40, 20  # characters

_MARK = r"[0-9A-Za-z一二三四五六七八九十百甲乙丙丁东西南北中]+"
_WRITTEN = re.compile(
    rf"(?P<compound>.*?)\s*(?P<building>{_MARK}\s*(?:栋|幢|号楼|座|楼)|[0-9]+号(?!院|大院|小区))"
    rf"\s*(?P<unit>{_MARK}\s*单元)?\s*(?:{_MARK}\s*[层楼])?\s*(?:(?P<room>[0-9A-Za-z-]+)\s*[室号户房]?)?"
)
_NUMBERED = re.compile(  # 幸福小区3-2-301, 幸福小区3#2-301, 幸福小区3-301
    r"(?P<compound>.*?[^0-9#-])(?P<building>[0-9]+)\s*[-#]\s*(?:(?P<unit>[0-9]+)\s*-\s*)?(?P<room>[0-9]{1,5})室?"
)
_BARE = re.compile(r"[0-9A-Za-z]+")


@dataclass(frozen=True)
class House:
    """Where somebody lives, each part as the place writes it (3栋, 3号楼); None where not known."""

    compound: str | None = None
    building: str | None = None
    unit: str | None = None
    room: str | None = None


def parse_address(text: str) -> House:
    """An address in one cell: 幸福小区3栋2单元301, 幸福小区3-2-301, 建设路12号, or a compound alone.

    Text that cannot be divided is refused, not kept whole: a compound is shown to everybody, a house number
    is not (domain.md §7.2). Raises ValidationError (field "address").
    """
    plain = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).strip(" ,。;")
    found = _WRITTEN.fullmatch(plain) or _NUMBERED.fullmatch(re.sub("[–—−]", "-", plain))
    if found:
        house = make_house(**found.groupdict())
    elif plain and not re.search("[0-9]", plain):
        house = make_house(plain)
    else:
        raise _refused()
    if too_long(house):
        raise _refused()
    return house


def too_long(house: House) -> str | None:
    """The name of a part with more characters than are kept (栋 was added, or ㎡ stood for two); None if all fit."""
    longest = {"compound": LONGEST_COMPOUND}
    return next((part for part, text in vars(house).items() if len(text or "") > longest.get(part, LONGEST_PART)), None)


def make_house(
    compound: str | None = None, building: str | None = None, unit: str | None = None, room: str | None = None
) -> House:
    """A house with its parts written alike: 3 → 3栋, 2 → 2单元, 301室 → 301."""
    return House(compound=_plain(compound), building=_with_word(building, "栋"), unit=_with_word(unit, "单元"),
                 room=re.sub("(?<=[0-9A-Za-z])[室号户房]$", "", _plain(room) or "") or None)


def _plain(text: str | None) -> str | None:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)) or None if text else None


def _with_word(text: str | None, word: str) -> str | None:
    plain = _plain(text)
    return plain + word if plain and _BARE.fullmatch(plain) else plain


def _refused() -> ValidationError:
    return ValidationError(_("This address cannot be divided into compound, building, unit and room. Write it like "
                             "幸福小区3栋2单元301, or use a column for each part."), FIELD)

"""The sides of the matrix: our own, the neighbours, another street; and the marks by which a leak is found."""
from __future__ import annotations

import html
import io
import re
import zipfile
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from urllib.parse import quote, unquote

from markupsafe import escape

from core.testing.records import Hand

TOKENS = re.compile(  # random texts, in which any digits may stand: tokens, nonces, one-time passwords
    r"[A-Za-z0-9_.-]{28,}|nonce[-=]\"?[\w+/=-]+|(?<=id=\"one-time\">)\w+"
)
ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


@dataclass(frozen=True)
class Side:
    """Whose a value is. Its texts are of letters, its numbers of digits, its days of years that no other side has."""

    number: int  # the id of its records, in every table
    slug: str
    records: str  # letters
    accounts: str
    areas: str
    digits: str = ""
    year: int = 2026
    born: int = 1951

    def hand(self, *, ended: bool = False) -> Hand:
        """How its records are made up."""
        return Hand(self.records, date(self.year, 8, 17), date(self.born, 3, 4), self.digits, True, ended)

    @cached_property
    def marks(self) -> dict[str, re.Pattern[str]]:
        """Kind → what nobody else's answer may hold."""
        years = f"|{self.year}-|{self.born}" if self.year != 2026 else ""
        return {
            "records": re.compile(f"[{self.records}]" + (f"|{self.digits}" if self.digits else "") + years),
            "accounts": re.compile(f"[{self.accounts}]"), "areas": re.compile(f"[{self.areas}]|{self.slug}"),
        }


OWN = Side(770001, "quxow", "瀚炜烨", "骎骁", "洧洮")
OWN_BINNED = Side(770091, "quxow", "瀚炜烨", "骎骁", "洧洮")
OTHER = Side(770002, "quxlo", "彧翀翮旻昉昱", "晞曈", "榑樾", "8642", 2017, 1934)
BINNED = Side(780002, "quxlo", "橐櫂", "晞曈", "榑樾", "8642", 2018, 1935)  # the neighbours' deleted and void records
FAR = Side(770003, "quxfa", "毓沄泠洺浥涘", "湉溦", "滢漪", "9753", 2016, 1936)
NOBODY = Side(660000, "quxnu", "潆澹", "珣珝", "琤琬", "3579", 2014, 1938)
OWN_STREET, FAR_STREET = (770000, "quxst"), (770009, "quxfs")
HIDDEN = {"other": OTHER, "binned": BINNED, "far": FAR}


def found_in(text: str, sides: dict[str, set[str]], sent: tuple[str, ...] = ()) -> list[str]:
    """The marks of these sides (side → kinds) in a text, but for what was sent and comes back."""
    text = without(plain(without(text, sent)), sent)
    return [f"{side}.{kind}: …{text[max(0, hit.start() - 40):hit.end() + 20]}…" for side, kinds in sides.items()
            for kind in sorted(kinds) if (hit := HIDDEN[side].marks[kind].search(text))]


def without(text: str, sent: tuple[str, ...]) -> str:
    """A text without what was sent, in whatever writing of the web it comes back."""
    for token in sorted(filter(None, sent), key=len, reverse=True):
        for form in (token, quote(token), quote(token, safe=""), str(escape(token))):
            text = text.replace(form, "…")
    return text


def plain(text: str) -> str:
    """Without random tokens, and with escapes of the web taken away."""
    text = TOKENS.sub("", text)
    if "%" in text:
        text += unquote(text) if "%E" in text or "%e" in text else ""
    if "\\u" in text:
        text += ESCAPED.sub(lambda hit: chr(int(hit[1], 16)), text)
    return text + html.unescape(text) if "&#" in text else text


def readable(content: bytes, *, whole: bool = False) -> str:
    """A body or file as text: archives unpacked; `whole` with the hour of their making and in every encoding."""
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = sorted(name for name in archive.namelist() if whole or not name.startswith("docProps"))
            return "\n".join(f"{name}\n{readable(archive.read(name), whole=whole)}" for name in names)
    text = content.decode("utf-8", "replace")
    if whole and "\ufffd" in text:  # a picture, or another encoding
        text += content.decode("gb18030", "replace") + content.decode("utf-16-le", "replace")
    return text

"""A plugin's own translations: <its folder>/translations/<language>/LC_MESSAGES/messages.po, compiled beside it."""
from __future__ import annotations

import re
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po

from core.config import CHINESE, ROOT
from core.plugin_rules import PluginFault

PLACE = re.compile(r"%\((\w+)\)s")
CATALOGUES = "*/LC_MESSAGES/messages.mo"
CHINESE_PO = f"translations/{CHINESE}/LC_MESSAGES/messages.po"
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2"), ("templates/**.html", "jinja2")]
KEYWORDS = {**DEFAULT_KEYWORDS, "_l": None, "_": None, "ngettext": (1, 2)}


def check_catalogues(folder: Path) -> None:
    """Every compiled catalogue can be read, and no sentence asks for a value that nobody gives. Raises where not."""
    for file in sorted(folder.glob(CATALOGUES)):
        with file.open("rb") as opened:
            messages = list(read_mo(opened))
        for message in messages:
            known = {place for text in _texts(message.id) for place in PLACE.findall(text)}
            for text in _texts(message.string):
                if strange := set(PLACE.findall(text)) - known:
                    raise PluginFault(f"{file.parent.parent.name}: the translation of {_texts(message.id)[0][:60]!r} "
                                      f"asks for {sorted(strange)[0]!r}, which nobody gives")


def _texts(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else (value,)


def sentences(po: Path) -> Catalog:
    """The sentences of a plugin's folder that the core does not translate."""
    folder, known = po.parents[3], {m.id for m in _read(ROOT / CHINESE_PO) if m.string}
    found = Catalog()
    for _file, _line, sentence, _comments, _context in extract_from_dir(folder, METHODS, keywords=KEYWORDS):
        if sentence not in known:
            found.add(sentence)
    return found


def missing_words(po: Path) -> list[str]:
    """The sentences without Chinese."""
    words = {m.id: m for m in _read(po) if m.id and all(_texts(m.string)) and not m.fuzzy}
    return sorted(_texts(m.id)[0] for m in sentences(po) if m.id and m.id not in words)


def update_words(po: Path) -> list[str]:
    """Bring the catalogue up to the sentences; returns those without Chinese."""
    found, words = sentences(po), _read(po)
    words.update(found, no_fuzzy_matching=True)
    words.obsolete.clear()
    po.parent.mkdir(parents=True, exist_ok=True)
    with po.open("wb") as file:
        write_po(file, words, width=120, sort_output=True, no_location=True)
    return missing_words(po)


def compile_words(po: Path) -> None:
    """Write the catalogue that the server reads."""
    with po.with_suffix(".mo").open("wb") as file:
        write_mo(file, _read(po))


def _read(po: Path) -> Catalog:
    if not po.exists():
        return Catalog(locale=CHINESE)
    with po.open("rb") as file:
        return read_po(file, locale=CHINESE)

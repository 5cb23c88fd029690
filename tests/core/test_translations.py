"""The Chinese catalogue is complete: every sentence of the source has its translation, with the same places."""
from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = ROOT / "translations" / "zh_Hans_CN" / "LC_MESSAGES" / "messages.po"
PLACE = re.compile(r"%\((\w+)\)s")


def sentences_of_the_source() -> set[str]:
    """The first form of every sentence that the program can show."""
    with (ROOT / "translations" / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    keywords = {**DEFAULT_KEYWORDS, "_l": None, "_": None, "ngettext": (1, 2)}
    found = set()
    for folder in ("core", "plugins"):
        rows = extract_from_dir(str(ROOT / folder), method_map=[(p.removeprefix(f"{folder}/"), m) for p, m in methods],
                                options_map=options, keywords=keywords)
        found |= {m[0] if isinstance(m, tuple) else m for _file, _line, m, _comments, _context in rows}
    return found - {""}


@pytest.fixture(scope="module")
def catalogue() -> dict[str, Message]:
    """The entries by their first form."""
    with CATALOGUE.open("rb") as file:
        return {m.id[0] if isinstance(m.id, tuple) else m.id: m for m in read_po(file) if m.id}


def test_every_sentence_has_a_chinese_one(catalogue: dict[str, Message]) -> None:
    missing = {s for s in sentences_of_the_source() if s not in catalogue or not catalogue[s].string}
    assert not missing


def test_no_entry_is_fuzzy_and_none_is_left_over(catalogue: dict[str, Message]) -> None:
    assert not [m for m in catalogue.values() if m.fuzzy]
    assert not set(catalogue) - sentences_of_the_source()


def test_the_places_for_values_are_the_same_in_both_languages(catalogue: dict[str, Message]) -> None:
    for source, message in catalogue.items():
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        for text in strings:
            assert set(PLACE.findall(text)) <= set(PLACE.findall(source)), source
            if not isinstance(message.string, tuple):
                assert set(PLACE.findall(text)) == set(PLACE.findall(source)), source

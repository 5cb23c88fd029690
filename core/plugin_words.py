"""A plugin's own translations: <its folder>/translations/<language>/LC_MESSAGES/messages.po, compiled beside it."""
from __future__ import annotations

import re
from pathlib import Path

from babel.messages.mofile import read_mo

from core.plugin_rules import PluginFault

PLACE = re.compile(r"%\((\w+)\)s")
CATALOGUES = "*/LC_MESSAGES/messages.mo"


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

"""Pages as a browser reads them (html5lib): their forms, and what in them could run."""
from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from xml.etree.ElementTree import Element

import html5lib

X = "{http://www.w3.org/1999/xhtml}"
NEVER_OURS = {"iframe", "object", "embed", "base", "applet", "math", "img", "video", "audio", "template"}
ADDRESSES = ("href", "src", "action", "formaction", "data", "xlink:href", "poster", "srcdoc", "style")


@lru_cache(maxsize=8)
def parsed(page: str) -> Element:
    """The tree that a browser makes of a page."""
    return html5lib.parse(page)


@dataclass
class Form:
    """A form of a page: where it goes, what it holds, its buttons' addresses, the choices of its lists."""

    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    choices: dict[str, list[str]] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)  # names of the inputs that take any text

    def filled(self, **values: Any) -> dict[str, Any]:
        """The fields with some replaced."""
        return {**dict(self.fields), **values}


def forms(page: str) -> list[Form]:
    """The posting forms of a page."""
    found = []
    for element in parsed(page).iter(f"{X}form"):
        if (element.get("method") or "get").lower() == "post":
            made = Form(element.get("action") or "")
            for control in element.iter():
                _read(made, control)
            found.append(made)
    return found


def _read(form: Form, control: Element) -> None:
    name, kind = control.get("name"), (control.get("type") or "text").lower()
    if not name or control.get("disabled") is not None:
        return
    if control.tag == f"{X}textarea":
        form.fields.append((name, (control.text or "").removeprefix("\n")))
        form.texts.append(name)
    elif control.tag == f"{X}select":
        options = list(control.iter(f"{X}option"))
        form.choices[name] = [o.get("value") or "" for o in options]
        chosen = [o.get("value") or "" for o in options if o.get("selected") is not None] or form.choices[name][:1]
        form.fields += [(name, value) for value in chosen]
    elif control.tag == f"{X}input":
        if kind in ("checkbox", "radio"):
            form.choices.setdefault(name, []).append(control.get("value") or "on")
            if control.get("checked") is not None:
                form.fields.append((name, control.get("value") or "on"))
        elif kind not in ("submit", "button", "file", "image"):
            form.fields.append((name, control.get("value") or ""))
            if kind in ("text", "search", "tel"):
                form.texts.append(name)


def dangers(page: str) -> list[str]:
    """What could run in a page: handlers, script addresses, inline scripts and styles, foreign addresses."""
    found = []
    for element in parsed(page).iter():
        if not isinstance(element.tag, str):
            continue
        tag = element.tag.rpartition("}")[2]
        if tag in ("script", "style") and (element.text or "").strip():
            found.append(f"inline {tag}")
        if tag in NEVER_OURS or "xss" in tag:
            found.append(tag)
        for name, value in element.attrib.items():
            if str(name).lower().startswith("on") or name in ("style", "srcdoc") or "xss" in str(name):
                found.append(f"{tag} {name}={value[:40]}")
            if name in ADDRESSES and re.match(r"[\s\x00-\x20]*(javascript|vbscript|data|https?|//|\\)", value, re.I):
                found.append(f"{tag} {name}={value[:40]}")
    return found

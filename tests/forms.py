"""The forms of a page as a browser would send them."""
from __future__ import annotations

from typing import Any

import html5lib


def fields_of(page: str, form_id: str = "record-form") -> dict[str, Any]:
    """Name → value of the form's inputs, selects and text areas; a list where several are ticked."""
    tree = html5lib.parse(page, namespaceHTMLElements=False)
    form = next(f for f in tree.iter("form") if f.get("id") == form_id)
    found: dict[str, list[str]] = {}
    for element in form.iter():
        name = element.get("name")
        if name and element.tag in ("input", "select", "textarea"):
            found.setdefault(name, []).extend(_values(element))
    return {name: values[0] if len(values) == 1 else values for name, values in found.items() if values}


def _values(element: Any) -> list[str]:
    if element.tag == "textarea":
        return [(element.text or "").removeprefix("\n")]
    if element.tag == "select":
        options = list(element.iter("option"))
        chosen = [o for o in options if o.get("selected") is not None] or options[:1]
        return [o.get("value") if o.get("value") is not None else (o.text or "") for o in chosen]
    if element.get("type") in ("checkbox", "radio") and element.get("checked") is None:
        return []
    return [element.get("value") or ""]

"""What is wrong with a page's markup, in words: what a strict parser says, and what it does not know."""
from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from xml.etree.ElementTree import Element

from tests.pages import Page

FIELDS = {"input", "select", "textarea", "output"}
INTERACTIVE = {"a", "button", "details", "input", "select", "summary", "textarea", "label"}
BLOCKS = {"article", "aside", "blockquote", "div", "dl", "fieldset", "figure", "footer", "form", "h1", "h2", "h3", "h4",
          "header", "hr", "main", "nav", "ol", "p", "section", "table", "ul", "dialog", "details"}
NO_BLOCKS = {"p", "span", "strong", "b", "small", "label", "button", "legend", "h1", "h2", "h3", "h4", "kbd", "output",
             "summary", "caption"}
CHILDREN = {
    "ul": {"li"}, "ol": {"li"}, "dl": {"div", "dt", "dd"}, "table": {"caption", "thead", "tbody", "tfoot"},
    "thead": {"tr"}, "tbody": {"tr"}, "tr": {"td", "th"}, "select": {"option", "optgroup", "hr"},
}
REFERENCES = ("aria-describedby", "aria-labelledby", "aria-controls", "aria-owns", "aria-activedescendant", "form")


def faults(page: Page) -> list[str]:
    """Every fault of the page; none is what we want."""
    if "<!doctype html>" not in page.body[:20].lower():
        return ["no doctype"]
    return [*page.parsed[1], *(fault for check in CHECKS for fault in check(page.tree))]


def text(element: Element) -> str:
    """The words in an element."""
    return re.sub(r"\s+", " ", "".join(element.itertext())).strip()


def _document(tree: Element) -> Iterator[str]:
    if tree.get("lang") not in ("zh-CN", "en"):
        yield f"lang is {tree.get('lang')}"
    titles = [text(t) for t in tree.find("head").iter("title")]
    if len(titles) != 1 or not titles[0]:
        yield f"titles: {titles}"
    heads = [int(e.tag[1]) for e in tree.iter() if isinstance(e.tag, str) and re.fullmatch("h[1-6]", e.tag)]
    if heads.count(1) != 1 or heads[0] != 1:
        yield f"not one h1, and it first: {heads}"
    if any(after > before + 1 for before, after in zip(heads, heads[1:], strict=False)):
        yield f"a level of headings is left out: {heads}"
    for name in ("main", "title"):
        if len(list(tree.iter(name))) != 1:
            yield f"not one {name}"
    view = [m.get("content", "") for m in tree.iter("meta") if m.get("name") == "viewport"]
    if view != ["width=device-width, initial-scale=1"]:
        yield f"viewport: {view}"


def _attributes(tree: Element) -> Iterator[str]:
    for each in tree.iter():
        for name, value in each.attrib.items():
            if name == "style" or name.startswith("on") or value.strip().lower().startswith("javascript:"):
                yield f"{name} on <{each.tag}> breaks the content policy"
            if name in ("id", "name", "for", "href") and value != value.strip():
                yield f"blanks around {name}={value!r}"
        if each.tag == "a" and not each.get("href"):
            yield f"a link without address: {text(each)}"
    if len([e for e in tree.iter() if e.get("autofocus") is not None]) > 1:
        yield "two elements want the focus"


def _references(tree: Element) -> Iterator[str]:
    ids = Counter(e.get("id") for e in tree.iter() if e.get("id") is not None)
    yield from (f"id {name!r} {number} times" for name, number in ids.items() if number > 1)
    yield from (f"id {name!r}" for name in ids if not name or " " in name)
    forms = {e.get("id") for e in tree.iter("form")}
    fields = {e.get("id") for e in tree.iter() if e.tag in FIELDS | {"button", "progress", "meter"}}
    for each in tree.iter():
        for name in REFERENCES:
            for wanted in (each.get(name) or "").split():
                if wanted not in (forms if name == "form" else ids):
                    yield f"{name}={wanted!r} on <{each.tag}> points to nothing"
        if each.tag == "label" and each.get("for") is not None and each.get("for") not in fields:
            yield f"label for {each.get('for')!r} points to no field"
        if each.tag == "a" and (each.get("href") or "").startswith("#") and each.get("href")[1:] not in ids:
            yield f"link to {each.get('href')!r} points to nothing"


def _names(tree: Element) -> Iterator[str]:
    labelled = {e.get("for") for e in tree.iter("label") if text(e)}
    for label in tree.iter("label"):
        inside = [e for e in label.iter() if e.tag in FIELDS]
        labelled |= {id(e) for e in inside}
        if len(inside) > 1:
            yield f"a label around {len(inside)} fields"
    for each in tree.iter():
        named = each.get("aria-label") or each.get("aria-labelledby")
        if each.tag in FIELDS and each.get("type") != "hidden" and each.get("hidden") is None:
            if not (named or each.get("id") in labelled or id(each) in labelled):
                yield f"<{each.tag} name={each.get('name')!r}> has no label"
        elif each.tag in ("a", "button", "summary", "legend", "h1", "h2", "h3", "th", "dialog", "nav"):
            if not (named or text(each)):
                yield f"<{each.tag} class={each.get('class')!r}> has no name"
        elif each.tag == "svg" and each.get("aria-hidden") != "true":
            yield "an icon that is read aloud"
        elif each.tag == "img" and each.get("alt") is None:
            yield "an image without alt"


def _nesting(tree: Element, above: tuple[str, ...] = ()) -> Iterator[str]:
    for child in tree:
        if not isinstance(child.tag, str) or child.tag == "svg":
            continue
        path = (*above, tree.tag)
        allowed = CHILDREN.get(tree.tag)
        if allowed and child.tag not in allowed | {"script", "template"}:
            yield f"<{child.tag}> in <{tree.tag}>"
        if child.tag in BLOCKS and any(p in NO_BLOCKS for p in path):
            yield f"<{child.tag}> in <{[p for p in path if p in NO_BLOCKS][-1]}>"
        around = [p for p in path if p in ("a", "button", "summary")]
        if around and child.tag in INTERACTIVE and child.get("type") != "hidden":
            yield f"<{child.tag}> in <{around[-1]}>"
        yield from _nesting(child, path)


def _tables(tree: Element) -> Iterator[str]:
    for table in tree.iter("table"):
        widths = {sum(int(c.get("colspan", 1)) for c in row) for row in table.iter("tr")}
        if len(widths) > 1:
            yield f"rows of {sorted(widths)} cells in one table"
        for head in table.iter("th"):
            if head.get("scope") not in ("col", "row"):
                yield f"<th> {text(head)!r} without scope"
        if not list(table.iter("th")):
            yield "a table without heads"
    for choice in tree.iter("select"):
        words = [(option.get("value"), text(option)) for option in choice.iter("option")]
        if not all(label for _value, label in words):
            yield f"an empty option of {choice.get('name')!r}"
        if choice.get("required") is not None and words and words[0][0]:
            yield f"the required {choice.get('name')!r} does not begin with an empty choice"
    for form in tree.iter("fieldset"):
        if not len(form) or form[0].tag != "legend":
            yield "a fieldset that does not begin with its legend"


CHECKS: tuple[Callable[[Element], Iterator[str]], ...] = (
    _document, _attributes, _references, _names, _nesting, _tables,
)

"""Every page that a person can reach, found by following the links and sending the forms of the pages themselves.

A later plugin's pages are found without a word about them here; what no link leads to stands in tests/scenes.py.
"""
from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit
from xml.etree.ElementTree import Element

import html5lib
from flask import template_rendered
from werkzeug.exceptions import HTTPException

from core.testing.place import SLUGS

PEOPLE = ("system", "street", "auditor", "manager.upper", "staff.upper")
STAYS = re.compile(r"/(login|logout|account/(language|large)|static/.*)$")
TOKENS = re.compile(r'(name="(?:csrf_token|once|kept_by|row_version)" value=")[^"]*')


@dataclass
class Page:
    """One answer that a person sees: who asked what, and the whole document."""

    person: str
    asked: str  # "GET /upper/…" or "POST /upper/… …"
    status: int
    body: str
    headers: dict[str, str]
    templates: tuple[str, ...]

    @cached_property
    def parsed(self) -> tuple[Element, list[str]]:
        """The tree of the document, and what a strict parser says against it."""
        parser = html5lib.HTMLParser(tree=html5lib.getTreeBuilder("etree"), namespaceHTMLElements=False)
        tree = parser.parse(self.body)
        wrong = [f"{html5lib.constants.E[code] % variables} at {place}" for place, code, variables in parser.errors]
        return tree, wrong

    @property
    def tree(self) -> Element:
        """The document."""
        return self.parsed[0]

    @property
    def main(self) -> Element:
        """What stands in <main>."""
        found = self.tree.find(".//main")
        return self.tree if found is None else found

    @property
    def words(self) -> str:
        """The document without tokens: two pages with the same words need no second look."""
        return TOKENS.sub(r"\1", self.body)

    def __str__(self) -> str:
        return f"{self.person}: {self.asked} ({self.status})"


@dataclass
class Crawl:
    """What one person (or None) finds; `found` fills as it goes. With `samples` what shares a view is seen once."""

    place: Any
    person: str | None
    samples: bool = False
    found: list[Page] = field(default_factory=list)
    known: set[tuple] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.browser = self.place.browser(self.person)
        self.token = self.browser.token()
        self.rules = self.place.app.url_map.bind("localhost")

    def look(self, start: str = "/") -> list[Page]:
        """Follow every kind of link from here."""
        waiting = [start]
        while waiting:
            page = self.get(waiting.pop(0))
            if page is not None:
                waiting += [url for url in self._links(page) if self._is_new(url, page)]
        return self.found

    def press(self) -> list[Page]:
        """Send every kind of form of the pages found, empty and out of date, and press the buttons that ask first."""
        for page in list(self.found):
            for url, data in self._forms(page):
                self.post(url, data)
        return self.found

    def get(self, url: str) -> Page | None:
        """Open an address; a file or a redirect is no page."""
        return self.take("GET " + url, lambda: self.browser.client.get(url, follow_redirects=True))

    def post(self, url: str, data: dict[str, Any]) -> Page | None:
        """Send a form; an answer that leads elsewhere is no page of its own."""
        shown = " ".join(sorted(f"{k}={v}" for k, v in data.items() if k in ("action", "row_version", "question")))
        return self.take(f"POST {url} {shown}".strip(),
                          lambda: self.browser.client.post(url, data={**data, "csrf_token": self.token}))

    def take(self, asked: str, ask: Any) -> Page | None:
        """Ask, and keep the answer if it is a page."""
        names: list[str] = []
        note = lambda _app, template, **_words: names.append(template.name)  # noqa: E731 – connected by reference
        with template_rendered.connected_to(note, self.place.app):
            answer = ask()
        if answer.mimetype != "text/html" or answer.status_code in (301, 302, 303, 308):
            return None
        headers = {k: v for k, v in answer.headers if k not in ("Set-Cookie", "Content-Length", "Connection")}
        body = answer.get_data(as_text=True)
        page = Page(self.person or "nobody", asked, answer.status_code, body, headers, tuple(names))
        self.found.append(page)
        return page

    # -- what can be followed -------------------------------------------------------------------

    def _links(self, page: Page) -> Iterator[str]:
        here = page.asked.split()[1]
        for link in page.tree.iter("a"):
            url = urljoin(here, link.get("href", ""))
            if link.get("href", "#")[0] != "#" and not urlsplit(url).netloc:
                yield url
        for form in page.tree.iter("form"):
            if form.get("method", "get") == "get":
                action = urlsplit(urljoin(here, form.get("action") or here))
                yield f"{action.path}?{urlencode(list(_asked_for(form)))}"

    def _is_new(self, url: str, page: Page | None = None) -> bool:
        """Whether no address of this kind was seen; from a sorted or filtered list no further sorting is tried."""
        parts = urlsplit(url)
        try:
            endpoint, values = self.rules.match(parts.path, method="GET")
        except HTTPException:
            return False
        query = dict(parse_qsl(parts.query))
        key = (self._view(endpoint, set(query)), values.get("area") in SLUGS, tuple(sorted(query)))
        before = urlsplit(page.asked.split()[1]) if page else None
        again = before is not None and before.path == parts.path and before.query and len(query) > 1
        if key in self.known or STAYS.search(parts.path) or again:
            return False
        self.known.add(key)
        return True

    def _forms(self, page: Page) -> Iterator[tuple[str, dict[str, Any]]]:
        """The forms of a page sent empty, sent out of date, and each button that sends elsewhere."""
        here = page.asked.split()[1]
        for form in page.main.iter("form"):
            data, typed, url = filled(form), _typed(form), urljoin(here, form.get("action") or here)
            if form.get("method") != "post" or not typed or not page.asked.startswith("GET"):
                continue  # a form without fields is an action, which would change what others see
            if self._once(url, "empty"):
                yield url, {name: "" if name in typed else value for name, value in data.items()}
            if "row_version" in data and self._once(url, "stale"):
                yield url, {**data, "row_version": "0"}
                yield url, {**data, typed[0]: f"{data.get(typed[0], '')}乙", "row_version": "0"}
        for button in page.main.iter("button"):
            url, name = urljoin(here, button.get("formaction") or here), button.get("name", "")
            if name.startswith("ask") and self._once(url, "button"):  # others act at once, or give a file
                yield url, {name: button.get("value", "")}

    def _once(self, url: str, *kind: str) -> bool:
        parts = urlsplit(url)
        try:
            endpoint, values = self.rules.match(parts.path, method="POST")
        except HTTPException:
            return False
        query = dict(parse_qsl(parts.query))
        key = (self._view(endpoint, set(query)), values.get("area") in SLUGS, tuple(sorted(query)), *kind)
        if key in self.known or STAYS.search(parts.path):
            return False
        self.known.add(key)
        return True

    def _view(self, endpoint: str, query: set[str]) -> str:
        """A screen's lists and records are its own; sorted, filtered and set up they look like any other's."""
        once = self.samples or query - {"id"}
        return self.place.app.view_functions[endpoint].__qualname__ if once else endpoint


def _asked_for(form: Element) -> Iterator[tuple[str, str]]:
    """A search that finds nothing, with every choice made."""
    for each in form.iter():
        name = each.get("name")
        if not name:
            continue
        if each.tag == "select":
            options = [o.get("value") or "" for o in each.iter("option")]
            yield name, options[-1] if options else ""
        elif each.tag == "input" and each.get("type", "text") in ("text", "search"):
            yield name, each.get("value") or "没有这个"
        elif each.tag == "input":
            yield name, each.get("value") or ""


def filled(form: Element) -> dict[str, str]:
    """The values of a form as the page shows them."""
    data = {}
    for each in form.iter():
        name, kind = each.get("name"), each.get("type", "text")
        if not name or name == "csrf_token" or kind == "file":
            continue
        if each.tag == "textarea":
            data[name] = "".join(each.itertext())
        elif each.tag == "select":
            chosen = [o.get("value") or "" for o in each.iter("option") if o.get("selected") is not None]
            data[name] = chosen[0] if chosen else ""
        elif each.tag == "input" and (kind not in ("checkbox", "radio") or each.get("checked") is not None):
            data[name] = each.get("value") or ""
    return data


def _typed(form: Element) -> list[str]:
    """The names of what can be typed or chosen in a form, texts first."""
    fields = [e for e in form.iter() if e.tag in ("input", "select", "textarea") and e.get("type") != "hidden"]
    fields.sort(key=lambda e: e.tag == "select" or e.get("type", "text") != "text")
    return [e.get("name") for e in fields if e.get("name")]


def different(pages: list[Page]) -> list[Page]:
    """Each page once, whoever opened it."""
    return list({(page.words, page.status): page for page in reversed(pages)}.values())[::-1]

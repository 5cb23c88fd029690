"""What a page offers to press: its links, its forms with their inputs, and the buttons that post."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Ask:
    """One request."""

    method: str
    path: str
    query: Pairs = ()
    form: Pairs = ()
    json: bool = False
    headers: Pairs = ()

    def names(self) -> set[str]:
        """The names of everything sent."""
        return {name for name, _value in (*self.query, *self.form)}

    @property
    def url(self) -> str:
        """The address with its query string."""
        return self.path + (f"?{urlencode(self.query)}" if self.query else "")


@dataclass
class Form:
    """A form as a browser would send it."""

    method: str
    action: str
    shared: bool = False  # empty, for the buttons of the page
    inputs: list[tuple[str, str]] = field(default_factory=list)


class Offers(HTMLParser):
    """Reads one page."""

    def __init__(self, page: str, url: str) -> None:
        super().__init__(convert_charrefs=True)
        self.url, self.links, self.forms, self.buttons = url, [], [], []
        self.by_id: dict[str, Form] = {}
        self.late: list[tuple[str, str, str]] = []
        self.form: Form | None = None
        self.select: tuple[str, list[tuple[str, bool]]] | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect links, forms and inputs."""
        has = {name: value or "" for name, value in attrs}
        self.links += [v for n, v in has.items() if v.startswith("/") and (n == "href" or n.startswith("data-"))]
        if tag == "form":
            self.form = Form(has.get("method", "get").upper(), has.get("action") or self.url, "action" not in has)
            self.forms.append(self.form)
            self.by_id[has.get("id", "")] = self.form
        elif tag == "select":
            self.select = (has.get("name", ""), [])
        elif tag == "option" and self.select:
            self.select[1].append((has.get("value", ""), "selected" in has))
        elif tag in ("input", "textarea"):
            self._input(has)
        elif tag == "button" and has.get("type") != "button":
            if "formaction" in has:
                self.buttons.append((has["formaction"], has.get("form", "")))
            elif self.form and has.get("name") and has["name"] not in dict(self.form.inputs):
                self.form.inputs.append((has["name"], has.get("value", "")))

    def _input(self, has: dict[str, str]) -> None:
        name, kind = has.get("name", ""), has.get("type", "text")
        if not name or kind in ("submit", "file") or (kind in ("checkbox", "radio") and not self._ticked(has)):
            return
        value = has.get("value", "") or (FILLED.get(kind, "") if "required" in has else "")
        if "form" in has:
            self.late.append((has["form"], name, value or "on"))
        elif self.form is not None:
            self.form.inputs.append((name, value))

    @staticmethod
    def _ticked(has: dict[str, str]) -> bool:
        return "checked" in has or "form" in has or "row-" in has.get("name", "")

    def handle_endtag(self, tag: str) -> None:
        """A select is complete; a form ends."""
        if tag == "select" and self.select:
            name, options = self.select
            chosen = next((v for v, on in options if on and v), None) or next((v for v, _on in options if v), "")
            if name and self.form is not None:
                self.form.inputs.append((name, chosen if self.form.method == "POST" else ""))
            self.select = None
        elif tag == "form":
            self.form = None

    def asks(self) -> Iterator[Ask]:
        """Everything that can be pressed, as requests; without tokens."""
        for form_id, name, value in self.late:
            if form_id in self.by_id:
                self.by_id[form_id].inputs.append((name, value))
        for link in self.links:
            yield asked("GET", link)
        for form in self.forms:
            kept = [(n, v) for n, v in form.inputs if n not in ("csrf_token", "once")]
            if form.method == "GET":
                yield asked("GET", form.action, query=[(n, v) for n, v in kept if v])
            elif kept or not form.shared:
                yield asked("POST", form.action, form=[*kept, ("once", ONCE)])
        for action, _form in self.buttons:
            yield asked("POST", action, form=[("reason", "for the matrix")])


ONCE = "once-for-the-matrix-0"
FILLED = {"text": "翳翊", "date": "2026-11-20", "number": "1", "time": "11:00", "search": "", "tel": "", "hidden": ""}


def asked(method: str, url: str, query: Any = (), form: Any = ()) -> Ask:
    """A request for an address with or without a query string."""
    parts = urlsplit(url)
    return Ask(method, parts.path, (*parse_qsl(parts.query, keep_blank_values=True), *query), tuple(form))

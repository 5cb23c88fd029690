"""Sending one request and keeping all that came of it: answer, file, notices, log lines, changed rows."""
from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.test import EnvironBuilder

from tests.isolation.books import Books
from tests.isolation.pages import Ask
from tests.isolation.sides import HIDDEN, TOKENS, found_in, readable, without
from tests.isolation.world import Seat, World

heard: set[str] = set()  # the names that the view asked for
RANDOM_HEADERS = {"set-cookie", "date"}
NUMBERS = {side.number: name for name, side in HIDDEN.items()}


class Ear(ImmutableMultiDict):
    """Arguments and forms that remember which names were asked for: so a way in cannot be forgotten."""

    def __getitem__(self, name: Any) -> Any:
        heard.add(str(name))
        return super().__getitem__(name)

    def __contains__(self, name: Any) -> bool:
        heard.add(str(name))
        return super().__contains__(name)

    def get(self, name: Any, *args: Any, **kwargs: Any) -> Any:
        """As of any mapping."""
        heard.add(str(name))
        return super().get(name, *args, **kwargs)

    def getlist(self, name: Any, *args: Any, **kwargs: Any) -> Any:
        """As of any mapping."""
        heard.add(str(name))
        return super().getlist(name, *args, **kwargs)


@dataclass
class Answer:
    """What came of a request. `effect` are the rows that it changed (they are put back)."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    said: Any
    kept: dict[str, Any]
    logged: str
    effect: list[tuple[str, str, Any, dict[str, Any]]]
    names: frozenset[str]
    seconds: float = 0.0
    sent: tuple[str, ...] = field(default=())

    @property
    def refused(self) -> bool:
        """Whether the seat did not get to the view at all."""
        return self.status in (401, 403, 404) or (
            self.status == 302 and self.header("Location").startswith("/login?next"))

    def header(self, name: str) -> str:
        """A header's text."""
        return next((v for n, v in self.headers if n.lower() == name.lower()), "")

    def shape(self, also: tuple[str, ...] = ()) -> tuple[Any, ...]:
        """What must be the same for a foreign and for a made-up value: all but random tokens and what was sent.

        `also` are what was sent in the other request: it is taken out of both.
        """
        clean = replace(self, sent=(*self.sent, *also))._plain
        left = [f"{n}: {v}" for n, v in self.headers if n.lower() not in RANDOM_HEADERS]
        typed = not only_ids((*self.sent, *also))  # of a name there may be more parts and readings than of another
        if self.body[:2] == b"PK" or typed:
            left = [line for line in left if not line.startswith("Content-Length")]
        changed = sorted({(table, what, "" if typed else clean(str(key))) for table, what, key, _row in self.effect})
        return (self.status, clean("\n".join(left)), clean(readable(self.body)), clean(repr(self.said)),
                clean(repr(sorted(self.kept.items()))), clean(self.logged), changed)

    def _plain(self, text: str) -> str:
        return TOKENS.sub("", without(text, self.sent))

    def numbered(self) -> Answer:
        """The same with the numbers of new rows taken for sent ones: they are counted over the whole installation."""
        new = tuple(str(part) for _t, what, key, _row in self.effect if what == "added" for part in key
                    if len(str(part)) > 4)  # on PostgreSQL they are few and the same each time
        return replace(self, sent=(*self.sent, *new))

    def leaks(self, seat: Seat) -> list[str]:
        """Whatever of a hidden side stands anywhere in what came of the request."""
        pieces = {
            "header": "\n".join(f"{n}: {v}" for n, v in self.headers if n.lower() != "set-cookie"),
            "body": readable(self.body, whole=True), "notice": repr(self.said), "cookie": repr(self.kept),
            "log": self.logged,
        }
        found = [f"{where}: {hit}" for where, text in pieces.items() for hit in found_in(text, seat.hidden, self.sent)]
        for table, what, key, row in self.effect:
            sides = {NUMBERS[n] for name, n in row.items() if name.rpartition("_")[2] == "id" and n in NUMBERS}
            marks = found_in(_shown(row), seat.hidden, self.sent) if only_ids(self.sent) else []
            if sides & seat.hidden.keys() or marks:
                found.append(f"row {what} in {table}: {key} {row} {marks}")
        return found


def only_ids(sent: tuple[str, ...]) -> bool:
    """Whether nothing was typed but the ids of records."""
    return all(token.isdecimal() and len(token) == 6 for token in sent)


def _shown(row: dict[str, Any]) -> str:
    """The values of a row but those that are encrypted."""
    texts = (str(value) for value in row.values())
    return " ".join(text for text in texts if not text.startswith(("k1:", "$argon", "b'", "\\x")))


class Asker:
    """Sends requests into a world, each as if it were the first."""

    def __init__(self, world: World, books: Books) -> None:
        self.world, self.books, self.count = world, books, 0
        # work in another process is none of ours: there the clock on the wall counts
        self.timer = time.process_time if world.kind == "sqlite" else time.perf_counter
        self.client = world.app.test_client(use_cookies=False)
        self.signer = world.app.session_interface.get_signing_serializer(world.app)
        world.app.request_class = type("Listening", (world.app.request_class,), {"parameter_storage_class": Ear})

    def ask(self, seat: Seat, ask: Ask, sent: tuple[str, ...] = ()) -> Answer:
        """One request; what it changed is noted and undone."""
        self.books.mark()
        answer = self._send(self._parts(seat, ask), sent)
        answer.effect = [(t, what, key, self.books.named(t, row)) for t, what, key, row in self.books.effect()]
        return answer

    @contextmanager
    def keeping(self, seat: Seat, sent: tuple[str, ...] = ()) -> Iterator[Callable[..., Answer]]:
        """Several requests (method, address, form) that build upon each other; undone at the end."""
        self.books.mark()
        headers = [("Cookie", f"jinlin={self.world.cookies[seat.username]}")]

        def send(method: str, url: str, form: dict[str, Any] | None = None) -> Answer:
            data = None if form is None else {**form, "csrf_token": self.world.tokens[seat.username]}
            return self._send({"method": method, "path": url, "data": data, "headers": headers}, sent)

        yield send
        self.books.effect()

    def _send(self, parts: dict[str, Any], sent: tuple[str, ...]) -> Answer:
        heard.clear()
        self.count += 1
        with _listening() as lines:
            begin = self.timer()
            answer = self.client.open(EnvironBuilder(**parts).get_environ())
            body = answer.get_data()
            answer.close()
            seconds = self.timer() - begin
        kept = self._session_of(answer.headers.getlist("Set-Cookie"))
        return Answer(answer.status_code, list(answer.headers), body, kept.pop("_flashes", []), kept, "\n".join(lines),
                      [], frozenset(heard - {"csrf_token"}), seconds, sent)

    def _parts(self, seat: Seat, ask: Ask) -> dict[str, Any]:
        headers = [("Cookie", f"jinlin={self.world.cookies[seat.username]}"), *ask.headers]
        parts: dict[str, Any] = {"method": ask.method, "path": quote(ask.path, safe="/%")}
        parts["query_string"] = "&".join(f"{quote(n, safe='')}={quote(v, safe='')}" for n, v in ask.query)
        if ask.json:
            parts["json"] = dict(ask.form)
            headers.append(("X-CSRFToken", self.world.tokens[seat.username]))
        elif ask.method == "POST":
            form: dict[str, Any] = {"csrf_token": self.world.tokens[seat.username]}
            for name, value in ask.form:
                form.setdefault(name, []).append(value) if name != "csrf_token" else None
            parts["data"] = form
        parts["headers"] = headers
        return parts

    def _session_of(self, cookies: list[str]) -> dict[str, Any]:
        found = [re.match(r"jinlin=([^;]*)", cookie) for cookie in cookies]
        value = next((hit[1] for hit in found if hit), "")
        content = dict(self.signer.loads(value)) if value else {}
        return {k: v for k, v in content.items() if k not in ("token", "csrf_token")}


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """With the trace, if there is one."""
        self.lines.append(self.format(record))


@contextmanager
def _listening() -> Iterator[list[str]]:
    handler, root = _Lines(), logging.getLogger()
    root.addHandler(handler)
    try:
        yield handler.lines
    finally:
        root.removeHandler(handler)

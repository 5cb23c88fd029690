"""Real requests for every rule: what a person at a seat can press, found by following the pages."""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from tests.isolation.asking import Asker
from tests.isolation.pages import ONCE, Ask, Offers
from tests.isolation.sides import OWN
from tests.isolation.world import Seat

MOST = 6  # requests of one kind that are kept
PLAIN_NAMES = {"sort", "desc", "size", "page", "next"}  # their values do not make another kind of request
PATH_PARTS = {"export_type": ("xlsx", "csv"), "filename": ("jinlin.css",), "plugin": ("canteen",),
              "metric": ("canteen.meals",)}
# What an address names beside records, where no page leads there.
SELECTED = (("plugin", "canteen"), ("job", f"job-of-{OWN.number}-0123456789abcdef"))


def rules_of(asker: Asker) -> list[tuple[Rule, str]]:
    """Every rule with each of its methods."""
    return [(rule, method) for rule in asker.world.app.url_map.iter_rules()
            for method in sorted((rule.methods or set()) & {"GET", "POST", "PUT", "PATCH", "DELETE"})]


def endpoint_of(asker: Asker, ask: Ask) -> str | None:
    """The endpoint that an address leads to."""
    try:
        endpoint, _values = asker.world.app.url_map.bind("localhost").match(ask.path, method=ask.method)
    except HTTPException:
        return None
    return endpoint


def crawl(asker: Asker, seat: Seat) -> dict[tuple[str, str], list[Ask]]:
    """(endpoint, method) → requests that the pages of this seat offer."""
    found: dict[tuple[str, str], dict[Any, Ask]] = defaultdict(dict)
    waiting = [Ask("GET", f"/{seat.slug}/"), Ask("GET", "/account/password")]
    while waiting:
        ask = waiting.pop(0)
        endpoint = endpoint_of(asker, ask)
        if endpoint is None or endpoint.endswith("static") or not _mine(asker, ask, seat):
            continue
        kind, kept = _kind(ask), found[endpoint, ask.method]
        if kind in kept or len(kept) >= MOST:
            continue
        kept[kind] = ask
        answer = asker.ask(seat, ask)
        if answer.header("Content-Type").startswith("text/html") and not answer.refused:
            waiting += Offers(answer.body.decode(), ask.url).asks()
    return {key: list(asks.values()) for key, asks in found.items()}


def _mine(asker: Asker, ask: Ask, seat: Seat) -> bool:
    return ask.path.startswith((f"/{seat.slug}/", "/account/", "/login", "/logout")) or ask.path == "/"


def _kind(ask: Ask) -> Any:
    """Requests that differ in numbers, days and order only are one kind."""
    return frozenset((n, "" if v[:1].isdigit() or len(v) > 20 or n in PLAIN_NAMES else v)
                     for n, v in (*ask.query, *ask.form) if n != "once")


def by_hand(asker: Asker, rule: Rule, method: str, seat: Seat) -> Iterator[Ask]:
    """Requests for a rule that no page of the seat leads to: its own record under the usual name."""
    names = sorted(rule.arguments - {"area"})
    unknown = [name for name in names if name not in PATH_PARTS]
    assert not unknown, f"{rule}: please say in tests/isolation/crawl.py how to fill {unknown}"
    for value in PATH_PARTS[names[0]] if names else ("",):
        values = {**dict.fromkeys(names, value), **({"area": seat.slug} if "area" in rule.arguments else {})}
        with asker.world.app.test_request_context():
            path = asker.world.app.url_map.bind("localhost").build(rule.endpoint, values, method=method)
        form = (("once", ONCE), ("reason", "for the matrix"), ("row_version", "1"))
        query = (("id", str(OWN.number)), *SELECTED)
        yield Ask(method, path.partition("?")[0], query, form if method == "POST" else ())

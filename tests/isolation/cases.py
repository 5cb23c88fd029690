"""From one real request to all the ways in which another side's value can be put into it."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import sqlalchemy as sa

from core.areas.tenancy import tenant_models
from tests.isolation.pages import Ask, Pairs
from tests.isolation.sides import NOBODY, OTHER, OWN, OWN_STREET, Side

OTHER_METHODS = ("HEAD", "OPTIONS", "PUT", "DELETE")
HIDDEN_FIELDS = ("community_id", "area_id", "area", "user_id", "id", "rowid", "record_id", "owner", "scope")
SEARCHED = {"search", "q", "query"}
SEARCHES = ("name", "letter", "pinyin", "initials", "phone", "tail", "identity", "username")
TYPED = (  # a part of a field's name → what is typed there
    ("identity", "identity"), ("phone", "phone"), ("user", "username"), ("slug", "slug"), ("once", "once"),
    ("code", "code"), ("field", "field"), ("next", "next"), ("day", "day"), ("from", "day"), ("to", "day"),
    ("week", "day"), ("date", "day"), ("name", "name"), ("name", "role"), ("about", "username"),
)
MALFORMED = ("{}'--", "+{}", " {}", "{}.0", "0x{}", "-{}", "{}" * 5, "{}\x00", "[{}]", "{}_", "abc", "", "٧{}")
Put = Callable[[Side], tuple[Ask, tuple[str, ...]]]


@dataclass(frozen=True)
class Case:
    """A way in. `put` gives the request for a side, and what of it may come back in the answer."""

    way: str
    name: str
    put: Put


def references() -> set[str]:
    """The names of relations and their columns: inputs of these names hold foreign keys."""
    found = set()
    for model in tenant_models():
        mapper = sa.inspect(model)
        found |= {r.key for r in mapper.relationships} | {c.key for c in mapper.columns if c.info.get("references")}
    return found


def put(ask: Ask, name: str, *values: str) -> Ask:
    """The request with other values under this name, wherever it stands; a new one goes everywhere."""
    def changed(pairs: Pairs, add: bool) -> Pairs:
        kept = [pair for pair in pairs if pair[0] != name]
        there = len(kept) < len(pairs)
        return (*kept, *((name, value) for value in values)) if there or add else pairs

    new = name not in ask.names()
    return replace(ask, query=changed(ask.query, new), form=changed(ask.form, new and ask.method == "POST"))


def aimed(ask: Ask, side: Side) -> Ask:
    """The request with the side's id wherever the own one stands."""
    def moved(pairs: Pairs) -> Pairs:
        return tuple((n, v.replace(str(OWN.number), str(side.number))) for n, v in pairs)

    return replace(ask, query=moved(ask.query), form=moved(ask.form))


def id_names(ask: Ask) -> set[str]:
    """The names under which the request names a record of the seat."""
    return {name for name, value in (*ask.query, *ask.form) if str(OWN.number) in value}


def main_cases(ask: Ask, heard: frozenset[str], endpoint: str) -> Iterator[Case]:
    """What is tried for every rule and seat."""
    def everything(side: Side) -> tuple[Ask, tuple[str, ...]]:
        asked, number = aimed(ask, side), str(side.number)
        for name in sorted({*HIDDEN_FIELDS, *heard} - ask.names() - {"once", "next", *SEARCHED}):
            asked = put(asked, name, number)
        return asked, (number,)

    if id_names(ask):
        yield Case(_way(ask, endpoint), "ids", lambda side: (aimed(ask, side), (str(side.number),)))
    yield Case("hidden", "everything", everything)


def _way(ask: Ask, endpoint: str) -> str:
    if "ajax" in endpoint:
        return "ajax"
    if endpoint.endswith((".file", ".excel", ".export", ".template")):
        return "file"
    return "query" if any(str(OWN.number) in value for _n, value in ask.query) else "form"


def path_cases(ask: Ask, slugs: tuple[str, ...]) -> Iterator[Case]:
    """The area in the address replaced by one that the seat has no role in; the last one is nobody's."""
    if ask.path.startswith((f"/{OWN.slug}/", f"/{OWN_STREET[1]}/")):
        for slug in (*slugs, NOBODY.slug):
            yield Case("path", slug, lambda side, slug=slug: _elsewhere(ask, slug))


def _elsewhere(ask: Ask, slug: str) -> tuple[Ask, tuple[str, ...]]:
    return replace(ask, path=f"/{slug}/" + ask.path.split("/", 2)[2]), (slug,)


def single_cases(
    ask: Ask, heard: frozenset[str], endpoint: str, texts: dict[Side, dict[str, str]]
) -> Iterator[Case]:
    """Each name alone, with the id and with whatever somebody may know and type; several at once; other forms."""
    foreign_keys = references()
    for name in sorted({*ask.names(), *heard} - {"csrf_token"}):
        way = "search" if name in SEARCHED else "foreign key" if name in foreign_keys else "hidden" if name in (
            "once", "row_version", *HIDDEN_FIELDS) else "filter" if ask.method == "GET" else "form"
        if name not in SEARCHED | {"once", "next"}:
            yield Case(way, name, lambda side, name=name: (put(ask, name, str(side.number)), (str(side.number),)))
        for text in typed(name, texts[OTHER]):
            yield Case(way, f"{name}={text}",
                       lambda side, name=name, text=text: (put(ask, name, texts[side][text]), (texts[side][text],)))
    if ask.method == "POST":
        yield from _other_forms(ask, heard)
    if id_names(ask):
        for method in OTHER_METHODS:
            yield Case("method", method, lambda side, method=method: (
                replace(aimed(ask, side), method=method), (str(side.number),)))


def typed(name: str, known: dict[str, str]) -> tuple[str, ...]:
    """What is typed into a field of this name: also every text of this name that must be unique among records."""
    if name in SEARCHED:
        return SEARCHES
    unique = [key for key in known if key.endswith(f".{name}")]
    found = tuple(dict.fromkeys([text for part, text in TYPED if part in name] + unique))
    return found or (() if name in HIDDEN_FIELDS else ("name",))


def _other_forms(ask: Ask, heard: frozenset[str]) -> Iterator[Case]:
    ids = {name for name, value in ask.form if value == str(OWN.number)} | ({"rowid"} if "rowid" in heard else set())
    for name in sorted(ids):
        yield Case("bulk", name, lambda side, name=name: (
            put(ask, name, str(OWN.number), str(side.number)), (str(side.number),)))
    if id_names(ask):
        yield Case("json", "ids", lambda side: (replace(aimed(ask, side), json=True), (str(side.number),)))
        yield Case("ajax", "ids", lambda side: (
            replace(aimed(ask, side), headers=(("X-Requested-With", "fetch"),)), (str(side.number),)))
    yield Case("header", "Referer", lambda side: (replace(ask, headers=(
        ("Referer", f"http://localhost/{side.slug}/residents/people/details/?id={side.number}"),
        ("X-Original-URL", f"/{side.slug}/"), ("X-Forwarded-Prefix", f"/{side.slug}"))), (str(side.number), side.slug)))


def malformed(ask: Ask, turn: int) -> Ask:
    """The own ids replaced by something that looks like a neighbour's, and is none."""
    text = MALFORMED[turn % len(MALFORMED)].format(*[OTHER.number] * 5)

    def broken(pairs: Pairs) -> Pairs:
        return tuple((n, text if str(OWN.number) in v else v) for n, v in pairs)

    return replace(ask, query=(*broken(ask.query), ("community_id", text)), form=broken(ask.form))

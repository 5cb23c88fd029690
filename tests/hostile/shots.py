"""Hostile requests against one screen, endlessly, from a seed: mostly right ones with something wrong in them."""
from __future__ import annotations

import io
import random
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_from_bytes

from tests.hostile import corpus
from tests.hostile.pages import Form

Pairs = list[tuple[str, str]]


@dataclass
class Shot:
    """One request, as the test client takes it."""

    method: str
    path: str
    query: bytes = b""
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        said = {k: repr(v)[:200] for k, v in self.options.items()}
        return f"{self.method} {self.path}?{self.query[:200]!r} {said}"


@dataclass
class Target:
    """What is known of a screen: its addresses by method, its arguments, its forms, ids that exist."""

    name: str
    paths: dict[str, list[str]]
    names: list[str]
    forms: dict[str, Form]  # by path
    ids: list[str]


def shots(target: Target, rng: random.Random, token: str) -> Iterator[Shot]:
    """Without end; the same seed gives the same requests."""
    ways = [_query] * 9 + [_form] * 9 * bool(target.paths.get("POST")) + [_raw, _raw, _odd, _headers, _body, _upload]
    while True:
        yield rng.choice(ways)(target, rng, token)


def _value(rng: random.Random) -> str:
    return rng.choice(corpus.VALUES)


def _pairs(target: Target, rng: random.Random) -> Pairs:
    """Arguments that the screen knows and some it does not; doubled, missing, as arrays."""
    names = rng.sample(target.names, min(len(target.names), rng.randint(1, 6)))
    pairs = [(n, _value(rng)) for n in names]
    if rng.random() < 0.5:
        pairs.append(("id", rng.choice([*target.ids, _value(rng)])))
    if rng.random() < 0.2:
        pairs += [(rng.choice(names), _value(rng)) for _i in range(rng.choice([1, 3, 40]))]
    if rng.random() < 0.1:
        pairs += [(f"{n}{rng.choice(['[]', '[0]', '.x', '__gt', '-0-a'])}", _value(rng)) for n in names]
    if rng.random() < 0.03:
        pairs += [(f"p{i}", "1") for i in range(rng.choice([900, 3000]))]
    return pairs


def _encoded(pairs: Pairs, rng: random.Random, most: int = 7000) -> bytes:
    parts = [f"{quote_from_bytes(n.encode())}={quote_from_bytes(v.encode())}".encode() for n, v in pairs]
    return b"&".join(parts)[:most if rng.random() < 0.98 else None]


def _path(target: Target, rng: random.Random, method: str) -> str:
    return rng.choice(target.paths.get(method) or target.paths["GET"])


def _query(target: Target, rng: random.Random, _token: str) -> Shot:
    return Shot("GET", _path(target, rng, "GET"), _encoded(_pairs(target, rng), rng))


def _raw(target: Target, rng: random.Random, _token: str) -> Shot:
    """Pieces that are no proper query at all, also in the path."""
    names = rng.choices(target.names, k=rng.randint(1, 5))
    query = b"&".join(name.encode() + b"=" + rng.choice(corpus.RAW) for name in names)
    path = _path(target, rng, "GET")
    if rng.random() < 0.3:
        path = path.rstrip("/") + "/" + rng.choice(corpus.ENDINGS)
    return Shot("GET", path, query)


def _form(target: Target, rng: random.Random, token: str) -> Shot:
    """A form as the page shows it, with some of its fields, or fields it never had, replaced."""
    path = _path(target, rng, "POST")
    form = target.forms.get(path)
    data: dict[str, Any] = dict(form.fields) if form else {"reason": "for the test"}
    data |= {"csrf_token": token}
    if rng.random() < 0.9:
        data["once"] = secrets.token_urlsafe(24)
    names = sorted({*data, *target.names} - {"csrf_token", "once"})
    for name in rng.sample(names, min(len(names), rng.choice([1, 1, 1, 2, 3, 8]))):
        data[name] = _value(rng) if rng.random() > 0.01 else rng.choice(corpus.HUGE)
    if rng.random() < 0.2:
        data |= {name: _value(rng) for name in rng.sample(corpus.NEVER_SHOWN, 3)}
    if rng.random() < 0.05 and len(data) > 2:
        data.pop(rng.choice(sorted(data.keys() - {"csrf_token"})))
    if rng.random() < 0.1:
        name = rng.choice(sorted(data.keys() - {"csrf_token"}))
        data[name] = [data[name], _value(rng), _value(rng)]
    if rng.random() < 0.02:
        data |= {f"p{i}": "1" for i in range(rng.choice([990, 3000]))}
    query = [("id", rng.choice([*target.ids, _value(rng)]))] if rng.random() < 0.8 else _pairs(target, rng)
    huge = any(value in corpus.HUGE for value in data.values() if isinstance(value, str))
    kind = "multipart/form-data" if rng.random() < 0.3 and not huge else "application/x-www-form-urlencoded"
    return Shot("POST", path, _encoded(query, rng), {"data": data, "content_type": kind})


def _body(target: Target, rng: random.Random, token: str) -> Shot:
    return Shot("POST", _path(target, rng, "POST"), b"", {
        "data": rng.choice(corpus.BODIES), "content_type": rng.choice(corpus.KINDS),
        "headers": [("X-CSRFToken", token)] if rng.random() < 0.8 else []})


def _upload(target: Target, rng: random.Random, token: str) -> Shot:
    name, data = rng.choice(corpus.FILES)
    field_name = rng.choice(["file", "file", *target.names])
    body = {"csrf_token": token, "once": secrets.token_urlsafe(24), field_name: (io.BytesIO(data), name)}
    for path, form in target.forms.items():
        if path in target.paths.get("POST", ()) and rng.random() < 0.5:
            body = {**dict(form.fields), **body}
    return Shot("POST", _path(target, rng, "POST"), b"", {"data": body, "content_type": "multipart/form-data"})


def _odd(target: Target, rng: random.Random, token: str) -> Shot:
    path, query = _path(target, rng, rng.choice(["GET", "POST"])), _encoded(_pairs(target, rng), rng)
    return Shot(rng.choice(corpus.METHODS), path, query, {"headers": [("X-CSRFToken", token)]})


def _headers(target: Target, rng: random.Random, token: str) -> Shot:
    chosen = rng.sample(corpus.HEADERS, rng.randint(1, 4))
    if rng.random() < 0.5:
        return Shot("GET", _path(target, rng, "GET"), b"", {"headers": chosen})
    sent = {"headers": [*chosen, ("X-CSRFToken", token)], "data": {"reason": "for the test"}}
    return Shot("POST", _path(target, rng, "POST"), b"id=1", sent)

"""The walk over every address of the app that the contract tests share."""
from __future__ import annotations

import difflib
import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from secrets import token_urlsafe
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask, current_app
from sqlalchemy.orm import LoaderCriteriaOption
from werkzeug.routing import Rule

from core.accounts.models import AccountEvent
from core.admin.page import GuardedView
from core.admin.screen import Screen
from core.areas.models import Area
from core.areas.scope import Scope, session_for
from core.areas.service import switch_on
from core.areas.tenancy import TenantModel, tenant_models
from core.audit.models import AuditEntry
from core.extensions import db
from core.testing.records import fill, secrets

OWN, FOREIGN, NOBODYS = 770001, 780001, 660000  # in every table: in `upper`, in `lower` (rows that listeners make take
# the numbers between), nowhere
MARKS = re.compile(r'nonce="[^"]*"|name="(csrf_token|once)" value="[^"]*"|content="[^"]{40,}"|value="[\w.-]{40,}"')
PATHS = {"export_type": ["csv", "xlsx"]}
LOGS = (AuditEntry, AccountEvent)
PLAIN = {"reason": "for the test", "row_version": "1", "action": "delete", "day": "2026-11-20", "field": "name"}


@dataclass
class Walk:
    """A place with a record of every model in both communities, and all plugins on."""

    place: Any
    records: dict[str, dict[str, Any]] = field(default_factory=dict)

    def rules(self, method: str, screens: set[str] | None = None) -> Iterator[Rule]:
        """Every rule below an area that takes this method."""
        for rule in self.place.app.url_map.iter_rules():
            inside = screens is None or rule.endpoint.partition(".")[0] in screens
            if "area" in rule.arguments and method in (rule.methods or ()) and inside:
                yield rule

    def addresses(self, rule: Rule, slug: str, number: int = NOBODYS) -> list[str]:
        """The addresses of a rule; parts that it does not know are taken for ids."""
        names = sorted(rule.arguments - {"area"})
        assert len(names) < 2, f"{rule}: please say in core/testing/walk.py how to fill it"
        with self.place.app.test_request_context():
            adapter = current_app.url_map.bind("localhost")
            choices = PATHS.get(names[0], [number]) if names else [None]
            return [adapter.build(rule.endpoint, {"area": slug, **({names[0]: c} if names else {})}) for c in choices]

    def keys(self) -> list[str]:
        """Every name that might hold an id: of columns, relations and the screens' own arguments."""
        names = {"id", "rowid", "record", "record_id", "ids"}
        for model in tenant_models():
            mapper = sa.inspect(model)
            names |= {r.key for r in mapper.relationships} | {
                c.key for c in mapper.columns if c.info.get("references")}
        return sorted(names)

    def screens(self) -> list[GuardedView]:
        """Every screen of the core and the plugins, and the workbench."""
        return [s for _title, screens in self.place.app.extensions["jinlin_menu"] for s in screens]

    def rows(self, slug: str | None = None) -> dict[str, list[Any]]:
        """Everything that stands in the tenant tables (of one community), for comparison."""
        found = {}
        with self.place.owner() as connection:
            for table in sorted(db.metadata.sorted_tables, key=lambda t: t.name):
                if table.name in ("user_session", "account_event", "user"):
                    continue
                rows = sa.select(table)
                if slug:
                    if not table.info.get("tenant"):
                        continue
                    rows = rows.where(table.c.community_id == self.place.ids[slug])
                found[table.name] = sorted(repr(tuple(row)) for row in connection.execute(rows))
        return found


def start(place: Any) -> Walk:
    """All plugins on, and the same id in every table of both communities."""
    walk = Walk(place)
    manager = place.app.extensions["jinlin_plugins"]
    assert manager.faults == {}
    with place.app.app_context():
        with session_for(None, "a test switches all on", writes=True) as writing:
            for slug in ("upper", "lower"):
                for plugin in manager.names:
                    switch_on(writing, writing.get_one(Area, place.ids[slug]), plugin, date(2026, 1, 1), "test")
        for slug, number in (("lower", FOREIGN), ("upper", OWN)):  # rows made by themselves take the next number
            with place.session(slug, writes=True) as writing:
                writing.info["quiet"] = True  # the audit trail takes the next number, which may be ours
                made = fill(writing, number)
                writing.commit()
                for record in made.values():
                    for column in sa.inspect(type(record)).column_attrs:  # deferred ones too
                        getattr(record, column.key)
                writing.expunge_all()
                walk.records[slug] = made
    return walk


@dataclass
class Sender:
    """A browser that keeps its token, so that one request is one request."""

    walk: Walk
    username: str | None
    browser: Any = None
    token: str = ""

    def __post_init__(self) -> None:
        self.browser = self.walk.place.browser(self.username)
        self.token = self.browser.token()

    def send(self, method: str, url: str, data: dict[str, Any] | None = None, *, csrf: bool = True) -> Any:
        """One request with these values in the address and, for a POST, in the form too."""
        data, client = data or {}, self.browser.client
        if method == "GET":
            return client.get(url, query_string=data)
        form = {"once": token_urlsafe(24), **data, **({"csrf_token": self.token} if csrf else {})}
        answer = client.post(url, data=form, query_string={k: v for k, v in data.items() if k != "reason"})
        with client.session_transaction() as session:
            answer.said = session.pop("_flashes", [])  # what the next page would say belongs to this answer
        return answer


def text_of(answer: Any) -> str:
    """The body as text; of a workbook everything but the hour of its making."""
    if answer.mimetype.endswith(".sheet"):
        with zipfile.ZipFile(io.BytesIO(answer.get_data())) as book:
            return "".join(book.read(n).decode() for n in sorted(book.namelist()) if not n.startswith("docProps"))
    return answer.get_data(as_text=True)


def body(answer: Any, *names: str) -> str:
    """The body without tokens, and with each of `names` (an id, a slug) taken out."""
    text = MARKS.sub("", text_of(answer)) + repr(getattr(answer, "said", ""))
    for name in names:
        text = text.replace(name, "…")
    return text


def record_screens(walk: Walk) -> list[Screen]:
    """The screens over tenant tables."""
    screens = [s for s in walk.screens() if isinstance(s, Screen) and issubclass(s.model, TenantModel)]
    assert len(screens) > 3
    return screens


def path_of(screen: GuardedView) -> str:
    """The address of a screen below its area, with / at both ends."""
    return "/" + screen.url.strip("/").removeprefix("<slug:area>").strip("/") + "/"


@contextmanager
def not_limited(app: Flask, model: type[TenantModel], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The session's scope forgets one model. What was compiled before would still hold the condition."""
    mappers, holds = LoaderCriteriaOption._all_mappers, Scope.holds_for

    def but_one(self: LoaderCriteriaOption) -> Iterator[Any]:
        return (m for m in mappers(self) if not (self.root_entity is TenantModel and m.class_ is model))

    with monkeypatch.context() as patch, _compiled_anew(app):
        patch.setattr(LoaderCriteriaOption, "_all_mappers", but_one)
        patch.setattr(Scope, "holds_for", lambda self, one: sa.true() if one is model else holds(self, one))
        yield


@contextmanager
def _compiled_anew(app: Flask) -> Iterator[None]:
    for step in range(2):
        with app.app_context():
            db.engine.clear_compiled_cache()
        if step == 0:
            yield


def leaks(walk: Walk, screens: set[str] | None = None, methods: tuple[str, ...] = ("GET", "POST")) -> list[Any]:
    """Addresses of `upper` that treat the id of a record of `lower` otherwise than an id that nobody has."""
    sender, found, hidden = Sender(walk, "manager.upper"), [], secrets(walk.records["lower"])
    logs = {s.endpoint for s in walk.screens() if getattr(s, "model", None) in LOGS}  # they grow by a POST
    for method in methods:
        for rule in walk.rules(method, screens):
            pairs = zip(walk.addresses(rule, "upper", FOREIGN), walk.addresses(rule, "upper", NOBODYS), strict=True)
            for foreign, nobodys in pairs:
                first, second = (
                    sender.send(method, url, dict.fromkeys(walk.keys(), str(number)) | PLAIN)
                    for url, number in ((foreign, FOREIGN), (nobodys, NOBODYS))
                )
                same = (method == "POST" and rule.endpoint.partition(".")[0] in logs) \
                    or body(first, str(FOREIGN)) == body(second, str(NOBODYS))
                if first.status_code != second.status_code or first.status_code >= 500 or not same:
                    found.append((method, foreign, first.status_code, second.status_code, _difference(
                        body(first, str(FOREIGN)), body(second, str(NOBODYS)))))
                found += [(method, foreign, text) for text in hidden if text in text_of(first)]
    return found


def _difference(one: str, two: str) -> str:
    return "\n".join([line for line in difflib.ndiff(one.split(), two.split()) if line[0] in "+-"][:6])

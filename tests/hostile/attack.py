"""Send hostile requests at every screen and look at every answer.

In full: `make hostile`; a sample of it in every test run (test_bad_input.py).
"""
from __future__ import annotations

import random
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa

from core.accounts.models import User
from core.admin.screen import Screen
from core.areas.models import Area
from core.areas.scope import session_for
from core.areas.service import switch_on
from core.testing.records import secrets
from core.testing.walk import FOREIGN, OWN, Walk
from tests.hostile.corpus import LIST_NAMES
from tests.hostile.pages import forms
from tests.hostile.shots import Shot, Target, shots

LEAKS = re.compile(r"Traceback \(most|sqlalchemy\.|psycopg\.|sqlite3\.|site-packages|INSERT INTO |SELECT resident|"
                   r"jinja2|werkzeug\.|OperationalError|IntegrityError|DataError|File &#34;|/core/admin/")
WORDS = re.compile(r"<h1>[^<]+</h1>|class=\"wrong\"|class=\"flash|\"(error|refused|text|signed_out|reason)\":")
SLOW_TIMES, SLOW_SECONDS = 8, 0.5  # of CPU: so many times the screen's plain page, and at least so much
PEOPLE = {"upper": "manager.upper", "street": "street"}


@dataclass
class Tally:
    """What a screen answered."""

    name: str
    plain: float = 0.0  # CPU seconds of its dearest plain page
    answers: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def line(self) -> str:
        """For the table."""
        several = " ".join(f"{code}×{n}" for code, n in sorted(self.answers.items()))
        return (f"{self.name:24} {sum(self.answers.values()):6}  {len(self.wrong):3} wrong  "
                f"plain {self.plain * 1000:4.0f} ms  slowest {self.slowest * 1000:5.0f} ms  {several}")


class Attacker:
    """Somebody with every right in the upper community, or over the street, who means harm."""

    def __init__(self, walk: Walk) -> None:
        self.walk, self.place = walk, walk.place
        self.others = secrets(walk.records["lower"])
        self.browsers: dict[str, Any] = {}
        self.tokens: dict[str, str] = {}
        self.seconds = 0.0
        self.plain: dict[str, float] = {}  # CPU seconds of a page without anything wrong
        self.place.app.wsgi_app = self._measured(self.place.app.wsgi_app)

    def _measured(self, app: Any) -> Any:
        def measured(environ: dict[str, Any], start_response: Any) -> Any:
            began = time.process_time()
            try:
                return app(environ, start_response)
            finally:
                self.seconds = time.process_time() - began  # the client's own work does not count

        return measured

    def names(self) -> list[str]:
        """Every screen and every other part of the address map."""
        return sorted({rule.endpoint.partition(".")[0] for rule in self.place.app.url_map.iter_rules()})

    def target(self, name: str) -> Target:
        """What is known of one of them."""
        rules = [r for r in self.place.app.url_map.iter_rules() if r.endpoint.partition(".")[0] == name]
        paths: dict[str, list[str]] = {"GET": [], "POST": []}
        for method, found in paths.items():
            for rule in rules:
                if method in rule.methods and "area" in rule.arguments:
                    found += [url for slug in PEOPLE for url in self.walk.addresses(rule, slug, OWN)]
                elif method in rule.methods:
                    found.append(rule.rule.replace("<plugin>", "canteen").replace("<path:filename>", "jinlin.css"))
        paths["GET"] = paths["GET"] or paths["POST"]
        screens = [s for s in self.walk.screens() if s.endpoint == name]
        found = self._forms(paths)
        paths["POST"] += 4 * [path for path in paths["POST"] if path in found]  # where a form stands, most can happen
        return Target(name, paths, self._names(screens), found, [str(OWN)] * 5 + ["1", "2", str(FOREIGN), "660000"])

    def _names(self, screens: list[Any]) -> list[str]:
        names = {*LIST_NAMES, *self.walk.keys()}
        for screen in (s for s in screens if isinstance(s, Screen)):
            own = (*screen.filter_by, *screen.column_list, *screen.form_columns, *(screen.form_extra_fields or ()))
            for name in own:
                names |= {name, f"{name}_from", f"{name}_to"}
        return sorted(names)

    def _forms(self, paths: dict[str, list[str]]) -> dict[str, Any]:
        found = {}
        for path in dict.fromkeys(paths["GET"]):
            for url in (path, f"{path}?id={OWN}"):
                answer = self.browser(path).get(url)
                self.plain[path] = max(self.plain.get(path, 0), self.seconds)
                if answer.status_code == 200 and answer.mimetype == "text/html":
                    paths["GET"] = [*paths["GET"], path, path]
                    made = forms(answer.get_data(as_text=True))
                    found |= {(form.action.split("?")[0] or path): form for form in made if len(form.fields) > 1}
                answer.close()
        return found

    def browser(self, path: str) -> Any:
        """The browser of whoever works in the area of this address, signed in."""
        slug = "street" if path.startswith("/street/") else "upper"
        if slug not in self.browsers:
            self.repair()
            self.browsers[slug] = self.place.browser(PEOPLE[slug])
            self.tokens[slug] = self.browsers[slug].token()
        return self.browsers[slug]

    def token(self, path: str) -> str:
        """Its CSRF token."""
        self.browser(path)
        return self.tokens["street" if path.startswith("/street/") else "upper"]

    def repair(self) -> None:
        """What an attack may have switched off by right is on again; nobody is locked."""
        with self.place.app.app_context(), session_for(None, "a test repairs", writes=True) as writing:
            writing.execute(sa.update(User).values(disabled_at=None, locked_until=None, failures=0, must_change=False))
            area = writing.get_one(Area, self.place.ids["upper"])
            area.slug, area.closed_on = "upper", None
            for plugin in self.place.app.extensions["jinlin_plugins"].names:
                switch_on(writing, area, plugin, date(2026, 1, 1), "test")

    def attack(self, target: Target, times: int, seed: int) -> Tally:
        """So many requests at one screen."""
        tally = Tally(target.name, max([self.plain[path] for path in target.paths["GET"] if path in self.plain] or [0]))
        rng = random.Random(f"{seed} {target.name}")
        for _number, shot in zip(range(times), shots(target, rng, "…"), strict=False):
            self._judge(shot, tally)
        return tally

    def _judge(self, shot: Shot, tally: Tally) -> None:
        answer, seconds = self._timed(shot, tally)
        if answer is None:
            return
        text = answer.get_data(as_text=True) if answer.mimetype in ("text/html", "application/json") else ""
        tally.answers[answer.status_code] += 1
        faults = [f"5xx {answer.status_code}"] if answer.status_code >= 500 else []
        limit = max(SLOW_SECONDS, SLOW_TIMES * tally.plain)
        if seconds > limit:  # again: it may have been this process's own housekeeping
            seconds = min(seconds, self._timed(shot, Tally(""))[1])
        if seconds > limit:
            faults.append(f"slow {seconds:.2f} s")
        tally.slowest = max(tally.slowest, seconds)
        if leak := LEAKS.search(text):
            faults.append(f"leak {leak[0]}")
        if any(word in text for word in self.others):
            faults.append("words of another community")
        if answer.status_code >= 400 and shot.method in ("GET", "POST") and not WORDS.search(text):
            faults.append(f"{answer.status_code} without words")
        tally.wrong += [f"{fault}: {shot}" for fault in faults]
        signed_out = answer.status_code == 401 or "/login" in answer.headers.get("Location", "")
        if signed_out or shot.path in ("/login", "/logout", "/account/password"):
            self.browsers.clear()

    def _timed(self, shot: Shot, tally: Tally) -> tuple[Any, float]:
        browser, options = self.browser(shot.path), dict(shot.options)
        token = self.token(shot.path)
        if isinstance(options.get("data"), dict):
            options["data"] = {k: token if v == "…" else v for k, v in options["data"].items()}
        options["headers"] = [(k, token if v == "…" else v) for k, v in options.get("headers", [])]
        try:
            answer = browser.client.open(shot.path, method=shot.method, buffered=True, environ_overrides={
                "QUERY_STRING": shot.query.decode("latin-1")}, **options)
        except Exception as error:  # noqa: BLE001 – whatever passes the app's own error pages is a finding
            tally.wrong.append(f"raised {type(error).__name__} {str(error)[:300]}: {shot}")
            return None, 0.0
        answer.request.environ["wsgi.input"].close()  # the client leaves the temporary file of a large form open
        return answer, self.seconds

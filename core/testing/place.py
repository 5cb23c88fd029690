"""A street with two communities, and ways into it: a browser, sessions, the database behind the walls."""
from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from core.areas.models import Area
from core.areas.scope import Scope, session_for
from core.migrations.upgrade import owner_engine, see_every_row

PASSWORD = "a quiet evening by the canal"
NOON = datetime(2026, 11, 23, 3, 42, tzinfo=UTC)  # Monday 11:42 in Beijing
SLUGS = ("upper", "lower")


@dataclass
class Clock:
    """A clock that tests set."""

    moment: datetime = NOON

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, **by: float) -> None:
        """Let time pass."""
        self.moment += timedelta(**by)


@dataclass
class Place:
    """A running app with its street, and ways to look into its database."""

    app: Flask
    clock: Clock
    ids: dict[str, int] = field(default_factory=dict)

    def browser(self, username: str | None = None, password: str = PASSWORD) -> Browser:
        """A browser, signed in as `username` if one is given."""
        made = Browser(self)
        if username:
            assert made.sign_in(username, password).status_code == 302
        return made

    def session(self, slug: str | None, *, writes: bool = False) -> Any:
        """A session in the scope of an area (None: without scope)."""
        scope = None if slug is None else Scope(self.path(slug), self.ids[slug] if slug in SLUGS else None)
        return session_for(scope, "a test looks", writes=writes, actor="test")

    @contextmanager
    def owner(self) -> Iterator[sa.Connection]:
        """A transaction of the database's owner, past every wall: to look behind them, and to break things."""
        with self.app.app_context(), owner_engine() as engine, engine.begin() as connection:
            see_every_row(connection)
            yield connection

    def path(self, slug: str) -> str:
        """The materialised path of an area."""
        with session_for(None, "a test looks") as reading:
            return reading.scalar(sa.select(Area.path).where(Area.slug == slug))


class Browser:
    """A client that sends the CSRF token as pages do."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.client: FlaskClient = place.app.test_client()

    def get(self, url: str, **kwargs: Any) -> Any:
        """Open a page."""
        return self.client.get(url, **kwargs)

    def token(self) -> str:
        """A CSRF token of this browser."""
        page = self.client.get("/login").get_data(as_text=True)
        return re.search(r'name="csrf_token" value="([^"]+)"', page).group(1)

    def post(self, url: str, data: dict | None = None, **kwargs: Any) -> Any:
        """Send a form with the token."""
        return self.client.post(url, data={**(data or {}), "csrf_token": self.token()}, **kwargs)

    def sign_in(self, username: str, password: str = PASSWORD) -> Any:
        """Fill in the sign-in page."""
        return self.post("/login", {"username": username, "password": password})

    def form(self, url: str) -> dict[str, str]:
        """The inputs of the page's main form, as a browser would send them."""
        page = self.get(url).get_data(as_text=True)
        found = {}
        for tag in re.findall(r"<input[^>]*>", page):
            name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
            if name and 'type="checkbox"' not in tag and 'type="submit"' not in tag:
                found[name.group(1)] = value.group(1) if value else ""
        return found



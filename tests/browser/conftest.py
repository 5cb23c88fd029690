"""A real browser before a real server: Debian's chromium over a copy of the test street."""
from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from core.extensions import db
from core.testing.place import PASSWORD, Place
from core.testing.servers import Servers, make_app
from core.testing.walk import start
from tests.browser.inspector import WATCH, WIDE

CHROMIUM = Path("/usr/bin/chromium")


@dataclass
class Live:
    """The address of the running server, and the place behind it."""

    url: str
    place: Any


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The browser; without it these tests say so and are skipped."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed: the browser tests did not run")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
                  "--disable-sync", "--no-first-run"],
        )
        yield browser
        browser.close()


@pytest.fixture
def kind() -> str:
    """Browser tests look at pages, not at databases: one kind is enough."""
    return "sqlite"


@pytest.fixture
def live(place: Any) -> Iterator[Live]:
    """The place, served on loopback."""
    with serving(place) as url:
        yield Live(url, place)


@contextmanager
def serving(place: Place) -> Iterator[str]:
    """The address of a server of this place, for as long as it is needed."""
    server = make_server("127.0.0.1", 0, place.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def house(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A street with all modules on and a record of everything, for the tests of one file together."""
    folder = tmp_path_factory.mktemp("house")
    url, ids = servers.copy_of_seed("sqlite", folder)
    app, clock = make_app(url, folder)
    made = Place(app, clock, dict(ids))
    start(made)
    with serving(made) as address:
        yield Live(address, made)
    with app.app_context():
        db.engine.dispose()


@pytest.fixture(scope="module")
def come_in(chromium: Any, house: Live) -> Iterator[Callable[..., Any]]:
    """come_in("staff.upper", NARROW, …) → a tab of somebody signed in; what the browser complains of fails the test."""
    contexts, cookies, wrong = [], {}, []

    def open_tab(username: str | None, size: tuple[int, int] = WIDE, **options: Any) -> Any:
        context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, locale="zh-CN",
                                       base_url=house.url, storage_state=cookies.get(username), **options)
        contexts.append(context)
        context.add_init_script(WATCH)
        tab = context.new_page()
        tab.set_default_timeout(8000)
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("console", lambda m: wrong.append(m.text) if "Content Security Policy" in m.text else None)
        if username and username not in cookies:
            tab.goto("/login")
            tab.fill("#username", username)
            tab.fill("#password", PASSWORD)
            tab.press("#password", "Enter")
            tab.wait_for_url(lambda url: "/login" not in url)
            cookies[username] = context.storage_state()
        return tab

    yield open_tab
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def open_as(chromium: Any, live: Live) -> Iterator[Callable[..., Any]]:
    """open_as("staff.upper", WIDE) → a signed-in page that collects its complaints in `page.complaints`."""
    contexts = []

    def open_page(username: str | None, size: tuple[int, int] = WIDE, password: str | None = None) -> Any:
        context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, locale="zh-CN")
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.on("console", lambda m: page.complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: page.complaints.append(str(e)))
        if username:
            page.goto(f"{live.url}/login")
            page.fill("input[name=username]", username)
            page.fill("input[name=password]", password or PASSWORD)
            page.press("input[name=password]", "Enter")
            page.wait_for_url(lambda url: "/login" not in url)
        return page

    yield open_page
    for context in contexts:
        context.close()

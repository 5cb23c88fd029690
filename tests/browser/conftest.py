"""A real browser before a real server: Debian's chromium over a copy of the test street."""
from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from tests.conftest import PASSWORD

CHROMIUM = Path("/usr/bin/chromium")
WIDE, NARROW = (1366, 768), (390, 844)


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
    server = make_server("127.0.0.1", 0, place.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Live(f"http://127.0.0.1:{server.server_port}", place)
    server.shutdown()
    thread.join()
    server.server_close()


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

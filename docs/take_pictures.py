"""Take the pictures of docs/pictures from a fresh demonstration: `make pictures`.

Each page wide (1366×768) and narrow (390×844), at noon of a working day.
"""
from __future__ import annotations

import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

from core.app import create_app
from core.config import settings_from_environment
from core.demo import demo_accounts, load_demo
from core.migrations.upgrade import upgrade

NOON = datetime(2026, 11, 23, 3, 42, tzinfo=UTC)  # Monday 11:42 in Beijing
FOLDER = Path(__file__).parent / "pictures"
SIZES = {"wide": (1366, 768), "narrow": (390, 844)}
PAGES = [
    ("sign-in", None, "/login"),
    ("street", "street", "/shifan/"),
    ("street-meals", "street", "/shifan/canteen/meals/"),
    ("figures", "street", "/shifan/figures/?kind=month"),
    ("report", "street", "/shifan/figures/reports/draft/?kind=month&year=2026&place=10"),
    ("areas", "street", "/shifan/manage/areas/"),
    ("accounts", "street", "/shifan/manage/accounts/"),
    ("plugins", "manager.jiaojia", "/jiaojia/manage/plugins/"),
    ("workbench", "manager.jiaojia", "/jiaojia/"),
    ("counter", "staff.jiaojia", "/jiaojia/canteen/counter/"),
    ("rules", "staff.jiaojia", "/jiaojia/canteen/rules/"),
    ("closing", "staff.jiaojia", "/jiaojia/canteen/closing/"),
    ("menu", "staff.jiaojia", "/jiaojia/canteen/menu/"),
    ("delivery", "staff.jiaojia", "/jiaojia/canteen/delivery/"),
    ("meals", "staff.jiaojia", "/jiaojia/canteen/meals/"),
    ("residents", "staff.jiaojia", "/jiaojia/residents/people/"),
    ("resident-form", "staff.jiaojia", "/jiaojia/residents/people/new/"),
    ("import", "staff.jiaojia", "/jiaojia/residents/import/"),
]


def main() -> None:
    """Load a demonstration into a temporary folder, serve it on loopback, look at it."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(settings_from_environment({"JINLIN_INSTANCE": folder}), clock=lambda: NOON)
        with app.app_context():
            upgrade()
            load_demo()
        server = make_server("127.0.0.1", 0, app, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"],
                                                     env={"LANGUAGE": "zh_CN.UTF-8"})
                for size in SIZES:
                    _take_all(browser, f"http://127.0.0.1:{server.server_port}", size)
        finally:
            server.shutdown()


def _take_all(browser: Browser, base: str, size: str) -> None:
    width, height = SIZES[size]
    password = demo_accounts()[0][1]
    signed_in: dict[str | None, Page] = {}
    for name, person, path in PAGES:
        if person not in signed_in:
            page = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN").new_page()
            if person:
                page.goto(f"{base}/login")
                page.fill("input[name=username]", person)
                page.fill("input[name=password]", password)
                page.press("input[name=password]", "Enter")
                page.wait_for_url(lambda url: "/login" not in url)
            signed_in[person] = page
        page = signed_in[person]
        page.goto(base + path)
        if name == "counter":
            page.keyboard.type("zh")
            page.wait_for_timeout(800)
        page.screenshot(path=FOLDER / (f"{name}.png" if size == "wide" else f"{name}-phone.png"))


if __name__ == "__main__":
    main()

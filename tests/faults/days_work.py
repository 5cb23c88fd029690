"""A day's work just before and after midnight in Beijing, run in a process whose zone is another one."""
from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

from core.app import create_app
from core.clock import BEIJING
from core.config import settings_from_environment

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
MIDNIGHTS = (datetime(2028, 2, 29, tzinfo=BEIJING), datetime(2028, 3, 1, tzinfo=BEIJING),
             datetime(2029, 1, 1, tzinfo=BEIJING))
checks = 0


@dataclass
class Clock:
    """A clock that is set."""

    moment: datetime

    def __call__(self) -> datetime:
        return self.moment.astimezone(UTC)


def same(found: object, wanted: object, what: str) -> None:
    """Count a look; say what is wrong."""
    global checks
    checks += 1
    assert found == wanted, f"{what}: {found!r}, not {wanted!r}"


def work(midnight: datetime) -> None:
    """One second before, and at midnight."""
    clock = Clock(midnight - timedelta(seconds=1))
    app = create_app(settings_from_environment(), clock=clock, TESTING=True)
    browser = app.test_client()

    def post(url: str, **values: str):
        token = TOKEN.search(browser.get("/login").text)[1]
        return browser.post(url, data={**values, "csrf_token": token}, headers={"X-Requested-With": "fetch"})

    token = TOKEN.search(browser.get("/login").text)[1]
    browser.post("/login", data={"username": "staff.upper", "password": "a quiet evening by the canal",
                                 "csrf_token": token})
    for moment in (clock.moment, midnight):
        clock.moment = moment
        day = moment.date()
        page = browser.get("/upper/canteen/counter/").text
        kind = re.search(r'data-kind="(\d+)"', page)[1]
        same(f"{day.month}月{day.day}日" in page, True, "the counter's day")
        done = post("/upper/canteen/counter/record/", guest="1", kind=kind, way="dine_in", confirmed="hours",
                    once=f"{moment:%Y%m%d%H%M%S}-guest-meal")
        same(done.status_code, 200, f"a meal {done.text[:200]}")
        listed = browser.get("/upper/canteen/meals/").text
        same(f"{day:%Y-%m-%d}" in listed or f"{day.month}月{day.day}日" in listed, True, "the day in the list")
        file = unquote(post("/upper/canteen/meals/export/csv/").headers["Content-Disposition"])
        same(f"{day:%Y%m%d}" in file, True, f"the export's name {file}")
        exported = post("/upper/canteen/meals/export/csv/").get_data().decode("utf-8-sig")
        same(f"{day}" in exported, True, "the day in the export")
        same(browser.get("/upper/").status_code, 200, "the workbench")


def main() -> None:
    """Every midnight."""
    for midnight in MIDNIGHTS:
        work(midnight)
    print(json.dumps({"checks": checks}))


main()

"""The time of day, asked in one place: UTC for moments, Beijing for days."""
from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from flask import current_app

BEIJING = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """This moment, in UTC. Tests give the app a clock of their own."""
    return current_app.config["CLOCK"]()


def today() -> date:
    """The day in Beijing, whatever zone the server stands in."""
    return beijing(now()).date()


def beijing(moment: datetime) -> datetime:
    """A moment on a Beijing clock."""
    return moment.astimezone(BEIJING)


def system_clock() -> datetime:
    """The server's clock."""
    return datetime.now(UTC)

"""The time of day, asked in one place: UTC for moments, Beijing for days."""
from __future__ import annotations

import os
import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import current_app
from flask_babel import gettext as _

from core.errors import SetupError

BEIJING = ZoneInfo("Asia/Shanghai")
POSSIBLE_YEARS = range(2026, 2076)  # before it this program was not made; after it nobody has looked after it
LONGEST_PAUSE = timedelta(days=366)


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


def keep_beijing_time() -> None:
    """For this process and its children: libraries and the log write Beijing time too, whatever the server's zone."""
    os.environ["TZ"] = "CST-8"  # POSIX: eight hours ahead of UTC; needs no table of zones
    if hasattr(time, "tzset"):  # not on Windows
        time.tzset()


def check_clock() -> None:
    """Raises SetupError when the server's clock cannot be right: every day in the records would be wrong."""
    shown = beijing(system_clock())
    if shown.year not in POSSIBLE_YEARS:
        raise SetupError(_("The clock of this computer says %(now)s. Please set it first (timedatectl set-ntp true), "
                           "or every day in the records would be wrong.", now=f"{shown:%Y-%m-%d %H:%M}"))


def doubt_about(last: datetime) -> str | None:
    """A warning where the clock does not fit to the latest moment in the data."""
    shown = {"now": f"{beijing(system_clock()):%Y-%m-%d %H:%M}", "last": f"{beijing(last):%Y-%m-%d %H:%M}"}
    if last - system_clock() > timedelta(days=1):
        return _("The clock of this computer says %(now)s, but the data were used on %(last)s already. Please check "
                 "the clock: new records would get days of the past.", **shown)
    if system_clock() - last > LONGEST_PAUSE:
        return _("The clock of this computer says %(now)s, but the data were last used on %(last)s. Please check the "
                 "clock, unless Jinlin has rested since.", **shown)
    return None

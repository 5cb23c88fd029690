"""Days are Beijing's days, wherever the server stands and however its clock is moved."""
from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.faults.running import JINLIN, ROOT

ZONES = ("America/New_York", "UTC", "Asia/Shanghai", "Pacific/Kiritimati")


@pytest.mark.parametrize("zone", ZONES)
def test_the_days_work_around_midnight_is_beijings_in_every_zone(server, zone, note):
    environ = {**os.environ, "TZ": zone, "PGTZ": zone, "PYTHONPATH": str(ROOT),
               "JINLIN_INSTANCE": str(server.instance), "JINLIN_DATABASE_URL": server.database_url}
    done = subprocess.run([sys.executable, str(ROOT / "tests/faults/days_work.py")], env=environ, cwd=ROOT,
                          check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads(done.stdout.splitlines()[-1])
    note(f"TZ={zone}, 29 February and New Year's Eve", f"{seen['checks']} days looked at, all Beijing's")


def test_the_log_is_written_in_beijing_time(server):
    server.environ["TZ"] = "America/New_York"
    code = ("import os, time, logging; from core import cli; cli.keep_beijing_time(); "
            "print(logging.Formatter().formatTime(logging.makeLogRecord({'created': 0.0})))")
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=server._environment(), check=True,
                          capture_output=True, text=True).stdout
    assert said.startswith("1970-01-01 08:00:00")


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize("year", [1970, 2100])
def test_a_clock_that_cannot_be_right_is_refused_in_words(server, year, note):
    code = f"import core.clock, datetime; core.clock.system_clock = lambda: datetime.datetime({year}, 1, 1, " \
           f"tzinfo=datetime.UTC); {JINLIN[2]}"
    done = subprocess.run([sys.executable, "-c", code, "serve"], cwd=ROOT, env=server._environment(), check=False,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and f"{year}-01-01" in done.stderr and "Traceback" not in done.stderr
    note(f"the clock stands in {year} at start", done.stderr.strip())

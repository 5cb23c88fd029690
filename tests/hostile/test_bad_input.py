"""Bad input at every screen: no 5xx, nothing slow, nothing leaked, and words that say what to do.

`make hostile` sends HOSTILE=3000 requests a screen and prints a line for each; every test run sends a small sample.
"""
from __future__ import annotations

import os
from typing import Any

import pytest

from core.testing.walk import start
from tests.hostile.attack import Attacker

SAMPLE = 10
TIMES, SEED = int(os.environ.get("HOSTILE", SAMPLE)), int(os.environ.get("SEED", 1))
ONLY = os.environ.get("SCREEN")


def test_hostile_requests_break_no_screen(place: Any, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The sample tries every second screen on each database; in full every screen is tried on both."""
    attacker, wrong = Attacker(start(place)), []
    for number, name in enumerate(attacker.names()):
        if ONLY not in (None, name) or TIMES == SAMPLE and number % 2 != (kind == "sqlite"):
            continue
        tally = attacker.attack(attacker.target(name), TIMES, SEED)
        wrong += tally.wrong
        if TIMES != SAMPLE:
            with capsys.disabled():
                print(f"{kind:10} {tally.line()}", *tally.wrong[:12], sep="\n    ", flush=True)
    assert wrong == []

"""SQLite locked for half a minute by another program: reading goes on, writing waits and then says so."""
from __future__ import annotations

import re
import sqlite3
import statistics
import threading
import time
from collections import Counter

import pytest

from tests.faults.running import Visitor
from tests.faults.writing import TAG, AtWork, Reader, check, writers

LOCKED_SECONDS = 30
LIMIT = 10  # seconds a write waits


@pytest.mark.parametrize("kind", ["sqlite"])
def test_a_locked_database_is_read_as_before_and_writing_says_so_and_keeps_what_was_typed(server, look, note):
    server.start()
    people = writers(server.port)
    reader = Reader(Visitor(server.port).sign_in("staff.lower"))
    reader.visitor.cookies = dict(people[0].visitor.cookies)
    with AtWork(reader.read_on):
        time.sleep(4)
    before, reader.answers = [s for _at, _status, s in reader.answers[8:]], []

    other = sqlite3.connect(server.database_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with AtWork(reader.read_on, *(person.write_until_told for person in people)):
            time.sleep(LIMIT / 2)
            status, words = server.ready()
            assert status == 503 and '"locked"' in words, words
            time.sleep(LOCKED_SECONDS - LIMIT / 2)
            other.execute("ROLLBACK")
    finally:
        other.close()
    during = [s for _at, _status, s in reader.answers]
    assert {status for _at, status, _s in reader.answers} == {200}
    told = [form for person in people for form in person.sent]
    assert max(form.seconds for form in told) < LIMIT + 5
    answers = Counter(form.status for form in told)
    for person in people:
        for form in (f for f in person.sent if f.status == 503 and f.url == TAG):
            assert form.values["name"] in form.text, form.text
            again = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form.text))
            assert person.visitor.post(TAG, again)[0] == 302
            form.status = 302
    assert server.ready()[0] == 200
    found = check(look, told)
    assert (found.lost, found.half, found.doubled) == (0, 0, 0), found
    slower = statistics.median(during) / statistics.median(before)
    note(f"SQLite locked for {LOCKED_SECONDS} s while 8 write and one reads",
         f"{len(during)} pages read, median {statistics.median(during) * 1000:.0f} ms "
         f"({statistics.median(before) * 1000:.0f} ms before), slowest {max(during):.1f} s; writers answered "
         f"{dict(answers)} after {max(f.seconds for f in told):.1f} s at most; readyz: locked; "
         f"{found}")
    assert slower < 3
    assert threading.active_count() == 1

"""The database goes away under load and comes back: a friendly 503 a user at most, and no hand work."""
from __future__ import annotations

import re
import time
from collections import Counter

import pytest

from tests.faults.running import Visitor
from tests.faults.writing import TAG, AtWork, Reader, check, writers

only_sqlite = pytest.mark.parametrize("kind", ["sqlite"])
only_postgresql = pytest.mark.parametrize("kind", ["postgresql"])


def readers(port: int, number: int = 4) -> list[Reader]:
    return [Reader(Visitor(port).sign_in("staff.upper")) for _i in range(number)]


class Users:
    """Readers and writers, and what they were answered."""

    def __init__(self, port: int) -> None:
        self.readers, self.writers = readers(port), writers(port, 4)

    def at_work(self) -> AtWork:
        return AtWork(*(r.read_on for r in self.readers), *(w.write_on for w in self.writers))

    def statuses(self) -> list[Counter]:
        """Per user."""
        return [Counter(status for _at, status, _s in r.answers) for r in self.readers] + [
            Counter(f.status for f in w.sent) for w in self.writers]

    def sent(self) -> list:
        return [form for w in self.writers for form in w.sent]

    def slowest(self) -> float:
        return max([s for r in self.readers for _at, _status, s in r.answers] + [f.seconds for f in self.sent()])


@only_postgresql
@pytest.mark.parametrize("mode", ["fast", "immediate"])
@pytest.mark.parametrize("away", [0.0, 5.0])
def test_a_restart_of_postgresql_costs_a_user_one_friendly_503_at_most(server, postgres_of_ours, look, note, mode,
                                                                       away):
    server.start()
    users = Users(server.port)
    with users.at_work():
        time.sleep(3)
        postgres_of_ours.stop(mode)
        time.sleep(away)
        postgres_of_ours.start()
        back = time.monotonic()
        time.sleep(4)
    statuses = users.statuses()
    late = min(at + s for r in users.readers for at, status, s in r.answers if status == 200 and at + s > back) - back
    found = check(look, users.sent())
    note(f"PostgreSQL stopped ({mode}), away {away:.0f} s, started, under 4 readers and 4 writers",
         f"503 per user {[s[503] for s in statuses]}; first page {late:.1f} s after it was back; "
         f"slowest answer {users.slowest():.1f} s; {found}")
    assert all(s[503] <= 1 for s in statuses), statuses
    assert {code for s in statuses for code in s} <= {200, 302, 503}, statuses
    assert (found.lost, found.half, found.doubled) == (0, 0, 0)


@only_postgresql
def test_while_postgresql_is_away_people_are_told_so_and_keep_what_they_typed(server, postgres_of_ours, note):
    server.start()
    person = writers(server.port, 1)[0]
    postgres_of_ours.stop("fast")
    try:
        began = time.monotonic()
        status, text = person.visitor.post(TAG, {"name": "独居标签", "once": "k" * 24})
        waited = time.monotonic() - began
        assert status == 503 and "Retry-After" in person.visitor.headers
        assert "独居标签" in text and "<form" in text
        began = time.monotonic()
        assert person.visitor.get("/upper/")[0] == 503
        at_once = time.monotonic() - began
        assert person.visitor.get("/healthz")[0] == 200 and '"database"' in server.ready()[1]
    finally:
        postgres_of_ours.start()
    again = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', text))
    assert person.visitor.post(TAG, again)[0] == 302
    assert "独居标签" in person.visitor.get("/upper/residents/tags/")[1]
    note("PostgreSQL away for longer", f"the first waits {waited:.0f} s, then 503 in words, the next after "
         f"{at_once:.1f} s; what was typed is sent again from the page")

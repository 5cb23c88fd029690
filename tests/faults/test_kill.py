"""kill -9: nothing that was acknowledged is lost, nothing is half, and the server starts again by itself."""
from __future__ import annotations

import os
import random
import signal
import time

from tests.faults.conftest import ROUNDS
from tests.faults.writing import COUNTER, AtWork, check, writers


def test_nothing_acknowledged_is_lost_and_nothing_is_half_when_the_server_is_killed(server, look, note):
    starts, sent, repeated = [server.start()], [], 0
    people = writers(server.port)
    for round_number in range(ROUNDS):
        with AtWork(*(person.write_until for person in people)):
            time.sleep(random.Random(round_number).uniform(0.6, 1.6))
            server.kill()
        starts.append(server.start())
        for person in people:  # what was not answered is sent again, with the same key
            for form in [f for f in person.sent if f.status is None]:
                repeated += 1
                assert person.send(form).acknowledged, (form.status, form.text[:300])
            sent += person.sent
            person.sent = []
        found = check(look, sent)
        assert (found.lost, found.half, found.doubled) == (0, 0, 0), found
    assert not found.wrong, found.wrong
    note(f"kill -9 of the server while 8 write, {ROUNDS} rounds",
         f"{found}; {repeated} repeated with their key, each one record; "
         f"ready again after {max(starts[1:]):.1f} s at most")


def test_the_others_go_on_when_one_worker_is_killed(server, look, note):
    server.start()
    people = writers(server.port)
    with AtWork(*(person.write_on for person in people)):
        for _i in range(5):
            time.sleep(1.5)
            before = server.workers()
            os.kill(before[0], signal.SIGKILL)
            killed_at = time.monotonic()
            while len(set(server.workers()) - {before[0]}) < len(before):
                assert time.monotonic() - killed_at < 20, "it was not replaced"
                time.sleep(0.02)
        time.sleep(1)
    sent = [form for person in people for form in person.sent]
    found = check(look, sent)
    assert (found.lost, found.half, found.doubled) == (0, 0, 0), found
    assert not found.wrong, found.wrong
    assert sum(f.url == COUNTER for f in sent) > 20
    tried = sum(person.unanswered for person in people)
    slowest = max(form.seconds for form in sent)
    note("kill -9 of one worker of two, 5 times while 8 write",
         f"{found}, {tried} of them by the second try; slowest answer {slowest:.1f} s; replaced each time")

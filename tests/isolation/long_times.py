"""How long an answer takes tells nothing: another's record takes as long as one that nobody has, within a fifth."""
from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from tests.isolation.asking import Asker
from tests.isolation.cases import main_cases, path_cases, single_cases
from tests.isolation.crawl import crawl
from tests.isolation.pages import Ask
from tests.isolation.sides import NOBODY, OTHER
from tests.isolation.world import SEATS

SEAT = SEATS[0]
ROUNDS, ATTEMPTS = 15, 5  # pairs measured in turn; what is really slower is so at every attempt
APART = 0.2


def timed(asker: Asker) -> Iterator[tuple[str, Ask, Ask]]:
    """(name, request for the neighbours', for nobody's): rules that take an id, searches, addresses of lists."""
    for (endpoint, method), asks in crawl(asker, SEAT).items():
        ask, heard = asks[0], asker.ask(SEAT, asks[0]).names
        cases = [case for case in main_cases(ask, heard, endpoint) if case.name == "ids"]
        cases += [case for case in single_cases(ask, heard, endpoint, asker.world.texts) if case.way == "search"]
        for case in cases:
            yield f"{method} {endpoint} {case.way} {case.name}", case.put(OTHER)[0], case.put(NOBODY)[0]
        if endpoint.endswith(("index", "index_view")):
            paths = [case.put(OTHER)[0] for case in path_cases(ask, (OTHER.slug,))]
            yield f"{method} {endpoint} path", paths[0], paths[-1]


def apart(asker: Asker, theirs: Ask, nobodys: Ask) -> float:
    """By which part the medians differ: the smallest of the attempts, ended by the first that is small enough."""
    found = 1.0
    for _attempt in range(ATTEMPTS):
        pairs = [(asker.ask(SEAT, theirs).seconds, asker.ask(SEAT, nobodys).seconds) for _round in range(ROUNDS)]
        one, two = (median(column) for column in zip(*pairs, strict=True))
        found = min(found, abs(one / two - 1))
        if found <= APART:
            break
    return found


def test_a_foreign_record_takes_as_long_as_an_unknown_one(asker: Asker) -> None:
    measured = {name: round(apart(asker, theirs, nobodys), 3) for name, theirs, nobodys in list(timed(asker))}
    print("\n" + "\n".join(f"{part:6.1%} {name}" for name, part in sorted(measured.items(), key=lambda m: -m[1])))
    assert {name: part for name, part in measured.items() if part > APART} == {}
    assert len(measured) > 60

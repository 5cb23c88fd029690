"""Every rule, for every seat: what is asked, what came of it, and the table of what was tried."""
from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tests.isolation.asking import Answer, Asker
from tests.isolation.cases import Case, id_names, main_cases, malformed, path_cases, single_cases
from tests.isolation.crawl import by_hand, crawl, rules_of
from tests.isolation.pages import Ask
from tests.isolation.sides import HIDDEN, NOBODY, Side
from tests.isolation.world import Seat

NAMES = {side: name for name, side in HIDDEN.items()}
SEED = 20261123
GLOBAL_NAMES = {  # names that the whole installation shares: the answer tells that one is taken, never by whom
    ("manage_accounts.new", "username"): "people sign in by it at one page",
    ("manage_accounts.add", "username"): "a person of another community is added by the exact name of the account",
    ("manage_areas.new", "slug"): "it stands in the address", ("manage_areas.edit", "slug"): "it stands in the address",
    ("manage_areas.new", "code"): "a division has one code", ("manage_areas.edit", "code"): "a division has one code",
}


@dataclass
class Tried:
    """What was tried and what was found."""

    counts: Counter[tuple[str, str, str, str, str]] = field(default_factory=Counter)  # endpoint method seat target way
    found: list[str] = field(default_factory=list)
    told_apart: set[tuple[str, str]] = field(default_factory=set)  # rules where an own id is answered otherwise
    entered: set[tuple[str, str]] = field(default_factory=set)  # rules that somebody got to
    takes_ids: set[tuple[str, str]] = field(default_factory=set)  # rules that looked at the own id that was sent

    def never_entered(self) -> set[tuple[str, str]]:
        """The rules that refused everybody."""
        return {(endpoint, method) for endpoint, method, *_rest in self.counts} - self.entered

    def table(self) -> str:
        """Rule × seats, targets and ways, with the number of requests."""
        rules: dict[tuple[str, str], Counter[tuple[str, str, str]]] = defaultdict(Counter)
        for (endpoint, method, *rest), number in self.counts.items():
            rules[endpoint, method][tuple(rest)] += number
        lines = [f"{'rule':44}{'requests':>9} {'seats':>6}  targets × ways"]
        for (endpoint, method), cells in sorted(rules.items()):
            by_target = {target: {w for _s, t, w in cells if t == target} for _s, target, _w in cells}
            ways = [f"{target}: {' '.join(sorted(found))}" for target, found in by_target.items()]
            lines.append(f"{endpoint + ' ' + method:44}{cells.total():>9} {len({s for s, _t, _w in cells}):>6}  "
                         + "; ".join(sorted(ways)))
        targets = Counter({t: 0 for _e, _m, _s, t, _w in self.counts})
        ways_ = Counter({w: 0 for *_x, w in self.counts})
        for (_e, _m, _s, target, way), number in self.counts.items():
            targets[target] += number
            ways_[way] += number
        lines.append(f"{self.counts.total()} requests; targets {dict(targets)}; ways {dict(ways_)}")
        return "\n".join(lines)


class Matrix:
    """Walks the rules for one seat. `depth` is how many single ways are drawn for each rule (None: all)."""

    def __init__(self, asker: Asker, seat: Seat, tried: Tried, depth: int | None = None) -> None:
        self.asker, self.seat, self.tried, self.depth = asker, seat, tried, depth
        self.random, self.turn = random.Random(f"{SEED}{seat}"), 0

    def walk(self, only: Iterable[tuple[str, str]] | None = None) -> None:
        """Every rule with what its pages offer; or only these endpoints and methods, without looking at pages."""
        wanted = None if only is None else set(only)
        offered = crawl(self.asker, self.seat) if wanted is None else {}
        for rule, method in rules_of(self.asker):
            if wanted is None or (rule.endpoint, method) in wanted:
                asks = offered.get((rule.endpoint, method)) or list(by_hand(self.asker, rule, method, self.seat))
                for number, ask in enumerate(asks):
                    self._try_all((rule.endpoint, method), ask, first=number == 0)

    def _try_all(self, rule: tuple[str, str], ask: Ask, *, first: bool) -> None:
        own = self._ask(rule, "own", "page", ask)
        self._judge(rule, "own", "page", ask, own)
        main = list(main_cases(ask, own.names, rule[0]))
        if not own.refused:
            self.tried.entered.add(rule)
            self.tried.takes_ids |= {rule} if own.names & id_names(ask) else set()
        for case in [*(main[:1] if own.refused or not first else main), *self._drawn(rule, ask, own, first)]:
            self._compare(rule, case, own)
        if first:
            self._compare_paths(rule, ask)
            self.turn += 1
            broken = malformed(ask, self.turn)
            self._judge(rule, "malformed", "query", broken, self._ask(rule, "malformed", "query", broken))

    def _compare_paths(self, rule: tuple[str, str], ask: Ask) -> None:
        """An area where the seat has no role is answered as one that is not there."""
        answers = [(case, self._send(rule, case.name, case, NOBODY))
                   for case in path_cases(ask, self.seat.closed)]
        for case, answer in answers[:-1]:
            if answer.shape(answers[-1][1].sent) != answers[-1][1].shape(answer.sent):
                self._note(rule, case.name, "path", case.put(NOBODY)[0], difference(answer, answers[-1][1]))

    def _drawn(self, rule: tuple[str, str], ask: Ask, own: Answer, first: bool) -> Iterator[Case]:
        """The single ways: all of them, or some drawn by the seed."""
        if own.refused:
            return
        cases = list(single_cases(ask, own.names if first else frozenset(), rule[0], self.asker.world.texts))
        if self.depth is not None:
            cases = self.random.sample(cases, min(self.depth if first else 0, len(cases)))
        yield from cases

    def _compare(self, rule: tuple[str, str], case: Case, own: Answer) -> None:
        """Each hidden side must be answered as nobody."""
        made_up = self._send(rule, "made-up", case, NOBODY)
        if own.shape()[:3] != made_up.shape()[:3]:
            self.tried.told_apart.add(rule)
        shared = any(rule[0] == endpoint and part in case.name for endpoint, part in GLOBAL_NAMES)
        for side in self.seat.foreign:
            theirs = self._send(rule, NAMES[side], case, side)
            if not shared and theirs.shape(made_up.sent) != made_up.shape(theirs.sent):
                self._note(rule, NAMES[side], case.way, case.put(side)[0], difference(theirs, made_up))

    def _send(self, rule: tuple[str, str], target: str, case: Case, side: Side) -> Answer:
        ask, sent = case.put(side)
        answer = self._ask(rule, target, case.way, ask, sent)
        self._judge(rule, target, case.way, ask, answer)
        return answer

    def _ask(self, rule: tuple[str, str], target: str, way: str, ask: Ask, sent: tuple[str, ...] = ()) -> Answer:
        self.tried.counts[(*rule, str(self.seat), target, way)] += 1
        return self.asker.ask(self.seat, ask, sent)

    def _judge(self, rule: tuple[str, str], target: str, way: str, ask: Ask, answer: Answer) -> None:
        if answer.status >= 500 and rule[0] != "health.ready":
            self._note(rule, target, way, ask, f"status {answer.status} {answer.logged[-600:]}")
        for leak in answer.leaks(self.seat):
            self._note(rule, target, way, ask, leak)

    def _note(self, rule: tuple[str, str], target: str, way: str, ask: Ask, what: str) -> None:
        self.tried.found.append(f"{self.seat} {rule[1]} {ask.url} form={ask.form} [{target}, {way}]: {what}")


def difference(one: Answer, two: Answer) -> str:
    """The first part of two answers that differs."""
    parts = ("status", "headers", "body", "notice", "cookie", "log", "rows")
    for part, mine, theirs in zip(parts, one.shape(two.sent), two.shape(one.sent), strict=True):
        if mine != theirs:
            mine, theirs = str(mine), str(theirs)
            at = next((n for n, (a, b) in enumerate(zip(mine, theirs, strict=False)) if a != b), 0)
            return f"another {part}: …{mine[max(0, at - 60):at + 80]}… but …{theirs[max(0, at - 60):at + 80]}…"
    return ""

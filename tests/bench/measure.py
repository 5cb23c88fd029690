"""CPU milliseconds of one request: the server and every process of PostgreSQL together."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.bench.servers import below


class Meter:
    """CPU time of the processes that these have started: gunicorn's workers, PostgreSQL's connections."""

    def __init__(self, *parents: int) -> None:
        self.parents = parents

    def now(self) -> float:
        """Milliseconds used so far, from schedstat: /proc/<pid>/stat counts in steps of 10, more than most requests."""
        return sum(map(_spent, self.parents)) / 1e6


def _spent(parent: int) -> int:
    total = 0
    for process in below(parent):
        for task in Path(f"/proc/{process}/task").glob("*/schedstat"):
            try:
                total += int(task.read_text().split()[0])
            except (FileNotFoundError, ProcessLookupError):
                continue
    return total


@dataclass
class Page:
    """One line of the table: the same page by each app, as calls that answer (status, bytes)."""

    title: str
    calls: dict[str, Callable[[], tuple[int, int]]]
    spent: dict[str, list[float]] = field(default_factory=dict)
    bytes: dict[str, int] = field(default_factory=dict)

    def cost(self, who: str) -> float | None:
        """The median of one app's requests, in CPU milliseconds."""
        return median(self.spent[who]) if self.spent.get(who) else None

    def ratio(self, who: str, to: str) -> float | None:
        """The median of the ratios of requests made one after the other."""
        if not self.spent.get(who) or not self.spent.get(to):
            return None
        return median(a / b for a, b in zip(self.spent[who], self.spent[to], strict=False))


def measure(pages: list[Page], meters: dict[str, Meter], rounds: int, most_seconds: float = 60) -> None:
    """Ask every page of every app in turn, `rounds` times; a slow page stops after `most_seconds` of its own."""
    for page in pages:
        for who, call in page.calls.items():
            for _n in range(2):  # compile templates, fill caches
                status, size = call()
                if status != 200:
                    raise AssertionError(f"{page.title}: {who} answered {status}")
            page.bytes[who], page.spent[who] = size, []
    for _n in range(rounds):
        for page in pages:
            if sum(map(sum, page.spent.values())) > most_seconds * 1000:
                continue
            for who, call in page.calls.items():
                before = meters[who].now()
                call()
                page.spent[who].append(meters[who].now() - before)

"""Plugins at work: what failed, how long it took, and which hook is left out for a while.

A running hook cannot be stopped from outside (docs/decisions/slow-hooks.md): the one request that runs into it waits
for it; every other one leaves it out. Faults are kept as files, so that the page of any worker process shows them.
"""
from __future__ import annotations

import hashlib
import json
import logging
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.orm import Session

LOG = logging.getLogger("jinlin.plugins")
LIMIT = 2.0  # seconds that a hook, or one of its statements, may take while a page waits for it
PAUSE = 300.0  # seconds for which a hook that took longer is left out
QUIET = 60.0  # seconds in which the same fault is told once
KEPT = timedelta(days=7)
STEPS = 20_000  # of SQLite's machine between two looks at the clock


@dataclass(frozen=True)
class Trouble:
    """A fault of a plugin at work: in which hook, screen or migration, and what; never data of a record."""

    plugin: str
    where: str
    what: str
    at: str  # ISO 8601, UTC


def what_failed(error: BaseException, folder: Path | None) -> str:
    """The kind of a fault and the plugin's line where it happened; never its text, which may hold data."""
    kind = type(getattr(error, "orig", None) or error).__name__
    lines = [f for f in traceback.extract_tb(error.__traceback__) if folder and folder in Path(f.filename).parents]
    file, line = (lines[-1].filename, lines[-1].lineno) if lines else (getattr(error, "filename", None),
                                                                       getattr(error, "lineno", None))
    if file and folder and folder in Path(file).parents:
        return f"{kind} ({Path(file).relative_to(folder.parent).as_posix()}:{line})"
    return kind


def told(error: BaseException) -> str:
    """A fault in one line, for those who install plugins: no database was asked yet, so it holds no data."""
    return " ".join(traceback.format_exception_only(error)[-1].split())[:300]


class Watch:
    """What goes wrong in running plugins. `folder` keeps it for every process on this computer."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self._noted: dict[tuple[str, str, str], float] = {}
        self._paused: dict[tuple[str, str], float] = {}
        self._running: dict[object, tuple[tuple[str, str], float]] = {}

    def is_news(self, plugin: str, where: str, what: str) -> bool:
        """Whether this fault was not told a moment ago: a page that is opened all day fills no log."""
        last = self._noted.get((plugin, where, what))
        if last is not None and time.monotonic() - last < QUIET:
            return False
        self._noted[plugin, where, what] = time.monotonic()
        return True

    def note(self, plugin: str, where: str, what: str, at: datetime) -> None:
        """Keep a fault for the plugins page; the same one again only moves its time."""
        if self.folder is None:
            return
        name = hashlib.sha256(f"{plugin}\n{where}\n{what}".encode()).hexdigest()[:24]
        draft = self.folder / f".{name}"
        try:
            self.folder.mkdir(exist_ok=True)
            draft.write_text(json.dumps(asdict(Trouble(plugin, where, what, at.isoformat())), ensure_ascii=False))
            draft.replace(self.folder / f"{name}.json")
        except OSError as error:
            LOG.error("plugin %s: the fault cannot be kept (%s)", plugin, error.strerror)

    def troubles(self, now: datetime) -> list[Trouble]:
        """The faults of the last days, newest first; older ones are forgotten."""
        found = []
        for file in self.folder.glob("*.json") if self.folder else ():
            with suppress(OSError, ValueError, TypeError, KeyError):
                trouble = Trouble(**json.loads(file.read_text()))
                if now - datetime.fromisoformat(trouble.at) < KEPT:
                    found.append(trouble)
                else:
                    file.unlink(missing_ok=True)
        return sorted(found, key=lambda trouble: trouble.at, reverse=True)

    def is_paused(self, plugin: str, where: str) -> bool:
        """Whether a hook is left out: it took too long a moment ago, or is still at it in another request."""
        key, now = (plugin, where), time.monotonic()
        return self._paused.get(key, 0) > now or any(
            other == key and now - since > LIMIT for other, since in list(self._running.values()))

    @contextmanager
    def timed(self, plugin: str, where: str, slow: Callable[[float], None]) -> Iterator[None]:
        """Measure; `slow` is told the seconds of what took longer than LIMIT, which is then left out for a while."""
        token, since = object(), time.monotonic()
        self._running[token] = ((plugin, where), since)
        try:
            yield
        finally:
            del self._running[token]
            if (took := time.monotonic() - since) > LIMIT:
                self._paused[plugin, where] = time.monotonic() + PAUSE
                slow(took)


@contextmanager
def statement_limit(session: Session) -> Iterator[Callable[[], None]]:
    """No statement of a hook runs longer than LIMIT; call what this gives before each plugin."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        deadline = [0.0]
        raw = connection.connection.driver_connection
        raw.set_progress_handler(lambda: time.monotonic() > deadline[0], STEPS)
        try:
            yield lambda: deadline.__setitem__(0, time.monotonic() + LIMIT)
        finally:
            raw.set_progress_handler(None, 0)
    else:
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(LIMIT * 1000)}")
        yield lambda: None
        connection.exec_driver_sql("SET LOCAL statement_timeout = DEFAULT")

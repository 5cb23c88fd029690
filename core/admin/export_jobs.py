"""A workbook that takes a while: written to a file beside the request, with its progress, for one person.

The state lies in a file beside the workbook, so that any process of the server can answer for it. Both are
unreadable to other accounts of the machine and go after an hour.
"""
from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from flask import copy_current_request_context, current_app, g
from sqlalchemy.exc import SQLAlchemyError

from core.admin.gate import visit
from core.clock import system_clock
from core.errors import JinlinError

KEPT_SECONDS = 3600
SILENT_SECONDS = 60  # a job that says nothing for so long was cut off with its server
TOLD_EVERY = 500  # rows
PIECE = 64 * 1024  # bytes


@dataclass
class Job:
    """One workbook: whose it is, how far it is."""

    token: str
    user_id: int
    area_id: int
    screen: str
    name: str
    rows: int
    done: int = 0
    state: str = "running"  # running, ready, failed
    told_at: float = 0.0

    @property
    def ready(self) -> bool:
        """Whether the file is whole."""
        return self.state == "ready"

    @property
    def failed(self) -> bool:
        """Whether it ended without a file."""
        return self.state == "failed" or (not self.ready and _hour() - self.told_at > SILENT_SECONDS)

    @property
    def file(self) -> Path:
        """Where the workbook is written."""
        return _folder() / f"{self.token}.xlsx"

    def pieces(self, *, last: bool) -> Iterator[bytes]:
        """The workbook piece by piece; `last`: nobody asks for it again."""
        return _pieces(self.file, last)  # the path is found now: while it is sent there is no app

    def tell(self) -> None:
        """Write the state down; whole, for whoever reads at that moment."""
        self.told_at = _hour()
        whole = self.file.with_suffix(".part")
        whole.touch(mode=0o600)
        whole.write_text(json.dumps(asdict(self)))
        whole.replace(self.file.with_suffix(".json"))


def start_job(
    screen: str, name: str, rows: int, lines: Iterable[Any], write: Callable[[IO[bytes], Iterator[Any]], None], *,
    wait: float,
) -> Job:
    """Begin to write, and wait so many seconds: a short list is ready at once."""
    _sweep()
    here = visit()
    job = Job(secrets.token_urlsafe(24), here.user.id, here.area.id, screen, name, rows)
    job.tell()
    kept = {key: g.get(key) for key in ("visit", "slug", "screen_settings")}

    @copy_current_request_context
    def work() -> None:
        for key, value in kept.items():
            setattr(g, key, value)
        _write(job, lines, write)

    thread = threading.Thread(target=work, name=f"export {screen}", daemon=True)
    thread.start()
    thread.join(wait)
    return job


def _write(job: Job, lines: Iterable[Any], write: Callable[[IO[bytes], Iterator[Any]], None]) -> None:
    def counted() -> Iterator[Any]:
        for line in lines:
            job.done += 1
            if job.done % TOLD_EVERY == 0:
                job.tell()
            yield line

    state = "failed"
    try:
        job.file.touch(mode=0o600)
        with job.file.open("wb") as file:
            write(file, counted())
        state = "ready"
    except (JinlinError, SQLAlchemyError, OSError) as error:
        why = error.strerror if isinstance(error, OSError) else None  # a database's error may hold names
        current_app.logger.error("export of %s: %s", job.screen, why or type(error).__name__)
    finally:
        job.state = state
        if job.failed:
            job.file.unlink(missing_ok=True)  # no half file; and there is room again to say so
        job.tell()


def job_of(token: str, screen: str) -> Job | None:
    """The job of this token, if the person asking began it here."""
    here = visit()
    if not token.replace("-", "").replace("_", "").isalnum() or not token.isascii() or len(token) > 64:
        return None
    try:
        job = Job(**json.loads((_folder() / f"{token}.json").read_text()))
    except FileNotFoundError:
        return None
    return job if (job.user_id, job.area_id, job.screen) == (here.user.id, here.area.id, screen) else None


def _hour() -> float:
    """The machine's own clock: the files lie on this machine."""
    return system_clock().timestamp()


def _folder() -> Path:
    folder = Path(current_app.instance_path) / "exports"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _pieces(path: Path, last: bool) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece
    if last:
        path.unlink(missing_ok=True)
        path.with_suffix(".json").unlink(missing_ok=True)


def _sweep() -> None:
    oldest = _hour() - KEPT_SECONDS
    for file in _folder().iterdir():
        with suppress(FileNotFoundError):  # another process sweeps too
            if file.stat().st_mtime < oldest:
                file.unlink()

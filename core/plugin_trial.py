"""Try a changed set of plugins in a child process before this one imports it.

A plugin that fails half-way through its import leaves mappers behind that break every other one, and nothing takes
them back. So a child imports the set, builds what the server would build (core/plugin_tryout.py) and says which
plugin fails first; without it the rest is tried again. About a second a round, only when files have changed.
"""
from __future__ import annotations

import hashlib
import json
import logging
import os
import queue
import subprocess
import sys
import threading
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

SECONDS_TO_BEGIN = 120  # on a slow computer under load
SECONDS = 20  # for each plugin: one that loops must not hold the start up for long
LOG = logging.getLogger("jinlin.plugins")
_TRIED: dict[str, dict[str, str]] = {}  # set → its faults, as this process or the one that it was forked from saw


def faults_of(found: dict[str, str], memo: Path | None = None) -> dict[str, str]:
    """Which of these plugins (name → module with the hooks) cannot be loaded, and why.

    `memo` is a file that remembers the last set that passed; a set with faults is tried at every start, once for
    all workers of a server.
    """
    mark = _mark(found)
    if mark in _TRIED:
        return _TRIED[mark]
    if not found or _remembered(memo) == mark:
        return {}
    faults: dict[str, str] = {}
    while left := {name: path for name, path in found.items() if name not in faults}:
        fault = _try_in_child(left)
        if not fault:
            break
        faults |= fault
    _TRIED[mark] = faults
    if not faults:
        _remember(memo, mark)
    return faults


def _try_in_child(found: dict[str, str]) -> dict[str, str]:
    """The faults that one child finds; {} when all is well."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p or "." for p in sys.path), "PYTHONIOENCODING": "utf-8"}
    with subprocess.Popen(
        [sys.executable, "-m", "core.plugin_tryout", json.dumps(found)], env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", errors="replace",
    ) as child:
        lines, problems = queue.Queue(), []
        readers = [threading.Thread(target=read, daemon=True) for read in (
            lambda: _pass_on(child.stdout, lines), lambda: problems.append(child.stderr.read()))]
        for reader in readers:
            reader.start()
        trying, answer = None, {}
        while answer is not None and "faults" not in answer:
            trying = answer.get("trying", trying)
            try:
                answer = lines.get(timeout=SECONDS if trying else SECONDS_TO_BEGIN)
            except queue.Empty:
                child.kill()
                return {trying or min(found): f"it takes longer than {SECONDS} seconds to load"}
        readers[1].join(SECONDS)
    if answer is not None:
        return answer["faults"]
    if trying is None:  # the child did not come as far as the first plugin: it is none of theirs
        raise RuntimeError(f"plugins cannot be tried:\n{''.join(problems)}")
    LOG.error("plugin %s: %s", trying, "".join(problems))
    return {trying: f"it ends the server (exit code {child.returncode})"}


def _pass_on(output: IO[str], lines: queue.Queue[dict[str, Any] | None]) -> None:
    """What the child says, then None."""
    for line in output:
        lines.put(json.loads(line))
    lines.put(None)


def _mark(found: dict[str, str]) -> str:
    """Changes when any file of the plugins or of the core does, or an installed package."""
    roots = {path.partition(".")[0] for path in found.values()} | {__package__}
    seen = [sys.version, *sorted(f"{name}={path}" for name, path in found.items())]
    seen += sorted({f"{each.name} {each.version}" for each in distributions()})
    for root in sorted(roots):
        spec = find_spec(root)
        folders = (spec.submodule_search_locations or [spec.origin or ""]) if spec else []
        for file in sorted(file for folder in folders for file in _python_files(Path(folder))):
            status = file.stat()
            seen.append(f"{file} {status.st_size} {status.st_mtime_ns}")
    return hashlib.sha256("\n".join(seen).encode()).hexdigest()


def _python_files(place: Path) -> list[Path]:
    return list(place.rglob("*.py")) if place.is_dir() else [place]


def _remembered(memo: Path | None) -> str | None:
    try:
        return memo.read_text() if memo is not None else None
    except FileNotFoundError:
        return None


def _remember(memo: Path | None, mark: str) -> None:
    if memo is not None:
        memo.write_text(mark)

"""Try a changed set of plugins in a child process before this one imports it.

A plugin that fails half-way through its import leaves mappers behind that break every other one, and nothing takes
them back. So a child imports the set, builds what the server would build (core/plugin_tryout.py) and says which
plugin fails first; without it the rest is tried again. About a second a round, only when files have changed.
"""
from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

SECONDS = 120
SAYS = "jinlin-trial "  # plugins may print too
_PASSED: set[str] = set()  # sets that this process has seen pass; what is imported stays imported


def faults_of(found: dict[str, str], memo: Path | None = None) -> dict[str, str]:
    """Which of these plugins (name → module with the hooks) cannot be loaded, and why.

    `memo` is a file that remembers the last set that passed; a set with faults is tried at every start.
    """
    mark = _mark(found)
    if not found or mark in _PASSED or _remembered(memo) == mark:
        return {}
    faults: dict[str, str] = {}
    while left := {name: path for name, path in found.items() if name not in faults}:
        fault = _try_in_child(left)
        if not fault:
            break
        faults |= fault
    if not faults:
        _PASSED.add(mark)
        _remember(memo, mark)
    return faults


def _try_in_child(found: dict[str, str]) -> dict[str, str]:
    """The faults that one child finds; {} when all is well."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p or "." for p in sys.path), "PYTHONIOENCODING": "utf-8"}
    try:
        child = subprocess.run(
            [sys.executable, "-m", "core.plugin_tryout"], input=json.dumps(found), env=environment, timeout=SECONDS,
            capture_output=True, encoding="utf-8", check=False,
        )
        output, died = child.stdout, f"it ends the server (exit code {child.returncode})"
    except subprocess.TimeoutExpired as error:
        output = (error.stdout or b"").decode() if isinstance(error.stdout, bytes | None) else error.stdout
        died = f"it takes longer than {SECONDS} seconds to load"
    lines = [json.loads(line.removeprefix(SAYS)) for line in output.splitlines() if line.startswith(SAYS)]
    if lines and "faults" in lines[-1]:
        return lines[-1]["faults"]
    last = next((line["trying"] for line in reversed(lines) if "trying" in line), min(found))
    return {last: died}


def _mark(found: dict[str, str]) -> str:
    """Changes when any file of the plugins or of the core does."""
    roots = {path.partition(".")[0] for path in found.values()} | {__package__}
    seen = [sys.version, *sorted(f"{name}={path}" for name, path in found.items())]
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
    return memo.read_text() if memo is not None and memo.exists() else None


def _remember(memo: Path | None, mark: str) -> None:
    if memo is not None:
        memo.write_text(mark)

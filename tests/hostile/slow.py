"""Clients that take their time: they send headers or bodies by the byte, or do not read what they asked for."""
from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

WAYS = ("headers", "body", "reading", "idle")


@contextmanager
def slow_clients(port: int, number: int, cookie: str = "") -> Iterator[list[socket.socket]]:
    """So many connections that are all in the middle of something."""
    with ExitStack() as stack:
        found = []
        for at in range(number):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))
            client.sendall(_beginning(WAYS[at % len(WAYS)], cookie))
            found.append(client)
        yield found


def _beginning(way: str, cookie: str) -> bytes:
    head = f"Host: 127.0.0.1\r\nCookie: {cookie}\r\n"
    if way == "headers":
        return f"GET /login HTTP/1.1\r\n{head}X-Slow: ".encode()
    if way == "body":
        return (f"POST /login HTTP/1.1\r\n{head}Content-Type: application/x-www-form-urlencoded\r\n"
                "Content-Length: 100000\r\n\r\nusername=").encode()
    if way == "reading":
        return f"GET /static/icons.svg HTTP/1.1\r\n{head}\r\n".encode() * 40
    return b""


def trickle(clients: list[socket.socket]) -> int:
    """Another byte from each; how many are still connected."""
    alive = 0
    for client in clients:
        try:
            client.sendall(b"x")
            alive += 1
        except OSError:
            pass
    return alive


def exchange(port: int, request: bytes, *, seconds: float = 20, more: Iterable[bytes] = ()) -> tuple[bytes, int]:
    """(the answer, bytes sent) of one raw request; `more` is sent until the server has answered or closed."""
    with socket.create_connection(("127.0.0.1", port), seconds) as client:
        client.sendall(request)
        sent, answer = len(request), b""
        client.setblocking(False)
        end, pieces, piece = time.monotonic() + seconds, iter(more), b""
        while time.monotonic() < end:
            try:
                got = client.recv(65536)
                answer += got
                if not got or _whole(answer):
                    break
            except BlockingIOError:
                time.sleep(0.001)
            except OSError:
                break
            try:
                piece = piece or next(pieces, b"")
                if piece:
                    done = client.send(piece)
                    sent, piece = sent + done, piece[done:]
            except BlockingIOError:
                pass
            except OSError:
                pieces = iter(())
        return answer, sent


def _whole(answer: bytes) -> bool:
    head, gap, body = answer.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return bool(gap) and len(body) >= int(line[15:])
    return False


def seconds_for(port: int, path: str = "/login", cookie: str = "") -> float:
    """How long a page takes, for somebody who comes now."""
    began = time.monotonic()
    answer, _sent = exchange(port, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 200"), answer[:80]
    return time.monotonic() - began

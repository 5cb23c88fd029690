"""The server itself, over real sockets: slow clients, big bodies, broken requests."""
from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.admin.protection import MOST_BYTES
from core.buffered import make_server, serve_until
from tests.hostile.slow import exchange, seconds_for, slow_clients, trickle

PIECE = b"x" * 65536


@pytest.fixture
def kind() -> str:
    """What stands before the app knows no database."""
    return "sqlite"


@pytest.fixture
def port(place: Any) -> Iterator[int]:
    """The place, served as `jinlin serve` does it in each of its processes."""
    connections: dict[int, Any] = {}
    server = make_server(place.app, connections, proxies=0, host="127.0.0.1", port=0)
    goes_on = threading.Event()
    thread = threading.Thread(target=serve_until, args=(server, connections, lambda: not goes_on.is_set(), 5))
    thread.start()
    yield int(server.effective_port)
    goes_on.set()
    server.pull_trigger()
    thread.join()
    for connection in list(connections.values()):
        connection.close()


def head_of(answer: bytes) -> str:
    return answer.partition(b"\r\n\r\n")[0].decode("latin-1")


def request_of(*lines: bytes) -> bytes:
    return b"\r\n".join((*lines, b"", b""))


def test_a_hundred_slow_clients_stop_nobody(port: int) -> None:
    seconds_for(port)
    with slow_clients(port, 100) as clients:
        for _turn in range(5):
            trickle(clients)
            assert seconds_for(port) < 3
        assert trickle(clients) > 90  # they were not simply thrown out


LENGTH, CHUNKED = b"Content-Length: 1073741824", b"Transfer-Encoding: chunked"
GIGABYTES = {
    "announced": (b"/login", LENGTH, []), "sent": (b"/login", LENGTH, [PIECE] * 16_384),
    "sent to nowhere": (b"/nowhere", LENGTH, [PIECE] * 16_384),
    "in pieces": (b"/login", CHUNKED, [b"10000\r\n" + PIECE + b"\r\n"] * 16_384),
}


def test_a_gigabyte_is_refused_before_it_is_read(port: int) -> None:
    for way, (path, length, pieces) in GIGABYTES.items():
        before, asked = files_kept(), request_of(b"POST " + path + b" HTTP/1.1", b"Host: 127.0.0.1", length)
        answer, sent = exchange(port, asked, more=iter(pieces))
        assert head_of(answer).startswith("HTTP/1.1 413") and "太大" in answer.decode(), (way, head_of(answer))
        assert "Content-Security-Policy" in head_of(answer) and "no-store" in head_of(answer)
        assert sent < MOST_BYTES + 24 * 2**20 and files_kept() <= before + MOST_BYTES, way


def files_kept() -> int:
    """Bytes in the files that this process has open (what waitress keeps of a body lies there)."""
    total = 0
    for handle in Path("/proc/self/fd").iterdir():
        try:
            total += handle.stat().st_size if "/tmp" in str(handle.readlink()) else 0
        except OSError:
            continue
    return total


BROKEN = {
    "long header": (request_of(b"GET /login HTTP/1.1", b"Host: 127.0.0.1", b"X: " + b"y" * 100_000), "431"),
    "long address": (request_of(b"GET /login?a=" + b"y" * 20_000 + b" HTTP/1.1", b"Host: 127.0.0.1"), "414"),
    "longer address": (request_of(b"GET /login?a=" + b"y" * 200_000 + b" HTTP/1.1", b"Host: 127.0.0.1"), "431"),
    "raw bytes": (request_of(b"GET /login?a=\xff\xfe HTTP/1.1", b"Host: 127.0.0.1"), "400"),
    "broken chunk": (request_of(b"POST /login HTTP/1.1", b"Host: 127.0.0.1", CHUNKED) + b"zz\r\n", "400"),
    "unknown coding": (request_of(b"POST /login HTTP/1.1", b"Host: 127.0.0.1", b"Transfer-Encoding: gzip"), "400"),
    "negative length": (request_of(b"POST /login HTTP/1.1", b"Host: 127.0.0.1", b"Content-Length: -1"), "400"),
    "two lengths": (request_of(b"POST /login HTTP/1.1", b"Host: x", b"Content-Length: 1", b"Content-Length: 2"), "400"),
    "two hosts": (request_of(b"GET /login HTTP/1.1", b"Host: 127.0.0.1", b"Host: evil.example"), "400"),
    "no http": (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", "400"),
    "bare line": (b"GET /login HTTP/1.1\nHost: 127.0.0.1\n\r\n\r\n", "400"),
}


def test_a_broken_request_is_refused_in_words(port: int) -> None:
    for name, (request, status) in BROKEN.items():
        answer, _sent = exchange(port, request)
        assert head_of(answer).split(" ")[1] == status, (name, head_of(answer))
        assert "Content-Security-Policy" in head_of(answer) and b"<h1>" in answer, name
        assert "Server:" not in head_of(answer) and "waitress" not in answer.decode(), name


def test_many_small_parts_are_refused(port: int) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    body = part * 5000 + b"--x--\r\n"
    lines = (b"POST /login HTTP/1.1", b"Host: 127.0.0.1", b"Content-Type: multipart/form-data; boundary=x",
             b"Content-Length: " + str(len(body)).encode())
    answer, _sent = exchange(port, request_of(*lines) + body)
    assert head_of(answer).split(" ")[1] == "413" and b"<h1>" in answer

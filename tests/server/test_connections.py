"""Clients that send or take next to nothing are cut off; those that go on are served."""

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.live import signed_in
from tests.support.server import DemoServer

LEAD = "lead@test-college.school.nz"
BODY = json.dumps({"query": "{ support { phone } }"}).encode()
FIRST_LINE = b"POST /graphql HTTP/1.1\r\n"
ESTABLISHED = "01"


@pytest.fixture
def impatient(launch: Callable[..., DemoServer]) -> DemoServer:
    """A server that waits for nobody."""
    return launch("sqlite", header_seconds="0.3", body_seconds="0.3", send_seconds="0.3", idle_seconds="0.3")


@contextlib.contextmanager
def connected(server: DemoServer, room: int | None = None) -> Iterator[socket.socket]:
    """A connection; `room`: bytes that the system takes for us before we read."""
    with socket.socket() as connection:
        if room is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        connection.connect(("127.0.0.1", server.port))
        yield connection


def head(server: DemoServer, *, signed: bool = True, length: int = len(BODY), more: bytes = b"") -> bytes:
    token = f"Authorization: Bearer {server.token(LEAD)}\r\n" if signed else ""
    lines = f"Host: 127.0.0.1\r\n{token}Content-Type: application/json\r\nContent-Length: {length}\r\n"
    return FIRST_LINE + lines.encode() + more + b"\r\n"


def answered(connection: socket.socket) -> bytes:
    """One answer, whole: its head and its body may come apart."""
    came = b""
    while b"\r\n\r\n" not in came:
        came += connection.recv(65_536)
    lines, _, body = came.partition(b"\r\n\r\n")
    headers = dict(line.lower().split(b": ", 1) for line in lines.split(b"\r\n")[1:])
    while len(body) < int(headers[b"content-length"]):
        body += connection.recv(65_536)
    return lines + b"\r\n\r\n" + body


def until_closed(connection: socket.socket) -> bytes:
    """All that comes until the server closes."""
    came = b""
    with contextlib.suppress(ConnectionResetError):
        while data := connection.recv(65_536):
            came += data
    return came


def trickle(connection: socket.socket, piece: bytes) -> bytes:
    """A little again and again, until the server has enough; what it said, where that was still heard."""
    connection.setblocking(False)
    came = b""
    while True:
        try:
            connection.send(piece)
            data = connection.recv(65_536)
            if not data:
                return came
            came += data
        except BlockingIOError:
            time.sleep(0.02)
        except (ConnectionResetError, BrokenPipeError):
            return came


def refusal(came: bytes) -> tuple[int, str]:
    lines, _, body = came.partition(b"\r\n\r\n")
    assert b"x-content-type-options: nosniff" in lines.lower()
    return int(lines.split()[1]), json.loads(body)["errors"][0]["extensions"]["code"]


def test_a_connection_that_says_nothing_is_closed(impatient: DemoServer) -> None:
    with connected(impatient) as connection:
        assert until_closed(connection) == b""


@pytest.mark.parametrize("begun", [b"P", FIRST_LINE, FIRST_LINE + b"Host: 127.0.0.1\r\nX-Slow: "])
def test_a_head_that_does_not_come_to_its_end_is_refused(impatient: DemoServer, begun: bytes) -> None:
    with connected(impatient) as connection:
        connection.sendall(begun)
        assert refusal(until_closed(connection)) == (408, "REQUEST_TIMEOUT")


def test_bytes_that_trickle_do_not_put_off_the_end(impatient: DemoServer) -> None:
    with connected(impatient) as connection:
        connection.sendall(FIRST_LINE + b"X-Slow: ")
        came = trickle(connection, b"a")
        assert not came or refusal(came) == (408, "REQUEST_TIMEOUT")
    with connected(impatient) as connection:
        connection.sendall(head(impatient, length=1_000_000))
        came = trickle(connection, b" ")
        assert not came or refusal(came) == (408, "REQUEST_TIMEOUT")


def test_a_second_request_has_the_same_time_as_the_first(impatient: DemoServer) -> None:
    with connected(impatient) as connection:
        connection.sendall(head(impatient) + BODY)
        assert answered(connection).startswith(b"HTTP/1.1 200")
        connection.sendall(FIRST_LINE)
        assert refusal(until_closed(connection)) == (408, "REQUEST_TIMEOUT")


def test_who_is_not_signed_in_is_answered_at_once_and_cannot_go_on_sending(impatient: DemoServer) -> None:
    with connected(impatient) as connection:
        connection.sendall(head(impatient, signed=False, length=1_000_000))
        assert answered(connection).startswith(b"HTTP/1.1 401")
        assert trickle(connection, b" ") == b""


def test_a_head_that_is_too_large_is_refused(impatient: DemoServer) -> None:
    with connected(impatient) as connection:
        connection.sendall(FIRST_LINE)
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            for number in range(1_000):
                connection.sendall(b"X-Large-%d: %b\r\n" % (number, b"x" * 2_000))
        came = until_closed(connection)
        assert not came or came.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))


@pytest.mark.parametrize("length", [1, 100_000])
def test_what_trails_a_body_is_no_header(impatient: DemoServer, length: int) -> None:
    """It comes after what was judged by the headers, here or by whatever stands before the server."""
    token = impatient.token(LEAD)
    chunks = b"%x\r\n%b\r\n0\r\n" % (len(BODY), BODY)
    trailer = f"Authorization: Bearer {token}\r\n".encode() + b"X-More: %b\r\n" % (b"x" * length)
    lines = b"Host: 127.0.0.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
    with connected(impatient) as connection:
        connection.sendall(FIRST_LINE + lines + b"\r\n" + chunks + trailer + b"\r\n")
        assert answered(connection).startswith(b"HTTP/1.1 401")
    with connected(impatient) as connection:
        signed = f"Authorization: Bearer {token}\r\n".encode()
        connection.sendall(FIRST_LINE + lines + signed + b"\r\n" + chunks + trailer + b"\r\n")
        assert answered(connection).startswith(b"HTTP/1.1 200")


def test_a_client_that_takes_nothing_of_what_it_asked_for_is_cut_off(impatient: DemoServer) -> None:
    """The system's own record of connections says so, since who takes nothing is told nothing."""
    with connected(impatient, room=4_096) as connection:
        ours, theirs = connection.getsockname()[1], impatient.port
        ask = b"GET /schema.graphql HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        for _ in range(100):
            connection.sendall(ask)
        while state_of(theirs, ours) == ESTABLISHED:
            time.sleep(0.05)
    assert impatient.client.get("/healthz").status_code == 200


def state_of(local: int, remote: int) -> str | None:
    """The state of a connection of this machine's, by its ports."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if [int(address.rpartition(":")[2], 16) for address in fields[1:3]] == [local, remote]:
            return fields[3]
    return None


def test_a_request_in_pieces_is_served(launch: Callable[..., DemoServer]) -> None:
    """Within the time there is by default."""
    server = launch("sqlite")
    whole = head(server) + BODY
    with connected(server) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(whole), 100):
            connection.sendall(whole[start : start + 100])
            time.sleep(0.005)
        assert answered(connection).startswith(b"HTTP/1.1 200")


async def test_a_websocket_on_which_nothing_is_under_way_is_closed(impatient: DemoServer) -> None:
    async with signed_in(impatient, LEAD) as connection:
        closed = await connection.closed()
        assert (closed.code, closed.reason) == (1000, "Idle for 0.3 s")


async def test_a_websocket_on_which_something_is_under_way_stays(impatient: DemoServer) -> None:
    async with signed_in(impatient, LEAD) as connection:
        key = await connection.subscribe("subscription { alertRaised { id } }")
        await connection.heard(key)
        for _ in range(4):
            time.sleep(0.2)  # noqa: ASYNC251 (the server is another process)
            assert await connection.heard(key) == []
        await connection.send("complete", id=key)
        assert (await connection.closed()).code == 1000

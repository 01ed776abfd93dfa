"""A constant rate of requests: `python -m benchmarks.openloop PORT RATE SECONDS even|random`, for `load.at_rate`.

Each request is due at a moment fixed beforehand, at even intervals, or at random ones as from many people who do not
know of each other. Its latency counts from that moment: what must wait because others are slow has waited. The loop
spins rather than sleeps, so that no timer's grain is in the figures: it needs a core of its own.
"""

import json
import os
import random
import select
import socket
import sys
import time
from collections import deque
from pathlib import Path

MOST_CONNECTIONS = 128
DRAIN = 30
"""Seconds that the last answers are waited for."""


class Connection:
    """A connection with one request under way at most."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = bytearray()
        self.due = 0.0
        self.busy = False

    def send(self, request: bytes, due: float) -> None:
        self.due, self.busy = due, True
        self.received.clear()
        self.socket.setblocking(True)
        self.socket.sendall(request)
        self.socket.setblocking(False)

    def read(self) -> bytes | None:
        """The whole response, once it is there. Raises ConnectionError where the other side hangs up."""
        try:
            piece = self.socket.recv(1 << 20)
        except BlockingIOError:
            return None
        if not piece:
            raise ConnectionError("closed")
        self.received += piece
        return bytes(self.received) if is_whole(self.received) else None


def is_whole(response: bytes | bytearray) -> bool:
    """Whether a response has its whole body: by its length, or by its last chunk."""
    end = response.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = bytes(response[:end]).lower()
    if b"transfer-encoding: chunked" in head:
        return response.endswith(b"\r\n0\r\n\r\n") or response[end + 4 :] == b"0\r\n\r\n"
    _, found, rest = head.partition(b"content-length:")
    length = int(rest.partition(b"\r\n")[0]) if found else 0
    return len(response) >= end + 4 + length


def is_good(response: bytes) -> bool:
    """Whether a response answers without errors."""
    status, _, body = response[:13], None, response.partition(b"\r\n\r\n")[2]
    return b" 200" in status and b'"data"' in body[:4000] and b'"errors"' not in body


def moments(rate: float, seconds: float, chance: random.Random | None = None) -> list[float]:
    """When requests are due, in seconds after the start: as many as the rate says, at even intervals or by chance."""
    count = max(1, round(rate * seconds))
    if chance is None:
        return [place / rate for place in range(count)]
    return sorted(chance.uniform(0, seconds) for _ in range(count))


class Loop:
    """Sends each request when it is due, and takes what comes back."""

    def __init__(self, port: int, requests: list[bytes]) -> None:
        self.port = port
        self.requests = requests
        self.sent = self.errors = self.bytes = 0
        self.latencies: list[float] = []
        self._waiting: deque[float] = deque()
        self._connections: dict[int, Connection] = {}
        self._idle: list[Connection] = []
        self._poller = select.epoll()

    def run(self, due: list[float]) -> float:
        """Send all that is due; gives the seconds from the start to the last answer."""
        start = time.perf_counter()
        last, upcoming = start + due[-1], 0
        while len(self.latencies) + self.errors < len(due):
            now = time.perf_counter()
            if now > last + DRAIN:
                self.errors = len(due) - len(self.latencies)
                break
            while upcoming < len(due) and start + due[upcoming] <= now:
                self._waiting.append(start + due[upcoming])
                upcoming += 1
            self._send_waiting()
            for descriptor, _ in self._poller.poll(0):
                self._receive(descriptor)
        return max(time.perf_counter(), last) - start

    def close(self) -> None:
        for connection in self._connections.values():
            connection.socket.close()
        self._poller.close()

    def _send_waiting(self) -> None:
        while self._waiting and (self._idle or len(self._connections) < MOST_CONNECTIONS):
            connection = self._idle.pop() if self._idle else self._connect()
            connection.send(self.requests[self.sent % len(self.requests)], self._waiting.popleft())
            self.sent += 1

    def _connect(self) -> Connection:
        connection = Connection(self.port)
        self._connections[connection.socket.fileno()] = connection
        self._poller.register(connection.socket, select.EPOLLIN)
        return connection

    def _receive(self, descriptor: int) -> None:
        connection = self._connections[descriptor]
        try:
            response = connection.read()
        except OSError:
            self._drop(descriptor)
            return
        if response is None:
            return
        self.bytes += len(response)
        if is_good(response):
            self.latencies.append((time.perf_counter() - connection.due) * 1000)
        else:
            self.errors += 1
        connection.busy = False
        self._idle.append(connection)

    def _drop(self, descriptor: int) -> None:
        """The other side hung up: an error where an answer was owed."""
        connection = self._connections.pop(descriptor)
        self._poller.unregister(descriptor)
        connection.socket.close()
        if connection.busy:
            self.errors += 1
        else:
            self._idle.remove(connection)


def run(port: int, requests: list[bytes], due: list[float]) -> dict[str, float]:
    """Send each request when it is due; gives what `load.Answered` is made of."""
    loop = Loop(port, requests)
    try:
        seconds = loop.run(due)
    finally:
        loop.close()
    latencies = sorted(loop.latencies)
    return {
        "requests": len(latencies),
        "seconds": seconds,
        "errors": loop.errors,
        "p50": percentile(latencies, 0.50),
        "p99": percentile(latencies, 0.99),
        "max": latencies[-1] if latencies else 0,
        "bytes": loop.bytes,
    }


def percentile(ordered: list[float], share: float) -> float:
    """The value that `share` of them do not exceed; 0 of none."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0


def main() -> None:
    port, rate, seconds = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    headers = (
        f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {os.environ['BENCH_TOKEN']}\r\n"
        f"X-ASCMS-Organisation: {os.environ['BENCH_ORGANISATION']}\r\n"
    )
    bodies = Path(os.environ["BENCH_BODIES"]).read_bytes().splitlines()
    requests = [f"{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body for body in bodies]
    chance = random.Random(1) if sys.argv[4] == "random" else None
    print(json.dumps(run(port, requests, moments(rate, seconds, chance))))


if __name__ == "__main__":
    main()

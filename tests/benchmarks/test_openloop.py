"""A constant rate: what is due when, what counts as answered."""

import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest

from benchmarks.openloop import is_good, is_whole, moments, percentile, run

GOOD = b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"data":null}'
BAD = b'HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n{"data":null,"errors":[{}]}'
REFUSED = b"HTTP/1.1 429 Too Many\r\nContent-Length: 0\r\n\r\n"
CHUNKED = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd\r\n{"data":null}\r\n0\r\n\r\n'


def test_requests_are_due_at_even_intervals_or_by_chance() -> None:
    assert moments(4, 1) == [0, 0.25, 0.5, 0.75]
    by_chance = moments(100, 2, random.Random(1))
    assert len(by_chance) == 200
    assert by_chance == sorted(by_chance)
    assert 0 <= by_chance[0] < by_chance[-1] <= 2
    assert len({later - earlier for earlier, later in pairwise(by_chance)}) > 100


@pytest.mark.parametrize("response", [GOOD, BAD, REFUSED, CHUNKED])
def test_a_response_is_whole_when_its_last_byte_is_there(response: bytes) -> None:
    assert is_whole(response)
    assert not any(is_whole(response[:length]) for length in range(len(response)))


def test_errors_and_refusals_are_no_answers() -> None:
    assert is_good(GOOD)
    assert is_good(CHUNKED)
    assert not is_good(BAD)
    assert not is_good(REFUSED)


def test_percentiles() -> None:
    assert percentile([float(n) for n in range(1, 101)], 0.5) == 51
    assert percentile([float(n) for n in range(1, 101)], 0.99) == 100
    assert percentile([], 0.5) == 0


@contextmanager
def server(*responses: bytes | None) -> Iterator[int]:
    """Gives these responses in turn, to whoever asks; None hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))
    given, turn = iter(responses), threading.Lock()

    def answer(client: socket.socket) -> None:
        with client:
            while client.recv(65536):
                with turn:
                    response = next(given)
                if response is None:
                    return
                client.sendall(response)

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(client,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def test_everything_due_is_counted_as_answered_or_as_an_error() -> None:
    with server(GOOD, BAD, REFUSED, None, CHUNKED, GOOD) as port:
        found = run(port, [b"GET / HTTP/1.1\r\n\r\n"], moments(100, 0.06))
    assert (found["requests"], found["errors"]) == (3, 3)
    assert 0 < found["p50"] <= found["p99"] <= found["max"]


def test_what_waited_for_others_has_waited() -> None:
    """All are due at once, and only so many are under way at a time: the last has waited for all before it."""
    order = 400
    with server(*[GOOD] * order) as port:
        found = run(port, [b"GET / HTTP/1.1\r\n\r\n"], [0.0] * order)
    assert found["requests"] == order
    assert found["max"] > found["p50"] > 0

"""What one person may ask at once and in a minute, and how they are told where they stand."""

import contextlib
import json
import re
import socket
from collections.abc import Callable, Iterator

import pytest

from tests.support.live import signed_in
from tests.support.server import Answer, DemoServer

LEAD, OFFICE = "lead@test-college.school.nz", "office@test-college.school.nz"
CONTACT = "contact@test-college.school.nz"
PHONE = "{ support { phone } }"
STANDING = "{ viewer { rateLimit { limit remaining cost } } }"
COSTLY = "{ cases(first: 100) { nodes { events(first: 100) { nodes { id } } } } }"


@pytest.fixture
def strict(launch: Callable[..., DemoServer]) -> DemoServer:
    """A server that allows two operations at once, and fifty thousand points a minute."""
    return launch(
        "sqlite",
        allowed_origins="https://portal.example.nz, http://localhost:5173",
        allowed_hosts="api.example.nz",
        public_url="https://people.example.nz/portal",
        strict_transport_seconds="31536000",
        maximum_at_once="2",
        points_a_minute="50000",
    )


@contextlib.contextmanager
def under_way(server: DemoServer, email: str) -> Iterator[socket.socket]:
    """An operation whose body has begun to come, and waits for `finish`."""
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        body = json.dumps({"query": PHONE}).encode()
        head = (
            "POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {server.token(email)}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        connection.sendall(head.encode() + body[:5])
        yield connection


def finish(connection: socket.socket) -> bytes:
    connection.sendall(json.dumps({"query": PHONE}).encode()[5:])
    return connection.recv(65_536)


def until(answered: Callable[[Answer], bool], ask: Callable[[], Answer]) -> Answer:
    while not answered(answer := ask()):
        pass
    return answer


async def test_one_person_has_so_many_operations_at_once(strict: DemoServer) -> None:
    ask = lambda: strict.ask(LEAD, PHONE)  # noqa: E731
    with under_way(strict, LEAD) as first, under_way(strict, LEAD) as second:
        refused = until(
            lambda answer: answer.codes == ["TOO_MANY_OPERATIONS"], ask
        )  # when both have come to the server
        assert refused.status == 429
        assert refused.headers["retry-after"] == "1"
        assert refused.errors[0]["extensions"]["retryAfter"] == 1
        assert strict.ask(OFFICE, PHONE).status == 200
        async with signed_in(strict, LEAD) as connection:
            (error,) = await connection.error(await connection.begin(PHONE))
            assert error["extensions"]["code"] == "TOO_MANY_OPERATIONS"
        assert finish(first).startswith(b"HTTP/1.1 200")
        assert until(lambda answer: answer.status == 200, ask).data == {"support": {"phone": "0800 422 599"}}
        assert finish(second).startswith(b"HTTP/1.1 200")


def test_who_goes_away_makes_room(strict: DemoServer) -> None:
    ask = lambda: strict.ask(LEAD, PHONE)  # noqa: E731
    with under_way(strict, LEAD), under_way(strict, LEAD):
        until(lambda answer: answer.codes == ["TOO_MANY_OPERATIONS"], ask)
    until(lambda answer: answer.status == 200, ask)


def test_an_answer_says_where_one_stands(strict: DemoServer) -> None:
    """The same in the headers as in the viewer."""
    answer = strict.ask(LEAD, STANDING)
    said = answer.data["viewer"]["rateLimit"]
    assert answer.headers["ratelimit-policy"] == '"points";q=50000;w=60'
    standing = re.fullmatch(r'"points";r=(\d+);t=(\d+)', answer.headers["ratelimit"])
    assert standing is not None
    assert (said["limit"], said["remaining"]) == (50_000, int(standing[1]))
    assert 0 < int(standing[2]) <= 60


def test_more_points_than_are_left_are_refused_with_when_to_come_back(strict: DemoServer) -> None:
    """A costly operation again and again, in whichever minutes that falls."""
    refused = until(lambda answer: answer.status != 200, lambda: strict.ask(CONTACT, COSTLY))
    assert (refused.status, refused.codes) == (429, ["RATE_LIMITED"])
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert refused.headers["ratelimit-policy"] == '"points";q=50000;w=60'
    assert re.fullmatch(r'"points";r=\d+;t=\d+', refused.headers["ratelimit"])
    assert re.search(r"costs [\d,]+ points; [\d,]+ of 50,000 are left", refused.errors[0]["message"])
    assert strict.ask(OFFICE, STANDING).status == 200

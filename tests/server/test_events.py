"""GraphQL over Server-Sent Events as its protocol has it."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.conftest import build_world
from tests.support.databases import Databases
from tests.support.live import events, lasting
from tests.support.server import DemoServer

LEAD = "lead@test-college.school.nz"
ALERTS = "subscription { alertRaised { id } }"
NUMBER = 'query { case(number: "00307473") { number } }'
STREAM = "text/event-stream"


@pytest.fixture
def demo(launch: Callable[..., DemoServer]) -> DemoServer:
    """A server whose data nobody changes. What a stream is like is the same on every database."""
    return launch("sqlite")


def assert_nothing_is_let_in(response: httpx.Response) -> None:
    """As every answer of /graphql has it."""
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert "Authorization" in response.headers["vary"]


async def test_a_query_is_one_answer_and_the_end(demo: DemoServer) -> None:
    for method in ("POST", "GET"):
        async with events(demo, demo.token(LEAD), NUMBER, method=method) as stream:
            assert stream.response.status_code == 200
            assert stream.response.headers["content-type"].startswith(STREAM)
            assert_nothing_is_let_in(stream.response)
            answer = await stream.next()
            assert answer["data"] == {"case": {"number": "00307473"}}
            assert answer["extensions"] == {"access": {"redacted": []}}
            assert await stream.event() == ("complete", None)
            assert await stream.event() is None


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription { nothing }", "BAD_USER_INPUT"),
        ("{", "BAD_USER_INPUT"),
        ("subscription { queueChanged { what } }", "FORBIDDEN"),
    ],
)
async def test_what_is_not_executed_is_told_as_an_event(demo: DemoServer, query: str, code: str) -> None:
    headers = {"Accept": STREAM, "Authorization": f"Bearer {demo.token(LEAD)}"}
    response = await asyncio.to_thread(demo.client.post, "/graphql", json={"query": query}, headers=headers)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith(STREAM)
    name, data, *rest = response.text.splitlines()
    assert name == "event: next"
    answer = json.loads(data.removeprefix("data: "))
    assert [error["extensions"]["code"] for error in answer["errors"]] == [code]
    assert "data" not in answer
    assert rest == ["", "event: complete", "data:", ""]


async def test_who_is_not_signed_in_gets_no_stream(demo: DemoServer) -> None:
    for token in (None, "nonsense"):
        async with events(demo, token, ALERTS) as stream:
            assert stream.response.status_code == 401
            assert stream.response.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/event-stream;q=0, */*", "application/*"])
async def test_a_subscription_without_a_stream_is_told_how(demo: DemoServer, accept: str) -> None:
    headers = {"Accept": accept, "Authorization": f"Bearer {demo.token(LEAD)}"}
    for response in (
        await asyncio.to_thread(demo.client.post, "/graphql", json={"query": ALERTS}, headers=headers),
        await asyncio.to_thread(demo.client.get, "/graphql", params={"query": ALERTS}, headers=headers),
    ):
        (error,) = response.json()["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert "text/event-stream" in error["message"]
        assert "graphql-transport-ws" in error["message"]


@pytest.mark.parametrize("accept", [STREAM, f"application/json, {STREAM}", f"{STREAM};q=0.1, */*"])
async def test_a_subscription_is_a_stream_where_one_is_acceptable(demo: DemoServer, accept: str) -> None:
    for method in ("POST", "GET"):
        async with events(demo, demo.token(LEAD), ALERTS, accept=accept, method=method) as stream:
            assert stream.response.headers["content-type"].startswith(STREAM)
            assert_nothing_is_let_in(stream.response)
            assert stream.comments == 1


async def test_a_query_is_no_stream_where_json_is_acceptable_too(demo: DemoServer) -> None:
    async with events(demo, demo.token(LEAD), NUMBER, accept=f"{STREAM}, application/json") as stream:
        assert stream.response.headers["content-type"].startswith("application/json")


async def test_get_changes_nothing(demo: DemoServer) -> None:
    mutation = 'mutation { addComment(input: {number: "00307473", body: "x"}) { problems { message } } }'
    async with events(demo, demo.token(LEAD), mutation, method="GET") as stream:
        assert stream.response.status_code == 405


async def test_a_silence_is_broken_by_comments(launch: Callable[..., DemoServer]) -> None:
    server = launch("sqlite", keep_alive="0.1")
    async with events(server, server.token(LEAD), ALERTS) as stream:
        for _ in range(3):
            await stream.comment()


async def test_who_leaves_makes_room_for_the_next(launch: Callable[..., DemoServer]) -> None:
    server = launch("sqlite", maximum_subscriptions="2")
    token = server.token(LEAD)
    async with events(server, token, ALERTS), events(server, token, ALERTS), events(server, token, ALERTS) as third:
        assert third.response.status_code == 429
        assert int(third.response.headers["retry-after"]) > 0
    status = 429
    while status == 429:  # until the server has noticed
        async with events(server, token, ALERTS) as stream:
            status = stream.response.status_code
    assert status == 200


async def test_a_token_that_expires_ends_the_stream(demo: DemoServer) -> None:
    async with events(demo, lasting(demo, LEAD, 2), ALERTS) as stream:
        answer = await stream.next()
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]
        assert await stream.event() == ("complete", None)
        assert await stream.event() is None


async def test_a_server_that_goes_away_ends_its_streams_without_complete_so_that_clients_come_again(
    databases_of: Callable[[str], Databases], tmp_path: Path
) -> None:
    url = databases_of("sqlite").copy("world", build_world)
    with DemoServer(url, tmp_path) as server:
        async with events(server, server.token(LEAD), ALERTS) as stream:
            server.process.terminate()
            assert await stream.event() is None
        assert server.process.wait() == 0
        unexpected = [line for line in server.log().splitlines() if " INFO " not in line]
        assert unexpected == [f"ready {server.url}"]

"""graphql-transport-ws as its protocol has it, and who is turned away."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from ascms.server.sockets import GOING_AWAY
from tests.conftest import build_world
from tests.support.databases import Databases
from tests.support.live import PROTOCOL, Closed, Socket, lasting, opened, signed_in
from tests.support.server import DemoServer
from tests.support.sql import rows

LEAD = "lead@test-college.school.nz"
WORKFLOW = "workflow@test-college-isp.school.nz"
ANALYST = "analyst@ministry.nz"
TESTPERSON = "testperson@test-college.school.nz"
ROLES = "{ viewer { roles } }"
ALERTS = "subscription { alertRaised { id } }"
CASE = 'subscription { caseChanged(number: "00307473") { what } }'


@pytest.fixture
def demo(launch: Callable[..., DemoServer]) -> DemoServer:
    """A server whose data nobody changes. What a socket may do is the same on every database."""
    return launch("sqlite")


@pytest.fixture
async def socket(demo: DemoServer) -> AsyncIterator[Socket]:
    """The Attendance Lead's socket."""
    async with signed_in(demo, LEAD) as socket:
        yield socket


# The handshake -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocols", [(), ("graphql-ws",), ("graphql-transport-ws-2", "chat")])
async def test_another_sub_protocol_is_not_spoken(demo: DemoServer, protocols: tuple[str, ...]) -> None:
    async with opened(demo, protocols=protocols) as socket:
        assert (await socket.closed()).code == 4406


async def test_the_sub_protocol_is_chosen_among_several(demo: DemoServer) -> None:
    async with opened(demo, protocols=("graphql-ws", PROTOCOL)) as socket:
        assert socket.connection.subprotocol == PROTOCOL
        await socket.initialise(demo.token(LEAD))


async def test_who_does_not_initialise_is_closed(launch: Callable[..., DemoServer]) -> None:
    async with opened(launch("sqlite", connection_wait="0.2")) as socket:
        assert await socket.closed() == Closed(4408, "Connection initialisation timeout")


async def test_pings_do_not_put_off_the_end_of_the_wait(launch: Callable[..., DemoServer]) -> None:
    async with opened(launch("sqlite", connection_wait="0.2")) as socket:

        async def ping() -> None:
            while True:
                await socket.send("ping")
                await asyncio.sleep(0.02)

        pinging = asyncio.create_task(ping())
        assert (await socket.closed()).code == 4408
        pinging.cancel()


async def test_a_second_initialisation_is_one_too_many(socket: Socket) -> None:
    await socket.send("connection_init")
    assert await socket.closed() == Closed(4429, "Too many initialisation requests")


async def test_a_second_initialisation_is_one_too_many_before_the_first_is_acknowledged(demo: DemoServer) -> None:
    async with opened(demo) as socket:
        payload = {"Authorization": f"Bearer {demo.token(LEAD)}"}
        await socket.send("connection_init", payload=payload)
        await socket.send("connection_init", payload=payload)
        assert (await socket.closed()).code == 4429


async def test_nothing_is_executed_before_the_acknowledgement(demo: DemoServer) -> None:
    token = {"Authorization": f"Bearer {demo.token(LEAD)}"}
    async with opened(demo, headers=token) as socket:
        await socket.send("subscribe", id="1", payload={"query": ROLES})
        assert await socket.closed() == Closed(4401, "Unauthorized")


@pytest.mark.parametrize(
    ("payload", "headers"),
    [
        ({}, {}),
        ({"Authorization": "Bearer nonsense"}, {}),
        ({"Authorization": "Basic bGVhZA=="}, {}),
        ({"token": "{token}"}, {}),
        ({}, {"Cookie": "Authorization={token}; access_token={token}; session={token}"}),
        ({"Authorization": "Bearer {token}", "X-ASCMS-Organisation": "1235"}, {}),
        ({"Authorization": "Bearer nonsense"}, {"Authorization": "Bearer {token}"}),
    ],
)
async def test_who_is_not_signed_in_is_refused(
    demo: DemoServer, payload: dict[str, str], headers: dict[str, str]
) -> None:
    token = demo.token(LEAD)
    filled = [{name: text.format(token=token) for name, text in given.items()} for given in (payload, headers)]
    async with opened(demo, headers={**filled[1], "Origin": demo.url}) as socket:
        await socket.send("connection_init", payload=filled[0])
        closed = await socket.closed()
        assert closed.code == 4403
        assert closed.reason.startswith("Forbidden: ")
        assert token not in closed.reason


async def test_the_token_may_come_with_the_upgrade_and_any_origin(demo: DemoServer) -> None:
    headers = {"Authorization": f"Bearer {demo.token(LEAD)}", "Origin": "https://elsewhere.example"}
    async with opened(demo, headers=headers) as socket:
        await socket.send("connection_init")
        assert await socket.receive() == {"type": "connection_ack"}


async def test_the_organisation_is_chosen_at_the_initialisation(demo: DemoServer) -> None:
    """Testperson has several; the token says which, and the payload may only repeat it."""
    for organisation, roles in (("1234", ["ATTENDANCE_LEAD"]), ("78912", ["WORKFLOW_LEAD"])):
        async with opened(demo) as socket:
            await socket.initialise(demo.token(TESTPERSON, organisation), organisation)
            answer = await socket.next(await socket.subscribe(ROLES))
            assert answer["data"] == {"viewer": {"roles": roles}}


# Messages ----------------------------------------------------------------------------------------------------


async def test_a_ping_is_answered_with_its_payload(demo: DemoServer) -> None:
    async with opened(demo) as socket:
        await socket.send("ping")
        assert await socket.receive() == {"type": "pong"}
        await socket.initialise(demo.token(LEAD))
        await socket.send("ping", payload={"at": 1})
        assert await socket.receive() == {"type": "pong", "payload": {"at": 1}}
        await socket.send("pong", payload={"at": 2})
        await socket.settle()


async def test_a_silence_is_broken_by_a_ping(launch: Callable[..., DemoServer]) -> None:
    async with signed_in(launch("sqlite", keep_alive="0.1"), LEAD) as socket:
        for _ in range(3):
            assert await socket.receive() == {"type": "ping"}
            await socket.send("pong")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"type": 1}',
        '{"type": "start", "id": "1"}',
        '{"type": "connection_terminate"}',
        '{"type": "next", "id": "1"}',
        '{"type": "connection_ack"}',
        '{"type": "ping", "payload": []}',
        f'{{"type": "ping", "payload": {{"deep": {"[" * 260}{"]" * 260}}}}}',
        '{"type": "pong", "payload": "text"}',
        '{"type": "subscribe"}',
        '{"type": "subscribe", "id": 1, "payload": {"query": "{ __typename }"}}',
        '{"type": "subscribe", "id": "", "payload": {"query": "{ __typename }"}}',
        '{"type": "subscribe", "id": "1"}',
        '{"type": "subscribe", "id": "1", "payload": "{ __typename }"}',
        '{"type": "subscribe", "id": "1", "payload": {}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": 1}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }", "variables": []}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }", "extensions": 1}}',
        '{"type": "complete"}',
        b"\x00",
    ],
)
async def test_what_is_no_message_ends_the_socket(socket: Socket, text: str | bytes) -> None:
    await socket.connection.send(text)
    closed = await socket.closed()
    assert closed.code == 4400
    assert closed.reason


@pytest.mark.parametrize("payload", ["text", [], {"Authorization": 1}, {"Authorization": ["Bearer x"]}])
async def test_an_initialisation_that_is_no_message_ends_the_socket(demo: DemoServer, payload: Any) -> None:
    async with opened(demo) as socket:
        await socket.send("connection_init", payload=payload)
        assert (await socket.closed()).code == 4400


@pytest.mark.parametrize("size", [65_600, 2_000_000])
async def test_a_message_that_is_too_large_ends_the_socket(demo: DemoServer, size: int) -> None:
    async with opened(demo) as socket:
        await socket.send("ping", payload={"text": "x" * size})
        assert (await socket.closed()).code == 1009


async def test_a_large_message_is_taken(socket: Socket) -> None:
    await socket.subscribe(ROLES + " " * 60_000)


# Operations --------------------------------------------------------------------------------------------------


async def test_a_query_has_one_answer_and_its_identifier_is_free_again(socket: Socket) -> None:
    for _ in range(2):
        query = "query A($number: String!) { case(number: $number) { number student { ethnicities { code } } } }"
        payload = {"query": query, "variables": {"number": "00307473"}, "operationName": "A"}
        await socket.send("subscribe", id="same", payload=payload)
        answer = await socket.receive()
        assert (answer["type"], answer["id"]) == ("next", "same")
        assert answer["payload"]["data"]["case"]["number"] == "00307473"
        assert answer["payload"]["extensions"] == {"access": {"redacted": []}}
        assert await socket.receive() == {"type": "complete", "id": "same"}


async def test_what_is_not_executed_is_an_error_and_no_more(socket: Socket) -> None:
    refused = {
        "{": "BAD_USER_INPUT",
        "{ nothing }": "BAD_USER_INPUT",
        "query A { __typename } query B { __typename }": "BAD_USER_INPUT",
        "subscription { alertRaised { id } queueChanged { what } }": "BAD_USER_INPUT",
        "subscription { alertRaised @skip(if: true) { id } }": "BAD_USER_INPUT",
        'subscription { caseChanged(number: "' + "1" * 1_001 + '") { what } }': "BAD_USER_INPUT",
        "subscription { queueChanged { what } }": "FORBIDDEN",
        'query { cases(where: { outcome: { eq: "X" } }) { totalCount } }': "FORBIDDEN",
    }
    for query, code in refused.items():
        key = await socket.subscribe(query)
        assert [error["extensions"]["code"] for error in await socket.error(key)] == [code], query
        assert await socket.heard(key) == []


async def test_a_refusal_of_a_subscription_says_where_it_is_open(demo: DemoServer) -> None:
    async with signed_in(demo, TESTPERSON, "1234") as socket:
        (error,) = await socket.error(await socket.subscribe("subscription { queueChanged { what } }"))
    assert error["extensions"]["visibleTo"] == ["WORKFLOW_LEAD"]
    assert [context["number"] for context in error["extensions"]["contexts"]] == ["78912"]


async def test_an_identifier_that_is_in_use_ends_the_socket(socket: Socket) -> None:
    for _ in range(2):
        await socket.send("subscribe", id="one", payload={"query": ALERTS})
    assert await socket.closed() == Closed(4409, "Subscriber for one already exists")


async def test_what_a_client_completes_is_over_and_its_identifier_is_free(socket: Socket) -> None:
    for _ in range(30):
        await socket.send("subscribe", id="one", payload={"query": ALERTS})
        await socket.send("complete", id="one")
    await socket.send("complete", id="never begun")
    assert await socket.heard("one") == []


async def test_a_socket_has_so_many_operations_at_most(demo: DemoServer) -> None:
    async with signed_in(demo, LEAD) as socket:
        keys = [await socket.subscribe(ALERTS) for _ in range(20)]
        (error,) = await socket.error(await socket.subscribe(ALERTS))
        assert error["extensions"]["code"] == "TOO_MANY_OPERATIONS"
        await socket.send("complete", id=keys[0])
        assert await socket.heard(await socket.subscribe(ALERTS)) == []


async def test_a_person_has_so_many_subscriptions_and_sockets_at_most(launch: Callable[..., DemoServer]) -> None:
    server = launch("sqlite", maximum_subscriptions="2")
    async with (
        signed_in(server, LEAD) as first,
        signed_in(server, LEAD) as second,
        signed_in(server, WORKFLOW) as other,
    ):
        await first.subscribe(ALERTS)
        key = await second.subscribe(ALERTS)
        for socket in (first, second):
            (error,) = await socket.error(await socket.subscribe(ALERTS))
            assert error["extensions"]["code"] == "TOO_MANY_SUBSCRIPTIONS"
        assert await other.heard(await other.subscribe(ALERTS)) == []
        await second.send("complete", id=key)
        assert await first.heard(await first.subscribe(ALERTS)) == []
        async with opened(server) as third:
            await third.send("connection_init", payload={"Authorization": f"Bearer {server.token(LEAD)}"})
            assert (await third.closed()).code == 4403
    async with signed_in(server, LEAD) as again:
        for _ in range(2):
            assert await again.heard(await again.subscribe(ALERTS)) == []


async def test_a_mutation_with_its_key_is_done_once(changing: DemoServer) -> None:
    comment = (
        'mutation { addComment(input: {number: "00307473", body: "Met."}) { comment { id } problems { message } } }'
    )
    key, before = str(uuid4()), rows(changing.database, "SELECT count(*) FROM comment")[0][0]
    async with signed_in(changing, WORKFLOW) as socket:
        answers = []
        for _ in range(3):
            operation = await socket.subscribe(comment, extensions={"idempotencyKey": key})
            answers.append(await socket.next(operation))
            assert (await socket.message(operation))["type"] == "complete"
        (error,) = await socket.error(await socket.subscribe(comment, extensions={"idempotencyKey": 7}))
    assert answers[0]["data"]["addComment"]["problems"] == []
    assert answers[0] == answers[1] == answers[2]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert rows(changing.database, "SELECT count(*) FROM comment")[0][0] == before + 1


# The end -----------------------------------------------------------------------------------------------------


async def test_a_token_that_expires_ends_what_is_open(demo: DemoServer) -> None:
    async with opened(demo) as socket:
        await socket.initialise(lasting(demo, LEAD, 2))
        (error,) = await socket.error(await socket.subscribe(ALERTS))
        assert error["extensions"]["code"] == "UNAUTHENTICATED"
        assert (await socket.closed()).code == 4403


async def test_a_token_that_has_expired_begins_nothing(demo: DemoServer) -> None:
    async with opened(demo) as socket:
        await socket.initialise(lasting(demo, LEAD, 1))
        await asyncio.sleep(1.1)
        (error,) = await socket.error(await socket.begin(ROLES))
        assert error["extensions"]["code"] == "UNAUTHENTICATED"
        assert (await socket.closed()).code == 4403


async def test_a_server_that_goes_away_says_so(databases_of: Callable[[str], Databases], tmp_path: Path) -> None:
    url = databases_of("sqlite").copy("world", build_world)
    with DemoServer(url, tmp_path) as server:
        async with opened(server) as waiting, signed_in(server, LEAD) as idle, signed_in(server, LEAD) as socket:
            await socket.subscribe(ALERTS)
            server.process.terminate()
            assert [await one.closed() for one in (waiting, idle, socket)] == [Closed(1001, GOING_AWAY)] * 3
        assert server.process.wait() == 0
        unexpected = [line for line in server.log().splitlines() if " INFO " not in line]
        assert unexpected == [f"ready {server.url}"]

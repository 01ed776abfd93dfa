"""What goes on, as graphql-ws hears it over a WebSocket and graphql-sse over Server-Sent Events."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from subprocess import PIPE, Popen
from typing import IO, Any

import pytest

from tests.conftest import build_world
from tests.support.clients import asked_as, command, needs_clients, run
from tests.support.databases import Databases
from tests.support.server import DemoServer

pytestmark = needs_clients
LEAD = "lead@test-college.school.nz"
OFFICE = "office@test-college.school.nz"
CLIENTS = ["graphql-ws", "graphql-sse"]
CASE = "query Case($number: String!) { case(number: $number) { number student { fullName ethnicities { name } } } }"
WATCH = """subscription Watch($number: String!) {
  caseChanged(number: $number) { what case { number student { ethnicities { name } } } }
}"""
COMMENT = """mutation Comment($input: AddCommentInput!) {
  addComment(input: $input) { comment { body } problems { message } }
}"""
VIEW = {"number": "00307473"}
ASK = {"query": CASE, "variables": VIEW}
CHANGE = {"query": COMMENT, "variables": {"input": {"number": "00307473", "body": "Rang home."}}}
HEAR = {"query": WATCH, "variables": VIEW}


def pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


def streams(server: DemoServer, client: str, email: str | None, **asked: Any) -> dict[str, Any]:
    """What the client is told."""
    told: dict[str, Any] = run("streams.mjs", given=asked_as(server, email, client=client, **asked))
    return told


@pytest.mark.parametrize("client", CLIENTS)
def test_queries_mutations_and_subscriptions_are_shown_as_the_role_may_see_them(
    changing: DemoServer, client: str
) -> None:
    for email in (LEAD, OFFICE):
        told = streams(changing, client, email, operations=[ASK, CHANGE], watch=HEAR)
        assert told["ended"] is None, told
        (asked,), (done,) = told["answers"]
        (heard,) = told["heard"]
        assert asked == changing.ask(email, CASE, VIEW).body
        assert done["data"]["addComment"] == {"comment": {"body": "Rang home."}, "problems": []}
        assert heard["data"]["caseChanged"]["what"] == "addComment"
        shown = [asked["data"]["case"], heard["data"]["caseChanged"]["case"]]
        assert all(bool(case["student"]["ethnicities"]) == (email == LEAD) for case in shown)
        assert [len(answer["extensions"]["access"]["redacted"]) for answer in (asked, heard)] == [email == OFFICE] * 2


@pytest.mark.parametrize("client", CLIENTS)
def test_what_is_refused_reaches_the_client_with_its_code(changing: DemoServer, client: str) -> None:
    refused = {
        "{ nothing }": "BAD_USER_INPUT",
        '{ cases(where: { outcome: { eq: "X" } }) { totalCount } }': "FORBIDDEN",
        "subscription { queueChanged { what } }": "FORBIDDEN",
    }
    told = streams(changing, client, OFFICE, operations=[{"query": query} for query in refused])
    assert [[answer["errors"][0]["extensions"]["code"] for answer in answers] for answers in told["answers"]] == [
        [code] for code in refused.values()
    ]


def test_who_is_not_signed_in_is_told_so(changing: DemoServer) -> None:
    for client, headers in (("graphql-ws", {}), ("graphql-ws", {"Authorization": "Bearer x"}), ("graphql-sse", {})):
        asked = {**asked_as(changing, None), "headers": headers, "client": client, "operations": [ASK]}
        told = run("streams.mjs", given=asked)
        assert told["answers"] == []
        if client == "graphql-ws":
            assert told["ended"]["code"] == 4403
            assert told["ended"]["reason"].startswith("Forbidden: ")
        else:
            assert told["ended"]["status"] == 401
            assert told["ended"]["body"]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize("protocol", ["graphql-ws", "graphql-transport-ws-2"])
def test_another_sub_protocol_is_not_spoken(changing: DemoServer, protocol: str) -> None:
    """`graphql-ws` is the name of what subscriptions-transport-ws speaks, and not of what graphql-ws does."""
    told = streams(changing, "graphql-ws", LEAD, protocol=protocol, operations=[ASK])
    assert told == {"answers": [], "heard": [], "ended": {"error": "Server sent no subprotocol"}, "connections": 0}


def test_a_single_connection_of_events_is_refused(changing: DemoServer) -> None:
    told = streams(changing, "graphql-sse", LEAD, single=True, operations=[ASK])
    assert (told["answers"], told["ended"]["status"]) == ([], 405)


def test_clients_come_back_to_a_server_that_was_restarted(
    databases_of: Callable[[str], Databases], tmp_path: Path
) -> None:
    """They subscribe anew by themselves, and hear what goes on from then."""
    server = DemoServer(databases_of("sqlite").copy("world", build_world), tmp_path)
    with ExitStack() as running:
        scripts = {
            client: running.enter_context(Popen(command("streams.mjs"), stdin=PIPE, stdout=PIPE, text=True))
            for client in CLIENTS
        }
        with server:
            for client, script in scripts.items():
                asked = asked_as(server, LEAD, client=client, operations=[CHANGE], watch=HEAR, pause=True)
                pipe(script.stdin).write(json.dumps(asked))
                pipe(script.stdin).close()
            for script in scripts.values():
                assert pipe(script.stdout).readline() == "ready\n"
        with server:
            for script in scripts.values():
                told = json.loads(pipe(script.stdout).read())
                assert (told["ended"], told["connections"]) == (None, 2)
                assert [answer["data"]["caseChanged"]["what"] for answer in told["heard"]] == ["addComment"]

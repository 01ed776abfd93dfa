"""Automatic persisted queries: a hash alone does, once its text was sent, and gives nobody more than the text would."""

import asyncio
import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any
from uuid import uuid4

import httpx
import pytest

from ascms.database import state_directory
from tests.storage.documents import PDF
from tests.support.clients import apollo, needs_clients
from tests.support.live import Closed, signed_in
from tests.support.server import DemoServer
from tests.support.sql import rows
from tests.support.transports import EVENTS, GRAPHQL, JSON, TRANSPORTS, Members, Transport, post, send

LEAD = "lead@test-college.school.nz"
OFFICE = "office@test-college.school.nz"
WORKFLOW = "workflow@test-college-isp.school.nz"
MINISTRY = "analyst@ministry.nz"
CASE = "query View($number: String!) { case(number: $number) { number student { fullName ethnicities { name } } } }"
COMMENT = """mutation Comment($input: AddCommentInput!) {
  addComment(input: $input) { comment { id body } problems { code message } }
}"""
VIEW = {"number": "00307473"}
UNKNOWN = {"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}
UNSUPPORTED = {"message": "PersistedQueryNotSupported", "extensions": {"code": "PERSISTED_QUERY_NOT_SUPPORTED"}}


def fresh(text: str) -> str:
    """The text, as nobody has sent it yet."""
    return f"# {uuid4()}\n{text}"


def hash_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def named(text: str, *, version: Any = 1, **members: Any) -> dict[str, Any]:
    """A request that names the text by its hash, as Apollo's clients do."""
    return {"extensions": {"persistedQuery": {"version": version, "sha256Hash": hash_of(text)}}, **members}


def codes(body: dict[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in body["errors"]]


async def register(server: DemoServer, email: str, text: str, **members: Any) -> dict[str, Any]:
    """Send the text with its hash."""
    body = await post(server, email, named(text, query=text, **members))
    assert "errors" not in body, body
    return body


async def is_known(server: DemoServer, text: str) -> bool:
    """Whether the hash alone does. To ask is to use it."""
    body = await post(server, LEAD, named(text))
    assert body.get("errors") in (None, [UNKNOWN]), body
    return "errors" not in body


@pytest.fixture
def demo(launch: Callable[..., DemoServer]) -> DemoServer:
    """A server whose data nobody changes. What a name stands for is the same on every database."""
    return launch("sqlite")


# The protocol ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", TRANSPORTS.values(), ids=TRANSPORTS)
async def test_the_hash_alone_does_once_the_text_was_sent(server: DemoServer, transport: Transport) -> None:
    text = fresh(CASE)
    assert await transport(server, LEAD, named(text, variables=VIEW)) == {"errors": [UNKNOWN]}
    first = await transport(server, LEAD, named(text, query=text, variables=VIEW))
    assert first["data"]["case"]["number"] == "00307473"
    for each in TRANSPORTS.values():
        assert await each(server, LEAD, named(text, variables=VIEW)) == first
        assert await each(server, LEAD, {"documentId": f"sha256:{hash_of(text)}", "variables": VIEW}) == first
        assert await each(server, LEAD, {"documentId": hash_of(text), "variables": VIEW}) == first


@pytest.mark.parametrize(("accept", "status"), [(GRAPHQL, 400), (JSON, 200), ("*/*", 200), (EVENTS, 200)])
async def test_what_is_not_known_has_the_status_that_clients_of_the_media_type_read(
    demo: DemoServer, accept: str, status: int
) -> None:
    """Apollo's clients of plain JSON take another status for a fault of the network; the other type has its errors."""
    for method in ("POST", "GET"):
        response = await send(demo, LEAD, named(fresh(CASE)), method=method, accept=accept)
        assert response.status_code == status
        assert response.headers["cache-control"] == "no-store"
        assert "PersistedQueryNotFound" in response.text
        assert '"data"' not in response.text


async def test_a_document_id_that_is_not_known_says_what_to_do(demo: DemoServer) -> None:
    for identifier in (f"sha256:{'0' * 64}", "0" * 64, "ViewOfACase", "x" * 100_000):
        (error,) = (await post(demo, LEAD, {"documentId": identifier}))["errors"]
        assert error["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
        assert identifier.removeprefix("sha256:")[:100] in error["message"]
        assert "Send its text as query" in error["message"]
        assert len(error["message"]) < 300


async def test_an_empty_text_beside_a_hash_is_none(demo: DemoServer) -> None:
    """graphql-ws wants a query in every message."""
    text = fresh("{ viewer { roles } }")
    assert await post(demo, LEAD, named(text, query="")) == {"errors": [UNKNOWN]}
    answer = await register(demo, LEAD, text)
    assert await post(demo, LEAD, named(text, query="")) == answer
    assert await post(demo, LEAD, named(text, query=None)) == answer


async def test_the_operation_of_a_document_is_chosen_by_name(demo: DemoServer) -> None:
    text = fresh("query Roles { viewer { roles } } query Phone { support { phone } }")
    roles = await register(demo, LEAD, text, operationName="Roles")
    assert await post(demo, LEAD, named(text, operationName="Roles")) == roles
    assert "support" in (await post(demo, LEAD, named(text, operationName="Phone")))["data"]
    assert codes(await post(demo, LEAD, named(text))) == ["BAD_USER_INPUT"]


@pytest.mark.parametrize("transport", TRANSPORTS.values(), ids=TRANSPORTS)
async def test_a_hash_that_is_not_the_texts_is_refused_and_kept_for_nothing(
    demo: DemoServer, transport: Transport
) -> None:
    text, other = fresh("{ viewer { roles } }"), fresh("{ support { phone } }")
    upper, cut = hash_of(text).upper(), hash_of(text)[:40]
    for wrong in (hash_of(other), upper, cut, sha256(b"").hexdigest()):
        extensions = {"persistedQuery": {"version": 1, "sha256Hash": wrong}}
        for members in ({"query": text, "extensions": extensions}, {"query": text, "documentId": f"sha256:{wrong}"}):
            (error,) = (await transport(demo, LEAD, members))["errors"]
            assert error["extensions"]["code"] == "BAD_USER_INPUT"
            assert "is not the hash of the query sent with it" in error["message"]
    assert not await is_known(demo, text)
    assert not await is_known(demo, other)


async def test_a_text_that_is_known_cannot_be_put_in_anothers_place(demo: DemoServer) -> None:
    text, other = fresh("{ viewer { roles } }"), fresh("{ support { phone } }")
    answer = await register(demo, LEAD, text)
    assert codes(await post(demo, OFFICE, named(text, query=other))) == ["BAD_USER_INPUT"]
    assert await post(demo, LEAD, named(text)) == answer


@pytest.mark.parametrize(
    "text", ["{", "{ nothing }", "{ case { id } }", "query A { __typename } fragment B on Case { id }"]
)
async def test_a_text_that_does_not_hold_is_not_kept(demo: DemoServer, text: str) -> None:
    text = fresh(text)
    for _ in range(2):
        assert "BAD_USER_INPUT" in codes(await post(demo, LEAD, named(text, query=text)))
        assert await post(demo, LEAD, named(text)) == {"errors": [UNKNOWN]}


QUERY = "{ viewer { roles } }"
HASH = hash_of(QUERY)


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({}, "query is missing"),
        ({"extensions": {}}, "query is missing"),
        ({"extensions": {"persistedQuery": None}}, "query is missing"),
        ({"documentId": None}, "query is missing"),
        ({"documentId": 7}, "documentId is a number"),
        ({"documentId": ""}, "documentId is empty"),
        ({"documentId": [HASH]}, "documentId is a list"),
        ({"query": QUERY, "documentId": True}, "documentId is true or false"),
        ({"extensions": {"persistedQuery": HASH}}, "extensions.persistedQuery is text"),
        ({"extensions": {"persistedQuery": [1, HASH]}}, "extensions.persistedQuery is a list"),
        ({"extensions": {"persistedQuery": {}}}, "extensions.persistedQuery.version is missing"),
        ({"extensions": {"persistedQuery": {"version": "1", "sha256Hash": HASH}}}, "version is text"),
        ({"extensions": {"persistedQuery": {"version": True, "sha256Hash": HASH}}}, "version is true or false"),
        ({"extensions": {"persistedQuery": {"version": 1.0, "sha256Hash": HASH}}}, "version is a number"),
        ({"extensions": {"persistedQuery": {"version": 1}}}, "sha256Hash is missing"),
        ({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": ""}}}, "sha256Hash is empty"),
        ({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": {}}}}, "sha256Hash is an object"),
        ({"query": 1, "documentId": HASH}, "query is a number"),
    ],
)
async def test_what_is_no_request_is_told_so(demo: DemoServer, members: Members, said: str) -> None:
    for accept in (GRAPHQL, JSON):
        response = await send(demo, LEAD, members, accept=accept)
        assert (response.status_code, codes(response.json())) == (400, ["BAD_USER_INPUT"])
        assert said in response.json()["errors"][0]["message"]
    async with signed_in(demo, LEAD) as socket:
        await socket.send("subscribe", id="1", payload=members)
        closed = await socket.closed()
        assert closed.code == 4400
        assert said in closed.reason


@pytest.mark.parametrize("version", [0, 2, -1])
async def test_another_version_is_refused(demo: DemoServer, version: int) -> None:
    text = fresh(QUERY)
    for members in (named(text, version=version), named(text, version=version, query=text)):
        for transport in TRANSPORTS.values():
            (error,) = (await transport(demo, LEAD, members))["errors"]
            assert error["extensions"]["code"] == "BAD_USER_INPUT"
            assert f"version is {version}, which is not known" in error["message"]
    assert not await is_known(demo, text)


async def test_two_names_must_be_for_the_same_document(demo: DemoServer) -> None:
    text = fresh(QUERY)
    await register(demo, LEAD, text)
    assert "data" in await post(demo, LEAD, named(text, documentId=f"sha256:{hash_of(text)}"))
    (error,) = (await post(demo, LEAD, named(text, documentId="0" * 64)))["errors"]
    assert "name two documents" in error["message"]


async def test_a_browser_that_follows_a_link_with_a_name_is_answered(demo: DemoServer) -> None:
    """Without a document in the address it is shown the IDE."""
    text = fresh(QUERY)
    await register(demo, LEAD, text)
    for members in (named(text), {"documentId": hash_of(text)}):
        response = await send(demo, LEAD, members, method="GET", accept="text/html, */*;q=0.8")
        assert response.json()["data"] == {"viewer": {"roles": ["ATTENDANCE_LEAD"]}}


# Rights ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", TRANSPORTS.values(), ids=TRANSPORTS)
async def test_a_hash_gives_everyone_what_the_text_would(server: DemoServer, transport: Transport) -> None:
    text = fresh(CASE)
    of_lead = await register(server, LEAD, text, variables=VIEW)
    assert of_lead["data"]["case"]["student"]["ethnicities"]
    for email in (OFFICE, WORKFLOW, MINISTRY):
        by_text = await transport(server, email, {"query": text, "variables": VIEW})
        assert await transport(server, email, named(text, variables=VIEW)) == by_text
    office = await transport(server, OFFICE, named(text, variables=VIEW))
    assert office["data"]["case"]["student"] == {
        "fullName": of_lead["data"]["case"]["student"]["fullName"],
        "ethnicities": None,
    }
    assert [entry["field"] for entry in office["extensions"]["access"]["redacted"]] == ["Student.ethnicities"]
    ministry = await transport(server, MINISTRY, named(text, variables=VIEW))
    assert ministry.get("data", {}).get("case") is None


async def test_what_one_may_not_ask_is_refused_by_its_hash_too(demo: DemoServer) -> None:
    text = fresh("query($o: String!) { cases(where: { outcome: { eq: $o } }) { totalCount } }")
    ask = named(text, variables={"o": "X"})
    assert codes(await post(demo, LEAD, {**ask, "query": text})) == ["FORBIDDEN"]
    admin = await post(demo, "privacy@ministry.nz", {**ask, "query": text})
    assert "errors" not in admin, admin
    response = await send(demo, LEAD, ask)
    assert (response.status_code, codes(response.json())) == (403, ["FORBIDDEN"])


async def test_nobody_signed_in_learns_whether_a_hash_is_known(demo: DemoServer) -> None:
    text = fresh(QUERY)
    await register(demo, LEAD, text)
    for asked in (named(text), named(fresh(QUERY))):
        response = await asyncio.to_thread(demo.client.post, "/graphql", json=asked)
        assert response.status_code == 401
        assert codes(response.json()) == ["UNAUTHENTICATED"]


async def test_the_access_log_has_the_same_entry_for_hash_and_text(changing: DemoServer) -> None:
    text = fresh(CASE)

    def entries() -> list[tuple[Any, ...]]:
        columns = "operation_name, operation_hash, user_id, roles, fingerprint"
        found = rows(changing.database, f"SELECT {columns} FROM access_log_entry ORDER BY id")
        return [tuple(map(str, row)) for row in found]

    before = len(entries())
    await post(changing, LEAD, {"query": text, "variables": VIEW})
    await register(changing, LEAD, text, variables=VIEW)
    await post(changing, LEAD, named(text, variables=VIEW))
    by_text, with_both, by_hash = entries()[before:]
    assert by_text == with_both == by_hash
    assert by_hash[:2] == ("View", hash_of(text))


# Changes -----------------------------------------------------------------------------------------------------


def comments(server: DemoServer) -> int:
    number: int = rows(server.database, "SELECT count(*) FROM comment")[0][0]
    return number


async def test_a_mutation_by_its_hash_is_for_post(changing: DemoServer) -> None:
    text, variables = fresh(COMMENT), {"input": {"number": "00307473", "body": "Met at the gate."}}
    await register(changing, WORKFLOW, text, variables=variables)
    before = comments(changing)
    for accept in (GRAPHQL, JSON):
        response = await send(changing, WORKFLOW, named(text, variables=variables), method="GET", accept=accept)
        assert response.status_code == 405
        assert response.headers["allow"] == "POST"
    assert comments(changing) == before
    done = await post(changing, WORKFLOW, named(text, variables=variables))
    assert done["data"]["addComment"]["problems"] == []
    assert comments(changing) == before + 1


async def test_an_idempotency_key_is_for_what_is_asked_and_not_for_how(changing: DemoServer) -> None:
    text, variables = fresh(COMMENT), {"input": {"number": "00307473", "body": "Rang home."}}
    before, key = comments(changing), {"Idempotency-Key": str(uuid4())}
    asked: list[Members] = [
        {"query": text},
        named(text, query=text),
        named(text),
        {"documentId": hash_of(text)},
        {"documentId": f"sha256:{hash_of(text)}"},
    ]
    answers = []
    for members in asked:
        response = await send(changing, WORKFLOW, {**members, "variables": variables}, **key)
        answers.append(response.json())
    assert answers[0]["data"]["addComment"]["problems"] == []
    assert all(answer == answers[0] for answer in answers)
    assert comments(changing) == before + 1
    other = await send(changing, WORKFLOW, {**named(text), "variables": {"input": {"number": "1", "body": "x"}}}, **key)
    assert codes(other.json()) == ["BAD_USER_INPUT"]


ADD_FILE = """mutation Add($input: AddFileInput!) { addFile(input: $input) { file { sha256 } problems { message } } }"""


def upload(server: DemoServer, content: bytes, **operations: Any) -> httpx.Response:
    variables = {"input": {"number": "00307473", "file": None}}
    return server.client.post(
        "/graphql",
        data={
            "operations": json.dumps({"variables": variables, **operations}),
            "map": json.dumps({"0": ["variables.input.file"]}),
        },
        files={"0": ("letter.pdf", content, "application/pdf")},
        headers={"Accept": GRAPHQL, "Authorization": f"Bearer {server.token(LEAD)}"},
    )


def test_a_file_comes_with_a_mutation_that_is_named(changing: DemoServer) -> None:
    text = fresh(ADD_FILE)
    incoming = changing.folder / state_directory(changing.database) / "incoming"
    large = PDF + b"\n" * 20_000_000
    assert upload(changing, large, **named(text)).json() == {"errors": [UNKNOWN]}
    for members in (named(text, query=text), named(text), {"documentId": hash_of(text)}):
        added = upload(changing, PDF, **members).json()["data"]["addFile"]
        assert added == {"file": {"sha256": sha256(PDF).hexdigest()}, "problems": []}
    assert not [path for path in incoming.rglob("*") if path.is_file()]


# What goes on ------------------------------------------------------------------------------------------------


async def test_a_subscription_may_be_named(changing: DemoServer) -> None:
    text = fresh(
        'subscription Watch { caseChanged(number: "00307473") { what case { student { ethnicities { name } } } } }'
    )
    async with signed_in(changing, LEAD) as lead, signed_in(changing, OFFICE) as office:
        for socket in (lead, office):
            await socket.send("subscribe", id="hash", payload=named(text))
            assert await socket.error("hash") == [UNKNOWN]
        await lead.send("subscribe", id="both", payload=named(text, query=text))
        await lead.settle()
        await office.send("subscribe", id="hash", payload=named(text))
        await office.settle()
        given = {"number": "00307473", "body": "Seen."}  # by the office, which reads no comments but its own
        done = await post(changing, OFFICE, {"query": COMMENT, "variables": {"input": given}})
        assert done["data"]["addComment"]["problems"] == []
        seen = [await lead.next("both"), await office.next("hash")]
    assert [answer["data"]["caseChanged"]["what"] for answer in seen] == ["addComment"] * 2
    of_lead, of_office = (answer["data"]["caseChanged"]["case"]["student"]["ethnicities"] for answer in seen)
    assert of_lead
    assert of_office is None


async def test_a_socket_outlives_a_hash_that_is_not_known(demo: DemoServer) -> None:
    text = fresh(QUERY)
    async with signed_in(demo, LEAD) as socket:
        for key in ("same", "same", "other"):
            await socket.send("subscribe", id=key, payload=named(text))
            assert await socket.error(key) == [UNKNOWN]
        await socket.send("subscribe", id="same", payload=named(text, query=text))
        assert (await socket.next("same"))["data"] == {"viewer": {"roles": ["ATTENDANCE_LEAD"]}}
        await socket.message("same")
        await socket.send("subscribe", id="same", payload={})
        assert isinstance(await socket.closed(), Closed)


# Memory ------------------------------------------------------------------------------------------------------


def sized(size: int) -> str:
    """A valid text of so many characters."""
    text = fresh(QUERY)
    return text + " " * (size - len(text))


@pytest.fixture
def small(launch: Callable[..., DemoServer]) -> DemoServer:
    """A server that keeps few texts."""
    return launch("sqlite", maximum_persisted="20000")


@pytest.fixture
def without(launch: Callable[..., DemoServer]) -> DemoServer:
    """A server that keeps none."""
    return launch("sqlite", maximum_persisted="0")


async def test_what_is_kept_is_bounded_and_the_longest_unused_goes_first(small: DemoServer) -> None:
    texts = [sized(4_000) for _ in range(4)]
    for text in texts:
        await register(small, LEAD, text)
    assert await is_known(small, texts[0])  # and so the second is the longest unused
    await register(small, OFFICE, sized(4_000))
    assert [await is_known(small, text) for text in texts] == [True, False, True, True]
    await register(small, LEAD, texts[1])
    assert await is_known(small, texts[1])


async def test_a_text_that_is_larger_than_all_is_answered_and_not_kept(small: DemoServer) -> None:
    text, large = fresh(QUERY), sized(30_000)
    await register(small, LEAD, text)
    await register(small, LEAD, large)
    assert not await is_known(small, large)
    assert await is_known(small, text)


async def test_wide_characters_count_for_the_bytes_they_take(small: DemoServer) -> None:
    text = sized(6_000).replace("{ viewer", "# 🙂\n{ viewer")
    await register(small, LEAD, text)
    assert not await is_known(small, text)


async def test_it_may_be_switched_off(without: DemoServer) -> None:
    text = fresh(QUERY)
    for transport in TRANSPORTS.values():
        for members in (named(text), named(text, query=text)):
            assert await transport(without, LEAD, members) == {"errors": [UNSUPPORTED]}
        assert "data" in await transport(without, LEAD, {"query": text})


# Apollo's own client -----------------------------------------------------------------------------------------


@needs_clients
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_apollo_client_sends_a_text_once(server: DemoServer, method: str) -> None:
    text = f"query A{uuid4().hex} " + CASE.removeprefix("query View")
    operation = {"text": text, "variables": VIEW}
    link = {"useGETForHashedQueries": method == "GET"}
    (first, second), wire = apollo(server.url, server.token(LEAD), [operation, operation], link)
    assert first["errors"] == second["errors"] == []
    assert first["data"]["case"]["student"]["ethnicities"]
    assert first == second
    assert [(one["method"], one["hasHash"], one["hasQuery"], one["status"]) for one in wire] == [
        (method, True, False, 400),
        ("POST", True, True, 200),
        (method, True, False, 200),
    ]
    (of_office,), wire = apollo(server.url, server.token(OFFICE), [operation], link)
    assert of_office["data"]["case"]["student"]["ethnicities"] is None
    assert [one["hasQuery"] for one in wire] == [False]


@needs_clients
def test_apollo_client_goes_on_with_texts_where_it_is_switched_off(without: DemoServer) -> None:
    answers, wire = apollo(without.url, without.token(LEAD), [{"text": CASE, "variables": VIEW}] * 2)
    assert [answer["errors"] for answer in answers] == [[], []]
    assert [(one["hasHash"], one["hasQuery"]) for one in wire] == [(True, False), (False, True), (False, True)]

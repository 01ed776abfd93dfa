"""Trusted documents: named by the keys of a list, beside all others or instead of them."""

import json
import re
from collections.abc import Callable
from hashlib import sha1, sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ascms.cli import main
from ascms.server.trusted import texts_in
from tests.support.clients import apollo, generate, needs_clients
from tests.support.server import DemoServer
from tests.support.sql import rows
from tests.support.transports import GRAPHQL, JSON, TRANSPORTS, Members, Transport, post, send

LEAD = "lead@test-college.school.nz"
OFFICE = "office@test-college.school.nz"
WORKFLOW = "workflow@test-college-isp.school.nz"
ROOT = Path(__file__).parents[2]
VIEW = {"number": "00307473"}
CASE = "query View($number: String!) { case(number: $number) { number student { fullName ethnicities { name } } } }"
ROLES = "query Roles { viewer { roles } }"
PHONE = "query Phone { support { phone } }"
COMMENT = (
    "mutation Comment($input: AddCommentInput!) { addComment(input: $input) { comment { id } problems { code } } }"
)
ALERTS = "subscription Alerts { alertRaised { id } }"
INTROSPECTION = "query IntrospectionQuery { __schema { types { name } } }"
STRANGER = "{ viewer { roles } }"


def sha256_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


KEYS = {
    CASE: f"sha256:{sha256_of(CASE)}",
    ROLES: sha256_of(ROLES),
    PHONE: sha1(PHONE.encode()).hexdigest(),
    COMMENT: "addComment-v1",
    ALERTS: f"sha256:{sha256_of(ALERTS)}",
}
"""What generators call documents: as the specification has it, bare, by another algorithm, by a name of one's own."""


@pytest.fixture(scope="session")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The list, as a file."""
    path = tmp_path_factory.mktemp("trusted") / "persisted-documents.json"
    path.write_text(json.dumps({key: text for text, key in KEYS.items()}))
    return path


@pytest.fixture
def only(launch: Callable[..., DemoServer], listed: Path) -> DemoServer:
    """A server that answers these documents and no others. What is refused is so before a database is asked."""
    return launch("sqlite", trusted_documents=str(listed), trusted_documents_mode="only")


@pytest.fixture(params=["sqlite", "postgresql"])
def only_on(request: pytest.FixtureRequest, launch: Callable[..., DemoServer], listed: Path) -> DemoServer:
    """The same on each kind of database."""
    return launch(request.param, trusted_documents=str(listed), trusted_documents_mode="only")


@pytest.fixture
def beside(launch: Callable[..., DemoServer], listed: Path) -> DemoServer:
    """A server that answers these documents and all others."""
    return launch("sqlite", trusted_documents=str(listed))


def names(text: str) -> list[dict[str, Any]]:
    """Every way to name a document of the list, or to send it."""
    key, digest = KEYS[text], sha256_of(text)
    return [
        {"query": text},
        {"documentId": key},
        {"documentId": digest},
        {"documentId": f"sha256:{digest}"},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": key}}},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": key}}, "query": text},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}, "query": text},
        {"documentId": key, "query": text},
    ]


def codes(body: dict[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in body["errors"]]


# Naming ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", TRANSPORTS.values(), ids=TRANSPORTS)
async def test_a_document_of_the_list_is_answered_however_it_is_named(
    only_on: DemoServer, transport: Transport
) -> None:
    for email in (LEAD, OFFICE):
        for text, variables in ((CASE, VIEW), (ROLES, {}), (PHONE, {})):
            answers = [await transport(only_on, email, {**members, "variables": variables}) for members in names(text)]
            assert "errors" not in answers[0], answers[0]
            assert all(answer == answers[0] for answer in answers)


async def test_rights_are_the_askers(only_on: DemoServer) -> None:
    lead, office = [
        await post(only_on, email, {"documentId": KEYS[CASE], "variables": VIEW}) for email in (LEAD, OFFICE)
    ]
    assert lead["data"]["case"]["student"]["ethnicities"]
    assert office["data"]["case"]["student"]["ethnicities"] is None
    assert [entry["field"] for entry in office["extensions"]["access"]["redacted"]] == ["Student.ethnicities"]


async def test_a_mutation_of_the_list_is_for_post(only: DemoServer) -> None:
    asked = {"documentId": KEYS[COMMENT], "variables": {"input": {"number": "no such case", "body": "x"}}}
    assert (await send(only, WORKFLOW, asked, method="GET")).status_code == 405
    done = await post(only, WORKFLOW, asked)
    assert done["data"]["addComment"]["problems"] == [{"code": "NOT_FOUND"}]


async def test_the_access_log_names_the_text_and_not_the_key(beside: DemoServer) -> None:
    before = rows(beside.database, "SELECT count(*) FROM access_log_entry")[0][0]
    await post(beside, LEAD, {"documentId": KEYS[CASE], "variables": VIEW})
    found = rows(beside.database, "SELECT operation_name, operation_hash FROM access_log_entry ORDER BY id")
    assert found[before:] == [("View", sha256_of(CASE))]


async def test_a_key_is_no_name_for_another_text(only: DemoServer) -> None:
    for members in ({"documentId": KEYS[PHONE]}, {"documentId": sha256_of(PHONE)}):
        assert codes(await post(only, LEAD, {**members, "query": ROLES})) == ["BAD_USER_INPUT"]


# Only these --------------------------------------------------------------------------------------------------


REFUSED: list[Members] = [
    {"query": STRANGER},
    {"query": INTROSPECTION},
    {"query": f"{ROLES} "},
    {"query": f"{ROLES} {PHONE}", "operationName": "Roles"},
    {"query": "{"},
    {"query": ""},
    {"documentId": f"sha256:{sha256_of(STRANGER)}"},
    {"documentId": "nothing"},
    {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": sha256_of(STRANGER)}}},
    {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": sha256_of(STRANGER)}}, "query": STRANGER},
    {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": sha256_of(ROLES)}}, "query": STRANGER},
    {"documentId": KEYS[ROLES], "query": STRANGER},
    {"query": "subscription { alertRaised { kind } }"},
    {"query": 'mutation { addComment(input: {number: "00307473", body: "x"}) { problems { code } } }'},
]


@pytest.mark.parametrize("transport", TRANSPORTS.values(), ids=TRANSPORTS)
async def test_nothing_else_is_answered(only: DemoServer, transport: Transport) -> None:
    for members in REFUSED:
        body = await transport(only, WORKFLOW, members)
        (error,) = body["errors"]
        assert error["extensions"] == {"code": "DOCUMENT_NOT_TRUSTED"}, members
        assert "ASCMS_TRUSTED_DOCUMENTS" in error["message"]
        assert "data" not in body


async def test_a_refusal_has_the_status_of_one(only: DemoServer) -> None:
    for accept, status in ((GRAPHQL, 403), (JSON, 200)):
        for method in ("POST", "GET"):
            response = await send(only, LEAD, {"query": STRANGER}, method=method, accept=accept)
            assert (response.status_code, codes(response.json())) == (status, ["DOCUMENT_NOT_TRUSTED"])


async def test_what_is_refused_is_not_known_afterwards(only: DemoServer) -> None:
    both = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": sha256_of(STRANGER)}}, "query": STRANGER}
    for members in (both, {"documentId": sha256_of(STRANGER)}):
        assert codes(await post(only, LEAD, members)) == ["DOCUMENT_NOT_TRUSTED"]


async def test_a_browser_is_told_why_there_is_no_ide(only: DemoServer) -> None:
    page = only.client.get("/graphql", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "Only trusted documents are answered here" in page.text
    assert "ASCMS_TRUSTED_DOCUMENTS_MODE=only" in page.text
    assert "ide.js" not in page.text


# Beside others -----------------------------------------------------------------------------------------------


async def test_all_others_are_answered_beside_the_list(beside: DemoServer) -> None:
    asked = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": sha256_of(STRANGER)}}}
    assert codes(await post(beside, LEAD, asked)) == ["PERSISTED_QUERY_NOT_FOUND"]
    for members in ({"query": STRANGER}, {**asked, "query": STRANGER}, asked, {"query": INTROSPECTION}):
        assert "errors" not in await post(beside, LEAD, members)


@pytest.fixture
def without_automatic(launch: Callable[..., DemoServer], listed: Path) -> DemoServer:
    """A server that knows the list by name, and nothing else."""
    return launch("sqlite", trusted_documents=str(listed), maximum_persisted="0")


async def test_the_list_is_known_where_automatic_ones_are_off(without_automatic: DemoServer) -> None:
    for members in names(ROLES):
        assert (await post(without_automatic, LEAD, members))["data"] == {"viewer": {"roles": ["ATTENDANCE_LEAD"]}}
    asked = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": sha256_of(STRANGER)}}}
    assert codes(await post(without_automatic, LEAD, asked)) == ["PERSISTED_QUERY_NOT_SUPPORTED"]


# What generators and clients make of it ----------------------------------------------------------------------


CLIENT = {
    "View": """query View($number: String!) { case(number: $number) { ...Header events { nodes { ...Told } } } }
    fragment Header on Case { number student { ...Pupil @include(if: true) } }
    fragment Pupil on Student { fullName, ethnicities { name } }
    fragment Told on Event { kind }""",
    "Comment": "mutation Comment($input: AddCommentInput!) { addComment(input: $input) { problems { code, path } } }",
    "Roles": "query Roles { viewer { roles  } }",
}
"""Documents as people write them."""


@pytest.fixture
def plain(launch: Callable[..., DemoServer]) -> DemoServer:
    """A server that knows nothing of a list."""
    return launch("sqlite")


@pytest.fixture(params=["sha1", "sha256"])
def generated(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """What graphql-codegen makes of them: one line each."""
    originals = []
    for name, text in CLIENT.items():
        originals.append(tmp_path / f"{name}.graphql")
        originals[-1].write_text(text)
    path = tmp_path / "persisted-documents.json"
    path.write_text(json.dumps(generate(ROOT / "schema.graphql", originals, request.param, path.parent)))
    return path


@pytest.fixture
def only_generated(launch: Callable[..., DemoServer], generated: Path) -> DemoServer:
    """A server that answers what was generated, and nothing else."""
    return launch("sqlite", trusted_documents=str(generated), trusted_documents_mode="only")


@needs_clients
async def test_what_graphql_codegen_writes_is_taken_as_it_is(
    only_generated: DemoServer, generated: Path, plain: DemoServer
) -> None:
    assert CliRunner().invoke(main, ["documents", "check", str(generated)]).output == "All 3 documents hold.\n"
    written = texts_in(generated)
    texts = {
        name: item for name in CLIENT for item in written.items() if re.search(rf"(query|mutation) {name}\b", item[1])
    }
    assert sorted(texts.values()) == sorted(written.items())
    variables = {"View": VIEW, "Comment": {"input": {"number": "none", "body": "x"}}, "Roles": {}}
    for name, (key, text) in texts.items():
        for email in (LEAD, OFFICE):
            original = {"query": CLIENT[name], "variables": variables[name]}
            assert codes(await post(only_generated, email, original)) == ["DOCUMENT_NOT_TRUSTED"]
            answer = await post(only_generated, email, {"documentId": key, "variables": variables[name]})
            assert answer["data"] == (await post(plain, email, original))["data"]
        operation = {"text": text, "variables": variables[name], "hash": key}
        link = {"useGETForHashedQueries": True}
        (by_apollo,), wire = apollo(only_generated.url, only_generated.token(LEAD), [operation], link)
        assert by_apollo["errors"] == []
        method = "POST" if name == "Comment" else "GET"
        assert [(one["method"], one["hasQuery"], one["status"]) for one in wire] == [(method, False, 200)]

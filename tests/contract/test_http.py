"""GraphQL over HTTP: methods, media types, status codes, and who is turned away before anything is read."""

import gzip
from typing import Any

import httpx
import orjson
import pytest

from tests.support.server import DemoServer

LEAD = "lead@test-college.school.nz"
GRAPHQL, JSON = "application/graphql-response+json", "application/json"
OK = {"query": "{ support { phone } }"}


def send(
    server: DemoServer, body: Any = None, method: str = "POST", *, signed_in: bool = True, **given: Any
) -> httpx.Response:
    headers = {"Accept": GRAPHQL, **given.pop("headers", {})}
    if signed_in:
        headers["Authorization"] = f"Bearer {server.token(LEAD)}"
    content = given.pop("content", None)
    if content is not None:
        return server.client.request(method, "/graphql", content=content, headers=headers, **given)
    return server.client.request(method, "/graphql", json=body, headers=headers, **given)


def code(response: httpx.Response) -> str:
    found: str = response.json()["errors"][0]["extensions"]["code"]
    return found


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        (GRAPHQL, GRAPHQL),
        (JSON, JSON),
        ("*/*", JSON),
        (f"{GRAPHQL}, {JSON};q=0.9", GRAPHQL),
        (f"{JSON};q=0.5, {GRAPHQL};q=0.4", JSON),
        (f"{JSON};Q=0.5, {GRAPHQL}", GRAPHQL),
        (f"{GRAPHQL}; charset=utf-8, {JSON}; charset=utf-8", GRAPHQL),
        (f"{JSON}, {GRAPHQL}", GRAPHQL),
        (f"{JSON}, */*", JSON),
        ("application/*", JSON),
    ],
)
def test_the_media_type_is_the_one_preferred(server: DemoServer, accept: str, answered: str) -> None:
    response = send(server, OK, headers={"Accept": accept})
    assert response.status_code == 200
    assert response.headers["content-type"].startswith(answered)
    assert response.headers["cache-control"] == "no-store"


def test_an_answer_in_another_media_type_is_not_to_be_had(server: DemoServer) -> None:
    assert send(server, OK, headers={"Accept": "text/csv"}).status_code == 406


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "query is missing"),
        ({"query": 1}, "query is a number"),
        ({"query": "{ support { phone } }", "variables": []}, "variables is a list"),
        ({"query": "{ support { phone } }", "operationName": 3}, "operationName is a number"),
        ({"query": "{ support { phone } }", "operationName": 0}, "operationName is a number"),
        ({"query": "{ support { phone } }", "operationName": False}, "operationName is true or false"),
        ({"query": "{ support { phone } }", "operationName": []}, "operationName is a list"),
        ({"query": "{ support { phone } }", "extensions": "x"}, "extensions is text"),
        ("text", "no JSON object"),
    ],
)
def test_what_is_no_graphql_request_is_told_so(server: DemoServer, body: Any, said: str) -> None:
    for accept in (GRAPHQL, JSON):
        response = send(server, body, headers={"Accept": accept})
        assert (response.status_code, code(response)) == (400, "BAD_USER_INPUT")
        assert said in response.json()["errors"][0]["message"]


@pytest.mark.parametrize("content", [b"", b"{", b'{"query": "\xff"}', b'{"query": NaN}'])
def test_a_body_that_is_no_json_is_told_so(server: DemoServer, content: bytes) -> None:
    response = send(server, content=content, headers={"Content-Type": JSON})
    assert (response.status_code, code(response)) == (400, "BAD_USER_INPUT")


def nested(levels: int) -> Any:
    """A body whose variables have so many lists in each other: itself and its variables are two more."""
    lists: Any = []
    for _ in range(levels - 3):
        lists = [lists]
    return {**OK, "variables": {"unused": lists}}


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "nested"}])
def test_a_body_is_nested_so_deep_and_no_deeper(server: DemoServer, headers: dict[str, str]) -> None:
    assert send(server, nested(200), headers=headers).status_code == 200
    for levels in (201, 260, 500, 1_000):
        content = f'{{"query": "{OK["query"]}", "variables": {{"x": {"[" * (levels - 2)}{"]" * (levels - 2)}}}}}'
        response = send(server, content=content, headers={"Content-Type": JSON, **headers})
        assert (response.status_code, code(response)) == (400, "BAD_USER_INPUT")
        assert "200 lists and objects" in response.json()["errors"][0]["message"]
        parameters = {"query": OK["query"], "variables": '{"x":' * levels + "1" + "}" * levels}
        assert send(server, method="GET", params=parameters, headers=headers).status_code == 400


def test_a_body_has_so_many_values_and_no_more(server: DemoServer) -> None:
    """The body, its two members, and the list's member are four."""
    assert send(server, {**OK, "variables": {"unused": [0] * 9_996}}).status_code == 200
    refused = send(server, {**OK, "variables": {"unused": [0] * 9_997}})
    assert (refused.status_code, code(refused)) == (400, "BAD_USER_INPUT")
    assert "10,000 values" in refused.json()["errors"][0]["message"]
    objects = send(server, {**OK, "variables": {"unused": [{}] * 300_000}})
    assert (objects.status_code, code(objects)) == (400, "BAD_USER_INPUT")


def test_a_compressed_body_is_refused_as_such(server: DemoServer) -> None:
    content = gzip.compress(orjson.dumps(OK))
    for coding, status in (("gzip", 415), ("br", 415), ("identity", 400)):
        response = send(server, content=content, headers={"Content-Type": JSON, "Content-Encoding": coding})
        assert response.status_code == status


def test_other_bodies_are_refused(server: DemoServer) -> None:
    assert (
        send(server, content=b"query={x}", headers={"Content-Type": "application/x-www-form-urlencoded"}).status_code
        == 415
    )
    multipart = send(server, content=b"--x--", headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert multipart.status_code == 400
    large = send(server, {"query": "{ support { phone } }" + " " * 1_100_000})
    assert (large.status_code, code(large)) == (413, "BODY_TOO_LARGE")


@pytest.mark.parametrize(
    "query", ["{", "{ nothing }", "{ case { id } }", "query A { __typename } query B { __typename }"]
)
def test_a_document_that_is_not_executed_has_no_data(server: DemoServer, query: str) -> None:
    for accept, status in ((GRAPHQL, 400), (JSON, 200)):
        response = send(server, {"query": query}, headers={"Accept": accept})
        assert response.status_code == status
        assert code(response) == "BAD_USER_INPUT"
        assert "data" not in response.json()


def test_a_hidden_field_in_an_argument_is_403(server: DemoServer) -> None:
    refused = 'query { cases(where: { outcome: { eq: "X" } }) { totalCount } }'
    for accept, status in ((GRAPHQL, 403), (JSON, 200)):
        response = send(server, {"query": refused}, headers={"Accept": accept})
        assert (response.status_code, code(response)) == (status, "FORBIDDEN")
        assert "data" not in response.json()


def test_get_is_for_queries(server: DemoServer) -> None:
    parameters = {"query": "query A($n: String!) { case(number: $n) { number } }", "variables": '{"n": "00307473"}'}
    response = send(server, method="GET", params=parameters)
    assert response.json()["data"] == {"case": {"number": "00307473"}}
    assert send(server, method="GET", params={"query": "{ x"}).status_code == 400
    assert send(server, method="GET", params={"query": "{ viewer { roles } }", "variables": "{"}).status_code == 400
    for method in ("PUT", "DELETE", "PATCH"):
        response = send(server, OK, method)
        assert (response.status_code, code(response)) == (405, "METHOD_NOT_ALLOWED")
        assert response.headers["allow"] == "GET, HEAD, OPTIONS, POST"
        assert f"{method} is not for /graphql. Send operations with POST" in response.json()["errors"][0]["message"]


def test_a_browser_gets_the_ide(server: DemoServer) -> None:
    response = server.client.get("/graphql", headers={"Accept": "text/html,application/xhtml+xml"})
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in response.headers["content-security-policy"]


QUERY, INTROSPECTION = b'{"query": "{ support { phone } }"}', b'{"query": "{ __schema { types { name } } }"}'


@pytest.mark.parametrize("content", [QUERY, INTROSPECTION, b"no json at all", b"x" * 2_000_000])
def test_nobody_signed_in_is_turned_away_before_anything_is_read(server: DemoServer, content: bytes) -> None:
    response = send(server, content=content, headers={"Content-Type": JSON}, signed_in=False)
    assert (response.status_code, code(response)) == (401, "UNAUTHENTICATED")
    assert response.headers["www-authenticate"].startswith("Bearer")


def test_an_organisation_that_differs_from_the_token_is_refused(server: DemoServer) -> None:
    response = send(server, OK, headers={"X-ASCMS-Organisation": "1235"})
    assert (response.status_code, code(response)) == (403, "FORBIDDEN")
    assert send(server, OK, headers={"X-ASCMS-Organisation": "1234"}).status_code == 200


def test_health_and_metrics_name_nobody(server: DemoServer) -> None:
    send(server, {"query": "{ cases { nodes { number student { fullName } } } }"})
    assert server.client.get("/healthz").json() == {"status": "ok"}
    assert server.client.get("/readyz").json()["status"] == "ok"
    metrics = server.client.get("/metrics").text
    assert 'ascms_graphql_answers_total{status="200"}' in metrics
    for personal in ("@", "Test Student", "00307473"):
        assert personal not in metrics

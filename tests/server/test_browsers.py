"""What other sites can have a browser do (nothing), what they may read (by leave), and what browsers are told."""

from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from tests.support.server import DemoServer

LEAD = "lead@test-college.school.nz"
PORTAL = "https://portal.example.nz"
PHONE = "{ support { phone } }"
CHANGE = 'mutation { addComment(input: {number: "00307473", body: "x"}) { problems { message } } }'
SECURITY = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.fixture
def demo(launch: Callable[..., DemoServer]) -> DemoServer:
    return launch("sqlite")


@pytest.fixture
def shared(launch: Callable[..., DemoServer]) -> DemoServer:
    """A server for a portal on another site, behind TLS."""
    return launch(
        "sqlite",
        allowed_origins=f"{PORTAL}, http://localhost:5173",
        allowed_hosts="api.example.nz",
        public_url="https://people.example.nz/portal",
        strict_transport_seconds="31536000",
        maximum_at_once="2",
        points_a_minute="50000",
    )


def bearer(server: DemoServer) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.token(LEAD)}"}


def code(response: httpx.Response) -> str:
    found: str = response.json()["errors"][0]["extensions"]["code"]
    return found


# Methods -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
def test_another_method_is_told_which_there_are(demo: DemoServer, method: str) -> None:
    response = demo.client.request(method, "/graphql", headers=bearer(demo))
    assert (response.status_code, code(response)) == (405, "METHOD_NOT_ALLOWED")
    assert response.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert response.headers["content-type"].startswith("application/json")


def test_options_tells_the_methods(demo: DemoServer) -> None:
    response = demo.client.options("/graphql")
    assert (response.status_code, response.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")


def test_head_is_answered_as_get_without_the_body(demo: DemoServer) -> None:
    get, head = (
        demo.client.request(method, "/graphql", params={"query": PHONE}, headers=bearer(demo))
        for method in ("GET", "HEAD")
    )
    assert (get.status_code, head.status_code, head.content) == (200, 200, b"")
    for name in ("content-length", "content-type", "cache-control"):
        assert head.headers[name] == get.headers[name]
    page = demo.client.head("/graphql", headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("query", [CHANGE, "subscription { alertRaised { id } }"])
def test_get_and_head_change_nothing_and_head_waits_for_nothing(demo: DemoServer, method: str, query: str) -> None:
    accept = "application/json" if query == CHANGE or method == "HEAD" else "text/html;q=0.1"
    response = demo.client.request(
        method, "/graphql", params={"query": query}, headers=bearer(demo) | {"Accept": accept}
    )
    if query == CHANGE or method == "HEAD":
        assert response.status_code == 405
        assert response.headers["allow"] == "POST"
    else:
        assert response.status_code == 406


# Requests that another site can have a browser send ----------------------------------------------------------

FORMS: list[tuple[str, bytes]] = [
    ("text/plain", b'{"query": "{ support { phone } }"}'),
    ("application/x-www-form-urlencoded", b"query=%7B+support+%7B+phone+%7D+%7D"),
    (
        "multipart/form-data; boundary=x",
        (
            b'--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\n{"query": "{ support { phone } }"}\r\n'
            b'--x\r\nContent-Disposition: form-data; name="map"\r\n\r\n{}\r\n--x--\r\n'
        ),
    ),
]


@pytest.mark.parametrize(("media", "body"), FORMS)
@pytest.mark.parametrize("cookie", ["Authorization=Bearer {0}", "token={0}", "access_token={0}", "session={0}"])
def test_what_a_form_can_send_is_never_signed_in(demo: DemoServer, media: str, body: bytes, cookie: str) -> None:
    """A browser adds its cookies to what a page of another site posts, and no header of its own."""
    headers = {"Content-Type": media, "Cookie": cookie.format(demo.token(LEAD)), "Origin": "https://evil.example"}
    response = demo.client.post("/graphql", content=body, headers=headers)
    assert (response.status_code, code(response)) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize(("media", "body"), FORMS[:2])
def test_simple_media_types_are_refused_with_a_token_too(demo: DemoServer, media: str, body: bytes) -> None:
    response = demo.client.post("/graphql", content=body, headers=bearer(demo) | {"Content-Type": media})
    assert (response.status_code, code(response)) == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_a_cookie_signs_nobody_in_whatever_it_is_sent_with(demo: DemoServer) -> None:
    cookie = {"Cookie": f"Authorization=Bearer {demo.token(LEAD)}; token={demo.token(LEAD)}"}
    for path in (
        "/graphql?query={viewer{roles}}",
        f"/graphql?query={{viewer{{roles}}}}&access_token={demo.token(LEAD)}",
    ):
        assert demo.client.get(path, headers=cookie).status_code == 401
    assert demo.client.post("/graphql", json={"query": PHONE}, headers=cookie).status_code == 401


EVERYTHING: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/graphql", {"json": {"query": PHONE}}),
    ("POST", "/graphql", {"json": {"query": "{"}}),
    ("POST", "/graphql", {"content": b"x" * 2_000_000, "headers": {"Content-Type": "application/json"}}),
    ("POST", "/graphql", {"json": {"query": PHONE}, "headers": {"Accept": "text/event-stream"}}),
    ("POST", "/graphql", {"json": {"query": PHONE}, "headers": {"Authorization": "Bearer x"}}),
    ("POST", "/graphql", {"json": {"query": PHONE}, "headers": {"Host": "other.example"}}),
    ("PUT", "/graphql", {}),
    ("OPTIONS", "/graphql", {}),
    ("GET", "/graphql", {"headers": {"Accept": "text/html"}}),
    ("GET", "/", {}),
    ("GET", "/permissions", {}),
    ("GET", "/attendance-service", {}),
    ("GET", "/ide/callback", {}),
    ("GET", "/schema.graphql", {}),
    ("GET", "/static/style.css", {}),
    ("GET", "/static/nothing.js", {}),
    ("GET", "/files/nothing", {}),
    ("GET", "/nowhere", {}),
    ("POST", "/healthz", {}),
    ("GET", "/healthz", {}),
    ("GET", "/readyz", {}),
    ("GET", "/metrics", {}),
    ("GET", "/.well-known/openid-configuration", {}),
    ("GET", "/oauth/authorize", {}),
]


@pytest.mark.parametrize(("method", "path", "given"), EVERYTHING)
def test_every_response_has_the_security_headers_once_and_sets_no_cookie(
    shared: DemoServer, method: str, path: str, given: dict[str, Any]
) -> None:
    headers = {**bearer(shared), **given.get("headers", {})}
    response = shared.client.request(method, path, **{**given, "headers": headers})
    assert_secure(response.headers)
    assert response.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    assert "set-cookie" not in response.headers


def assert_secure(headers: httpx.Headers) -> None:
    assert {name: headers.get_list(name) for name in SECURITY} == {name: [value] for name, value in SECURITY.items()}
    assert "camera=()" in headers["permissions-policy"]
    (policy,) = headers.get_list("content-security-policy")
    assert "default-src 'none'" in policy or "default-src 'self'" in policy
    assert "unsafe-eval" not in policy
    assert "*" not in policy.split()  # the demo's sign-in names any port of this machine


def test_whether_to_come_by_https_only_is_the_operators_to_say(demo: DemoServer) -> None:
    response = demo.client.get("/healthz")
    assert "strict-transport-security" not in response.headers
    assert_secure(response.headers)


# Other sites that may read -----------------------------------------------------------------------------------


def preflight(server: DemoServer, origin: str, **asked: str) -> httpx.Response:
    wanted = {"method": "POST", "headers": "authorization, content-type, idempotency-key, x-ascms-organisation"} | asked
    headers = {f"Access-Control-Request-{name.capitalize()}": value for name, value in wanted.items()}
    return server.client.options("/graphql", headers={"Origin": origin, **headers})


def allowed(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.startswith("access-control-")}


@pytest.mark.parametrize("origin", [PORTAL, "http://localhost:5173"])
def test_an_allowed_origin_may_ask_and_read(shared: DemoServer, origin: str) -> None:
    answer = preflight(shared, origin)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == origin
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "Origin" in answer.headers["vary"]
    response = shared.client.post("/graphql", json={"query": PHONE}, headers=bearer(shared) | {"Origin": origin})
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == origin
    assert "RateLimit" in response.headers["access-control-expose-headers"]
    assert {"Origin", "Accept", "Authorization"} <= {name.strip() for name in response.headers["vary"].split(",")}
    for each in (answer, response):
        assert "access-control-allow-credentials" not in each.headers


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://portal.example.nz", f"{PORTAL}.evil.example", f"{PORTAL}:8443", "*", ""],
)
def test_another_origin_may_not(shared: DemoServer, demo: DemoServer, origin: str) -> None:
    for server in (shared, demo):
        assert "access-control-allow-origin" not in preflight(server, origin).headers
        response = server.client.post("/graphql", json={"query": PHONE}, headers=bearer(server) | {"Origin": origin})
        assert "access-control-allow-origin" not in response.headers


def test_nobody_may_unless_an_operator_says_so(demo: DemoServer) -> None:
    assert not allowed(preflight(demo, PORTAL).headers)


@pytest.mark.parametrize("asked", [{"method": "DELETE"}, {"headers": "x-anything"}])
def test_an_allowed_origin_may_send_what_the_api_reads_and_no_more(shared: DemoServer, asked: dict[str, str]) -> None:
    assert preflight(shared, PORTAL, **asked).status_code == 400


# Names of the server -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["other.example", "localhost.evil.example", "127.0.0.1@evil.example", "", "api.example.nz evil"]
)
@pytest.mark.parametrize("path", ["/graphql?query={__typename}", "/", "/files/x"])
def test_a_request_for_another_host_is_refused(shared: DemoServer, host: str, path: str) -> None:
    response = shared.client.get(path, headers=bearer(shared) | {"Host": host})
    assert (response.status_code, code(response)) == (421, "UNKNOWN_HOST")
    assert "ASCMS_ALLOWED_HOSTS" in response.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8000", "[::1]:80", "api.example.nz", "api.example.nz:443", "people.example.nz."]
)
def test_a_name_of_its_own_is_answered_to(shared: DemoServer, host: str) -> None:
    assert shared.client.get("/", headers={"Host": host}).status_code == 200
    asked = {"query": "{ __typename }"}
    assert shared.client.get("/graphql", params=asked, headers=bearer(shared) | {"Host": host}).status_code == 200


def test_probes_ask_by_any_name(demo: DemoServer) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        assert demo.client.get(path, headers={"Host": "10.1.2.3:8000"}).status_code == 200


async def test_a_websocket_for_another_host_is_refused(demo: DemoServer) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(
            f"ws://127.0.0.1:{demo.port}/graphql",
            subprotocols=[Subprotocol("graphql-transport-ws")],
            additional_headers={"Host": "other.example"},
            proxy=None,
        ):
            pass
    assert refused.value.response.status_code in {400, 403}

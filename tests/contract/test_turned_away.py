"""Who is not signed in is turned away before anything of the request is read: 401, whatever else is wrong with it.

Spoken over a bare socket, since a well-behaved client would send the body that must not be waited for.
"""

import socket

import pytest

from tests.support.server import DemoServer

BOMB = b'{"query": "' + b"{ a " * 2_000 + b'"}'
REQUESTS = {
    "no body at all": b"",
    "a body that never comes": b"Content-Length: 900000000\r\nContent-Type: application/json\r\n",
    "chunks that never end": b"Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n",
    "a form": b"Content-Length: 900000000\r\nContent-Type: multipart/form-data; boundary=x\r\n",
    "an answer in another type": b"Accept: text/csv\r\nContent-Length: 0\r\n",
    "a page, by POST": b"Accept: text/html\r\nContent-Length: 0\r\n",
    "another scheme": b"Authorization: Basic bGVhZDpsZWFk\r\nContent-Length: 0\r\n",
    "a token of nobody's": b"Authorization: Bearer eyJhbGciOiJub25lIn0.e30.\r\nContent-Length: 0\r\n",
    "two tokens": b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\nContent-Length: 0\r\n",
    "a cookie": b"Cookie: session=1; token=1\r\nContent-Length: 0\r\n",
    "an organisation only": b"X-ASCMS-Organisation: 1234\r\nContent-Length: 0\r\n",
    "a document too deep": b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BOMB), BOMB),
}


def spoken(server: DemoServer, method: bytes, headers: bytes) -> bytes:
    """What the server says to these headers, the body left out, until the end of its own headers and body."""
    head, _, body = headers.partition(b"\r\n\r\n")
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(method + b" /graphql HTTP/1.1\r\nHost: localhost\r\n" + head.rstrip(b"\r\n"))
        connection.sendall((b"\r\n\r\n" if head else b"\r\n") + body)
        said = b""
        while b"UNAUTHENTICATED" not in said:
            part = connection.recv(65_536)
            if not part:
                break
            said += part
    return said


@pytest.mark.parametrize("what", REQUESTS)
def test_nobody_signed_in_is_turned_away_whatever_is_sent(server: DemoServer, what: str) -> None:
    said = spoken(server, b"POST", REQUESTS[what])
    assert said.startswith(b"HTTP/1.1 401 "), said
    assert b"\r\nwww-authenticate: Bearer" in said
    assert b'"data"' not in said


@pytest.mark.parametrize("query", ["{ __schema { types { name } } }", "{ __typename }", "{", "mutation { a }"])
def test_nobody_signed_in_learns_anything_of_the_schema_by_get(server: DemoServer, query: str) -> None:
    response = server.client.get("/graphql", params={"query": query}, headers={"Accept": "*/*"})
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert set(response.json()) == {"errors"}


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE"])
def test_other_methods_are_not_allowed(server: DemoServer, method: str) -> None:
    response = server.client.request(method, "/graphql")
    assert response.status_code == 405
    assert {"GET", "POST"} <= set(response.headers["allow"].replace(" ", "").split(","))

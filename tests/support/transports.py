"""One GraphQL request over each transport: the same members, and what comes back as a body."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx

from tests.support.live import signed_in
from tests.support.server import DemoServer

Members = Mapping[str, Any]
"""query, documentId, variables, operationName, extensions."""
Transport = Callable[[DemoServer, str, Members], Awaitable[dict[str, Any]]]
GRAPHQL, JSON, EVENTS = "application/graphql-response+json", "application/json", "text/event-stream"


async def send(
    server: DemoServer, email: str, members: Members, *, method: str = "POST", accept: str = GRAPHQL, **headers: str
) -> httpx.Response:
    """The HTTP response, with members in the body, or in the address for GET."""
    given = {"Accept": accept, "Authorization": f"Bearer {server.token(email)}", **headers}
    written = {name: value if isinstance(value, str) else json.dumps(value) for name, value in members.items()}
    body: dict[str, Any] = {"params": written} if method == "GET" else {"json": members}
    async with httpx.AsyncClient(base_url=server.url, timeout=None, trust_env=False) as client:
        return await client.request(method, "/graphql", headers=given, **body)


async def post(server: DemoServer, email: str, members: Members) -> dict[str, Any]:
    body: dict[str, Any] = (await send(server, email, members)).json()
    return body


async def get(server: DemoServer, email: str, members: Members) -> dict[str, Any]:
    body: dict[str, Any] = (await send(server, email, members, method="GET")).json()
    return body


async def events(server: DemoServer, email: str, members: Members) -> dict[str, Any]:
    """The first event of the stream."""
    response = await send(server, email, members, accept=EVENTS)
    assert response.headers["content-type"].startswith(EVENTS)
    body: dict[str, Any] = json.loads(response.text.splitlines()[1].removeprefix("data: "))
    return body


async def multipart(server: DemoServer, email: str, members: Members) -> dict[str, Any]:
    """As a client does that can send files, and has none to send."""
    form = {"operations": (None, json.dumps(members)), "map": (None, "{}")}
    headers = {"Accept": GRAPHQL, "Authorization": f"Bearer {server.token(email)}"}
    async with httpx.AsyncClient(base_url=server.url, timeout=None, trust_env=False) as client:
        response = await client.post("/graphql", files=form, headers=headers)
    body: dict[str, Any] = response.json()
    return body


async def websocket(server: DemoServer, email: str, members: Members) -> dict[str, Any]:
    """The first answer to a `subscribe`, or its errors."""
    async with signed_in(server, email) as socket:
        await socket.send("subscribe", id="1", payload=members)
        message = await socket.message("1")
        payload = message["payload"]
        return {"errors": payload} if message["type"] == "error" else payload


TRANSPORTS: Mapping[str, Transport] = {
    "POST": post,
    "GET": get,
    "events": events,
    "multipart": multipart,
    "WebSocket": websocket,
}

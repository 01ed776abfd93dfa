"""Clients of what goes on: graphql-transport-ws over a WebSocket, and Server-Sent Events."""

import contextlib
import itertools
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import httpx
from joserfc import jwt
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from ascms.database import state_directory
from ascms.demo.kept_identity import kept_identity
from tests.support.server import DemoServer, Server

PROTOCOL = "graphql-transport-ws"


@dataclass(frozen=True)
class Closed:
    """How the server closed a socket."""

    code: int
    reason: str


class Socket:
    """A WebSocket as a client has it. Messages of one operation wait until they are asked for."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self._numbers = itertools.count(1)
        self._waiting: list[dict[str, Any]] = []

    async def send(self, type_: str, **members: Any) -> None:
        await self.connection.send(json.dumps({"type": type_, **members}))

    async def receive(self) -> dict[str, Any]:
        """The next message, whatever it is."""
        message: dict[str, Any] = json.loads(await self.connection.recv())
        return message

    async def closed(self) -> Closed:
        """Read to the end; how it came."""
        try:
            while True:
                await self.connection.recv()
        except ConnectionClosed as error:
            received = error.rcvd
            assert received is not None, "the connection was cut without a close"
            return Closed(received.code, received.reason)

    async def initialise(self, token: str | None, organisation: str | None = None) -> None:
        payload = {} if token is None else {"Authorization": f"Bearer {token}"}
        if organisation is not None:
            payload["X-ASCMS-Organisation"] = organisation
        await self.send("connection_init", payload=payload)
        assert await self.receive() == {"type": "connection_ack"}

    async def begin(self, query: str, variables: Mapping[str, Any] | None = None, **more: Any) -> str:
        """Ask for an operation; returns its identifier."""
        key = str(next(self._numbers))
        await self.send("subscribe", id=key, payload={"query": query, "variables": variables or {}, **more})
        return key

    async def subscribe(self, query: str, variables: Mapping[str, Any] | None = None, **more: Any) -> str:
        """Ask for an operation; returns its identifier once it has begun."""
        key = await self.begin(query, variables, **more)
        await self.settle()
        return key

    async def settle(self) -> None:
        """Wait until the server has taken every message sent so far."""
        await self.send("ping", payload={"settle": True})
        while (message := await self.receive()) != {"type": "pong", "payload": {"settle": True}}:
            self._waiting.append(message)

    async def message(self, key: str) -> dict[str, Any]:
        """The next message of the operation."""
        while True:
            for place, message in enumerate(self._waiting):
                if message.get("id") == key:
                    return self._waiting.pop(place)
            self._waiting.append(await self.receive())

    async def next(self, key: str) -> dict[str, Any]:
        """The next answer of the operation."""
        message = await self.message(key)
        assert message["type"] == "next", message
        payload: dict[str, Any] = message["payload"]
        return payload

    async def error(self, key: str) -> list[dict[str, Any]]:
        """The errors that end the operation."""
        message = await self.message(key)
        assert message["type"] == "error", message
        errors: list[dict[str, Any]] = message["payload"]
        return errors

    async def heard(self, key: str) -> list[dict[str, Any]]:
        """The messages of the operation that have come up to now."""
        await self.settle()
        return [message for message in self._waiting if message.get("id") == key]


@asynccontextmanager
async def opened(
    server: Server, *, protocols: tuple[str, ...] = (PROTOCOL,), headers: Mapping[str, str] | None = None
) -> AsyncIterator[Socket]:
    """A socket that is not signed in yet."""
    async with connect(
        f"ws://127.0.0.1:{server.port}/graphql",
        subprotocols=[Subprotocol(protocol) for protocol in protocols] or None,
        additional_headers=headers,
        proxy=None,
        open_timeout=None,
        ping_interval=None,
        max_size=None,
    ) as connection:
        yield Socket(connection)


@asynccontextmanager
async def signed_in(server: Server, email: str, organisation: str | None = None) -> AsyncIterator[Socket]:
    """A socket of a person of the demo."""
    async with opened(server) as socket:
        await socket.initialise(server.token(email, organisation))
        yield socket


@dataclass
class Events:
    """A stream of events as a client has it."""

    response: httpx.Response
    comments: int = 0
    _lines: AsyncIterator[str] = field(init=False)

    def __post_init__(self) -> None:
        self._lines = self.response.aiter_lines()

    async def __aenter__(self) -> Self:
        return self

    async def event(self) -> tuple[str, Any] | None:
        """The next event's name and data; None at the end of the stream."""
        name, data = "message", ""
        async for line in self._lines:
            if line.startswith(":"):
                self.comments += 1
            elif line:
                field_name, _, value = line.partition(":")
                value = value.removeprefix(" ")
                name, data = (value, data) if field_name == "event" else (name, value)
            elif name != "message":
                return name, json.loads(data) if data else None
        return None

    async def next(self) -> dict[str, Any]:
        """The next answer."""
        event = await self.event()
        assert event is not None
        name, data = event
        assert name == "next", event
        answer: dict[str, Any] = data
        return answer

    async def comment(self) -> None:
        """Wait for a comment."""
        async for line in self._lines:
            if line.startswith(":"):
                self.comments += 1
                return
        raise AssertionError("the stream has ended")


@asynccontextmanager
async def events(
    server: Server,
    token: str | None,
    query: str,
    variables: Mapping[str, Any] | None = None,
    *,
    accept: str = "text/event-stream",
    method: str = "POST",
) -> AsyncIterator[Events]:
    """The response to an operation that accepts events; a subscription is in place by then."""
    headers = {"Accept": accept} | ({} if token is None else {"Authorization": f"Bearer {token}"})
    body = {"query": query, "variables": variables or {}}
    parameters = {"query": query, "variables": json.dumps(variables or {})}
    given: dict[str, Any] = {"json": body} if method == "POST" else {"params": parameters}
    async with (
        httpx.AsyncClient(base_url=server.url, timeout=None, trust_env=False) as client,
        client.stream(method, "/graphql", headers=headers, **given) as response,
    ):
        stream = Events(response)
        if response.status_code == 200 and "subscription" in query:
            with contextlib.suppress(AssertionError):
                await stream.comment()
        yield stream


def lasting(server: DemoServer, email: str, seconds: float, organisation: str | None = None) -> str:
    """A token of a person of the demo that the server accepts for so many seconds from now."""
    leeway = 30
    with contextlib.chdir(server.folder):
        key = kept_identity(state_directory(server.database)).key
    token = jwt.decode(server.token(email, organisation), key)
    claims = {**token.claims, "exp": time.time() + seconds - leeway}
    return jwt.encode(token.header, claims, key)

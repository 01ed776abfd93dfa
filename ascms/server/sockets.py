"""GraphQL over WebSocket, sub-protocol `graphql-transport-ws` and no other.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md. The token comes in the payload of `connection_init`
(`Authorization`, `X-ASCMS-Organisation`) or in headers of the upgrade; cookies count for nothing, and so does the
origin. Nothing is executed before the acknowledgement. Messages are taken in their order: a pong that answers a ping
sent after a `subscribe` says that the subscription is in place.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, Final

import orjson
from starlette.datastructures import Headers
from starlette.websockets import WebSocket, WebSocketDisconnect

from ascms.identity import IdentityUnavailable, OrganisationRefused, Unauthenticated, Viewer
from ascms.planning.changing import Retry
from ascms.planning.document import Asked, RequestErrors
from ascms.planning.plan import Plan
from ascms.planning.subscriptions import is_subscription
from ascms.telemetry.exchange import PRESENT, Exchange, new_name
from ascms.telemetry.logs import log_request

from .bodies import read_json
from .desk import Desk, OverTheLimit, problem_of, retry_of
from .requests import GraphQLRequest, from_members
from .streams import Stream, Streams
from .unreadable import Unreadable

PROTOCOL: Final = "graphql-transport-ws"
SIGN_IN: Final = ("Authorization", "X-ASCMS-Organisation")
LONGEST_ID: Final = 256
GOING_AWAY: Final = "Going away: the server ends or is renewed; connect again"
LONGEST_REASON: Final = 123
"""Bytes that a close frame has room for."""


class _Close(Exception):  # noqa: N818 (what is to be done)
    """The socket must be closed, with a code of the protocol and why."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Sockets:
    """The route, and all open sockets of this process."""

    def __init__(self, desk: Desk, streams: Streams) -> None:
        self.desk = desk
        self.streams = streams
        self._open: dict[Socket, None] = {}
        self._of_person: Counter[int] = Counter()

    @property
    def number_open(self) -> int:
        return len(self._open)

    async def handle(self, websocket: WebSocket) -> None:
        """Serve a socket until it is closed."""
        if PROTOCOL not in websocket.scope["subprotocols"]:
            await websocket.accept()
            await websocket.close(4406, "Subprotocol not acceptable")
            return
        await websocket.accept(PROTOCOL)
        socket = Socket(self, websocket)
        self._open[socket] = None
        try:
            await socket.serve()
        finally:
            del self._open[socket]
            if socket.user_id is not None:
                self._of_person[socket.user_id] -= 1
                self._of_person += Counter()

    def admit(self, user_id: int) -> bool:
        """Count a socket of the person's; False where it is one too many."""
        if self._of_person[user_id] >= self.desk.settings.maximum_subscriptions:
            return False
        self._of_person[user_id] += 1
        return True

    async def close(self) -> None:
        """Close every socket once what runs on it is answered: the server goes away."""
        await asyncio.gather(*(socket.leave() for socket in list(self._open)))


class Socket:
    """One socket: its sign-in, and the operations that are under way on it."""

    def __init__(self, sockets: Sockets, websocket: WebSocket) -> None:
        self._sockets = sockets
        self._desk = sockets.desk
        self._websocket = websocket
        self._headers: Mapping[str, str] | None = None
        self._initialised = False
        self._closed = self._leaving = False
        self._operations: dict[str, Operation] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._quiet_since = asyncio.get_running_loop().time()
        self.user_id: int | None = None

    async def serve(self) -> None:
        """Take messages in their order until the socket is closed."""
        alive = asyncio.create_task(self._keep_alive())
        try:
            await self._sign_in()
            while not self._closed:
                message = await self._receive()
                if not self._leaving:
                    await self._take(message)
        except _Close as closing:
            await self.close(closing.code, closing.reason)
        except WebSocketDisconnect:
            pass
        finally:
            self._closed = True
            alive.cancel()
            for operation in list(self._operations.values()):
                operation.end()
            # Not cancelled: a mutation is not left half-way, and its client may ask again what came of it.
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self, code: int, reason: str) -> None:
        """Close the socket, and end what is under way on it."""
        if self._closed:
            return
        self._closed = True
        for operation in list(self._operations.values()):
            operation.end()
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await self._websocket.close(code, reason.encode()[:LONGEST_REASON].decode(errors="ignore"))

    async def leave(self) -> None:
        """Take no more operations, answer those that run, and close: the server goes away."""
        self._leaving = True
        for operation in list(self._operations.values()):
            operation.end_stream()
        try:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        finally:
            await self.close(1001, GOING_AWAY)

    # Messages in ---------------------------------------------------------------------------------------------

    async def _receive(self) -> dict[str, Any]:
        """The next message. Raises _Close for what is none, WebSocketDisconnect at the end."""
        event = await self._websocket.receive()
        if event["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(event.get("code", 1006))
        text = event.get("text")
        if text is None:
            raise _Close(4400, "Messages are JSON in text frames")
        if len(text.encode()) > self._desk.settings.maximum_message:
            raise _Close(1009, f"A message has at most {self._desk.settings.maximum_message:,} bytes")
        try:
            message = read_json(text, "The message is no JSON")
        except Unreadable as error:
            raise _Close(4400, error.message) from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise _Close(4400, "A message is a JSON object with a type")
        return message

    async def _sign_in(self) -> None:
        """Everything up to the acknowledgement."""
        try:
            async with asyncio.timeout(self._desk.settings.connection_wait):
                message = await self._receive()
                while message["type"] != "connection_init":
                    await self._take(message)
                    message = await self._receive()
        except TimeoutError:
            raise _Close(4408, "Connection initialisation timeout") from None
        self._initialised = True
        headers = self._sign_in_headers(_object(message, "payload"))
        try:
            viewer = await self._desk.viewer(headers)
        except (Unauthenticated, OrganisationRefused) as error:
            raise _Close(4403, f"Forbidden: {error.message}") from None
        except IdentityUnavailable as error:
            raise _Close(1013, error.message) from None
        except Exception as error:  # noqa: BLE001 (`problem_of` logs it)
            raise _Close(1013 if problem_of(error).status == 503 else 1011, "Try again later") from None
        if not self._sockets.admit(viewer.user_id):
            raise _Close(4403, "Forbidden: you have as many sockets open as one person may; close some")
        self._headers, self.user_id = headers, viewer.user_id
        await self._send({"type": "connection_ack"})

    def _sign_in_headers(self, payload: Mapping[str, Any]) -> Mapping[str, str]:
        """The headers that say who asks: the payload's, or else those of the upgrade. Never a cookie."""
        given: dict[str, str] = {}
        for name, value in payload.items():
            for header in SIGN_IN:
                if name.lower() == header.lower() and value is not None:
                    if not isinstance(value, str) or header in given:
                        raise _Close(4400, f"The payload's {header} must be one text")
                    given[header] = value
        if given:
            return given
        names = [header.lower().encode() for header in SIGN_IN]
        # With any that is there twice, which is refused.
        return Headers(raw=[one for one in self._websocket.headers.raw if one[0].lower() in names])

    async def _take(self, message: Mapping[str, Any]) -> None:
        match message["type"]:
            case "connection_init":
                raise _Close(4429, "Too many initialisation requests")
            case "ping":
                payload = {"payload": message["payload"]} if _object(message, "payload") else {}
                await self._send({"type": "pong", **payload})
            case "pong":
                _object(message, "payload")
            case "subscribe":
                await self._subscribe(_identifier(message), _object(message, "payload"))
            case "complete":
                operation = self._operations.pop(_identifier(message), None)
                if operation is not None:
                    operation.end()
            case _:
                raise _Close(4400, "A message of this type is not known to the protocol")

    # Operations ----------------------------------------------------------------------------------------------

    async def _subscribe(self, key: str, payload: Mapping[str, Any]) -> None:
        if self._headers is None:
            raise _Close(4401, "Unauthorized")
        if key in self._operations:
            raise _Close(4409, f"Subscriber for {key} already exists")
        try:
            asked = from_members(payload, self._desk.persisted)
        except Unreadable as error:
            raise _Close(4400, error.message) from None
        except RequestErrors as refusal:
            await Operation(self, key).fail(refusal)
            return
        operation = Operation(self, key)
        try:
            most = self._desk.settings.maximum_operations
            if len(self._operations) >= most:
                message = f"{most} operations are under way on this socket, which is the most; end some."
                raise OverTheLimit("TOO_MANY_OPERATIONS", message, 1)
            self._operations[key] = operation
            await operation.begin(asked, payload, self._headers)
        except Exception as error:  # noqa: BLE001 (`problem_of` logs what nobody expected)
            await operation.fail(error)

    def run(self, work: Any) -> None:
        """Have something done beside the messages that come."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def is_under_way(self, operation: "Operation") -> bool:
        """Whether the client still waits for the operation."""
        return not self._closed and self._operations.get(operation.key) is operation

    def forget(self, operation: "Operation") -> None:
        """The operation has ended; its identifier may be used again."""
        if self._operations.get(operation.key) is operation:
            del self._operations[operation.key]

    # Messages out --------------------------------------------------------------------------------------------

    async def send(self, message: Mapping[str, Any]) -> None:
        """Send a message, unless the socket is closed meanwhile."""
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await self._send(message)

    async def _send(self, message: Mapping[str, Any]) -> None:
        if not self._closed:
            self._quiet_since = asyncio.get_running_loop().time()
            await self._websocket.send_text(orjson.dumps(message).decode())

    async def _keep_alive(self) -> None:
        """A ping in each silence, so that nothing between here and the client takes the socket for dead.

        One on which nothing is under way for long is closed.
        """
        loop, settings = asyncio.get_running_loop(), self._desk.settings
        silence, idle_since = settings.keep_alive, loop.time()
        while True:
            until = max(self._quiet_since + silence - loop.time(), silence / 10)
            await asyncio.sleep(min(until, settings.idle_seconds))
            if self._headers is None or self._operations or self._tasks:
                idle_since = loop.time()
            elif loop.time() - idle_since >= settings.idle_seconds:
                await self.close(1000, f"Idle for {settings.idle_seconds:g} s")
            if self._headers is not None and loop.time() - self._quiet_since >= silence:
                await self.send({"type": "ping"})


class Operation:
    """An operation of a socket, from its `subscribe` to its end."""

    def __init__(self, socket: Socket, key: str) -> None:
        self.key = key
        self._socket = socket
        self._desk = socket._desk  # noqa: SLF001 (a part of it)
        self._stream: Stream | None = None
        self._began = perf_counter()
        self._exchange: Exchange | None = Exchange(new_name(), "WEBSOCKET", "/graphql")
        PRESENT.set(self._exchange)

    def end(self) -> None:
        """The client no longer waits for it."""
        self._socket.forget(self)
        if self._stream is not None:
            self._stream.close()

    def end_stream(self) -> None:
        """Where it is a subscription: end it, and do not say that it is complete, since it is to be opened anew."""
        if self._stream is not None:
            self.end()

    async def begin(self, asked: GraphQLRequest, payload: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        """Returns when a subscription is in place, and another operation has begun."""
        with self._desk.admission.entered():
            await self._begin(asked, payload, headers)

    async def _begin(self, asked: GraphQLRequest, payload: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        viewer = await self._desk.viewer(headers)
        operation, plan = await self._desk.prepared(asked, viewer)
        if is_subscription(operation):
            self._stream = await self._socket._sockets.streams.open(asked, viewer, headers)  # noqa: SLF001
            self._socket.run(self._follow(self._stream))
            self._tell(200)
            return
        extensions = payload.get("extensions") or {}
        retry = retry_of(extensions.get("idempotencyKey"), asked)
        self._desk.begin(viewer)
        self._socket.run(self._answer(asked, operation, plan, viewer, headers, retry))

    async def _answer(
        self,
        asked: GraphQLRequest,
        operation: Asked,
        plan: Plan,
        viewer: Viewer,
        headers: Mapping[str, str],
        retry: Retry | None,
    ) -> None:
        try:
            try:
                with self._desk.admission.entered():
                    facts = self._desk.facts(plan, viewer, datetime.now(UTC))
                    answer = await self._desk.answer(asked, operation, plan, facts, headers, retry)
            finally:
                self._desk.end(viewer)
            self._tell(200)
            await self._next(answer.encoded)
            await self._complete()
        except Exception as error:  # noqa: BLE001 (`problem_of` logs what nobody expected)
            await self.fail(error)

    def _tell(self, status: int) -> None:
        """Have the log say how it was answered: once, and as HTTP would have it."""
        if self._exchange is not None:
            log_request(self._exchange, status, perf_counter() - self._began)
            self._exchange = None

    async def _follow(self, stream: Stream) -> None:
        try:
            async for body in stream.bodies():
                await self._next(body)
            if not stream.broken_off:  # else its client is to subscribe anew, and would not
                await self._complete()
        except Exception as error:  # noqa: BLE001 (`problem_of` logs what nobody expected)
            await self.fail(error)

    async def _next(self, body: bytes) -> None:
        if self._socket.is_under_way(self):
            await self._socket.send({"id": self.key, "type": "next", "payload": orjson.Fragment(body)})

    async def _complete(self) -> None:
        if self._socket.is_under_way(self):
            self._socket.forget(self)
            await self._socket.send({"id": self.key, "type": "complete"})

    async def fail(self, error: Exception) -> None:
        """End it with errors. A token that is no longer good ends the socket too: it cannot be renewed there."""
        problem = problem_of(error)
        self._tell(problem.status)
        self._socket.forget(self)
        await self._socket.send({"id": self.key, "type": "error", "payload": problem.errors})
        if isinstance(error, Unauthenticated):
            await self._socket.close(4403, "Forbidden: connect again with a new token")


def _object(message: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = message.get(name)
    if value is not None and not isinstance(value, dict):
        raise _Close(4400, f"The message's {name} is no JSON object")
    return value or {}


def _identifier(message: Mapping[str, Any]) -> str:
    key = message.get("id")
    if not isinstance(key, str) or not 0 < len(key) <= LONGEST_ID:
        raise _Close(4400, f"The message has no id, a text of 1 to {LONGEST_ID} characters")
    return key

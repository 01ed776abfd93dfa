"""The endpoint: reads the request, knows the viewer, has the operation answered, answers.

Who comes while too much is under way is turned away first. Nothing is read of a request before its token is verified.
Who sent the same token before is known from then; a query is planned by those rights, and reads only while they hold
still (`RightsChanged` otherwise).
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from time import perf_counter
from typing import Final

import orjson
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ascms.identity.authentication import Identified
from ascms.identity.viewer import RightsChanged
from ascms.planning.document import Asked, RequestErrors
from ascms.planning.plan import Plan
from ascms.planning.problems import bad_input
from ascms.planning.subscriptions import is_subscription

from .desk import BrokenOff, Desk, Problem, problem_of, retry_of
from .events import EVENT_STREAM, EventStream, accepts_events, once
from .headers import NOTHING, ON_EVERY_ANSWER
from .pages import ide_page
from .rates import Rate
from .requests import GRAPHQL, JSON, GraphQLRequest, answer_type, prefers_page, read_request
from .streams import Streams
from .unreadable import Unreadable

METHODS: Final = "GET, HEAD, OPTIONS, POST"
CLIENT_CLOSED_REQUEST: Final = 499
"""As nginx counts those who went away; nobody is sent it."""


class Sent:
    """An answer ready to be sent: what a Response is, without the work of making one."""

    __slots__ = ("body", "headers", "status_code")

    def __init__(self, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
        self.status_code = status
        self.body = body
        self.headers = [*headers, (b"content-length", b"%d" % len(body))]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start: Message = {"type": "http.response.start", "status": self.status_code, "headers": self.headers}
        await send(start)
        await send({"type": "http.response.body", "body": self.body})


class Endpoint:
    """`/graphql`: POST for operations, GET for queries and subscriptions and, in a browser, the IDE."""

    def __init__(self, desk: Desk, streams: Streams, count: Callable[[int, float], None]) -> None:
        """`count` is told the status of each answer, and the seconds that it took."""
        self._desk = desk
        self._streams = streams
        self._count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an HTTP request."""
        started = perf_counter()
        response = await self._response(Request(scope, receive, send))
        self._count(response.status_code, perf_counter() - started)
        await response(scope, receive, send)

    async def _response(self, request: Request) -> "Response | Sent":
        if request.method != "POST" and (page := await self._without_token(request)) is not None:
            return page
        raw: Mapping[bytes, bytes] = dict(request.scope["headers"])
        accept = request.headers.get("accept")
        media = answer_type(accept)
        admission = self._desk.admission
        try:
            if admission.is_full:
                raise admission.turned_away()
            known = self._recognised(request, raw)
            identified = known or await self._identified(request)
            if media is None and not accepts_events(accept):
                kinds = f"{GRAPHQL}, {JSON} and {EVENT_STREAM}"
                raise Unreadable(406, f"Accept allows none of {kinds}, which are what is answered.")
            viewer = identified.viewer
            self._desk.begin(viewer)
            try:
                return await self._read_and_answered(request, media, identified, fresh=known is None)
            finally:
                self._desk.end(viewer)
        except RequestErrors as refusal:
            return refused(problem_of(refusal), media)
        except ClientDisconnect:
            return Response(status_code=CLIENT_CLOSED_REQUEST)
        except Exception as error:  # noqa: BLE001 (`problem_of` logs what nobody expected)
            problem = problem_of(error)
            return respond(problem.status, orjson.dumps({"errors": problem.errors}), media, problem.headers)

    async def _identified(self, request: Request) -> Identified:
        with self._desk.admission.entered():
            return await self._desk.identify(request.headers)

    async def _without_token(self, request: Request) -> "Response | Sent | None":
        """What is answered to anyone: a page to browsers, and which methods there are."""
        if request.method in {"GET", "HEAD"}:
            return await ide_page(request) if prefers_page(request) else None
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": METHODS})
        problem = problem_of(Unreadable(405, f"{request.method} is not for /graphql. {HOW_TO_ASK}", {"Allow": METHODS}))
        return respond(405, orjson.dumps({"errors": problem.errors}), JSON, problem.headers)

    async def _read_and_answered(
        self, request: Request, media: str | None, identified: Identified, *, fresh: bool
    ) -> "Response | Sent":
        most, persisted = self._desk.settings.maximum_body, self._desk.persisted
        asked = await read_request(request, most, persisted, partial(self._desk.receiving, identified.viewer))
        # Only from here on: who sends slowly keeps nobody else out.
        admission = self._desk.admission
        try:
            admission.enter()
            try:
                return await self._answer(request, asked, media, identified, fresh=fresh)
            finally:
                admission.leave()
        finally:
            asked.discard_uploads()

    def _recognised(self, request: Request, raw: Mapping[bytes, bytes]) -> Identified | None:
        if len(raw) != len(request.scope["headers"]):
            return None  # a header was sent twice
        return self._desk.recognise(raw.get(b"authorization", b""), raw.get(b"x-ascms-organisation", b""))

    async def _answer(
        self, request: Request, asked: GraphQLRequest, media: str | None, identified: Identified, *, fresh: bool,
        known: Asked | None = None,
    ) -> "Response | Sent":  # fmt: skip
        """`fresh`: the viewer's rights were read for this request. `known`: its operation, where it was read before."""
        try:
            operation, plan = await self._desk.prepared(asked, identified.viewer, known)
        except RequestErrors:
            if fresh:
                raise
            return await self._answer_anew(request, asked, media)
        if not fresh and not operation.reads_only:
            return await self._answer_anew(request, asked, media, operation)
        if request.method == "HEAD" and not operation.reads_only:
            raise Unreadable(405, "HEAD is for queries only; send other operations with POST.", {"Allow": "POST"})
        if is_subscription(operation):
            if not accepts_events(request.headers.get("accept")):
                raise RequestErrors([bad_input(HOW_TO_SUBSCRIBE)])
            stream = await self._streams.open(asked, identified.viewer, request.headers)
            return EventStream(stream, self._desk.settings.keep_alive)
        if request.method == "GET" and not operation.reads_only:
            raise Unreadable(405, "GET is for queries only; send other operations with POST.", {"Allow": "POST"})
        try:
            return await self._done(request, asked, operation, plan, identified, media)
        except RightsChanged:
            return await self._answer_anew(request, asked, media, operation)

    async def _answer_anew(
        self, request: Request, asked: GraphQLRequest, media: str | None, known: Asked | None = None
    ) -> "Response | Sent":
        """The answer by the rights that hold now."""
        identified = await self._desk.identify(request.headers)
        return await self._answer(request, asked, media, identified, fresh=True, known=known)

    async def _done(
        self, request: Request, asked: GraphQLRequest, operation: Asked, plan: Plan, identified: Identified,
        media: str | None,
    ) -> "Response | Sent":  # fmt: skip
        facts = self._desk.facts(plan, identified.viewer, datetime.now(UTC))
        headers = request.headers
        retry = retry_of(headers.get("idempotency-key"), asked)
        answer = await self._desk.answer(asked, operation, plan, facts, headers, retry, identified.standing)
        rate: Rate = facts.offers["rate_limit"]
        return respond(200, answer.encoded, media, dict(rate.headers))


HOW_TO_ASK: Final = (
    "Send operations with POST, or queries with GET. Over Server-Sent Events each operation has a connection of its "
    "own: the mode of a single connection is not served."
)
HOW_TO_SUBSCRIBE: Final = (
    f"A subscription is answered as {EVENT_STREAM}, so send that in Accept; or over a WebSocket to /graphql with the "
    "sub-protocol graphql-transport-ws."
)


def _headers(media: str) -> list[tuple[bytes, bytes]]:
    headers = {**ON_EVERY_ANSWER, "Content-Type": f"{media}; charset=utf-8"}
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


_HEADERS: Final = {media: _headers(media) for media in (JSON, GRAPHQL, EVENT_STREAM)}


def respond(status: int, body: bytes, media: str | None, headers: Mapping[str, str] | None = None) -> "Response | Sent":
    """JSON in the negotiated media type; events, where nothing else is acceptable."""
    if media is None and status == 200:
        media, body = EVENT_STREAM, once(body)
    more = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    return Sent(status, body, [*_HEADERS[media or JSON], *more])


async def misdirected(scope: Scope, receive: Receive, send: Send) -> None:
    """The answer to a request for a host that is not this one, whatever it asks."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    message = "Host names another server than this one; an operator adds names of it to ASCMS_ALLOWED_HOSTS."
    errors = [{"message": message, "extensions": {"code": "UNKNOWN_HOST"}}]
    await respond(421, orjson.dumps({"errors": errors}), JSON)(scope, receive, send)


def broken_off(scope: Scope) -> ASGIApp:
    """The answer to a request that still ran when the server had no more time to end."""
    problem = problem_of(BrokenOff())
    if scope["path"] != "/graphql":
        headers = {"Cache-Control": "no-store", "Content-Security-Policy": NOTHING, **problem.headers}
        return PlainTextResponse("The service cannot answer just now. Try again in a few seconds.\n", 503, headers)
    body = orjson.dumps({"errors": problem.errors})
    return respond(problem.status, body, answer_type(Headers(scope=scope).get("accept")), problem.headers)


def refused(problem: Problem, media: str | None) -> "Response | Sent":
    """A GraphQL request that is not executed: 200 in plain JSON and events, as their specifications have it."""
    return respond(problem.status if media == GRAPHQL else 200, orjson.dumps({"errors": problem.errors}), media)

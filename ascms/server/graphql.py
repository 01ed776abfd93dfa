"""The endpoint: reads the request, knows the viewer, has the operation answered, answers.

Nothing is read of a request before its token is verified.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ascms.identity import Viewer
from ascms.planning.document import RequestErrors
from ascms.planning.problems import bad_input
from ascms.planning.subscriptions import is_subscription

from .desk import Desk, Problem, problem_of, retry_of
from .events import EVENT_STREAM, EventStream, accepts_events, once
from .pages import ide_page
from .requests import GRAPHQL, JSON, GraphQLRequest, answer_type, prefers_page, read_request
from .streams import Streams
from .unreadable import Unreadable

NEVER_CACHED = {"Cache-Control": "no-store", "Vary": "Accept, Authorization, X-ASCMS-Organisation"}


class Endpoint:
    """`/graphql`: POST for operations, GET for queries and subscriptions and, in a browser, the IDE."""

    def __init__(self, desk: Desk, streams: Streams) -> None:
        self._desk = desk
        self._streams = streams

    async def handle(self, request: Request) -> Response:
        """Answer an HTTP request."""
        if request.method == "GET" and prefers_page(request):
            return await ide_page(request)
        media = answer_type(request)
        try:
            viewer = await self._desk.viewer(request.headers)
            if media is None and not accepts_events(request):
                kinds = f"{GRAPHQL}, {JSON} and {EVENT_STREAM}"
                raise Unreadable(406, f"Accept allows none of {kinds}, which are what is answered.")
            asked = await read_request(request, self._desk.settings.maximum_body, self._desk.receiving(viewer))
            try:
                return await self._answer(request, asked, viewer, media)
            finally:
                asked.discard_uploads()
        except RequestErrors as refusal:
            return refused(problem_of(refusal), media)
        except Exception as error:  # noqa: BLE001 (`problem_of` logs what nobody expected)
            problem = problem_of(error)
            return respond(problem.status, {"errors": problem.errors}, media, problem.headers)

    async def _answer(self, request: Request, asked: GraphQLRequest, viewer: Viewer, media: str | None) -> Response:
        operation, plan = await self._desk.prepared(asked, viewer)
        if is_subscription(operation):
            if not accepts_events(request):
                raise RequestErrors([bad_input(HOW_TO_SUBSCRIBE)])
            return EventStream(await self._streams.open(asked, viewer, request.headers), self._desk.settings.keep_alive)
        if request.method == "GET" and not operation.reads_only:
            raise Unreadable(405, "GET is for queries only; send other operations with POST.", {"Allow": "POST"})
        facts = self._desk.facts(plan, viewer, datetime.now(UTC))
        retry = retry_of(request.headers.get("idempotency-key"), asked)
        answer = await self._desk.answer(asked, operation, plan, facts, request.headers, retry)
        return respond(200, answer.body(), media)


HOW_TO_SUBSCRIBE = (
    f"A subscription is answered as {EVENT_STREAM}, so send that in Accept; or over a WebSocket to /graphql with the "
    "sub-protocol graphql-transport-ws."
)


def respond(status: int, body: Any, media: str | None, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON response in the negotiated media type; events, where nothing else is acceptable."""
    headers = {**NEVER_CACHED, **(headers or {})}
    if media is None and status == 200:
        return Response(once(body), status, media_type=f"{EVENT_STREAM}; charset=utf-8", headers=headers)
    return Response(orjson.dumps(body), status, media_type=f"{media or JSON}; charset=utf-8", headers=headers)


def refused(problem: Problem, media: str | None) -> Response:
    """A GraphQL request that is not executed: 200 in plain JSON and events, as their specifications have it."""
    return respond(problem.status if media == GRAPHQL else 200, {"errors": problem.errors}, media)

"""Around the whole application: each request has a name, which is sent back, and a line in the log."""

import re
from collections.abc import Awaitable
from time import perf_counter
from typing import Final

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Match, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ascms.telemetry.exchange import PRESENT, Exchange, name_of
from ascms.telemetry.logs import log_request

METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT"})
OTHER: Final = "OTHER"
"""A method that HTTP does not know."""
NO_ROUTE: Final = "-"
"""A path that leads nowhere: it is the client's own text."""
GRAPHQL: Final = "/graphql"
_PATTERN: Final = re.compile(r"\{(\w+)[^}]*\}")


class Observed:
    """An application of ours, observed."""

    def __init__(self, app: Starlette) -> None:
        self._routes = app.routes
        tracing = app.state.tracing
        self._app: ASGIApp = app
        if tracing is not None:
            from .traced import TracedApplication

            self._app = TracedApplication(app, tracing)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
            return
        if scope["type"] == "websocket":
            # Its operations have names of their own.
            PRESENT.set(Exchange(name_of(scope["headers"]), "WEBSOCKET", self._route(scope)))
        await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        method = scope["method"] if scope["method"] in METHODS else OTHER
        exchange = Exchange(name_of(scope["headers"]), method, self._route(scope))
        PRESENT.set(exchange)
        answered = False

        def sending(message: Message) -> Awaitable[None]:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                headers = [*message.get("headers", ()), (b"x-request-id", exchange.id.encode())]
                message = {"type": "http.response.start", "status": message["status"], "headers": headers}
                log_request(exchange, message["status"], perf_counter() - started)
            return send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception:
            if not answered:
                log_request(exchange, 500, perf_counter() - started)
            raise

    def _route(self, scope: Scope) -> str:
        """The route that the path leads to, with names where a path has values."""
        if scope["path"] == GRAPHQL:
            return GRAPHQL
        for route in self._routes:
            if route.matches(scope)[0] is not Match.NONE:
                return _spelt(route)
        return NO_ROUTE


def _spelt(route: BaseRoute) -> str:
    path: str = getattr(route, "path", NO_ROUTE)
    return f"{path}/{{path}}" if isinstance(route, Mount) else _PATTERN.sub(r"{\1}", path)

"""Metrics for operators, in Prometheus' text format. Labels are closed sets: nothing of a person, a case or a query."""

from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response

Handler = Callable[[Request], Awaitable[Response]]

BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """What is counted of `/graphql`: answers by HTTP status, and how long they took, in seconds."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._answers = Counter(
            "ascms_graphql_answers", "Answers of /graphql, by HTTP status.", ["status"], registry=self._registry
        )
        self._seconds = Histogram(
            "ascms_graphql_seconds", "Seconds from request to answer.", buckets=BUCKETS, registry=self._registry
        )

    def counted(self, handle: Handler) -> Handler:
        """The handler, its answers counted."""

        async def counting(request: Request) -> Response:
            started = perf_counter()
            response = await handle(request)
            self._answers.labels(str(response.status_code)).inc()
            self._seconds.observe(perf_counter() - started)
            return response

        return counting

    async def serve(self, request: Request) -> Response:
        """The route `/metrics`."""
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)

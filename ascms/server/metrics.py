"""Metrics for operators, in Prometheus' text format. Labels are closed sets: nothing of a person, a case or a query."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from math import nan
from time import perf_counter
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import Response

Handler = Callable[[Request], Awaitable[Response]]
Waiting = Callable[[], Awaitable[tuple[int, datetime | None]]]
"""Tells how many messages wait, and since when the oldest."""

BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


FRESH: Final = 10.0
"""Seconds for which what was read of the outbox is good enough."""


class Metrics:
    """What is counted of `/graphql`: answers by HTTP status, and how long they took, in seconds; and of the outbox."""

    def __init__(self, outbox: Waiting) -> None:
        self._registry = CollectorRegistry()
        self._answers = Counter(
            "ascms_graphql_answers", "Answers of /graphql, by HTTP status.", ["status"], registry=self._registry
        )
        self._seconds = Histogram(
            "ascms_graphql_seconds", "Seconds from request to answer.", buckets=BUCKETS, registry=self._registry
        )
        self._outbox = outbox
        self._read_at: float | None = None
        self._waiting = Gauge("ascms_outbox_waiting", "E-mails that wait to be sent.", registry=self._registry)
        self._oldest = Gauge(
            "ascms_outbox_oldest_seconds", "For how long the oldest of them has waited.", registry=self._registry
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
        if self._read_at is None or perf_counter() - self._read_at > FRESH:
            await self._look_at_outbox()
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)

    async def _look_at_outbox(self) -> None:
        try:
            number, oldest = await self._outbox()
        except (SQLAlchemyError, OSError):
            self._waiting.set(nan)
            self._oldest.set(nan)
            return
        self._read_at = perf_counter()
        self._waiting.set(number)
        self._oldest.set(0 if oldest is None else (datetime.now(UTC) - oldest).total_seconds())

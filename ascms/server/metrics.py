"""Metrics for operators, in Prometheus' text format. Labels are closed sets: nothing of a person, a case or a query.

What is served is counted into plain numbers, here and where it happens; `/metrics` reads them when it is asked. They
are those of one process: several are scraped one by one (docs/operating.md).
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from errno import EADDRINUSE
from math import nan
from platform import python_version
from time import perf_counter
from typing import Any, Final
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, generate_latest, start_http_server
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool
from starlette.requests import Request
from starlette.responses import Response

from ascms import __version__
from ascms.audit import AccessLog
from ascms.database import writing
from ascms.identity import Authenticator
from ascms.outbox import Outbox
from ascms.planning.service import Operations
from ascms.snapshots import usage_of
from ascms.telemetry.spread import Spread

from .admission import Admission
from .desk import REFUSED
from .jobs import Jobs
from .persisted import Persisted
from .sockets import Sockets
from .streams import Streams

Waiting = Callable[[], Awaitable[tuple[int, datetime | None]]]
"""Tells how many messages wait, and since when the oldest."""

BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
FRESH: Final = 10.0
"""Seconds for which what was read of the outbox is good enough."""
LONGEST: Final = 2.0
"""Seconds that a thread waits for it."""
MOST_PORTS: Final = 256
"""As many as there may be workers."""

LOGGER: Final = logging.getLogger("ascms.server")


@dataclass(frozen=True)
class Sources:
    """What is looked at: the parts of the application that count."""

    engine: AsyncEngine
    operations: Operations
    authenticator: Authenticator
    persisted: Persisted
    access_log: AccessLog
    outbox: Outbox
    jobs: Jobs
    streams: Streams
    sockets: Sockets
    admission: Admission


class Metrics(Collector):
    """The route `/metrics`, and what is counted of `/graphql`: answers by status, and the seconds that they took."""

    def __init__(self, sources: Sources, waiting: Waiting) -> None:
        self._sources = sources
        self._answers = Counter[int]()
        self._seconds = Spread(BUCKETS)
        self._waiting = waiting
        self._read_at: float | None = None
        self._wait: tuple[float, float] = (nan, nan)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listening: WSGIServer | None = None
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def count(self, status: int, seconds: float) -> None:
        """Note an answer of `/graphql`, which took so long."""
        self._answers[status] += 1
        self._seconds.add(seconds)

    def listen(self, host: str, first: int | None) -> None:
        """Serve this process' metrics on the first free port from `first` on (None: nowhere), beside the event loop.

        Raises OSError where none of the next `MOST_PORTS` can be had.
        """
        if first is None:
            return
        self._loop = asyncio.get_running_loop()
        for port in range(first, min(first + MOST_PORTS, 65_536)):
            try:
                self._listening, _ = start_http_server(port, host, self._registry)
            except OSError as error:
                if error.errno != EADDRINUSE:
                    raise
            else:
                LOGGER.info("metrics on port %d", port)
                return
        raise OSError(f"no port from {first} on is free on {host}; give ASCMS_METRICS_PORT another")

    async def aclose(self) -> None:
        """Listen no more."""
        if self._listening is not None:
            await asyncio.to_thread(self._listening.shutdown)
            self._listening.server_close()

    async def serve(self, request: Request) -> Response:
        """The route `/metrics`."""
        await self._refresh()
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)

    async def _refresh(self) -> None:
        if self._read_at is None or perf_counter() - self._read_at > FRESH:
            await self._look_at_outbox()

    async def _look_at_outbox(self) -> None:
        try:
            number, oldest = await self._waiting()
        except (SQLAlchemyError, OSError):
            self._wait = (nan, nan)
            return
        self._read_at = perf_counter()
        self._wait = (number, 0 if oldest is None else max(0.0, (datetime.now(UTC) - oldest).total_seconds()))

    def collect(self) -> Iterator[Metric]:
        """Everything, as it is now."""
        if self._loop is not None:  # we are in a thread of the listener
            with contextlib.suppress(TimeoutError):
                asyncio.run_coroutine_threadsafe(self._refresh(), self._loop).result(LONGEST)
        database = self._sources.engine.dialect.name
        build = {"version": __version__, "python": python_version(), "database": database}
        yield _gauge("ascms_build_info", "What is running: always 1.", {tuple(build.values()): 1}, *build)
        yield from self._of_requests()
        yield from self._of_caches()
        yield from self._of_connections()
        yield from self._of_access_log()
        yield from self._of_background()

    def _of_requests(self) -> Iterator[Metric]:
        answers = {(str(status),): number for status, number in self._answers.items()}
        yield _counter("ascms_graphql_answers", "Answers of /graphql, by HTTP status.", answers, "status")
        yield _histogram("ascms_graphql_seconds", "Seconds from request to answer.", self._seconds)
        refused = {(code,): number for code, number in REFUSED.items()}
        yield _counter("ascms_refusals", "What was not answered, by extensions.code.", refused, "code")
        admission = self._sources.admission
        yield _gauge("ascms_operations_under_way", "Operations that are under way.", {(): admission.under_way})
        yield _gauge("ascms_operations_under_way_most", "Most that were at a time.", {(): admission.most_seen})
        yield _counter("ascms_overload_refusals", "Turned away while too much was under way.", {(): admission.refused})
        streams, sockets = self._sources.streams.number_open, self._sources.sockets.number_open
        yield _gauge("ascms_subscriptions_open", "Subscriptions that are open.", {(): streams})
        yield _gauge("ascms_sockets_open", "WebSockets that are open.", {(): sockets})

    def _of_caches(self) -> Iterator[Metric]:
        persisted, known = self._sources.persisted, self._sources.authenticator
        caches = {**self._sources.operations.caches, "persisted": persisted.kept}
        bounded = {(name,): cache for name, cache in caches.items()}
        entries = {name: cache.entries for name, cache in bounded.items()} | {("tokens",): known.remembered}
        found = {name: cache.hits for name, cache in bounded.items()} | {
            ("tokens",): known.recognised, ("trusted",): persisted.trusted_named,
        }  # fmt: skip
        missed = {name: cache.made for name, cache in bounded.items()} | {
            ("tokens",): known.identified, ("persisted",): persisted.unknown_named,
        }  # fmt: skip
        weight = {name: cache.weight for name, cache in bounded.items()}
        most = {name: cache.most for name, cache in bounded.items()}
        unit = "documents in characters, plans in fields, persisted in bytes"
        yield _gauge("ascms_cache_entries", "What a cache has.", entries, "cache")
        yield _gauge("ascms_cache_weight", f"What its entries weigh: {unit}.", weight, "cache")
        yield _gauge("ascms_cache_weight_limit", "What they may weigh.", most, "cache")
        yield _counter("ascms_cache_hits", "How often something was there.", found, "cache")
        yield _counter("ascms_cache_misses", "How often it was not.", missed, "cache")
        dropped = {name: cache.dropped for name, cache in bounded.items()}
        yield _counter("ascms_cache_evictions", "Entries that gave way to others.", dropped, "cache")

    def _of_connections(self) -> Iterator[Metric]:
        engine, reading = self._sources.engine, usage_of(self._sources.engine)
        pools = [pool for pool in {engine.pool, writing(engine).pool} if isinstance(pool, QueuePool)]
        connections = {
            ("general", "used"): sum(pool.checkedout() for pool in pools),
            ("general", "idle"): sum(pool.checkedin() for pool in pools),
            ("reading", "used"): reading.used, ("reading", "idle"): reading.open - reading.used,
        }  # fmt: skip
        name = "ascms_database_connections"
        yield _gauge(name, "Connections to the database, by pool and state.", connections, "pool", "state")
        yield _gauge("ascms_database_reads_waiting", "Reads that wait for a connection.", {(): reading.waiting})

    def _of_access_log(self) -> Iterator[Metric]:
        log = self._sources.access_log
        yield _histogram("ascms_access_log_batch_entries", "Entries that share a transaction.", log.batches)
        yield _histogram("ascms_access_log_write_seconds", "Seconds until a batch is on disk.", log.seconds)
        yield _gauge("ascms_access_log_waiting", "Entries that wait to be written.", {(): log.waiting})
        yield _counter("ascms_access_log_failures", "Batches that were not written.", {(): log.failures})

    def _of_background(self) -> Iterator[Metric]:
        outbox, records = self._sources.outbox, self._sources.jobs.records
        number, oldest = self._wait
        yield _gauge("ascms_outbox_waiting", "E-mails that wait to be sent.", {(): number})
        yield _gauge("ascms_outbox_oldest_seconds", "For how long the oldest of them has waited.", {(): oldest})
        became = {("delivered",): outbox.delivered, ("dropped",): outbox.dropped, ("put_off",): outbox.put_off}
        yield _counter("ascms_outbox_messages", "What became of those that this process took on.", became, "outcome")
        runs = {
            (name, outcome): number
            for name, record in records.items()
            for outcome, number in (("done", record.done), ("failed", record.failed))
        }
        yield _counter("ascms_job_runs", "Periodic work, by how it went.", runs, "job", "outcome")
        seconds = {(name,): record.seconds for name, record in records.items()}
        yield _counter("ascms_job_seconds", "Seconds that it took.", seconds, "job")
        done = {(name,): record.done_at.timestamp() for name, record in records.items() if record.done_at is not None}
        yield _gauge("ascms_job_done_timestamp_seconds", "When it last went well here, since 1970.", done, "job")


Values = Mapping[Any, float]
"""Numbers by the values of the labels, each a tuple of texts."""


def _gauge(name: str, about: str, values: Values, *labels: str) -> Metric:
    family = GaugeMetricFamily(name, about, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _counter(name: str, about: str, values: Values, *labels: str) -> Metric:
    family = CounterMetricFamily(name, about, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _histogram(name: str, about: str, spread: Spread) -> Metric:
    family = HistogramMetricFamily(name, about)
    family.add_metric((), list(spread.cumulative()), spread.total)
    return family

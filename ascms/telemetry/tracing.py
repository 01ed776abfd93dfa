"""OpenTelemetry, where a setting asks for it: spans sent by OTLP over HTTP. The extra `telemetry` has what it needs.

Nothing here is imported by a server without that setting, and no span has anything but numbers and hashes.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, Final

from opentelemetry import context as contexts
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ascms import __version__

LONGEST: Final = 5.0
"""Seconds that the collector may take; and that the end of a server waits for it."""

Fetch = Callable[[Any, Mapping[str, Any]], Awaitable[Any]]
Attributes = Mapping[str, str | int]


class Tracing:
    """Spans of this process. `share`: how many of the traces that begin here are kept, 0 to 1."""

    def __init__(self, url: str, share: float) -> None:
        resource = Resource.create({"service.name": "ascms", "service.version": __version__})
        self._provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(share)), resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url, timeout=LONGEST)))
        self._tracer = self._provider.get_tracer("ascms", __version__)
        self._propagator = TraceContextTextMapPropagator()

    def close(self) -> None:
        """Send what is left. Waits for it."""
        self._provider.shutdown()

    @contextmanager
    def request(self, traceparent: str | None, method: str, route: str) -> Iterator[Span]:
        """The span of a request, in the caller's trace where there is one. Its errors are told by `answered`."""
        parent = self._propagator.extract({"traceparent": traceparent}) if traceparent else contexts.Context()
        attributes = {"http.request.method": method, "http.route": route}
        with self._span(f"{method} {route}", attributes, parent, SpanKind.SERVER) as span:
            yield span

    @contextmanager
    def span(self, name: str, attributes: Attributes | None = None, parent: Any = None) -> Iterator[Span]:
        """A span below the present one, or below `parent`: for what happens in another thread."""
        with self._span(name, attributes, parent, SpanKind.INTERNAL) as span:
            yield span

    @contextmanager
    def _span(self, name: str, attributes: Attributes | None, parent: Any, kind: SpanKind) -> Iterator[Span]:
        with self._tracer.start_as_current_span(
            name, parent, kind, attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield span  # type: ignore[misc]
            except Exception as error:
                # Its message may quote what was read.
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(StatusCode.ERROR)
                raise

    def begin(self, name: str, attributes: Attributes) -> Any:
        """A span below the present one, which the caller ends."""
        return self._tracer.start_span(name, attributes=attributes)

    @staticmethod
    def present() -> contexts.Context:
        """What is under way here, as `parent` of what happens elsewhere."""
        return contexts.get_current()

    @staticmethod
    def nothing() -> contexts.Context:
        """The `parent` of what belongs to no request."""
        return contexts.Context()

    def fetching(self, fetch: Fetch, parent: contexts.Context) -> Fetch:
        """Statements with a span each, below `parent`: they may run in another thread."""

        async def traced(prepared: Any, given: Mapping[str, Any]) -> Any:
            with self.span("statement", {"ascms.statement": hash_of(prepared.text)}, parent) as span:
                rows = await fetch(prepared, given)
                span.set_attribute("ascms.rows", len(rows))
                return rows

        return traced


def answered(span: Span, status: int) -> None:
    """Note the status of an answer."""
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        span.set_status(StatusCode.ERROR)


def hash_of(text: str) -> str:
    """What a statement is told by."""
    return sha256(text.encode()).hexdigest()[:16]

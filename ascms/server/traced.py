"""The parts of the application that make spans, in the place of those that do not, where a setting asks for them."""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ascms.audit import AccessLog, AccessRecord
from ascms.audit.log import _Waiting
from ascms.identity.authentication import Identified
from ascms.identity.viewer import Standing, Viewer
from ascms.planning.changing import Retry
from ascms.planning.document import Asked
from ascms.planning.facts import Facts
from ascms.planning.plan import Plan
from ascms.planning.service import Answer, Operations
from ascms.snapshots import Pace, T, Work
from ascms.telemetry.exchange import PRESENT
from ascms.telemetry.tracing import Tracing, answered, hash_of

from .desk import Desk
from .requests import GraphQLRequest


class TracedApplication:
    """A span for each HTTP request. Within what gives requests their names."""

    def __init__(self, app: ASGIApp, tracing: Tracing) -> None:
        self._app = app
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        exchange = PRESENT.get()
        if scope["type"] != "http" or exchange is None:
            await self._app(scope, receive, send)
            return
        traceparent = next((value for name, value in scope["headers"] if name == b"traceparent"), b"").decode("latin-1")
        with self._tracing.request(traceparent or None, exchange.method, exchange.route) as span:
            span.set_attribute("ascms.request", exchange.id)

            def sending(message: Message) -> Awaitable[None]:
                if message["type"] == "http.response.start":
                    answered(span, message["status"])
                return send(message)

            await self._app(scope, receive, sending)
            if exchange.operation is not None:
                span.set_attribute("ascms.operation", exchange.operation)


class TracedOperations(Operations):
    """Spans for planning, and for reading with its statements."""

    tracing: Tracing

    async def prepared(
        self, text: str, operation_name: str | None, variables: Mapping[str, Any], viewer: Viewer
    ) -> tuple[Asked, Plan]:
        with self.tracing.span("plan", {"ascms.roles": len(viewer.roles)}) as span:
            asked, plan = await super().prepared(text, operation_name, variables, viewer)
            span.set_attributes({"ascms.operation": asked.document.hash, "ascms.nodes": plan.nodes})
            return asked, plan

    async def _read(self, work: Work[T], pace: Pace) -> T:
        with self.tracing.span("read"):
            parent = self.tracing.present()  # the work may be done in a thread
            return await super()._read(lambda fetch: work(self.tracing.fetching(fetch, parent)), pace)

    async def _read_row(self, text: str, parameters: Sequence[Any]) -> Sequence[Any]:
        with self.tracing.span("statement", {"ascms.statement": hash_of(text)}) as span:
            row = await super()._read_row(text, parameters)
            span.set_attribute("ascms.rows", sum(len(rows) for rows in row))
            return row


class TracedDesk(Desk):
    """Spans for knowing who asks, and for answering."""

    async def identify(self, headers: Mapping[str, str]) -> Identified:
        with self._tracing.span("identify"):
            return await super().identify(headers)

    async def answer(
        self, asked: GraphQLRequest, operation: Asked, plan: Plan, facts: Facts, headers: Mapping[str, str],
        retry: Retry | None, standing: Standing | None = None,
    ) -> Answer:  # fmt: skip
        about: dict[str, str | int] = {
            "ascms.operation": operation.document.hash,
            "ascms.roles": len(facts.viewer.roles),
        }
        with self._tracing.span("answer" if operation.reads_only else "change", about) as span:
            answer = await super().answer(asked, operation, plan, facts, headers, retry, standing)
            span.set_attribute("ascms.students", len(answer.subjects))
            return answer

    @property
    def _tracing(self) -> Tracing:
        assert isinstance(self.operations, TracedOperations)
        return self.operations.tracing


class TracedAccessLog(AccessLog):
    """Spans for waiting until an entry is on disk, and for each batch that is written."""

    tracing: Tracing

    async def append(self, record: AccessRecord) -> None:
        with self.tracing.span("access log"):
            await super().append(record)

    async def _settle(self, batch: list[_Waiting], *, may_retry: bool) -> None:
        # Of many requests, and so of none.
        with self.tracing.span("access log batch", {"ascms.entries": len(batch)}, self.tracing.nothing()):
            await super()._settle(batch, may_retry=may_retry)


def trace_statements(engine: AsyncEngine, tracing: Tracing) -> None:
    """Have a span made of each statement that goes through SQLAlchemy."""

    def begin(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        context.ascms_span = tracing.begin("statement", {"ascms.statement": hash_of(statement)})

    def end(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        context.ascms_span.end()

    def fail(context: Any) -> None:
        span = getattr(context.execution_context, "ascms_span", None)
        if span is not None:
            span.set_attribute("error.type", type(context.original_exception).__name__)
            span.end()

    event.listen(engine.sync_engine, "before_cursor_execute", begin)
    event.listen(engine.sync_engine, "after_cursor_execute", end)
    event.listen(engine.sync_engine, "handle_error", fail)

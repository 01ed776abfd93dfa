"""The ASGI application: everything put together, started and ended in order."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from ascms.audit import ChangeLog
from ascms.database import create_engine
from ascms.identity import Authenticator, TokenVerifier
from ascms.imports import Imports
from ascms.outbox import Outbox, waiting
from ascms.resolvers.importing import imports_of
from ascms.resolvers.system import resume_due
from ascms.resolvers.workshop import Workshop
from ascms.schema import build_schema
from ascms.settings import Settings
from ascms.signals import create_bus
from ascms.storage import Incoming, Sweeper, open_storage
from ascms.storage.incoming import private_folder

from .admission import Admission
from .files import Downloads, FileAddresses
from .graphql import Endpoint, broken_off, misdirected
from .headers import with_a_policy
from .health import Health
from .hosts import OPEN_TO_ALL, Hosts
from .jobs import Job, Jobs, housekeeping
from .kinds import kinds_of
from .life import Life, Unanswered
from .metrics import Metrics, Sources
from .origins import shared_with
from .pages import People, page_routes
from .rates import Rates, UnderWay
from .sockets import Sockets
from .streams import Streams
from .trusted import persisted_of


class Application(Starlette):
    """Starlette, with the shortest way for what is asked most. It answers to its own names only."""

    def __init__(self, endpoint: Endpoint, life: Life, settings: Settings, **options: Any) -> None:
        super().__init__(**options)
        self._endpoint = endpoint
        self._life = life
        self._hosts = Hosts(settings)
        self._shared = shared_with(settings, self._serve) if settings.allowed_origins else self._serve

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] == "lifespan":
            await super().__call__(scope, receive, send)
            return
        host, origin = None, None
        for name, value in scope["headers"]:
            if name == b"host":
                host = value if host is None else b""
            elif name == b"origin":
                origin = value
        if not self._hosts.allows(host) and scope["path"] not in OPEN_TO_ALL:
            await misdirected(scope, receive, send)
        elif origin is None:
            await self._serve(scope, receive, send)
        else:
            await self._shared(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await Unanswered(self._life, scope, receive, send).serve(self._routed)
        else:
            await self._routed(scope, receive, send)

    async def _routed(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/graphql" and scope["method"] == "POST":
            await self._endpoint(scope, receive, send)
        else:
            await super().__call__(scope, receive, with_a_policy(send))


def _periodic_work(workshop: Workshop, sweeper: Sweeper, imports: Imports) -> list[Job]:
    return [
        Job("resume cases at their review date", lambda now: resume_due(workshop, now)),
        Job("remove stored contents that nothing names", sweeper, forgets=True),
        Job("mark imports that were broken off", lambda now: imports.recover()),
    ]


def create_app(
    settings: Settings, *, extra_routes: Sequence[BaseRoute] = (), people: People | None = None
) -> Starlette:
    """The application. Raises UndeclaredField for a field without a permission class, ValueError for unsafe settings.

    `extra_routes` are served besides (the demo's identity provider), `people` lists the demo's people for its pages.
    """
    served = build_schema(settings.office_support)
    engine = create_engine(settings)
    http = httpx.AsyncClient(timeout=5, follow_redirects=False)
    kinds = kinds_of(settings, engine)
    operations = kinds.operations(served.core, served.registry, served.policy, settings, engine)
    authenticator = Authenticator(settings, engine, TokenVerifier(settings, http))
    access_log = kinds.access_log(engine, settings.require_key("audit_key"), settings.state_directory)
    files = FileAddresses(settings.require_key("secret_key"))
    incoming = Incoming(settings.state_directory / "incoming")
    storage = open_storage(settings, incoming)
    downloads = Downloads(files, authenticator, engine, served.policy, storage, access_log)
    # Whatever waits for the other connections: how we are can be asked.
    watching = create_engine(settings, pool_size=1, max_overflow=1)
    admission = Admission(settings.maximum_under_way)
    bus = create_bus(settings)
    changes = ChangeLog(settings.require_key("audit_key"), settings.state_directory)
    outbox = Outbox(engine, settings)
    workshop = Workshop(engine, settings, changes, bus, after=[outbox.wake])
    imports = imports_of(workshop)
    work = [*housekeeping(engine), *_periodic_work(workshop, Sweeper(storage, incoming, engine), imports)]
    jobs = Jobs(engine, settings.job_seconds, work)
    persisted = persisted_of(settings, operations)
    rates, under_way = Rates(settings.points_a_minute), UnderWay(settings.maximum_at_once)
    desk = kinds.desk(
        operations, authenticator, access_log, files, rates, under_way, workshop, storage, incoming, imports, persisted,
        admission,
    )  # fmt: skip
    streams = Streams(desk, bus)
    sockets = Sockets(desk, streams)
    metrics = Metrics(
        Sources(engine, operations, authenticator, persisted, access_log, outbox, jobs, streams, sockets, admission),
        lambda: waiting(watching),
    )
    endpoint = Endpoint(desk, streams, metrics.count)

    async def end_streams() -> None:
        """End what would otherwise never end by itself, so that the server can."""
        streams.close()
        await sockets.close()

    life = Life(end_streams, broken_off)
    health = Health(settings, authenticator, life)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as ends:  # one that fails does not keep the others from being ended
            parts = (health, metrics, imports, bus, changes, access_log, authenticator, http)
            closings = [end_streams, *(part.aclose for part in parts), engine.dispose, watching.dispose, kinds.aclose]
            for closing in reversed(closings):
                ends.push_async_callback(closing)
            ends.callback(operations.close)
            private_folder(settings.state_directory)
            await bus.start()
            async with outbox, jobs:
                life.serves()
                metrics.listen(settings.metrics_host, settings.metrics_port)
                yield

    app = Application(
        endpoint,
        life,
        settings,
        routes=[
            Route("/graphql", endpoint),
            WebSocketRoute("/graphql", sockets.handle),
            Route("/files/{address}", downloads.serve),
            *health.routes(),
            *([Route("/metrics", metrics.serve)] if settings.metrics_port is None else []),
            *page_routes(settings, people),
            *extra_routes,
        ],
        lifespan=lifespan,
    )
    kept = {"settings": settings, "policy": served.policy, "tracing": kinds.tracing, "life": life}
    for name, value in kept.items():
        setattr(app.state, name, value)
    return app

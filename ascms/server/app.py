"""The ASGI application: everything put together, started and ended in order."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route, WebSocketRoute

from ascms.audit import AccessLog, ChangeLog
from ascms.database import create_engine
from ascms.identity import Authenticator, TokenVerifier
from ascms.outbox import Outbox, waiting
from ascms.planning.service import Operations
from ascms.resolvers.importing import imports_of
from ascms.resolvers.system import resume_due
from ascms.resolvers.workshop import Workshop
from ascms.schema import build_schema
from ascms.settings import Settings
from ascms.signals import create_bus
from ascms.storage import Incoming, Sweeper, open_storage

from .desk import Desk
from .files import Downloads, FileAddresses
from .graphql import Endpoint
from .health import health_routes
from .jobs import Job, Jobs, housekeeping
from .metrics import Metrics
from .pages import People, page_routes
from .rates import Rates
from .sockets import Sockets
from .streams import Streams


def create_app(
    settings: Settings, *, extra_routes: Sequence[BaseRoute] = (), people: People | None = None
) -> Starlette:
    """The application. Raises UndeclaredField for a field without a permission class, ValueError for unsafe settings.

    `extra_routes` are served besides (the demo's identity provider), `people` lists the demo's people for its pages.
    """
    served = build_schema(settings.office_support)
    engine = create_engine(settings)
    http = httpx.AsyncClient(timeout=5, follow_redirects=False)
    secret = settings.require_key("secret_key")
    operations = Operations(served.core, served.registry, served.policy, settings, engine)
    authenticator = Authenticator(settings, engine, TokenVerifier(settings, http))
    access_log = AccessLog(engine, settings.require_key("audit_key"), settings.state_directory)
    files = FileAddresses(secret)
    incoming = Incoming(settings.state_directory / "incoming")
    storage = open_storage(settings, incoming)
    downloads = Downloads(files, authenticator, engine, served.policy, storage, access_log)
    metrics = Metrics(lambda: waiting(engine))
    bus = create_bus(settings)
    changes = ChangeLog(settings.require_key("audit_key"), settings.state_directory)
    outbox = Outbox(engine, settings)
    workshop = Workshop(engine, settings, changes, bus, after=[outbox.wake])
    resuming = Job("resume cases at their review date", lambda now: resume_due(workshop, now))
    sweeping = Job("remove stored contents that nothing names", Sweeper(storage, incoming, engine))
    imports = imports_of(workshop)
    recovering = Job("mark imports that were broken off", lambda now: imports.recover())
    jobs = Jobs(engine, settings.job_seconds, [*housekeeping(engine), resuming, sweeping, recovering])
    rates = Rates(settings.points_a_minute)
    desk = Desk(operations, authenticator, access_log, files, rates, workshop, storage, incoming, imports)
    streams = Streams(desk, bus)
    endpoint, sockets = Endpoint(desk, streams), Sockets(desk, streams)

    async def end_streams() -> None:
        """End what would otherwise never end by itself, so that the server can."""
        await sockets.close()
        streams.close()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await bus.start()
        async with outbox, jobs:
            yield
        await end_streams()
        await imports.aclose()
        await bus.aclose()
        operations.close()
        await changes.aclose()
        await access_log.aclose()
        await http.aclose()
        await engine.dispose()

    app = Starlette(
        routes=[
            Route("/graphql", metrics.counted(endpoint.handle), methods=["GET", "POST"]),
            WebSocketRoute("/graphql", sockets.handle),
            Route("/files/{address}", downloads.serve),
            *health_routes(engine),
            Route("/metrics", metrics.serve),
            *page_routes(settings, people),
            *extra_routes,
        ],
        lifespan=lifespan,
    )
    app.state.settings = settings
    app.state.policy = served.policy
    app.state.end_streams = end_streams
    return app

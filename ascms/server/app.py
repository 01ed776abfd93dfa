"""The ASGI application: everything put together, started and ended in order."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ascms.audit import AccessLog, ChangeLog
from ascms.database import create_engine, revision_is_current
from ascms.identity import Authenticator, TokenVerifier
from ascms.planning.service import Operations
from ascms.resolvers.workshop import Workshop
from ascms.schema import build_schema
from ascms.settings import Settings
from ascms.signals import create_bus

from .files import FileAddresses
from .graphql import Endpoint
from .metrics import Metrics
from .pages import People, page_routes
from .rates import Rates


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
    metrics = Metrics()
    bus = create_bus(settings)
    workshop = Workshop(engine, settings, ChangeLog(settings.require_key("audit_key")), bus)
    endpoint = Endpoint(operations, authenticator, access_log, files, Rates(settings.points_a_minute), workshop)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await bus.start()
        yield
        await bus.aclose()
        operations.close()
        await access_log.aclose()
        await http.aclose()
        await engine.dispose()

    async def healthy(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(request: Request) -> Response:
        """Whether the database answers and has every migration."""
        try:
            async with engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
                current = await connection.run_sync(revision_is_current)
        except Exception:  # noqa: BLE001 (whatever it is, the database does not answer)
            return JSONResponse({"status": "unavailable", "database": "does not answer"}, 503)
        if not current:
            return JSONResponse({"status": "unavailable", "database": "run `ascms db upgrade`"}, 503)
        return JSONResponse({"status": "ok"})

    app = Starlette(
        routes=[
            Route("/graphql", metrics.counted(endpoint.handle), methods=["GET", "POST"]),
            Route("/files/{address}", files.serve),
            Route("/healthz", healthy),
            Route("/readyz", ready),
            Route("/metrics", metrics.serve),
            *page_routes(settings, people),
            *extra_routes,
        ],
        lifespan=lifespan,
    )
    app.state.settings = settings
    app.state.policy = served.policy
    return app

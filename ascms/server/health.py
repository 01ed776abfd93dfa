"""Whether the server lives, and whether it can serve: for load balancers and operators."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ascms.database import revision_is_current


def health_routes(engine: AsyncEngine) -> Sequence[Route]:
    """`/healthz` and `/readyz`."""

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

    return (Route("/healthz", healthy), Route("/readyz", ready))

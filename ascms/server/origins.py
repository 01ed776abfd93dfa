"""Pages of other sites, where an operator lets them read answers (CORS). Never with credentials: there are none."""

from typing import Final

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from ascms.settings import Settings

SENT: Final = ("Authorization", "Content-Type", "Idempotency-Key", "X-ASCMS-Organisation")
"""Headers that their requests may have, besides those that any may."""
READ: Final = (
    "Allow",
    "Content-Disposition",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-Id",
)
"""Headers of answers that they may read, besides those that any may."""
REMEMBERED: Final = 600
"""Seconds for which a browser need not ask again what is allowed."""


def shared_with(settings: Settings, app: ASGIApp) -> ASGIApp:
    """The application for requests that name an origin."""
    return CORSMiddleware(
        app,
        allow_origins=settings.allowed_origins,
        allow_methods=("GET", "HEAD", "POST"),
        allow_headers=SENT,
        expose_headers=READ,
        max_age=REMEMBERED,
    )

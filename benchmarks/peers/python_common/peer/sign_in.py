"""Signing in as Starlette has it: its authentication middleware, with a backend that takes bearer tokens."""

from starlette.authentication import AuthCredentials, AuthenticationBackend, AuthenticationError
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, Response

from .rules import is_measured
from .viewer import Authenticator, NotSignedInError, Viewer


class _Bearer(AuthenticationBackend):
    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, Viewer]:  # type: ignore[override]
        try:
            viewer = await self._authenticator.viewer(conn.headers)
        except NotSignedInError as error:
            raise AuthenticationError(str(error)) from error
        if not is_measured(viewer):
            raise AuthenticationError("the rules of these peers are written for one role at a time, the measured ones")
        return AuthCredentials(), viewer


def _refuse(_conn: HTTPConnection, error: Exception) -> Response:
    return PlainTextResponse(str(error), status_code=401)


def signed_in(authenticator: Authenticator) -> Middleware:
    """What gives a request its viewer, as `request.user`, and answers 401 where there is none."""
    return Middleware(AuthenticationMiddleware, backend=_Bearer(authenticator), on_error=_refuse)

"""BerryQL: Strawberry types over the mapped classes, permissions and row scopes in the SQL, one session a request."""

from typing import Any

import orjson
from peer.request import Context, Service
from peer.serving import serve
from peer.settings import Settings
from peer.sign_in import signed_in
from schema import schema
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader


class View(GraphQL[dict[str, Any], None]):
    """The view with the request's session and viewer in its context, and orjson for the answers."""

    def __init__(self, service: Service) -> None:
        super().__init__(schema, graphql_ide=None)
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._service.reads() as session:
            scope["db_session"] = session
            await super().__call__(scope, receive, send)

    async def get_context(self, request: Any, response: Any) -> dict[str, Any]:
        return {
            "db_session": request.scope["db_session"],
            "request": Context(self._service, request.user, DataLoader),
        }

    def encode_json(self, data: object) -> bytes:
        return orjson.dumps(data)


def make_app() -> Starlette:
    service = Service(Settings.from_environment())
    return Starlette(routes=[Route("/graphql", View(service))], middleware=[signed_in(service.authenticator)])


if __name__ == "__main__":
    serve(make_app)

"""Strawberry as its documentation shows it: permission classes, DataLoader, its own ASGI view."""

from typing import Any

import orjson
from peer.request import Context, Service
from peer.serving import serve
from peer.settings import Settings
from peer.sign_in import signed_in
from schema import schema
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader


class View(GraphQL[Context, None]):
    """The view with the request's viewer in its context, and orjson for the answers."""

    def __init__(self, service: Service) -> None:
        super().__init__(schema, graphql_ide=None)
        self._service = service

    async def get_context(self, request: Any, response: Any) -> Context:
        return Context(self._service, request.user, DataLoader)

    def encode_json(self, data: object) -> bytes:
        return orjson.dumps(data)


def make_app() -> Starlette:
    service = Service(Settings.from_environment())
    return Starlette(routes=[Route("/graphql", View(service))], middleware=[signed_in(service.authenticator)])


if __name__ == "__main__":
    serve(make_app)

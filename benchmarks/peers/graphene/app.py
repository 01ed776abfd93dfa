"""Graphene 3 with DataLoaders. It has no ASGI view of its own; the endpoint is below.

Documents stay parsed and validated, which `Schema.execute_async` would do anew for each request.
"""

from collections.abc import Sequence
from functools import lru_cache
from inspect import isawaitable
from typing import Any

import orjson
from aiodataloader import DataLoader
from graphql import DocumentNode, GraphQLError, execute, parse, validate
from peer.request import Context, Service
from peer.serving import serve
from peer.settings import Settings
from peer.sign_in import signed_in
from schema import schema
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


@lru_cache(maxsize=100)
def _checked(query: str) -> tuple[DocumentNode | None, Sequence[GraphQLError]]:
    """The document, or what is wrong with it."""
    try:
        document = parse(query)
    except GraphQLError as error:
        return None, [error]
    return document, validate(schema.graphql_schema, document)


def _answer(data: Any, errors: Sequence[GraphQLError] | None) -> Response:
    answer: dict[str, Any] = {"data": data}
    if errors:
        answer["errors"] = [error.formatted for error in errors]
    return Response(orjson.dumps(answer), media_type="application/json")


def make_app() -> Starlette:
    service = Service(Settings.from_environment())

    async def graphql(request: Request) -> Response:
        asked = orjson.loads(await request.body())
        document, errors = _checked(asked["query"])
        if document is None or errors:
            return _answer(None, errors)
        result = execute(
            schema.graphql_schema,
            document,
            context_value=Context(service, request.user, DataLoader),
            variable_values=asked.get("variables"),
            operation_name=asked.get("operationName"),
        )
        done: Any = await result if isawaitable(result) else result
        return _answer(done.data, done.errors)

    return Starlette(
        routes=[Route("/graphql", graphql, methods=["POST"])], middleware=[signed_in(service.authenticator)]
    )


if __name__ == "__main__":
    serve(make_app)

"""Ariadne with DataLoaders: schema first, roles by a schema directive, caches for parsed and validated documents."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
from aiodataloader import DataLoader
from ariadne import SchemaDirectiveVisitor, load_schema_from_path, make_executable_schema
from ariadne.asgi import GraphQL
from ariadne.asgi.handlers import GraphQLHTTPHandler
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLField,
    GraphQLResolveInfo,
    default_field_resolver,
    parse,
    validate,
)
from peer import rules
from peer.request import Context, Service
from peer.serving import serve
from peer.settings import Settings
from peer.sign_in import signed_in
from resolvers import BINDABLES
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


class VisibleTo(SchemaDirectiveVisitor):
    """`@visibleTo`: the field is null for a viewer none of whose roles is in the group."""

    def visit_field_definition(self, field: GraphQLField, object_type: Any) -> GraphQLField:
        roles, resolve = getattr(rules, self.args["group"]), field.resolve or default_field_resolver

        def resolve_if_visible(obj: Any, info: GraphQLResolveInfo, **kwargs: Any) -> Any:
            return None if roles.isdisjoint(info.context.viewer.roles) else resolve(obj, info, **kwargs)

        field.resolve = resolve_if_visible
        return field


schema = make_executable_schema(
    load_schema_from_path(str(Path(__file__).with_name("schema.graphql"))),
    BINDABLES,
    directives={"visibleTo": VisibleTo},
    convert_names_case=True,
)


@lru_cache(maxsize=100)
def _parsed(query: str) -> DocumentNode:
    return parse(query)


@lru_cache(maxsize=100)
def _problems(document: DocumentNode) -> Sequence[GraphQLError]:
    return validate(schema, document)


def _parse(context: Context, data: dict[str, Any]) -> DocumentNode:
    return _parsed(data["query"])


def _validate(schema: Any, document: DocumentNode, rules: Any, **options: Any) -> Sequence[GraphQLError]:
    return _problems(document)


class Handler(GraphQLHTTPHandler):
    """The handler with orjson for what comes and goes."""

    async def extract_data_from_json_request(self, request: Request) -> Any:
        return orjson.loads(await request.body())

    async def create_json_response(self, request: Request, result: dict[str, Any], success: bool) -> Response:
        return Response(orjson.dumps(result), status_code=200 if success else 400, media_type="application/json")


def make_app() -> Starlette:
    service = Service(Settings.from_environment())

    def context(request: Request, data: Any) -> Context:
        return Context(service, request.user, DataLoader)

    view = GraphQL(
        schema, context_value=context, query_parser=_parse, query_validator=_validate, http_handler=Handler()
    )
    return Starlette(routes=[Route("/graphql", view)], middleware=[signed_in(service.authenticator)])


if __name__ == "__main__":
    serve(make_app)

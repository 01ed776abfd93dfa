"""The limit: each operation answered by hand for the roles that ask, as fast as we know how to in this ecosystem.

No GraphQL is read here: an operation is known by its text. What a general server does for any operation and any role
can only be slower; by how much is what the benchmarks tell.
"""

import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import uvicorn
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.serving import options, serve

ROOT = Path(__file__).parents[3]
FOLDERS = (ROOT / "queries", ROOT / "benchmarks/operations")
OPERATIONS = {"home", "case", "page", "total", "comment"}

Answering = Callable[[str, str, str, Mapping[str, Any]], Awaitable[bytes]]
"""Answers an operation (its name) for a subject, acting for an organisation, with variables."""


class Tokens:
    """Tokens that were verified, by the header that brings them, until they expire."""

    def __init__(self, keys: Path, issuer: str, audience: str) -> None:
        self._keys = KeySet.import_key_set(orjson.loads(keys.read_bytes()))
        self._issuer = issuer
        self._audience = audience
        self._known: dict[str, tuple[float, str, str]] = {}

    def verified(self, header: str | None) -> tuple[float, str, str] | None:
        """When the token expires, who it is for, and for which organisation; None for a bad one."""
        if header is None:
            return None
        known = self._known.get(header)
        if known is None:
            known = self._verify(header)
        return known if known is not None and known[0] > time.time() else None

    def _verify(self, header: str) -> tuple[float, str, str] | None:
        scheme, _, token = header.partition(" ")
        try:
            claims = jwt.decode(token, self._keys, algorithms=["RS256"]).claims
        except (JoseError, ValueError):
            return None
        if scheme.lower() != "bearer" or claims["iss"] != self._issuer or claims["aud"] != self._audience:
            return None
        self._known[header] = known = (claims["exp"], claims["sub"], claims["org_id"])
        return known


def application(answering: Callable[[], Any]) -> Starlette:
    """The application over a database that `answering` opens."""
    tokens = Tokens(Path(os.environ["BENCH_JWKS"]), os.environ["BENCH_ISSUER"], os.environ["BENCH_AUDIENCE"])
    texts = {
        path.read_text(): path.stem
        for folder in FOLDERS
        for path in folder.glob("*.graphql")
        if path.stem in OPERATIONS
    }
    answer: Answering | None = None

    async def graphql(request: Request) -> Response:
        assert answer is not None
        known = tokens.verified(request.headers.get("authorization"))
        if known is None:
            return Response(b'{"errors":[{"message":"Sign in."}]}', 401, media_type="application/json")
        asked = orjson.loads(await request.body())
        body = await answer(texts[asked["query"]], known[1], known[2], asked.get("variables") or {})
        return Response(body, media_type="application/json")

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        nonlocal answer
        async with answering() as answer:
            yield

    return Starlette(routes=[Route("/graphql", graphql, methods=["POST"])], lifespan=lifespan)


def create_app() -> Starlette:
    """The application over BENCH_DATABASE."""
    if "://" in os.environ["BENCH_DATABASE"]:
        from postgresql import answering
    else:
        from sqlite import answering
    return application(lambda: answering(os.environ["BENCH_DATABASE"]))


def make() -> uvicorn.Server:
    """A worker."""
    return uvicorn.Server(uvicorn.Config(create_app(), **options()))


if __name__ == "__main__":
    serve(make)

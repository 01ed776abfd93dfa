"""Reading a GraphQL request from HTTP, as the GraphQL-over-HTTP specification has it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

import orjson
from starlette.requests import Request

from ascms.storage import MOST_BYTES, Incoming, Upload

from .unreadable import Unreadable
from .uploads import MULTIPART, read_multipart, uploads_in

GRAPHQL: Final = "application/graphql-response+json"
JSON: Final = "application/json"


@dataclass(frozen=True)
class GraphQLRequest:
    """A document with its variables; which of its operations to run, if it has several."""

    query: str
    operation_name: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)

    def digest(self) -> bytes:
        """The SHA-256 of what is asked, however it is spelt in JSON; of a file, its name and content count."""
        asked = [self.query, self.operation_name, self.variables]
        return sha256(orjson.dumps(asked, _in_digest, orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS)).digest()

    def discard_uploads(self) -> None:
        """Remove the files that came with the request, once it is answered."""
        for upload in uploads_in(self.variables):
            upload.discard()


def _in_digest(value: object) -> Any:
    if isinstance(value, Upload):
        return {"name": value.name, "sha256": value.sha256}
    raise TypeError(f"{type(value).__name__} is no part of a GraphQL request")


@dataclass(frozen=True)
class Receiving:
    """Where files that come with requests go, and how many bytes one may have by what is asked."""

    incoming: Incoming
    largest_file: Callable[[GraphQLRequest], int] = lambda asked: MOST_BYTES


def answer_type(request: Request) -> str | None:
    """The media type to answer in, by the Accept header; None where neither of ours is acceptable."""
    accepted = request.headers.get("accept", "*/*") or "*/*"
    weights: dict[str, float] = {}
    for item in accepted.split(","):
        media, *parameters = (part.strip() for part in item.split(";"))
        weight = next((part[2:] for part in parameters if part.startswith("q=")), "1")
        try:
            weights[media.lower()] = float(weight)
        except ValueError:
            continue

    def weight_of(media: str) -> float:
        return weights.get(media, weights.get("application/*", weights.get("*/*", 0.0)))

    best = max((JSON, GRAPHQL), key=lambda media: (weight_of(media), media in weights))
    return best if weight_of(best) > 0 else None


def prefers_page(request: Request) -> bool:
    """Whether a person is looking: a browser asks for HTML before anything else."""
    return "text/html" in request.headers.get("accept", "") and "query" not in request.query_params


async def read_request(request: Request, maximum: int, receiving: Receiving | None = None) -> GraphQLRequest:
    """The GraphQL request in an HTTP request. Raises Unreadable.

    Files in it are the caller's to discard (`discard_uploads`); without `receiving` none are taken.
    """
    if request.method == "GET":
        return from_members(_from_query(request))
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media == MULTIPART and receiving is not None:
        largest_file = receiving.largest_file
        return from_members(
            await read_multipart(
                request, maximum, receiving.incoming, lambda members: largest_file(from_members(members))
            )
        )
    if media != JSON:
        raise Unreadable(
            415,
            f"The body is {media or 'of no stated type'}; send JSON with Content-Type: application/json, "
            f"or files with {MULTIPART}.",
        )
    body = await _body(request, maximum)
    try:
        members = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Unreadable(400, 'The body is no JSON; send {"query": "…", "variables": {…}}.') from None
    if isinstance(members, list):
        raise Unreadable(400, "The body is a list; operations are sent one by one, as JSON objects.")
    if not isinstance(members, dict):
        raise Unreadable(400, "The body is no JSON object; send one with the member query.")
    return from_members(members)


async def _body(request: Request, maximum: int) -> bytes:
    too_large = Unreadable(413, f"The body has more than {maximum:,} bytes, which is the most that is read.")
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > maximum:
        raise too_large
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > maximum:
            raise too_large
        chunks.append(chunk)
    return b"".join(chunks)


def _from_query(request: Request) -> dict[str, Any]:
    members: dict[str, Any] = dict(request.query_params)
    for name in ("variables", "extensions"):
        if members.get(name):
            try:
                members[name] = orjson.loads(members[name])
            except orjson.JSONDecodeError:
                raise Unreadable(400, f"The parameter {name} is no JSON; send a JSON object.") from None
    return members


def from_members(members: Mapping[str, Any]) -> GraphQLRequest:
    """The GraphQL request in a JSON object. Raises Unreadable."""
    query, name = members.get("query"), members.get("operationName")
    variables, extensions = members.get("variables"), members.get("extensions")
    if query is None:
        raise Unreadable(400, "query is missing; send the GraphQL document as text.")
    if not isinstance(query, str):
        raise Unreadable(400, f"query is {_kind(query)}; send the GraphQL document as text.")
    if name is not None and not isinstance(name, str):
        raise Unreadable(400, f"operationName is {_kind(name)}; send the operation's name as text, or leave it out.")
    for member, value in (("variables", variables), ("extensions", extensions)):
        if value is not None and not isinstance(value, dict):
            raise Unreadable(400, f"{member} is {_kind(value)}; send a JSON object, or leave it out.")
    return GraphQLRequest(query, name or None, variables or {})


def _kind(value: object) -> str:
    kinds = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object"}
    return kinds.get(type(value), "null")

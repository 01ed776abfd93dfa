"""Reading a GraphQL request from HTTP, as the GraphQL-over-HTTP specification has it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

import orjson
from starlette.requests import ClientDisconnect, Request

from ascms.planning.document import RequestErrors
from ascms.planning.problems import bad_input
from ascms.storage import MOST_BYTES, Incoming, Upload

from .bodies import read_json
from .persisted import PREFIX, Persisted
from .unreadable import Unreadable
from .uploads import MULTIPART, read_multipart, uploads_in

GRAPHQL: Final = "application/graphql-response+json"
JSON: Final = "application/json"


@dataclass(frozen=True)
class GraphQLRequest:
    """A document with its variables; which of its operations to run, if it has several.

    `query` is the text, whether it was sent or named. `keep_as`: the name that the client sent beside it.
    """

    query: str
    operation_name: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    keep_as: str | None = None

    def digest(self) -> bytes:
        """The SHA-256 of what is asked, however it is spelt in JSON or named; of a file, its name and content count."""
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


@lru_cache(maxsize=256)
def answer_type(accept: str | None) -> str | None:
    """The media type to answer in, by the Accept header; None where neither of ours is acceptable."""
    weights: dict[str, float] = {}
    for item in (accept or "*/*").split(","):
        media, *parameters = (part.strip().lower() for part in item.split(";"))
        weight = next((part[2:] for part in parameters if part.startswith("q=")), "1")
        try:
            weights[media] = float(weight)
        except ValueError:
            continue

    def weight_of(media: str) -> float:
        return weights.get(media, weights.get("application/*", weights.get("*/*", 0.0)))

    # Who names both alike knows the newer one, whose statuses tell more.
    both = (GRAPHQL, JSON) if {GRAPHQL, JSON} <= weights.keys() else (JSON, GRAPHQL)
    best = max(both, key=lambda media: (weight_of(media), media in weights))
    return best if weight_of(best) > 0 else None


def prefers_page(request: Request) -> bool:
    """Whether a person is looking: a browser asks for HTML before anything else."""
    asks = not request.query_params.keys().isdisjoint(("query", "documentId", "extensions"))
    return "text/html" in request.headers.get("accept", "") and not asks


async def read_request(
    request: Request, maximum: int, persisted: Persisted, receiving: Callable[[], Receiving] | None = None
) -> GraphQLRequest:
    """The GraphQL request in an HTTP request. Raises Unreadable; RequestErrors for a name that stands for nothing.

    Files in it are the caller's to discard (`discard_uploads`); without `receiving` none are taken.
    """
    if request.method != "POST":
        return from_members(_from_query(request), persisted)
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media == MULTIPART and receiving is not None:
        return await _with_files(request, maximum, persisted, receiving())
    if media != JSON:
        raise Unreadable(
            415,
            f"The body is {media or 'of no stated type'}; send JSON with Content-Type: application/json, "
            f"or files with {MULTIPART}.",
        )
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding != "identity":
        raise Unreadable(
            415, "The body is compressed (Content-Encoding); send it as it is.", {"Accept-Encoding": "identity"}
        )
    body = await _body(request, maximum)
    members = read_json(body, 'The body is no JSON; send {"query": "…", "variables": {…}}.')
    if isinstance(members, list):
        message = "The body is a list; operations are sent one by one, as JSON objects."
        raise Unreadable(400, message, code="BATCHING_OFF")
    if not isinstance(members, dict):
        raise Unreadable(400, "The body is no JSON object; send one with the member query.")
    return from_members(members, persisted)


async def _with_files(request: Request, maximum: int, persisted: Persisted, receiving: Receiving) -> GraphQLRequest:
    asked: list[GraphQLRequest] = []  # once, before the files: by their end the text may be known by its name no more

    def largest_file(members: Mapping[str, Any]) -> int:
        asked.append(from_members(members, persisted))
        return receiving.largest_file(asked[0])

    members = await read_multipart(request, maximum, receiving.incoming, largest_file)
    return replace(asked[0], variables=members.get("variables") or {})


def _too_large(maximum: int, given: int | None = None) -> Unreadable:
    has = f"{given:,}" if given is not None else f"more than {maximum:,}"
    return Unreadable(413, f"The body has {has} bytes; {maximum:,} at most are read. Send less at a time.")


async def _body(request: Request, maximum: int) -> bytes:
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > maximum:
        raise _too_large(maximum, int(length))
    chunks, size, more = [], 0, True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk, more = message.get("body", b""), message.get("more_body", False)
        size += len(chunk)
        if size > maximum:
            raise _too_large(maximum)
        chunks.append(chunk)
    return b"".join(chunks)


def _from_query(request: Request) -> dict[str, Any]:
    members: dict[str, Any] = dict(request.query_params)
    for name in ("variables", "extensions"):
        if members.get(name):
            members[name] = read_json(members[name], f"The parameter {name} is no JSON; send a JSON object.")
    return members


def from_members(members: Mapping[str, Any], persisted: Persisted) -> GraphQLRequest:
    """The GraphQL request in a JSON object. Raises Unreadable; RequestErrors for a name that stands for nothing."""
    query, name = members.get("query"), members.get("operationName")
    variables, extensions = members.get("variables"), members.get("extensions")
    if query is not None and not isinstance(query, str):
        raise Unreadable(400, f"query is {_kind(query)}; send the GraphQL document as text.")
    if name is not None and not isinstance(name, str):
        raise Unreadable(400, f"operationName is {_kind(name)}; send the operation's name as text, or leave it out.")
    for member, value in (("variables", variables), ("extensions", extensions)):
        if value is not None and not isinstance(value, dict):
            raise Unreadable(400, f"{member} is {_kind(value)}; send a JSON object, or leave it out.")
    identified, automatic = _document_id(members), _automatic(extensions or {})
    if query is None and identified is None and automatic is None:
        raise Unreadable(400, "query is missing; send the GraphQL document as text, or the documentId of one.")
    if None not in (identified, automatic) and identified != automatic:
        message = "documentId and extensions.persistedQuery name two documents; send one of them."
        raise RequestErrors([bad_input(message)])
    document = identified if automatic is None else automatic
    text = persisted.resolve(query, document, automatic=automatic is not None)
    return GraphQLRequest(text, name or None, variables or {}, document if query else None)


def _document_id(members: Mapping[str, Any]) -> str | None:
    """The document that `documentId` names, without its prefix."""
    identified = members.get("documentId")
    if identified is not None and (not isinstance(identified, str) or not identified):
        raise Unreadable(
            400, f'documentId is {_missing_or(identified)}; send "{PREFIX}<SHA-256 of the document>", or leave it out.'
        )
    return identified.removeprefix(PREFIX) if identified else None


def _automatic(extensions: Mapping[str, Any]) -> str | None:
    """The document that Apollo's protocol of automatic persisted queries names."""
    named = extensions.get("persistedQuery")
    if named is None:
        return None
    how = 'send {"version": 1, "sha256Hash": "<SHA-256 of the document>"}, or leave it out.'
    if not isinstance(named, dict):
        raise Unreadable(400, f"extensions.persistedQuery is {_kind(named)}; {how}")
    version, document = named.get("version"), named.get("sha256Hash")
    if not isinstance(version, int) or isinstance(version, bool):
        raise Unreadable(400, f"extensions.persistedQuery.version is {_missing_or(version)}; {how}")
    if not isinstance(document, str) or not document:
        raise Unreadable(400, f"extensions.persistedQuery.sha256Hash is {_missing_or(document)}; {how}")
    if version != 1:
        raise RequestErrors([bad_input(f"extensions.persistedQuery.version is {version}, which is not known; {how}")])
    return document.removeprefix(PREFIX)


def _missing_or(value: object) -> str:
    return "missing" if value is None else "empty" if value == "" else _kind(value)


def _kind(value: object) -> str:
    kinds = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object"}
    return kinds.get(type(value), "null")

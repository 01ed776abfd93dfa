"""Files that come with a GraphQL request, as the GraphQL multipart request specification has it.

https://github.com/jaydenseric/graphql-multipart-request-spec: `operations`, then `map`, then the files. What is read
is bounded at each step, files go to the disk while they come, and whoever asks is known before any of it is read.

A form on another site can post such a body without the browser asking anybody. It can do nothing here: who asks is
told by the header `Authorization` alone, which no form can send, and there are no cookies.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.requests import ClientDisconnect, Request

from ascms.storage import Arriving, Incoming, TooLarge, Upload

from .bodies import read_json
from .unreadable import Unreadable

MULTIPART: Final = "multipart/form-data"
MOST_FILES: Final = 10
MOST_AROUND: Final = 65_536
"""Bytes of boundaries, headers and whatever else surrounds the parts."""
_SPECIFICATION: Final = "https://github.com/jaydenseric/graphql-multipart-request-spec"

Members = dict[str, Any]
"""The members of a GraphQL request: query, variables, operationName."""
LargestFile = Callable[[Members], int]
"""How many bytes a file may have, by what is asked. Raises Unreadable where it is no GraphQL request."""


async def read_multipart(request: Request, most: int, incoming: Incoming, largest: LargestFile) -> Members:
    """The members of the request, with an Upload for each file in its variables: the caller's to discard.

    `operations` and `map` have `most` bytes at most. Raises Unreadable; no file is left behind then.
    """
    reading = _Reading(most, incoming, largest)
    try:
        parts = _Parts(_boundary(request))
        async for data in request.stream():
            for part in parts.feed(data):
                await reading.take(part)
            if parts.around > MOST_AROUND:
                raise Unreadable(413, f"The body has more than {MOST_AROUND:,} bytes around its parts.")
        return reading.finish(parts.ended)
    except BaseException as error:
        reading.discard()
        if isinstance(error, FormParserError):
            raise Unreadable(400, f"The body is no multipart/form-data as {_SPECIFICATION} has it.") from None
        if isinstance(error, ClientDisconnect):
            raise Unreadable(400, "The connection ended before the body did; send it again.") from None
        raise


def uploads_in(value: Any) -> Iterator[Upload]:
    """Every file in a request's variables."""
    if isinstance(value, Upload):
        yield value
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from uploads_in(member)
    elif isinstance(value, list):
        for item in value:
            yield from uploads_in(item)


def _boundary(request: Request) -> bytes:
    _, options = parse_options_header(request.headers["content-type"])
    boundary = options.get(b"boundary", b"")
    if not 0 < len(boundary) <= 70:
        raise Unreadable(400, "Content-Type names no boundary of 1 to 70 characters; leave it to the client's library.")
    return boundary


# Parts -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Begin:
    """A part begins: its name, and what the client says of its file."""

    name: str
    filename: str
    media_type: str


@dataclass(frozen=True, slots=True)
class _End:
    """The part ends."""


class _Parts:
    """Cuts a body into its parts: each begins, has pieces of content, and ends."""

    def __init__(self, boundary: bytes) -> None:
        self._headers: dict[str, bytes] = {}
        self._header, self._value = bytearray(), bytearray()
        self._found: list[_Begin | bytes | _End] = []
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._headers.clear,
                "on_header_field": lambda data, start, end: self._header.extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
                "on_header_end": self._keep_header,
                "on_headers_finished": self._begin,
                "on_part_data": lambda data, start, end: self._found.append(data[start:end]),
                "on_part_end": lambda: self._found.append(_End()),
                "on_end": self._end,
            },
        )
        self.ended = False
        """Whether the last boundary was met."""
        self.around = 0
        """Bytes outside of the parts' contents, up to now."""

    def feed(self, data: bytes) -> Sequence[_Begin | bytes | _End]:
        """What a piece of the body holds. Raises FormParserError."""
        self._found = []
        if not self.ended:
            self._parser.write(data)
        self.around += len(data) - sum(len(found) for found in self._found if isinstance(found, bytes))
        return self._found

    def _keep_header(self) -> None:
        self._headers[self._header.decode("latin-1").lower()] = bytes(self._value)
        self._header, self._value = bytearray(), bytearray()

    def _begin(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition"))
        name, filename = (options.get(option, b"").decode(errors="replace") for option in (b"name", b"filename"))
        media_type = self._headers.get("content-type", b"").decode("latin-1")
        self._found.append(_Begin(name, filename, media_type))

    def _end(self) -> None:
        self.ended = True


# What they mean ----------------------------------------------------------------------------------------------


class _Reading:
    """Takes the parts in their order: operations, map, files."""

    def __init__(self, most: int, incoming: Incoming, largest: LargestFile) -> None:
        self._most = most
        self._incoming = incoming
        self._largest = largest
        self._limit = 0
        self._members: Members | None = None
        self._map: dict[str, list[str]] | None = None
        self._files: dict[str, Upload] = {}
        self._part: _Begin | None = None
        self._text = bytearray()
        self._arriving: Arriving | None = None

    async def take(self, part: _Begin | bytes | _End) -> None:
        """A part's beginning, a piece of it, or its end. Raises Unreadable."""
        if isinstance(part, _Begin):
            self._begin(part)
        elif isinstance(part, bytes):
            await self._add(part)
        else:
            await self._end()

    def finish(self, ended: bool) -> Members:
        """The members with their files, when all was taken. Raises Unreadable where something is missing."""
        if not ended or self._members is None or self._map is None:
            raise Unreadable(400, f"The body ends before operations, map and files are whole; see {_SPECIFICATION}.")
        missing = [paths[0] for name, paths in self._map.items() if name not in self._files]
        if missing:
            raise Unreadable(400, f"map promises a file for {missing[0]}, and the body has none; send it as a part.")
        for name, paths in self._map.items():
            for path in paths:
                container, key = _place(self._members, path)
                container[key] = self._files[name]
        return self._members

    def discard(self) -> None:
        """Remove the files that came."""
        if self._arriving is not None:
            self._arriving.close()
        for upload in self._files.values():
            upload.discard()

    # Steps ---------------------------------------------------------------------------------------------------

    def _begin(self, part: _Begin) -> None:
        self._part, self._text = part, bytearray()
        expected = "operations" if self._members is None else "map" if self._map is None else None
        if expected is not None:
            if part.name != expected:
                raise Unreadable(400, f"The part {expected} is missing where it belongs: operations, map, then files.")
            return
        assert self._map is not None
        if part.name not in self._map:
            raise Unreadable(400, "The body has a part that map does not name; send operations, map and its files.")
        if part.name in self._files:
            raise Unreadable(400, f"The file for {self._map[part.name][0]} comes twice; send it once.")
        self._arriving = Arriving(self._incoming, self._limit)

    async def _add(self, data: bytes) -> None:
        if self._arriving is None:
            self._most -= len(data)
            if self._most < 0:
                raise Unreadable(413, "operations and map have more bytes than are read; send less beside the files.")
            self._text += data
            return
        try:
            await self._arriving.take(data)
        except TooLarge as error:
            assert self._map is not None
            assert self._part is not None
            message = (
                f"The file for {self._map[self._part.name][0]} has more than {error.limit:,} bytes, the most kept."
            )
            raise Unreadable(413, message, code="FILE_TOO_LARGE") from None

    async def _end(self) -> None:
        assert self._part is not None
        if self._arriving is not None:
            self._files[self._part.name] = await self._arriving.whole(self._part.filename, self._part.media_type)
            self._arriving = None
        elif self._members is None:
            self._members = _operations(self._text)
            self._limit = self._largest(self._members)
        else:
            self._map = _map(self._text, self._members)


def _operations(text: bytes | bytearray) -> Members:
    members = read_json(text, 'operations is no JSON; send {"query": "…", "variables": {…}}.')
    if isinstance(members, list):
        message = "operations is a list; operations are sent one by one, as JSON objects."
        raise Unreadable(400, message, code="BATCHING_OFF")
    if not isinstance(members, dict):
        raise Unreadable(400, "operations is no JSON object; send one with the member query.")
    return members


def _map(text: bytes | bytearray, members: Members) -> dict[str, list[str]]:
    """Which part is the file for which places in the variables. Raises Unreadable."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict) or not all(_is_paths(paths) for paths in found.values()):
        raise Unreadable(400, 'map is no JSON object of lists of paths; send {"0": ["variables.input.file"]}.')
    if len(found) > MOST_FILES:
        message = (
            f"map names {len(found)} files; {MOST_FILES} at most come with a request. Send the others by themselves."
        )
        raise Unreadable(413, message, code="TOO_MANY_FILES")
    paths = [path for paths in found.values() for path in paths]
    for path in paths:
        container, key = _place(members, path)
        if container[key] is not None or paths.count(path) > 1:
            raise Unreadable(400, f"map names {path}, which is not null; leave null, once, where a file belongs.")
    return found


def _is_paths(paths: Any) -> bool:
    return isinstance(paths, list) and 0 < len(paths) <= MOST_FILES and all(isinstance(path, str) for path in paths)


def _place(members: Members, path: str) -> tuple[Any, Any]:
    """The object or list in the variables, and the member or position in it, that a path names. Raises Unreadable."""
    steps = path.split(".")
    container: Any = None
    step: Any = None
    inside: Any = members
    for name in steps if steps[0] == "variables" and len(steps) > 1 else ():
        try:
            container, step = inside, int(name) if isinstance(inside, list) else name
            inside = container[step]
        except (LookupError, TypeError, ValueError):
            container = None
            break
    if container is None:
        raise Unreadable(400, f"map names {path[:100]}, which the variables do not have; give a path into them.")
    return container, step

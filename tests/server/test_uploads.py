"""Files that come with a GraphQL request: what is read of a body, up to where, and what is left on the disk."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st
from starlette.requests import Request

from ascms.server.persisted import Persisted
from ascms.server.requests import GraphQLRequest, Receiving, read_request
from ascms.server.unreadable import Unreadable
from ascms.storage import MOST_BYTES, Incoming, Upload

BOUNDARY = "----a-boundary"
QUERY = "mutation($input: AddFileInput!) { addFile(input: $input) { problems { message } } }"
ONE = {"query": QUERY, "variables": {"input": {"file": None}}}
MAP = {"0": ["variables.input.file"]}
MOST = 20_000
"""Of operations and map, in these tests."""

Part = tuple[str, str | None, bytes]
"""Name, file name and content."""


def part(name: str, filename: str | None, content: bytes) -> bytes:
    named = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename is not None else "")
    kind = "" if filename is None else "\r\nContent-Type: application/x-declared"
    return f"--{BOUNDARY}\r\nContent-Disposition: {named}{kind}\r\n\r\n".encode() + content + b"\r\n"


def body(operations: Any = ONE, paths: Any = MAP, *files: Part) -> bytes:
    text = [operations if isinstance(operations, bytes) else json.dumps(operations).encode()]
    text.append(paths if isinstance(paths, bytes) else json.dumps(paths).encode())
    parts = [("operations", None, text[0]), ("map", None, text[1]), *(files or [("0", "a.txt", b"content")])]
    return b"".join(part(*one) for one in parts) + f"--{BOUNDARY}--\r\n".encode()


def cut(content: bytes, piece: int) -> Iterator[bytes]:
    return (content[at : at + piece] for at in range(0, len(content), piece))


@pytest.fixture
def incoming(tmp_path: Path) -> Incoming:
    return Incoming(tmp_path / "incoming")


Read = Callable[..., Any]


def reader(incoming: Incoming) -> Read:
    """Reads a body as the endpoint does, in pieces; `ends` is what comes after them."""

    async def read_body(
        content: bytes | Iterator[bytes],
        *,
        most: int = MOST,
        largest: Callable[[GraphQLRequest], int] = lambda asked: MOST_BYTES,
        content_type: str = f"multipart/form-data; boundary={BOUNDARY}",
        ends: Mapping[str, Any] | None = None,
        piece: int = 7_919,
    ) -> GraphQLRequest:
        pieces = cut(content, piece) if isinstance(content, bytes) else content
        requests = ({"type": "http.request", "body": one, "more_body": True} for one in pieces)
        messages = chain(requests, [ends or {"type": "http.request", "body": b"", "more_body": False}])

        async def receive() -> Any:
            return next(messages)

        scope = {"type": "http", "method": "POST", "headers": [(b"content-type", content_type.encode())]}
        return await read_request(Request(scope, receive), most, Persisted(), lambda: Receiving(incoming, largest))

    return read_body


@pytest.fixture
def read(incoming: Incoming) -> Read:
    return reader(incoming)


def left(incoming: Incoming) -> list[Path]:
    return list(incoming.folder.iterdir()) if incoming.folder.exists() else []


async def refused(reading: Any, incoming: Incoming) -> Unreadable:
    """Why a body is not read; nothing of it is left."""
    with pytest.raises(Unreadable) as refusal:
        await reading
    assert left(incoming) == []
    return refusal.value


# What is read ------------------------------------------------------------------------------------------------


async def test_a_file_stands_in_its_place_in_the_variables(read: Read, incoming: Incoming) -> None:
    content = bytes(range(256)) * 100
    asked = await read(body(ONE, MAP, ("0", "Ngā kōrero.pdf", content)))
    upload = asked.variables["input"]["file"]
    assert isinstance(upload, Upload)
    assert (upload.name, upload.declared_type) == ("Ngā kōrero.pdf", "application/x-declared")
    assert (upload.size, upload.sha256) == (len(content), sha256(content).hexdigest())
    assert upload.path.read_bytes() == content
    assert asked.query == QUERY
    asked.discard_uploads()
    assert left(incoming) == []


@pytest.mark.parametrize("piece", [1, 2, 3, 64, 100_000])
async def test_however_the_body_is_cut_it_is_read_alike(read: Read, piece: int) -> None:
    content = f"\r\n--{BOUNDARY[:-1]}\r\n--{BOUNDARY}x".encode() * 3
    asked = await read(body(ONE, MAP, ("0", "a.txt", content)), piece=piece)
    assert asked.variables["input"]["file"].path.read_bytes() == content


async def test_files_stand_in_lists_and_one_file_may_stand_in_two_places(read: Read) -> None:
    operations = {"query": "{ a }", "variables": {"files": [None, None, {"deep": None}]}, "operationName": "B"}
    paths = {"a": ["variables.files.1"], "b": ["variables.files.0", "variables.files.2.deep"]}
    asked = await read(body(operations, paths, ("b", "b.txt", b"b"), ("a", "a.txt", b"a")))
    first, second, third = asked.variables["files"]
    assert (first.name, second.name, third["deep"].name) == ("b.txt", "a.txt", "b.txt")
    assert asked.operation_name == "B"


async def test_a_request_without_files_may_come_so_too(read: Read) -> None:
    whole = part("operations", None, b'{"query": "{ a }"}') + part("map", None, b"{}") + f"--{BOUNDARY}--".encode()
    assert await read(whole) == GraphQLRequest("{ a }")


@given(content=st.binary(max_size=2_000), piece=st.integers(1, 500))
def test_whatever_a_file_holds_it_arrives(tmp_path_factory: pytest.TempPathFactory, content: bytes, piece: int) -> None:
    incoming = Incoming(tmp_path_factory.getbasetemp() / "incoming")
    asked = asyncio.run(reader(incoming)(body(ONE, MAP, ("0", "a", content)), piece=piece))
    assert asked.variables["input"]["file"].path.read_bytes() == content
    asked.discard_uploads()


# What is asked, hashed ---------------------------------------------------------------------------------------


async def test_the_digest_of_what_is_asked_tells_contents_and_names_apart(read: Read) -> None:
    same = [await read(body(ONE, MAP, ("0", "a.txt", b"a"))), await read(body(ONE, MAP, ("0", "a.txt", b"a")))]
    spelt = {"variables": {"input": {"file": None}}, "query": QUERY}
    same.append(await read(body(json.dumps(spelt, indent=2).encode(), {"x": MAP["0"]}, ("x", "a.txt", b"a"))))
    others = [await read(body(ONE, MAP, ("0", "a.txt", b"b"))), await read(body(ONE, MAP, ("0", "b.txt", b"a")))]
    assert len({asked.digest() for asked in same}) == 1
    assert len({asked.digest() for asked in (same[0], *others)}) == 3


# Bounds ------------------------------------------------------------------------------------------------------


async def test_25_mib_are_read_and_one_byte_more_is_not(read: Read, incoming: Incoming) -> None:
    content = b"a" * MOST_BYTES
    asked = await read(body(ONE, MAP, ("0", "a.txt", content)), piece=1_000_003)
    assert asked.variables["input"]["file"].size == 26_214_400
    asked.discard_uploads()
    refusal = await refused(read(body(ONE, MAP, ("0", "a.txt", content + b"a")), piece=1_000_003), incoming)
    assert refusal.status == 413
    assert "variables.input.file" in refusal.message
    assert "26,214,400" in refusal.message


async def test_what_is_too_large_is_not_waited_for(read: Read, incoming: Incoming) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        yield body(ONE, MAP, ("0", "a.txt", b"")).removesuffix(f"\r\n--{BOUNDARY}--\r\n".encode())
        for sent in range(1, 1_000):  # noqa: B007
            yield b"a" * 400

    refusal = await refused(read(endless(), largest=lambda asked: 1_000), incoming)
    assert (refusal.status, sent) == (413, 3)


async def test_the_limit_of_a_file_depends_on_what_is_asked(read: Read, incoming: Incoming) -> None:
    def largest(asked: GraphQLRequest) -> int:
        return 2_000 if "large" in asked.query else 1_000

    large = {"query": "mutation { large }", "variables": {"input": {"file": None}}}
    asked = await read(body(large, MAP, ("0", "a", b"a" * 2_000)), largest=largest)
    assert asked.variables["input"]["file"].size == 2_000
    asked.discard_uploads()
    assert (await refused(read(body(ONE, MAP, ("0", "a", b"a" * 2_000)), largest=largest), incoming)).status == 413


@pytest.mark.parametrize("padded", ["operations", "map"])
async def test_operations_and_map_have_the_limit_of_a_body(read: Read, incoming: Incoming, padded: str) -> None:
    def padding(text: Any, more: int) -> bytes:
        encoded = json.dumps(text).encode()
        return encoded + b" " * more

    around = len(json.dumps(ONE)) + len(json.dumps(MAP))

    def padded_body(size: int) -> bytes:
        more = size - around
        operations = padding(ONE, more if padded == "operations" else 0)
        return body(operations, padding(MAP, more if padded == "map" else 0))

    asked = await read(padded_body(MOST))
    asked.discard_uploads()
    assert (await refused(read(padded_body(MOST + 1)), incoming)).status == 413


async def test_ten_files_come_with_a_request_and_not_eleven(read: Read, incoming: Incoming) -> None:
    def with_files(count: int) -> bytes:
        operations = {"query": "{ a }", "variables": {"files": [None] * count}}
        files = [(str(at), "a", b"a") for at in range(count)]
        return body(operations, {str(at): [f"variables.files.{at}"] for at in range(count)}, *files)

    asked = await read(with_files(10))
    assert len(left(incoming)) == 10
    asked.discard_uploads()
    refusal = await refused(read(with_files(11)), incoming)
    assert refusal.status == 413
    assert "10" in refusal.message


@pytest.mark.parametrize(
    "around",
    [
        pytest.param(lambda whole: b"x" * 200_000 + whole, id="before the first part"),
        pytest.param(lambda whole: whole + b"x" * 200_000, id="after the last part"),
        pytest.param(
            lambda whole: whole.replace(b"\r\n\r\ncontent", b"\r\n" + b"X: y\r\n" * 30_000 + b"\r\ncontent"),
            id="headers",
        ),
        pytest.param(
            lambda whole: whole.replace(b"\r\n\r\ncontent", b"\r\nX: " + b"y" * 100_000 + b"\r\n\r\ncontent"),
            id="a header",
        ),
    ],
)
async def test_what_surrounds_the_parts_is_bounded(
    read: Read, incoming: Incoming, around: Callable[[bytes], bytes]
) -> None:
    assert (await refused(read(around(body())), incoming)).status in {400, 413}


# What is refused ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(body(b"{"), "operations is no JSON", id="operations that are no JSON"),
        pytest.param(body([ONE]), "one by one", id="a batch"),
        pytest.param(body(b"1"), "no JSON object", id="operations that are no object"),
        pytest.param(body({"variables": {"input": {"file": None}}}), "query is missing", id="no query"),
        pytest.param(body({"query": 1}), "query is a number", id="a query that is no text"),
        pytest.param(body({"query": "{ a }", "variables": [None]}, {"0": ["variables.0"]}), "variables", id="a list"),
        pytest.param(body(ONE, b"["), "map is no JSON object", id="a map that is no JSON"),
        pytest.param(body(ONE, []), "map is no JSON object", id="a map that is no object"),
        pytest.param(body(ONE, {"0": "variables.input.file"}), "lists of paths", id="a path that is no list"),
        pytest.param(body(ONE, {"0": []}), "lists of paths", id="a file without a place"),
        pytest.param(body(ONE, {"0": [1]}), "lists of paths", id="a path that is no text"),
        pytest.param(body(ONE, {"0": ["variables.input.other"]}), "do not have", id="a path to nothing"),
        pytest.param(body(ONE, {"0": ["variables.input.file.name"]}), "do not have", id="a path through null"),
        pytest.param(body(ONE, {"0": ["variables.input"]}), "not null", id="a path to an object"),
        pytest.param(body(ONE, {"0": ["variables"]}), "do not have", id="a path to the variables"),
        pytest.param(body(ONE, {"0": ["query"]}), "do not have", id="a path to the query"),
        pytest.param(body(ONE, {"0": ["extensions.a"]}), "do not have", id="a path out of the variables"),
        pytest.param(body(ONE, {"0": ["0.variables.input.file"]}), "do not have", id="a path into a batch"),
        pytest.param(body(ONE, {"0": ["variables.input.file"] * 2}), "once", id="a place twice"),
        pytest.param(body(ONE, {**MAP, "1": MAP["0"]}), "once", id="a place for two files"),
        pytest.param(
            body({"query": "{ a }", "variables": {"f": [None]}}, {"0": [f"variables.f.{'9' * 5_000}"]}),
            "do not have",
            id="a position that is too long a number",
        ),
        pytest.param(
            body({"query": "{ a }", "variables": {"f": [None]}}, {"0": ["variables.f.x"]}),
            "do not have",
            id="no number",
        ),
        pytest.param(body(ONE, {**MAP, "1": ["variables.b"]}), "do not have", id="one of two places"),
        pytest.param(body(ONE, MAP, ("1", "a", b"a")), "does not name", id="a file that the map does not name"),
        pytest.param(body(ONE, MAP, ("0", "a", b"a"), ("0", "b", b"b")), "comes twice", id="a file that comes twice"),
        pytest.param(
            body({"query": "", "variables": {"a": None, "b": None}}, {"0": ["variables.a"], "1": ["variables.b"]}),
            "promises a file for variables.b",
            id="a file that does not come",
        ),
        pytest.param(part("map", None, b"{}") + body(), "operations, map, then files", id="map first"),
        pytest.param(part("0", "a", b"a") + body(), "operations, map, then files", id="a file first"),
        pytest.param(
            part("operations", None, json.dumps(ONE).encode()) + body(), "operations, map, then files", id="no map"
        ),
        pytest.param(b"", "ends before", id="nothing"),
        pytest.param(b"no parts at all", "multipart", id="something else"),
        pytest.param(b'{"query": "{ a }"}', "multipart", id="JSON"),
        pytest.param(body()[:-10], "ends before", id="without its end"),
        pytest.param(body()[:-200], "ends before", id="cut in a file's headers"),
        pytest.param(part("operations", None, b"{}").replace(b"form-data; name", b"x; other"), "missing", id="no name"),
    ],
)
async def test_what_is_no_request_with_files_is_refused_and_leaves_nothing(
    read: Read, incoming: Incoming, content: bytes, told: str
) -> None:
    refusal = await refused(read(content), incoming)
    assert refusal.status == 400
    assert told in refusal.message


@pytest.mark.parametrize(
    "content_type",
    ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=" + "a" * 71],
)
async def test_a_content_type_names_its_boundary(read: Read, incoming: Incoming, content_type: str) -> None:
    refusal = await refused(read(body(), content_type=content_type), incoming)
    assert (refusal.status, "boundary" in refusal.message) == (400, True)


@pytest.mark.parametrize("media", ["multipart/mixed", "application/x-www-form-urlencoded", "text/plain"])
async def test_no_other_kind_of_form_is_read(read: Read, incoming: Incoming, media: str) -> None:
    assert (await refused(read(body(), content_type=f"{media}; boundary={BOUNDARY}"), incoming)).status == 415


async def test_a_client_that_leaves_leaves_nothing_behind(read: Read, incoming: Incoming) -> None:
    begun = body(ONE, MAP, ("0", "a", b"a" * 3_000_000))[:2_000_000]
    refusal = await refused(read(begun, ends={"type": "http.disconnect"}), incoming)
    assert refusal.status == 400


async def test_reading_that_is_called_off_leaves_nothing_behind(incoming: Incoming) -> None:
    begun = body(ONE, MAP, ("0", "a", b"a" * 3_000_000))[:2_000_000]
    waiting = asyncio.Event()

    async def messages() -> AsyncGenerator[Any, None]:
        yield {"type": "http.request", "body": begun, "more_body": True}
        waiting.set()
        await asyncio.Event().wait()

    source = messages()
    content_type = f"multipart/form-data; boundary={BOUNDARY}".encode()
    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", content_type)]}
    reading = asyncio.create_task(
        read_request(Request(scope, source.__anext__), MOST, Persisted(), lambda: Receiving(incoming))
    )
    await waiting.wait()
    assert len(left(incoming)) == 1
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert left(incoming) == []
    await source.aclose()


async def test_the_second_of_two_files_takes_the_first_with_it(read: Read, incoming: Incoming) -> None:
    operations = {"query": "{ a }", "variables": {"a": None, "b": None}}
    files = [("0", "a", b"a" * 10), ("1", "b", b"b" * 11)]
    whole = body(operations, {"0": ["variables.a"], "1": ["variables.b"]}, *files)
    assert (await refused(read(whole, largest=lambda asked: 10), incoming)).status == 413

"""The request under way: what may be told of it, wherever somebody has something to tell.

A request's name comes from the client or from what stands before us, where it is one that can name nobody: hexadecimal
digits and dashes, or the trace of a W3C `traceparent`. Else it is made here. Nothing else that a client writes is kept:
of the path only the route, of the document its hash, and its name only where the document is trusted.
"""

import re
from collections.abc import Iterable
from contextvars import ContextVar
from random import getrandbits
from typing import Final

_NAME: Final = re.compile(rb"[0-9A-Fa-f][0-9A-Fa-f-]{14,62}[0-9A-Fa-f]")
"""A UUID with or without dashes, what nginx calls `$request_id`, a trace."""
_TRACEPARENT: Final = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
_NO_TRACE: Final = b"0" * 32


class Exchange:
    """A request and its answer. `operation` is the SHA-256 of a document; keys are the database's own."""

    __slots__ = ("id", "method", "operation", "operation_name", "organisation_id", "route", "user_id")

    def __init__(self, name: str, method: str, route: str) -> None:
        self.id = name
        self.method = method
        self.route = route
        self.operation: str | None = None
        self.operation_name: str | None = None
        self.user_id: int | None = None
        self.organisation_id: int | None = None


PRESENT: Final[ContextVar[Exchange | None]] = ContextVar("ascms request", default=None)
"""The request that is being answered here."""


def new_name() -> str:
    """A name that no other request has."""
    return f"{getrandbits(128):032x}"


def name_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """What a request is called that came with these headers."""
    trace = None
    for header, value in headers:
        if header == b"x-request-id":
            if _NAME.fullmatch(value):
                return value.decode()
        elif header == b"traceparent":
            found = _TRACEPARENT.fullmatch(value)
            if found and found[1] != _NO_TRACE:
                trace = found[1].decode()
    return trace or new_name()


def present_name() -> str:
    """What the request under way is called; a new name where there is none."""
    exchange = PRESENT.get()
    return new_name() if exchange is None else exchange.id

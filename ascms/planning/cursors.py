"""Cursors: the sort keys of an edge, sealed. They tell nothing and serve nobody but the viewer they were given to.

AES-SIV is deterministic, so that the same edge always has the same cursor; the viewer, the organisation, the
list and its order are authenticated with it.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import date, datetime
from enum import Enum
from hashlib import sha512
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV


def plain(value: Any) -> Any:
    """A sort key as JSON has it."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):  # a datetime is one too
        return value.isoformat()
    return value


def reader_for(python_type: type) -> Callable[[Any], Any]:
    """How a sort key of `python_type` is read back."""
    if issubclass(python_type, datetime):
        return lambda value: None if value is None else datetime.fromisoformat(value)
    if issubclass(python_type, date):
        return lambda value: None if value is None else date.fromisoformat(value)
    return lambda value: value


class Cursors:
    """Seals and opens cursors with the installation's secret key."""

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESSIV(sha512(b"ascms cursor" + secret).digest())

    def seal(self, keys: Sequence[Any], bound_to: str) -> str:
        """The cursor of the edge with these sort keys, for what `bound_to` names."""
        sealed = self._cipher.encrypt(orjson.dumps([plain(key) for key in keys]), [bound_to.encode()])
        return urlsafe_b64encode(sealed).decode().rstrip("=")

    def open(self, cursor: str, bound_to: str) -> list[Any] | None:
        """The sort keys in a cursor; None if it was not sealed for what `bound_to` names."""
        try:
            sealed = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            opened: list[Any] = orjson.loads(self._cipher.decrypt(sealed, [bound_to.encode()]))
        except (InvalidTag, ValueError):
            return None
        return opened

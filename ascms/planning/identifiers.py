"""Global identifiers (Relay): the type's name and the row's key, base64url; opaque to clients."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from typing import NamedTuple

LARGEST_KEY = 2**63 - 1


class Identifier(NamedTuple):
    type_name: str
    key: int


def encode(type_name: str, key: int) -> str:
    """The global identifier of row `key` of a type."""
    return urlsafe_b64encode(f"{type_name}:{key}".encode()).decode().rstrip("=")


def decode(text: str) -> Identifier | None:
    """What a global identifier names; None if it was never issued by `encode`."""
    try:
        type_name, _, key = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().partition(":")
    except (Error, ValueError):
        return None
    if not (key.isascii() and key.isdigit()) or len(key) > 19 or int(key) > LARGEST_KEY:
        return None
    identifier = Identifier(type_name, int(key))
    return identifier if encode(*identifier) == text else None

"""What an entry says, in the one spelling that is hashed, and the keyed hashes that chain entries together.

The spelling is kept for as long as the log: what was written under it must verify years later. Every use of
the key is labelled, so that a hash made for one purpose is none for another.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

import orjson

_HEX_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class AccessRecord:
    """An operation that discloses students' data: when, who, for whom, in which roles, by what, what, and of whom.

    `operation_hash` is the SHA-256 of the document, in hexadecimal; `disclosed` and `redacted` are field
    coordinates (`Student.fullName`). Roles, coordinates and students may come in any order, and repeat.
    Raises ValueError for an instant without a timezone, or a hash that is none.
    """

    occurred_at: datetime
    user_id: int
    organisation_id: int | None
    roles: tuple[str, ...]
    operation_name: str | None
    operation_hash: str
    disclosed: tuple[str, ...]
    redacted: tuple[str, ...]
    students: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.occurred_at.tzinfo is None:
            raise ValueError(f"occurred_at needs a timezone, got {self.occurred_at!r}")
        if not _HEX_SHA256.fullmatch(self.operation_hash):
            raise ValueError(f"operation_hash is a SHA-256 in lower-case hexadecimal, got {self.operation_hash!r}")
        object.__setattr__(self, "occurred_at", self.occurred_at.astimezone(UTC))
        object.__setattr__(self, "roles", tuple(sorted(set(self.roles))))
        object.__setattr__(self, "students", tuple(sorted(set(self.students))))


@lru_cache(maxsize=4096)
def fingerprint(disclosed: tuple[str, ...], redacted: tuple[str, ...]) -> bytes:
    """The name under which a disclosure is stored: the SHA-256 of its sorted coordinates."""
    return hashlib.sha256(orjson.dumps([sorted(set(disclosed)), sorted(set(redacted))])).digest()


def students_json(students: Sequence[int]) -> bytes:
    """Students as an entry's mac covers them, and as those who are disclosed together are stored once."""
    return orjson.dumps(students)


class Content(NamedTuple):
    """What the mac of an entry covers: all that its rows say, the students as `students_json`."""

    chain: str
    sequence: int
    occurred_at: str
    user_id: int
    organisation_id: int | None
    roles: Sequence[str]
    operation_name: str | None
    operation_hash: str
    fingerprint: bytes
    students: bytes


def spelt(instant: datetime) -> str:
    """An instant in UTC as the mac covers it."""
    return instant.isoformat(timespec="microseconds")


def entry_mac(key: bytes, previous: bytes, content: Content) -> bytes:
    """The mac of an entry that follows the one with the mac `previous`."""
    *others, name, students = content
    return _keyed(key, b"entry", previous, orjson.dumps([*others, name.hex(), orjson.Fragment(students)]))


def genesis(key: bytes, chain: str) -> bytes:
    """What the first entry of `chain` follows."""
    return _keyed(key, b"genesis", chain.encode())


def head_seal(key: bytes, chain: str, sequence: int, mac: bytes) -> bytes:
    """Shows that a head was written by a holder of the key: entries' macs are in the database for all to copy."""
    return _keyed(key, b"head", orjson.dumps([chain, sequence, mac.hex()]))


def index_link(key: bytes, previous: bytes, line: Iterable[str | int]) -> bytes:
    """The link of a line of the index that follows the one with the link `previous`."""
    return _keyed(key, b"index", previous, orjson.dumps(list(line)))


def _keyed(key: bytes, purpose: bytes, *parts: bytes) -> bytes:
    return hmac.digest(key, b"ascms-access-log-1:%b:" % purpose + b"".join(parts), "sha256")

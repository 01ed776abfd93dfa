"""The heads of the chains, kept in files outside the database, and the index of all chains there ever were.

`heads/<chain>.head` holds two slots, each with a seal by the key, which take turns whenever they are flushed to disk:
a write that is torn by a power failure leaves the other slot. `heads/index` has a line for every
chain opened and closed, each linked to the line before, so that a head that was taken away is missed. A chain's
head is made first, then its line, then its first entry: whatever a crash leaves behind is told from a removal.

Several processes may share the directory (the index is appended under a lock), and those of all hosts have to,
or `ascms audit verify` is given the files of all of them together. POSIX systems only, for the lock.
"""

import fcntl
import os
import re
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from hmac import compare_digest
from pathlib import Path
from typing import Any

import orjson

from .records import genesis, head_seal, index_link

SLOT = 512
"""One sector, so that writing a slot does not touch the other."""

_CHAIN = re.compile(r"[0-9A-Za-z-]{1,100}")


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of a chain. Sequence 0, with the chain's genesis for a mac, before there is one.

    `torn`: it was read from one slot only, as the other bears no seal.
    """

    sequence: int
    mac: bytes
    torn: bool = field(default=False, compare=False)


def heads_directory(directory: Path) -> Path:
    """Where below the state directory heads and index lie."""
    return directory / "heads"


class HeadFile:
    """The head of one chain, open for writing by the chain's only writer. Threads may put and flush at once."""

    def __init__(self, directory: Path, key: bytes, chain: str) -> None:
        """Make the file, with sequence 0, on disk. It must not exist yet."""
        self._key = key
        self._chain = chain
        self._slot = 0
        self._putting, self._flushing = threading.Lock(), threading.Lock()
        self._newest = Head(0, genesis(key, chain))
        self.on_disk = 0
        """The sequence that a power failure leaves at least."""
        path = _head_path(directory, chain)
        self._descriptor: int | None = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.pwrite(self._descriptor, self._sealed(self._newest) * 2, 0)
            os.fsync(self._descriptor)
            _flush_directory(path.parent)
        except OSError:
            os.close(self._descriptor)
            path.unlink()
            raise

    @property
    def is_behind(self) -> bool:
        """Whether the disk may lack the last head that was put."""
        return self._newest.sequence != self.on_disk

    def put(self, head: Head) -> None:
        """Have the file say `head`. The end of the process loses nothing; a power failure may, until `flush`."""
        content = self._sealed(head)
        with self._putting:
            assert self._descriptor is not None
            os.pwrite(self._descriptor, content, self._slot * SLOT)
            self._newest = head

    def flush(self) -> None:
        """Returns when the last head that was put is on disk."""
        with self._flushing:
            sequence = self._newest.sequence
            if self._descriptor is None or sequence == self.on_disk:
                return
            os.fsync(self._descriptor)
            with self._putting:
                self._slot = 1 - self._slot
            self.on_disk = sequence

    def write(self, head: Head) -> None:
        """Returns when `head` is on disk."""
        self.put(head)
        self.flush()

    def close(self) -> None:
        """Nothing can be put any more; waits for a flush that is under way, and begins none."""
        with self._flushing, self._putting:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    def _sealed(self, head: Head) -> bytes:
        fields = {
            "chain": self._chain,
            "sequence": head.sequence,
            "mac": head.mac.hex(),
            "seal": head_seal(self._key, self._chain, head.sequence, head.mac).hex(),
        }
        return orjson.dumps(fields).ljust(SLOT - 1) + b"\n"


def read_head(directory: Path, key: bytes, chain: str) -> Head | None:
    """The newest sealed head of `chain`; None where there is no file.

    Raises ValueError where there is a file, but no slot in it bears the key's seal, or for what cannot be a name.
    """
    path = _head_path(directory, chain)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    slots = [_parse_slot(content[start : start + SLOT], key, chain) for start in (0, SLOT)]
    sealed = [head for head in slots if head is not None]
    if not sealed:
        raise ValueError(f"{path} holds no head that bears the key's seal")
    return replace(max(sealed, key=lambda head: head.sequence), torn=len(sealed) < len(slots))


def _parse_slot(content: bytes, key: bytes, chain: str) -> Head | None:
    try:
        fields = orjson.loads(content)
        sequence, mac = int(fields["sequence"]), bytes.fromhex(fields["mac"])
        seal = bytes.fromhex(fields["seal"])
    except (ValueError, TypeError, KeyError):
        return None
    return Head(sequence, mac) if compare_digest(seal, head_seal(key, chain, sequence, mac)) else None


def head_files(directory: Path) -> Iterator[str]:
    """The chains that have a head file."""
    for path in sorted(heads_directory(directory).glob("*.head")):
        yield path.stem


class Event(StrEnum):
    """What the index tells of a chain."""

    OPENED = "opened"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class IndexLine:
    """A line of the index. `intact`: it can be read, and its link fits the line before."""

    number: int
    event: Event | None
    chain: str
    head: Head
    intact: bool


def append_to_index(directory: Path, key: bytes, event: Event, chain: str, head: Head) -> None:
    """Add a line. Returns when it is on disk."""
    path = heads_directory(directory) / "index"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        content = path.read_bytes()
        whole = content.rpartition(b"\n")[0]
        last, link_before = _last_line(whole)
        now = datetime.now(UTC).isoformat()
        fields: list[str | int] = [last + 1, now, event.value, chain, head.sequence, head.mac.hex()]
        link = index_link(key, link_before, fields)
        # What a crash left unfinished after the last whole line is written over.
        end = len(whole) + 1 if whole else 0
        os.ftruncate(descriptor, end)
        os.pwrite(descriptor, orjson.dumps([*fields, link.hex()]) + b"\n", end)
        os.fsync(descriptor)
        _flush_directory(path.parent)
    finally:
        os.close(descriptor)


def read_index(directory: Path, key: bytes) -> Iterator[IndexLine]:
    """The whole lines of the index, from the first. Nothing where there is no index."""
    path = heads_directory(directory) / "index"
    if not path.exists():
        return
    before, previous = 0, b""
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.endswith(b"\n"):
                return
            parsed = _parse_line(line)
            if parsed is None:
                yield IndexLine(number, None, "", Head(0, b""), intact=False)
                continue
            fields, link = parsed
            intact = fields[0] == before + 1 and compare_digest(link, index_link(key, previous, fields))
            yield IndexLine(number, Event(fields[2]), fields[3], Head(fields[4], bytes.fromhex(fields[5])), intact)
            before, previous = fields[0], link


def _parse_line(line: bytes) -> tuple[list[Any], bytes] | None:
    try:
        *fields, link = orjson.loads(line)
        number, _at, event, chain, sequence, mac = fields
        if not (isinstance(number, int) and isinstance(chain, str) and isinstance(sequence, int)):
            return None
        Event(event)
        bytes.fromhex(mac)
        return fields, bytes.fromhex(link)
    except (ValueError, TypeError):
        return None


def _last_line(whole: bytes) -> tuple[int, bytes]:
    parsed = _parse_line(whole.rpartition(b"\n")[2])
    return (parsed[0][0], parsed[1]) if parsed is not None else (0, b"")


def writer_name() -> str:
    """A name that no other writer has, sorting by when it began."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


def prepare(directory: Path) -> None:
    """Make the directory of the heads, for its owner alone."""
    heads_directory(directory).mkdir(mode=0o700, parents=True, exist_ok=True)


def _head_path(directory: Path, chain: str) -> Path:
    if not _CHAIN.fullmatch(chain):
        raise ValueError(f"{chain!r} is no name of a chain")
    return heads_directory(directory) / f"{chain}.head"


def _flush_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

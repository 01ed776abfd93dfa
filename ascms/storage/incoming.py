"""Files on their way in: on this machine's disk, hashed and counted while they come, removed when they are done."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Final, Self

PIECE: Final = 1_048_576
"""Bytes that are read or written at a time, and all of a file that is ever in memory."""


class TooLarge(Exception):  # noqa: N818 (named as what it is)
    """A file has more than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit:,} bytes")
        self.limit = limit


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a request, whole at `path` until the request is answered. `sha256` in hexadecimal.

    `name` and `declared_type` are what the client says: to be judged, never believed.
    """

    name: str
    declared_type: str
    path: Path
    size: int
    sha256: str

    def pieces(self) -> AsyncIterator[bytes]:
        """The content, a piece at a time."""
        return pieces_of(self.path)

    def move_to(self, target: Path) -> None:
        """Keep the content at `target` (on the same disk) for longer than the request lasts."""
        self.path.replace(target)

    def discard(self) -> None:
        """Remove the content, unless it was moved."""
        self.path.unlink(missing_ok=True)


class Incoming:
    """The folder of what is not whole yet, or not accepted yet; its owner alone can read there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def new(self) -> tuple[int, Path]:
        """A new file of its own: an open descriptor, and where it is."""
        private_folder(self.folder)
        descriptor, path = tempfile.mkstemp(dir=self.folder)
        return descriptor, Path(path)

    def sweep(self, before: datetime) -> int:
        """Remove what a crash left behind before an instant; gives how many files."""
        if not self.folder.is_dir():
            return 0
        left = [path for path in self.folder.iterdir() if path.stat().st_mtime < before.timestamp()]
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)


class Arriving:
    """A file that is being received. Leaving the context removes it, unless `whole` made an Upload of it."""

    def __init__(self, incoming: Incoming, limit: int) -> None:
        self._descriptor, self._path = incoming.new()
        self._limit = limit
        self._hash = sha256()
        self._waiting = bytearray()
        self._open = True
        self._given_away = False
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def take(self, data: bytes) -> None:
        """Add to the file. Raises TooLarge as soon as it is."""
        self.size += len(data)
        if self.size > self._limit:
            raise TooLarge(self._limit)
        self._waiting += data
        if len(self._waiting) >= PIECE:
            await self._write()

    async def whole(self, name: str, declared_type: str) -> Upload:
        """The file, now that all of it is there; it is the caller's to discard."""
        await self._write()
        self._given_away = True
        self.close()
        return Upload(name, declared_type, self._path, self.size, self._hash.hexdigest())

    async def _write(self) -> None:
        waiting, self._waiting = bytes(self._waiting), bytearray()
        await asyncio.to_thread(self._write_now, waiting)

    def _write_now(self, data: bytes) -> None:
        self._hash.update(data)
        write_all(self._descriptor, data)

    def close(self) -> None:
        """Close the file, and remove it unless it was given away."""
        if self._open:
            self._open = False
            os.close(self._descriptor)
        if not self._given_away:
            self._path.unlink(missing_ok=True)


async def pieces_of(path: Path) -> AsyncIterator[bytes]:
    """A file's content, a piece at a time. Raises FileNotFoundError at the first where there is no file."""
    file = await asyncio.to_thread(path.open, "rb")
    try:
        while piece := await asyncio.to_thread(file.read, PIECE):
            yield piece
    finally:
        file.close()


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of the data: one call may write a part of it only."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def private_folder(folder: Path) -> None:
    """Make the folder, where it is not there, for its owner alone."""
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)

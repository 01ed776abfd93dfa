"""A storage in a local folder: for one machine, or several that share the folder."""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from .incoming import PIECE, Incoming, private_folder, write_all
from .interface import KEY, NotStored


class LocalStorage:
    """Keeps each content as a file, readable by its owner alone. `incoming` must be on the same disk."""

    def __init__(self, folder: Path, incoming: Incoming) -> None:
        self._folder = folder
        self._incoming = incoming

    async def put(self, key: str, content: AsyncIterator[bytes]) -> None:
        """Written elsewhere, flushed to the disk, and moved to its place when it is whole."""
        target = self._path(key)
        descriptor, path = self._incoming.new()
        try:
            try:
                async for piece in content:
                    await asyncio.to_thread(write_all, descriptor, piece)
                await asyncio.to_thread(os.fsync, descriptor)
            finally:
                os.close(descriptor)
            await asyncio.to_thread(self._place, path, target)
        finally:
            path.unlink(missing_ok=True)

    async def open(self, key: str) -> AsyncIterator[bytes]:
        try:
            file = await asyncio.to_thread(self._path(key).open, "rb")
        except FileNotFoundError:
            raise NotStored(key) from None
        return _pieces(file)

    async def exists(self, key: str) -> bool:
        try:
            return await asyncio.to_thread(self._path(key).is_file)
        except NotStored:
            return False

    async def delete(self, key: str) -> None:
        await asyncio.to_thread(self._path(key).unlink, missing_ok=True)

    async def keys(self, before: datetime) -> AsyncIterator[str]:
        for folder in await asyncio.to_thread(lambda: sorted(self._folder.glob("??"))):
            for key in await asyncio.to_thread(_older, folder, before.timestamp()):
                yield key

    def _path(self, key: str) -> Path:
        # Whatever a row says, no other file of this machine is read or removed.
        if KEY.fullmatch(key) is None:
            raise NotStored(key)
        return self._folder / key

    def _place(self, path: Path, target: Path) -> None:
        if not target.parent.is_dir():
            private_folder(self._folder)
            private_folder(target.parent)
            _flush(self._folder)
        path.replace(target)
        _flush(target.parent)


async def _pieces(file: BinaryIO) -> AsyncIterator[bytes]:
    with file:
        while piece := await asyncio.to_thread(file.read, PIECE):
            yield piece


def _older(folder: Path, before: float) -> list[str]:
    older = [f"{folder.name}/{path.name}" for path in folder.iterdir() if path.stat().st_mtime < before]
    return [key for key in older if KEY.fullmatch(key)]


def _flush(folder: Path) -> None:
    """Have the folder's entries on the disk, not only the files they name."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Removing what was put into the storage and never became anybody's."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from ascms.models import File

from .incoming import Incoming
from .interface import Storage

AT_ONCE: Final = 500
LEFT_ALONE: Final = timedelta(days=1)
"""For how long what nothing names may still become somebody's: longer than any upload takes."""
EVERY: Final = timedelta(days=1)


async def sweep(storage: Storage, incoming: Incoming, engine: AsyncEngine, before: datetime) -> int:
    """Remove what was left before an instant: contents that no row names, and files that never became whole.

    Gives how many there were. The instant must lie further back than any upload takes.
    """
    left = incoming.sweep(before)
    async for keys in _batches(storage.keys(before)):
        async with engine.connect() as connection:
            named = set((await connection.scalars(select(File.storage_key).where(File.storage_key.in_(keys)))).all())
        for key in keys:
            if key not in named:
                await storage.delete(key)
                left += 1
    return left


class Sweeper:
    """Sweeps when it is called, once a day at most: going through all contents is much to ask of a bucket."""

    def __init__(self, storage: Storage, incoming: Incoming, engine: AsyncEngine) -> None:
        self._storage = storage
        self._incoming = incoming
        self._engine = engine
        self._done: datetime | None = None

    async def __call__(self, now: datetime) -> int:
        """Sweep if it is time; gives how many contents and files were removed."""
        # A time before the last one: the clock was ahead then.
        if self._done is not None and self._done <= now < self._done + EVERY:
            return 0
        left = await sweep(self._storage, self._incoming, self._engine, now - LEFT_ALONE)
        self._done = now
        return left


async def _batches(keys: AsyncIterator[str]) -> AsyncIterator[Sequence[str]]:
    batch: list[str] = []
    async for key in keys:
        batch.append(key)
        if len(batch) == AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch

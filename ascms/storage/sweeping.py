"""Removing what was put into the storage and never became anybody's."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from ascms.models import File

from .incoming import Incoming
from .interface import Storage

AT_ONCE: Final = 500


async def sweep(storage: Storage, incoming: Incoming, engine: AsyncEngine, before: datetime) -> int:
    """Remove what was left before an instant: contents that no row names, and files that never became whole.

    Gives how many there were. The instant must lie further back than any upload takes: a day.
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


async def _batches(keys: AsyncIterator[str]) -> AsyncIterator[Sequence[str]]:
    batch: list[str] = []
    async for key in keys:
        batch.append(key)
        if len(batch) == AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch

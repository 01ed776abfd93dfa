"""Removing what was put into the storage and never became anybody's."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from ascms.models import File

from .incoming import Incoming
from .interface import Storage

LOGGER = logging.getLogger("ascms.storage")
AT_ONCE: Final = 500
LEFT_ALONE: Final = timedelta(days=1)
"""For how long what nothing names may still become somebody's: longer than any upload takes."""


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


async def keep_sweeping(
    storage: Storage, incoming: Incoming, engine: AsyncEngine, every: timedelta = timedelta(days=1)
) -> None:
    """Sweep from time to time, until cancelled. A sweep that fails is logged; the next one makes up for it."""
    while True:
        await asyncio.sleep(every.total_seconds())
        try:
            await sweep(storage, incoming, engine, datetime.now(UTC) - LEFT_ALONE)
        except Exception:
            LOGGER.exception("stored contents that nothing names could not be removed")


async def _batches(keys: AsyncIterator[str]) -> AsyncIterator[Sequence[str]]:
    batch: list[str] = []
    async for key in keys:
        batch.append(key)
        if len(batch) == AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch

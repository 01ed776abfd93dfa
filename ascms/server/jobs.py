"""Periodic work: what nobody asks for and somebody has to do. One process does it at a time."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Final, Self

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncEngine

from ascms.database import turn_if_free
from ascms.models import IdempotencyKey
from ascms.outbox import forget_old

KEYS_KEPT: Final = timedelta(days=7)

LOGGER: Final = logging.getLogger("ascms.jobs")


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of periodic work. `run` is given the time; it may be called twice for the same, and must bear that."""

    name: str
    run: Callable[[datetime], Awaitable[object]]


class Jobs:
    """Runs the jobs one after the other every so many seconds, 0 for never, while its context lasts.

    A job that fails does not stop the next.
    """

    def __init__(self, engine: AsyncEngine, seconds: float, jobs: Sequence[Job]) -> None:
        self._engine = engine
        self._seconds = seconds
        self._jobs = jobs
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin, with a first round at once."""
        if self._seconds:
            self._task = asyncio.create_task(self._run(), name="ascms jobs")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End. A job under way is broken off; its transaction changes nothing."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def round(self, now: datetime) -> bool:
        """Run every job once. False where another process is at it."""
        async with turn_if_free(self._engine, "jobs") as mine:
            if mine:
                for job in self._jobs:
                    await _tried(job, now)
        return mine

    async def _run(self) -> None:
        while True:
            try:
                await self.round(datetime.now(UTC))
            except Exception as error:  # noqa: BLE001 (the database may be away; it comes back)
                LOGGER.error("periodic work was interrupted (%s)", type(error).__name__)
            await asyncio.sleep(self._seconds * random.uniform(0.8, 1.2))  # noqa: S311 (spreads the processes)


async def _tried(job: Job, now: datetime) -> None:
    try:
        await job.run(now)
    except Exception as error:  # noqa: BLE001 (the others are to run all the same)
        LOGGER.error("the job %r failed (%s)", job.name, type(error).__name__)


def housekeeping(engine: AsyncEngine) -> list[Job]:
    """What every installation needs: old messages and outcomes are forgotten."""
    return [
        Job("forget delivered e-mails", lambda now: forget_old(engine, now)),
        Job("forget outcomes of retried requests", lambda now: _forget_outcomes(engine, now)),
    ]


async def _forget_outcomes(engine: AsyncEngine, now: datetime) -> None:
    async with engine.execution_options(writes=True).begin() as connection:
        await connection.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at <= now - KEYS_KEPT))

"""Periodic work: what nobody asks for and somebody has to do. One process does it at a time."""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Final, Self

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncEngine

from ascms.database import refresh_statistics, turn_if_free, writing
from ascms.models import IdempotencyKey
from ascms.outbox import forget_old

KEYS_KEPT: Final = timedelta(days=7)
ENDING: Final = 10.0
"""Seconds that the job under way is given at the end."""

LOGGER: Final = logging.getLogger("ascms.jobs")


COUNTED: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""What counts seconds whatever is done to the clock: while the machine sleeps too, where it can."""


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of periodic work. `run` is given the time; it may be called twice for the same, and must bear that.

    `forgets`: it takes away what is old. It is given a time that goes on no faster than seconds are counted, so that a
    clock that jumps ahead makes nothing older.
    """

    name: str
    run: Callable[[datetime], Awaitable[object]]
    forgets: bool = False


@dataclass(slots=True)
class Record:
    """How a job went in this process. Seconds are all of them together; `done_at`: when it last went well."""

    done: int = 0
    failed: int = 0
    seconds: float = 0.0
    done_at: datetime | None = None


class Jobs:
    """Runs the jobs one after the other every so many seconds, 0 for never, while its context lasts.

    A job that fails does not stop the next.
    """

    def __init__(self, engine: AsyncEngine, seconds: float, jobs: Sequence[Job]) -> None:
        self._engine = engine
        self._seconds = seconds
        self._jobs = jobs
        self._ended = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._begun_at, self._begun_count = datetime.now(UTC), time.clock_gettime(COUNTED)
        self.records = {job.name: Record() for job in jobs}

    async def __aenter__(self) -> Self:
        """Begin, with a first round at once."""
        if self._seconds:
            self._task = asyncio.create_task(self._run(), name="ascms jobs")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End after the job under way. One that takes long is broken off; its transaction changes nothing."""
        self._ended.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=ENDING)
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def round(self, now: datetime, counted: datetime | None = None) -> bool:
        """Run every job once: at `now`, or those that forget at `counted`. False where another process is at it."""
        async with turn_if_free(self._engine, "jobs") as mine:
            if mine:
                for job in self._jobs:
                    if not self._ended.is_set():
                        at = counted if job.forgets and counted is not None else now
                        await _tried(job, at, self.records[job.name])
        return mine

    async def _run(self) -> None:
        while not self._ended.is_set():
            try:
                now = datetime.now(UTC)
                await self.round(now, min(now, self._counted()))
            except Exception as error:  # noqa: BLE001 (the database may be away; it comes back)
                LOGGER.error("periodic work was interrupted (%s)", type(error).__name__)
            seconds = self._seconds * random.uniform(0.8, 1.2)  # noqa: S311 (spreads the processes)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._ended.wait()

    def _counted(self) -> datetime:
        """The time by the seconds since the beginning."""
        return self._begun_at + timedelta(seconds=time.clock_gettime(COUNTED) - self._begun_count)


async def _tried(job: Job, now: datetime, record: Record) -> None:
    began = time.perf_counter()
    try:
        await job.run(now)
        record.done += 1
        record.done_at = datetime.now(UTC)
    except Exception as error:  # noqa: BLE001 (the others are to run all the same)
        record.failed += 1
        LOGGER.error("the job %r failed (%s)", job.name, type(error).__name__)
    finally:
        record.seconds += time.perf_counter() - began


def housekeeping(engine: AsyncEngine) -> list[Job]:
    """What every installation needs: old messages and outcomes are forgotten."""
    return [
        Job("forget delivered e-mails", lambda now: forget_old(engine, now), forgets=True),
        Job("forget outcomes of retried requests", lambda now: _forget_outcomes(engine, now), forgets=True),
        Job("see how rows are spread", _Daily(lambda: refresh_statistics(engine))),
    ]


class _Daily:
    """Work for the first round, and then for one a day."""

    def __init__(self, work: Callable[[], Awaitable[object]]) -> None:
        self._work = work
        self._done: datetime | None = None

    async def __call__(self, now: datetime) -> None:
        # A time before the last one: the clock was ahead then.
        if self._done is None or not self._done <= now < self._done + timedelta(days=1):
            await self._work()
            self._done = now


async def _forget_outcomes(engine: AsyncEngine, now: datetime) -> None:
    async with writing(engine).begin() as connection:
        await connection.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at <= now - KEYS_KEPT))

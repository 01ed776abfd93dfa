"""Waiting a moment for entries that will probably come, so that they share a transaction with those that wait already.

As PostgreSQL's `commit_delay`. Having a transaction on disk costs what some twenty entries do; so where entries come
many at a time, and only there, it is worth to wait for as many as came together lately.
"""

import asyncio
from collections.abc import Sized
from time import perf_counter, thread_time
from typing import Final

ENOUGH: Final = 8
"""For how many entries is waited at most: with more in it, a transaction costs each of them little."""
LONGEST: Final = 0.002
"""For how long the event loop may have nothing to do meanwhile, in seconds. While it works, entries may come of it."""
LATEST: Final = 0.02
"""How long the first entry waits at most, in seconds, whatever the loop does."""


class Gathering:
    """How many entries come at about one time, and the wait for as many. Of one event loop, and its thread."""

    def __init__(self, waiting: Sized) -> None:
        """`waiting`: the entries that are to be written."""
        self._waiting = waiting
        self._usual = 1
        self._complete: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._began = self._worked = 0.0

    async def gather(self) -> None:
        """Returns when as many wait as came together lately, or when it seems that no more will come."""
        if len(self._waiting) >= self._usual:
            return
        self._complete = asyncio.get_running_loop().create_future()
        self._began, self._worked = perf_counter(), thread_time()
        self._look()
        try:
            await self._complete
        finally:
            self._complete = None
            if self._timer is not None:
                self._timer.cancel()

    def arrived(self) -> None:
        """One more waits."""
        if self._complete is not None and len(self._waiting) >= self._usual:
            self.hurry()

    def wrote(self, entries: int) -> None:
        """That many were written together; those that wait now came meanwhile."""
        self._usual = min(ENOUGH, entries + len(self._waiting))

    def hurry(self) -> None:
        """Wait for no more."""
        if self._complete is not None and not self._complete.done():
            self._complete.set_result(None)

    def _look(self) -> None:
        waited = perf_counter() - self._began
        idle = waited - (thread_time() - self._worked)
        rest = min(LONGEST - idle, LATEST - waited)
        if rest > 0:
            self._timer = asyncio.get_running_loop().call_later(rest, self._look)
        else:
            self.hurry()

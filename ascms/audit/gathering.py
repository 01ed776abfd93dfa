"""Waiting a moment for entries that are about to come, so that they share a transaction with those that wait already.

As PostgreSQL's `commit_delay`, but only for what is known to be under way. Of one event loop.
"""

import asyncio
from types import TracebackType
from typing import Final

LONGEST: Final = 0.002
"""How long the first entry of a batch waits for others at most, in seconds."""


class Gathering:
    """Counts operations under way that will probably append an entry."""

    def __init__(self) -> None:
        self._round = 0
        self._coming = 0
        self._awaited = 0
        self._complete: asyncio.Future[None] | None = None

    def coming(self) -> "Coming":
        """An operation that begins: a context, to be entered at once."""
        return Coming(self)

    async def gather(self, since: float) -> None:
        """Returns when all have arrived that are coming now, or `LONGEST` after `since` in the loop's time."""
        if not self._coming:
            return
        loop = asyncio.get_running_loop()
        self._round += 1
        self._awaited = self._coming
        self._complete = loop.create_future()
        timer = loop.call_at(since + LONGEST, self.hurry)
        try:
            await self._complete
        finally:
            timer.cancel()
            self._complete = None

    def hurry(self) -> None:
        """Wait for no more."""
        if self._complete is not None and not self._complete.done():
            self._complete.set_result(None)

    def begin(self) -> int:
        """One more is coming. Gives what `end` has to be told."""
        self._coming += 1
        return self._round

    def end(self, began: int) -> None:
        """One has arrived, or will not come."""
        self._coming -= 1
        if began < self._round:
            # It was there when the present round began, and so is one of those that are waited for.
            self._awaited -= 1
            if self._awaited == 0:
                self.hurry()


class Coming:
    """One operation under way. Ends when it has arrived, or with its context."""

    __slots__ = ("_began", "_gathering")

    def __init__(self, gathering: Gathering) -> None:
        self._gathering = gathering
        self._began: int | None = None

    def __enter__(self) -> "Coming":
        self._began = self._gathering.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.arrived()

    def arrived(self) -> None:
        """Its entry waits with the others, or there will be none."""
        if self._began is not None:
            began, self._began = self._began, None
            self._gathering.end(began)

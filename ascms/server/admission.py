"""Admission: what comes while too much is under way is turned away at once, so that nobody waits in vain.

A request waits in two places: for the database, which shows in how many are under way, and for the event loop, which
shows in how long its present turn has gone on. Both are looked at before anything else is done for a request. What
was let in is finished.
"""

import asyncio
import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Final

LONGEST_TURN: Final = 0.5
"""Seconds after which a turn of the event loop takes up nothing more, unless it has taken up FEW only."""
FEW: Final = 64
TOLD_EVERY: Final = 60.0
"""Seconds between two lines in the log."""
LONGEST_WAIT: Final = 5
"""Seconds after which those who are turned away may come again: 1 to as many, so that they do not come all at once."""
OVERLOADED: Final = "Too much is asked at the moment, and nothing of this was begun. Try again shortly."

LOGGER: Final = logging.getLogger("ascms.server")


class Overloaded(Exception):  # noqa: N818 (named as the answer it leads to)
    """The server has as much to do as it can do in time: HTTP 503."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(OVERLOADED)
        self.message = OVERLOADED
        self.retry_after = retry_after


class Admission:
    """Counts the operations of this process that are under way. Whoever has called `enter` calls `leave`, once."""

    __slots__ = ("_most", "_now_over", "_told_at", "_turn", "most_seen", "refused", "under_way")

    def __init__(self, most: int) -> None:
        """At most `most` operations at a time; those that ended in the present turn of the loop count to its end."""
        self._most = most
        self._turn: float | None = None
        """When the first operation of the present turn was let in."""
        self._now_over = 0
        self._told_at = -TOLD_EVERY
        self.under_way = 0
        self.most_seen = 0
        self.refused = 0

    @property
    def is_full(self) -> bool:
        """Whether one more is too much."""
        if self.under_way < FEW:
            return self.under_way >= self._most
        return self.under_way >= self._most or (self._turn is not None and perf_counter() - self._turn > LONGEST_TURN)

    def enter(self) -> None:
        """Count an operation. Raises Overloaded where it is too much."""
        if self.is_full:
            raise self.turned_away()
        if self._turn is None:
            self._turn = perf_counter()
            asyncio.get_running_loop().call_soon(self._next_turn)
        self.under_way += 1
        self.most_seen = max(self.most_seen, self.under_way)

    def leave(self) -> None:
        """An operation that was counted has ended."""
        if self._turn is None:
            self.under_way -= 1
        else:
            # Those behind it in this turn have waited for it.
            self._now_over += 1

    @contextmanager
    def entered(self) -> Iterator[None]:
        """An operation that is counted for as long as this lasts. Raises Overloaded where it is too much."""
        self.enter()
        try:
            yield
        finally:
            self.leave()

    def turned_away(self) -> Overloaded:
        """Count one that is turned away; gives what to raise."""
        self.refused += 1
        now = perf_counter()
        if now - self._told_at > TOLD_EVERY:
            self._told_at = now
            LOGGER.warning("overloaded: %d operations under way; %d turned away so far", self.under_way, self.refused)
        return Overloaded(random.randint(1, LONGEST_WAIT))  # noqa: S311 (spreads those who come again)

    def _next_turn(self) -> None:
        self.under_way -= self._now_over
        self._now_over = 0
        self._turn = None

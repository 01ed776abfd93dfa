"""The time that an operation may take. What is read when it is over is stopped, in the database too."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


class DeadlineExceeded(Exception):  # noqa: N818 (named as the answer it leads to)
    """It took more than `seconds`, and was stopped. It has changed nothing."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"more than {seconds:g} s")
        self.seconds = seconds


async def in_time(doing: Awaitable[T], seconds: float) -> T:
    """What is awaited. Raises DeadlineExceeded where that takes longer: it is cancelled then, so it may only read."""
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            return await doing
    except TimeoutError:
        if limit.expired():
            raise DeadlineExceeded(seconds) from None
        raise

"""The task that delivers: one in each process, woken by a commit, else looking every few seconds."""

import asyncio
import contextlib
import logging
import random
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from types import TracebackType
from typing import Final, Self

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from ascms.settings import Settings

from . import messages
from .letters import NotUnderstoodError, letter, matter_of
from .messages import Claimed
from .recipients import MayNotReachError, address_of
from .smtp import LaterError, Post, RefusedError, Server

LOOK_AGAIN: Final = 5.0
"""Seconds between two looks for messages that other processes wrote, or that are due again."""
SENDING: Final = 60.0
"""Seconds that sending one message may take: less than the lease."""
FIRST_DELAY, LAST_DELAY = timedelta(seconds=30), timedelta(hours=1)
"""Until a message that was not taken is tried again, doubled at each attempt."""
FIRST_PAUSE, LAST_PAUSE = 2.0, 120.0
"""Seconds until a server that is away is tried again, doubled each time."""
ENDING: Final = 10.0
"""Seconds that a message under way is given at the end."""

LOGGER: Final = logging.getLogger("ascms.outbox")


def delay_after(attempts: int) -> timedelta:
    """How long a message waits after so many attempts in vain: between half and the whole of a doubling delay."""
    longest = min(FIRST_DELAY * (1 << min(attempts - 1, 20)), LAST_DELAY)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 (spreads the attempts)


class Outbox:
    """Delivers what waits while its context lasts, if the settings name a mail server.

    Raises ValueError for settings that do not fit together.
    """

    def __init__(self, engine: AsyncEngine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self._server = Server.of(settings)
        self._woken = asyncio.Event()
        self._ended = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.delivered = self.dropped = self.put_off = 0
        """What became of the messages that this process took on: how many it sent, gave up, and is to try again."""

    async def __aenter__(self) -> Self:
        """Begin to deliver. Without a mail server messages wait."""
        if self._server is not None:
            self._task = asyncio.create_task(self._run(self._server), name="ascms outbox")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End; the message under way is sent and noted, if it does not take long."""
        self._ended.set()
        self._woken.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=ENDING)
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def wake(self) -> None:
        """Something was committed: look at once."""
        self._woken.set()

    # The task ------------------------------------------------------------------------------------------------

    async def _run(self, server: Server) -> None:
        pause = FIRST_PAUSE
        while not self._ended.is_set():
            self._woken.clear()
            if await self._all_went_well(server):
                pause = FIRST_PAUSE
                await _wait_for(self._woken, LOOK_AGAIN)
            else:
                await _wait_for(self._ended, pause * random.uniform(0.5, 1.0))  # noqa: S311 (spreads the hosts)
                pause = min(2 * pause, LAST_PAUSE)

    async def _all_went_well(self, server: Server) -> bool:
        try:
            return await self._deliver_due(server)
        except Exception as error:  # noqa: BLE001 (whatever it is, the messages are still there)
            LOGGER.error("the outbox was interrupted (%s); trying again", type(error).__name__)
            return False

    async def _deliver_due(self, server: Server) -> bool:
        """Deliver what is due. False where the server is away."""
        async with Post(server) as post:
            while not self._ended.is_set():
                claimed = await messages.claim(self._engine, datetime.now(UTC))
                if claimed is None:
                    return True
                try:
                    await self._deliver(post, claimed)
                except LaterError as later:
                    await self._put_off(claimed, str(later))
                    if later.away:
                        LOGGER.warning("e-mails wait: %s", later)
                        return False
        return True

    async def _deliver(self, post: Post, claimed: Claimed) -> None:
        """Send it, or drop it. Raises LaterError where it was not taken now."""
        try:
            async with asyncio.timeout(SENDING):
                await self._send(post, claimed)
        except TimeoutError:
            raise LaterError("the server took too long", away=True) from None
        except NotUnderstoodError as error:
            raise LaterError(str(error), away=False) from None
        except (MayNotReachError, RefusedError) as error:
            self.dropped += 1
            await messages.dropped(self._engine, claimed, datetime.now(UTC), str(error))
        else:
            self.delivered += 1
            await self._note_delivered(claimed)

    async def _send(self, post: Post, claimed: Claimed) -> None:
        matter = matter_of(claimed.topic, claimed.payload)
        async with self._engine.connect() as connection:
            address = await address_of(connection, claimed.topic, claimed.payload)
        try:
            message = letter(self._settings, matter, address, key=claimed.key, written_at=claimed.created_at)
        except ValueError:
            raise RefusedError("what the recipient has is not an e-mail address") from None
        await post.send(message, address, parseaddr(str(self._settings.mail_from))[1])

    async def _note_delivered(self, claimed: Claimed) -> None:
        """Note it, and insist: what is not noted is sent again."""
        for seconds in (0.1, 1.0, 5.0):
            try:
                await messages.delivered(self._engine, claimed, datetime.now(UTC))
            except DBAPIError:
                await asyncio.sleep(seconds)
            else:
                return
        await messages.delivered(self._engine, claimed, datetime.now(UTC))

    async def _put_off(self, claimed: Claimed, reason: str) -> None:
        self.put_off += 1
        until = datetime.now(UTC) + delay_after(claimed.attempts)
        await messages.put_off(self._engine, claimed, until, reason)


async def _wait_for(event: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()

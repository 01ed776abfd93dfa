"""Between workers and hosts: PostgreSQL's NOTIFY, which goes out with the commit, and LISTEN."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import asyncpg
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from ascms.database import Transaction, driver_of

from .hub import Hub, Subscription
from .signal import Signal, Topic

CHANNEL = "ascms_signals"
HEARTBEAT = 20.0
"""Seconds between two looks whether the listening connection is alive."""
TIMEOUT = 10.0
FIRST_RETRY, LAST_RETRY = 0.2, 15.0
"""Seconds until the listener tries again, doubled at each failure."""

LOGGER = logging.getLogger("ascms.signals")
LOST = (OSError, TimeoutError, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError)

_NOTIFY = text(
    f"SELECT pg_notify('{CHANNEL}', payload) FROM unnest(CAST(:payloads AS text[])) AS payload"  # noqa: S608 (a constant)
)


class PostgresBus:
    """Signals through the database. `engine` is the listener's own; it is disposed of with the bus."""

    def __init__(self, engine: AsyncEngine, hub: Hub) -> None:
        self._engine = engine
        self._hub = hub
        self._task: asyncio.Task[None] | None = None
        self._alive = datetime.now(UTC), monotonic()
        """When the listening connection was last known to be alive: by the clock, and by what it cannot change."""

    async def start(self) -> None:
        """Begin to listen."""
        self._alive = datetime.now(UTC), monotonic()
        self._task = asyncio.create_task(self._listen(), name="ascms signals")

    async def aclose(self) -> None:
        """End every subscription, and the listening connection."""
        self._hub.close()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._engine.dispose()

    async def publish_in(self, transaction: Transaction, signals: Sequence[Signal]) -> None:
        """Have the signals go out with the transaction's commit."""
        if signals:
            await transaction.execute(_NOTIFY, {"payloads": [signal.to_json() for signal in signals]})

    def after_commit(self, signals: Sequence[Signal]) -> None:
        """Nothing: they come back to this process as to every other."""

    def subscribe(self, topics: Iterable[Topic]) -> Subscription:
        """Hear what is signalled on these topics from now on."""
        return self._hub.subscribe(topics)

    # Listening -----------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        delay = FIRST_RETRY
        while True:
            try:
                async with self._engine.connect() as connection:
                    driver = await driver_of(connection)
                    await driver.add_listener(CHANNEL, self._hear)
                    self._tell_of_gap()
                    delay = FIRST_RETRY
                    await self._stay(driver)
            except LOST as error:
                LOGGER.warning("signals are not heard (%s); trying again", type(error).__name__)
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 (spreads the hosts)
            delay = min(2 * delay, LAST_RETRY)

    async def _stay(self, driver: Any) -> None:
        """Return, or raise one of LOST, when the connection is gone."""
        ended = asyncio.Event()
        driver.add_termination_listener(lambda _: ended.set())
        while not ended.is_set():
            self._alive = datetime.now(UTC), monotonic()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT):
                    await ended.wait()
                    LOGGER.warning("the connection that hears signals has ended; connecting again")
                    return
            await driver.fetchval("SELECT 1", timeout=TIMEOUT)

    def _tell_of_gap(self) -> None:
        """Nothing was heard until now: whoever subscribed already may have missed something."""
        at, counted = self._alive
        # The earlier one, should the clock have jumped since: what was written before or after that is not missed.
        since = min(at, datetime.now(UTC) - timedelta(seconds=monotonic() - counted))
        self._hub.deliver(Signal("gap", "gap", since))

    def _hear(self, connection: Any, process: int, channel: str, payload: object) -> None:
        try:
            signal = Signal.from_json(str(payload))
        except ValueError:
            LOGGER.warning("what was heard is no signal of this version of ascms; it is ignored")
        else:
            self._hub.deliver(signal)

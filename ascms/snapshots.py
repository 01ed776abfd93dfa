"""Reads straight through the driver, all of one read of the database as it was at the first statement.

On SQLite a read is short, as a rule, and going to a thread costs more than it: so it is done where it is asked for,
and given up after four milliseconds. Then it goes to the thread of a connection: once, however many statements it
takes, and with it all that came meanwhile. What is read is awaited all the same, so that one plan serves both
databases; there it never waits.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from math import inf
from time import perf_counter, thread_time
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

import aiosqlite
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import NullPool, QueuePool
from sqlalchemy.util import await_only

from ascms.database import BUSY_TIMEOUT, driver_of, engine_for, sqlite_path
from ascms.sqlite_driver import in_one_go
from ascms.statements import LOGGER, Prepared, Rows

T = TypeVar("T")

Fetch = Callable[[Prepared, Mapping[str, Any]], Awaitable[Rows]]
"""Runs a statement with the values of its parameters, by name; its rows as Python values."""
Work = Callable[[Fetch], Coroutine[Any, Any, T]]
Job = Callable[[sqlite3.Connection], Any]
Done = tuple[asyncio.Future[Any], Any, BaseException | None]

KEPT_STATEMENTS: Final = 500
"""Statements that a connection keeps prepared."""
MOST_CONNECTIONS: Final = 16
MOST_DRIVERS: Final = 10
"""Connections that read at a time on PostgreSQL, unless the engine has a pool whose size says so."""
TOGETHER: Final = 16
"""Reads that go to a thread at once, at most."""
AT_ONCE: Final = 0.004
"""Seconds of work for which a read may keep all others waiting."""
AT_MOST: Final = 0.025
"""The same by the clock, which also runs while a disk is waited for, or a processor."""
STEPS: Final = 1_000
"""Instructions of SQLite's between two looks at the clock: some ten microseconds."""
GIVEN_UP: Final = "given up; all of it is read again in a thread"
"""Logged among the statements."""
LOOKS: Final = 20_000
"""The same between two looks at whether anybody still waits for what a thread reads: some hundred microseconds."""
SLOW_AGAIN: Final = 100
"""Reads that go to a thread after one that was too long."""
MAPPED: Final = 2**31
"""Bytes of the database that are read where the system has them, and not copied first."""
PATIENCE: Final = 0.003
"""Seconds after which a thread takes no further read before it hands back what it has, and what waits is taken to
another connection: a read that takes long must not hold up others."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Connections of a process that only read: those that are open, those of them at work, and who waits for one."""

    open: int = 0
    used: int = 0
    waiting: int = 0


def usage_of(engine: AsyncEngine) -> Usage:
    """How the connections that read beside the engine's pool are used now."""
    kept = _KEPT.get(engine.sync_engine) or _DRIVERS.get(engine.sync_engine)
    return Usage() if kept is None else kept.usage()


@asynccontextmanager
async def snapshot(engine: AsyncEngine) -> AsyncIterator[Fetch]:
    """Reads that see the database as it was at the first; other things may be awaited between them."""
    if engine.dialect.name == "postgresql":
        async with _driver(engine) as driver, driver.transaction(isolation="repeatable_read", readonly=True):

            async def fetched(prepared: Prepared, given: Mapping[str, Any]) -> Rows:
                return prepared.rows(await driver.fetch(prepared.announced(), *prepared.parameters(given)))

            yield fetched
        return
    async with engine.connect() as connection:
        sqlite = await driver_of(connection)

        async def fetch(prepared: Prepared, given: Mapping[str, Any]) -> Rows:
            parameters = prepared.parameters(given)
            return prepared.rows(await sqlite.execute_fetchall(prepared.announced(), parameters))

        await sqlite.execute_fetchall("BEGIN")
        try:
            yield fetch
        finally:
            await sqlite.rollback()


class Pace:
    """Whether reads of one kind are short, by the work that the last of them was."""

    __slots__ = ("_long",)

    def __init__(self) -> None:
        self._long = 0

    def is_short(self) -> bool:
        """Whether the next one is worth the attempt to do it at once."""
        if self._long:
            self._long -= 1
        return not self._long

    def was_long(self) -> None:
        """The attempt was given up: that many more are not made."""
        self._long = SLOW_AGAIN


async def read(engine: AsyncEngine, work: Work[T], pace: Pace | None = None) -> T:
    """What `work` reads of a snapshot. It awaits nothing but its fetches, and may be begun twice."""
    if engine.dialect.name == "sqlite":
        result: T = await _readers(engine).run(partial(_read, work), pace)
        return result
    async with snapshot(engine) as fetch:
        return await work(fetch)


async def read_once(engine: AsyncEngine, prepared: Prepared, given: Mapping[str, Any]) -> Rows:
    """The rows of one statement, as Python values."""
    if engine.dialect.name == "sqlite":
        rows: Rows = await _readers(engine).run(partial(_fetch, prepared=prepared, given=given), None)
        return rows
    async with _driver(engine) as driver:
        return prepared.rows(await driver.fetch(prepared.announced(), *prepared.parameters(given)))


async def read_row(engine: AsyncEngine, text: str, parameters: Sequence[Any]) -> Sequence[Any]:
    """The one row of a statement on PostgreSQL, as the driver gives it."""
    LOGGER.debug("%s", text)
    async with _driver(engine) as driver:
        row: Sequence[Any] = await driver.fetchrow(text, *parameters)
        return row


class _Readers:
    """Connections that only read, kept until the engine is disposed of; one suffices while reads are short.

    More threads would only wait for each other: one of them at a time runs Python.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._waiting: deque[tuple[Job, asyncio.Future[Any]]] = deque()
        self._idle: list[_Thread] = []
        self._all: list[_Thread] = []
        self._opening = 0
        self._looking_again = False
        self._under_way: set[asyncio.Task[None]] = set()
        self._at_hand: sqlite3.Connection | None = None
        self._begun = self._worked = 0.0

    async def run(self, job: Job, pace: Pace | None) -> Any:
        """What the job makes of a connection: at once where that is quick, else in the connection's thread."""
        if pace is None or pace.is_short():
            try:
                return self._now(job)
            except _TooLong:
                LOGGER.debug(GIVEN_UP)
                if pace is not None and thread_time() - self._worked > AT_ONCE:
                    pace.was_long()
        return await self._in_a_thread(job)

    def _now(self, job: Job) -> Any:
        """What the job makes of the connection that is used here. Raises _TooLong where it takes too long."""
        if self._at_hand is None:
            self._at_hand = _prepared(sqlite3.connect(self._path, **_OPTIONS))
            self._at_hand.set_progress_handler(self._takes_too_long, STEPS)
        self._begun, self._worked = perf_counter(), thread_time()
        try:
            return job(self._at_hand)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                raise _TooLong from None
            raise
        finally:
            # Even a ROLLBACK may be what is given up; the next read must not find its transaction.
            self._begun = inf
            if self._at_hand.in_transaction:
                self._at_hand.execute("ROLLBACK")

    def _takes_too_long(self) -> bool:
        waited = perf_counter() - self._begun
        return waited > AT_ONCE and (waited > AT_MOST or thread_time() - self._worked > AT_ONCE)

    async def _in_a_thread(self, job: Job) -> Any:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._waiting.append((job, future))
        if self._idle:
            self._start(self._idle.pop())
        elif not self._all and not self._opening:
            self._open()
        elif not self._looking_again:
            self._looking_again = True
            loop.call_later(PATIENCE, self._look_again)
        return await future

    def _look_again(self) -> None:
        """Take one connection more, where something waits and all are at work."""
        self._looking_again = False
        if self._waiting and not self._idle and len(self._all) + self._opening < MOST_CONNECTIONS:
            self._open()
        if self._waiting:
            self._looking_again = True
            asyncio.get_running_loop().call_later(PATIENCE, self._look_again)

    def _open(self) -> None:
        self._opening += 1
        self._keep(self._connect())

    def _start(self, thread: "_Thread") -> None:
        self._keep(self._work(thread))

    def _keep(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _work(self, thread: "_Thread") -> None:
        """Have the thread do what waits, until nothing does."""
        while self._waiting:
            for future, result, error in await thread.work(self._waiting):
                if future.done():  # who waited for it went away
                    continue
                if error is None:
                    future.set_result(result)
                else:
                    future.set_exception(error)
        self._idle.append(thread)

    async def _connect(self) -> None:
        try:
            thread = _Thread(await aiosqlite.connect(self._path, **_OPTIONS))
            await thread.prepare()
        except Exception as error:  # noqa: BLE001 (it is told to who waits for the connection)
            while self._waiting and not self._all:
                self._waiting.popleft()[1].set_exception(error)
            return
        finally:
            self._opening -= 1
        self._all.append(thread)
        await self._work(thread)

    def usage(self) -> Usage:
        """The connections of threads; what is read at once has one of its own."""
        return Usage(len(self._all), len(self._all) - len(self._idle), len(self._waiting))

    def close(self, *_: object) -> None:
        """Close each connection. Called where SQLAlchemy disposes of an asynchronous engine, so waiting is possible."""
        closing, self._all = self._all, []
        self._idle.clear()
        if self._at_hand is not None:
            self._at_hand.close()
            self._at_hand = None
        for thread in closing:
            await_only(thread.connection.close())


class _Thread:
    """A connection with a thread of its own. What nobody waits for any more is given up there."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self.connection = connection
        self._awaited: asyncio.Future[Any] | None = None

    async def prepare(self) -> None:
        """Make it ready to read."""
        await in_one_go(self.connection, _prepared)
        await in_one_go(self.connection, sqlite3.Connection.set_progress_handler, self._is_given_up, LOOKS)

    async def work(self, waiting: deque[tuple[Job, asyncio.Future[Any]]]) -> list[Done]:
        """Do some of what waits, the first of it first."""
        return await in_one_go(self.connection, self._do, waiting)

    def _is_given_up(self) -> bool:
        return self._awaited is not None and self._awaited.done()

    def _do(self, connection: sqlite3.Connection, waiting: deque[tuple[Job, asyncio.Future[Any]]]) -> list[Done]:
        """Jobs one after another, each in a transaction of its own: a read sees what was written before it came."""
        done: list[Done] = []
        until = perf_counter() + PATIENCE
        while len(done) < TOGETHER:
            try:
                job, future = waiting.popleft()
            except IndexError:
                break
            if future.done():
                continue
            self._awaited = future
            try:
                done.append((future, job(connection), None))
            except BaseException as error:  # noqa: BLE001 (it is told to who asked for the job)
                done.append((future, None, error))
            finally:
                self._awaited = None
                if connection.in_transaction:  # even a ROLLBACK may be given up
                    connection.execute("ROLLBACK")
            if perf_counter() > until:
                break
        return done


class _TooLong(Exception):  # noqa: N818 (an event, and no fault)
    """A read at once was given up."""


_OPTIONS: Final[dict[str, Any]] = {
    "isolation_level": None,
    "cached_statements": KEPT_STATEMENTS,
    "check_same_thread": False,
}


def _prepared(connection: sqlite3.Connection) -> sqlite3.Connection:
    for pragma in (f"busy_timeout = {BUSY_TIMEOUT}", f"mmap_size = {MAPPED}", "query_only = ON"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


# PostgreSQL --------------------------------------------------------------------------------------------------


class _Drivers:
    """Connections for reading, kept open: to have one from the engine's pool costs as much as a short read."""

    def __init__(self, engine: AsyncEngine) -> None:
        # Beside the engine's pool, which writers wait for.
        self._engine = engine_for(engine.url.render_as_string(hide_password=False), poolclass=NullPool)
        self._idle: list[AsyncConnection] = []
        self._asked = 0
        pool = engine.pool
        self._most = pool.size() if isinstance(pool, QueuePool) else MOST_DRIVERS
        self._free = asyncio.Semaphore(self._most)

    def usage(self) -> Usage:
        """What is asked for beyond the most that there may be waits."""
        used = min(self._asked, self._most)
        return Usage(len(self._idle) + used, used, self._asked - used)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[Any]:
        """The driver's own connection, for as long as it is used."""
        self._asked += 1
        try:
            async with self._free:
                connection, driver = await self._next()
                try:
                    yield driver
                finally:
                    if driver.is_closed():
                        await connection.close()
                    else:
                        self._idle.append(connection)
        finally:
            self._asked -= 1

    async def _next(self) -> tuple[AsyncConnection, Any]:
        while self._idle:
            connection = self._idle.pop()
            driver = await driver_of(connection)
            if not driver.is_closed():
                return connection, driver
            await connection.close()
        connection = await self._engine.connect()
        return connection, await driver_of(connection)

    def close(self, *_: object) -> None:
        """Give the connections back. Called where SQLAlchemy disposes of an asynchronous engine."""
        closing, self._idle = self._idle, []
        for connection in closing:
            await_only(connection.close())


_DRIVERS: WeakKeyDictionary[Any, _Drivers] = WeakKeyDictionary()


def _driver(engine: AsyncEngine) -> Any:
    """A connection of the driver, to be entered."""
    drivers = _DRIVERS.get(engine.sync_engine)
    if drivers is None:
        drivers = _DRIVERS[engine.sync_engine] = _Drivers(engine)
        event.listen(engine.sync_engine, "engine_disposed", drivers.close)
    return drivers.one()


# SQLite ------------------------------------------------------------------------------------------------------

_KEPT: WeakKeyDictionary[Any, _Readers] = WeakKeyDictionary()


def _readers(engine: AsyncEngine) -> _Readers:
    readers = _KEPT.get(engine.sync_engine)
    if readers is None:
        path = str(sqlite_path(engine.url.render_as_string(hide_password=False)) or ":memory:")
        readers = _KEPT[engine.sync_engine] = _Readers(path)
        event.listen(engine.sync_engine, "engine_disposed", readers.close)
    return readers


def _read(work: Work[T], connection: sqlite3.Connection) -> T:
    async def fetch(prepared: Prepared, given: Mapping[str, Any]) -> Rows:
        return _fetch(connection, prepared, given)

    connection.execute("BEGIN")
    try:
        return _finished(work(fetch))
    finally:
        connection.execute("ROLLBACK")


def _fetch(connection: sqlite3.Connection, prepared: Prepared, given: Mapping[str, Any]) -> Rows:
    return prepared.rows(connection.execute(prepared.announced(), prepared.parameters(given)).fetchall())


def _finished(coroutine: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns that has nothing to wait for."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    coroutine.close()
    raise RuntimeError("a read waited for something else than its own statements")

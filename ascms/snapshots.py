"""Reads straight through the driver, all of one read of the database as it was at the first statement.

On SQLite a whole read runs in the thread of its connection: it goes there once, however many statements it takes.
What is read is awaited all the same, so that one plan serves both databases; there it never waits.
"""

import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import aiosqlite
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import await_only

from ascms.database import BUSY_TIMEOUT, in_one_go, sqlite_path
from ascms.statements import Prepared

T = TypeVar("T")

Fetch = Callable[[str, Sequence[Any]], Awaitable[Sequence[Sequence[Any]]]]
"""Runs a statement's text with its parameters in order; the driver's own rows."""

KEPT_STATEMENTS = 500
"""Statements that a connection keeps prepared."""


@asynccontextmanager
async def snapshot(engine: AsyncEngine) -> AsyncIterator[Fetch]:
    """Reads that see the database as it was at the first; other things may be awaited between them."""
    async with engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        if engine.dialect.name == "postgresql":
            async with driver.transaction(isolation="repeatable_read", readonly=True):
                yield lambda statement, parameters: driver.fetch(statement, *parameters)
        else:
            await driver.execute_fetchall("BEGIN")
            try:
                yield driver.execute_fetchall
            finally:
                await driver.rollback()


async def read(engine: AsyncEngine, work: Callable[[Fetch], Coroutine[Any, Any, T]]) -> T:
    """What `work` reads of a snapshot. It awaits nothing but its fetches."""
    if engine.dialect.name == "sqlite":
        return await _readers(engine).read(work)
    async with snapshot(engine) as fetch:
        return await work(fetch)


async def read_once(engine: AsyncEngine, prepared: Prepared, given: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
    """The rows of one statement, as Python values."""
    parameters = prepared.parameters(given)
    if engine.dialect.name == "sqlite":
        return prepared.rows(await _readers(engine).fetch(prepared.announced(), parameters))
    async with engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        return prepared.rows(await driver.fetch(prepared.announced(), *parameters))


class _Readers:
    """Connections that only read, one for each read under way; kept until the engine is disposed of."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._idle: deque[aiosqlite.Connection] = deque()
        self._all: list[aiosqlite.Connection] = []

    async def read(self, work: Callable[[Fetch], Coroutine[Any, Any, T]]) -> T:
        """What `work` reads of a snapshot."""
        return await self._call(_read, work)

    async def fetch(self, statement: str, parameters: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """The rows of one statement."""
        return await self._call(_fetch, statement, parameters)

    async def _call(self, function: Callable[..., T], *arguments: Any) -> T:
        connection = self._idle.pop() if self._idle else await self._connect()
        try:
            return await in_one_go(connection, function, *arguments)
        finally:
            self._idle.append(connection)

    async def _connect(self) -> aiosqlite.Connection:
        connection = await aiosqlite.connect(
            self._path, isolation_level=None, cached_statements=KEPT_STATEMENTS, check_same_thread=False
        )
        await connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")
        await connection.execute("PRAGMA query_only = ON")
        self._all.append(connection)
        return connection

    def close(self, *_: object) -> None:
        """Close each connection. Called where SQLAlchemy disposes of an asynchronous engine, so waiting is possible."""
        closing, self._all = self._all, []
        self._idle.clear()
        for connection in closing:
            await_only(connection.close())


_KEPT: WeakKeyDictionary[Any, _Readers] = WeakKeyDictionary()


def _readers(engine: AsyncEngine) -> _Readers:
    readers = _KEPT.get(engine.sync_engine)
    if readers is None:
        path = str(sqlite_path(engine.url.render_as_string(hide_password=False)) or ":memory:")
        readers = _KEPT[engine.sync_engine] = _Readers(path)
        event.listen(engine.sync_engine, "engine_disposed", readers.close)
    return readers


def _read(connection: sqlite3.Connection, work: Callable[[Fetch], Coroutine[Any, Any, T]]) -> T:
    async def fetch(statement: str, parameters: Sequence[Any]) -> Sequence[Sequence[Any]]:
        return connection.execute(statement, parameters).fetchall()

    connection.execute("BEGIN")
    try:
        return _finished(work(fetch))
    finally:
        connection.execute("ROLLBACK")


def _fetch(connection: sqlite3.Connection, statement: str, parameters: Sequence[Any]) -> Sequence[Sequence[Any]]:
    return connection.execute(statement, parameters).fetchall()


def _finished(coroutine: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns that has nothing to wait for."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    coroutine.close()
    raise RuntimeError("a read waited for something else than its own statements")

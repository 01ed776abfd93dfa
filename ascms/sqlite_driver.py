"""SQLAlchemy's way to aiosqlite with one visit to a connection's thread for each statement.

Its own way goes there four times: for a cursor, its execution, its rows and its end. Each visit costs the event loop
more than most of our statements cost SQLite (`docs/measured.md`).
"""

import sqlite3
from collections import deque
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import aiosqlite
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_cursor,
    AsyncAdapt_aiosqlite_dbapi,
)
from sqlalchemy.util import await_only

Result = TypeVar("Result")


async def in_one_go(connection: aiosqlite.Connection, function: Callable[..., Result], *arguments: Any) -> Result:
    """What the function makes of the driver's own connection and the arguments, in one call to its thread.

    The driver has no public way to have several statements run without coming back in between.
    """
    execute: Any = connection._execute  # noqa: SLF001
    result: Result = await execute(function, connection._conn, *arguments)  # noqa: SLF001
    return result


class _Done:
    """What is left of a cursor that was read to its end and closed."""

    __slots__ = ("arraysize", "description", "lastrowid", "rowcount", "rows")

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self.rows = deque(cursor.fetchall() if cursor.description else ())
        self.description = cursor.description
        self.rowcount = cursor.rowcount
        self.lastrowid = cursor.lastrowid
        self.arraysize = cursor.arraysize
        cursor.close()


class _Cursor(AsyncAdapt_aiosqlite_cursor):
    """All rows are here once the statement was run; nothing of it stays in the thread."""

    __slots__ = ()

    def _aenter_cursor(self, cursor: Any) -> Any:
        """There is no cursor until the statement is run."""
        return cursor

    def _make_new_cursor(self, _connection: Any) -> Any:
        return None

    async def _execute_async(self, operation: Any, parameters: Any) -> None:
        await self._run(sqlite3.Connection.execute, operation, () if parameters is None else parameters)

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> None:
        await self._run(sqlite3.Connection.executemany, operation, seq_of_parameters)

    async def _run(self, way: Callable[..., sqlite3.Cursor], operation: str, parameters: Any) -> None:
        driver: Any = self._connection
        async with self._adapt_connection._execute_mutex:  # noqa: SLF001
            done = await in_one_go(driver, _done, way, operation, parameters)
        self._rows, self._cursor = done.rows, cast(Any, done)

    async def _async_soft_close(self) -> None:
        """The cursor is closed already; its rows stay."""

    def close(self) -> None:
        """The cursor is closed already; its rows are let go of."""
        self._rows.clear()


class _Connection(AsyncAdapt_aiosqlite_connection):
    __slots__ = ()
    _cursor_cls = _Cursor


class _Driver(AsyncAdapt_aiosqlite_dbapi):
    def connect(self, *arguments: Any, **options: Any) -> _Connection:
        """A connection, with a thread that does not keep the process from ending."""
        connection = aiosqlite.connect(*arguments, **options)
        connection._thread.daemon = True  # noqa: SLF001 (as SQLAlchemy does)
        return _Connection(self, cast(Any, await_only(connection)))


def _done(connection: sqlite3.Connection, way: Callable[..., sqlite3.Cursor], operation: str, parameters: Any) -> _Done:
    return _Done(way(connection, operation, parameters))


DRIVER: Final = _Driver(aiosqlite, sqlite3)
"""For `create_engine(module=…)`."""

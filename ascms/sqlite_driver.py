"""SQLAlchemy's way to aiosqlite with one visit to a connection's thread for each statement.

Its own way goes there four times: for a cursor, its execution, its rows and its end. Each visit costs the event loop
more than most of our statements cost SQLite, and all that the event loop does in between is time for which a change
keeps others from writing. So a change's short statements are run without a visit, once it holds the database's lock
(`docs/decisions/0016-the-way-of-a-change.md`).
"""

import sqlite3
from collections import deque
from collections.abc import Callable
from math import inf
from time import thread_time
from typing import Any, Final, TypeVar, cast

import aiosqlite
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_cursor,
    AsyncAdapt_aiosqlite_dbapi,
)
from sqlalchemy.util import await_only

BEGIN_TO_WRITE: Final = "BEGIN IMMEDIATE"
"""Begins a transaction that holds the database's lock."""
LITTLE: Final = 0.002
"""How much work a statement may be, in s of this thread, that is run where it is asked for."""
STEPS: Final = 2_000
"""After so many of its steps SQLite looks whether it is to go on."""
RUN_HERE: Final = ("SELECT", "INSERT", "UPDATE", "DELETE", "SAVEPOINT", "RELEASE", "ROLLBACK TO")
"""How a statement begins that is ever run where it is asked for."""
REMEMBERED: Final = 5_000
"""Texts of statements that are remembered."""

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


Way = Callable[[sqlite3.Connection, str, Any], sqlite3.Cursor]
_ONE: Final[Way] = sqlite3.Connection.execute
_MANY: Final[Way] = sqlite3.Connection.executemany


class _Cursor(AsyncAdapt_aiosqlite_cursor):
    """All rows are here once the statement was run; nothing of it stays in the thread."""

    __slots__ = ()
    _adapt_connection: "_Connection"

    def _aenter_cursor(self, cursor: Any) -> Any:
        """There is no cursor until the statement is run."""
        return cursor

    def _make_new_cursor(self, _connection: Any) -> Any:
        return None

    async def _execute_async(self, operation: Any, parameters: Any) -> None:
        await self._run(_ONE, operation, () if parameters is None else parameters)

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> None:
        await self._run(_MANY, operation, seq_of_parameters)

    async def _run(self, way: Way, operation: str, parameters: Any) -> None:
        adapted = self._adapt_connection
        async with adapted._execute_mutex:  # noqa: SLF001
            done = adapted.run_here(way, operation, parameters)
            if done is None:
                done = await adapted.run_there(way, operation, parameters)
        self._rows, self._cursor = done.rows, cast(Any, done)

    async def _async_soft_close(self) -> None:
        """The cursor is closed already; its rows stay."""

    def close(self) -> None:
        """The cursor is closed already; its rows are let go of."""
        self._rows.clear()


class _Connection(AsyncAdapt_aiosqlite_connection):
    """Runs a statement where it is asked for, if nothing says that it would hold up others there.

    Namely: its transaction holds the database's lock, so that it waits for nobody; nothing is under way in the thread;
    and the same text took little when it was run last. A SELECT that takes long after all is given up, and goes to the
    thread. What changes rows is not: to interrupt it would undo its transaction.
    """

    __slots__ = ("_at_rest", "_driver", "_locked", "_until")
    _cursor_cls = _Cursor

    def __init__(self, dbapi: Any, connection: Any) -> None:
        super().__init__(dbapi, connection)
        self._driver: aiosqlite.Connection = connection
        self._at_rest = True
        """Whether all that was given to the thread is done, as far as who waits for it knows."""
        self._locked = False
        """Whether the transaction, if one is open, was begun as one that writes."""
        self._until = inf
        """How much work of this thread there is, in s, when a SELECT is given up."""

    def run_here(self, way: Way, operation: str, parameters: Any) -> _Done | None:
        """What comes of the statement; None where it belongs to the thread."""
        if not (self._locked and self._at_rest and _SHORT.get(operation)):
            return None
        own = self._driver._conn  # noqa: SLF001
        if not own.in_transaction or not operation.startswith(RUN_HERE):
            return None
        if operation.startswith("SELECT"):
            self._until = thread_time() + LITTLE
        try:
            return _timed(own, way, operation, parameters)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                raise
            _SHORT[operation] = False
            return None
        finally:
            self._until = inf

    async def run_there(self, way: Way, operation: str, parameters: Any) -> _Done:
        """What comes of the statement in the connection's thread."""
        self._at_rest = False
        try:
            done = await in_one_go(self._driver, _timed, way, operation, parameters)
        except sqlite3.Error:
            self._at_rest = True
            raise
        self._at_rest = True
        if operation.startswith("BEGIN"):
            self._locked = operation == BEGIN_TO_WRITE
        return done

    def watch(self) -> None:
        """Have SQLite look how long a SELECT takes."""
        await_only(in_one_go(self._driver, sqlite3.Connection.set_progress_handler, self._takes_long, STEPS))

    def _takes_long(self) -> bool:
        return self._until != inf and thread_time() > self._until


class _Driver(AsyncAdapt_aiosqlite_dbapi):
    def connect(self, *arguments: Any, **options: Any) -> _Connection:
        """A connection, with a thread that does not keep the process from ending."""
        connection = aiosqlite.connect(*arguments, **{**options, "check_same_thread": False})
        connection._thread.daemon = True  # noqa: SLF001 (as SQLAlchemy does)
        adapted = _Connection(self, await_only(connection))
        adapted.watch()
        return adapted


def _timed(connection: sqlite3.Connection, way: Way, operation: str, parameters: Any) -> _Done:
    began = thread_time()
    done = _Done(way(connection, operation, parameters))
    if len(_SHORT) >= REMEMBERED:
        _SHORT.clear()
    _SHORT[operation] = way is _ONE and thread_time() - began < LITTLE
    return done


_SHORT: Final[dict[str, bool]] = {}
"""Of the texts of statements, whether it took little to run them last."""

DRIVER: Final = _Driver(aiosqlite, sqlite3)
"""For `create_engine(module=…)`."""

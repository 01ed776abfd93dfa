"""Where entries are written: in one transaction with their students, and then the head beside the database.

On SQLite all of it is one call to the thread of one connection; PostgreSQL is asked through SQLAlchemy.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

import aiosqlite
import orjson
from sqlalchemy import insert
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ascms.database import BUSY_TIMEOUT, in_one_go, insert_if_absent, sqlite_path
from ascms.models import AccessLogChain, AccessLogEntry, AccessLogStudent, Base, Disclosure

Then = Callable[[], None]
"""What is to be done once the rows are committed; blocks."""


@dataclass(slots=True)
class Rows:
    """What one transaction inserts. `row_id` is the chain's row, None before its first."""

    chain: str
    row_id: int | None
    disclosures: dict[bytes, dict[str, Any]] = field(default_factory=dict)
    entries: list[dict[str, Any]] = field(default_factory=list)
    students: list[tuple[int, Sequence[int]]] = field(default_factory=list)
    """By the entry's sequence."""


class OutcomeUnknownError(Exception):
    """A commit failed, or was interrupted: the rows may be there or not."""


class HeadLostError(Exception):
    """The rows are committed, and what was to be done then failed."""


class Store(Protocol):
    """Writes rows, one transaction at a time."""

    async def write(self, rows: Rows, then: Then) -> int:
        """Gives the chain's row. Raises OutcomeUnknownError, HeadLostError, or what refused the rows."""

    async def disconnect(self) -> None:
        """Give the connection back; the next write takes another."""


def store_for(engine: AsyncEngine) -> Store:
    """The store in the engine's database."""
    path = sqlite_path(engine.url.render_as_string(hide_password=False))
    return EngineStore(engine) if path is None else SqliteStore(str(path))


def nothing_was_written(error: BaseException) -> bool:
    """Whether another attempt makes sense: a refused row, or a connection that was lost before the commit."""
    if isinstance(error, (IntegrityError, sqlite3.IntegrityError)):
        return True
    return isinstance(error, DBAPIError) and error.connection_invalidated


# SQLite ------------------------------------------------------------------------------------------------------

_DIALECT: Final = sqlite.dialect()
_ENTRY_COLUMNS: Final = tuple(column.name for column in AccessLogEntry.__table__.columns if column.name != "id")


def _insert_into(model: type[Base], *columns: str) -> str:
    """An INSERT of these columns in this order."""
    return str(insert(model).compile(dialect=_DIALECT, column_keys=columns))


_DISCLOSE: Final = f"{_insert_into(Disclosure, 'fingerprint', 'disclosed', 'redacted')} ON CONFLICT DO NOTHING"
_OPEN: Final = _insert_into(AccessLogChain, "name")
_ENTER: Final = _insert_into(AccessLogEntry, *_ENTRY_COLUMNS)
_NAME: Final = _insert_into(AccessLogStudent, "entry_id", "student_id")


class SqliteStore:
    """One connection, its statements spelt as SQLAlchemy stores its types."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection: aiosqlite.Connection | None = None

    async def write(self, rows: Rows, then: Then) -> int:
        if self._connection is None:
            self._connection = await aiosqlite.connect(self._path, isolation_level=None)
            for pragma in (f"busy_timeout = {BUSY_TIMEOUT}", "synchronous = FULL", "foreign_keys = ON"):
                await self._connection.execute(f"PRAGMA {pragma}")
        return await in_one_go(self._connection, _write, rows, then)

    async def disconnect(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with contextlib.suppress(sqlite3.Error):
                await connection.close()


def _write(connection: sqlite3.Connection, rows: Rows, then: Then) -> int:
    connection.execute("BEGIN IMMEDIATE")
    try:
        row_id = _insert(connection, rows)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    try:
        connection.execute("COMMIT")
    except BaseException as error:
        raise OutcomeUnknownError from error
    _do_then(then)
    return row_id


def _insert(connection: sqlite3.Connection, rows: Rows) -> int:
    if rows.disclosures:
        told = rows.disclosures.values()
        connection.executemany(
            _DISCLOSE,
            [(one["fingerprint"], _json(one["disclosed"]), _json(one["redacted"])) for one in told],
        )
    row_id = rows.row_id
    if row_id is None:
        row_id = connection.execute(_OPEN, (rows.chain,)).lastrowid
    assert row_id is not None
    ids = {}
    for entry in rows.entries:
        values = {**entry, "chain_id": row_id}
        cursor = connection.execute(_ENTER, [_stored(values[name]) for name in _ENTRY_COLUMNS])
        ids[entry["sequence"]] = cursor.lastrowid
    connection.executemany(_NAME, [(ids[at], student) for at, named in rows.students for student in named])
    return row_id


def _stored(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(" ", "microseconds")
    return _json(value) if isinstance(value, list) else value


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _do_then(then: Then) -> None:
    try:
        then()
    except OSError as error:
        raise HeadLostError from error


# PostgreSQL --------------------------------------------------------------------------------------------------

_INSERT_ENTRIES: Final = insert(AccessLogEntry).returning(AccessLogEntry.id, AccessLogEntry.sequence)


class EngineStore:
    """One connection of the engine, kept from the first write on."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.execution_options(writes=True)
        self._connection: AsyncConnection | None = None

    async def write(self, rows: Rows, then: Then) -> int:
        if self._connection is None:
            self._connection = await self._engine.connect()
        row_id = await self._insert(self._connection, rows)
        try:
            await self._connection.commit()
        except BaseException as error:
            raise OutcomeUnknownError from error
        await asyncio.to_thread(_do_then, then)
        return row_id

    async def _insert(self, connection: AsyncConnection, rows: Rows) -> int:
        if rows.disclosures:
            # In one order, so that two writers wait for each other rather than both at once.
            disclosures = [rows.disclosures[name] for name in sorted(rows.disclosures)]
            await connection.execute(insert_if_absent(connection.dialect, Disclosure), disclosures)
        row_id = rows.row_id
        if row_id is None:
            created = insert(AccessLogChain).returning(AccessLogChain.id)
            row_id = (await connection.execute(created, {"name": rows.chain})).scalar_one()
        entries = [{**entry, "chain_id": row_id} for entry in rows.entries]
        inserted = await connection.execute(_INSERT_ENTRIES, entries)
        ids = {sequence: entry_id for entry_id, sequence in inserted}
        students = [{"entry_id": ids[at], "student_id": student} for at, named in rows.students for student in named]
        if students:
            await connection.execute(insert(AccessLogStudent), students)
        return row_id

    async def disconnect(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with contextlib.suppress(SQLAlchemyError, OSError):
                await connection.close()

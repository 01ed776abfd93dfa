"""Where entries are written: what several of them have in common is stored once, and the rest in one statement.

A statement by itself is a transaction. On SQLite it is run in the thread of one connection; on PostgreSQL it goes
straight to the driver. What is said once, and found by its hash: who was disclosed together, and through what.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from typing import Any, Final, Protocol

import aiosqlite
import asyncpg
import orjson
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ascms.database import BUSY_TIMEOUT, driver_of, sqlite_path
from ascms.sqlite_driver import in_one_go

from .records import Content

REMEMBERED: Final = 10_000
"""How many disclosures, and sets of students, a store remembers as stored; then it forgets all, and asks again."""

Then = Callable[[], None]
"""What is to be done once the rows are committed."""


@dataclass(slots=True)
class Batch:
    """Entries of one chain, in its order. `disclosures` has what their fingerprints stand for."""

    chain: str
    entries: list[tuple[Content, bytes]] = field(default_factory=list)
    """Each with its mac."""
    disclosures: dict[bytes, tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict)


class OutcomeUnknownError(Exception):
    """A commit failed, or was interrupted: the rows may be there or not."""


class HeadLostError(Exception):
    """The rows are committed, and what was to be done then failed."""


class Store(Protocol):
    """Writes batches, one at a time, wholly or not at all. After an error, `disconnect` before the next."""

    async def write(self, batch: Batch, then: Then) -> None:
        """Raises OutcomeUnknownError, HeadLostError, or what refused the rows."""

    async def disconnect(self) -> None:
        """Give the connection back, and forget what is stored; the next write takes another."""


def store_for(engine: AsyncEngine) -> Store:
    """The store in the engine's database."""
    path = sqlite_path(engine.url.render_as_string(hide_password=False))
    return PostgresStore(engine) if path is None else SqliteStore(str(path))


def is_refused(error: BaseException) -> bool:
    """Whether a row was refused, and so nothing written: another attempt makes sense."""
    return isinstance(error, (sqlite3.IntegrityError, asyncpg.IntegrityConstraintViolationError))


@dataclass(slots=True)
class Known:
    """What is stored, as far as a store remembers: the keys by which entries name it."""

    chains: dict[str, int] = field(default_factory=dict)
    sets: dict[bytes, int] = field(default_factory=dict)
    disclosures: set[bytes] = field(default_factory=set)

    def lacking(self, batch: Batch) -> "Known":
        """What the batch names that is not known, with keys still to be filled in. Empty things are falsy."""
        if len(self.sets) > REMEMBERED or len(self.disclosures) > REMEMBERED:
            self.forget()
        return Known(
            {} if batch.chain in self.chains else {batch.chain: 0},
            {content.students: 0 for content, _ in batch.entries if content.students not in self.sets},
            batch.disclosures.keys() - self.disclosures,
        )

    def learn(self, other: "Known") -> None:
        """Remember what is stored by now."""
        self.chains |= other.chains
        self.sets |= other.sets
        self.disclosures |= other.disclosures

    def forget(self) -> None:
        """Ask anew from now on."""
        self.chains, self.sets, self.disclosures = {}, {}, set()

    def __bool__(self) -> bool:
        return bool(self.chains or self.sets or self.disclosures)


def _set_fingerprint(students: bytes) -> bytes:
    return sha256(students).digest()


def _disclosed(batch: Batch, fingerprint: bytes) -> tuple[bytes, str, str]:
    """A row of `disclosure`."""
    disclosed, redacted = batch.disclosures[fingerprint]
    return fingerprint, _json(sorted(set(disclosed))), _json(sorted(set(redacted)))


def _json(value: Sequence[str]) -> str:
    return orjson.dumps(value).decode()


def _do_then(then: Then) -> None:
    try:
        then()
    except OSError as error:
        raise HeadLostError from error


_COLUMNS: Final = (
    "chain_id", "sequence", "occurred_at", "user_id", "organisation_id", "roles", "operation_name", "operation_hash",
    "fingerprint", "student_set_id", "mac",
)  # fmt: skip
_INTO: Final = f"INSERT INTO access_log_entry ({', '.join(_COLUMNS)})"


# SQLite ------------------------------------------------------------------------------------------------------

AT_ONCE: Final = 32
"""How many entries a statement has at most. Each number of them is a text of its own, which the connection keeps."""

_CHAIN: Final = "SELECT id FROM access_log_chain WHERE name = ?"
_OPEN: Final = "INSERT INTO access_log_chain (name) VALUES (?)"
_DISCLOSE: Final = "INSERT INTO disclosure (fingerprint, disclosed, redacted) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
_SET: Final = "SELECT id FROM access_log_student_set WHERE fingerprint = ?"
_UNITE: Final = "INSERT INTO access_log_student_set (fingerprint) VALUES (?)"
_NAME: Final = "INSERT INTO access_log_student (set_id, student_id) SELECT ?, value FROM json_each(?)"


@cache
def _enter(entries: int) -> str:
    row = f"({', '.join('?' * len(_COLUMNS))})"
    return f"{_INTO} VALUES {', '.join([row] * entries)}"


class SqliteStore:
    """One connection. Instants are spelt as SQLAlchemy stores them."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._known = Known()
        self._connection: aiosqlite.Connection | None = None

    async def write(self, batch: Batch, then: Then) -> None:
        if self._connection is None:
            self._connection = await aiosqlite.connect(self._path, isolation_level=None)
            for pragma in (f"busy_timeout = {BUSY_TIMEOUT}", "synchronous = FULL", "foreign_keys = ON"):
                await self._connection.execute(f"PRAGMA {pragma}")
        await in_one_go(self._connection, _write, self._known, batch, then)

    async def disconnect(self) -> None:
        self._known = Known()
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with contextlib.suppress(sqlite3.Error):
                await connection.close()


def _write(connection: sqlite3.Connection, known: Known, batch: Batch, then: Then) -> None:
    lacking = known.lacking(batch)
    if lacking or len(batch.entries) > AT_ONCE:
        _transact(connection, known, lacking, batch)
    else:
        try:
            _insert(connection, known, batch)
        except sqlite3.Error as error:
            if is_refused(error) or getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
                raise
            raise OutcomeUnknownError from error
    _do_then(then)


def _transact(connection: sqlite3.Connection, known: Known, lacking: Known, batch: Batch) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        _store(connection, lacking, batch)
        known.learn(lacking)
        _insert(connection, known, batch)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    try:
        connection.execute("COMMIT")
    except BaseException as error:
        raise OutcomeUnknownError from error


def _store(connection: sqlite3.Connection, lacking: Known, batch: Batch) -> None:
    """Store what is said once, and fill in its keys."""
    for chain in lacking.chains:
        lacking.chains[chain], _ = _found_or_made(connection, _CHAIN, _OPEN, chain)
    connection.executemany(_DISCLOSE, [_disclosed(batch, name) for name in lacking.disclosures])
    for students in lacking.sets:
        lacking.sets[students], is_new = _found_or_made(connection, _SET, _UNITE, _set_fingerprint(students))
        if is_new:
            connection.execute(_NAME, (lacking.sets[students], students.decode()))


def _found_or_made(connection: sqlite3.Connection, find: str, make: str, value: str | bytes) -> tuple[int, bool]:
    found = connection.execute(find, (value,)).fetchone()
    return (connection.execute(make, (value,)).lastrowid or 0, True) if found is None else (found[0], False)


def _insert(connection: sqlite3.Connection, known: Known, batch: Batch) -> None:
    chain_id, sets = known.chains[batch.chain], known.sets
    for start in range(0, len(batch.entries), AT_ONCE):
        entries = batch.entries[start : start + AT_ONCE]
        values: list[Any] = []
        for (_, sequence, occurred_at, user, organisation, roles, name, text, disclosure, students), mac in entries:
            at = occurred_at[:-6].replace("T", " ")
            told = (user, organisation, _json(roles), name, text, disclosure)
            values += (chain_id, sequence, at, *told, sets[students], mac)
        connection.execute(_enter(len(entries)), values)


# PostgreSQL --------------------------------------------------------------------------------------------------

_OPEN_ONE: Final = """INSERT INTO access_log_chain (name) VALUES ($1)
    ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id"""

_DISCLOSE_ALL: Final = """INSERT INTO disclosure (fingerprint, disclosed, redacted)
    SELECT name, disclosed::json, redacted::json
    FROM unnest($1::bytea[], $2::text[], $3::text[]) AS one (name, disclosed, redacted)
    ON CONFLICT DO NOTHING"""

_UNITE_ALL: Final = """WITH
    given AS (SELECT * FROM unnest($1::bytea[], $2::text[]) AS one (fingerprint, students)),
    united AS (INSERT INTO access_log_student_set (fingerprint) SELECT fingerprint FROM given
        ON CONFLICT DO NOTHING RETURNING id, fingerprint),
    named AS (INSERT INTO access_log_student (set_id, student_id) SELECT united.id, student.id::bigint
        FROM united JOIN given USING (fingerprint), json_array_elements_text(given.students::json) AS student (id))
    SELECT fingerprint, id FROM united
    UNION ALL SELECT fingerprint, id FROM access_log_student_set WHERE fingerprint = ANY ($1)"""

_ENTER_ALL: Final = f"""{_INTO}
    SELECT $1, sequence, at::timestamptz, user_id, organisation_id, roles::json, name, text, told, students, mac
    FROM unnest($2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[],
        $9::bytea[], $10::bigint[], $11::bytea[])
    AS one (sequence, at, user_id, organisation_id, roles, name, text, told, students, mac)"""  # noqa: S608 - our own columns


class PostgresStore:
    """One connection of the engine, kept from the first write on."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._known = Known()
        self._connection: AsyncConnection | None = None

    async def write(self, batch: Batch, then: Then) -> None:
        driver = await self._driver()
        lacking = self._known.lacking(batch)
        if lacking:
            # What is stored here and then named by no entry, as these are refused, does no harm.
            await _store_all(driver, lacking, batch)
            self._known.learn(lacking)
        try:
            await driver.execute(_ENTER_ALL, self._known.chains[batch.chain], *self._columns(batch))
        except asyncpg.IntegrityConstraintViolationError:
            raise
        except BaseException as error:
            raise OutcomeUnknownError from error
        _do_then(then)

    def _columns(self, batch: Batch) -> list[Sequence[Any]]:
        contents, macs = zip(*batch.entries, strict=True)
        _, sequences, instants, users, organisations, roles, names, texts, told, students = zip(*contents, strict=True)
        sets = [self._known.sets[one] for one in students]
        return [
            sequences, instants, users, organisations, [_json(one) for one in roles], names, texts, told, sets, macs
        ]  # fmt: skip

    async def _driver(self) -> Any:
        """The driver's own connection; another one where the server has closed it."""
        while True:
            if self._connection is None:
                self._connection = await self._engine.connect()
            driver = await driver_of(self._connection)
            if not driver.is_closed():
                return driver
            await self.disconnect()

    async def disconnect(self) -> None:
        self._known = Known()
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with contextlib.suppress(SQLAlchemyError, OSError):
                driver = await driver_of(connection)
                if driver.is_closed():
                    await connection.invalidate()
                await connection.close()


async def _store_all(driver: Any, lacking: Known, batch: Batch) -> None:
    """Store what is said once, and fill in its keys. In one order, so that two writers cannot wait for each other."""
    for chain in lacking.chains:
        lacking.chains[chain] = await driver.fetchval(_OPEN_ONE, chain)
    if lacking.disclosures:
        rows = [_disclosed(batch, name) for name in sorted(lacking.disclosures)]
        await driver.execute(_DISCLOSE_ALL, *zip(*rows, strict=True))
    missing = {_set_fingerprint(students): students for students in lacking.sets}
    while missing:
        # Another writer may have stored one since this statement began: the next one sees it.
        names = sorted(missing)
        for fingerprint, key in await driver.fetch(_UNITE_ALL, names, [missing[name].decode() for name in names]):
            lacking.sets[missing.pop(fingerprint)] = key

"""Staging: where a file's lines wait, outside the live tables, and the one connection that sees both.

A dialect's own place. On SQLite staging is a database file of its own in the state directory, since the live file has
one writer, and every read waits for it. On PostgreSQL it is temporary tables of the connection, filled by COPY.
"""

import asyncio
import contextlib
import fcntl
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Table, event, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.schema import CreateIndex, CreateTable

from ascms.database import driver_of, one_connection

from .known import Known
from .processes import Progress, Read, Stager
from .stager import Order

CACHE_KIB: Final = 65_536
"""What the connection may keep of the live database in memory on SQLite."""


class AlreadyRunningError(Exception):
    """Another import is under way."""

    def __init__(self) -> None:
        super().__init__("another import is under way; wait until it has ended")


class Place(ABC):
    """Staging for one run. `engine` has one connection, which sees the live tables and staging's."""

    def __init__(self, engine: AsyncEngine, folder: Path) -> None:
        self.engine = engine
        self.folder = folder
        """Emptied of `staging.…` at the end, and before."""

    async def load(
        self, kind: str, file: Path, tables: Sequence[Table], known: Known, stager: Stager, progress: Progress
    ) -> Read:
        """Read the file into the first of `tables`, and make the others. Raises NotReadError."""
        async with self.engine.begin() as connection:
            for table in tables:
                await connection.execute(CreateTable(table))
        target = self.folder / f"staging.{self.suffix}"
        order = Order(kind, str(file), str(target), self.suffix == _Sqlite.suffix, known.to_json())
        read = await stager(order, progress)
        async with self.engine.begin() as connection:
            await self._take(connection, tables[0], target)
            for table in tables:
                for index in sorted(table.indexes, key=lambda index: str(index.name)):
                    await connection.execute(CreateIndex(index))
        return read

    suffix: str

    @abstractmethod
    async def _take(self, connection: AsyncConnection, table: Table, file: Path) -> None:
        """Have what was read in the table."""

    @abstractmethod
    async def look(self, connection: AsyncConnection, tables: Sequence[Table]) -> None:
        """Have the database know how much there is in the tables, to choose its ways by."""


@asynccontextmanager
async def staging(database_url: str, directory: Path) -> AsyncIterator[Place]:
    """Room for one import. `directory` is the state directory. Raises AlreadyRunningError while there is another."""
    folder = directory / "imports"
    await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True, exist_ok=True)
    engine = one_connection(database_url)
    on_postgres = engine.dialect.name == "postgresql"
    try:
        async with _locked_in(engine) if on_postgres else _locked(folder / "lock"):
            with _emptied(folder):
                yield _Postgres(engine, folder) if on_postgres else _Sqlite(engine, folder)
    finally:
        await engine.dispose()


@contextlib.contextmanager
def _emptied(folder: Path) -> Iterator[None]:
    """Nothing of an earlier run that was broken off, nor of this one, stays."""

    def empty() -> None:
        for left in folder.glob("staging.*"):
            left.unlink()

    empty()
    try:
        yield
    finally:
        empty()


@asynccontextmanager
async def _locked(path: Path) -> AsyncIterator[None]:
    """The lock file, held by this process until the end, however it ends."""
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunningError from error
        yield


@asynccontextmanager
async def _locked_in(engine: AsyncEngine) -> AsyncIterator[None]:
    """A lock of the database, held by the engine's one connection until it is closed."""
    async with engine.begin() as connection:
        if not await connection.scalar(text("SELECT pg_try_advisory_lock(hashtext('ascms:import'))")):
            raise AlreadyRunningError
    yield


class _Sqlite(Place):
    suffix = "sqlite3"

    def __init__(self, engine: AsyncEngine, folder: Path) -> None:
        super().__init__(engine, folder)
        event.listen(engine.sync_engine, "connect", self._attach)

    def _attach(self, connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("ATTACH DATABASE ? AS staging", (str(self.folder / f"staging.{self.suffix}"),))
        # In memory, not off, so that the transaction that applies can be taken back in both.
        cursor.execute("PRAGMA staging.journal_mode = MEMORY")
        cursor.execute("PRAGMA staging.synchronous = OFF")
        cursor.execute(f"PRAGMA main.cache_size = -{CACHE_KIB}")
        cursor.close()

    async def _take(self, connection: AsyncConnection, table: Table, file: Path) -> None:
        """It is there: the file is attached."""

    async def look(self, connection: AsyncConnection, tables: Sequence[Table]) -> None:
        await connection.exec_driver_sql("PRAGMA analysis_limit = 1000")
        for table in tables:
            await connection.exec_driver_sql(f"ANALYZE staging.{table.name}")


class _Postgres(Place):
    suffix = "csv"

    def __init__(self, engine: AsyncEngine, folder: Path) -> None:
        super().__init__(engine.execution_options(schema_translate_map={"staging": "pg_temp"}), folder)

    async def _take(self, connection: AsyncConnection, table: Table, file: Path) -> None:
        driver = await driver_of(connection)
        await driver.copy_to_table(table.name, source=file, schema_name="pg_temp", format="csv")
        await asyncio.to_thread(file.unlink)

    async def look(self, connection: AsyncConnection, tables: Sequence[Table]) -> None:
        for table in tables:
            await connection.exec_driver_sql(f"ANALYZE pg_temp.{table.name}")

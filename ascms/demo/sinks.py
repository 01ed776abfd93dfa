"""Where rows go: buffered per table, converted for the driver, written in bulk in the order of foreign keys.

A row is a mapping of column names to Python values; a column left out gets its declared default or NULL.
Everything is one transaction, so that a build that stops half way leaves an empty database. Indexes, and on
PostgreSQL foreign keys, are put aside and made anew behind the rows: row by row they would cost more than the rows.
"""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, Self, TypeAlias

import asyncpg
from sqlalchemy import JSON, URL, Column, Date, Select, Table, create_engine, func, insert, make_url, select
from sqlalchemy.sql.schema import ScalarElementColumnDefault
from sqlalchemy.types import TypeEngine

from ascms.database import SAMPLED, sync_url
from ascms.models import Base, UtcDateTime

Convert: TypeAlias = Callable[[Any], Any]

BATCH = 20_000

SET_ASIDE: Final = """
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS drop,
           format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS make
    FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::regnamespace
    UNION ALL
    SELECT format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE relnamespace = current_schema()::regnamespace
      AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u'))
"""
"""What PostgreSQL can do without while rows are copied: how to drop it, and how to make it again."""


def sqlite_instant(value: datetime) -> str:
    """As SQLAlchemy's `DateTime` stores it on SQLite; `value` is in UTC."""
    return value.replace(tzinfo=None).isoformat(" ", "microseconds")


def _default(column: Column[Any]) -> Any:
    """What a column left out gets. Defaults that are computed have to be given."""
    return column.default.arg if isinstance(column.default, ScalarElementColumnDefault) else None


def _count(table: str) -> Select[int]:
    return select(func.count()).select_from(Base.metadata.tables[table])


class TableBuffer:
    """The rows of one table that wait to be written."""

    def __init__(self, table: Table, converter: Callable[[TypeEngine[Any]], Convert | None]) -> None:
        self.table = table
        self.names = frozenset(column.name for column in table.columns)
        self.columns = [(column.name, _default(column), converter(column.type)) for column in table.columns]
        self.has_id = "id" in self.names
        self.last_id = 0
        self.written = 0
        self.rows: list[dict[str, Any]] = []

    def take(self) -> list[tuple[Any, ...]]:
        """The waiting rows as tuples in column order; the buffer is empty afterwards."""
        rows, self.rows = self.rows, []
        for row in rows:
            if not row.keys() <= self.names:
                raise ValueError(f"{self.table.name} has no column {sorted(row.keys() - self.names)}")
        cells = []
        for name, default, convert in self.columns:
            values = [row.get(name, default) for row in rows]
            if convert is not None:
                values = [None if value is None else convert(value) for value in values]
            cells.append(values)
        self.written += len(rows)
        return list(zip(*cells, strict=True))


class Sink(ABC):
    """A database that is being filled. Use it as a context manager: it commits, or rolls back on an error."""

    def __init__(self) -> None:
        self.buffers = {table.name: TableBuffer(table, self.converter) for table in Base.metadata.sorted_tables}
        self.waiting = 0

    def add(self, table: str, **row: Any) -> int:
        """Queue a row; gives its `id` (0 for a table without one)."""
        buffer = self.buffers[table]
        if buffer.has_id:
            buffer.last_id += 1
            row["id"] = buffer.last_id
        buffer.rows.append(row)
        self.waiting += 1
        return buffer.last_id

    def last_id(self, table: str) -> int:
        """The identifier given last in `table`, 0 before the first."""
        return self.buffers[table].last_id

    def flush_when_full(self) -> None:
        """Write what waits if it is a batch or more. Call it only where every row's parents have been added."""
        if self.waiting >= BATCH:
            self.flush()

    def flush(self) -> None:
        for buffer in self.buffers.values():
            if buffer.rows:
                self.write(buffer.table, buffer.take())
        self.waiting = 0

    def counts(self) -> dict[str, int]:
        """Rows written so far, by table."""
        return {name: buffer.written for name, buffer in self.buffers.items()}

    @abstractmethod
    def converter(self, kind: TypeEngine[Any]) -> Convert | None: ...

    @abstractmethod
    def write(self, table: Table, rows: list[tuple[Any, ...]]) -> None: ...

    @abstractmethod
    def held(self, table: str) -> int:
        """How many rows of `table` the database holds."""

    @abstractmethod
    def put_aside(self) -> None:
        """Drop what is made anew when all rows are there. Call it before the first row."""

    @abstractmethod
    def __enter__(self) -> Self: ...

    @abstractmethod
    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None: ...


class SqliteSink(Sink):
    def __init__(self, url: URL) -> None:
        super().__init__()
        self.engine = create_engine(url)

    def converter(self, kind: TypeEngine[Any]) -> Convert | None:
        if isinstance(kind, UtcDateTime):
            return sqlite_instant
        if isinstance(kind, Date):
            return date.isoformat
        return json.dumps if isinstance(kind, JSON) else None

    def __enter__(self) -> Self:
        self.pooled = self.engine.raw_connection()
        self.cursor = self.pooled.cursor()
        self.cursor.execute("PRAGMA synchronous = OFF")
        self.cursor.execute("PRAGMA cache_size = -131072")
        self.cursor.execute("PRAGMA journal_mode = DELETE")  # a write-ahead log would hold everything a second time
        self.indexes: list[str] = []
        return self

    def put_aside(self) -> None:
        self.cursor.execute("BEGIN IMMEDIATE")
        self.cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
        for name, definition in self.cursor.fetchall():
            self.cursor.execute(f'DROP INDEX "{name}"')
            self.indexes.append(definition)

    def _index(self) -> None:
        for definition in self.indexes:
            self.cursor.execute(definition)

    def write(self, table: Table, rows: list[tuple[Any, ...]]) -> None:
        self.cursor.executemany(str(insert(table).compile(self.engine)), rows)

    def held(self, table: str) -> int:
        self.cursor.execute(str(_count(table)))
        row = self.cursor.fetchone()
        return int(row[0]) if row is not None else 0

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            if kind is None:
                self.flush()
                self._index()
                self.pooled.commit()
                self.cursor.execute(f"PRAGMA analysis_limit = {SAMPLED}")
                self.cursor.execute("ANALYZE")
                self.pooled.commit()
            else:
                self.pooled.rollback()
            self.cursor.execute("PRAGMA journal_mode = WAL")
        finally:
            self.pooled.invalidate()
            self.engine.dispose()


class PostgresSink(Sink):
    """Through asyncpg's COPY, on an event loop of its own: call it from a thread that runs none."""

    def __init__(self, url: URL) -> None:
        super().__init__()
        self.url = url.render_as_string(hide_password=False)
        self.runner = asyncio.Runner()

    def converter(self, kind: TypeEngine[Any]) -> Convert | None:
        return json.dumps if isinstance(kind, JSON) else None

    def __enter__(self) -> Self:
        self.connection = self.runner.run(asyncpg.connect(self.url))
        self.transaction = self.connection.transaction()
        self.runner.run(self.transaction.start())
        self.again: list[str] = []
        return self

    def put_aside(self) -> None:
        for drop, make in self.runner.run(self.connection.fetch(SET_ASIDE)):
            self.runner.run(self.connection.execute(drop))
            self.again.append(make)

    def write(self, table: Table, rows: list[tuple[Any, ...]]) -> None:
        columns = [column.name for column in table.columns]
        self.runner.run(self.connection.copy_records_to_table(table.name, records=rows, columns=columns))

    def held(self, table: str) -> int:
        return int(self.runner.run(self.connection.fetchval(str(_count(table)))))

    def _advance_sequences(self) -> None:
        for name, buffer in self.buffers.items():
            if buffer.last_id:
                sql = "SELECT setval(pg_get_serial_sequence($1, 'id'), $2)"
                self.runner.run(self.connection.execute(sql, name, buffer.last_id))

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            if kind is None:
                self.flush()
                for make in self.again:
                    self.runner.run(self.connection.execute(make))
                self._advance_sequences()
                self.runner.run(self.transaction.commit())
                self.runner.run(self.connection.execute("VACUUM ANALYZE"))  # or no count is by index alone
            else:
                self.runner.run(self.transaction.rollback())
        finally:
            self.runner.run(self.connection.close())
            self.runner.close()


@contextmanager
def opened(database: str | Path) -> Iterator[Sink]:
    """The sink for a database (as `ascms.database.normalise_url` takes it): SQLite or PostgreSQL."""
    url = make_url(sync_url(database))
    with SqliteSink(url) if url.get_backend_name() == "sqlite" else PostgresSink(url) as sink:
        yield sink

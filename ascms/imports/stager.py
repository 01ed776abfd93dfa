"""Reads a file into staging: every line becomes a row or a problem. Runs in a process of its own.

Of its own, since it would otherwise take turns with whoever answers requests for twenty seconds; it gives way to
them, and ends when nobody listens. It reads the order from standard input and tells how far it is on standard
output, a JSON array a line: `["progress", lines, bytes]`, `["problem", line, reason]`, and at the end `["done", {…}]`,
`["refused", why]` or `["failed", kind]`.
"""

import csv
import hashlib
import os
import sqlite3
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, Protocol, Self

import orjson
from sqlalchemy import Table

from ascms.models import UtcDateTime

from .case_file import CaseRows
from .enrolment_file import EnrolmentRows
from .forms import HeaderError
from .known import Known
from .reading import Reader, Record

BATCH: Final = 2_000
EVERY: Final = 0.5
"""Seconds between two reports of progress."""
MOST_PROBLEMS: Final = 10_000
"""Problems that are kept."""


class Rows(Protocol):
    """Makes staging rows of a file's lines."""

    table: Table
    columns: list[str]

    def row(self, line: int, fields: Sequence[str], reasons: list[str]) -> tuple[Any, ...]:
        """The row of a line; empty where anything was added to `reasons`."""


FORMS: Final[dict[str, Callable[[Sequence[str], Known], Rows]]] = {"ENROLMENTS": EnrolmentRows, "CASES": CaseRows}


@dataclass(frozen=True)
class Order:
    """What to read: a file of a kind, into a staging database of SQLite (`into_sqlite`) or a file for COPY."""

    kind: str
    file: str
    into: str
    into_sqlite: bool
    known: dict[str, Any]


@dataclass(frozen=True)
class Staged:
    """What was read: all lines after the header, how many of them were bad, and which columns the header has."""

    lines: int
    bad: int
    columns: list[str]
    sha256: str


class NotReadError(Exception):
    """The file as a whole is none that can be read; the message says why."""


Tell = Callable[[list[Any]], None]


def stage(order: Order, tell: Tell) -> Staged:
    """Read the file. Raises NotReadError where it is not such a file at all."""
    with Path(order.file).open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        reader = Reader(file)
        records = iter(reader)
        rows = _rows(order, next(records, None))
        reader.width = rows.width
        with _target(order, rows.form.table) as target:
            lines, bad = _read(records, reader, rows.form, target, tell)
    return Staged(lines, bad, rows.form.columns, sha256)


@dataclass(frozen=True)
class _Header:
    form: Rows
    width: int


def _rows(order: Order, header: Record | None) -> _Header:
    if header is None:
        raise NotReadError("The file is empty.")
    if header.reason is not None:
        raise NotReadError(f"The header cannot be read: it {header.reason}.")
    try:
        return _Header(FORMS[order.kind](header.fields, Known.from_json(order.known)), len(header.fields))
    except HeaderError as error:
        raise NotReadError(str(error)) from error


def _read(records: Iterator[Record], reader: Reader, form: Rows, target: "Target", tell: Tell) -> tuple[int, int]:
    lines = bad = 0
    batch: list[tuple[Any, ...]] = []
    told_at = time.monotonic()
    for record in records:
        lines += 1
        reasons = [] if record.reason is None else [record.reason]
        row = () if reasons else form.row(record.line, record.fields, reasons)
        if not reasons:
            batch.append(row)
        else:
            bad += 1
            if bad <= MOST_PROBLEMS:
                tell(["problem", record.line, "; ".join(reasons)])
        if len(batch) == BATCH:
            target.write(batch)
            batch = []
        if lines % BATCH == 0 and time.monotonic() - told_at > EVERY:
            tell(["progress", lines, reader.bytes_read])
            told_at = time.monotonic()
    target.write(batch)
    tell(["progress", lines, reader.bytes_read])
    return lines, bad


# Where rows go -----------------------------------------------------------------------------------------------


class Target(ABC):
    """Takes the rows of good lines. Use it as a context manager: it is done at its end."""

    @abstractmethod
    def write(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add rows, in the table's order of columns."""

    @abstractmethod
    def __enter__(self) -> Self: ...

    @abstractmethod
    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None: ...


def _target(order: Order, table: Table) -> Target:
    return _Sqlite(order.into, table) if order.into_sqlite else _Copy(order.into)


class _Sqlite(Target):
    """The table in a staging database, which nobody else uses and which need not outlive a crash."""

    def __init__(self, path: str, table: Table) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._insert = f"INSERT INTO {table.name} VALUES ({', '.join('?' * len(table.columns))})"  # noqa: S608 (a table of ours)
        self._instants = [place for place, column in enumerate(table.columns) if isinstance(column.type, UtcDateTime)]
        self._days = [place for place, column in enumerate(table.columns) if column.type.python_type is date]

    def __enter__(self) -> Self:
        for pragma in ("journal_mode = OFF", "synchronous = OFF"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute("BEGIN")
        return self

    def write(self, rows: Sequence[tuple[Any, ...]]) -> None:
        self._connection.executemany(self._insert, self._converted(rows))

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        with closing(self._connection):
            if kind is None:
                self._connection.execute("COMMIT")

    def _converted(self, rows: Iterable[tuple[Any, ...]]) -> Iterator[list[Any]]:
        """As SQLAlchemy stores days and instants on SQLite."""
        for row in rows:
            cells = list(row)
            for place in self._days:
                if cells[place] is not None:
                    cells[place] = cells[place].isoformat()
            for place in self._instants:
                instant: datetime = cells[place].astimezone(UTC).replace(tzinfo=None)
                cells[place] = instant.isoformat(" ", "microseconds")
            yield cells


class _Copy(Target):
    """A file that PostgreSQL's COPY takes as CSV: a null is empty, and no text is."""

    def __init__(self, path: str) -> None:
        self._file = Path(path).open("w", encoding="utf-8", newline="")  # noqa: SIM115 (closed at the end)
        self._write = csv.writer(self._file, lineterminator="\n").writerows

    def __enter__(self) -> Self:
        return self

    def write(self, rows: Sequence[tuple[Any, ...]]) -> None:
        self._write(rows)

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self._file.close()


# The process -------------------------------------------------------------------------------------------------


def main() -> None:
    """Read the order from standard input, and do it."""
    os.nice(10)

    def tell(message: list[Any]) -> None:
        sys.stdout.buffer.write(orjson.dumps(message) + b"\n")
        sys.stdout.buffer.flush()

    order = Order(**orjson.loads(sys.stdin.buffer.read()))
    try:
        tell(["done", asdict(stage(order, tell))])
    except NotReadError as error:
        tell(["refused", str(error)])
    except Exception as error:  # noqa: BLE001 (told by its kind alone: its words may be the file's)
        tell(["failed", type(error).__name__])


if __name__ == "__main__":
    main()

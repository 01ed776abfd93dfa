"""Reading the log's tables page by page, whatever somebody may have written into them."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, Select, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import InstrumentedAttribute

from ascms.models import AccessLogEntry, AccessLogStudent, ChangeEntry, Disclosure

PAGE = 1_000

_COLUMNS = (
    "sequence", "occurred_at", "user_id", "organisation_id", "roles", "operation_name", "operation_hash",
    "fingerprint", "student_set_id", "mac", "disclosure_exists",
)  # fmt: skip

AnySelect = Select[*tuple[Any, ...]]


@dataclass(slots=True)
class Entry:
    """An entry as it is stored. On SQLite a column may hold a value of another type."""

    sequence: int
    occurred_at: datetime
    user_id: int
    organisation_id: int | None
    roles: list[str]
    operation_name: str | None
    operation_hash: str
    fingerprint: bytes
    student_set_id: int
    mac: bytes
    disclosure_exists: bool
    students: list[int]


@dataclass(slots=True)
class Unreadable:
    """A row with a value that its column cannot hold; `sequence` is what the table is ordered by."""

    sequence: Any


def rows_of(
    connection: Connection, columns: AnySelect, order: InstrumentedAttribute[Any]
) -> Iterator[Row[*tuple[Any, ...]] | Unreadable]:
    """All rows of `columns` by `order`, which is unique. No transaction stays open between pages."""
    for page in _pages(connection, columns, order):
        if isinstance(page, Unreadable):
            yield page
        else:
            yield from page


def changes_of(connection: Connection) -> Iterator[Any]:
    """The entries of the change log by sequence."""
    columns = [column for column in ChangeEntry.__table__.columns if column.key != "id"]
    return rows_of(connection, select(*columns), ChangeEntry.sequence)


def entries_of(connection: Connection, chain_id: int) -> Iterator[Entry | Unreadable]:
    """The entries of a chain by sequence, with their students."""
    entry = AccessLogEntry
    columns = (
        select(
            *(getattr(entry, name) for name in _COLUMNS[:-1]),
            Disclosure.fingerprint.is_not(None).label(_COLUMNS[-1]),
        )
        .outerjoin(Disclosure, Disclosure.fingerprint == entry.fingerprint)
        .where(entry.chain_id == chain_id)
    )
    for page in _pages(connection, columns, entry.sequence):
        if isinstance(page, Unreadable):
            yield page
        else:
            students = _students(connection, {row.student_set_id for row in page})
            for row in page:
                yield Entry(students=students.get(row.student_set_id, []), **dict(zip(_COLUMNS, row, strict=True)))


def _students(connection: Connection, sets: Collection[int]) -> dict[int, list[int]]:
    """The students of these sets, ascending."""
    member = AccessLogStudent
    rows = connection.execute(
        select(member.set_id, member.student_id)
        .where(member.set_id.in_(sets))
        .order_by(member.set_id, member.student_id)
    ).all()
    connection.rollback()
    return {key: [row.student_id for row in named] for key, named in groupby(rows, lambda row: row.set_id)}


def _pages(
    connection: Connection, columns: AnySelect, order: InstrumentedAttribute[Any]
) -> Iterator[list[Row[*tuple[Any, ...]]] | Unreadable]:
    """Pages of `columns`, halved down to the row that cannot be read where there is one."""
    rest, size = columns.order_by(order), PAGE
    while True:
        try:
            page = list(connection.execute(rest.limit(size)).all())
        except (DBAPIError, ValueError, TypeError, LookupError):
            connection.rollback()
            size //= 2
            if size == 0:
                last = connection.execute(rest.with_only_columns(order).limit(1)).scalar_one()
                yield Unreadable(last)
                rest, size = columns.where(order > last).order_by(order), PAGE
            continue
        connection.rollback()
        if not page:
            return
        yield page
        last = getattr(page[-1], order.key)
        rest, size = columns.where(order > last).order_by(order), PAGE

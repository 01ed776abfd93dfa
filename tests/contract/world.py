"""The ground truth: the server's own database, read whole by plain SELECTs, without a rule of the project's.

What the domain says about rows (who is enrolled where, which roles have effect) is worked out here from the
tables, never asked of the code under test.
"""

import asyncio
from base64 import urlsafe_b64encode
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Select, Table, select

from ascms.database import engine_for
from ascms.models import Base

Row = Any
PROVIDER_ROLES = {"WORKFLOW_LEAD", "CASE_MANAGER"}
TABLES = {
    "Student": "student",
    "Case": "case_record",
    "Request": "request",
    "Comment": "comment",
    "Event": "event",
    "File": "file",
    "User": "user_account",
    "Organisation": "organisation",
}
"""The table behind each type that `node` can answer."""


def global_id(type_name: str, key: int) -> str:
    """The identifier clients know a row by. Its form is the project's own; the tests rely on it here alone."""
    return urlsafe_b64encode(f"{type_name}:{key}".encode()).decode().rstrip("=")


@dataclass(frozen=True)
class Context:
    """An organisation that a person holds roles in, and the roles in effect there."""

    organisation: Row
    roles: frozenset[str]


class World:
    """All rows of a database, as they were when the tests began."""

    def __init__(self, tables: dict[str, list[Row]]) -> None:
        self._tables = tables
        self._keys: dict[str, dict[int, Row]] = {}
        self._indexes: dict[tuple[str, str], dict[Any, list[Row]]] = {}

    def all(self, table: str) -> list[Row]:
        """Every row of a table."""
        return self._tables[table]

    def get(self, table: str, key: int | None) -> Row | None:
        """The row with this key; None where there is no key."""
        if table not in self._keys:
            self._keys[table] = {row.id: row for row in self._tables[table]}
        return None if key is None else self._keys[table][key]

    def of(self, table: str, column: str, value: Any) -> list[Row]:
        """The rows of which a column has this value."""
        if (table, column) not in self._indexes:
            index = self._indexes[table, column] = defaultdict(list)
            for row in self._tables[table]:
                index[getattr(row, column)].append(row)
        return self._indexes[table, column].get(value, [])

    def one(self, table: str, column: str, value: Any) -> Row | None:
        """The only row of which a column has this value, if there is one."""
        rows = self.of(table, column, value)
        assert len(rows) <= 1, f"{len(rows)} rows of {table} have {column} {value!r}"
        return rows[0] if rows else None

    # Enrolment and allocation ----------------------------------------------------------------------------------

    @cached_property
    def _schools(self) -> dict[int, int]:
        return {row.student_id: row.school_id for row in self.all("enrolment") if row.ended_on is None}

    def school_of(self, student_id: int | None) -> int | None:
        """The school that the student is enrolled at now."""
        return None if student_id is None else self._schools.get(student_id)

    def region_of(self, case: Row) -> str | None:
        """The region of the student's present school, else the provider's."""
        school = self.get("organisation", self.school_of(case.student_id) or case.provider_id)
        assert school is not None
        region: str | None = school.region
        return region

    def is_protected(self, student_id: int | None) -> bool:
        student = self.get("student", student_id)
        return student is not None and bool(student.protected)

    @cached_property
    def blocks(self) -> set[tuple[int, int]]:
        """Whom (user) an access block keeps from which student now."""
        return {(row.user_id, row.student_id) for row in self.all("access_block") if row.lifted_at is None}

    @cached_property
    def _identified(self) -> dict[str, tuple[str, Row]]:
        return {global_id(name, row.id): (name, row) for name, table in TABLES.items() for row in self.all(table)}

    def identified(self, text: str) -> tuple[str, Row] | None:
        """The type and the row that a global identifier names."""
        return self._identified.get(text)

    # People ----------------------------------------------------------------------------------------------------

    def user(self, username: str) -> Row:
        user = self.one("user_account", "username", username)
        assert user is not None, username
        return user

    def holders(self, organisation_id: int | None, roles: Iterable[str]) -> list[Row]:
        """The users who hold one of the roles there, approved and not ended."""
        keys = {
            row.user_id
            for row in self.of("role_assignment", "organisation_id", organisation_id)
            if row.role in roles and row.approved_at is not None and row.ended_at is None
        }
        return [self.get("user_account", key) for key in keys]

    def members(self, organisation_id: int) -> list[Row]:
        """The organisation's people."""
        assignments = self.of("role_assignment", "organisation_id", organisation_id)
        return [self.get("user_account", key) for key in {row.user_id for row in assignments if row.ended_at is None}]

    def is_member(self, user_id: int, organisation_id: int | None) -> bool:
        """Whether the user is one of the organisation's people."""
        return any(
            row.organisation_id == organisation_id and row.ended_at is None
            for row in self.of("role_assignment", "user_id", user_id)
        )

    def contexts(self, user: Row) -> list[Context]:
        """The organisations the user holds a role in; a provider's role has effect once the training is done."""
        roles: dict[int, set[str]] = {}
        for row in self.of("role_assignment", "user_id", user.id):
            if row.ended_at is None:
                held = roles.setdefault(row.organisation_id, set())
                if row.approved_at is not None and (row.role not in PROVIDER_ROLES or user.training_completed_at):
                    held.add(str(row.role))
        return [Context(self.get("organisation", key), frozenset(held)) for key, held in roles.items()]

    def label(self, code_set: str, code: str) -> str | None:
        """What an entry of a code set is called."""
        return next((row.label for row in self.of("code", "code", code) if row.code_set == code_set), None)


def _sorted(table: Table) -> Select[Any]:
    """All rows, in the order of the key."""
    return select(table).order_by(*table.primary_key.columns)


def read_world(url: str) -> World:
    """All rows of the database at `url`."""

    async def read() -> World:
        engine = engine_for(url)
        try:
            async with engine.connect() as connection:
                tables = {}
                for table in Base.metadata.tables.values():
                    rows = (await connection.execute(_sorted(table))).mappings()
                    tables[table.name] = [SimpleNamespace(**row) for row in rows]
        finally:
            await engine.dispose()
        return World(tables)

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(read())).result()

"""Cases of a test's own in a running demo's world, and whether anything in it was changed."""

import hashlib
import itertools
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, Final, TypeVar

from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncSession

from ascms import models
from ascms.audit import ChangeLog
from ascms.database import engine_for, state_directory, writing
from ascms.models import Base, CaseStatus, CaseType, RequestStatus
from ascms.planning.identifiers import encode
from ascms.resolvers.workshop import Workshop
from ascms.settings import Settings, kept_secret
from ascms.signals import create_bus
from tests.models import rows as smallest
from tests.support.server import DemoServer
from tests.support.sql import apart, rows

SCHOOL, SECOND_SCHOOL, ISP, ASP = "1234", "1235", "78912", "5001"
T = TypeVar("T")
_numbers = itertools.count(1)
"""Below those that the server gives out next, or (references) far apart from them."""
OPENED: Final = datetime(2026, 5, 4, 1, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Made:
    """A case that was made: its number, its student's key."""

    number: str
    id: int
    student_id: int


def make(
    server: DemoServer,
    status: str = "OPEN",
    *,
    provider: str = ISP,
    manager: str | None = None,
    contact: str | None = None,
    school: str | None = SCHOOL,
    type: str = "CHRONIC_ABSENCE",  # noqa: A002 (as the column is called)
    asked: str | None = "ACCEPTED",
    student_id: int | None = None,
    **columns: Any,
) -> Made:
    """A case in this status of a new student (or of `student_id`), with its request in status `asked`, if any.

    `manager` and `contact` are sign-in addresses, `provider` and `school` organisation numbers.
    """

    async def write() -> Made:
        engine = engine_for(server.database)
        try:
            writer = writing(engine)
            async with AsyncSession(writer, expire_on_commit=False) as session, session.begin():
                return await _make(session)
        finally:
            await engine.dispose()

    async def _make(session: AsyncSession) -> Made:
        number = next(_numbers)
        school_id = None if school is None else organisation_key(server, school)
        provider_id = organisation_key(server, provider)
        key = student_id
        if key is None:
            student = smallest.student(f"Made Student {number}", school_id=school_id)
            session.add(student)
            await session.flush()
            key = student.id
            if school_id is not None:
                session.add(models.Enrolment(student_id=key, school_id=school_id, started_on=date(2026, 2, 2)))
        case = models.Case(
            number=f"{100_000 + number:08d}",
            type=CaseType(type),
            status=CaseStatus(status),
            active=status != "CLOSED",
            student_id=key,
            school_id=school_id,
            provider_id=provider_id,
            region="Waikato",
            case_manager_id=None if manager is None else user_key(server, manager),
            primary_contact_id=None if contact is None else user_key(server, contact),
            opened_at=OPENED,
            **_as_the_status_needs(status),
        )
        for name, value in columns.items():
            setattr(case, name, value)
        session.add(case)
        await session.flush()
        session.add(models.CaseAllocation(case_id=case.id, provider_id=provider_id, started_at=OPENED))
        session.add(models.CaseStatusChange(case_id=case.id, to_status=case.status, changed_at=OPENED))
        if asked is not None:
            session.add(_request(server, number, case, RequestStatus(asked), school_id))
        return Made(case.number, case.id, key)

    return apart(write)


def _as_the_status_needs(status: str) -> dict[str, Any]:
    if status == "CLOSED":
        closed = datetime.now(UTC) - timedelta(days=2)
        return {"closed_at": closed, "outcome_code": "ENROLLED", "closing_summary": "Goes to school again."}
    if status == "PAUSED":
        return {"status_reason_code": "AWAY", "review_on": date(2099, 1, 1)}
    if status == "TRANSITION":
        return {"former_reference": f"MADE-{next(_numbers)}"}
    return {}


def _request(
    server: DemoServer, number: int, case: models.Case, status: RequestStatus, school_id: int | None
) -> models.Request:
    return models.Request(
        reference=f"{1_000_000 * number}",
        number=f"{100_000_000 + number}",
        status=status,
        student_id=case.student_id,
        school_id=school_id or organisation_key(server, SCHOOL),
        created_by_id=user_key(server, "lead@test-college.school.nz"),
        provider_id=case.provider_id,
        case_id=case.id,
        submitted_at=OPENED,
        last_modified_at=OPENED,
    )


# Keys --------------------------------------------------------------------------------------------------------


def organisation_key(server: DemoServer, number: str) -> int:
    """The key of an organisation, by its number."""
    return _key(server.database, "SELECT id FROM organisation WHERE number = :name", number)


def user_key(server: DemoServer, email: str) -> int:
    """The key of a person, by their sign-in address."""
    return _key(server.database, "SELECT id FROM user_account WHERE username = :name", email)


@cache
def _key(database: str, statement: str, name: str) -> int:
    return int(rows(database, statement, name=name)[0][0])


def user(server: DemoServer, email: str) -> str:
    """The global identifier of a person."""
    return encode("User", user_key(server, email))


def organisation(server: DemoServer, number: str) -> str:
    """The global identifier of an organisation."""
    return encode("Organisation", organisation_key(server, number))


# What is so --------------------------------------------------------------------------------------------------

MAY_CHANGE: Final = {
    *(name for name in Base.metadata.tables if name.startswith("access_log_")),
    "disclosure", "idempotency_key", "account_event",
}  # fmt: skip
SENT: Final = {"attempts", "next_attempt_at", "last_error", "delivered_at", "last_signed_in_at"}


def everything(server: DemoServer, but: Iterable[str] = ()) -> dict[str, str]:
    """A checksum of each table, but for what is written when somebody signs in, reads, tries again, or is sent mail."""

    tables = [table for table in Base.metadata.sorted_tables if table.name not in {*MAY_CHANGE, *but}]

    async def read() -> dict[str, str]:
        engine = engine_for(server.database)
        async with engine.connect() as connection:
            found = [await connection.scalar(text(_written_out(table, engine.dialect.name))) for table in tables]
        await engine.dispose()
        sums = (hashlib.sha256((written or "").encode()).hexdigest() for written in found)
        return dict(zip((table.name for table in tables), sums, strict=True))

    return apart(read)


def _written_out(table: Table, dialect: str) -> str:
    """A statement for the rows as one text, which the database is quicker to write than we are to read them."""
    quoted, joined = (
        ("quote({})", "group_concat") if dialect == "sqlite" else ("quote_nullable({}::text)", "string_agg")
    )
    values = " || ',' || ".join(
        quoted.format(f'"{column.name}"') for column in table.columns if column.name not in SENT
    )
    order = ", ".join(f'"{column.name}"' for column in table.primary_key.columns)
    return f"SELECT {joined}(line, ';') FROM (SELECT {values} AS line FROM {table.name} ORDER BY {order}) AS lines"


# Beside the server -------------------------------------------------------------------------------------------


def person(server: DemoServer, organisation_number: str, *roles: str) -> int:
    """The key of somebody new, trained, who holds the roles at the organisation."""
    number = next(_numbers)
    held_at = organisation_key(server, organisation_number)

    async def write() -> int:
        engine = engine_for(server.database)
        writer = writing(engine)
        async with AsyncSession(writer, expire_on_commit=False) as session, session.begin():
            name = f"made{number}@example.nz"
            who = smallest.user(username=name, email=name, training_completed_at=OPENED)
            session.add(who)
            await session.flush()
            for role in roles:
                session.add(
                    models.RoleAssignment(
                        user_id=who.id,
                        organisation_id=held_at,
                        role=models.Role(role),
                        granted_at=OPENED,
                        approved_at=OPENED,
                    )
                )
        await engine.dispose()
        return who.id

    return apart(write)


def by_the_system(server: DemoServer, action: Callable[[Workshop], Coroutine[Any, Any, T]]) -> T:
    """What comes of an action in a process of its own, with the keys of the server."""

    async def act() -> T:
        engine = engine_for(server.database)
        state = server.folder / state_directory(server.database)
        settings = Settings(database_url=server.database, state_directory=state)
        changes = ChangeLog(kept_secret(state / "audit_key").encode(), state)
        workshop = Workshop(engine, settings, changes, create_bus(settings))
        try:
            return await action(workshop)
        finally:
            await changes.aclose()
            await engine.dispose()

    return apart(act)

"""A log over a fresh database of each kind, with the fewest people it can speak of."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from ascms.audit import AccessLog, AccessRecord, Report, verify
from ascms.database import engine_for
from tests.models import rows

KEY = b"the key of these tests, and no other's"
MAY = datetime(2026, 5, 11, 8, 0, tzinfo=UTC)


@dataclass(frozen=True)
class World:
    """A record of something that may have happened, and the ids it may name instead."""

    record: AccessRecord
    students: tuple[int, ...]

    def changed(self, **changes: Any) -> AccessRecord:
        return replace(self.record, **changes)


@pytest.fixture
async def world(engine: AsyncEngine) -> World:
    users, organisations = [rows.user(), rows.user()], [rows.organisation(), rows.organisation()]
    students = [rows.student(name) for name in ("Hēmi", "Mere", "Tāne")]
    await rows.save(engine, *users, *organisations, *students)
    ids = tuple(student.id for student in students)
    record = AccessRecord(
        occurred_at=MAY,
        user_id=users[0].id,
        organisation_id=organisations[0].id,
        roles=("ATTENDANCE_LEAD",),
        operation_name="CaseView",
        operation_hash="ab" * 32,
        disclosed=("Student.fullName", "Student.yearLevel"),
        redacted=("Student.ethnicities",),
        students=ids[:2],
    )
    return World(record, ids)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
async def log(engine: AsyncEngine, state: Path) -> AsyncIterator[AccessLog]:
    log = AccessLog(engine, KEY, state)
    yield log
    await log.aclose()


@pytest.fixture
def checked(engine: AsyncEngine, state: Path) -> Callable[[], Awaitable[Report]]:
    async def checked() -> Report:
        return await verify(engine, KEY, state)

    return checked


Tamper = Callable[..., Awaitable[None]]


@pytest.fixture
def tamper(database_url: str) -> Tamper:
    """Runs statements as somebody would who may do anything in the database: foreign keys hold no one up."""

    async def tamper(*statements: str) -> None:
        engine = engine_for(database_url)
        free = (
            "PRAGMA foreign_keys = OFF" if engine.dialect.name == "sqlite" else "SET session_replication_role = replica"
        )
        async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            for statement in (free, *statements):
                await connection.execute(text(statement))
        await engine.dispose()

    return tamper

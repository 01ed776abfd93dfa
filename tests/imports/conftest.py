"""A small world to import into: three schools, two providers, code sets, and what reads it back."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from ascms.audit import ChangeLog
from ascms.casework.work import Actor
from ascms.database import engine_for, upgrade, writing
from ascms.imports import Import, Imports, ImportState
from ascms.imports.processes import Progress, Read
from ascms.imports.stager import Order, stage
from ascms.models import (
    EthnicGroup,
    ImportProblem,
    ImportRun,
    Iwi,
    OrganisationKind,
    OrganisationStatus,
    ServiceLevelTarget,
)
from ascms.resolvers.workshop import Workshop
from ascms.settings import Settings
from ascms.signals import Bus, create_bus
from tests.models import rows
from tests.support.databases import Databases

KEY = b"k" * 32
SYSTEM = Actor()


async def read_here(order: Order, progress: Progress) -> Read:
    """Reads as the process apart does, without one: quicker where many small files are imported."""
    problems: list[tuple[int, str]] = []

    def tell(message: list[Any]) -> None:
        if message[0] == "problem":
            problems.append((message[1], message[2]))
        else:
            progress(message[1], message[2])

    return stage(order, tell), problems


@dataclass(frozen=True)
class Ended:
    """A run as it is kept."""

    id: int
    state: ImportState
    counts: dict[str, int]
    problems: list[tuple[int, str]]
    failure: str | None
    lines_read: int
    lines_bad: int

    @property
    def changed(self) -> dict[str, int]:
        """What it changed at all."""
        return {name: count for name, count in self.counts.items() if count and name != "casesHeld"}


@dataclass
class Desk:
    """Where imports are made in tests. `a`, `b`, `c` are schools' keys; numbers are A, B, C; providers ASP and ISP."""

    engine: AsyncEngine
    settings: Settings
    workshop: Workshop
    folder: Path
    a: int
    b: int
    c: int
    asp: int
    isp: int

    @property
    def bus(self) -> Bus:
        return self.workshop.bus

    def imports(self, **changes: Any) -> Imports:
        """The imports of this installation; read in this process unless told otherwise."""

        def open_work(engine: AsyncEngine, actor: Actor, action: str, now: datetime) -> Any:
            return dataclasses.replace(self.workshop, engine=engine).open(actor, action, now)

        return Imports(self.engine, self.settings, open_work, **{"stager": read_here, **changes})

    def file(self, content: str | bytes) -> Path:
        """A file with this content."""
        path = self.folder / "given.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    async def run(self, subject: Import, content: str | bytes, **changes: Any) -> Ended:
        """Import a file with this content to its end."""
        imports = self.imports(**changes)
        run_id = await imports.start(subject, self.file(content), SYSTEM)
        await imports.ended(run_id)
        return await self.ended(run_id)

    async def ended(self, run_id: int) -> Ended:
        """What is kept of a run."""
        async with self.engine.connect() as connection:
            run = (await connection.execute(select(ImportRun.__table__).where(ImportRun.id == run_id))).one()
            problem = ImportProblem
            told = (
                select(problem.line, problem.reason).where(problem.run_id == run_id).order_by(problem.line, problem.id)
            )
            problems = [(line, reason) for line, reason in await connection.execute(told)]
        return Ended(run_id, ImportState(run.state), run.counts, problems, run.failure, run.lines_read, run.lines_bad)

    async def ask(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """The rows that a statement finds."""
        async with self.engine.connect() as connection:
            return [tuple(row) for row in await connection.execute(text(statement), values)]

    async def do(self, statement: str, **values: Any) -> None:
        """Write beside the imports."""
        async with writing(self.engine).begin() as connection:
            await connection.execute(text(statement), values)

    async def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows that an import may change, by table."""
        tables = ("student", "enrolment", "student_ethnicity", "student_iwi", "case_record", "event", "change_entry")
        more = ("case_status_change", "case_allocation", "counter", "alert")
        return {name: sorted(await self.ask(f"SELECT * FROM {name}"), key=repr) for name in (*tables, *more)}

    async def save(self, *items: Any) -> None:
        """Store rows."""
        await rows.save(self.engine, *items)


@asynccontextmanager
async def desk_over(engine: AsyncEngine, database_url: str, folder: Path, *, fresh: bool = True) -> AsyncIterator[Desk]:
    """A desk over an empty database, or (not `fresh`) over that of another desk."""
    keys = await fill(engine) if fresh else [1, 2, 3, 4, 5]
    settings = Settings(database_url=database_url, state_directory=folder / "state")
    changes = ChangeLog(KEY, settings.state_directory)
    workshop = Workshop(engine, settings, changes, create_bus(settings))
    yield Desk(engine, settings, workshop, folder, *keys)
    await changes.aclose()


async def fill(engine: AsyncEngine) -> list[int]:
    """The organisations and codes; gives the keys of the three schools and the two open providers."""
    asp, isp = OrganisationKind.ATTENDANCE_SERVICE_PROVIDER, OrganisationKind.IN_SCHOOL_PROVIDER
    organisations = [
        rows.organisation(number="1001", region="North"),
        rows.organisation(number="1002", region="South"),
        rows.organisation(number="1003"),
        rows.organisation(number="5001", kind=asp, region="Provided"),
        rows.organisation(number="78001", kind=isp, region="Provided"),
        rows.organisation(number="5009", kind=asp, status=OrganisationStatus.CLOSED),
    ]
    codes = [
        *(EthnicGroup(code=code, name=code, level1="1") for code in ("111", "211", "531")),
        *(Iwi(code=code, name=code) for code in ("0101", "0202", "0303")),
    ]
    targets = [
        ServiceLevelTarget(version=f"2026-0{month}", kind="assign", working_days=2, valid_from=date(2026, month, 1))
        for month in (1, 3)
    ]
    await rows.save(engine, *organisations, *codes, *targets)
    return [organisation.id for organisation in organisations[:5]]


@pytest.fixture
async def desk(engine: AsyncEngine, database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk_over(engine, database_url, tmp_path) as desk:
        yield desk


@contextmanager
def opened_desk(runner: asyncio.Runner, databases: Databases, folder: Path) -> Iterator[Desk]:
    """A desk for a test that brings its own event loop."""
    url = databases.copy("migrated", upgrade)
    engine = engine_for(url)
    opened = desk_over(engine, url, folder)
    try:
        yield runner.run(opened.__aenter__())
    finally:
        runner.run(opened.__aexit__(None, None, None))
        runner.run(engine.dispose())
        databases.drop(url)

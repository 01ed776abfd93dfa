"""Imports put together: their runs, and the workshop that writes down what they change."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ascms.audit import ChangeLog
from ascms.casework.work import SYSTEM, Actor, Work
from ascms.database import create_engine
from ascms.imports import Cases, Enrolments, ImportKind, Imports, ImportState, Progress
from ascms.models import ImportProblem, ImportRun
from ascms.settings import Settings
from ascms.signals import create_bus

from .workshop import Workshop


def imports_of(workshop: Workshop) -> Imports:
    """The imports whose changes the workshop writes down."""

    def open_work(engine: AsyncEngine, actor: Actor, action: str, now: datetime) -> AbstractAsyncContextManager[Work]:
        return replace(workshop, engine=engine).open(actor, action, now)

    return Imports(workshop.engine, workshop.settings, open_work)


SHOWN: Final = 20
"""Bad lines that a report shows."""
_SUBJECTS: Final = {ImportKind.ENROLMENTS: Enrolments, ImportKind.CASES: Cases}


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a run, for the command line."""

    done: bool
    failure: str | None
    lines_read: int
    lines_bad: int
    counts: dict[str, int]
    problems: Sequence[tuple[int, str]]

    def __str__(self) -> str:
        lines = [f"line {line:,}: {reason}" for line, reason in self.problems]
        if self.lines_bad > len(lines):
            lines.append(f"… and {self.lines_bad - len(lines):,} more bad lines.")
        lines.append(f"{self.lines_read:,} lines read, {self.lines_bad:,} of them bad.")
        lines += [f"{name}: {count:,}" for name, count in self.counts.items()]
        lines.append(f"FAILED: {self.failure}" if not self.done else "Done.")
        return "\n".join(lines)


async def import_file(settings: Settings, kind: ImportKind, file: Path, progress: Progress) -> Report:
    """Import a file from outside of a server, which may run meanwhile; the file is kept.

    Who watches a case through a server on SQLite is not told of the changes. Raises AlreadyRunningError.
    """
    engine = create_engine(settings)
    changes = ChangeLog(settings.require_key("audit_key"), settings.state_directory)
    bus = create_bus(settings)
    imports = imports_of(Workshop(engine, settings, changes, bus))
    try:
        run_id = await imports.start(_SUBJECTS[kind](), file, SYSTEM, keep_file=True, progress=progress)
        await imports.ended(run_id)
        async with engine.connect() as connection:
            return await _report(connection, run_id)
    finally:
        await imports.aclose()
        await changes.aclose()
        await bus.aclose()
        await engine.dispose()


async def _report(connection: AsyncConnection, run_id: int) -> Report:
    run = (await connection.execute(select(ImportRun.__table__).where(ImportRun.id == run_id))).one()
    problem = ImportProblem
    first = select(problem.line, problem.reason).where(problem.run_id == run_id).order_by(problem.line).limit(SHOWN)
    problems = [(line, reason) for line, reason in await connection.execute(first)]
    done = run.state == ImportState.DONE
    return Report(done, run.failure, run.lines_read, run.lines_bad, run.counts, problems)

"""Runs: an import from the file to its end, one at a time, each kept with what came of it.

A run is RECEIVED, then STAGING while the file is read and compared, APPLYING while it changes the live tables, and at
the end DONE or FAILED. It becomes DONE in the very transaction that applies. Nothing is taken up again after a crash:
what was under way is marked as FAILED, and the file is to be given anew.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Protocol

from sqlalchemy import ColumnElement, Update, insert, select, true, update
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from ascms.casework.calendar import local_day
from ascms.casework.work import Actor, Work
from ascms.database import may_pass_if_tried_again, writing
from ascms.models import ImportProblem, ImportRun
from ascms.settings import Settings

from .kinds import Found, Import, NothingChangedError
from .known import Known
from .processes import Problem, Progress, Stager, read_apart
from .stager import MOST_PROBLEMS, NotReadError
from .staging import AlreadyRunningError, Place, staging

ATTEMPTS: Final = 4
"""How often it is tried to apply while other changes get in the way."""
EVERY: Final = 1.0
"""Seconds between two notes of how far a run is."""
ALWAYS_TOLERATED: Final = 100
"""Bad lines that no file fails for, unless it has no good one."""

LOGGER = logging.getLogger("ascms.imports")


class ImportState(StrEnum):
    """Where a run is."""

    RECEIVED = "RECEIVED"
    STAGING = "STAGING"
    APPLYING = "APPLYING"
    DONE = "DONE"
    FAILED = "FAILED"


UNDER_WAY: Final = (ImportState.RECEIVED, ImportState.STAGING, ImportState.APPLYING)
NOT_KEPT: Final = "problemsNotKept"
"""The count of bad lines beyond those that are kept."""


class OpenWork(Protocol):
    """Opens a transaction for a change, on an engine that is given."""

    def __call__(
        self, engine: AsyncEngine, actor: Actor, action: str, now: datetime
    ) -> AbstractAsyncContextManager[Work]: ...


@dataclass(frozen=True)
class _Run:
    id: int
    subject: Import
    file: Path
    actor: Actor


@dataclass(frozen=True)
class Claim:
    """The only right to import, until it is given to a run or released."""

    place: Place
    held: AsyncExitStack

    async def release(self) -> None:
        """Let others import."""
        await self.held.aclose()

    async def take(self, file: Path) -> Path:
        """Keep a file (on the same disk) until the right is released; gives where it is then."""
        return await asyncio.to_thread(file.replace, self.place.folder / "staging.given")


async def enter(connection: AsyncConnection | AsyncSession, subject: Import, size: int, actor: Actor) -> int:
    """The row of a new run, whose key this gives. Only for who has the claim: no other run can be under way."""
    await connection.execute(_broken_off())
    row = insert(ImportRun).values(
        kind=subject.kind,
        state=ImportState.RECEIVED,
        size_bytes=size,
        started_by_id=actor.user_id,
        started_at=datetime.now(UTC),
        lines_read=0,
        lines_bad=0,
        counts={},
    )
    return int((await connection.execute(row.returning(ImportRun.id))).scalar_one())


def _failed(which: ColumnElement[bool], why: str) -> Update:
    ended = {"state": ImportState.FAILED, "failure": why, "finished_at": datetime.now(UTC)}
    return update(ImportRun).where(which, ImportRun.state.in_(UNDER_WAY)).values(**ended)


def _broken_off() -> Update:
    return _failed(true(), "It was broken off, since its process ended. Give the file again.")


class Imports:
    """The imports of an installation. `engine` is for notes of how runs go; each run has a connection of its own."""

    def __init__(
        self, engine: AsyncEngine, settings: Settings, open_work: OpenWork, *, stager: Stager = read_apart
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._open_work = open_work
        self._stager = stager
        self._tasks: dict[int, asyncio.Task[None]] = {}

    async def start(
        self, subject: Import, file: Path, actor: Actor, *, keep_file: bool = False, progress: Progress | None = None
    ) -> int:
        """Begin a run; gives its key. The file is removed at its end. Raises AlreadyRunningError."""
        async with AsyncExitStack() as stack:
            if not keep_file:
                stack.callback(file.unlink, missing_ok=True)
            claim = await self.claim()
            stack.push_async_callback(claim.release)
            size = (await asyncio.to_thread(file.stat)).st_size
            async with self._writing() as connection:
                run_id = await enter(connection, subject, size, actor)
            self.launch(run_id, subject, file, actor, Claim(claim.place, stack.pop_all()), progress)
        return run_id

    async def claim(self) -> Claim:
        """The right to import. Raises AlreadyRunningError while it is another's. Writes nothing to the database."""
        async with AsyncExitStack() as stack:
            place = await stack.enter_async_context(
                staging(self._settings.database_url, self._settings.state_directory)
            )
            return Claim(place, stack.pop_all())

    def launch(
        self, run_id: int, subject: Import, file: Path, actor: Actor, claim: Claim, progress: Progress | None = None
    ) -> None:
        """Have a run that was entered go its way. The claim is the run's from now on."""
        run = _Run(run_id, subject, file, actor)
        task = asyncio.create_task(self._perform(run, claim, progress), name=f"import {run_id}")
        self._tasks[run_id] = task
        task.add_done_callback(lambda _task: self._tasks.pop(run_id, None))

    async def ended(self, run_id: int, seconds: float | None = None) -> bool:
        """Wait for the run's end, at most so long; whether it has ended."""
        task = self._tasks.get(run_id)
        if task is not None:
            await asyncio.wait([task], timeout=seconds)
        return run_id not in self._tasks or self._tasks[run_id].done()

    async def recover(self) -> None:
        """Mark what an earlier process left under way as failed, unless another process is at it."""
        under_way = select(ImportRun.id).where(ImportRun.state.in_(UNDER_WAY))
        async with self._engine.connect() as connection:
            if set(await connection.scalars(under_way)) <= self._tasks.keys():
                return
        with contextlib.suppress(AlreadyRunningError):
            claim = await self.claim()
            try:
                async with self._writing() as connection:
                    await connection.execute(_broken_off())
            finally:
                await claim.release()

    async def aclose(self) -> None:
        """Break off what is under way."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # A run ---------------------------------------------------------------------------------------------------

    async def _perform(self, run: _Run, claim: Claim, progress: Progress | None) -> None:
        async with claim.held:
            try:
                await self._do(run, claim.place, progress)
            except asyncio.CancelledError:
                await self._fail(run.id, "It was broken off, since the server was stopped. Give the file again.")
                raise
            except (NotReadError, NothingChangedError) as refused:
                await self._fail(run.id, str(refused))
            except Exception as error:  # noqa: BLE001 (told by its kind alone: its words may be a row's)
                LOGGER.error("import %d failed: %s", run.id, _in_log(error))
                await self._fail(run.id, f"It failed inside ({type(error).__name__}). Nothing was changed.")

    async def _do(self, run: _Run, place: Place, progress: Progress | None) -> None:
        subject = run.subject
        async with place.engine.begin() as connection:
            known = await Known.read(connection, local_day(datetime.now(UTC)))
        await self._note(run.id, state=ImportState.STAGING)
        async with _Noting(self, run.id, progress) as noting:
            staged, problems = await place.load(
                subject.kind, run.file, subject.tables, known, self._stager, noting.progress
            )
        subject.begin(staged.columns, self._settings)
        async with place.engine.begin() as connection:
            await place.look(connection, subject.tables[:1])
            found = await subject.check(connection)
        bad = staged.bad + found.bad
        kept = [*problems, *found.problems][:MOST_PROBLEMS]
        await self._keep_problems(run.id, kept, lines_read=staged.lines, lines_bad=bad, sha256=staged.sha256)
        self._refuse_intolerable(staged.lines, bad)
        async with place.engine.begin() as connection:
            await subject.compare(connection)
            await place.look(connection, subject.tables)
        await self._note(run.id, state=ImportState.APPLYING)
        await self._apply(run, place, len(kept))

    def _refuse_intolerable(self, lines: int, bad: int) -> None:
        tolerated = max(ALWAYS_TOLERATED, int(lines * self._settings.import_tolerance))
        if not lines:
            raise NothingChangedError("The file has no line after its header.")
        if bad == lines:
            raise NothingChangedError(f"None of its {lines:,} lines is good.")
        if bad > tolerated:
            raise NothingChangedError(f"{bad:,} of its {lines:,} lines are bad, and {tolerated:,} at most may be.")

    async def _apply(self, run: _Run, place: Place, kept: int) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with self._open_work(place.engine, run.actor, run.subject.action, datetime.now(UTC)) as work:
                    counts, late = await run.subject.apply(work)
                    await _done(work, run.id, dict(counts), late, MOST_PROBLEMS - kept)
                return
            except DBAPIError as error:
                if attempt == ATTEMPTS or not may_pass_if_tried_again(error):
                    raise

    # What is kept of it --------------------------------------------------------------------------------------

    async def _note(self, run_id: int, **values: Any) -> None:
        async with self._writing() as connection:
            await connection.execute(update(ImportRun).where(ImportRun.id == run_id).values(**values))

    async def _keep_problems(self, run_id: int, problems: Sequence[Problem], **values: Any) -> None:
        counts = {NOT_KEPT: values["lines_bad"] - len(problems)}
        rows = [{"run_id": run_id, "line": line, "reason": reason} for line, reason in problems]
        async with self._writing() as connection:
            if rows:
                await connection.execute(insert(ImportProblem), rows)
            await connection.execute(
                update(ImportRun)
                .where(ImportRun.id == run_id)
                .values(**values, counts=counts if counts[NOT_KEPT] else {})
            )

    async def _fail(self, run_id: int, why: str) -> None:
        try:
            async with self._writing() as connection:
                await connection.execute(_failed(ImportRun.id == run_id, why))
        except (SQLAlchemyError, OSError) as error:  # `recover` marks it once the database is there again
            LOGGER.error("import %d failed, and that could not be kept: %s", run_id, type(error).__name__)

    def _writing(self) -> Any:
        return writing(self._engine).begin()


def _in_log(error: Exception) -> str:
    """What an error was, and in which statement; never its words, which may be a row's."""
    statement = (error.statement or "") if isinstance(error, DBAPIError) else ""
    where = f" in {' '.join(statement.split())[:200]}" if statement else ""
    return f"{type(error).__name__} {getattr(getattr(error, 'orig', None), 'sqlstate', None) or ''}{where}"


async def _done(work: Work, run_id: int, counts: dict[str, int], late: Found, room: int) -> None:
    """The run is done, in the transaction that applied it."""
    run = (await work.session.scalars(select(ImportRun).where(ImportRun.id == run_id))).one()
    kept = late.problems[: max(0, room)]
    work.session.add_all(ImportProblem(run_id=run_id, line=line, reason=reason) for line, reason in kept)
    run.lines_bad += late.bad
    not_kept = run.counts.get(NOT_KEPT, 0) + late.bad - len(kept)
    run.counts = {**counts, **({NOT_KEPT: not_kept} if not_kept else {})}
    run.state, run.finished_at = ImportState.DONE, work.now
    work.log(run, None)


class _Noting:
    """Writes down now and then how many lines have been read."""

    def __init__(self, imports: Imports, run_id: int, progress: Progress | None) -> None:
        self._imports = imports
        self._run_id = run_id
        self._progress = progress
        self._lines = 0

    def progress(self, lines: int, done: int) -> None:
        """So far it is."""
        self._lines = lines
        if self._progress is not None:
            self._progress(lines, done)

    async def __aenter__(self) -> "_Noting":
        self._task = asyncio.create_task(self._note())
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _note(self) -> None:
        noted = 0
        while True:
            await asyncio.sleep(EVERY)
            if self._lines != noted:
                noted = self._lines
                await self._imports._note(self._run_id, lines_read=noted)  # noqa: SLF001

"""ENROL's nightly file against the live tables: what differs is found first, then changed in one short transaction.

ENROL is the source of identity and enrolment: what a line says holds, whatever stood there. Only protection is not
lifted by it, since that takes two people. Students whom the file does not name, and columns that it does not have, are
left alone.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from sqlalchemy import Table, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ascms.casework.enrolment_moves import student_moved
from ascms.casework.work import Work
from ascms.models import Student
from ascms.settings import Settings

from . import differences as differ, rolls
from .differences import ARRIVAL, CHANGE
from .enrolment_file import LINE, NEWS
from .kinds import Counts, Found, ImportKind, NothingChangedError, has_twin, repeated

OnMove = Callable[[Work, Student, int | None, int | None], Awaitable[None]]
"""Called for a student with active cases or drafts, once their school is another: with the one before, and the new."""

ALWAYS_MAY_LEAVE: Final = 100
"""Students who may leave every roll by one file, however few there are."""


class Enrolments:
    """The import of one nightly file."""

    kind = ImportKind.ENROLMENTS
    action = "importEnrolments"
    tables: Sequence[Table] = (LINE, CHANGE, ARRIVAL, NEWS)

    def __init__(self, on_move: OnMove = student_moved) -> None:
        self._on_move = on_move
        self._columns: frozenset[str] = frozenset()
        self._most_leavers = 0.0

    def begin(self, columns: Sequence[str], settings: Settings) -> None:
        """The file has been read; `columns` are those of its header."""
        self._columns = frozenset(columns)
        self._most_leavers = settings.import_leavers

    async def check(self, connection: AsyncConnection) -> Found:
        """Take out lines for the same student."""
        found = await repeated(connection, LINE, ("nsn",), "the same nsn")
        if found.bad:
            twice = select(LINE.c.line).where(has_twin(LINE, ("nsn",)))
            await connection.execute(delete(LINE).where(LINE.c.line.in_(twice)))
        return found

    async def compare(self, connection: AsyncConnection) -> None:
        """Find the students who are new, and those of whom a line says something else."""
        await connection.execute(differ.find_arrivals())
        await connection.execute(differ.find_changes(self._columns))
        await connection.execute(differ.keep_news())
        leaving, on_a_roll = (await connection.execute(differ.leavers())).one()
        most = max(ALWAYS_MAY_LEAVE, int(on_a_roll * self._most_leavers))
        if leaving > most:
            raise NothingChangedError(
                f"By this file {leaving:,} of {on_a_roll:,} students would be on no school's roll any more, and "
                f"{most:,} are the most that one file may take off. Check its school_number, or set "
                "ASCMS_IMPORT_LEAVERS higher."
            )

    async def apply(self, work: Work) -> tuple[Counts, Found]:
        """Change what was found, and have casework see to the students who moved."""
        session = work.session
        changed = await session.scalar(select(func.count()).select_from(CHANGE)) or 0
        found = await session.scalar(select(func.count()).select_from(ARRIVAL)) or 0
        counts = {"studentsAdded": await rolls.run(session, differ.add_arrivals())}
        # Those who were added differ now in all that hangs on a student; those who came meanwhile, where they do.
        await session.execute(differ.find_changes_of_arrivals(self._columns))
        counts["studentsChanged"] = changed + found - counts["studentsAdded"]
        await session.execute(differ.hold_changed())
        await session.execute(differ.drop_stale())
        moved = (await session.execute(rolls.moved_with_casework())).all()
        for statement in differ.change_students(self._columns):
            await session.execute(statement)
        counts |= await rolls.change(session, self._columns)
        for student_id, old_school_id, new_school_id, _active in moved:
            await self._on_move(work, await work.get(Student, student_id), old_school_id, new_school_id)
        counts["casesMoved"] = sum(active for *_, active in moved)
        return counts, Found()

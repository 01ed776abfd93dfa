"""The benchmarks' data: the demo world at a size, and Test College with lists that fill their pages at every size.

The demo world's Test College has 30 active cases and one draft. Here some of other schools' go over to it, with what
hangs on them, so that a page of 100 cases, one of 30 and one of 10 drafts have more after them.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Update, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ascms.database import engine_for, normalise_url, upgrade, writing
from ascms.demo.world import build as build_world
from ascms.models import (
    Case,
    Comment,
    Enrolment,
    Event,
    File,
    Organisation,
    OrganisationKind,
    Request,
    RequestStatus,
    Role,
    RoleAssignment,
    Student,
)

SCHOOL = "1234"
CASES = 120
"""Active cases of the school, at every size."""
DRAFTS = 12
FIXED = 200
"""The cases up to this key may be of the demo world's fixed rows, which stay where they are."""


def build(database: str | Path, cases: int, progress: Any = None) -> None:
    """Fill an empty database (a path or a URL): so many cases in the nation, CASES and DRAFTS of them at the school."""
    schools = min(2536, max(60, cases // 10))
    students = max(cases, min(850_000, 3 * cases))
    upgrade(database)
    build_world(normalise_url(database), schools=schools, students=students, cases=cases, progress=progress)
    fill_school(database)


def fill_school(database: str | Path) -> None:
    """Bring other schools' cases and drafts to the school until it has CASES and DRAFTS."""
    asyncio.run(_fill_school(database))


async def _fill_school(database: str | Path) -> None:
    engine = engine_for(database)
    try:
        async with writing(engine).begin() as connection:
            school = await connection.scalar(select(Organisation.id).where(Organisation.number == SCHOOL))
            assert school is not None, f"{database} has no school {SCHOOL}: it is no demo world"
            await _Mover(connection, school).fill()
        async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            await connection.exec_driver_sql("ANALYZE")
    finally:
        await engine.dispose()


class _Mover:
    def __init__(self, connection: AsyncConnection, school: int) -> None:
        self.connection = connection
        self.school = school
        self.staff: Sequence[int] = ()
        self.contacts: Sequence[int] = ()

    async def fill(self) -> None:
        self.contacts = await self._people(Role.ATTENDANCE_LEAD, Role.PRIMARY_CONTACT)
        self.staff = await self._people(Role.ATTENDANCE_LEAD, Role.PRIMARY_CONTACT, Role.OFFICE_SUPPORT)
        for case, student, former in await self._cases():
            await self._move_case(case, student, former)
        for request, student in await self._drafts():
            await self._move_student(student)
            await self._set(update(Request).where(Request.id == request), **self._asked_by(request))

    async def _people(self, *roles: Role) -> Sequence[int]:
        held = select(RoleAssignment.user_id).where(
            RoleAssignment.organisation_id == self.school,
            RoleAssignment.role.in_(roles),
            RoleAssignment.approved_at.is_not(None),
            RoleAssignment.ended_at.is_(None),
        )
        return (await self.connection.scalars(held.distinct().order_by(RoleAssignment.user_id))).all()

    async def _cases(self) -> Sequence[Any]:
        """Active cases of students who are where their case is, of invented schools, one a school and student."""
        mine = select(func.count()).where(Case.school_id == self.school, Case.active)
        missing = CASES - (await self.connection.scalar(mine) or 0)
        open_cases = select(func.count()).where(Case.student_id == Student.id).correlate(Student).scalar_subquery()
        others = (
            select(Case.id, Case.student_id, Case.school_id)
            .join(Student, Student.id == Case.student_id)
            .join(Organisation, Organisation.id == Case.school_id)
            .where(Case.active, Student.school_id == Case.school_id, ~Student.protected, open_cases == 1)
            .where(Case.school_id != self.school, Organisation.kind == OrganisationKind.SCHOOL)
            .where(Case.id > FIXED)
            .order_by(Case.id)
            .limit(max(0, missing))
        )
        return (await self.connection.execute(others)).all()

    async def _drafts(self) -> Sequence[Any]:
        mine = select(func.count()).where(Request.school_id == self.school, Request.status == RequestStatus.DRAFT)
        missing = DRAFTS - (await self.connection.scalar(mine) or 0)
        with_case = select(Case.id).where(Case.student_id == Request.student_id).exists()
        others = (
            select(Request.id, Request.student_id)
            .join(Student, Student.id == Request.student_id)
            .where(Request.status == RequestStatus.DRAFT, Request.school_id != self.school, ~with_case)
            .where(Student.school_id == Request.school_id, ~Student.protected)
            .order_by(Request.id)
            .limit(max(0, missing))
        )
        return (await self.connection.execute(others)).all()

    async def _move_case(self, case: int, student: int, former: int) -> None:
        await self._move_student(student)
        contact = self.contacts[case % len(self.contacts)] if case % 8 else None
        await self._set(update(Case).where(Case.id == case), school_id=self.school, primary_contact_id=contact)
        for model, by in ((Comment, "author_id"), (Event, "recorded_by_id"), (File, "uploaded_by_id")):
            row: Any = model
            hers = update(model).where(row.case_id == case)
            await self._set(hers.where(row.shared_with_school_id == former), shared_with_school_id=self.school)
            made = {"organisation_id": self.school, by: self.staff[case % len(self.staff)]}
            await self._set(hers.where(row.organisation_id == former), **made)
        asked = update(Request).where(Request.case_id == case, Request.school_id == former)
        await self._set(asked, **self._asked_by(case))

    async def _move_student(self, student: int) -> None:
        await self._set(update(Student).where(Student.id == student), school_id=self.school)
        enrolled = update(Enrolment).where(Enrolment.student_id == student, Enrolment.ended_on.is_(None))
        await self._set(enrolled, school_id=self.school)

    def _asked_by(self, key: int) -> dict[str, Any]:
        return {
            "school_id": self.school,
            "created_by_id": self.staff[key % len(self.staff)],
            "primary_contact_id": self.contacts[key % len(self.contacts)],
        }

    async def _set(self, statement: Update, **values: Any) -> None:
        await self.connection.execute(statement.values(values))

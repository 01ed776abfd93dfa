"""The benchmarks' data: Test College fills its pages, and what hangs on its cases has come over with them."""

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from ascms.database import engine_for
from ascms.models import Case, Comment, Enrolment, Event, Organisation, Request, RequestStatus, Student
from benchmarks.data import CASES, DRAFTS, SCHOOL, build


async def counted(engine: AsyncEngine, statement: object) -> int:
    async with engine.connect() as connection:
        found = await connection.scalar(statement)  # type: ignore[call-overload]
    assert isinstance(found, int)
    return found


async def held(url: str) -> None:
    engine = engine_for(url)
    school = select(Organisation.id).where(Organisation.number == SCHOOL).scalar_subquery()
    mine = select(Case.id).where(Case.school_id == school, Case.active)
    try:
        assert await counted(engine, select(func.count()).select_from(mine.subquery())) == CASES
        drafts = select(func.count()).where(Request.school_id == school, Request.status == RequestStatus.DRAFT)
        assert await counted(engine, drafts) == DRAFTS
        elsewhere = (
            select(func.count())
            .select_from(Case)
            .join(Student, Student.id == Case.student_id)
            .join(Enrolment, (Enrolment.student_id == Student.id) & Enrolment.ended_on.is_(None))
            .where(Case.id.in_(mine), or_(Student.school_id != school, Enrolment.school_id != school))
        )
        assert await counted(engine, elsewhere) == 0
        for model in (Comment, Event):
            shown = select(func.count()).where(model.case_id.in_(mine), model.shared_with_school_id == school)
            assert await counted(engine, shown) > CASES
    finally:
        await engine.dispose()


def test_the_school_has_as_much_as_its_pages_hold_and_more(database_url: str) -> None:
    import asyncio

    build(database_url, 600)
    asyncio.run(held(database_url))

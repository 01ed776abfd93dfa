"""Rolls: enrolments begun, ended and corrected, the groups of a student, and who moved with casework on them."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    Column,
    Executable,
    Select,
    Table,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from ascms.models import Base, RequestStatus

from .differences import CHANGE, enrolment, ethnicities_of, ethnicity, iwi, iwi_of, student
from .enrolment_file import NEWS

cases: Final = Base.metadata.tables["case_record"]
requests: Final = Base.metadata.tables["request"]

_CHANGED: Final = CHANGE.join(NEWS, NEWS.c.line == CHANGE.c.line)


async def run(session: AsyncSession, statement: Executable) -> int:
    """Do it; gives how many rows were written."""
    result: Any = await session.execute(statement, execution_options={"preserve_rowcount": True})
    return int(result.rowcount)


def moved_with_casework() -> Select[Any]:
    """Who moves with active cases or drafts: the student, the school before, the new one, how many cases are active."""
    active = select(func.count()).where(cases.c.student_id == student.c.id, cases.c.active).scalar_subquery()
    draft = exists().where(requests.c.student_id == student.c.id, requests.c.status == RequestStatus.DRAFT)
    return (
        select(student.c.id, student.c.school_id, NEWS.c.school_id, active)
        .select_from(_CHANGED.join(student, student.c.id == CHANGE.c.student_id))
        .where(CHANGE.c.roll, student.c.school_id.is_distinct_from(NEWS.c.school_id), or_(active > 0, draft))
        .order_by(student.c.id)
    )


async def change(session: AsyncSession, columns: frozenset[str]) -> dict[str, int]:
    """Write rolls and groups; gives how many enrolments."""
    counts = {
        "enrolmentsEnded": await run(session, _end()),
        "enrolmentsCorrected": await run(session, _correct(columns)),
        "enrolmentsStarted": await run(session, _start()),
    }
    if "ethnicities" in columns:
        for statement in _groups(ethnicity, ethnicities_of(NEWS), CHANGE.c.ethnicities, with_position=True):
            await session.execute(statement)
    if "iwi" in columns:
        for statement in _groups(iwi, iwi_of(NEWS), CHANGE.c.iwi, with_position=False):
            await session.execute(statement)
    return counts


_OPEN_ONE: Final = (
    enrolment.c.student_id == CHANGE.c.student_id,
    CHANGE.c.line == NEWS.c.line,
    CHANGE.c.roll,
    enrolment.c.ended_on.is_(None),
)


def _end() -> Executable:
    """End an enrolment that is not the line's; not before it began."""
    elsewhere = or_(NEWS.c.school_id.is_(None), NEWS.c.school_id != enrolment.c.school_id)
    ended_on = case(
        (NEWS.c.former_ended_on < enrolment.c.started_on, enrolment.c.started_on), else_=NEWS.c.former_ended_on
    )
    return update(enrolment).where(*_OPEN_ONE, elsewhere).values(ended_on=ended_on)


def _correct(columns: frozenset[str]) -> Executable:
    """Whoever is still at the school began there, and is in the year, that the line says."""
    values = {name: NEWS.c[name] for name in ("started_on", "year_level") if name in columns}
    differs = or_(*(enrolment.c[name].is_distinct_from(given) for name, given in values.items()))
    return update(enrolment).where(*_OPEN_ONE, enrolment.c.school_id == NEWS.c.school_id, differs).values(values)


def _start() -> Executable:
    is_open = exists().where(enrolment.c.student_id == CHANGE.c.student_id, enrolment.c.ended_on.is_(None))
    names = ("student_id", "school_id", "year_level", "started_on")
    begun = (
        select(CHANGE.c.student_id, NEWS.c.school_id, NEWS.c.year_level, NEWS.c.started_on)
        .select_from(_CHANGED)
        .where(CHANGE.c.roll, NEWS.c.school_id.is_not(None), ~is_open)
        .order_by(CHANGE.c.student_id)
    )
    return insert(enrolment).from_select(names, begun)


def _groups(
    table: Table, given: Sequence[Column[Any]], differ: Column[bool], *, with_position: bool
) -> list[Executable]:
    """Replace the groups of a student where they differ."""
    statements: list[Executable] = [
        delete(table).where(table.c.student_id.in_(select(CHANGE.c.student_id).where(differ)))
    ]
    for place, code in enumerate(given, 1):
        position = (literal(place).label("position"),) if with_position else ()
        rows = select(CHANGE.c.student_id, code, *position).select_from(_CHANGED).where(differ, code.is_not(None))
        names = ("student_id", "code", *(("position",) if with_position else ()))
        statements.append(insert(table).from_select(names, rows.order_by(CHANGE.c.student_id)))
    return statements

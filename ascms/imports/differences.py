"""How a nightly file differs from the students held: found by sets, in staging, and written back by sets."""

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Executable,
    Integer,
    Select,
    Table,
    Update,
    and_,
    exists,
    false,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import Insert

from ascms.models import Base
from ascms.models.base import Identifier

from .enrolment_file import GROUPS, LINE
from .tables import STAGING

CHANGE: Final = Table(
    "enrolment_change",
    STAGING,
    Column("student_id", Identifier, primary_key=True, autoincrement=False),
    Column("line", Integer, nullable=False),
    Column("names", Boolean, nullable=False),
    Column("details", Boolean, nullable=False),
    Column("roll", Boolean, nullable=False),
    Column("ethnicities", Boolean, nullable=False),
    Column("iwi", Boolean, nullable=False),
)
"""A student of whom a line says something else, and in which respects."""

ARRIVAL: Final = Table("enrolment_arrival", STAGING, Column("line", Integer, primary_key=True, autoincrement=False))
"""A line whose student is not held yet."""

student: Final = Base.metadata.tables["student"]
enrolment: Final = Base.metadata.tables["enrolment"]
ethnicity: Final = Base.metadata.tables["student_ethnicity"]
iwi: Final = Base.metadata.tables["student_iwi"]

_NAMES: Final = ("full_name", "known_as")
_DETAILS: Final = ("date_of_birth", "gender", "year_level", "address")

ETHNICITIES: Final = tuple(LINE.c[f"ethnicity_{place}"] for place in range(1, GROUPS + 1))
IWI: Final = tuple(LINE.c[f"iwi_{place}"] for place in range(1, GROUPS + 1))


# Finding -----------------------------------------------------------------------------------------------------


def find_arrivals() -> Insert:
    """Note the lines whose students are not held."""
    held = exists().where(student.c.nsn == LINE.c.nsn)
    return insert(ARRIVAL).from_select(["line"], select(LINE.c.line).where(~held))


def find_changes(columns: frozenset[str], *conditions: ColumnElement[bool]) -> Insert:
    """Note the students of whom a line says something else, in the columns that the file has."""
    return insert(CHANGE).from_select([column.name for column in CHANGE.columns], _changes(columns, *conditions))


def _changes(columns: frozenset[str], *conditions: ColumnElement[bool]) -> Select[Any]:
    open_one = enrolment.alias("open_one")
    joined = LINE.join(student, student.c.nsn == LINE.c.nsn).outerjoin(
        open_one, and_(open_one.c.student_id == student.c.id, open_one.c.ended_on.is_(None))
    )
    same_groups = []
    if "ethnicities" in columns:
        for place, given in enumerate(ETHNICITIES, 1):
            group = ethnicity.alias(f"group_{place}")
            joined = joined.outerjoin(group, and_(group.c.student_id == student.c.id, group.c.position == place))
            same_groups.append(group.c.code.is_distinct_from(given))
    respects = {
        "names": or_(*(_differs(name) for name in _names(columns))),
        "details": or_(_newly_protected(columns), *(_differs(name) for name in _DETAILS if name in columns)),
        "roll": or_(
            LINE.c.school_id.is_distinct_from(student.c.school_id),
            LINE.c.school_id.is_distinct_from(open_one.c.school_id),
            LINE.c.started_on.is_distinct_from(open_one.c.started_on),
            and_(open_one.c.id.is_not(None), LINE.c.year_level.is_distinct_from(open_one.c.year_level))
            if "year_level" in columns
            else false(),
        ),
        "ethnicities": or_(false(), *same_groups),
        "iwi": _other_iwi() if "iwi" in columns else false(),
    }
    return (
        select(student.c.id, LINE.c.line, *(wrong.label(name) for name, wrong in respects.items()))
        .select_from(joined)
        .where(or_(*respects.values()), *conditions)
    )


def _names(columns: frozenset[str]) -> list[str]:
    return [part for name in _NAMES if name in columns for part in (name, f"{name}_folded")]


def _differs(name: str) -> ColumnElement[bool]:
    return LINE.c[name].is_distinct_from(student.c[name])


def _newly_protected(columns: frozenset[str]) -> ColumnElement[bool]:
    return and_(LINE.c.protected, ~student.c.protected) if "protected" in columns else false()


def _other_iwi() -> ColumnElement[bool]:
    """Whether the student's iwi are others than the line's, in whatever order."""
    held = select(func.count()).select_from(iwi).where(iwi.c.student_id == student.c.id)
    same = held.where(iwi.c.code.in_([func.coalesce(given, "") for given in IWI]))
    count = LINE.c.iwi_count
    return or_(
        held.correlate(student).scalar_subquery() != count, same.correlate(student, LINE).scalar_subquery() != count
    )


def leavers() -> Select[Any]:
    """How many students would leave every roll, and how many are on one."""
    leaving = (
        select(func.count())
        .select_from(CHANGE.join(LINE, LINE.c.line == CHANGE.c.line).join(student, student.c.id == CHANGE.c.student_id))
        .where(CHANGE.c.roll, LINE.c.school_id.is_(None), student.c.school_id.is_not(None))
    )
    on_a_roll = select(func.count()).select_from(student).where(student.c.school_id.is_not(None))
    return select(leaving.scalar_subquery(), on_a_roll.scalar_subquery())


# Writing -----------------------------------------------------------------------------------------------------

OF_CHANGE: Final = and_(student.c.id == CHANGE.c.student_id, CHANGE.c.line == LINE.c.line)
"""Joins a student with what is changed of them."""


def add_arrivals() -> Insert:
    """Add the students who are not held, unless somebody added them meanwhile."""
    names = (*_NAMES, "full_name_folded", "known_as_folded", *_DETAILS, "nsn", "protected", "school_id")
    lines = (
        select(*(LINE.c[name] for name in names))
        .join(ARRIVAL, ARRIVAL.c.line == LINE.c.line)
        .where(~exists().where(student.c.nsn == LINE.c.nsn))
        .order_by(LINE.c.line)
    )
    return insert(student).from_select(names, lines)


def hold_changed() -> Executable:
    """Hold the students to be changed against others until the end, in one order."""
    ids = select(CHANGE.c.student_id)
    held = select(student.c.id).where(student.c.id.in_(ids)).order_by(student.c.id).with_for_update()
    return select(func.count()).select_from(held.subquery())


def change_students(columns: frozenset[str]) -> Iterator[Update]:
    """Write names and details where they differ. Apart, since an index hangs on the names and on the school."""
    names = {name: LINE.c[name] for name in _names(columns)}
    yield update(student).where(OF_CHANGE, CHANGE.c.names).values(names)
    details: dict[str, ColumnElement[Any]] = {name: LINE.c[name] for name in _DETAILS if name in columns}
    if "protected" in columns:
        details["protected"] = or_(student.c.protected, LINE.c.protected)
    if details:
        yield update(student).where(OF_CHANGE, CHANGE.c.details).values(details)
    other_school = student.c.school_id.is_distinct_from(LINE.c.school_id)
    yield update(student).where(OF_CHANGE, CHANGE.c.roll, other_school).values(school_id=LINE.c.school_id)

"""How a nightly file differs from the students held: found by sets, in staging, and written back by sets."""

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Executable,
    FromClause,
    Integer,
    Select,
    Table,
    Update,
    and_,
    delete,
    exists,
    false,
    func,
    insert,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.sql.dml import Delete, Insert

from ascms.models import Base
from ascms.models.base import Identifier

from .enrolment_file import GROUPS, LINE, NEWS
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


def ethnicities_of(line: FromClause) -> list[Any]:
    """The line's ethnic groups, in its order."""
    return [line.c[f"ethnicity_{place}"] for place in range(1, GROUPS + 1)]


def iwi_of(line: FromClause) -> list[Any]:
    """The line's iwi."""
    return [line.c[f"iwi_{place}"] for place in range(1, GROUPS + 1)]


# Finding -----------------------------------------------------------------------------------------------------


def find_arrivals() -> Insert:
    """Note the lines whose students are not held."""
    held = exists().where(student.c.nsn == LINE.c.nsn)
    return insert(ARRIVAL).from_select(["line"], select(LINE.c.line).where(~held))


def find_changes(columns: frozenset[str]) -> Insert:
    """Note the students of whom a line says something else, in the columns that the file has."""
    return _note(_changes(LINE, columns))


def find_changes_of_arrivals(columns: frozenset[str]) -> Insert:
    """The same for who was found not to be held, and is by now."""
    return _note(_changes(NEWS, columns).where(NEWS.c.line.in_(select(ARRIVAL.c.line))))


def keep_news() -> Insert:
    """Set apart the lines that say something else."""
    lines = union_all(select(CHANGE.c.line), select(ARRIVAL.c.line)).subquery()
    names = [column.name for column in NEWS.columns]
    return insert(NEWS).from_select(names, select(LINE).join(lines, lines.c.line == LINE.c.line))


def _note(changes: Select[Any]) -> Insert:
    return insert(CHANGE).from_select([column.name for column in CHANGE.columns], changes)


def _changes(line: FromClause, columns: frozenset[str]) -> Select[Any]:
    open_one = enrolment.alias("open_one")
    joined = line.join(student, student.c.nsn == line.c.nsn).outerjoin(
        open_one, and_(open_one.c.student_id == student.c.id, open_one.c.ended_on.is_(None))
    )
    same_groups = []
    if "ethnicities" in columns:
        for place, given in enumerate(ethnicities_of(line), 1):
            group = ethnicity.alias(f"group_{place}")
            joined = joined.outerjoin(group, and_(group.c.student_id == student.c.id, group.c.position == place))
            same_groups.append(group.c.code.is_distinct_from(given))
    other = {name: line.c[name].is_distinct_from(student.c[name]) for name in (*_names(columns), *_details(columns))}
    respects = {
        "names": or_(*(other[name] for name in _names(columns))),
        "details": or_(
            and_(line.c.protected, ~student.c.protected) if "protected" in columns else false(),
            *(other[name] for name in _details(columns)),
        ),
        "roll": or_(
            line.c.school_id.is_distinct_from(student.c.school_id),
            line.c.school_id.is_distinct_from(open_one.c.school_id),
            line.c.started_on.is_distinct_from(open_one.c.started_on),
            and_(open_one.c.id.is_not(None), line.c.year_level.is_distinct_from(open_one.c.year_level))
            if "year_level" in columns
            else false(),
        ),
        "ethnicities": or_(false(), *same_groups),
        "iwi": _other_iwi(line) if "iwi" in columns else false(),
    }
    return (
        select(student.c.id, line.c.line, *(wrong.label(name) for name, wrong in respects.items()))
        .select_from(joined)
        .where(or_(*respects.values()))
    )


def _names(columns: frozenset[str]) -> list[str]:
    return [part for name in _NAMES if name in columns for part in (name, f"{name}_folded")]


def _details(columns: frozenset[str]) -> list[str]:
    return [name for name in _DETAILS if name in columns]


def _other_iwi(line: FromClause) -> ColumnElement[bool]:
    """Whether the student's iwi are others than the line's, in whatever order."""
    held = select(func.count()).select_from(iwi).where(iwi.c.student_id == student.c.id)
    same = held.where(iwi.c.code.in_([func.coalesce(given, "") for given in iwi_of(line)]))
    count = line.c.iwi_count
    return or_(
        held.correlate(student).scalar_subquery() != count, same.correlate(student, line).scalar_subquery() != count
    )


def leavers() -> Select[Any]:
    """How many students would leave every roll, and how many are on one."""
    leaving = (
        select(func.count())
        .select_from(CHANGE.join(NEWS, NEWS.c.line == CHANGE.c.line).join(student, student.c.id == CHANGE.c.student_id))
        .where(CHANGE.c.roll, NEWS.c.school_id.is_(None), student.c.school_id.is_not(None))
    )
    on_a_roll = select(func.count()).select_from(student).where(student.c.school_id.is_not(None))
    return select(leaving.scalar_subquery(), on_a_roll.scalar_subquery())


# Writing -----------------------------------------------------------------------------------------------------

OF_CHANGE: Final = and_(student.c.id == CHANGE.c.student_id, CHANGE.c.line == NEWS.c.line)
"""Joins a student with what is changed of them."""


def add_arrivals() -> Insert:
    """Add the students who are not held, unless somebody added them meanwhile."""
    names = (*_NAMES, "full_name_folded", "known_as_folded", *_DETAILS, "nsn", "protected", "school_id")
    lines = (
        select(*(NEWS.c[name] for name in names))
        .join(ARRIVAL, ARRIVAL.c.line == NEWS.c.line)
        .where(~exists().where(student.c.nsn == NEWS.c.nsn))
        .order_by(NEWS.c.line)
    )
    return insert(student).from_select(names, lines)


def hold_changed() -> Executable:
    """Hold the students to be changed against others until the end, in one order."""
    ids = select(CHANGE.c.student_id)
    held = select(student.c.id).where(student.c.id.in_(ids)).order_by(student.c.id).with_for_update()
    return select(func.count()).select_from(held.subquery())


def drop_stale() -> Delete:
    """Leave alone who has come to have another national student number since they were compared."""
    return delete(CHANGE).where(~exists().where(OF_CHANGE, student.c.nsn == NEWS.c.nsn))


def change_students(columns: frozenset[str]) -> Iterator[Update]:
    """Write names and details where they differ. Apart, since an index hangs on the names and on the school."""
    names = {name: NEWS.c[name] for name in _names(columns)}
    yield update(student).where(OF_CHANGE, CHANGE.c.names).values(names)
    details: dict[str, ColumnElement[Any]] = {name: NEWS.c[name] for name in _details(columns)}
    if "protected" in columns:
        details["protected"] = or_(student.c.protected, NEWS.c.protected)
    if details:
        yield update(student).where(OF_CHANGE, CHANGE.c.details).values(details)
    other_school = student.c.school_id.is_distinct_from(NEWS.c.school_id)
    yield update(student).where(OF_CHANGE, CHANGE.c.roll, other_school).values(school_id=NEWS.c.school_id)

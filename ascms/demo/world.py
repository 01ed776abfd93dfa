"""The demo world: builds it into an empty, migrated database.

`build` is synchronous and streams: rows are made school by school and written in batches, so that memory
stays bounded however large the world. The same arguments give the same rows on the same day: review dates of
paused cases lie ahead of it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

from sqlalchemy import select

from ascms.database import finds
from ascms.models import User

from . import exceptional, organisations, people, reference
from .casework import CaseWriter
from .chance import Chance
from .invented import Inventor, shares, uneven_weights
from .requests import RequestWriter
from .seed_rows import FixedRows
from .sinks import Sink, opened
from .students import Roll

SEED: Final = 20260506
SCHOOLS: Final = 60
STUDENTS_PER_SCHOOL: Final = 25
FEWEST_SCHOOLS: Final = 4
FIRST_PERSON: Final = "lead@test-college.school.nz"

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with what is being filled, how much of it is done, and how much there is."""


def is_demo(database: str | Path) -> bool:
    """Whether the (migrated) database has the demo's people."""
    return finds(database, select(User.id).where(User.username == FIRST_PERSON))


def build(
    database: str | Path,
    *,
    schools: int = SCHOOLS,
    students: int | None = None,
    cases: int | None = None,
    seed: int = SEED,
    progress: Progress | None = None,
) -> dict[str, int]:
    """Fill an empty, migrated database; gives the rows written, by table.

    `database` is the path of an SQLite file, or a URL of SQLite or PostgreSQL with whatever driver. `students`
    defaults to 25 a school, `cases` to 20 for every three schools; both count the fixed ones, which are always
    there. Not to be called from a running event loop where the database is PostgreSQL. Raises ValueError where
    the database is not empty, or for more cases than students.
    """
    if schools < FEWEST_SCHOOLS:
        raise ValueError(f"a demo world has at least {FEWEST_SCHOOLS} schools, asked for {schools}")
    cases = schools * 20 // 3 if cases is None else cases
    students = max(schools * STUDENTS_PER_SCHOOL, cases) if students is None else students
    if cases > students:
        raise ValueError(f"{cases} cases need as many students, got {students}; give more students or fewer cases")
    with opened(database) as sink:
        held = sink.held("organisation")
        if held:
            raise ValueError(f"the database already holds {held} organisations; give the demo world an empty one")
        sink.put_aside()
        _fill(sink, schools, students, cases, seed, progress or _silent)
        sink.flush()
        return sink.counts()


def _fill(sink: Sink, schools: int, students: int, cases: int, seed: int, progress: Progress) -> None:
    reference.write(sink)
    world = organisations.write(sink, schools)
    staff = people.write(sink, Chance(seed, "people"), world)
    roll = Roll(sink, world.schools)
    requests = RequestWriter(sink)
    writer = CaseWriter(sink, requests)
    fixed = FixedRows(sink, Chance(seed, "fixed"), world, staff, roll, requests, writer)
    fixed.write()
    invented = world.invented_schools
    exceptional.write(sink, Chance(seed, "exceptional"), fixed, roll, invented)
    sink.flush()
    left = max(0, cases - sink.counts()["case_record"])
    case_shares = shares(left, uneven_weights(len(invented), Chance(seed, "shares")))
    others = max(0, students - sink.counts()["student"] - left)
    student_shares = shares(others, [1] * len(invented))
    inventor = Inventor(sink, roll, requests, writer, invented)
    for index, school in enumerate(invented):
        chance = Chance(seed, "school", school.id)
        inventor.fill(chance, school, case_shares[index] + student_shares[index], case_shares[index])
        progress("schools", index + 1, len(invented))


def _silent(_what: str, _done: int, _of: int) -> None: ...

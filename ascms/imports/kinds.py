"""What the imports of both kinds have in common: the steps of one, which `ascms.imports.runs` takes in order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from sqlalchemy import ColumnElement, FromClause, Table, exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ascms.casework.work import Work

from .processes import Problem
from .stager import MOST_PROBLEMS

Counts = Mapping[str, int]


class ImportKind(StrEnum):
    """What is imported."""

    ENROLMENTS = "ENROLMENTS"
    CASES = "CASES"


@dataclass(frozen=True)
class Found:
    """Bad lines that only the database could tell: how many, and the first of them."""

    bad: int = 0
    problems: Sequence[Problem] = ()


class NothingChangedError(Exception):
    """The import is given up; the message says why, in words for who started it."""


class Import(Protocol):
    """One import. Every step before `apply` leaves the live tables alone."""

    kind: ImportKind
    action: str
    """The mutation's name, for the change log."""
    tables: Sequence[Table]
    """Staging's; the first takes the lines."""

    def begin(self, columns: Sequence[str]) -> None:
        """The file has been read; `columns` are those of its header."""

    async def check(self, connection: AsyncConnection) -> Found:
        """Find lines that contradict each other or the database, and take them out of staging."""

    async def compare(self, connection: AsyncConnection) -> None:
        """Find what is to be changed. Raises NothingChangedError where that cannot be meant."""

    async def apply(self, work: Work) -> tuple[Counts, Found]:
        """Change it, and nothing that was not found. Bad lines may appear as late as this."""


async def bad_lines(connection: AsyncConnection, line: FromClause, wrong: ColumnElement[bool], reason: str) -> Found:
    """The lines for which `wrong` holds, all for one reason."""
    bad = await connection.scalar(select(func.count()).select_from(line).where(wrong))
    first = select(line.c.line).where(wrong).order_by(line.c.line).limit(MOST_PROBLEMS)
    return Found(bad or 0, [(number, reason) for number in await connection.scalars(first)])


def has_twin(line: FromClause, names: Sequence[str]) -> ColumnElement[bool]:
    """Whether another line has the same values of these columns."""
    other = line.alias("other")
    same = (other.c[name] == line.c[name] for name in names)
    return exists().where(*same, other.c.line != line.c.line)


async def repeated(connection: AsyncConnection, line: FromClause, names: Sequence[str], what: str) -> Found:
    """The lines that have the same values of columns as another, each naming the others."""
    twin = has_twin(line, names)
    bad = await connection.scalar(select(func.count()).select_from(line).where(twin))
    if not bad:
        return Found()
    mine = [line.c[name] for name in names]
    rows = select(line.c.line, *mine).where(twin).order_by(*mine, line.c.line).limit(MOST_PROBLEMS)
    groups: dict[tuple[object, ...], list[int]] = {}
    for number, *values in await connection.execute(rows):
        groups.setdefault(tuple(values), []).append(number)
    return Found(bad, sorted((number, _others(number, group, what)) for group in groups.values() for number in group))


_NAMED = 5
"""Other lines that a reason names."""


def _others(number: int, group: Sequence[int], what: str) -> str:
    others = [other for other in group if other != number]
    named = ", ".join(str(other) for other in others[:_NAMED]) or "others"
    more = f" and {len(others) - _NAMED:,} more" if len(others) > _NAMED else ""
    return f"{what} is on line {named}{more} as well; none of them is taken"


def together(*found: Found) -> Found:
    """All of it."""
    return Found(sum(one.bad for one in found), [problem for one in found for problem in one.problems])

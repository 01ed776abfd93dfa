"""What DataLoaders load: for many keys one statement. Each library wraps these functions in its own loader.

Statements are made once, or once a role, and take their keys as an expanding parameter.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import aliased

from ascms.casework.lifecycle import QUEUED
from ascms.models import (
    Caregiver,
    Case,
    Catchment,
    Comment,
    EthnicGroup,
    Event,
    File,
    Iwi,
    NoticeGiven,
    Organisation,
    Request,
    Role,
    Student,
    StudentEthnicity,
    StudentIwi,
    User,
)

from .database import Sessions
from .rules import ROWS, role_of
from .viewer import Viewer

Orders = tuple[tuple[str, str], ...]
"""Fields and directions."""
PageKey = tuple[int, int, Orders]
"""The case, how many rows of its list at most, and in which order."""

LATEST: Orders = (("", "DESC"),)
ORDERS: Mapping[type[Any], Mapping[str, Any]] = {
    Request: {"": Request.submitted_at},
    Comment: {"": Comment.created_at},
    Event: {"": Event.occurs_at, "OCCURS_AT": Event.occurs_at, "RECORDED_AT": Event.recorded_at},
    File: {"": File.uploaded_at},
}
"""What hangs on a case, and what it is sorted by: under no name, what is usual."""

_KEYS = bindparam("keys", expanding=True)
_ETHNICITIES = (
    select(StudentEthnicity.student_id, StudentEthnicity.code, EthnicGroup.name)
    .join(EthnicGroup, EthnicGroup.code == StudentEthnicity.code)
    .where(StudentEthnicity.student_id.in_(_KEYS))
    .order_by(StudentEthnicity.position, StudentEthnicity.id)
)
_IWI = (
    select(StudentIwi.student_id, StudentIwi.code, Iwi.name)
    .join(Iwi, Iwi.code == StudentIwi.code)
    .where(StudentIwi.student_id.in_(_KEYS))
    .order_by(StudentIwi.code)
)
_CAREGIVERS = (
    select(Caregiver.student_id, Caregiver.name, Caregiver.relationship, Caregiver.phone)
    .where(Caregiver.student_id.in_(_KEYS))
    .order_by(Caregiver.id)
)
_QUEUED = select(Case.id).where(Case.id.in_(_KEYS), Case.status.in_(QUEUED))
_NOTICES = select(NoticeGiven.request_id).where(NoticeGiven.request_id.in_(_KEYS))


def order_by(model: Any, columns: Mapping[str, Any], orders: Orders) -> list[Any]:
    """A total order: what is asked for, then the key, running the way of the last of them."""
    keys = [(columns[name], direction == "DESC") for name, direction in orders]
    keys.append((model.id, keys[-1][1]))
    return [column.desc().nulls_last() if descending else column.asc().nulls_last() for column, descending in keys]


@cache
def _by_key(model: Any) -> Any:
    return select(model).where(model.id.in_(_KEYS))


@cache
def _name(model: Any) -> Any:
    return select(model.code, model.name).where(model.code.in_(_KEYS))


@cache
def _counts(model: Any, role: Role) -> Any:
    return (
        select(model.case_id, func.count()).where(model.case_id.in_(_KEYS), ROWS[role][model]).group_by(model.case_id)
    )


@cache
def _page(model: Any, role: Role, orders: Orders) -> Any:
    """The first rows of one case."""
    order = order_by(model, ORDERS[model], orders or LATEST)
    return (
        select(model)
        .where(model.case_id == bindparam("case"), ROWS[role][model])
        .order_by(*order)
        .limit(bindparam("size"))
    )


@cache
def _pages(model: Any, role: Role, orders: Orders) -> Any:
    """The first rows of each of many cases."""
    order = order_by(model, ORDERS[model], orders or LATEST)
    place = func.row_number().over(partition_by=model.case_id, order_by=order).label("place")
    numbered = select(model, place).where(model.case_id.in_(_KEYS), ROWS[role][model]).subquery()
    return select(aliased(model, numbered)).where(numbered.c.place <= bindparam("size")).order_by(numbered.c.place)


class Batches:
    """The load functions of one request: they read as the viewer. A session each, as they run side by side."""

    def __init__(self, sessions: Sessions, viewer: Viewer) -> None:
        self._sessions = sessions
        self._role = role_of(viewer)
        self._parameters = viewer.parameters

    # To one --------------------------------------------------------------------------------------------------

    async def users(self, keys: Sequence[int]) -> list[User | None]:
        return await self._found(User, keys)

    async def organisations(self, keys: Sequence[int]) -> list[Organisation | None]:
        return await self._found(Organisation, keys)

    async def catchments(self, keys: Sequence[int]) -> list[Catchment | None]:
        return await self._found(Catchment, keys)

    async def students(self, keys: Sequence[int]) -> list[Student | None]:
        return await self._found(Student, keys)

    async def _found(self, model: Any, keys: Sequence[int]) -> list[Any]:
        async with self._sessions() as session:
            found = {row.id: row for row in await session.scalars(_by_key(model), {"keys": keys})}
        return [found.get(key) for key in keys]

    # Short lists ---------------------------------------------------------------------------------------------

    async def ethnicities(self, keys: Sequence[int]) -> list[list[Any]]:
        return await self._grouped(_ETHNICITIES, keys)

    async def iwi(self, keys: Sequence[int]) -> list[list[Any]]:
        return await self._grouped(_IWI, keys)

    async def caregivers(self, keys: Sequence[int]) -> list[list[Any]]:
        return await self._grouped(_CAREGIVERS, keys)

    async def ethnic_group_names(self, keys: Sequence[str]) -> list[str]:
        return await self._names(EthnicGroup, keys)

    async def iwi_names(self, keys: Sequence[str]) -> list[str]:
        return await self._names(Iwi, keys)

    async def _names(self, model: Any, keys: Sequence[str]) -> list[str]:
        async with self._sessions() as session:
            names = dict((await session.execute(_name(model), {"keys": keys})).all())
        return [names[key] for key in keys]

    async def _grouped(self, statement: Any, keys: Sequence[int]) -> list[list[Any]]:
        lists: dict[int, list[Any]] = {key: [] for key in keys}
        async with self._sessions() as session:
            for row in await session.execute(statement, {"keys": keys}):
                lists[row.student_id].append(row)
        return list(lists.values())

    # Of requests ---------------------------------------------------------------------------------------------

    async def queued(self, keys: Sequence[int]) -> list[bool]:
        """Of cases, whether they still wait in a queue."""
        return await self._among(_QUEUED, keys)

    async def notices(self, keys: Sequence[int]) -> list[bool]:
        """Of requests, whether the family was told."""
        return await self._among(_NOTICES, keys)

    async def _among(self, statement: Any, keys: Sequence[int]) -> list[bool]:
        async with self._sessions() as session:
            found = set(await session.scalars(statement, {"keys": keys}))
        return [key in found for key in keys]

    # What hangs on cases -------------------------------------------------------------------------------------

    async def request_pages(self, keys: Sequence[PageKey]) -> list[list[Request]]:
        return await self._paged(Request, keys)

    async def comment_pages(self, keys: Sequence[PageKey]) -> list[list[Comment]]:
        return await self._paged(Comment, keys)

    async def event_pages(self, keys: Sequence[PageKey]) -> list[list[Event]]:
        return await self._paged(Event, keys)

    async def file_pages(self, keys: Sequence[PageKey]) -> list[list[File]]:
        return await self._paged(File, keys)

    async def request_counts(self, keys: Sequence[int]) -> list[int]:
        return await self._counted(Request, keys)

    async def comment_counts(self, keys: Sequence[int]) -> list[int]:
        return await self._counted(Comment, keys)

    async def event_counts(self, keys: Sequence[int]) -> list[int]:
        return await self._counted(Event, keys)

    async def file_counts(self, keys: Sequence[int]) -> list[int]:
        return await self._counted(File, keys)

    async def _paged(self, model: Any, keys: Sequence[PageKey]) -> list[list[Any]]:
        """The first rows of each case, one more than asked for, so that it is known whether there is a next page."""
        found: dict[PageKey, list[Any]] = {key: [] for key in keys}
        for size, orders in {(size, orders) for _, size, orders in keys}:
            cases = [case for case, *page in keys if page == [size, orders]]
            if len(cases) == 1:
                statement, given = _page(model, self._role, orders), {"case": cases[0]}
            else:
                statement, given = _pages(model, self._role, orders), {"keys": cases}
            async with self._sessions() as session:
                for row in await session.scalars(statement, {**self._parameters, **given, "size": size + 1}):
                    found[row.case_id, size, orders].append(row)
        return [found[key] for key in keys]

    async def _counted(self, model: Any, keys: Sequence[int]) -> list[int]:
        async with self._sessions() as session:
            counted = await session.execute(_counts(model, self._role), {**self._parameters, "keys": keys})
            counts = dict(counted.all())
        return [counts.get(key, 0) for key in keys]

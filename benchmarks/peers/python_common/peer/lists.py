"""The root lists: cases and requests that the viewer reaches, a page of them and how many there are.

A statement is made once for each shape of arguments; their values are its parameters.
"""

import asyncio
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.orm import aliased

from ascms.models import Case, Request, Role

from .batches import Orders, order_by
from .database import Sessions
from .leaves import global_id
from .rules import ROWS, role_of
from .viewer import Viewer

ORDERS: Mapping[type[Any], Mapping[str, Any]] = {
    Case: {
        "NUMBER": Case.number,
        "OPENED_AT": Case.opened_at,
        "STATUS": Case.status,
        "TYPE": Case.type,
    },
    Request: {
        "LAST_MODIFIED_AT": Request.last_modified_at,
        "SUBMITTED_AT": Request.submitted_at,
        "NUMBER": Request.number,
    },
}
LATEST: Mapping[type[Any], Orders] = {Case: (("OPENED_AT", "DESC"),), Request: (("LAST_MODIFIED_AT", "DESC"),)}
FILTERED: Mapping[type[Any], Mapping[str, Any]] = {
    Case: {"status": Case.status, "type": Case.type, "opened_at": Case.opened_at},
    Request: {"status": Request.status, "type": Request.type},
}
Filter = Mapping[str, Mapping[str, Any] | None]
"""By member, the operators and their values; those without a value say nothing."""
Asked = tuple[tuple[str, str], ...]
"""The members of a filter and their operators: the shape of its condition."""

_OPERATORS = {
    "eq": lambda column, value: column == value,
    "in": lambda column, value: column.in_(value),
    "gt": lambda column, value: column > value,
    "gte": lambda column, value: column >= value,
    "lt": lambda column, value: column < value,
    "lte": lambda column, value: column <= value,
}


def filter_of(given: Any) -> Filter | None:
    """The filter that an input object of dataclasses says, by member and operator."""
    if given is None:
        return None
    return {
        member: {operator.rstrip("_"): value for operator, value in vars(operators).items()}
        for member, operators in vars(given).items()
        if operators is not None
    }


def orders_of(given: Sequence[Any] | None) -> tuple[tuple[str, str], ...]:
    """What input objects say to sort by: fields and directions."""
    return tuple((order.field.value, order.direction.value) for order in given or ())


def _asked(given: Filter | None) -> tuple[Asked, dict[str, Any]]:
    values = {
        (member, operator): value
        for member, operators in (given or {}).items()
        for operator, value in (operators or {}).items()
        if value is not None
    }
    return tuple(values), {f"{member}_{operator}": value for (member, operator), value in values.items()}


def _conditions(model: Any, role: Role, asked: Asked) -> list[Any]:
    return [
        ROWS[role][model],
        *(
            _OPERATORS[operator](FILTERED[model][member], bindparam(f"{member}_{operator}", expanding=operator == "in"))
            for member, operator in asked
        ),
    ]


@cache
def _page(model: Any, role: Role, asked: Asked, orders: Orders) -> Any:
    order = order_by(model, ORDERS[model], orders or LATEST[model])
    return select(model).where(*_conditions(model, role, asked)).order_by(*order).limit(bindparam("size"))


@cache
def _count(model: Any, role: Role, asked: Asked) -> Any:
    return select(func.count()).select_from(model).where(*_conditions(model, role, asked))


@cache
def _case(role: Role) -> Any:
    """By number; that which goes on, where it was closed as a duplicate."""
    duplicate, number = aliased(Case), bindparam("number")
    leads_to = select(duplicate.merged_into_id).where(duplicate.number == number).scalar_subquery()
    return (
        select(Case)
        .where(or_(Case.number == number, Case.id == leads_to), ROWS[role][Case])
        .order_by(Case.merged_into_id.is_not(None))
        .limit(1)
    )


class RootPage:
    """A page of a root list. Rows and total are read when a field first asks for them, the rows once."""

    def __init__(
        self, sessions: Sessions, viewer: Viewer, model: Any, size: int, where: Filter | None, orders: Orders
    ) -> None:
        self._sessions = sessions
        self._model = model
        self._size = size
        self._orders = orders
        self._role = role_of(viewer)
        self._asked, values = _asked(where)
        self._parameters = {**viewer.parameters, **values}
        self._task: asyncio.Task[Sequence[Any]] | None = None

    async def rows(self) -> Sequence[Any]:
        return (await self._read())[: self._size]

    async def has_next(self) -> bool:
        return len(await self._read()) > self._size

    async def end_cursor(self) -> str | None:
        rows = await self.rows()
        return global_id("cursor", rows[-1].id) if rows else None

    async def total(self) -> int:
        statement = _count(self._model, self._role, self._asked)
        async with self._sessions() as session:
            return (await session.execute(statement, self._parameters)).scalar_one()

    def _read(self) -> asyncio.Task[Sequence[Any]]:
        if self._task is None:
            self._task = asyncio.create_task(self._select())
        return self._task

    async def _select(self) -> Sequence[Any]:
        statement = _page(self._model, self._role, self._asked, self._orders)
        async with self._sessions() as session:
            return (await session.scalars(statement, {**self._parameters, "size": self._size + 1})).all()


class CasePage:
    """A page of what hangs on one case, through loaders, with the same questions as a root page."""

    def __init__(self, pages: Any, counts: Any, case_id: int, size: int, orders: Orders = ()) -> None:
        self._pages = pages
        self._counts = counts
        self._key = case_id, size, orders

    async def rows(self) -> Sequence[Any]:
        return (await self._pages.load(self._key))[: self._key[1]]  # type: ignore[no-any-return]

    async def has_next(self) -> bool:
        return len(await self._pages.load(self._key)) > self._key[1]

    async def end_cursor(self) -> str | None:
        rows = await self.rows()
        return global_id("cursor", rows[-1].id) if rows else None

    async def total(self) -> int:
        return await self._counts.load(self._key[0])  # type: ignore[no-any-return]


def cases(sessions: Sessions, viewer: Viewer, size: int, where: Filter | None, orders: Orders) -> RootPage:
    """The cases that the viewer reaches, the newest first unless ordered otherwise."""
    return RootPage(sessions, viewer, Case, size, where, orders)


def requests(sessions: Sessions, viewer: Viewer, size: int, where: Filter | None, orders: Orders) -> RootPage:
    """The requests that the viewer reaches, the latest changed first unless ordered otherwise."""
    return RootPage(sessions, viewer, Request, size, where, orders)


async def case(sessions: Sessions, viewer: Viewer, number: str) -> Case | None:
    """The case with the number, if the viewer reaches it."""
    async with sessions() as session:
        return (await session.scalars(_case(role_of(viewer)), {**viewer.parameters, "number": number})).first()

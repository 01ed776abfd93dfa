"""Relay connections around BerryQL's lists, which have no such shape: nodes are its list, the rest is counted."""

import json
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from peer.lists import Filter, RootPage, orders_of
from strawberry.types import Info

from ascms import models

if TYPE_CHECKING:
    from schema_types import Case, Comment, Event, File, Request

_RUNTIME = strawberry.lazy("berryql.registry")
ListResolver = Callable[..., Awaitable[list[Any]]]
LISTS: dict[type[Any], ListResolver] = {}
"""By mapped class, the resolver that BerryQL made for its list; filled in once the schema is built."""


class _Page:
    """What was asked of a list: BerryQL's arguments for the nodes, and how to count the rest."""

    def __init__(
        self,
        model: type[Any],
        size: int,
        order: Sequence[str],
        total: Callable[[Info], Awaitable[int]],
        **arguments: Any,
    ) -> None:
        self.size = size
        self._model = model
        self._order = list(order)
        self._count = total
        self._arguments = arguments

    async def rows(self, info: Info) -> list[Any]:
        return await LISTS[self._model](None, info, limit=self.size, order_multi=self._order, **self._arguments)

    async def total(self, info: Info) -> int:
        return await self._count(info)


@strawberry.type
class PageInfo:
    page: strawberry.Private[Any]

    @strawberry.field
    async def has_next_page(self, info: Info) -> bool:
        return await self.page.total(info) > self.page.size

    @strawberry.field
    async def end_cursor(self, info: Info) -> str | None:
        shown = min(self.page.size, await self.page.total(info))
        return str(shown) if shown else None


@strawberry.type
class _Connection:
    page: strawberry.Private[Any]

    @strawberry.field
    async def total_count(self, info: Info) -> int:
        return await self.page.total(info)

    @strawberry.field
    def page_info(self) -> PageInfo:
        return PageInfo(page=self.page)


async def _nodes(self: _Connection, info: Info) -> Any:
    return await self.page.rows(info)


@strawberry.type
class CaseConnection(_Connection):
    nodes: list[Annotated["Case", _RUNTIME]] = strawberry.field(resolver=_nodes)


@strawberry.type
class RequestConnection(_Connection):
    nodes: list[Annotated["Request", _RUNTIME]] = strawberry.field(resolver=_nodes)


@strawberry.type
class CommentConnection(_Connection):
    nodes: list[Annotated["Comment", _RUNTIME]] = strawberry.field(resolver=_nodes)


@strawberry.type
class EventConnection(_Connection):
    nodes: list[Annotated["Event", _RUNTIME]] = strawberry.field(resolver=_nodes)


@strawberry.type
class FileConnection(_Connection):
    nodes: list[Annotated["File", _RUNTIME]] = strawberry.field(resolver=_nodes)


# Orders ------------------------------------------------------------------------------------------------------


@strawberry.enum
class OrderDirection(StrEnum):
    ASC = "ASC"
    DESC = "DESC"


@strawberry.enum
class EventOrderField(StrEnum):
    OCCURS_AT = "OCCURS_AT"
    RECORDED_AT = "RECORDED_AT"


@strawberry.input
class EventOrder:
    field: EventOrderField
    direction: OrderDirection = OrderDirection.ASC


def _as_berry(orders: Sequence[tuple[str, str]]) -> list[str]:
    """BerryQL's order, made total by the key, running the way of the last."""
    return [f"{name.lower()}:{direction.lower()}" for name, direction in (*orders, ("id", orders[-1][1]))]


# Lists -------------------------------------------------------------------------------------------------------

_LATEST = {
    models.Case: "OPENED_AT",
    models.Request: "LAST_MODIFIED_AT",
    models.Comment: "CREATED_AT",
    models.Event: "OCCURS_AT",
    models.File: "UPLOADED_AT",
}
_OF_CASE = {
    models.Request: "SUBMITTED_AT",
    models.Comment: "CREATED_AT",
    models.Event: "OCCURS_AT",
    models.File: "UPLOADED_AT",
}
_COUNTS = {
    models.Request: "request_counts",
    models.Comment: "comment_counts",
    models.Event: "event_counts",
    models.File: "file_counts",
}


def of_case(connection: Any, model: type[Any], case_id: int, first: int, order_by: list[Any] | None = None) -> Any:
    """A page of what hangs on a case."""
    orders = orders_of(order_by) or ((_OF_CASE[model], "DESC"),)

    async def total(info: Info) -> int:
        return await getattr(info.context["request"].loaders, _COUNTS[model]).load(case_id)

    return connection(page=_Page(model, first, _as_berry(orders), total, case=case_id))


def at_root(
    connection: Any, model: type[Any], info: Info, first: int, where: Filter | None, order_by: list[Any] | None
) -> Any:
    """A page of all that the viewer reaches."""
    orders = orders_of(order_by)
    request = info.context["request"]
    counted = RootPage(request.reads, request.viewer, model, first, where, orders)
    order = _as_berry(orders or ((_LATEST[model], "DESC"),))
    return connection(page=_Page(model, first, order, lambda info: counted.total(), where=_as_json(where)))


def _as_json(where: Filter | None) -> str | None:
    """BerryQL's filter: a JSON text by column and operator."""
    if where is None:
        return None
    asked = {
        column: {name: value for name, value in operators.items() if value is not None}
        for column, operators in where.items()
        if operators is not None
    }
    return json.dumps(asked, default=str)

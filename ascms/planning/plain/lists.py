"""Lists and connections: read whole, sorted and cut in Python."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cmp_to_key
from typing import Any

from sqlalchemy import ColumnElement, and_, inspect, select
from sqlalchemy.orm import aliased, join
from strawberry.types import Info

from ascms.permissions.policy import Visibility
from ascms.planning.conditions import Conditions
from ascms.planning.cursors import plain, reader_for
from ascms.planning.pages import order_name, page_size
from ascms.planning.selection import Selected
from ascms.planning.sources import By, Connection, Link, Many, One, Row, key_expression, key_of
from ascms.planning.values import Params, Text

from .rows import RowReader, Standing, arguments_of, raw_info


@dataclass(frozen=True)
class Item:
    """A row of a connection with its cursor; its object is made where it is asked for."""

    type_name: str
    standing: Standing
    cursor: str


@dataclass(frozen=True)
class WholePage:
    """A page of a connection, cut from the whole list."""

    items: Sequence[Item]
    total: int
    has_next: bool
    has_previous: bool


@dataclass(frozen=True)
class SortedRows:
    """Sort keys of a whole list (the row's own key last), and how they compare."""

    rows: list[tuple[Any, ...]]
    descending: Sequence[bool]
    types: Sequence[type]

    def precedes(self, left: Sequence[Any], right: Sequence[Any]) -> bool:
        """Whether `left` comes before `right` in the order; nothing comes last either way."""
        for a, b, descending in zip(left, right, self.descending, strict=True):
            if a == b:
                continue
            if a is None or b is None:
                return b is None
            return bool(plain(a) > plain(b)) if descending else bool(plain(a) < plain(b))
        return False

    def between(self, after: Sequence[Any] | None, before: Sequence[Any] | None) -> list[tuple[Any, ...]]:
        """The rows after one place and before another, in order."""
        kept = [
            row
            for row in self.rows
            if (after is None or self.precedes(after, row)) and (before is None or self.precedes(row, before))
        ]
        return sorted(kept, key=cmp_to_key(self._compare))

    def _compare(self, left: tuple[Any, ...], right: tuple[Any, ...]) -> int:
        return -1 if self.precedes(left, right) else int(self.precedes(right, left))


class Lists:
    """The lists that a reader comes to."""

    def __init__(self, reader: RowReader) -> None:
        self._reader = reader

    def _linked(self, standing: Standing | None, link: Link, target: str, alias: Any) -> list[ColumnElement[bool]]:
        """What makes a row of the link one of the parent's that the viewer reaches."""
        row = Row(alias)
        conditions = [self._reader.me.row_scope(target, row)]
        if link.where is not None:
            conditions.append(link.where(row, self._reader.me))
        if standing is not None and link.key is not None:
            conditions.append(getattr(alias, key_of(link.key)) == standing.key[0])
        return conditions

    def _from(self, statement: Any, standing: Standing | None, link: Link, alias: Any) -> Any:
        """The statement over the link's rows, and the parent's where it is a condition that links them."""
        if standing is None or link.on is None:
            return statement.select_from(alias)
        linked = link.on(Row(standing.model), Row(alias), self._reader.me)
        return statement.select_from(join(standing.model, alias, linked)).where(standing.is_it())

    async def many(self, standing: Standing, source: Many, target: str) -> list[Any]:
        """All objects of a list."""
        alias = aliased(source.link.model)
        keys = [getattr(alias, column.key) for column in inspect(source.link.model).primary_key]
        order = [getattr(alias, name).asc().nulls_last() for name in source.order]
        statement = self._from(select(*keys), standing, source.link, alias)
        statement = statement.where(*self._linked(standing, source.link, target, alias)).order_by(*order)
        return [
            await self._reader.object(target, Standing(source.link.model, tuple(key), constants=source.constants))
            for key in await self._reader.rows(statement)
        ]

    async def page(
        self, standing: Standing | None, source: Connection, type_name: str, name: str, info: Info
    ) -> WholePage:
        """The page of a connection that is asked for."""
        raw = raw_info(info)
        arguments = arguments_of(info)
        path = tuple(str(part) for part in raw.path.as_list() if isinstance(part, str))
        selected = Selected(path[-1], type_name, name, None, arguments, path, raw.field_nodes)
        target = self._reader.registry.target(self._reader.registry.target(type_name, name), "nodes")
        alias, params = aliased(source.link.model), Params()
        conditions = Conditions(self._reader.registry, self._reader.me, params)
        row, where = Row(alias), self._linked(standing, source.link, target, alias)
        if arguments.get("where") is not None:
            where.append(conditions.where(target, row, arguments["where"]))
        if arguments.get("search") is not None:
            assert source.search is not None
            where.append(source.search(row, Text(arguments["search"], params).as_pattern(), self._reader.me))
        if source.narrow is not None:
            where.extend(source.narrow(row, self._reader.me, arguments))
        listed = await self._sorted(standing, source, target, row, where, arguments.get("orderBy"), conditions)
        bound_to = f"{type_name}.{name}|{order_name(arguments.get('orderBy'))}"
        return self._cut(listed, selected, target, source.link.model, f"{self._reader.run.bound_to}|{bound_to}")

    async def _sorted(
        self,
        standing: Standing | None,
        source: Connection,
        target: str,
        row: Row,
        where: Sequence[Any],
        given: Any,
        conditions: Conditions,
    ) -> SortedRows:
        """The whole list with its sort keys, sorted in Python: nothing last, ties settled by the row's key."""
        joins: list[tuple[Any, Any]] = []

        def edge(type_name: str, name: str, from_row: Row) -> Row:
            to = self._reader.registry.field(type_name, name).source
            assert isinstance(to, One)
            joined = Row(aliased(to.model))
            on = [getattr(joined.entity, to.target) == key_expression(to.key, from_row, self._reader.me)]
            on.append(self._reader.me.row_scope(self._reader.registry.target(type_name, name), joined))
            decision = self._reader.me.sees(type_name, name, from_row)
            joins.append((joined.entity, and_(*on, *(() if isinstance(decision, Visibility) else (decision,)))))
            return joined

        orders: list[tuple[By, bool]] = (
            [(source.orders[order["field"]], order["direction"].value == "DESC") for order in given]
            if given
            else list(source.default_order)
        )
        expressions, directions = [], []
        for by, descending in orders:
            for expression in conditions.sort_key(target, row, by, edge):
                expressions.append(expression)
                directions.append(descending)
        directions.append(directions[-1] if directions else False)
        statement = self._from(select(*expressions, row.entity.id), standing, source.link, row.entity)
        for alias, on in joins:
            statement = statement.outerjoin(alias, on)
        rows = [tuple(found) for found in await self._reader.rows(statement.where(*where), conditions.params)]
        types = [expression.type.python_type for expression in (*expressions, row.entity.id)]
        return SortedRows(rows, directions, types)

    def _cut(self, listed: SortedRows, selected: Selected, target: str, model: Any, bound_to: str) -> WholePage:
        limit, backwards = page_size(selected, self._reader.settings)
        bounds = {name: self._opened(selected.arguments.get(name), bound_to, listed) for name in ("after", "before")}
        within = listed.between(bounds["after"], bounds["before"])
        page = within[max(len(within) - limit, 0) :] if backwards else within[:limit]
        more = len(within) > len(page)
        items = [
            Item(target, Standing(model, (keys[-1],)), self._reader.run.cursors.seal(keys, bound_to)) for keys in page
        ]
        return WholePage(
            items,
            len(listed.rows),
            has_next=bounds["before"] is not None if backwards else more,
            has_previous=more if backwards else bounds["after"] is not None,
        )

    def _opened(self, cursor: Any, bound_to: str, listed: SortedRows) -> Sequence[Any] | None:
        if cursor is None:
            return None
        opened = self._reader.run.cursors.open(cursor, bound_to)
        assert opened is not None  # checked before anything ran
        return [reader_for(type_)(value) for type_, value in zip(listed.types, opened, strict=True)]

    async def of_page(self, source: Any, part: str) -> Any:
        """A part of a page, or of one of its items."""
        if isinstance(source, Item):
            return await self._reader.object(source.type_name, source.standing) if part == "node" else source.cursor
        page: WholePage = source
        match part:
            case "nodes":
                return [await self._reader.object(item.type_name, item.standing) for item in page.items]
            case "edges":
                return list(page.items)
            case "pageInfo":
                return page
            case "totalCount":
                return page.total
            case "hasNextPage":
                return page.has_next
            case "hasPreviousPage":
                return page.has_previous
            case "startCursor":
                return page.items[0].cursor if page.items else None
        return page.items[-1].cursor if page.items else None

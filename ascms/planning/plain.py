"""The plain execution: the definition of what a plan must mean. Short, obviously right, slow.

graphql-core walks the operation, Strawberry's own permission mechanism asks the permission classes, and a generic
resolver per kind of source reads one row and one field at a time. Lists are read whole, sorted and cut in
Python. Checks that come before anything runs, and entries about redactions, are those of the plan.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cmp_to_key
from typing import TYPE_CHECKING, Any

from graphql import GraphQLResolveInfo, execute
from graphql.execution.values import get_argument_values
from sqlalchemy import ColumnElement, and_, inspect, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased, join
from strawberry.types import Info

from ascms.database import reading
from ascms.permissions.policy import UNSCOPED_PAPERS, Me, Visibility, subject_of

from .compiler import member_of
from .conditions import Conditions
from .cursors import plain, reader_for
from .declare import DeclaredField
from .document import Asked
from .identifiers import decode, encode
from .level import Run
from .pages import order_name, page_size
from .plan import Plan
from .roots import wrapped
from .selection import BACKREF, Selected
from .sources import (
    Act,
    By,
    Choices,
    Column,
    Computed,
    Connection,
    Embedded,
    Given,
    GlobalId,
    Link,
    Lookup,
    Many,
    Myself,
    NodeLookup,
    One,
    OneOf,
    Outcome,
    Page,
    Performed,
    Row,
    Value,
    Watch,
    key_expression,
    key_of,
)
from .values import Params, Text

if TYPE_CHECKING:
    from .service import Operations


@dataclass(frozen=True)
class Context:
    """What graphql-core hands to every resolver."""

    reader: "PlainReader"


@dataclass(frozen=True)
class Standing:
    """The row that an object stands for, and under which names it is read."""

    model: Any
    key: tuple[Any, ...]
    prefix: str = ""
    renamed: Mapping[str, str] | None = None
    constants: Mapping[str, str] | None = None

    def row(self) -> Row:
        return Row(self.model, self.prefix, self.renamed, self.constants)

    def is_it(self) -> ColumnElement[bool]:
        return and_(*(column == value for column, value in zip(inspect(self.model).primary_key, self.key, strict=True)))


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


async def run_plainly(
    operations: "Operations",
    asked: Asked,
    plan: Plan,
    run: Run,
    variables: Mapping[str, Any],
    *,
    only: int | None = None,
    outcome: Outcome | None = None,
) -> dict[str, Any]:
    """The data of an operation, introspection left out. Of a mutation: of the root field `only`, done already."""
    from .service import narrowed

    # Checks of arguments that depend on values (cursors) come first, as in the plan.
    plan.params.fill(asked.leaves, run)
    roots = plan.roots if only is None else [plan.roots[only]]
    nodes = tuple(node for selected, bring in roots if bring is not None for node in selected.nodes)
    if not nodes:
        return {}
    async with reading(operations.engine).connect() as connection, connection.begin():
        reader = PlainReader(operations, run, connection, outcome)
        context = Context(reader)
        document = narrowed(asked, nodes)
        result = execute(operations.schema, document, variable_values=dict(variables), context_value=context)
        done: Any = await result if asyncio.iscoroutine(result) or hasattr(result, "__await__") else result
    for error in done.errors or ():
        raise error.original_error or error
    data: dict[str, Any] = done.data
    return data


class PlainReader:
    """Reads one row and one field at a time."""

    def __init__(
        self, operations: "Operations", run: Run, connection: AsyncConnection, outcome: Outcome | None = None
    ) -> None:
        self.registry = operations.registry
        self.settings = operations.settings
        self.schema = operations.schema
        self.run = run
        self.connection = connection
        self.outcome = outcome
        self.me = Me(operations.policy, run.facts.viewer.roles)
        self._one_at_a_time = asyncio.Lock()

    # What permission classes ask -----------------------------------------------------------------------------

    async def may_see(self, source: Any, info: Info) -> bool:
        """Whether the viewer sees the field at hand of the object at hand."""
        raw = raw_info(info)
        standing = standing_of(source)
        if self.outcome is not None and raw.parent_type.name == "Mutation":
            return True  # it is done; what its payload shows is asked of each field
        row = standing.row() if standing else self.registry.any_row(raw.parent_type.name)
        decision = self.me.sees(raw.parent_type.name, raw.field_name, row)
        if isinstance(decision, Visibility):
            return decision is Visibility.ALWAYS
        assert standing is not None
        return bool(await self._value(standing, decision))

    # Reading -------------------------------------------------------------------------------------------------

    async def rows(self, statement: Any, params: Params | None = None) -> Sequence[Any]:
        """The rows of a statement; one statement at a time, as a connection can."""
        filled = params.fill((), self.run) if params is not None else {}
        async with self._one_at_a_time:
            result = await self.connection.execute(statement, {**self.run.parameters, **filled})
            return result.all()

    async def _value(self, standing: Standing, expression: Any) -> Any:
        rows = await self.rows(select(expression).select_from(standing.model).where(standing.is_it()))
        return rows[0][0] if rows else None

    async def read(self, source: Any, declared: DeclaredField, info: Info) -> Any:
        """The field's value for the object at hand."""
        raw = raw_info(info)
        type_name, name = raw.parent_type.name, raw.field_name
        match declared.source:
            case Page(part):
                return await self._of_page(source, part)
            case Act():
                assert self.outcome is not None
                return self._made(self.registry.target(type_name, name), dict(self.outcome.values))
            case Watch():
                return await self._told(declared.source, self.registry.target(type_name, name))
            case Performed() as performed:
                return await self._performed(performed, self.registry.target(type_name, name))
            case Given(member):
                return self._typed(member_of(source, member))
            case Value() | Myself() | Lookup() | NodeLookup() | Choices():
                return await self._root(declared.source, type_name, name, self._arguments(info), info)
            case Connection() as connection:
                return await self._page(standing_of(source), connection, type_name, name, info)
        standing = standing_of(source)
        assert standing is not None
        return await self._of_row(standing, declared.source, type_name, name)

    def _made(self, type_name: str, members: Mapping[str, Any]) -> Any:
        definition: Any = self.schema.type_map[type_name]
        made: Any = object.__new__(definition.extensions[BACKREF].origin)
        made.__dict__.update(members)
        return made

    def _typed(self, value: Any) -> Any:
        """Values of an abstract type as objects of the type that they name."""
        if isinstance(value, (list, tuple)):
            return [self._typed(item) for item in value]
        named = getattr(value, "type_name", None)
        if not isinstance(named, str):
            return value
        members = {name: getattr(value, name) for name in dir(value) if not name.startswith("_")}
        return self._made(named, members)

    async def _told(self, source: Watch, target: str) -> Any:
        assert self.outcome is not None
        if self.registry.entity(target).model is source.model:
            return await self._performed(source.row, target)
        return self._made(target, dict(self.outcome.values))

    async def _performed(self, source: Performed, target: str) -> Any:
        assert self.outcome is not None
        key = self.outcome.keys.get(source.name)
        if key is None:
            return None
        found = select(source.model.id).where(source.model.id == key, self.me.row_scope(target, Row(source.model)))
        if source.shown is not None:
            found = found.where(source.shown(Row(source.model), self.me))
        rows = await self.rows(found)
        return await self.object(target, Standing(source.model, tuple(rows[0]))) if rows else None

    def _arguments(self, info: Info) -> Mapping[str, Any]:
        raw = raw_info(info)
        return get_argument_values(raw.parent_type.fields[raw.field_name], raw.field_nodes[0], raw.variable_values)

    async def _of_row(self, standing: Standing, source: Any, type_name: str, name: str) -> Any:
        row = standing.row()
        match source:
            case Column():
                return await self._value(standing, source.expression(row, self.me))
            case GlobalId(of_type, of):
                key = await self._value(standing, getattr(row, key_of(of)))
                return None if key is None else encode(of_type, key)
            case Embedded():
                return await self._embedded(standing, source, self.registry.target(type_name, name))
            case One():
                return await self._edge(standing, source, self.registry.target(type_name, name))
            case OneOf(edges):
                for target, edge in edges.items():
                    found = await self._edge(standing, edge, target)
                    if found is not None:
                        return found
                return None
            case Many():
                return await self._many(standing, source, self.registry.target(type_name, name))
            case Computed():
                return await self._computed(standing, source)
        raise TypeError(f"{type_name}.{name} has a source that no row has: {source!r}")

    async def object(self, type_name: str, standing: Standing) -> Any:
        """An object of the type that stands for a row."""
        definition: Any = self.schema.type_map[type_name]
        made: Any = object.__new__(definition.extensions[BACKREF].origin)
        made.__dict__["standing"] = standing
        entity = self.registry.entity(type_name)
        noted = entity.scoped or entity.model in UNSCOPED_PAPERS
        subject = subject_of(entity.model, standing.row()) if noted else None
        if subject is not None:
            about = await self._value(standing, subject)
            self.run.subjects |= {about} - {None}
        return made

    async def _embedded(self, standing: Standing, source: Embedded, target: str) -> Any:
        inner = Standing(standing.model, standing.key, source.prefix, source.renamed, source.constants)
        if source.present is not None and await self._value(standing, getattr(inner.row(), source.present)) is None:
            return None
        return await self.object(target, inner)

    async def _edge(self, standing: Standing, source: One, target: str) -> Any:
        value = await self._value(standing, key_expression(source.key, standing.row(), self.me))
        if value is None:
            return None
        found = Row(source.model)
        conditions = [getattr(source.model, source.target) == value, self.me.row_scope(target, found)]
        if source.where is not None:
            conditions.append(source.where(found, self.me))
        rows = await self.rows(select(*inspect(source.model).primary_key).where(*conditions))
        return await self.object(target, Standing(source.model, tuple(rows[0]))) if rows else None

    async def _computed(self, standing: Standing, source: Computed) -> Any:
        columns = source.columns(standing.row(), self.me)
        values: Mapping[str, Any] = {}
        if columns:
            statement = select(*columns.values()).select_from(standing.model).where(standing.is_it())
            values = dict(zip(columns, (await self.rows(statement))[0], strict=True))
        return source.compute([values], self.run.facts)[0]

    # Lists ---------------------------------------------------------------------------------------------------

    def _linked(self, standing: Standing | None, link: Link, target: str, alias: Any) -> list[ColumnElement[bool]]:
        """What makes a row of the link one of the parent's that the viewer reaches."""
        row = Row(alias)
        conditions = [self.me.row_scope(target, row)]
        if link.where is not None:
            conditions.append(link.where(row, self.me))
        if standing is not None and link.key is not None:
            conditions.append(getattr(alias, key_of(link.key)) == standing.key[0])
        return conditions

    def _from(self, statement: Any, standing: Standing | None, link: Link, alias: Any) -> Any:
        """The statement over the link's rows, and the parent's where it is a condition that links them."""
        if standing is None or link.on is None:
            return statement.select_from(alias)
        linked = link.on(Row(standing.model), Row(alias), self.me)
        return statement.select_from(join(standing.model, alias, linked)).where(standing.is_it())

    async def _many(self, standing: Standing, source: Many, target: str) -> list[Any]:
        alias = aliased(source.link.model)
        keys = [getattr(alias, column.key) for column in inspect(source.link.model).primary_key]
        order = [getattr(alias, name).asc().nulls_last() for name in source.order]
        statement = self._from(select(*keys), standing, source.link, alias)
        statement = statement.where(*self._linked(standing, source.link, target, alias)).order_by(*order)
        return [
            await self.object(target, Standing(source.link.model, tuple(key), constants=source.constants))
            for key in await self.rows(statement)
        ]

    async def _page(
        self, standing: Standing | None, source: Connection, type_name: str, name: str, info: Info
    ) -> WholePage:
        raw = raw_info(info)
        arguments = self._arguments(info)
        path = tuple(str(part) for part in raw.path.as_list() if isinstance(part, str))
        selected = Selected(path[-1], type_name, name, None, arguments, path, raw.field_nodes)
        target = self.registry.target(self.registry.target(type_name, name), "nodes")
        alias, params = aliased(source.link.model), Params()
        conditions = Conditions(self.registry, self.me, params)
        row, where = Row(alias), self._linked(standing, source.link, target, alias)
        if arguments.get("where") is not None:
            where.append(conditions.where(target, row, arguments["where"]))
        if arguments.get("search") is not None:
            assert source.search is not None
            where.append(source.search(row, Text(arguments["search"], params).as_pattern(), self.me))
        if source.narrow is not None:
            where.extend(source.narrow(row, self.me, arguments))
        listed = await self._sorted(standing, source, target, row, where, arguments.get("orderBy"), conditions)
        bound_to = f"{type_name}.{name}|{order_name(arguments.get('orderBy'))}"
        return self._cut(listed, selected, target, source.link.model, f"{self.run.bound_to}|{bound_to}")

    async def _sorted(
        self,
        standing: Standing | None,
        source: Connection,
        target: str,
        row: Row,
        where: Sequence[Any],
        given: Any,
        conditions: Conditions,
    ) -> "SortedRows":
        """The whole list with its sort keys, sorted in Python: nothing last, ties settled by the row's key."""
        joins: list[tuple[Any, Any]] = []

        def edge(type_name: str, name: str, from_row: Row) -> Row:
            to = self.registry.field(type_name, name).source
            assert isinstance(to, One)
            joined = Row(aliased(to.model))
            on = [getattr(joined.entity, to.target) == key_expression(to.key, from_row, self.me)]
            on.append(self.me.row_scope(self.registry.target(type_name, name), joined))
            decision = self.me.sees(type_name, name, from_row)
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
        rows = [tuple(found) for found in await self.rows(statement.where(*where), conditions.params)]
        types = [expression.type.python_type for expression in (*expressions, row.entity.id)]
        return SortedRows(rows, directions, types)

    def _cut(self, listed: "SortedRows", selected: Selected, target: str, model: Any, bound_to: str) -> WholePage:
        limit, backwards = page_size(selected, self.settings)
        bounds = {name: self._opened(selected.arguments.get(name), bound_to, listed) for name in ("after", "before")}
        within = listed.between(bounds["after"], bounds["before"])
        page = within[max(len(within) - limit, 0) :] if backwards else within[:limit]
        more = len(within) > len(page)
        items = [Item(target, Standing(model, (keys[-1],)), self.run.cursors.seal(keys, bound_to)) for keys in page]
        return WholePage(
            items,
            len(listed.rows),
            has_next=bounds["before"] is not None if backwards else more,
            has_previous=more if backwards else bounds["after"] is not None,
        )

    def _opened(self, cursor: Any, bound_to: str, listed: "SortedRows") -> Sequence[Any] | None:
        if cursor is None:
            return None
        opened = self.run.cursors.open(cursor, bound_to)
        assert opened is not None  # checked before anything ran
        return [reader_for(type_)(value) for type_, value in zip(listed.types, opened, strict=True)]

    async def _of_page(self, source: Any, part: str) -> Any:
        if isinstance(source, Item):
            return await self.object(source.type_name, source.standing) if part == "node" else source.cursor
        page: WholePage = source
        match part:
            case "nodes":
                return [await self.object(item.type_name, item.standing) for item in page.items]
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

    # Roots ---------------------------------------------------------------------------------------------------

    async def _root(self, source: Any, type_name: str, name: str, arguments: Mapping[str, Any], info: Info) -> Any:
        target = self.registry.target(type_name, name)
        match source:
            case Value():
                return source.compute(arguments, self.run.facts)
            case Myself(model):
                return await self.object(target, Standing(model, (self.run.facts.viewer.user_id,)))
            case NodeLookup():
                return await self._node(arguments["id"])
            case Lookup():
                return await self._lookup(source, target, arguments)
        return await self._choices(source, target, arguments)

    async def _lookup(self, source: Lookup, target: str, arguments: Mapping[str, Any]) -> Any:
        params, row = Params(), Row(source.model)
        found = source.by(row, wrapped(arguments, params))
        first = None if source.first is None else source.first(row)
        statement = select(source.model.id).where(found, self.me.row_scope(target, row)).order_by(first)
        rows = await self.rows(statement, params)
        return await self.object(target, Standing(source.model, tuple(rows[0]))) if rows else None

    async def _node(self, text: str) -> Any:
        identifier = decode(text)
        node: Any = self.schema.type_map["Node"]
        if identifier is None or identifier.type_name not in {t.name for t in self.schema.get_possible_types(node)}:
            return None
        model = self.registry.entity(identifier.type_name).model
        scope = self.me.node_scope(identifier.type_name, Row(model))
        rows = await self.rows(select(model.id).where(model.id == identifier.key, scope))
        return await self.object(identifier.type_name, Standing(model, tuple(rows[0]))) if rows else None

    async def _choices(self, source: Choices, target: str, arguments: Mapping[str, Any]) -> list[Any]:
        params, row = Params(), Row(source.model)
        where = source.where(row, self.me, wrapped(arguments, params))
        order = [getattr(source.model, name).asc() for name in source.order]
        size = source.limit(arguments)
        limit = self.settings.default_page_size if size is None else size
        rows = await self.rows(select(source.model.id).where(where).order_by(*order), params)
        self.run.subjects.update(key for (key,) in rows[:limit])
        return [await self.object(target, Standing(source.model, tuple(key))) for key in rows[:limit]]


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


def raw_info(info: Info) -> GraphQLResolveInfo[Any]:
    """graphql-core's own view of the field at hand, which Strawberry keeps to itself."""
    return info._raw_info  # noqa: SLF001


def standing_of(source: Any) -> Standing | None:
    """The row that an object stands for; None for roots, pages and values made in Python."""
    members = getattr(source, "__dict__", None)
    standing = members.get("standing") if members is not None else None
    return standing if isinstance(standing, Standing) else None

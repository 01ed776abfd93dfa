"""The plain execution itself: graphql-core walks the operation, and each field is read by its kind of source."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphql import execute
from sqlalchemy import inspect, select
from sqlalchemy.ext.asyncio import AsyncConnection
from strawberry.types import Info

from ascms.database import reading
from ascms.permissions.policy import Visibility
from ascms.planning.compiler import member_of
from ascms.planning.declare import DeclaredField
from ascms.planning.document import Asked
from ascms.planning.identifiers import decode, encode
from ascms.planning.level import Run
from ascms.planning.plan import Plan
from ascms.planning.roots import wrapped
from ascms.planning.sources import (
    Act,
    Choices,
    Column,
    Computed,
    Connection,
    Embedded,
    Given,
    GlobalId,
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
from ascms.planning.values import Params

from .lists import Lists
from .rows import RowReader, Standing, arguments_of, raw_info, standing_of

if TYPE_CHECKING:
    from ascms.planning.service import Operations


@dataclass(frozen=True)
class Context:
    """What graphql-core hands to every resolver."""

    reader: "PlainReader"


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
    from ascms.planning.service import narrowed

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


class PlainReader(RowReader):
    """What the fields of an operation are for the viewer."""

    def __init__(
        self, operations: "Operations", run: Run, connection: AsyncConnection, outcome: Outcome | None = None
    ) -> None:
        super().__init__(operations, run, connection)
        self.outcome = outcome
        self._lists = Lists(self)

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
        return bool(await self.value(standing, decision))

    # Fields, by what they are read from ----------------------------------------------------------------------

    async def read(self, source: Any, declared: DeclaredField, info: Info) -> Any:
        """The field's value for the object at hand."""
        raw = raw_info(info)
        type_name, name = raw.parent_type.name, raw.field_name
        match declared.source:
            case Page(part):
                return await self._lists.of_page(source, part)
            case Act():
                assert self.outcome is not None
                return self.made(self.registry.target(type_name, name), dict(self.outcome.values))
            case Watch():
                return await self._told(declared.source, self.registry.target(type_name, name))
            case Performed() as performed:
                return await self._performed(performed, self.registry.target(type_name, name))
            case Given(member):
                return self._typed(member_of(source, member))
            case Value() | Myself() | Lookup() | NodeLookup() | Choices():
                return await self._root(declared.source, type_name, name, arguments_of(info), info)
            case Connection() as connection:
                return await self._lists.page(standing_of(source), connection, type_name, name, info)
        standing = standing_of(source)
        assert standing is not None
        return await self._of_row(standing, declared.source, type_name, name)

    def _typed(self, value: Any) -> Any:
        """Values of an abstract type as objects of the type that they name."""
        if isinstance(value, (list, tuple)):
            return [self._typed(item) for item in value]
        named = getattr(value, "type_name", None)
        if not isinstance(named, str):
            return value
        members = {name: getattr(value, name) for name in dir(value) if not name.startswith("_")}
        return self.made(named, members)

    async def _told(self, source: Watch, target: str) -> Any:
        assert self.outcome is not None
        if self.registry.entity(target).model is source.model:
            return await self._performed(source.row, target)
        return self.made(target, dict(self.outcome.values))

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

    async def _of_row(self, standing: Standing, source: Any, type_name: str, name: str) -> Any:
        row = standing.row()
        match source:
            case Column():
                return await self.value(standing, source.expression(row, self.me))
            case GlobalId(of_type, of):
                key = await self.value(standing, getattr(row, key_of(of)))
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
                return await self._lists.many(standing, source, self.registry.target(type_name, name))
            case Computed():
                return await self._computed(standing, source)
        raise TypeError(f"{type_name}.{name} has a source that no row has: {source!r}")

    async def _embedded(self, standing: Standing, source: Embedded, target: str) -> Any:
        inner = Standing(standing.model, standing.key, source.prefix, source.renamed, source.constants)
        if source.present is not None and await self.value(standing, getattr(inner.row(), source.present)) is None:
            return None
        return await self.object(target, inner)

    async def _edge(self, standing: Standing, source: One, target: str) -> Any:
        value = await self.value(standing, key_expression(source.key, standing.row(), self.me))
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

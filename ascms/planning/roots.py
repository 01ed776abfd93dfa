"""The roots of a plan: how each kind of root field brings its value."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import aliased

from .compiler import Compiler
from .conditions import ordered
from .level import Run
from .lists import Attachment, WholeList
from .pages import Pages
from .problems import bad_input
from .selection import Selected
from .sources import Choices, Connection, Lookup, Myself, NodeLookup, Row, Source, Value
from .values import NO_ROW, Params, Slot, Text, filled

Root = Callable[[Run, Sequence[Any]], Awaitable[Any]]
"""Brings a root field's value; gets the run and the leaves of the request's variables."""


def wrapped(arguments: Mapping[str, Any], params: Params) -> dict[str, Any]:
    """Arguments as sources take them: texts and identifiers to be bound, everything else as it is."""
    return {
        name: Text(value, params) if isinstance(value, (str, Slot)) and type(value) in (str, Slot) else value
        for name, value in arguments.items()
    }


def root(compiler: Compiler, selected: Selected) -> Root:
    """The root for a field that the viewer may use. Raises a GraphQLError where its arguments do not hold."""
    assert selected.declared is not None
    source: Source = selected.declared.source
    match source:
        case Value():
            return _value(compiler, selected, source)
        case Myself():
            return _myself(compiler, selected, source)
        case Lookup():
            return _lookup(compiler, selected, source)
        case NodeLookup():
            return _node(compiler, selected)
        case Choices():
            return _choices(compiler, selected, source)
        case Connection():
            return _connection(compiler, selected, source)
    raise TypeError(f"{selected.coordinate} has a source that no root has: {source!r}")


def _value(compiler: Compiler, selected: Selected, source: Value) -> Root:
    shape = compiler.given(selected)

    async def bring(run: Run, leaves: Sequence[Any]) -> Any:
        arguments = {name: filled(value, leaves) for name, value in selected.arguments.items()}
        return shape(source.compute(arguments, run.facts))

    return bring


def one_row(
    compiler: Compiler, selected: Selected, type_name: str, alias: Any, condition: Any, first: Any = None
) -> Root:
    """The object of `type_name` in the one row of `alias` for which the condition holds; null where there is none.

    Of several rows, that with the least of `first`.
    """
    level = compiler.new_level()
    level.one_row = True
    row = Row(alias)
    shaping = level.shaper(compiler.object(level, row, type_name, selected.below[type_name], subject_noted=False))
    # Something must be selected, even where only constants are asked for, to tell whether there is a row.
    level.add(alias.id)
    statement = select(*level.columns).select_from(level.from_clause(alias)).where(condition)
    if first is not None:
        statement = statement.order_by(first).limit(1)
    level.finish(statement, level.columns, compiler.dialect)

    async def bring(run: Run, leaves: Sequence[Any]) -> Any:
        rows, children = await level.complete(run, await level.fetch(run, {}))
        return shaping.make(rows[0], children) if rows else None

    return bring


def _myself(compiler: Compiler, selected: Selected, source: Myself) -> Root:
    alias = aliased(source.model)
    return one_row(compiler, selected, next(iter(selected.below)), alias, alias.id == compiler.me.user_id)


def _lookup(compiler: Compiler, selected: Selected, source: Lookup) -> Root:
    if source.check is not None:
        try:
            source.check(selected.arguments)
        except ValueError as error:
            raise bad_input(str(error), selected.nodes) from None
    type_name = next(iter(selected.below))
    alias = aliased(source.model)
    row = Row(alias)
    found = source.by(row, wrapped(selected.arguments, compiler.params))
    first = None if source.first is None else source.first(row)
    return one_row(compiler, selected, type_name, alias, found & compiler.me.row_scope(type_name, row), first)


def _node(compiler: Compiler, selected: Selected) -> Root:
    async def nothing(run: Run, leaves: Sequence[Any]) -> Any:
        return None

    identifier = Text(selected.arguments["id"], compiler.params)
    if not selected.below:
        # Never issued: the same way through the database as an identifier out of scope.
        entity = compiler.registry.entity("Case").model
        alias = aliased(entity)
        level = compiler.new_level()
        level.add(alias.id)
        level.finish(select(alias.id).where(alias.id == NO_ROW), level.columns, compiler.dialect)

        async def miss(run: Run, leaves: Sequence[Any]) -> Any:
            await level.fetch(run, {})
            return None

        return miss
    type_name = next(iter(selected.below))
    if not compiler.has_rows(type_name):
        return nothing
    alias = aliased(compiler.registry.entity(type_name).model)
    condition = (alias.id == identifier.as_key(type_name)) & compiler.me.node_scope(type_name, Row(alias))
    return one_row(compiler, selected, type_name, alias, condition)


def _choices(compiler: Compiler, selected: Selected, source: Choices) -> Root:
    size = source.limit(selected.arguments)
    limit = compiler.settings.default_page_size if size is None else size
    if not 0 <= limit <= compiler.settings.maximum_page_size:
        raise bad_input(
            f"{'.'.join(selected.path)} is given first: {limit}; give 0 to {compiler.settings.maximum_page_size}",
            selected.nodes,
        )
    type_name = next(iter(selected.below))
    alias = aliased(source.model)
    level = compiler.new_level()
    listed = WholeList(level, Attachment(alias, alias, None, many=False), compiler.dialect)
    row = Row(alias)
    level.subjects.append(level.add(alias.id))
    listed.shaper = level.shaper(compiler.object(level, row, type_name, selected.below[type_name], subject_noted=True))
    listed.finish(
        [source.where(row, compiler.me, wrapped(selected.arguments, compiler.params))],
        [ordered(getattr(alias, name)) for name in source.order],
        limit,
    )

    async def bring(run: Run, leaves: Sequence[Any]) -> Any:
        return (await listed.run(run, [None]))[None]

    return bring


def _connection(compiler: Compiler, selected: Selected, source: Connection) -> Root:
    alias = aliased(source.link.model)
    whole = Attachment(alias, alias, None, many=False)
    paged = Pages(compiler).paged(selected, source, alias, whole, subject_noted=False)

    async def bring(run: Run, leaves: Sequence[Any]) -> Any:
        return (await paged.run(run, [None]))[None]

    return bring

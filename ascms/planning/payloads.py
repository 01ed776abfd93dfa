"""What a mutation's payload shows: rows by the keys of its outcome, with the rights that hold once it is done."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import BigInteger, bindparam
from sqlalchemy.orm import aliased

from .compiler import Compiler
from .level import Run
from .roots import one_row
from .selection import Selected
from .sources import Given, Outcome, Performed, Row

Member = Callable[[Run, Sequence[Any], Outcome], Any]


class Payload:
    """The shape of a payload; brought for an outcome."""

    def __init__(self, compiler: Compiler, selected: Selected) -> None:
        type_name, selections = next(iter(selected.below.items()))
        self._members = [(inner.key, _member(compiler, type_name, inner)) for inner in selections]

    async def bring(self, run: Run, leaves: Sequence[Any], outcome: Outcome) -> dict[str, Any]:
        """The payload's value: members in the order asked for."""
        return {key: await member(run, leaves, outcome) for key, member in self._members}


def _member(compiler: Compiler, type_name: str, selected: Selected) -> Member:
    if selected.declared is None:
        return _constant(type_name)
    source = selected.declared.source
    compiler.decide(selected, compiler.registry.any_row(type_name))
    match source:
        case Performed():
            return performed(compiler, selected, source)
        case Given(name):
            return _value(name, compiler.given(selected))
    raise TypeError(f"{selected.coordinate} has a source that no payload has: {source!r}")


def _constant(value: Any) -> Member:
    async def bring(run: Run, leaves: Sequence[Any], outcome: Outcome) -> Any:
        return value

    return bring


def _value(name: str, shape: Callable[[Any], Any]) -> Member:
    async def bring(run: Run, leaves: Sequence[Any], outcome: Outcome) -> Any:
        return shape(outcome.values.get(name))

    return bring


def performed(compiler: Compiler, selected: Selected, source: Performed) -> Member:
    """The row that the outcome names, null where the viewer does not reach it."""
    target = next(iter(selected.below))
    if not compiler.has_rows(target):
        return _constant(None)
    alias = aliased(source.model)
    key = bindparam(source.parameter, type_=BigInteger())
    condition = (alias.id == key) & compiler.me.row_scope(target, Row(alias))
    if source.shown is not None:
        condition &= source.shown(Row(alias), compiler.me)
    found = one_row(compiler, selected, target, alias, condition)

    async def bring(run: Run, leaves: Sequence[Any], outcome: Outcome) -> Any:
        wanted = outcome.keys.get(source.name)
        if wanted is None:
            return None
        run.parameters[source.parameter] = wanted
        return await found(run, leaves)

    return bring

"""What a subscription tells: whether a signal may be told to the viewer at all, and the value that is sent."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, bindparam, select
from sqlalchemy.orm import aliased

from ascms.models import UtcDateTime
from ascms.permissions.policy import Visibility, subject_of

from .compiler import Compiler
from .level import Level, Run
from .payloads import Payload, performed
from .roots import wrapped
from .selection import Selected
from .sources import Outcome, Row, Watch

ITEM: Final = "told_item"
SINCE: Final = "told_since"
MOST_MISSED: Final = 50
"""Rows that may have been missed that are sent one by one."""


class Told:
    """The compiled form of a subscription's root field, for the roles that the viewer holds."""

    def __init__(self, compiler: Compiler, selected: Selected) -> None:
        assert selected.declared is not None
        source = selected.declared.source
        assert isinstance(source, Watch)
        self.source = source
        target = compiler.registry.target(selected.type_name, selected.name)
        self.sends_row = compiler.registry.entity(target).model is source.model
        self._row_type = target if self.sends_row else compiler.registry.target(target, source.name)
        self._bring = performed(compiler, selected, source.row) if self.sends_row else Payload(compiler, selected).bring
        self._followed = self._compile_followed(compiler, selected)
        self._places: dict[str, int | Visibility] = {}
        self._row = self._compile_row(compiler)
        self._items = {name: self._compile_item(compiler, name, model) for name, model in source.items.items()}
        self._missed = self._compile_missed(compiler)

    # Compiling -----------------------------------------------------------------------------------------------

    def _compile_followed(self, compiler: Compiler, selected: Selected) -> Level | None:
        if self.source.follows is None:
            return None
        alias = aliased(self.source.model)
        row, first = Row(alias), self.source.first
        found = self.source.follows(row, wrapped(selected.arguments, compiler.params))
        return _keys(compiler, alias, [found], [] if first is None else [first(row)])

    def _compile_row(self, compiler: Compiler) -> Level:
        """The row, if it may be shown now, with the fields whose change may be told only to who sees them."""
        alias = aliased(self.source.model)
        row = Row(alias)
        level = compiler.new_level()
        level.add(alias.id)
        subject = subject_of(self.source.model, row)
        if self.source.follows is not None and subject is not None:
            level.subjects.append(level.add(subject))
        for field in dict.fromkeys(self.source.reads.values()):
            decision = compiler.me.sees(self._row_type, field, row)
            self._places[field] = decision if isinstance(decision, Visibility) else level.add(decision)
        key = bindparam(self.source.row.parameter, type_=BigInteger())
        statement = select(*level.columns).where(alias.id == key, self.source.shown(row, compiler.me))
        level.finish(statement, level.columns, compiler.dialect)
        return level

    def _compile_item(self, compiler: Compiler, type_name: str, model: Any) -> Level:
        alias = aliased(model)
        reached = compiler.me.row_scope(type_name, Row(alias))
        return _keys(compiler, alias, [alias.id == bindparam(ITEM, type_=BigInteger()), reached])

    def _compile_missed(self, compiler: Compiler) -> Level | None:
        if self.source.missed is None:
            return None
        alias = aliased(self.source.model)
        since = bindparam(SINCE, type_=UtcDateTime())
        return _keys(compiler, alias, [self.source.missed(Row(alias), compiler.me, since)], [alias.id.desc()])

    # Running -------------------------------------------------------------------------------------------------

    async def followed(self, run: Run) -> tuple[int, ...]:
        """The keys of the rows that are followed, that to be told of first."""
        return () if self._followed is None else tuple(key for (key,) in await self._followed.fetch(run, {}))

    async def missed(self, run: Run, since: Any) -> Sequence[int] | None:
        """The keys of the rows that may have been missed, the oldest first; None where they are not sent again."""
        if self._missed is None:
            return None
        return [key for (key,) in reversed(await self._missed.fetch(run, {SINCE: since}))]

    async def may_be_told(self, run: Run, outcome: Outcome, what: str, item: tuple[str, int] | None) -> bool:
        """Whether the viewer may know of what happened: reaches the row, and sees what was changed of it."""
        key = outcome.keys.get(self.source.name)
        if key is None:
            return True
        rows, _ = await self._row.complete(run, await self._row.fetch(run, {self.source.row.parameter: key}))
        if not rows:
            return False
        field = self.source.reads.get(what) if item is None else self.source.reads.get(item[0])
        if field is not None and not self._holds(rows[0], field):
            return False
        if item is None or item[0] not in self._items:
            return True
        return bool(await self._items[item[0]].fetch(run, {ITEM: item[1]}))

    def _holds(self, row: Sequence[Any], field: str) -> bool:
        place = self._places[field]
        return place is Visibility.ALWAYS if isinstance(place, Visibility) else bool(row[place])

    async def bring(self, run: Run, leaves: Sequence[Any], outcome: Outcome) -> Any:
        """What is sent for the outcome; None for a row that is out of reach."""
        return await self._bring(run, leaves, outcome)


def _keys(
    compiler: Compiler, alias: Any, conditions: Sequence[ColumnElement[bool]], order: Sequence[Any] = ()
) -> Level:
    """The keys of the rows of `alias` for which the conditions hold."""
    level = compiler.new_level()
    level.add(alias.id)
    statement = select(alias.id).where(*conditions).order_by(*order, alias.id).limit(MOST_MISSED)
    level.finish(statement, level.columns, compiler.dialect)
    return level

"""From what is asked to a plan: decisions taken once, statements made, the answer's shape fixed.

Hidden fields are never selected; what depends on the row is a condition in the statement. Everything that the
policy has to say about an operation is said here, before the first row is read.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orjson import Fragment
from sqlalchemy import ColumnElement, Dialect, and_, inspect
from sqlalchemy.orm import aliased

from ascms.models import Role
from ascms.permissions.planned import Planned
from ascms.permissions.policy import UNSCOPED_PAPERS, Visibility, subject_of
from ascms.settings import Settings

from . import shapes
from .conditions import Conditions, guarded, ordered
from .inlined import inlined
from .leaves import as_json, encoder, serialiser
from .level import Child, Computation, Level
from .lists import Attachment, WholeList, attach
from .pages import Pages
from .problems import too_many_statements
from .registry import Registry
from .selection import Selected
from .shapes import Shape
from .sources import (
    Column,
    Computed,
    Connection,
    Embedded,
    Given,
    GlobalId,
    Link,
    Many,
    One,
    OneOf,
    Row,
    key_expression,
    key_of,
)
from .values import Params

MOST_STATEMENTS = 400
"""Statements that one operation may take: one for each object at the root, and for each list."""


@dataclass
class Redaction:
    """A field asked for that the viewer may not see, at all or on some rows."""

    coordinate: str
    reason: str
    visible_to: tuple[Role, ...]
    paths: list[str] = field(default_factory=list)


class GuardedRow(Row):
    """A row whose columns are read only where a condition holds."""

    def __init__(self, row: Row, condition: Any) -> None:
        super().__init__(row.entity)
        self._row = row
        self._condition = condition

    @property
    def identity(self) -> tuple[Any, ...]:
        return (*self._row.identity, id(self._condition))

    def __getattr__(self, name: str) -> Any:
        return guarded(self._condition, getattr(self._row, name))


def _each(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The conversion of a value, of each in a list of them, and of nothing."""

    def converted(value: Any) -> Any:
        if value is None:
            return None
        return [converted(item) for item in value] if isinstance(value, (list, tuple)) else convert(value)

    return converted


def _asked_of(selected: Selected) -> Any:
    """What is asked of a value made in Python: the same field may be asked for twice, with other members."""
    return tuple(
        (type_name, inner.key, inner.name, _asked_of(inner))
        for type_name, below in selected.below.items()
        for inner in below
    )


def member_of(value: Any, name: str) -> Any:
    """A member of a value made in Python, be it a mapping or an object."""
    return value[name] if isinstance(value, Mapping) else getattr(value, name)


def _saying(value: Any) -> Callable[[Any], Any]:
    return lambda ignored: value


def _reading(name: str, convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: convert(member_of(value, name))


class Compiler:
    """Compiles the root fields of one operation for one set of roles."""

    def __init__(self, registry: Registry, me: Planned, params: Params, settings: Settings, dialect: Dialect) -> None:
        self.registry = registry
        self.me = me
        self.params = params
        self.settings = settings
        self.dialect = dialect
        self.redactions: dict[str, Redaction] = {}
        self.disclosed: set[str] = set()
        self._decisions: dict[Any, tuple[Row, Any]] = {}
        """The row is kept with its decision, so that no other can take its identity."""
        self.levels: list[Level] = []

    def new_level(self) -> Level:
        """A statement more. Raises where an operation would take more than one may."""
        if len(self.levels) >= MOST_STATEMENTS:
            raise too_many_statements(MOST_STATEMENTS)
        self.levels.append(Level())
        return self.levels[-1]

    # Decisions -----------------------------------------------------------------------------------------------

    def decide(self, selected: Selected, row: Row) -> Any:
        """The viewer's sight of a field, noted for the answer's extensions and the access log."""
        decision = self._sees(selected, row)
        if decision is not Visibility.NEVER:
            self.disclosed.add(selected.coordinate)
        if decision is not Visibility.ALWAYS:
            self._redact(selected, "ROLE" if decision is Visibility.NEVER else "ROW")
        return decision

    def _sees(self, selected: Selected, row: Row) -> Any:
        """One decision, and so one column, for a field asked for under several names."""
        key = (*row.identity, selected.coordinate)
        if key not in self._decisions:
            self._decisions[key] = (row, self.me.sees(selected.type_name, selected.name, row))
        return self._decisions[key][1]

    def _redact(self, selected: Selected, reason: str) -> None:
        redaction = self.redactions.setdefault(
            selected.coordinate,
            Redaction(selected.coordinate, reason, self.me.policy.visible_to(selected.type_name, selected.name)),
        )
        path = ".".join(selected.path)
        if path not in redaction.paths:
            redaction.paths.append(path)

    def conditions(self, selected: Selected) -> Conditions:
        return Conditions(self.registry, self.me, self.params, f"An argument of {'.'.join(selected.path)}")

    def has_rows(self, type_name: str) -> bool:
        """Whether any role held reaches rows of the type."""
        entity = self.registry.entity(type_name)
        return not entity.scoped or any(self.me.policy.has_rows(type_name, role) for role in self.me.roles)

    # Objects -------------------------------------------------------------------------------------------------

    def object(
        self, level: Level, row: Row, type_name: str, selections: Sequence[Selected], subject_noted: bool,
        present: tuple[int, ...] = (),
    ) -> Shape:  # fmt: skip
        """The shape of an object that stands in `row`. `present`: places that are null where there is no such row."""
        entity = self.registry.entity(type_name)
        if not subject_noted and (entity.scoped or entity.model in UNSCOPED_PAPERS):
            subject = subject_of(entity.model, row)
            if subject is not None:
                level.subjects.append(level.add(subject, (*row.identity, "subject")))
                subject_noted = True
        return shapes.members(
            [(selected.key, self.member(level, row, selected, subject_noted, present)) for selected in selections]
        )

    def column(self, level: Level, row: Row, name: str) -> int:
        """The place of a column of `row`, shared by all who read it."""
        return level.add(getattr(row, name), (*row.identity, name))

    def member(
        self, level: Level, row: Row, selected: Selected, subject_noted: bool, present: tuple[int, ...]
    ) -> Shape:
        """The shape of one field of the object in `row`."""
        if selected.declared is None:
            return shapes.literal(selected.type_name)
        decision = self.decide(selected, row)
        if decision is Visibility.NEVER:
            return shapes.NOTHING
        source = selected.declared.source
        match source:
            case Column() | GlobalId():
                return self._leaf(level, row, selected, decision)
            case Embedded():
                return self._embedded(level, row, selected, decision, subject_noted, present)
            case One():
                return self._edge(level, row, selected, source, decision, subject_noted)
            case OneOf():
                return self._union(level, row, selected, source, decision, subject_noted)
            case Computed():
                return self._computed(level, row, selected, source, decision, present)
            case Many():
                return self._many(level, row, selected, source, decision, subject_noted, present)
            case Connection():
                return self._connection(level, row, selected, source, decision, subject_noted, present)
        raise TypeError(f"{selected.coordinate} has a source that no row has: {source!r}")

    # Columns -------------------------------------------------------------------------------------------------

    def _leaf(self, level: Level, row: Row, selected: Selected, decision: Any) -> Shape:
        assert selected.declared is not None
        source = selected.declared.source
        if isinstance(source, GlobalId):
            place = level.add(guarded(decision, getattr(row, key_of(source.of))), (*row.identity, selected.coordinate))
            return shapes.column(place, encoder(source.type_name))
        assert isinstance(source, Column)
        expression, convert = as_json(source.expression(row, self.me), selected.leaf, self.dialect)
        return shapes.column(level.add(guarded(decision, expression), (*row.identity, selected.coordinate)), convert)

    def _condition(self, level: Level, row: Row, decision: Any, present: tuple[int, ...]) -> tuple[int, ...]:
        """Places that must hold for a row-dependent field, `present` among them."""
        return present if decision is Visibility.ALWAYS else (*present, level.add(decision, id(decision)))

    def _embedded(
        self, level: Level, row: Row, selected: Selected, decision: Any, subject_noted: bool, present: tuple[int, ...]
    ) -> Shape:
        assert selected.declared is not None
        source = selected.declared.source
        assert isinstance(source, Embedded)
        inner = source.row(row)
        places = self._condition(level, row, decision, ())
        if source.present is not None:
            there = guarded(decision, getattr(inner, source.present).is_not(None))
            places = (*places, level.add(there, (*row.identity, selected.coordinate)))
        type_name, selections = next(iter(selected.below.items()))
        shape = self._guard_members(level, inner, type_name, selections, subject_noted, (*present, *places), decision)
        return shapes.where(places, shape)

    def _guard_members(
        self, level: Level, row: Row, type_name: str, selections: Sequence[Selected], subject_noted: bool,
        present: tuple[int, ...], decision: Any,
    ) -> Shape:  # fmt: skip
        """An embedded object's members, their columns read only where the object may be seen."""
        seen = row if decision is Visibility.ALWAYS else GuardedRow(row, decision)
        return self.object(level, seen, type_name, selections, True if present else subject_noted, present)

    # Edges ---------------------------------------------------------------------------------------------------

    def edge_row(self, level: Level, row: Row, source: One, target: str, decision: Any, cache: Any) -> Row:
        """The row that an edge leads to, joined; null columns where it leads nowhere for the viewer."""

        def make() -> tuple[Any, ColumnElement[bool]]:
            alias = aliased(source.model)
            conditions = [getattr(alias, source.target) == key_expression(source.key, row, self.me)]
            if not source.implied:
                conditions.append(self.me.row_scope(target, Row(alias)))
            if source.where is not None:
                conditions.append(source.where(Row(alias), self.me))
            if decision is not Visibility.ALWAYS:
                conditions.append(decision)
            return alias, and_(*conditions)

        return Row(level.join(cache, make))

    def _edge(
        self, level: Level, row: Row, selected: Selected, source: One, decision: Any, subject_noted: bool
    ) -> Shape:
        target, selections = next(iter(selected.below.items()))
        if not self.has_rows(target):
            return shapes.NOTHING
        cache = (*row.identity, selected.coordinate)
        joined = self.edge_row(level, row, source, target, decision, cache)
        place = self.column(level, joined, "id")
        shape = self.object(level, joined, target, selections, subject_noted, (place,))
        return shapes.where((place,), shape)

    def _union(
        self, level: Level, row: Row, selected: Selected, source: OneOf, decision: Any, subject_noted: bool
    ) -> Shape:
        found = []
        for target, edge in source.edges.items():
            cache = (*row.identity, selected.coordinate, target)
            joined = self.edge_row(level, row, edge, target, decision, cache)
            place = self.column(level, joined, "id")
            shape = self.object(level, joined, target, selected.below[target], subject_noted, (place,))
            found.append((place, shape))
        first = shapes.NOTHING
        for place, shape in reversed(found):
            first = shapes.where((place,), shape, first)
        return first

    # Computed ------------------------------------------------------------------------------------------------

    def _computed(
        self, level: Level, row: Row, selected: Selected, source: Computed, decision: Any, present: tuple[int, ...]
    ) -> Shape:
        conditions = self._condition(level, row, decision, present)
        key = (*row.identity, selected.coordinate)

        def computation() -> Computation:
            expressions = source.columns(row, self.me).items()
            columns = {name: level.add(guarded(decision, expression)) for name, expression in expressions}
            return Computation(source.compute, columns, conditions, self.given(selected), source.repeats)

        return shapes.computed(level.compute(computation, (*key, conditions, _asked_of(selected))))

    def given(self, selected: Selected) -> Callable[[Any], Any]:
        """The shape of a value made in Python: leaves serialised, members of objects read by name.

        Where the type is abstract, values say by `type_name` which of the possible types they are.
        """
        if not selected.below:
            serialise = serialiser(selected.leaf)
            return _each(serialise) if serialise is not None else lambda value: value
        objects = {type_name: self._given_object(type_name, below) for type_name, below in selected.below.items()}
        if len(objects) == 1:
            return _each(next(iter(objects.values())))
        return _each(lambda value: objects[value.type_name](value))

    def _given_object(self, type_name: str, selections: Sequence[Selected]) -> Callable[[Any], Any]:
        members: list[tuple[str, Callable[[Any], Any]]] = []
        for inner in selections:
            if inner.declared is None:
                members.append((inner.key, _saying(type_name)))
                continue
            source = inner.declared.source
            assert isinstance(source, Given)
            self.decide(inner, self.registry.any_row(type_name))
            members.append((inner.key, _reading(source.name, self.given(inner))))
        return lambda value: {key: read(value) for key, read in members}

    # Lists ---------------------------------------------------------------------------------------------------

    def link_conditions(self, link: Link, target: str, row: Row, parent: str) -> list[ColumnElement[bool]]:
        """What must hold of the rows of a link from `parent` to `target`, besides hanging on their parent."""
        conditions = [self.me.row_scope(target, row, under=parent if link.hangs else None)]
        if link.where is not None:
            conditions.append(link.where(row, self.me))
        return conditions

    def page_conditions(
        self, link: Link, target: str, row: Row, parent: str
    ) -> tuple[list[ColumnElement[bool]], list[ColumnElement[bool]]]:
        """The same of a connection's rows: as its pages are read best, and as its total is counted best."""
        if link.key is not None or link.on is not None:
            conditions = self.link_conditions(link, target, row, parent)
            return conditions, conditions
        more = [] if link.where is None else [link.where(row, self.me)]
        return [self.me.listed(target, row), *more], [self.me.counted(target, row), *more]

    def _attach(self, level: Level, row: Row, link: Link, alias: Any) -> Attachment:
        parent = aliased(inspect(row.entity).mapper)
        on = link.on(Row(parent), Row(alias), self.me) if link.on is not None else None
        return attach(link, alias, parent, on, many=not level.one_row)

    def _many(
        self, level: Level, row: Row, selected: Selected, source: Many, decision: Any, subject_noted: bool,
        present: tuple[int, ...],
    ) -> Shape:  # fmt: skip
        if subject_noted and not isinstance(row, GuardedRow):
            text = inlined(self, row, selected, source)
            if text is not None:
                key = (*row.identity, selected.coordinate, selected.key, selected.path)
                return shapes.where(present, shapes.column(level.add(guarded(decision, text), key), Fragment))
        target, selections = next(iter(selected.below.items()))
        alias = aliased(source.link.model)
        below = self.new_level()
        member = Row(alias, constants=source.constants)
        listed = WholeList(below, self._attach(level, row, source.link, alias), self.dialect)
        listed.shaper = below.shaper(self.object(below, member, target, selections, subject_noted))
        order = [ordered(getattr(alias, name)) for name in source.order]
        listed.finish(self.link_conditions(source.link, target, member, selected.type_name), order)
        return self._hung(level, row, listed, decision, present)

    def _hung(self, level: Level, row: Row, listed: Any, decision: Any, present: tuple[int, ...]) -> Shape:
        """What a list brought for the row at hand; null where the field is hidden on it."""
        key = self.column(level, row, "id")
        conditions = self._condition(level, row, decision, present)
        place = level.hang(Child(listed, key, conditions))
        return shapes.where(conditions, shapes.child(place, key))

    def _connection(
        self, level: Level, row: Row, selected: Selected, source: Connection, decision: Any, subject_noted: bool,
        present: tuple[int, ...],
    ) -> Shape:  # fmt: skip
        alias = aliased(source.link.model)
        paged = Pages(self).paged(selected, source, alias, self._attach(level, row, source.link, alias), subject_noted)
        return self._hung(level, row, paged, decision, present)

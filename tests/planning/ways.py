"""The ways through a schema from its query root to each field."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from graphql import (
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
)

from tests.planning.invented.chance import Chance


@dataclass(frozen=True)
class Step:
    """A field on the way to what a document aims at; at the end, the argument to be given."""

    type_name: str
    name: str
    argument: str | None = None
    members: tuple[str, ...] = ()
    """Of the argument: which member is to be given, and which of that one."""

    @property
    def coordinate(self) -> str:
        return f"{self.type_name}.{self.name}" + (f"({self.argument}:)" if self.argument else "")


class Ways:
    """What can be reached, and how. No document asks for the coordinates `without`."""

    def __init__(self, schema: GraphQLSchema, without: frozenset[str] = frozenset()) -> None:
        assert schema.query_type is not None
        self.schema = schema
        self.without = without
        self.root = schema.query_type
        self.distance = {self.root.name: 0}
        self._into: dict[str, list[Step]] = {}
        """The fields whose values are, or may be, of a type."""
        self._walk()

    def _walk(self) -> None:
        waiting: list[GraphQLObjectType] = [self.root]
        for type_ in waiting:
            for name in self.fields(type_):
                for target in self.objects(get_named_type(type_.fields[name].type)):
                    self._into.setdefault(target.name, []).append(Step(type_.name, name))
                    if target.name not in self.distance:
                        self.distance[target.name] = self.distance[type_.name] + 1
                        waiting.append(target)

    def objects(self, type_: Any) -> Sequence[GraphQLObjectType]:
        """The object types that a value of the type may have; none for leaves."""
        if isinstance(type_, GraphQLObjectType):
            return [type_]
        if isinstance(type_, (GraphQLInterfaceType, GraphQLUnionType)):
            return list(self.schema.get_possible_types(type_))
        return []

    def above(self, type_: GraphQLObjectType) -> list[Any]:
        """The interfaces and unions that the type is of."""
        return [
            one
            for one in self.schema.type_map.values()
            if isinstance(one, (GraphQLInterfaceType, GraphQLUnionType)) and self.schema.is_sub_type(one, type_)
        ]

    def fields(self, type_: Any) -> list[str]:
        """The fields of an object or interface that may be asked for."""
        return [name for name in type_.fields if f"{type_.name}.{name}" not in self.without]

    @cached_property
    def aims(self) -> list[Step]:
        """Every field that can be reached, every argument, and every member of those that are objects."""
        found = []
        for type_name in self.distance:
            type_: Any = self.schema.type_map[type_name]
            for name in self.fields(type_):
                found.append(Step(type_name, name))
                for argument, declared in type_.fields[name].args.items():
                    members = self.members(declared.type, ())
                    found.extend(Step(type_name, name, argument, member) for member in members)
        return found

    def members(self, type_: Any, within: tuple[str, ...]) -> list[tuple[str, ...]]:
        """The ways into an input type, not through a type twice; that to itself where it has no members."""
        named = get_named_type(type_)
        if not isinstance(named, GraphQLInputObjectType):
            return [within]
        found: list[tuple[str, ...]] = []
        for name, member in named.fields.items():
            again = get_named_type(member.type) is named
            found.extend([(*within, name)] if again else self.members(member.type, (*within, name)))
        return found

    def to(self, aim: Step, chance: Chance) -> list[Step]:
        """A way from the root to there: not always the shortest, never a long one."""
        way, at = [aim], aim.type_name
        while at != self.root.name:
            slack = 1 if len(way) < 3 and not chance.one_in(4) else -1
            near = [step for step in self._into[at] if self.distance[step.type_name] <= self.distance[at] + slack]
            way.insert(0, chance.one(near))
            at = way[0].type_name
        return way

"""Random values of the schema's input types, as JSON has them and as a document writes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    is_required_input_field,
)
from graphql.language.print_string import print_string

from tests.planning.invented.chance import TEXTS, Chance

COMBINING: Final = ("and", "or", "not")
"""Members of filters that hold filters."""
NONSENSE: Final[Sequence[Any]] = (
    True, -1, 12, 2**31, 2**63, 1.5, "", "nonsense", "\0", "x" * 1_001, [], [None], [[]], {}, {"nonsense": 1},
    "2026-02-30", "0001-01-01T00:00:00+14:00", "2026-05-06T00:00:00", ["ASC"] * 201,
)  # fmt: skip
"""What few arguments take."""


@dataclass(frozen=True)
class Pool:
    """Values that occur in the data, so that filters and lookups hit something now and then.

    `identifiers` are global ones, by type. What is `near` is about the row that the document is to find.
    """

    texts: Sequence[str]
    numbers: Sequence[str]
    organisations: Sequence[str]
    identifiers: Mapping[str, Sequence[str]]
    near: Mapping[str, Sequence[str]] = field(default_factory=dict)
    near_numbers: Sequence[str] = ()


class Values:
    """Draws values that an argument takes, and sometimes ones that it refuses."""

    def __init__(self, pool: Pool, chance: Chance) -> None:
        self.pool = pool
        self.chance = chance

    def any_for(self, type_: GraphQLInputType, name: str) -> Any:
        """A value for a variable of the type: sometimes nonsense."""
        return self.chance.one(NONSENSE) if self.chance.one_in(60) else self.value(type_, name)

    def value(self, type_: GraphQLInputType, name: str, depth: int = 0) -> Any:
        """A value of the type, for an argument or member of that name."""
        if isinstance(type_, GraphQLNonNull):
            return self.value(type_.of_type, name, depth)
        if isinstance(type_, GraphQLList):
            return [self.value(type_.of_type, name, depth + 1) for _ in range(self.length(type_.of_type))]
        if isinstance(type_, GraphQLInputObjectType):
            return {
                member: None
                if self.may_be_null(type_, member) and self.chance.one_in(10)
                else self.value(type_.fields[member].type, member, depth + 1)
                for member in self.members(type_, depth)
            }
        if isinstance(type_, GraphQLEnumType):
            return self.chance.one(list(type_.values))
        return self.scalar(type_.name, name)

    def length(self, of: GraphQLInputType) -> int:
        """How many entries a list has: of filters never many, since they may have lists in turn."""
        several = ((60, 0), (180, 1), (120, 2), (40, 3))
        nested = isinstance(getattr(of, "of_type", of), GraphQLInputObjectType)
        many: int = self.chance.weighted(several if nested else (*several, (2, 11), (1, 201)))
        return many

    @staticmethod
    def may_be_null(type_: GraphQLInputObjectType, member: str) -> bool:
        return not isinstance(type_.fields[member].type, GraphQLNonNull)

    def members(self, type_: GraphQLInputObjectType, depth: int) -> list[str]:
        """Which members are given: all that must be, and a few others."""
        needed = [name for name, member in type_.fields.items() if is_required_input_field(member)]
        others = [name for name in type_.fields if name not in needed]
        if depth > 4 or (depth > 0 and not self.chance.one_in(3)):
            others = [name for name in others if name not in COMBINING] or others
        if depth > 8:
            return needed
        fewest = 0 if self.chance.one_in(8) else min(1, len(others))
        return needed + self.chance.random.sample(others, min(len(others), max(fewest, self.chance.count(3))))

    def scalar(self, type_name: str, name: str) -> Any:
        chance = self.chance
        match type_name:
            case "Int":
                return chance.one((0, 1, 2, 5, 9, 13)) if not chance.one_in(20) else chance.one((-1, 2**31 - 1))
            case "Boolean":
                return chance.one_in(2)
            case "Float":
                return chance.random.random()
            case "DateTime":
                return self.instant()
            case "Date":
                return chance.day().isoformat()
            case "ID":
                return self.identifier(name)
        return self.text(name)

    def instant(self) -> str:
        """An instant that occurs in the data, in one of its spellings."""
        text = self.chance.instant().isoformat()
        return self.chance.one((text, text.replace("+00:00", "Z"), text.replace("+00:00", "+14:00")))

    def identifier(self, use: str) -> str:
        """Of a row that there is; of a fitting type, where the use says which (`id Case`)."""
        chance, of = self.chance, self.pool.identifiers
        wanted = use.removeprefix("id ")
        if chance.one_in(24):
            return chance.one(("", "nonsense", "Q2FzZTow", "Q2FzZToxCg", "…", *self.pool.texts))
        if use in ("eq", "in"):
            wanted = chance.one(("User", "Organisation", "number"))
        if wanted == "number":
            return chance.one(self.pool.organisations)
        if wanted not in of or chance.one_in(16):
            wanted = chance.one(list(of))
        near = self.pool.near.get(wanted)
        return chance.one(near if near and not chance.one_in(8) else of[wanted])

    def text(self, name: str) -> str:
        chance = self.chance
        if name in ("number", "reference") and not chance.one_in(8):
            near = self.pool.near_numbers
            return chance.one(near if near and not chance.one_in(8) else self.pool.numbers)
        text = chance.one(self.pool.texts if chance.one_in(2) else TEXTS)
        return text if chance.one_in(2) else text[: chance.random.randint(1, 4)]


def literal(value: Any, type_: GraphQLInputType) -> str:
    """A value as a document writes it, without a variable."""
    if value is None:
        return "null"
    if isinstance(type_, GraphQLNonNull):
        return literal(value, type_.of_type)
    if isinstance(type_, GraphQLList):
        if not isinstance(value, list):
            return literal(value, type_.of_type)
        return "[" + ", ".join(literal(item, type_.of_type) for item in value) + "]"
    if isinstance(type_, GraphQLInputObjectType):
        members = (f"{name}: {literal(member, type_.fields[name].type)}" for name, member in value.items())
        return "{" + ", ".join(members) + "}"
    if isinstance(type_, GraphQLEnumType):
        return str(value)
    if isinstance(value, bool):
        return str(value).lower()
    return print_string(value) if isinstance(value, str) else str(value)

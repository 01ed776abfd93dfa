"""Random arguments: written out, as variables, or mixed; defaults, nulls, what is left out; pages and their cursors."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    GraphQLBoolean,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLString,
    is_required_argument,
    is_required_input_field,
)

from tests.planning.invented.chance import Chance
from tests.planning.values import Pool, Values, literal
from tests.planning.ways import Step

PAGING: Final = ("first", "after", "last", "before")
PAGES: Final[Sequence[tuple[int, tuple[str, ...]]]] = (
    (20, ()), (40, ("first",)), (20, ("last",)), (25, ("first", "after")), (15, ("last", "before")), (5, ("after",)),
    (5, ("before",)), (5, ("first", "before")), (5, ("last", "after")), (10, ("first", "after", "before")),
    (5, ("last", "after", "before")), (1, ("first", "last")),
)  # fmt: skip
"""Which arguments ask for a page, by weight; the last contradict each other."""


@dataclass(frozen=True)
class Variable:
    """A variable of a document: its type, the name of the argument it is for, its default as the document has it."""

    name: str
    type_: GraphQLInputType
    use: str
    default: str | None = None

    def declared(self) -> str:
        """How the operation declares it."""
        default = "" if self.default is None else f" = {self.default}"
        return f"${self.name}: {self.type_}{default}"


@dataclass(frozen=True)
class Variables:
    """The variables of a document. `cursors`: those of cursor arguments, by the response path of their page."""

    by_name: dict[str, Variable] = field(default_factory=dict)
    cursors: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def drawn(self, pool: Pool, chance: Chance) -> dict[str, Any]:
        """Values for them: some null, some left out where that is allowed, a few that are refused."""
        values = Values(pool, chance)
        given: dict[str, Any] = {}
        for name, variable in self.by_name.items():
            needed = isinstance(variable.type_, GraphQLNonNull)
            if name in self.cursors or (not needed and chance.one_in(6)):
                if chance.one_in(2):
                    given[name] = None
                continue
            if (needed and variable.default is not None and chance.one_in(2)) or chance.one_in(300):
                continue
            given[name] = values.any_for(variable.type_, variable.use)
        return given


class Arguments:
    """Writes the arguments of one document's fields."""

    def __init__(self, pool: Pool, chance: Chance) -> None:
        self.chance = chance
        self.values = Values(pool, chance)
        self.variables = Variables()

    def written(
        self, definition: GraphQLField, path: tuple[str, ...], aim: Step | None = None, leads_to: str | None = None
    ) -> str:
        """The arguments of a field, that of the aim among them. `path`: where in the response its value stands.

        `leads_to`: the type of the row that an identifier is to name.
        """
        wanted = aim.argument if aim is not None else None
        toward = aim.members if aim is not None else ()
        paged = "after" in definition.args
        parts = self.page(path, wanted) if paged else []
        others = {name: argument for name, argument in definition.args.items() if not (paged and name in PAGING)}
        either = len(others) == 2 and not any(map(is_required_argument, others.values()))
        if not paged and either and not self.chance.one_in(8):  # a row is looked up by one of two
            wanted = wanted or self.chance.one(list(others))
            others = {name: argument for name, argument in others.items() if name == wanted}
        goes_on = any(part.startswith(("after:", "before:")) for part in parts)
        for name, argument in others.items():
            # Lists that are gone through are in some order, and long.
            often = 2 if name == "orderBy" and goes_on else 9 if goes_on else 5
            if name == wanted or is_required_argument(argument) or self.chance.one_in(often):
                use = f"{name} {leads_to}" if leads_to else name
                parts.append(f"{name}: {self.value(argument.type, use, toward if name == wanted else ())}")
        self.chance.random.shuffle(parts)
        return f"({', '.join(parts)})" if parts else ""

    def page(self, path: tuple[str, ...], wanted: str | None) -> list[str]:
        """Which page is asked for."""
        names = self.chance.weighted(PAGES)
        if wanted in PAGING and wanted not in names:
            names = (wanted,)
        return [f"{name}: {self.cursor(path) if name in ('after', 'before') else self.size()}" for name in names]

    def size(self) -> str:
        chance = self.chance
        size = chance.weighted([(20, 0), (40, 1), (60, 2), (50, 3), (20, 4), (4, 100), (1, 101), (1, -1), (2, "null")])
        if chance.one_in(4):
            return "$" + self.variable(GraphQLInt, "first", default=str(size) if chance.one_in(3) else None)
        return str(size)

    def cursor(self, path: tuple[str, ...]) -> str:
        if self.chance.one_in(20):
            return self.chance.one(("null", '""', '"bm9uc2Vuc2U"', '"…"'))
        name = self.new_variable(GraphQLString, "after", None)
        self.variables.cursors[name] = path
        return "$" + name

    # Values --------------------------------------------------------------------------------------------------

    def value(self, type_: GraphQLInputType, name: str, toward: Sequence[str] = (), depth: int = 0) -> str:
        """A value of the type as a document writes it, variables in it or not; the members `toward` are written out."""
        chance = self.chance
        if not toward and chance.one_in(4 if depth == 0 else 9):
            return "$" + self.variable(type_, name)
        if not toward and not isinstance(type_, GraphQLNonNull) and chance.one_in(14):
            return "null"
        bare: Any = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        if isinstance(bare, GraphQLList):
            return self.list(bare, name, toward, depth)
        if isinstance(bare, GraphQLInputObjectType):
            return self.object(bare, toward, depth)
        return literal(self.values.value(bare, name, depth), bare)

    def object(self, type_: GraphQLInputObjectType, toward: Sequence[str], depth: int) -> str:
        names = list(dict.fromkeys([*toward[:1], *self.values.members(type_, depth)]))
        if toward and depth and not self.chance.one_in(4):  # few rows hold everything
            names = list(
                dict.fromkeys([toward[0], *(name for name in names if is_required_input_field(type_.fields[name]))])
            )
        members = (
            f"{name}: {self.value(type_.fields[name].type, name, toward[1:] if name in toward[:1] else (), depth + 1)}"
            for name in names
        )
        return "{" + ", ".join(members) + "}"

    def list(self, type_: GraphQLList[Any], name: str, toward: Sequence[str], depth: int) -> str:
        if not toward and self.chance.one_in(8):  # one value stands for a list of one
            return literal(self.values.value(type_.of_type, name, depth + 1), type_.of_type)
        entries = [self.value(type_.of_type, name, (), depth + 1) for _ in range(self.values.length(type_.of_type))]
        if toward:
            entries.insert(0, self.value(type_.of_type, name, toward, depth + 1))
        return "[" + ", ".join(entries) + "]"

    # Variables -----------------------------------------------------------------------------------------------

    def variable(self, type_: GraphQLInputType, use: str, default: str | None = None) -> str:
        """The name of a variable for a place of the type: a new one, or one that is there already."""
        chance = self.chance
        same = [
            name
            for name, one in self.variables.by_name.items()
            if str(one.type_) == str(type_) and name not in self.variables.cursors
        ]
        if same and default is None and chance.one_in(3):
            return chance.one(same)
        if default is None and chance.one_in(5):
            default = self.constant(type_, use)
        if isinstance(type_, GraphQLNonNull):
            if default is not None and chance.one_in(2):
                type_ = type_.of_type
        elif chance.one_in(4) and default != "null":
            type_ = GraphQLNonNull(type_)
        return self.new_variable(type_, use, default)

    def constant(self, type_: GraphQLInputType, use: str) -> str:
        """A default."""
        bare: Any = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        value = self.values.value(bare, use)
        return "null" if bare is type_ and self.chance.one_in(6) else literal(value, bare)

    def new_variable(self, type_: GraphQLInputType, use: str, default: str | None) -> str:
        name = f"v{len(self.variables.by_name)}"
        self.variables.by_name[name] = Variable(name, type_, use, default)
        return name

    def boolean(self, value: bool) -> str:
        """A truth value for a directive, written out or as a variable."""
        if self.chance.one_in(2):
            return str(value).lower()
        return "$" + self.variable(GraphQLNonNull(GraphQLBoolean), "if")

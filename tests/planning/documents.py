"""Random documents over the whole schema: aliases, fragments, directives, variables, filters, orders and pages.

A document comes with the places of its cursors, so that a second run can go on where the first one ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
)

ROOTS = ("cases", "case", "requests", "students", "student", "node")
"""The roots behind which most of the schema lies; written most of the time."""
COMPOSITE = (GraphQLObjectType, GraphQLInterfaceType, GraphQLUnionType)
IDENTIFIED = ("Student", "Case", "Request", "Comment", "Event", "File", "User", "Organisation")


@dataclass
class Pool:
    """Values that occur in the data, so that filters and lookups hit something now and then."""

    texts: Sequence[str]
    numbers: Sequence[str]
    identifiers: Sequence[str]
    instants: Sequence[str]
    days: Sequence[str]


@dataclass
class Document:
    """A random operation. `cursors`: variable of a cursor argument, by the response path of its page."""

    text: str
    variables: dict[str, Any]
    cursors: dict[str, tuple[str, ...]] = field(default_factory=dict)


class Writer:
    """Writes one document."""

    def __init__(self, schema: GraphQLSchema, pool: Pool, random: Random) -> None:
        self.schema = schema
        self.pool = pool
        self.random = random
        self.declared: list[str] = []
        self.variables: dict[str, Any] = {}
        self.fragments: list[str] = []
        self.cursors: dict[str, tuple[str, ...]] = {}
        self.left = random.randint(4, 40)
        """How many more fields may be written."""

    def document(self) -> Document:
        assert self.schema.query_type is not None
        body = self.selections(self.schema.query_type, 0, ())
        variables = f"({', '.join(self.declared)})" if self.declared else ""
        text = f"query Random{variables} {body}\n" + "\n".join(self.fragments)
        return Document(text, self.variables, self.cursors)

    def chance(self, of: int) -> bool:
        return self.random.randrange(of) == 0

    # Selections ----------------------------------------------------------------------------------------------

    def selections(self, type_: Any, depth: int, path: tuple[str, ...]) -> str:
        if isinstance(type_, (GraphQLInterfaceType, GraphQLUnionType)):
            return self.abstract(type_, depth, path)
        names = list(type_.fields)
        if depth > 5:
            names = [name for name in names if not self.composite(type_, name)] or ["__typename"]
        if depth == 0 and not self.chance(4):
            names = [name for name in names if name in ROOTS]
        chosen = self.random.sample(names, min(len(names), self.random.randint(1, 2 if depth == 0 else 5)))
        if type_.name.endswith(("Connection", "Edge")) and not self.chance(4):
            chosen = list(dict.fromkeys([*chosen, "nodes" if "nodes" in type_.fields else "node"]))
        parts = [self.field(type_, name, depth, path) for name in chosen] + (["__typename"] if self.chance(5) else [])
        if type_.name.endswith("Connection") and self.chance(2):
            parts.append("pageInfo { hasNextPage hasPreviousPage startCursor endCursor }")
        if len(parts) > 1 and self.chance(4):
            parts = [self.fragment(type_, parts[:1]), *parts[1:]]
        return "{ " + " ".join(parts) + " }"

    def composite(self, type_: GraphQLObjectType, name: str) -> bool:
        return isinstance(get_named_type(type_.fields[name].type), COMPOSITE)

    def abstract(self, type_: Any, depth: int, path: tuple[str, ...]) -> str:
        parts = ["__typename"]
        if isinstance(type_, GraphQLInterfaceType):
            parts.append("id")
        parts.extend(
            f"... on {possible.name} {self.selections(possible, depth + 1, path)}"
            for possible in self.schema.get_possible_types(type_)
            if self.chance(2)
        )
        return "{ " + " ".join(parts) + " }"

    def fragment(self, type_: GraphQLObjectType, parts: list[str]) -> str:
        body = "{ " + " ".join(parts) + " }"
        if self.chance(2):
            return f"... on {type_.name} {body}" if self.chance(2) else f"... {body}"
        name = f"F{len(self.fragments)}"
        self.fragments.append(f"fragment {name} on {type_.name} {body}")
        return f"...{name}"

    def field(self, type_: GraphQLObjectType, name: str, depth: int, path: tuple[str, ...]) -> str:
        if name == "__typename":
            return name
        self.left -= 1
        definition = type_.fields[name]
        arguments = self.arguments(type_, name, path)
        value = get_named_type(definition.type)
        fields = isinstance(value, COMPOSITE)
        # An alias of its own wherever arguments or what is below may differ between two mentions.
        alias = f"a{abs(self.left)}_{len(self.variables)}_{self.random.randrange(1000)}" if arguments or fields else ""
        if not fields and self.chance(6):
            alias = f"b{self.random.randrange(10_000)}"
        key = alias or name
        for variable, (*_, last) in list(self.cursors.items()):
            if last == "?":
                self.cursors[variable] = (*path, key)
        below = ""
        if fields:
            deep = depth + (0 if self.left > 0 else 6)
            below = " " + self.selections(value, deep + 1, (*path, key))
        return f"{alias + ': ' if alias else ''}{name}{arguments}{self.directive()}{below}"

    def directive(self) -> str:
        if not self.chance(12):
            return ""
        which, value = self.random.choice(["skip", "include"]), self.random.choice([True, False])
        if self.chance(2):
            return f" @{which}(if: {str(value).lower()})"
        return f" @{which}(if: {self.variable('Boolean!', value)})"

    # Arguments -----------------------------------------------------------------------------------------------

    def variable(self, type_: str, value: Any) -> str:
        name = f"v{len(self.variables)}"
        self.declared.append(f"${name}: {type_}")
        self.variables[name] = value
        return f"${name}"

    def arguments(self, type_: GraphQLObjectType, name: str, path: tuple[str, ...]) -> str:
        definition = type_.fields[name]
        parts = []
        if "first" in definition.args:
            way = "last" if "last" in definition.args and self.chance(4) else "first"
            size = self.random.choice([0, 1, 2, 3, 3, 4])
            parts.append(f"{way}: {self.variable('Int', size) if self.chance(3) else size}")
            if "after" in definition.args and self.chance(3):
                cursor = self.variable("String", None)
                self.cursors[cursor[1:]] = ("?",)
                parts.append(f"{'after' if way == 'first' else 'before'}: {cursor}")
        names = list(definition.args)
        if (type_.name, name) == ("Query", "request") and not self.chance(6):
            names = [self.random.choice(names)]
        for argument in names:
            declared = definition.args[argument]
            if argument in ("first", "last", "after", "before"):
                continue
            required = isinstance(declared.type, GraphQLNonNull)
            if required or len(names) == 1 or self.chance(7):
                value = self.value(declared.type, 0, argument)
                if self.chance(2):
                    parts.append(f"{argument}: {self.variable(str(declared.type), value)}")
                else:
                    parts.append(f"{argument}: {literal(value, declared.type)}")
        return f"({', '.join(parts)})" if parts else ""

    def value(self, type_: Any, depth: int, name: str) -> Any:
        """A value of an input type, as JSON has it."""
        if isinstance(type_, GraphQLNonNull):
            return self.value(type_.of_type, depth, name)
        if isinstance(type_, GraphQLList):
            return [self.value(type_.of_type, depth + 1, name) for _ in range(self.random.randint(0, 2))]
        if isinstance(type_, GraphQLInputObjectType):
            return self.input_object(type_, depth)
        if isinstance(type_, GraphQLEnumType):
            return self.random.choice(list(type_.values))
        match type_.name:
            case "Int":
                return self.random.randint(0, 13)
            case "Boolean":
                return self.random.choice([True, False])
            case "Float":
                return self.random.random()
            case "DateTime":
                return self.random.choice(self.pool.instants)
            case "Date":
                return self.random.choice(self.pool.days)
            case "ID" if name == "id" or self.chance(2):
                return self.random.choice(self.pool.identifiers)
        if name in ("number", "reference") and not self.chance(4):
            return self.random.choice(self.pool.numbers)
        text = self.random.choice(self.pool.texts)
        return text if self.chance(2) else text[: self.random.randint(1, 4)]

    def input_object(self, type_: GraphQLInputObjectType, depth: int) -> dict[str, Any]:
        required = [name for name, member in type_.fields.items() if isinstance(member.type, GraphQLNonNull)]
        optional = [name for name in type_.fields if name not in required]
        if depth > 2:
            optional = [name for name in optional if name not in ("and", "or", "not")]
        chosen = required + self.random.sample(optional, min(len(optional), self.random.randint(0 if depth else 1, 2)))
        return {
            name: None if name == "eq" and self.chance(6) else self.value(type_.fields[name].type, depth + 1, name)
            for name in chosen
        }


def literal(value: Any, type_: Any) -> str:
    """A value as GraphQL writes it."""
    if value is None:
        return "null"
    if isinstance(type_, GraphQLNonNull):
        return literal(value, type_.of_type)
    if isinstance(type_, GraphQLList):
        return "[" + ", ".join(literal(item, type_.of_type) for item in value) + "]"
    if isinstance(type_, GraphQLInputObjectType):
        return (
            "{" + ", ".join(f"{name}: {literal(item, type_.fields[name].type)}" for name, item in value.items()) + "}"
        )
    if isinstance(type_, GraphQLEnumType):
        return str(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

"""Every use that a filter or an order can make of a field, read from the schema by introspection, and its attacks.

A new member of a filter or a new sort key is attacked without anything being added here.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLObjectType,
    GraphQLSchema,
    build_client_schema,
    get_introspection_query,
    get_named_type,
    get_nullable_type,
    is_list_type,
)

from tests.contract.oracle import Person
from tests.contract.people import LEAD
from tests.support.server import DemoServer

PLACES: Final = {
    "Query.cases": "{ cases(ARGUMENT) { totalCount } }",
    "Query.requests": "{ requests(ARGUMENT) { totalCount } }",
    "Query.students": "{ students(ARGUMENT) { totalCount } }",
    "Case.events": "{ cases(first: 1) { nodes { events(ARGUMENT) { totalCount } } } }",
}
"""Where each list that takes a filter or an order is asked for."""

SAMPLES: Final = {
    "String": "00307473", "Int": 11, "Boolean": True, "ID": "VXNlcjox",
    "Date": "2010-01-01", "DateTime": "2026-05-05T21:47:00Z",
}  # fmt: skip
COMBINING: Final = {"and", "or", "not"}


@dataclass(frozen=True)
class Use:
    """One use of a field: the list it is made on, its argument and value, and the coordinates that it reads."""

    place: str
    argument: str
    input_type: str
    value: Any
    reads: tuple[str, ...]
    again: bool = False
    """Whether another use of the same member came before: another operator, another direction."""

    def __str__(self) -> str:
        return f"{self.place}({self.argument}: {literal(self.value)})"


@dataclass(frozen=True)
class Attack:
    """A document with its variables, and the form in which it makes a use of a field."""

    form: str
    text: str
    variables: Mapping[str, Any]

    @property
    def quick(self) -> bool:
        """Whether it is one of the forms that every use is tried in."""
        return self.form in {"literal, itself", "variable, deep", "literal list", "variable"}


class Name(str):
    """An enum member, which a literal writes without quotes."""

    __slots__ = ()


def literal(value: Any) -> str:
    """A JSON value as GraphQL writes it."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{name}: {literal(member)}' for name, member in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    return str(value) if isinstance(value, Name) else json.dumps(value)


class Uses:
    """The uses that a server's schema allows."""

    def __init__(self, server: DemoServer, person: Person = LEAD) -> None:
        self._server = server
        self._person = person

    @cached_property
    def schema(self) -> GraphQLSchema:
        answer = self._server.ask(self._person.email, get_introspection_query(), organisation=self._person.organisation)
        return build_client_schema(answer.data)

    def lists(self) -> dict[str, Mapping[str, GraphQLInputType]]:
        """The arguments, other than Relay's, of each list that takes a filter, an order or a search."""
        return {
            f"{type_.name}.{name}": {key: argument.type for key, argument in field.args.items()}
            for type_ in self.schema.type_map.values()
            if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__")
            for name, field in type_.fields.items()
            if {"where", "orderBy", "search"} & set(field.args)
        }

    def all(self) -> Iterator[Use]:
        """Every operator of every member of every filter, and every sort key."""
        for place, arguments in self.lists().items():
            for name in ("where", "orderBy"):
                if name not in arguments:
                    continue
                type_ = get_named_type(arguments[name])
                assert isinstance(type_, GraphQLInputObjectType)
                made = self._filters(type_) if name == "where" else self._orders(type_)
                seen: set[tuple[str, ...]] = set()
                for value, reads in made:
                    yield Use(place, name, type_.name, value, reads, reads in seen)
                    seen.add(reads)

    def _filters(self, type_: GraphQLInputObjectType) -> Iterator[tuple[Any, tuple[str, ...]]]:
        of = type_.name.removesuffix("Filter")
        for name, member in type_.fields.items():
            inner = get_named_type(member.type)
            if name in COMBINING:
                continue
            assert isinstance(inner, GraphQLInputObjectType)
            if set(inner.fields) >= COMBINING:
                for value, reads in self._filters(inner):
                    yield {name: value}, (f"{of}.{name}", *reads)
                continue
            for operator, operand in inner.fields.items():
                yield {name: {operator: self._sample(operand.type)}}, (f"{of}.{name}",)

    def _sample(self, type_: GraphQLInputType) -> Any:
        named = get_named_type(type_)
        value = Name(next(iter(named.values))) if isinstance(named, GraphQLEnumType) else SAMPLES[named.name]
        return [value] if is_list_type(get_nullable_type(type_)) else value

    def _orders(self, type_: GraphQLInputObjectType) -> Iterator[tuple[Any, tuple[str, ...]]]:
        keys, directions = (get_named_type(type_.fields[name].type) for name in ("field", "direction"))
        assert isinstance(keys, GraphQLEnumType)
        assert isinstance(directions, GraphQLEnumType)
        for key in keys.values:
            for direction in directions.values:
                value = {"field": Name(key), "direction": Name(direction)}
                yield value, sorted_by(self.schema, type_.name.removesuffix("Order"), key)


def sorted_by(schema: GraphQLSchema, type_name: str, key: str) -> tuple[str, ...]:
    """The coordinates behind a sort key's name: `STUDENT_FULL_NAME` of cases is `student`, then `fullName`."""
    name = re.sub("_(.)", lambda match: match[1].upper(), key.lower())
    type_ = schema.type_map[type_name]
    assert isinstance(type_, GraphQLObjectType)
    if name in type_.fields:
        return (f"{type_name}.{name}",)
    edge, _, rest = key.lower().partition("_")
    target = get_named_type(type_.fields[edge].type).name
    return (f"{type_name}.{edge}", *sorted_by(schema, target, rest.upper()))


def attacks(use: Use) -> Iterator[Attack]:
    """Each form in which the use can be made."""
    yield from (_filter_attacks if use.argument == "where" else _order_attacks)(use)


def _filter_attacks(use: Use) -> Iterator[Attack]:
    value, type_ = use.value, use.input_type
    harmless: dict[str, Any] = {"and": []}
    shapes = {
        "itself": value,
        "and": {"and": [harmless, value]},
        "or": {"or": [harmless, value]},
        "not": {"not": value},
        "deep": {"or": [{"not": {"and": [{"not": value}, harmless]}}]},
    }
    for form, shape in shapes.items():
        yield _attack(use, f"literal, {form}", literal(shape))
        yield _attack(use, f"variable, {form}", "$w", ("w", type_, shape))
    yield _attack(use, "variable in a list", "{or: [{and: []}, $w]}", ("w", f"{type_}!", value))
    yield _attack(use, "list variable", "{and: $w}", ("w", f"[{type_}!]", [value]))
    yield _attack(use, "default of a variable", "$w", default=(f"$w: {type_} = {literal(value)}"))


def _order_attacks(use: Use) -> Iterator[Attack]:
    value, type_ = use.value, use.input_type
    first = {"Case": "NUMBER", "Student": "YEAR_LEVEL", "Request": "NUMBER", "Event": "OCCURS_AT"}
    other = {"field": Name(first[type_.removesuffix("Order")])}
    yield _attack(use, "literal", literal(value))
    yield _attack(use, "literal list", literal([value]))
    yield _attack(use, "literal, second key", literal([other, value]))
    yield _attack(use, "variable", "$o", ("o", f"[{type_}!]", [value]))
    yield _attack(use, "variable, second key", "$o", ("o", f"[{type_}!]", [other, value]))
    yield _attack(use, "variable in a list", f"[{literal(other)}, $o]", ("o", f"{type_}!", value))
    yield _attack(use, "key as variable", "{field: $o}", ("o", f"{type_}Field!", value["field"]))
    yield _attack(use, "default of a variable", "$o", default=f"$o: [{type_}!] = {literal(value)}")


def _attack(
    use: Use, form: str, written: str, variable: tuple[str, str, Any] | None = None, default: str | None = None
) -> Attack:
    """The document at the use's place, with `variable` as its name, type and value."""
    declared = f"${variable[0]}: {variable[1]}" if variable else default
    head = f"query Attack({declared}) " if declared else ""
    text = head + PLACES[use.place].replace("ARGUMENT", f"{use.argument}: {written}")
    return Attack(form, text, {variable[0]: variable[2]} if variable else {})

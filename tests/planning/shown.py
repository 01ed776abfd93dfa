"""Filters, searches and orders as their descriptions state them, in Python, over what a list shows.

Both executions build their SQL for these with the same code; this is an opinion of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import cmp_to_key
from typing import Any, Final

from graphql import GraphQLInputObjectType, GraphQLSchema, get_named_type

from ascms.models import fold
from ascms.planning.identifiers import decode

Truth = bool | None
"""None: unknown, since there is no value to compare."""
Node = Mapping[str, Any]

LISTS: Final = {"barriers", "ethnicities", "iwi"}
EDGES: Final = {"provider", "school", "caseManager", "primaryContact", "createdBy"}
COMPARED: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "eq": lambda value, other: bool(value == other),
    "gt": lambda value, other: bool(value > other),
    "gte": lambda value, other: bool(value >= other),
    "lt": lambda value, other: bool(value < other),
    "lte": lambda value, other: bool(value <= other),
    "contains": lambda value, other: other.lower() in value.lower(),
}


def all_of(parts: Sequence[Truth]) -> Truth:
    """Whether all hold: unknown where that depends on one that is unknown."""
    return False if False in parts else None if None in parts else True


def one_of(parts: Sequence[Truth]) -> Truth:
    """Whether one holds."""
    return True if True in parts else None if None in parts else False


class Filters:
    """What filters of a schema's input types hold for."""

    def __init__(self, schema: GraphQLSchema, organisations: Sequence[str]) -> None:
        self.schema = schema
        self.organisations = organisations
        """The numbers that there are."""

    def holds(self, type_name: str, given: Mapping[str, Any], node: Node) -> Truth:
        """Whether a filter holds for what is shown of a row. What is null in it says nothing."""
        type_ = self.schema.type_map[type_name]
        assert isinstance(type_, GraphQLInputObjectType)
        parts: list[Truth] = []
        for name, value in given.items():
            if value is None:
                continue
            below = get_named_type(type_.fields[name].type).name
            if name in ("and", "or"):
                each = [self.holds(type_name, one, node) for one in _listed(value) if one is not None]
                parts.append(all_of(each) if name == "and" else one_of(each))
            elif name == "not":
                inner = self.holds(type_name, value, node)
                parts.append(None if inner is None else not inner)
            elif name == "student":
                parts.append(None if node[name] is None else self.holds(below, value, node[name]))
            else:
                parts.append(self.member(name, below, value, node[name]))
        return all_of(parts)

    def member(self, name: str, type_name: str, given: Mapping[str, Any], shown: Any) -> Truth:
        """Whether one field's operators hold for what is shown of it."""
        if name in LISTS:
            return _of_list(given, shown)
        if name == "outcome":
            shown = shown and shown["code"]
        parts: list[Truth] = []
        for operator, value in given.items():
            if value is None:
                parts += [shown is None] if operator == "eq" else []
            elif operator == "in":
                parts.append(one_of([self.compared(name, "eq", type_name, one, shown) for one in _listed(value)]))
            else:
                parts.append(self.compared(name, operator, type_name, value, shown))
        return all_of(parts)

    def compared(self, name: str, operator: str, type_name: str, value: Any, shown: Any) -> Truth:
        if shown is None:
            return None
        if name in EDGES:
            by_number = type_name == "OrganisationFilter" and value in self.organisations
            return bool(value == (shown["number"] if by_number else shown["id"]))
        read = {"DateTimeFilter": datetime.fromisoformat, "DateFilter": date.fromisoformat}.get(
            type_name, lambda one: one
        )
        return COMPARED[operator](read(shown), read(value))


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]


def _of_list(given: Mapping[str, Any], shown: Sequence[Node] | None) -> Truth:
    """Whether the list has an entry with such a code; `eq: null`: whether none is shown."""
    parts: list[Truth] = [not shown] if "eq" in given and given["eq"] is None else []
    wanted = {name: value for name, value in given.items() if value is not None}
    if wanted:
        codes = [set(_listed(value)) for value in wanted.values()]
        parts.append(None if shown is None else any(all(one["code"] in some for some in codes) for one in shown))
    return all_of(parts)


# Searches and orders -----------------------------------------------------------------------------------------


def found_by(term: str, texts: Sequence[str | None]) -> bool:
    """Whether a text contains the term, marks and letter case aside."""
    return any(text is not None and fold(term) in fold(text) for text in texts)


def in_order(nodes: Sequence[Node], keys: Sequence[tuple[Callable[[Node], Sequence[Any]], bool]]) -> list[Node]:
    """The nodes sorted by keys (True: descending), what has no value last; ties as the last key runs, by row."""

    def compare(left: Node, right: Node) -> int:
        for key, descending in keys:
            for one, other in zip(key(left), key(right), strict=True):
                if one == other:
                    continue
                if one is None or other is None:
                    return 1 if one is None else -1
                return -1 if (one < other) != descending else 1
        return -1 if (_key(left) < _key(right)) != keys[-1][1] else 1

    return sorted(nodes, key=cmp_to_key(compare))


def _key(node: Node) -> int:
    identifier = decode(node["id"])
    assert identifier is not None
    return identifier.key

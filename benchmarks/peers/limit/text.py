"""JSON as text that SQL puts together: on PostgreSQL less work than its own functions for JSON.

A piece of JSON is a list of parts: a Literal of the answer, or an SQL expression (its value goes in as it is).
"""

from collections.abc import Mapping
from typing import Any

import orjson


class Literal(str):
    """Text that stands in the answer as it is."""

    __slots__ = ()


Parts = list[str]


def sql(parts: Parts) -> str:
    """The SQL expression whose value is the text."""
    joined: Parts = []
    for part in parts:
        if joined and isinstance(part, Literal) and isinstance(joined[-1], Literal):
            joined[-1] = Literal(joined[-1] + part)
        else:
            joined.append(part)
    written = ["'" + part.replace("'", "''") + "'" if isinstance(part, Literal) else f"({part})" for part in joined]
    return written[0] if len(written) == 1 else f"concat({', '.join(written)})"


def constant(value: Any) -> Parts:
    """A value that is always the same."""
    return [Literal(orjson.dumps(value).decode())]


def members(of: Mapping[str, Parts]) -> Parts:
    """An object."""
    parts: Parts = []
    for place, (name, value) in enumerate(of.items()):
        parts += [Literal(f'{"," if place else "{"}"{name}":'), *value]
    return [*parts, Literal("}")]


def words(column: str) -> Parts:
    """A text that people wrote, or null."""
    return [f"coalesce(to_json({column})::text, 'null')"]


def bare(column: str) -> Parts:
    """A number."""
    return [column]


def number(column: str) -> Parts:
    """A number or null."""
    return [f"coalesce({column}::text, 'null')"]


def plain(column: str) -> Parts:
    """A text without anything to escape (a code, an enum, an instant); never null."""
    return [Literal('"'), column, Literal('"')]


def where(condition: str, value: Parts, otherwise: Parts | None = None) -> Parts:
    """A value where the condition holds, else another or null."""
    return [f"CASE WHEN {condition} THEN {sql(value)} ELSE {sql(otherwise or constant(None))} END"]


def listed(value: Parts, source: str, *, order: str = "", only: str = "") -> str:
    """The list, as a subquery, of a value of each row of `source`."""
    kept = f" FILTER (WHERE {only})" if only else ""
    each = f"string_agg({sql(value)}, ','{f' ORDER BY {order}' if order else ''}){kept}"
    return f"(SELECT concat('[', {each}, ']') FROM {source})"

"""How leaf values become JSON, the same in both executions."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import cache, partial
from typing import Any, Final

from sqlalchemy import Date, Dialect, Enum, String, type_coerce

from ascms.models import UtcDateTime

from .identifiers import encode


def format_instant(value: datetime) -> str:
    """RFC 3339 in UTC, with a `Z`."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


SERIALISERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "DateTime": format_instant,
    "Date": date.isoformat,
    "Float": float,
}


def serialiser(type_name: str | None) -> Callable[[Any], Any] | None:
    """What turns a value of the scalar into JSON; None where it is JSON already."""
    return SERIALISERS.get(type_name or "")


@cache
def encoder(type_name: str) -> Callable[[int], str]:
    """What makes the global identifier of a row of the type from its key."""
    return partial(encode, type_name)


def as_json(expression: Any, leaf: str | None, dialect: Dialect) -> tuple[Any, Callable[[Any], Any] | None]:
    """The expression to select for a leaf, and what turns its value into JSON; None where it is JSON already.

    What is stored as its JSON, or nearly so, is not made into a Python value on the way.
    """
    type_ = expression.type
    if isinstance(type_, Enum):
        return type_coerce(expression, String()), None
    if dialect.name == "sqlite" and isinstance(type_, UtcDateTime):
        return type_coerce(expression, String()), stored_instant
    if dialect.name == "sqlite" and isinstance(type_, Date):
        return type_coerce(expression, String()), None
    return expression, serialiser(leaf)


def stored_instant(text: str) -> str:
    """RFC 3339 of an instant as SQLite keeps it: `2026-05-05 21:47:00.000000`, in UTC."""
    return f"{text[:10]}T{text[11:].removesuffix('.000000')}Z"

"""How leaf values become JSON, the same in both executions."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final


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

"""Shapes: from a row and what its children brought to a piece of the answer, as one compiled expression.

A shape is the text of a Python expression over `v` (the row: columns, then the values of computed fields) and `c`
(by child: what it brought, by the parent's key). Shapes are put together while an operation is compiled; a level's is
turned into one function, so that a row costs no call per field. Text in a shape is made here alone: names of clients
enter as literals, functions by name.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .leaves import stored_instant

Values = Sequence[Any]
Children = Sequence[Mapping[Any, Any]]
Shaper = Callable[[Values, Children], Any]


@dataclass(frozen=True, slots=True)
class Shape:
    """An expression, and what the names in it stand for."""

    text: str
    names: Mapping[str, Any] = field(default_factory=dict)

    def compiled(self, width: int) -> Shaper:
        """The function. `width`: how many columns a row of the level has before its computed values."""
        names = {"_width": width, **self.names}
        shaper: Shaper = eval(f"lambda v, c: {self.text}", names)  # noqa: S307 (no text of a client is in it but as literals)
        return shaper


NOTHING = Shape("None")


def literal(text: str) -> Shape:
    """The same text for every row."""
    return Shape(repr(text))


def column(place: int, convert: Callable[[Any], Any] | None = None) -> Shape:
    """The value at a place, converted unless it is null."""
    if convert is None:
        return Shape(f"v[{place}]")
    name, value = _name(convert), f"v[{place}]"
    if convert is stored_instant:
        # Most rows have one, and most have no part of a second: a call for each would be felt.
        whole = f"{value}[:10] + 'T' + {value}[11:19] + 'Z'"
        value = f"({whole} if {value}[19:] == '.000000' else {name}({value}))"
    else:
        value = f"{name}({value})"
    return Shape(f"(None if v[{place}] is None else {value})", {name: convert})


def computed(position: int) -> Shape:
    """The value of a level's computed field, which has its shape already."""
    return Shape(f"v[_width + {position}]")


def child(place: int, key: int) -> Shape:
    """What a child brought for the row whose key stands at `key`."""
    return Shape(f"c[{place}].get(v[{key}])")


def members(shapes: Sequence[tuple[str, Shape]]) -> Shape:
    """An object of these members."""
    text = ", ".join(f"{key!r}: {shape.text}" for key, shape in shapes)
    return Shape(f"{{{text}}}", _merged(shape for _, shape in shapes))


def where(places: Sequence[int], shape: Shape, otherwise: Shape = NOTHING) -> Shape:
    """The shape where there is a value that is not false at each of the places, `otherwise` elsewhere."""
    if not places:
        return shape
    condition = " and ".join(f"v[{place}] is not None and v[{place}] is not False" for place in dict.fromkeys(places))
    return Shape(f"({shape.text} if {condition} else {otherwise.text})", _merged((shape, otherwise)))


def _name(value: Any) -> str:
    return f"_{id(value):x}"


def _merged(shapes: Any) -> dict[str, Any]:
    names: dict[str, Any] = {}
    for shape in shapes:
        names.update(shape.names)
    return names

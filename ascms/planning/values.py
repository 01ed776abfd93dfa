"""Values of arguments: what a plan is made for, and what is filled in when it runs.

A plan serves every request of the same shape. Of the variables, texts, times and files are *slots*, filled in at each
run; numbers, truth values, enum members, nulls, lengths of lists and the members of input objects are part of
the shape, because they decide the statement (a direction, a limit, which field a filter reads).
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import Any, Final

from sqlalchemy import BigInteger, BindParameter, ColumnElement, String, bindparam
from sqlalchemy.types import TypeEngine

from ascms.models import fold
from ascms.storage import Upload

from .identifiers import decode
from .problems import bad_input

MOST_PARAMETERS = 5_000
MOST_CONDITIONS = 800
"""Comparisons and groups of them in the filters of an operation. SQLite reads no expression that is 1,000 deep, and a
group is as deep as it is long."""
LONGEST_TEXT = 1_000
"""Characters of a text in an argument; cursors are shorter."""
NO_ROW = -1
"""The key of no row: what an identifier that was never issued stands for."""

SLOT: Final = "slot"
"""The shape of a slot."""


@dataclass(frozen=True)
class Slot:
    """The place of a variable's value among the leaves of a request's variables."""

    index: int


def shape_of(value: Any, leaves: list[Any]) -> tuple[Any, Hashable]:
    """`value` with slots for its texts, times and files (which go to `leaves`), and its shape.

    Numbers and enum members are kept as they are, and are part of the shape.
    """
    if isinstance(value, Enum) or value is None or isinstance(value, (bool, int, float)):
        return value, (type(value).__name__, value)
    if isinstance(value, (str, date, Upload)):
        leaves.append(value)
        return Slot(len(leaves) - 1), SLOT
    if isinstance(value, Mapping):
        members = {name: shape_of(member, leaves) for name, member in value.items()}
        return (
            {name: slotted for name, (slotted, _) in members.items()},
            tuple((name, shape) for name, (_, shape) in members.items()),
        )
    items = [shape_of(item, leaves) for item in value]
    return [slotted for slotted, _ in items], ("list", *(shape for _, shape in items))


def as_slot(value: Any, leaves: list[Any]) -> tuple[Any, Hashable]:
    """The whole of `value` as one slot: for what no plan depends on."""
    leaves.append(value)
    return Slot(len(leaves) - 1), SLOT


@dataclass
class Params:
    """The bound parameters of one plan, and how each is filled in from a request's leaves."""

    entries: list[tuple[str, Any, Callable[[Any, Any], Any]]] = field(default_factory=list)
    checks: list[tuple[Any, Callable[[Any, Any], None]]] = field(default_factory=list)
    conditions: int = 0

    def bind(
        self, value: Any, type_: TypeEngine[Any], convert: Callable[[Any, Any], Any] = lambda value, run: value
    ) -> BindParameter[Any]:
        """A parameter for `value` (a slot or a literal), converted at each run."""
        if len(self.entries) >= MOST_PARAMETERS:
            raise bad_input(f"The arguments have more than {MOST_PARAMETERS:,} values; ask in several operations.")
        name = f"p{len(self.entries)}"
        self.entries.append((name, value, convert))
        return bindparam(name, type_=type_)

    def count_condition(self) -> None:
        """One more comparison, or group of them; it need not have a value. Raises a GraphQLError at one too many."""
        self.conditions += 1
        if self.conditions > MOST_CONDITIONS:
            raise bad_input(f"The filters have more than {MOST_CONDITIONS:,} conditions; ask in several operations.")

    def check(self, value: Any, check: Callable[[Any, Any], None]) -> None:
        """Have `value` checked at each run, before any statement; `check` raises a GraphQLError."""
        self.checks.append((value, check))

    def fill(self, leaves: Sequence[Any], run: Any) -> dict[str, Any]:
        """The parameters of a run. Raises what a check raises."""
        for value, check in self.checks:
            check(filled(value, leaves), run)
        given = [(name, filled(value, leaves), convert) for name, value, convert in self.entries]
        for _, text, _ in given:
            if isinstance(text, str):
                _check_text(text)
        return {name: convert(value, run) for name, value, convert in given}


def _check_text(text: str) -> None:
    if "\0" in text:
        raise bad_input("A text has the character U+0000, which nothing here contains; leave it out.")
    if len(text) > LONGEST_TEXT:
        raise bad_input(f"A text has {len(text):,} characters; {LONGEST_TEXT:,} at most are looked for.")


def filled(value: Any, leaves: Sequence[Any]) -> Any:
    """The value behind a slot; any other value is itself."""
    return leaves[value.index] if isinstance(value, Slot) else value


def filled_throughout(value: Any, leaves: Sequence[Any]) -> Any:
    """The value with every slot in it filled in, however deep."""
    if isinstance(value, Slot):
        return leaves[value.index]
    if isinstance(value, Mapping):
        return {name: filled_throughout(member, leaves) for name, member in value.items()}
    if isinstance(value, list):
        return [filled_throughout(item, leaves) for item in value]
    return value


@dataclass(frozen=True)
class Text:
    """A text or identifier given as an argument, as sources bind it."""

    value: Any
    params: Params

    def as_text(self) -> ColumnElement[str]:
        """The text as it was given."""
        return self.params.bind(self.value, String())

    def as_pattern(self) -> ColumnElement[str]:
        """A LIKE pattern (escape: backslash) for what contains the folded text."""
        return self.params.bind(self.value, String(), lambda text, run: pattern(fold(text)))

    def as_key(self, type_name: str) -> ColumnElement[int]:
        """The key of the row of `type_name` that the text identifies; that of no row if it identifies none."""
        return self.params.bind(self.value, BigInteger(), lambda text, run: key_in(text, type_name))


def pattern(text: str) -> str:
    """A LIKE pattern for what contains `text` literally."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def key_in(text: str, type_name: str) -> int:
    """The key in a global identifier of `type_name`; NO_ROW for any other text."""
    identifier = decode(text)
    return identifier.key if identifier is not None and identifier.type_name == type_name else NO_ROW

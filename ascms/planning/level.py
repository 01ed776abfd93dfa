"""A level: one statement, the rows it brings, and the levels that hang on them.

A level is built while an operation is compiled (columns, joins, children are added to it), finished into one
statement, and then only run. Rows reach the shapers as lists: the columns first, behind them the values of
computed fields.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final, Protocol

from sqlalchemy import ColumnElement, Dialect, Select
from sqlalchemy.orm import outerjoin

from ascms.snapshots import Fetch
from ascms.statements import Converter, Prepared, Rows, converter_of

from .facts import Facts
from .shapes import Shape, Shaper, Values


@dataclass
class Run:
    """One run of a plan: the connection, the request's facts, the parameters, and what is noted on the way."""

    fetch: Fetch
    facts: Facts
    cursors: Any
    parameters: dict[str, Any] = field(default_factory=dict)
    subjects: set[int] = field(default_factory=set)
    """The students whose data the rows disclose."""

    @property
    def bound_to(self) -> str:
        """What cursors are bound to besides their list: the viewer and the acting organisation."""
        acting = self.facts.viewer.acting
        return f"{self.facts.viewer.user_id}|{acting.organisation_id if acting else ''}"


UNKNOWN: Final = object()
MOST_REPEATED: Final = 256
"""Values of one computed field that are remembered."""


@dataclass
class Computation:
    """A computed field of a level: where its columns are, and for which rows it is asked."""

    compute: Callable[[Sequence[Mapping[str, Any]], Any], Sequence[Any]]
    columns: Mapping[str, int]
    conditions: Sequence[int]
    """Columns that must be true (or not null) in a row for it to count."""
    shape: Callable[[Any], Any]
    """Makes JSON of a value."""
    repeats: Callable[[Mapping[str, Any]], bool] | None
    """Whether the value for these columns is the same whenever the plan runs."""

    def __post_init__(self) -> None:
        self._known: dict[tuple[Any, ...], Any] = {}
        self._of = _getter(tuple(self.columns.values()))

    def append_to(self, rows: Sequence[list[Any]], facts: Facts) -> None:
        """Put the shaped value behind each row; null behind those that do not count."""
        conditions, known, of = self.conditions, self._known, self._of
        asked, places = [], []
        for row in rows:
            value = None
            if not conditions or holds(row, conditions):
                value = UNKNOWN if self.repeats is None else known.get(of(row), UNKNOWN)
                if value is UNKNOWN:
                    asked.append(row)
                    places.append(len(row))
            row.append(value)
        if asked:
            self._ask(asked, places, facts)

    def _ask(self, rows: Sequence[list[Any]], places: Sequence[int], facts: Facts) -> None:
        given = [{name: row[place] for name, place in self.columns.items()} for row in rows]
        for row, place, columns, value in zip(rows, places, given, self.compute(given, facts), strict=True):
            row[place] = shaped = self.shape(value)
            if self.repeats is not None and self.repeats(columns):
                if len(self._known) >= MOST_REPEATED:
                    self._known.clear()
                self._known[self._of(row)] = shaped


@dataclass
class Child:
    """A level that hangs on another: the column of the parent's key, and the conditions on the parent's row."""

    level: "Runnable"
    key: int
    conditions: Sequence[int]

    def __post_init__(self) -> None:
        self.parents = _keys_where(self.key, self.conditions)
        """The keys of the parents among rows, each once."""


class Shaping:
    """A shape on its way to a function, which it is once its level is finished."""

    __slots__ = ("_shape", "make")

    make: Shaper

    def __init__(self, shape: Shape) -> None:
        self._shape: Shape | None = shape

    def finish(self, width: int) -> None:
        """Compile it; the text is let go."""
        assert self._shape is not None
        self.make, self._shape = self._shape.compiled(width), None


class Runnable(Protocol):
    """What can hang on a level: runs for the given parents, and says what it has for each."""

    level: "Level"

    async def run(self, run: Run, parents: Sequence[Any]) -> Mapping[Any, Any]: ...


class Level:
    """The columns, joins and children of one statement over one row per object."""

    def __init__(self) -> None:
        self.columns: list[ColumnElement[Any]] = []
        self.joins: list[tuple[Any, ColumnElement[bool]]] = []
        self.computations: list[Computation] = []
        self.children: list[Child] = []
        self.subjects: list[int] = []
        self.width = 0
        """How many columns its shapes read; what its list reads of a row stands behind them."""
        self.one_row = False
        """Whether it brings one row at most, so that what hangs on it hangs on one parent."""
        self._places: dict[Any, int] = {}
        self._aliases: dict[Any, Any] = {}
        self._computed: dict[Any, int] = {}
        self._shapings: list[Shaping] = []
        self._as_stored: set[int] = set()

    # Building ------------------------------------------------------------------------------------------------

    def add_as_stored(self, expression: Any, dialect: Dialect) -> tuple[int, Converter | None]:
        """The place of `expression`, left as the driver gives it, and what makes it a Python value."""
        place = self.add(expression)
        self._as_stored.add(place)
        return place, converter_of(expression.type, dialect)

    def add(self, expression: Any, key: Any = None) -> int:
        """The place of `expression` among the columns; `key` makes equal ones share a place."""
        if key is not None and key in self._places:
            return self._places[key]
        self.columns.append(expression)
        place = len(self.columns) - 1
        if key is not None:
            self._places[key] = place
        return place

    def join(self, key: Any, make: Callable[[], tuple[Any, ColumnElement[bool]]]) -> Any:
        """The alias joined for `key`, joined now (by `make`) if it was not."""
        if key not in self._aliases:
            alias, condition = make()
            self._aliases[key] = alias
            self.joins.append((alias, condition))
        return self._aliases[key]

    def compute(self, make: Callable[[], Computation], key: Any) -> int:
        """Have a field computed (once for equal keys); returns its position among the computed values."""
        if key not in self._computed:
            self._computed[key] = len(self.computations)
            self.computations.append(make())
        return self._computed[key]

    def shaper(self, shape: Shape) -> Shaping:
        """What makes the shape of a row, once the level is finished."""
        shaping = Shaping(shape)
        self._shapings.append(shaping)
        return shaping

    def hang(self, child: Child) -> int:
        """Have a level hang on this one; returns the place of what it brings among the children."""
        self.children.append(child)
        return len(self.children) - 1

    def from_clause(self, base: Any) -> Any:
        """`base` with everything that was joined to it."""
        for alias, condition in self.joins:
            base = outerjoin(base, alias, condition)
        return base

    def finish(self, statement: Select[Any], columns: Sequence[Any], dialect: Dialect) -> None:
        """Make the statement ready; what it was built from is let go. `columns` are all that it selects."""
        typed = [None if place in self._as_stored else column for place, column in enumerate(columns)]
        self.prepared = Prepared(statement, typed, dialect)
        self.width, whole = len(self.columns), len(columns)
        self.columns, self.joins = [], []
        self._places, self._aliases, self._computed = {}, {}, {}
        for shaping in self._shapings:
            shaping.finish(whole)
        self._shapings = []

    # Running -------------------------------------------------------------------------------------------------

    async def fetch(self, run: Run, parameters: Mapping[str, Any]) -> Sequence[Values]:
        """The statement's rows."""
        return await run.fetch(self.prepared, {**run.parameters, **parameters} if parameters else run.parameters)

    async def complete(self, run: Run, rows: Sequence[Values]) -> tuple[Sequence[Values], list[Mapping[Any, Any]]]:
        """The rows with their computed values behind them, and what the children brought."""
        completed: Sequence[Any] = rows
        if self.computations:
            completed = [list(row) for row in rows]
            for computation in self.computations:
                computation.append_to(completed, run.facts)
        for place in self.subjects:
            run.subjects.update([row[place] for row in completed if row[place] is not None])
        brought = []
        for child in self.children:
            parents = child.parents(completed)
            brought.append(await child.level.run(run, parents) if parents else {})
        return completed, brought


def _getter(places: tuple[int, ...]) -> Callable[[Values], tuple[Any, ...]]:
    """What gets the values at these places."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda row: tuple(row[place] for place in places)


def _keys_where(key: int, conditions: Sequence[int]) -> Callable[[Sequence[Values]], list[Any]]:
    """A function of one expression; there are many rows."""
    held = "".join(f" and v[{place}] is not None and v[{place}] is not False" for place in conditions)
    text = f"lambda rows: list(dict.fromkeys([v[{key}] for v in rows if v[{key}] is not None{held}]))"
    keys: Callable[[Sequence[Values]], list[Any]] = eval(text)  # noqa: S307 (numbers only)
    return keys


def holds(row: Values, conditions: Sequence[int]) -> bool:
    """Whether the row has a value at each of these places that is not false."""
    return all(row[place] is not None and row[place] is not False for place in conditions)


async def no_rows(prepared: Prepared, given: Mapping[str, Any]) -> Rows:
    """The fetch of a run that is given its snapshot later."""
    raise RuntimeError("read outside of a snapshot")

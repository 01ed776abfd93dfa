"""A level: one statement, the rows it brings, and the levels that hang on them.

A level is built while an operation is compiled (columns, joins, children are added to it), finished into one
statement, and then only run. Rows reach the shapers as lists: the columns first, behind them the values of
computed fields.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Dialect, Select
from sqlalchemy.orm import outerjoin

from ascms.snapshots import Fetch
from ascms.statements import Prepared

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


@dataclass
class Computation:
    """A computed field of a level: where its columns are, and for which rows it is asked."""

    compute: Callable[[Sequence[Mapping[str, Any]], Any], Sequence[Any]]
    columns: Mapping[str, int]
    conditions: Sequence[int]
    """Columns that must be true (or not null) in a row for it to count."""


@dataclass
class Child:
    """A level that hangs on another: the column of the parent's key, and the conditions on the parent's row."""

    level: "Runnable"
    key: int
    conditions: Sequence[int]


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
        """How many columns a row has before the values of computed fields."""
        self.one_row = False
        """Whether it brings one row at most, so that what hangs on it hangs on one parent."""
        self._places: dict[Any, int] = {}
        self._aliases: dict[Any, Any] = {}
        self._computed: dict[Any, int] = {}
        self._shapings: list[Shaping] = []

    # Building ------------------------------------------------------------------------------------------------

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
        self._prepared = Prepared(statement, columns, dialect)
        self.width = len(self.columns)
        self.columns, self.joins = [], []
        self._places, self._aliases, self._computed = {}, {}, {}
        for shaping in self._shapings:
            shaping.finish(self.width)
        self._shapings = []

    # Running -------------------------------------------------------------------------------------------------

    async def fetch(self, run: Run, parameters: Mapping[str, Any]) -> Sequence[Values]:
        """The statement's rows."""
        prepared = self._prepared
        raw = await run.fetch(prepared.announced(), prepared.parameters({**run.parameters, **parameters}))
        return prepared.rows(raw)

    async def complete(self, run: Run, rows: Sequence[Values]) -> tuple[Sequence[Values], list[Mapping[Any, Any]]]:
        """The rows with their computed values behind them, and what the children brought."""
        completed: Sequence[Any] = rows
        if self.computations:
            completed = [list(row[: self.width]) for row in rows]
            for computation in self.computations:
                self._compute(run.facts, computation, completed)
        for place in self.subjects:
            run.subjects.update(row[place] for row in completed if row[place] is not None)
        brought = []
        for child in self.children:
            parents = list(dict.fromkeys(row[child.key] for row in completed if holds(row, child.conditions)))
            parents = [parent for parent in parents if parent is not None]
            brought.append(await child.level.run(run, parents) if parents else {})
        return completed, brought

    def _compute(self, facts: Facts, computation: Computation, rows: Sequence[list[Any]]) -> None:
        asked = [row for row in rows if holds(row, computation.conditions)]
        given = [{name: row[place] for name, place in computation.columns.items()} for row in asked]
        values = iter(computation.compute(given, facts)) if asked else iter(())
        for row in rows:
            row.append(next(values) if holds(row, computation.conditions) else None)


def holds(row: Values, conditions: Sequence[int]) -> bool:
    """Whether the row has a value at each of these places that is not false."""
    return all(row[place] is not None and row[place] is not False for place in conditions)


async def no_rows(statement: str, parameters: Sequence[Any]) -> Sequence[Sequence[Any]]:
    """The fetch of a run that is given its snapshot later."""
    raise RuntimeError("read outside of a snapshot")

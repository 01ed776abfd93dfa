"""All statements of a plan as one, for PostgreSQL: one way there and back, and one snapshot, without a transaction.

Each level's statement becomes a table of the one statement, and a level that hangs on another takes its parents from
that one's table. What comes back is an array of rows for each. A page is read with one row more than it shows, and so
is what hangs on it: who puts the answer together leaves out what has no parent there.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from ascms.identity.viewer import Standing
from ascms.statements import Prepared, Rows

from .level import Child, Level
from .lists import PARENT
from .statements import PARENTS

MOST_TOGETHER: Final = 24
"""Levels of a plan that is read so: the database thinks longer about more of them than going there again takes."""
PLACE: Final = re.compile(r"\$(\d+)")

Ask = Callable[[str, Sequence[Any]], Any]


class Bundle:
    """The one statement. `levels` are those of a plan whose roots are all read."""

    def __init__(self, levels: Sequence[Level]) -> None:
        self._levels = levels
        self._numbers = {level: number for number, level in enumerate(levels)}
        self._parents = {
            child.level.level: (self._numbers[level], child) for level in levels for child in level.children
        }
        self._texts: dict[Prepared | None, tuple[str, Sequence[Callable[[Mapping[str, Any]], Any]]]] = {}

    async def read(self, ask: Ask, given: Mapping[str, Any], standing: Standing | None) -> "Read":
        """All rows. `ask` runs a statement with its parameters in order, and gives the driver's one row."""
        statement = None if standing is None else standing.statement
        made = self._texts.get(statement) or self._texts.setdefault(statement, self._made(statement))
        text, parameters = made
        values = given if standing is None else {**given, **standing.given}
        row = await ask(text, [value(values) for value in parameters])
        brought = {level.prepared: level.prepared.rows(row[place]) for place, level in enumerate(self._levels)}
        if statement is not None:
            brought[statement] = row[len(self._levels)]
        return Read(brought)

    def _made(self, standing: Prepared | None) -> tuple[str, Sequence[Callable[[Mapping[str, Any]], Any]]]:
        parameters = _Parameters()
        tables, shown = [], []
        for number, level in enumerate(self._levels):
            text = self._named(level, parameters)
            tables.append(f"l{number} ({_columns(level.prepared.width)}) AS MATERIALIZED ({text})")
            shown.append(f"ARRAY(SELECT ROW({_columns(level.prepared.width)}) FROM l{number})")  # noqa: S608 (numbers)
        if standing is not None:
            text = PLACE.sub(lambda found: parameters.place(standing, int(found[1]) - 1), standing.text)
            columns = _columns(standing.width)
            shown.append(f"ARRAY(SELECT ROW({columns}) FROM ({text}) s ({columns}))")  # noqa: S608 (a plan’s own text)
        return f"WITH {', '.join(tables)} SELECT {', '.join(shown)}", parameters.values

    def _named(self, level: Level, parameters: "_Parameters") -> str:
        prepared = level.prepared

        def place(found: re.Match[str]) -> str:
            position = int(found[1]) - 1
            name = prepared.each[position].name
            if name not in {PARENT, PARENTS}:
                return parameters.place(prepared, position)
            number, child = self._parents[level]
            keys = _parents_in(number, child)
            return f"(ARRAY({keys}))" if name == PARENTS else f"({keys} LIMIT 1)"

        return PLACE.sub(place, prepared.text)


class Read:
    """What a bundle brought, as a run fetches it."""

    def __init__(self, brought: Mapping[Prepared, Rows]) -> None:
        self._brought = brought

    async def fetch(self, prepared: Prepared, given: Mapping[str, Any]) -> Rows:
        """The rows of a statement of the bundle."""
        return self._brought[prepared]


class _Parameters:
    """The parameters of the one statement: each that has the same value everywhere, once."""

    def __init__(self) -> None:
        self.values: list[Callable[[Mapping[str, Any]], Any]] = []
        self._places: dict[Any, int] = {}

    def place(self, prepared: Prepared, position: int) -> str:
        parameter = prepared.each[position]
        key = (prepared, parameter.name) if parameter.same else parameter.name
        if key not in self._places:
            self.values.append(parameter.value)
            self._places[key] = len(self.values)
        return f"${self._places[key]}"


def _columns(width: int) -> str:
    return ", ".join(f"c{place}" for place in range(width))


def _parents_in(number: int, child: Child) -> str:
    """The keys of the rows that count as parents."""
    held = [f"c{place} IS NOT NULL AND c{place}::text <> 'false'" for place in child.conditions]
    conditions = " AND ".join([f"c{child.key} IS NOT NULL", *held])
    return f"SELECT DISTINCT c{child.key} FROM l{number} WHERE {conditions}"  # noqa: S608 (a plan’s own text)

"""Statements made ready once: SQL text, the order of its parameters, and how values go in and rows come out.

SQLAlchemy builds and compiles a statement; the driver runs it. What is kept is text and functions, not the
expressions it was built from.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Dialect, Float, Select
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

LOGGER = logging.getLogger("ascms.statements")
"""Each statement as it is run, without its parameters, for who turns debugging on."""

Converter = Callable[[Any], Any]

DOUBLE_PRECISION: Final = 701
"""PostgreSQL's number for the type of our Float columns, which asyncpg's dialect wants to be told."""


def _out_of(type_: TypeEngine[Any], dialect: Dialect) -> Converter | None:
    told = DOUBLE_PRECISION if isinstance(type_, Float) else None
    return type_.dialect_impl(dialect).result_processor(dialect, told)


class Prepared:
    """A statement ready for the driver. `columns` are its columns in order, for the types of its rows."""

    __slots__ = ("_constants", "_into", "_names", "_out", "text")

    def __init__(self, statement: Select[*tuple[Any, ...]], columns: Sequence[Any], dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        assert isinstance(compiled, SQLCompiler)
        self.text = compiled.string
        self._names = tuple(compiled.positiontup or ())
        self._constants = {name: value for name, value in compiled.params.items() if name in set(self._names)}
        self._into = {
            name: convert
            for name in self._names
            if (convert := compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect)) is not None
        }
        self._out: list[tuple[int, Converter]] = [
            (place, out) for place, column in enumerate(columns) if (out := _out_of(column.type, dialect)) is not None
        ]

    def announced(self) -> str:
        """The text, about to be run."""
        LOGGER.debug("%s", self.text)
        return self.text

    def parameters(self, given: Mapping[str, Any]) -> list[Any]:
        """The parameters in the statement's order, as the driver takes them."""
        constants, into = self._constants, self._into
        values = (given[name] if name in given else constants[name] for name in self._names)
        return [into[name](value) if name in into else value for name, value in zip(self._names, values, strict=True)]

    def rows(self, raw: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
        """The driver's rows as Python values."""
        if not self._out:
            return raw
        rows = [list(row) for row in raw]
        for place, convert in self._out:
            for row in rows:
                row[place] = convert(row[place])
        return rows

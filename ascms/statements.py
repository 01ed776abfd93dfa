"""Statements made ready once: SQL text, the order of its parameters, and how values go in and rows come out.

SQLAlchemy builds and compiles a statement; the driver runs it. What is kept is text and functions, not the
expressions it was built from.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Dialect, Float, Select
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

LOGGER = logging.getLogger("ascms.statements")
"""Each statement as it is run, without its parameters, for who turns debugging on."""

Converter = Callable[[Any], Any]
Rows = Sequence[Sequence[Any]]

DOUBLE_PRECISION: Final = 701
"""PostgreSQL's number for the type of our Float columns, which asyncpg's dialect wants to be told."""


def converter_of(type_: TypeEngine[Any], dialect: Dialect) -> Converter | None:
    """What makes Python values of the driver's; None where they are."""
    told = DOUBLE_PRECISION if isinstance(type_, Float) else None
    return type_.dialect_impl(dialect).result_processor(dialect, told)


class Prepared:
    """A statement ready for the driver.

    `columns` are its columns in order, for the types of its rows; None for one that stays as the driver gives it.
    """

    __slots__ = ("_out", "each", "parameters", "text", "width")

    parameters: Callable[[Mapping[str, Any]], Sequence[Any]]
    """The parameters in the statement's order, as the driver takes them, from their values by name."""

    def __init__(self, statement: Select[*tuple[Any, ...]], columns: Sequence[Any], dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        assert isinstance(compiled, SQLCompiler)
        self.text = compiled.string
        self.each = [_parameter(compiled, name, dialect) for name in compiled.positiontup or ()]
        self.parameters = _binder(self.each)
        self.width = len(statement.selected_columns)
        self._out: list[tuple[int, Converter]] = [
            (place, out)
            for place, column in enumerate(columns)
            if column is not None and (out := converter_of(column.type, dialect)) is not None
        ]

    def announced(self) -> str:
        """The text, about to be run."""
        if LOGGER.isEnabledFor(logging.DEBUG):
            LOGGER.debug("%s", self.text)
        return self.text

    def rows(self, raw: Rows) -> Rows:
        """The driver's rows as Python values."""
        if not self._out:
            return raw
        rows = [list(row) for row in raw]
        for place, convert in self._out:
            for row in rows:
                row[place] = convert(row[place])
        return rows


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a statement: from the values by name to what the driver takes.

    `same`: it is the same at each run, and so no value is asked for.
    """

    name: str
    value: Callable[[Mapping[str, Any]], Any]
    same: bool


def _parameter(compiled: SQLCompiler, name: str, dialect: Dialect) -> Parameter:
    bound = compiled.binds[name]
    convert = bound.type.dialect_impl(dialect).bind_processor(dialect)
    if bound.required:
        asked = itemgetter(name)
        return Parameter(name, asked if convert is None else lambda given: convert(asked(given)), same=False)
    constant = compiled.params[name]
    constant = constant if convert is None else convert(constant)
    return Parameter(name, lambda given: constant, same=True)


def _binder(parameters: Sequence[Parameter]) -> Callable[[Mapping[str, Any]], Sequence[Any]]:
    """All parameters by a function of one expression."""
    names: dict[str, Any] = {}
    parts = []
    for place, parameter in enumerate(parameters):
        names[f"c{place}"] = parameter.value({}) if parameter.same else parameter.value
        parts.append(f"c{place}" if parameter.same else f"c{place}(g)")
    binder: Callable[[Mapping[str, Any]], Sequence[Any]] = eval(f"lambda g: [{', '.join(parts)}]", names)  # noqa: S307 (nothing of a client is in it)
    return binder

"""Statements made ready once: SQL text, the order of its parameters, and how values go in and rows come out.

SQLAlchemy builds and compiles a statement; the driver runs it. What is kept is text and functions, not the
expressions it was built from.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import orjson
from sqlalchemy import BigInteger, ColumnElement, Dialect, Float, Select, String, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import Boolean, TypeDecorator, TypeEngine

PARENTS: Final = "parents"

Converter = Callable[[Any], Any]


class Keys(TypeDecorator[Sequence[int]]):
    """Any number of keys in one parameter: an array on PostgreSQL, JSON on SQLite."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return ARRAY(BigInteger()) if dialect.name == "postgresql" else String()

    def process_bind_param(self, value: Sequence[int] | None, dialect: Dialect) -> Any:
        return value if dialect.name == "postgresql" or value is None else orjson.dumps(value).decode()


class Among(ColumnElement[bool]):
    """Whether a key is among the parents of a run. One text, however many parents there are."""

    inherit_cache = False
    type = Boolean()

    def __init__(self, key: ColumnElement[Any]) -> None:
        self.key_column = key
        given = bindparam(PARENTS, type_=Keys())
        self.in_array = key == any_(given)
        self.in_json = key.in_(select(func.json_each(given).table_valued("value").c.value))


@compiles(Among, "postgresql")
def _among_array(element: Among, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.in_array, **kw)


@compiles(Among, "sqlite")
def _among_json(element: Among, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.in_json, **kw)


DOUBLE_PRECISION: Final = 701
"""PostgreSQL's number for the type of our Float columns, which asyncpg's dialect wants to be told."""


def _out_of(type_: TypeEngine[Any], dialect: Dialect) -> Converter | None:
    told = DOUBLE_PRECISION if isinstance(type_, Float) else None
    return type_.dialect_impl(dialect).result_processor(dialect, told)


class Prepared:
    """A statement ready for the driver. `columns` are its columns in order, for the types of its rows."""

    __slots__ = ("_constants", "_into", "_names", "_out", "text")

    def __init__(self, statement: Select[Any], columns: Sequence[Any], dialect: Dialect) -> None:
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

"""What a statement says of any number of parents, in one text."""

from collections.abc import Sequence
from typing import Any, Final, Self

import orjson
from sqlalchemy import BigInteger, ColumnElement, Dialect, String, any_, bindparam, column, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import Boolean, TypeDecorator, TypeEngine

PARENTS: Final = "parents"


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

    def self_group(self, against: OperatorType | None = None) -> Self:
        """Itself: as any boolean column it would be compared with 1 on SQLite, where then no index would serve."""
        return self


class Parents(FunctionElement[int]):
    """The parents of a run, one a row. Take its rows by `parents_of_run`."""

    inherit_cache = True
    name = "parents"


def parents_of_run() -> TableValuedAlias:
    """The parents of a run as a table; its only column is `value`, and so is its name: PostgreSQL calls it by that."""
    given: Any = Parents(bindparam(PARENTS, type_=Keys()))
    rows: TableValuedAlias = given.table_valued(column("value", BigInteger()), name="value")
    return rows


@compiles(Parents, "postgresql")
def _unnested(element: Parents, compiler: SQLCompiler, **kw: Any) -> str:
    return f"unnest({compiler.process(element.clauses, **kw)})"


@compiles(Parents, "sqlite")
def _each_of_json(element: Parents, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **kw)})"


@compiles(Among, "postgresql")
def _among_array(element: Among, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.in_array, **kw)


@compiles(Among, "sqlite")
def _among_json(element: Among, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.in_json, **kw)

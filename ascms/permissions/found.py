"""A condition that says to the database where to begin."""

from typing import Any, Self

from sqlalchemy import ColumnElement, Select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import Boolean


class Found(ColumnElement[bool]):
    """Whether a key is among those that a statement brings: they are found first, and then looked up by the key.

    An IN says the same, but PostgreSQL then may as well go through all rows and ask of each whether it is among them;
    for whom it brings few, that is the whole nation for a page. Only for keys that are not null where it is negated.
    """

    inherit_cache = False
    type = Boolean()

    def __init__(self, key: ColumnElement[Any], keys: Select[Any]) -> None:
        self.key_column = key
        self.keys = keys.scalar_subquery()

    def self_group(self, against: OperatorType | None = None) -> Self:
        """Itself: as any boolean column it would be compared with 1 on SQLite, where then no index would serve."""
        return self


@compiles(Found, "postgresql")
def _in_array(element: Found, compiler: SQLCompiler, **kw: Any) -> str:
    return f"{compiler.process(element.key_column, **kw)} = ANY (ARRAY{compiler.process(element.keys, **kw)})"


@compiles(Found, "sqlite")
def _in_subquery(element: Found, compiler: SQLCompiler, **kw: Any) -> str:
    return f"{compiler.process(element.key_column, **kw)} IN {compiler.process(element.keys, **kw)}"

"""Rows one at a time, and the objects that stand for them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphql import GraphQLResolveInfo
from graphql.execution.values import get_argument_values
from sqlalchemy import ColumnElement, and_, inspect, select
from sqlalchemy.ext.asyncio import AsyncConnection
from strawberry.types import Info

from ascms.permissions.policy import UNSCOPED_PAPERS, Me, subject_of
from ascms.planning.level import Run
from ascms.planning.selection import BACKREF
from ascms.planning.sources import Row
from ascms.planning.values import Params

if TYPE_CHECKING:
    from ascms.planning.service import Operations


@dataclass(frozen=True)
class Standing:
    """The row that an object stands for, and under which names it is read."""

    model: Any
    key: tuple[Any, ...]
    prefix: str = ""
    renamed: Mapping[str, str] | None = None
    constants: Mapping[str, str] | None = None

    def row(self) -> Row:
        return Row(self.model, self.prefix, self.renamed, self.constants)

    def is_it(self) -> ColumnElement[bool]:
        return and_(*(column == value for column, value in zip(inspect(self.model).primary_key, self.key, strict=True)))


class RowReader:
    """Reads one row, or one value of it, at a time; what it reads is of one snapshot."""

    def __init__(self, operations: "Operations", run: Run, connection: AsyncConnection) -> None:
        self.registry = operations.registry
        self.settings = operations.settings
        self.schema = operations.schema
        self.run = run
        self.connection = connection
        self.me = Me(operations.policy, run.facts.viewer.roles)
        self._one_at_a_time = asyncio.Lock()

    async def rows(self, statement: Any, params: Params | None = None) -> Sequence[Any]:
        """The rows of a statement; one statement at a time, as a connection can."""
        filled = params.fill((), self.run) if params is not None else {}
        async with self._one_at_a_time:
            result = await self.connection.execute(statement, {**self.run.parameters, **filled})
            return result.all()

    async def value(self, standing: Standing, expression: Any) -> Any:
        """What an expression is for the row that an object stands for; None where the row is gone."""
        rows = await self.rows(select(expression).select_from(standing.model).where(standing.is_it()))
        return rows[0][0] if rows else None

    async def object(self, type_name: str, standing: Standing) -> Any:
        """An object of the type that stands for a row."""
        definition: Any = self.schema.type_map[type_name]
        made: Any = object.__new__(definition.extensions[BACKREF].origin)
        made.__dict__["standing"] = standing
        entity = self.registry.entity(type_name)
        noted = entity.scoped or entity.model in UNSCOPED_PAPERS
        subject = subject_of(entity.model, standing.row()) if noted else None
        if subject is not None:
            about = await self.value(standing, subject)
            self.run.subjects |= {about} - {None}
        return made

    def made(self, type_name: str, members: Mapping[str, Any]) -> Any:
        """An object of the type that has its members already."""
        definition: Any = self.schema.type_map[type_name]
        made: Any = object.__new__(definition.extensions[BACKREF].origin)
        made.__dict__.update(members)
        return made


def raw_info(info: Info) -> GraphQLResolveInfo[Any]:
    """graphql-core's own view of the field at hand, which Strawberry keeps to itself."""
    return info._raw_info  # noqa: SLF001


def standing_of(source: Any) -> Standing | None:
    """The row that an object stands for; None for roots, pages and values made in Python."""
    members = getattr(source, "__dict__", None)
    standing = members.get("standing") if members is not None else None
    return standing if isinstance(standing, Standing) else None


def arguments_of(info: Info) -> Mapping[str, Any]:
    """The arguments of the field at hand."""
    raw = raw_info(info)
    return get_argument_values(raw.parent_type.fields[raw.field_name], raw.field_nodes[0], raw.variable_values)

"""What every table shares: the declarative base, names of constraints, and the portable column types."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

from sqlalchemy import BigInteger, DateTime, Dialect, Enum as EnumType, Integer, MetaData, String
from sqlalchemy.orm import DeclarativeBase, mapped_column
from sqlalchemy.types import TypeDecorator

Identifier = BigInteger().with_variant(Integer, "sqlite")
"""Surrogate keys: a rowid on SQLite, bigint on PostgreSQL. Never shown as they are (global ids are)."""

Sorted = String().with_variant(String(collation="C"), "postgresql")
"""Text compared bytewise on both databases, whatever the cluster's locale."""


class UtcDateTime(TypeDecorator[datetime]):
    """An instant. Stored in UTC on both databases, always timezone-aware in Python."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"an instant needs a timezone, got {value!r}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def code_type(enum: type[StrEnum], name: str | None = None) -> EnumType:
    """The column type of a closed code set: its names as text, with a CHECK constraint.

    `name` tells the constraints apart where a table has two columns of one set.
    """
    return EnumType(
        enum,
        native_enum=False,
        create_constraint=True,
        length=max(len(member.value) for member in enum) + 8,
        name=name or enum.__name__.lower(),
        values_callable=lambda members: [member.value for member in members],
    )


Pk = Annotated[int, mapped_column(Identifier, primary_key=True)]
Folded = Annotated[str, mapped_column(Sorted)]


class Base(DeclarativeBase):
    """The declarative base; constraint names are derived, so that migrations can address them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: Any = {
        datetime: UtcDateTime(),
        int: Integer(),
        str: Sorted,
    }

"""Tables as BerryQL has to read them, each with the columns it needs.

A list that it nests below a relation it sorts by the primary key: what is to be sorted by is declared as the key. No
row is found by it.
"""

from sqlalchemy import Column, Integer, MetaData, Table
from sqlalchemy.orm import DeclarativeBase

from ascms.models.base import Identifier, Sorted


class Base(DeclarativeBase):
    """Classes that are only read."""


class Ethnicity(Base):
    """An ethnic group of a student, in the order given."""

    __table__ = Table(
        "student_ethnicity",
        MetaData(),
        Column("position", Integer, primary_key=True),
        Column("student_id", Identifier),
        Column("code", Sorted),
    )


class Iwi(Base):
    """An iwi of a student, by code."""

    __table__ = Table(
        "student_iwi", MetaData(), Column("code", Sorted, primary_key=True), Column("student_id", Identifier)
    )


class Organisation(Base):
    """An organisation without its own `school_id`, by which BerryQL would take a case's `school` for a list."""

    __table__ = Table(
        "organisation",
        MetaData(),
        Column("id", Identifier, primary_key=True),
        Column("number", Sorted),
        Column("name", Sorted),
    )

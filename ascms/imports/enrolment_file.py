"""ENROL's nightly file: its columns, and the row that a line becomes in staging. `docs/imports.md` tells of it."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import Boolean, Column as SqlColumn, Date, Index, Integer, String, Table

from ascms.models import Gender, fold
from ascms.models.base import Identifier, Sorted

from .forms import (
    Column,
    Form,
    HeaderError,
    line_of_text,
    national_number,
    near_day,
    one_of,
    past_day,
    several,
    whole_number,
)
from .known import Known
from .tables import STAGING

GROUPS: Final = 3
"""Ethnic groups, and iwi, that a student has at most."""


def _line_columns() -> tuple[SqlColumn[Any], ...]:
    return (
        SqlColumn("line", Integer, primary_key=True, autoincrement=False),
        SqlColumn("nsn", Sorted, nullable=False),
        SqlColumn("full_name", Sorted),
        SqlColumn("full_name_folded", Sorted),
        SqlColumn("known_as", Sorted),
        SqlColumn("known_as_folded", Sorted),
        SqlColumn("date_of_birth", Date),
        SqlColumn("gender", String),
        SqlColumn("year_level", Integer),
        SqlColumn("address", Sorted),
        SqlColumn("protected", Boolean),
        SqlColumn("school_id", Identifier),
        SqlColumn("started_on", Date),
        SqlColumn("former_ended_on", Date),
        SqlColumn("ethnicity_1", Sorted),
        SqlColumn("ethnicity_2", Sorted),
        SqlColumn("ethnicity_3", Sorted),
        SqlColumn("iwi_1", Sorted),
        SqlColumn("iwi_2", Sorted),
        SqlColumn("iwi_3", Sorted),
        SqlColumn("iwi_count", Integer),
    )


LINE: Final = Table("enrolment_line", STAGING, *_line_columns(), Index("ix_enrolment_line_nsn", "nsn"))
"""A good line. `former_ended_on`: the day on which an enrolment ends that is not the one of the line."""

NEWS: Final = Table("enrolment_news", STAGING, *_line_columns())
"""The lines that say something else than what is held: few, so that little is read while the live tables wait."""


def columns(known: Known) -> tuple[Column, ...]:
    """The columns of the file."""
    name, today = line_of_text(200), known.today
    return (
        Column("nsn", national_number, required=True, needed=True),
        Column("full_name", name),
        Column("given_names", name),
        Column("surname", name),
        Column("known_as", line_of_text(100)),
        Column("date_of_birth", past_day(today)),
        Column("gender", one_of({gender.value: gender.value for gender in Gender}, "is not M, F, X or U")),
        Column("year_level", whole_number(0, 15)),
        Column("address", line_of_text(500)),
        Column("protected", one_of({"Y": True, "N": False}, "is not Y or N")),
        Column("ethnicities", several(known.ethnic_groups, GROUPS, "ethnic group of the code set")),
        Column("iwi", several(known.iwi, GROUPS, "iwi of the code set")),
        Column("school_number", one_of(known.schools, "is the number of no school"), required=True),
        Column("started_on", near_day(today), required=True),
        Column("left_on", near_day(today)),
    )


class EnrolmentRows:
    """Makes staging rows of lines. Raises HeaderError for a header that does not do."""

    table = LINE

    def __init__(self, header: Sequence[str], known: Known) -> None:
        self._form = Form(columns(known), header)
        self._today = known.today
        given = self._form.names
        if ("full_name" in given) == bool(given & {"given_names", "surname"}):
            raise HeaderError("The header needs full_name, or given_names and surname instead.")
        if "full_name" not in given and not given >= {"given_names", "surname"}:
            raise HeaderError("The header has one of given_names and surname; it needs both, or full_name instead.")
        self.columns = sorted((given - {"given_names", "surname"}) | {"full_name"})
        """The columns that the file speaks of; of all others nothing is changed."""

    def row(self, line: int, fields: Sequence[str], reasons: list[str]) -> tuple[Any, ...]:
        """The row of a line; empty where anything was added to `reasons`."""
        values = self._form.values(fields, reasons)
        full_name = self._full_name(values, reasons)
        if not reasons:
            self._check_roll(values, reasons)
        if reasons:
            return ()
        get = values.get
        known_as = get("known_as")
        ethnicities, iwi = get("ethnicities") or (), sorted(get("iwi") or ())
        return (
            line,
            values["nsn"],
            full_name,
            fold(full_name),
            known_as,
            fold(known_as) if known_as else None,
            get("date_of_birth"),
            get("gender") or Gender.U.value,
            get("year_level"),
            get("address"),
            bool(get("protected")),
            values["school_number"],
            values["started_on"],
            self._former_ended_on(values),
            *_padded(ethnicities),
            *_padded(iwi),
            len(iwi),
        )

    @staticmethod
    def _full_name(values: dict[str, Any], reasons: list[str]) -> str:
        if "full_name" in values:
            name = values["full_name"]
        else:
            name = " ".join(part for part in (values["given_names"], values["surname"]) if part)
        if not name and not reasons:
            reasons.append("the name is empty")
        return name or ""

    @staticmethod
    def _check_roll(values: dict[str, Any], reasons: list[str]) -> None:
        started_on, left_on = values["started_on"], values.get("left_on")
        on_a_roll = values["school_number"] is not None
        if on_a_roll and started_on is None:
            reasons.append("started_on is empty, and school_number is not")
        if not on_a_roll and started_on is not None:
            reasons.append("started_on is given without a school_number; leave both empty, or neither")
        if on_a_roll and started_on is not None and left_on is not None and left_on > started_on:
            reasons.append("left_on is after started_on; it is the day on which the school before was left")

    def _former_ended_on(self, values: dict[str, Any]) -> date:
        """The day on which an enrolment elsewhere ended: as told, else the day before the new one, else today."""
        started_on: date | None = values["started_on"]
        otherwise = self._today if started_on is None else started_on - timedelta(days=1)
        return values.get("left_on") or otherwise


def _padded(codes: Sequence[str]) -> tuple[str | None, ...]:
    return (*codes, *(None,) * (GROUPS - len(codes)))

"""The file of the former system's cases: its columns, and the row that a line becomes in staging."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Any, Final

from sqlalchemy import Column as SqlColumn, Date, Index, Integer, String, Table

from ascms.casework.calendar import AUCKLAND
from ascms.models import CaseType, UtcDateTime
from ascms.models.base import Identifier, Sorted

from .forms import Column, Form, line_of_text, national_number, one_of, past_day
from .known import Known
from .tables import STAGING

LONGEST_NOTES: Final = 10_000

LINE: Final = Table(
    "case_line",
    STAGING,
    SqlColumn("line", Integer, primary_key=True, autoincrement=False),
    SqlColumn("former_reference", Sorted, nullable=False),
    SqlColumn("nsn", Sorted, nullable=False),
    SqlColumn("type", String, nullable=False),
    SqlColumn("opened_on", Date, nullable=False),
    SqlColumn("opened_at", UtcDateTime, nullable=False),
    SqlColumn("provider_id", Identifier, nullable=False),
    SqlColumn("notes", Sorted),
    Index("ix_case_line_nsn", "nsn"),
    Index("ix_case_line_former_reference", "former_reference"),
)
"""A good line."""

_TYPES: Final = {
    **{kind.value: kind.value for kind in CaseType},
    "CA": CaseType.CHRONIC_ABSENCE.value,
    "NE": CaseType.NON_ENROLLED.value,
}


def columns(known: Known) -> tuple[Column, ...]:
    """The columns of the file."""
    provider = one_of(known.providers, "is the number of no open provider")
    return (
        Column("former_reference", line_of_text(60), required=True, needed=True),
        Column("nsn", national_number, required=True, needed=True),
        Column("type", one_of(_TYPES, "is not CA or NE"), required=True, needed=True),
        Column("opened_on", past_day(known.today), required=True, needed=True),
        Column("provider_number", provider, required=True, needed=True),
        Column("notes", _notes),
    )


def _notes(text: str) -> str:
    kept = "\n".join(line.rstrip() for line in text.splitlines())
    if len(kept) > LONGEST_NOTES:
        raise ValueError(f"has more than {LONGEST_NOTES:,} characters")
    return kept


class CaseRows:
    """Makes staging rows of lines. Raises HeaderError for a header that does not do."""

    table = LINE

    def __init__(self, header: Sequence[str], known: Known) -> None:
        self._form = Form(columns(known), header)
        self.columns = sorted(self._form.names)

    def row(self, line: int, fields: Sequence[str], reasons: list[str]) -> tuple[Any, ...]:
        """The row of a line; empty where anything was added to `reasons`."""
        values = self._form.values(fields, reasons)
        if reasons:
            return ()
        return (
            line,
            values["former_reference"],
            values["nsn"],
            values["type"],
            values["opened_on"],
            _midnight(values["opened_on"]),
            values["provider_number"],
            values.get("notes"),
        )


def _midnight(day: date) -> datetime:
    """When the day began in Pacific/Auckland."""
    return datetime.combine(day, time(), AUCKLAND).astimezone(UTC)

"""What a file's columns are, and how a line of them is read: values, or all that is wrong with it.

A reason names the column and what was expected, never what stood there.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any, Final, TypeAlias

Parse: TypeAlias = Callable[[str], Any]
"""Reads a text that is not empty. Raises ValueError with what is wrong, as the end of a sentence."""

EARLIEST: Final = date(1900, 1, 1)

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NUMBER: Final = re.compile(r"[0-9]{9,10}")


@dataclass(frozen=True)
class Column:
    """A column of the file. `required`: the header must have it; `needed`: no line may leave it empty."""

    name: str
    parse: Parse
    required: bool = False
    needed: bool = False


class HeaderError(ValueError):
    """The header is not that of such a file."""


class Form:
    """The columns that a file has, in its own order. Raises HeaderError for a header that does not do."""

    def __init__(self, columns: Sequence[Column], header: Sequence[str]) -> None:
        names = [name.strip().casefold() for name in header]
        by_name = {column.name: column for column in columns}
        unknown = [str(place) for place, name in enumerate(names, 1) if name not in by_name]
        if unknown:
            raise HeaderError(
                f"The header's column {', '.join(unknown)} is not known; columns are {', '.join(by_name)}."
            )
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise HeaderError(f"The header has {', '.join(twice)} twice.")
        missing = [column.name for column in columns if column.required and column.name not in names]
        if missing:
            raise HeaderError(f"The header lacks {', '.join(missing)}.")
        self.names = frozenset(names)
        self._columns = [(place, by_name[name]) for place, name in enumerate(names)]

    def values(self, fields: Sequence[str], reasons: list[str]) -> dict[str, Any]:
        """The line's values by column, None for an empty field; what is wrong is added to `reasons`."""
        values: dict[str, Any] = {}
        for place, column in self._columns:
            text = fields[place].strip()
            value = None
            if text:
                try:
                    value = column.parse(text)
                except ValueError as error:
                    reasons.append(f"{column.name} {error}")
            elif column.needed:
                reasons.append(f"{column.name} is empty")
            values[column.name] = value
        return values


# Values ------------------------------------------------------------------------------------------------------


def national_number(text: str) -> str:
    """A national student number. No rule for a check digit is published, so none is checked."""
    if not _NUMBER.fullmatch(text):
        raise ValueError("is not nine or ten digits")
    return text


def line_of_text(most: int) -> Parse:
    """A text on one line, blanks made single."""

    def parse(text: str) -> str:
        kept = " ".join(text.split())
        if len(kept) > most:
            raise ValueError(f"has more than {most:,} characters")
        return kept

    return parse


def day(latest: date, too_late: str) -> Parse:
    """A date, 1900 to `latest`."""

    @cache
    def parse(text: str) -> date:
        try:
            value = date.fromisoformat(text) if _DATE.fullmatch(text) else None
        except ValueError:
            value = None
        if value is None:
            raise ValueError("is not a date like 2026-05-06")
        if value < EARLIEST:
            raise ValueError(f"is before {EARLIEST}")
        if value > latest:
            raise ValueError(too_late)
        return value

    return parse


def past_day(today: date) -> Parse:
    """A date that is not in the future (by more than a day, since it is not midnight everywhere at once)."""
    return day(today + timedelta(days=1), "is in the future")


def near_day(today: date) -> Parse:
    """A date that may be in the future, by no more than a year."""
    return day(today + timedelta(days=366), "is more than a year ahead")


def whole_number(least: int, most: int) -> Parse:
    """A whole number within bounds."""
    known = {str(number): number for number in range(least, most + 1)}
    known |= {f"{number:02d}": number for number in range(least, min(most, 9) + 1)}

    def parse(text: str) -> int:
        if text not in known:
            raise ValueError(f"is not a whole number from {least} to {most}")
        return known[text]

    return parse


def one_of(values: Mapping[str, Any], otherwise: str) -> Parse:
    """One of the keys, whatever its case; its value."""

    def parse(text: str) -> Any:
        try:
            return values[text.upper()]
        except KeyError:
            raise ValueError(otherwise) from None

    return parse


def several(codes: Mapping[str, str], most: int, what: str) -> Parse:
    """Codes separated by semicolons, none twice."""

    def parse(text: str) -> tuple[str, ...]:
        found = tuple(part for part in (piece.strip() for piece in text.split(";")) if part)
        if len(found) > most:
            raise ValueError(f"has more than {most} codes")
        if len(set(found)) < len(found):
            raise ValueError("has a code twice")
        if not all(code in codes for code in found):
            raise ValueError(f"has a code that is no {what}")
        return found

    return parse

"""Reading a CSV file line by line (RFC 4180), in a memory that does not grow with it.

What cannot be read is told with its line, and reading goes on: a quote that is not closed costs its own line, not
those after it. No message repeats what stands in the file: it may be a name, or a number that is one's alone.
"""

import csv
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

LONGEST_LINE: Final = 65_536
"""Bytes of a line."""
MOST_LINES: Final = 100
"""Lines that one record may have, by line breaks in quotes."""

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NOT_CLOSED: Final = "a quote is not closed, or something follows a closing one; double the quotes within a field"


@dataclass(frozen=True, slots=True)
class Record:
    """A record: the number of its first line (the file's first is 1), and its fields, or why it has none."""

    line: int
    fields: list[str]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: str
    reason: str | None


class _TooManyLinesError(Exception):
    pass


class _Lines:
    """The lines of the record that is being read. `give_back` has all but its first be read again."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._waiting: deque[_Line] = deque()
        self._number = 0
        self.bytes_read = 0
        self.taken: list[_Line] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self.taken) == MOST_LINES:
            raise _TooManyLinesError
        line = self._waiting.popleft() if self._waiting else self._next()
        self.taken.append(line)
        return line.text

    def give_back(self) -> _Line:
        """All lines but the first, which is returned, will be read again."""
        first, *others = self.taken
        self._waiting.extendleft(reversed(others))
        self.taken = [first]
        return first

    def reason(self) -> str | None:
        """What is wrong with a line of the record."""
        return next((line.reason for line in self.taken if line.reason is not None), None)

    def _next(self) -> _Line:
        raw = self._file.readline(LONGEST_LINE + 1)
        if not raw:
            raise StopIteration
        self._number += 1
        self.bytes_read += len(raw)
        if len(raw) > LONGEST_LINE and not raw.endswith(b"\n"):
            self._skip_the_rest()
            return _Line(self._number, "\n", f"is longer than {LONGEST_LINE:,} bytes")
        try:
            text = raw.decode("utf-8-sig" if self._number == 1 else "utf-8")
        except UnicodeDecodeError:
            return _Line(self._number, raw.decode("utf-8", "replace"), "is not UTF-8; save the file in that encoding")
        if _CONTROL.search(text):
            return _Line(self._number, _CONTROL.sub("", text), "has a control character")
        return _Line(self._number, text, None)

    def _skip_the_rest(self) -> None:
        while raw := self._file.readline(LONGEST_LINE):
            self.bytes_read += len(raw)
            if raw.endswith(b"\n"):
                return


class Reader:
    """The records of a file, the header first. Set `width` to have every record be of so many fields."""

    def __init__(self, file: BinaryIO) -> None:
        self._lines = _Lines(file)
        self.width: int | None = None

    @property
    def bytes_read(self) -> int:
        """How much of the file has been read."""
        return self._lines.bytes_read

    def __iter__(self) -> Iterator[Record]:
        lines = self._lines
        reader = csv.reader(lines, strict=True)
        while True:
            lines.taken = []
            try:
                fields = next(reader)
            except StopIteration:
                return
            except (csv.Error, _TooManyLinesError):
                line = lines.give_back()
                yield Record(line.number, [], line.reason or _NOT_CLOSED)
                continue
            record = self._record(fields)
            if record is not None:
                yield record

    def _record(self, fields: list[str]) -> Record | None:
        """The record of the lines taken; None for an empty line."""
        lines = self._lines
        number, reason = lines.taken[0].number, lines.reason()
        if reason is not None:
            lines.give_back()
            return Record(number, [], reason)
        if not fields:
            return None
        if self.width is not None and len(fields) != self.width:
            lines.give_back()
            return Record(number, [], f"has {len(fields)} fields, and the header has {self.width}")
        return Record(number, fields)

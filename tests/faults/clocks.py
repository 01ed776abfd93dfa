"""A clock that is wrong: libfaketime tells processes another time of day, and nothing else that they ask for."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

REQUIRED: Final = "ASCMS_REQUIRE_FAKETIME"
PLACES: Final = ("/usr/lib/*/faketime", "/usr/lib64/faketime", "/usr/lib/faketime", "/usr/local/lib/faketime")
NO_TIME: Final = timedelta()


def library() -> Path:
    """Where it is. Skips the test where it is not installed; fails where it must be, as in CI."""
    found = [path for place in PLACES for path in Path("/").glob(f"{place[1:]}/libfaketime.so.1")]
    if not found:
        missing = "libfaketime is missing; on Debian and Ubuntu: apt install faketime"
        if os.environ.get(REQUIRED):
            pytest.fail(f"{REQUIRED} is set, but {missing}")
        pytest.skip(f"NOT TESTED: a clock that jumps. {missing}")
    return found[0]


class Clock:
    """The clock of processes with these variables. It is right until it is turned."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self.off = NO_TIME
        """By how much it is ahead."""
        self.turn(NO_TIME)
        self.environment = {
            "LD_PRELOAD": str(library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            # What counts seconds goes on as ever, and files say when they were written: that is what a jump is.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }

    def turn(self, off: timedelta) -> None:
        """Have it be ahead by so much, or behind."""
        draft = self._file.with_suffix(".new")
        draft.write_text(f"{off.total_seconds():+.0f}\n")
        draft.replace(self._file)
        self.off = off

    @contextmanager
    def turned(self, off: timedelta) -> Iterator[None]:
        """It is ahead by so much, and right again at the end."""
        self.turn(off)
        try:
            yield
        finally:
            self.turn(NO_TIME)

"""Chance for random worlds and documents, and the values at the edges that both draw from."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from random import Random
from typing import Any, Final, TypeVar

T = TypeVar("T")

TEXTS: Final = (
    "", " ", "a", "A", "b", "ab", "Aroha", "aroha", "Ārohā", "A\u0304roha", "NGĀTI", "ngāti", "ß", "SS", "İ", "ı",
    "O'Brien", "O’Brien", '"quoted"', "back\\slash", "100%", "under_score", "%", "_", "line\nbreak", "tab\tstop",
    "\u2028", "\u202eRTL", "עברית", "漢字", "👩‍👧", "𝒜", "null", "0", "007", "NaN", "-- x", "{", "a" * 300,
)  # fmt: skip
"""Texts that a column may hold: what sorts, folds, escapes or looks like something else."""
INSTANTS: Final = tuple(
    datetime.fromisoformat(f"{text}+00:00")
    for text in (
        "2026-01-31T23:59:59.999999", "2026-02-02T00:00:00", "2026-02-02T00:00:00.000001", "2026-02-02T00:00:01",
        "2026-02-27T21:30:00", "2026-04-04T13:59:59", "2026-04-04T14:00:00", "2026-04-28T03:00:00",
        "2026-05-05T20:00:00", "2026-05-06T03:00:00.5", "2026-05-07T03:00:00", "2026-05-11T11:00:00",
    )
)  # fmt: skip
"""Few, so that many rows have equal ones; some with parts of a second, some about a midnight or a change of clocks."""
DAYS: Final = tuple(
    date(*parts)
    for parts in (
        (1999, 12, 31), (2008, 2, 29), (2010, 1, 1), (2012, 2, 29), (2013, 7, 15), (2026, 2, 2), (2026, 4, 30),
        (2026, 5, 6), (2026, 5, 7), (2026, 5, 8), (2026, 12, 31),
    )
)  # fmt: skip


class Chance:
    """A random generator with the draws that are made here. The same seed draws the same."""

    def __init__(self, seed: int | str) -> None:
        self.random = Random(seed)

    def one_in(self, of: int) -> bool:
        return self.random.randrange(of) == 0

    def one(self, of: Sequence[T]) -> T:
        return of[self.random.randrange(len(of))]

    def some(self, of: Sequence[T], most: int) -> list[T]:
        """Different ones, in any order, `most` at most, perhaps none."""
        return self.random.sample(of, self.random.randint(0, min(most, len(of))))

    def count(self, most: int) -> int:
        """Small numbers more often than large ones."""
        return min(self.random.randint(0, most), self.random.randint(0, most))

    def maybe(self, make: Callable[[], T], none_in: int = 3) -> T | None:
        """Nothing, once in `none_in`."""
        return None if self.one_in(none_in) else make()

    def text(self) -> str:
        return self.one(TEXTS)

    def word(self) -> str:
        """A text that is not empty."""
        return self.text() or "x"

    def instant(self) -> datetime:
        return self.one(INSTANTS)

    def later(self, than: datetime) -> datetime:
        """That instant, or one of the others after it."""
        return self.one([than, *(instant for instant in INSTANTS if instant > than)])

    def day(self) -> date:
        return self.one(DAYS)

    def days_after(self, day: date) -> date:
        return day + timedelta(days=self.random.choice((0, 1, 30, 365)))

    def weighted(self, choices: Iterable[tuple[int, Any]]) -> Any:
        """One of them, each as often as its weight says."""
        weights, values = zip(*choices, strict=True)
        return self.random.choices(values, weights)[0]

"""New Zealand's school terms as published by the Ministry of Education, for filling `school_term`.

The first term may start on any day from Auckland Anniversary Day on, and the last one end on any day up to
20 December: here are the first and the last day on which schools may be open. A school's own choice within that is
not known; a student counts as missing school from the first day on which they could have attended one.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final


@dataclass(frozen=True, slots=True)
class PublishedTerm:
    """A term of a year. `provisional`: derived from the rules above, to be checked against the Gazette notice."""

    year: int
    term: int
    starts_on: date
    ends_on: date
    provisional: bool = False


TERMS: Final = (
    PublishedTerm(2025, 1, date(2025, 1, 27), date(2025, 4, 11)),
    PublishedTerm(2025, 2, date(2025, 4, 28), date(2025, 6, 27)),
    PublishedTerm(2025, 3, date(2025, 7, 14), date(2025, 9, 19)),
    PublishedTerm(2025, 4, date(2025, 10, 6), date(2025, 12, 19)),
    PublishedTerm(2026, 1, date(2026, 1, 26), date(2026, 4, 2)),
    PublishedTerm(2026, 2, date(2026, 4, 20), date(2026, 7, 3)),
    PublishedTerm(2026, 3, date(2026, 7, 20), date(2026, 9, 25)),
    PublishedTerm(2026, 4, date(2026, 10, 12), date(2026, 12, 18)),
    PublishedTerm(2027, 1, date(2027, 2, 1), date(2027, 4, 9), provisional=True),
    PublishedTerm(2027, 2, date(2027, 4, 27), date(2027, 7, 2), provisional=True),
    PublishedTerm(2027, 3, date(2027, 7, 19), date(2027, 9, 24), provisional=True),
    PublishedTerm(2027, 4, date(2027, 10, 11), date(2027, 12, 20), provisional=True),
    PublishedTerm(2028, 1, date(2028, 1, 31), date(2028, 4, 13), provisional=True),
    PublishedTerm(2028, 2, date(2028, 5, 1), date(2028, 7, 7), provisional=True),
    PublishedTerm(2028, 3, date(2028, 7, 24), date(2028, 9, 29), provisional=True),
    PublishedTerm(2028, 4, date(2028, 10, 16), date(2028, 12, 20), provisional=True),
)

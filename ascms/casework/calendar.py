"""The two calendars: working days, by which services are judged, and school days, by which absence is counted.

Public holidays are those of Schedule 2, Holidays Act 2003, as the `holidays` library has them, with the anniversary
days of an education region. School terms are data (`models.SchoolTerm`). Days are Pacific/Auckland.
"""

from collections.abc import Callable, Container, Iterable
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from typing import Final, Protocol
from zoneinfo import ZoneInfo

import holidays

from ascms.models import fold

AUCKLAND: Final = ZoneInfo("Pacific/Auckland")
ONE_DAY: Final = timedelta(days=1)

_PROVINCES: Final[dict[str, tuple[str, ...]]] = {
    "Tai Tokerau": ("NTL",),
    "North & West Auckland": ("AUK",),
    "Central & East Auckland": ("AUK",),
    "South & South-West Auckland": ("AUK",),
    "Waikato": ("AUK",),
    "Bay of Plenty": ("AUK",),
    "Hawke’s Bay-Tairāwhiti": ("HKB", "AUK"),
    "Taranaki-Whanganui-Manawatū": ("TKI", "WGN"),
    "Wellington": ("WGN",),
    "Nelson-Marlborough-West Coast": ("NSN", "MBH", "WTC"),
    "Canterbury-Chatham Islands": ("CAN", "South Canterbury", "CIT"),
    "Otago-Southland": ("OTA", "STL"),
}
"""The provinces, as the library calls them, whose anniversary days an education region keeps.

Waikato, Bay of Plenty and Tairāwhiti keep Auckland's, Whanganui and Manawatū Wellington's; the library gives theirs
none. Where a region has several, each of them is a holiday of the whole region: nobody is hurried on their own.
"""


class Term(Protocol):
    """A school term: its year, and the first and last day on which schools may be open."""

    @property
    def year(self) -> int: ...
    @property
    def starts_on(self) -> date: ...
    @property
    def ends_on(self) -> date: ...


def local_day(instant: datetime) -> date:
    """The day in Pacific/Auckland at `instant` (aware)."""
    return instant.astimezone(AUCKLAND).date()


# Working days ------------------------------------------------------------------------------------------------


def is_working_day(day: date, region: str | None = None) -> bool:
    """Whether `day` is no weekend, no public holiday, and no anniversary day of the education region.

    Without a region, or in one that is not known, only the national holidays count.
    """
    return day.weekday() < 5 and day not in _holidays(day.year, _region(region))


def working_days(start: date, end: date, region: str | None = None) -> int:
    """Working days after `start` up to and including `end`; 0 if `end` is not later."""
    return sum(is_working_day(day, region) for day in _days_after(start, end))


def working_days_after(
    start: date, days: int, region: str | None = None, *, counts: Callable[[date], bool] = lambda day: True
) -> date:
    """The day that is `days` working days after `start`; only those for which `counts` holds are counted.

    There must be an end to the days that do not count.
    """
    day, left = start, days
    while left > 0:
        day += ONE_DAY
        if is_working_day(day, region) and counts(day):
            left -= 1
    return day


# School days -------------------------------------------------------------------------------------------------


def school_days(start: date, end: date, terms: Iterable[Term], region: str | None = None) -> int:
    """School days after `start` up to and including `end`; 0 if `end` is not later.

    A school day is a working day of the region within a term, but for Easter Tuesday, when schools are closed. The
    days before the first of the years in `terms` are not counted. Raises ValueError for a later year without terms.
    """
    if end <= start:
        return 0
    known = sorted(terms, key=lambda term: term.starts_on)
    years = {term.year for term in known}
    first = max(start.year, min(years, default=start.year))
    missing = sorted(set(range(first, end.year + 1)) - years)
    if missing:
        raise ValueError(f"there are no school terms for {', '.join(map(str, missing))}; add the dates of its terms")
    return sum(
        is_school_day(day, region)
        for term in known
        for day in _days_after(max(start, term.starts_on - ONE_DAY), min(end, term.ends_on))
    )


def is_school_day(day: date, region: str | None = None) -> bool:
    """Whether schools of the region may be open on `day`, a day of a term."""
    return is_working_day(day, region) and day != _easter_tuesday(day.year)


def unenrolled_for(last_enrolment_end: date, today: date, terms: Iterable[Term], region: str | None = None) -> int:
    """For how many school days a student has been on no roll. On the last day of an enrolment they still were.

    Raises ValueError for a year without terms.
    """
    return school_days(last_enrolment_end, today, terms, region)


# Holidays ----------------------------------------------------------------------------------------------------


def _days_after(start: date, end: date) -> Iterable[date]:
    return (start + timedelta(days=number) for number in range(1, (end - start).days + 1))


_BY_FOLDED_NAME: Final = {fold(name).replace("’", "'"): name for name in _PROVINCES}


@lru_cache(maxsize=256)
def _region(name: str | None) -> str | None:
    """The education region as spelt here, whatever the macrons, capitals and apostrophe; None if it is not known."""
    return None if name is None else _BY_FOLDED_NAME.get(fold(name).replace("’", "'"))


@cache
def _holidays(year: int, region: str | None) -> Container[date]:
    if region is None:
        return frozenset(holidays.country_holidays("NZ", years=year))
    kept = (holidays.country_holidays("NZ", subdiv=province, years=year) for province in _PROVINCES[region])
    return frozenset(day for days in kept for day in days)


@cache
def _easter_tuesday(year: int) -> date:
    monday, *_ = holidays.country_holidays("NZ", years=year).get_named("Easter Monday")
    return monday + ONE_DAY

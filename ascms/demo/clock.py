"""Time in the demo world. It stands still at `NOW`, the Monday after the seed's latest case was opened.

Days are proleptic ordinals and instants are UTC; what a person would write on a form is Pacific/Auckland.
"""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

from .chance import Chance

ZONE: Final = ZoneInfo("Pacific/Auckland")
TODAY: Final = date(2026, 5, 11)
TODAY_DAY: Final = TODAY.toordinal()
TERM_1: Final = "2026 Term 1"
TERM_1_END: Final = date(2026, 4, 2)
TERM_2: Final = "2026 Term 2"
TERM_2_SO_FAR: Final = date(2026, 5, 8)
SERVICE_START: Final = date(2026, 1, 5)

_MINUTES: Final = tuple(timedelta(minutes=minute) for minute in range(24 * 60))


@cache
def _midnight(day: int) -> datetime:
    return datetime.combine(date.fromordinal(day), datetime.min.time(), ZONE).astimezone(UTC)


def instant(day: int, minute: int) -> datetime:
    """The instant `minute` minutes after midnight of `day` (an ordinal) in Pacific/Auckland, in UTC."""
    return _midnight(day) + _MINUTES[minute]


def local(year: int, month: int, day: int, hour: int, minute: int) -> datetime:
    """What a clock on the wall in Pacific/Auckland showed, in UTC."""
    return datetime(year, month, day, hour, minute, tzinfo=ZONE).astimezone(UTC)


NOW: Final = instant(TODAY_DAY, 8 * 60)


def weekday_on_or_before(day: int) -> int:
    """`day` itself, or the Friday before where it falls on a weekend."""
    return day - max(0, (day - 1) % 7 - 4)


def working_moment(chance: Chance, first_day: int, last_day: int) -> datetime:
    """Some moment of office hours on a weekday between the two days (ordinals), both included."""
    day = weekday_on_or_before(chance.between(first_day, last_day))
    return instant(day, chance.between(8 * 60 + 30, 16 * 60 + 30))


def between(chance: Chance, earliest: datetime, latest: datetime) -> datetime:
    """Some moment of office hours between two instants; one of the two where no office hour lies between."""
    moment = working_moment(chance, day_of(earliest), day_of(latest))
    return min(max(moment, earliest), latest)


def day_of(moment: datetime) -> int:
    """The ordinal of the Pacific/Auckland day of an instant, off by no more than the hour of summer time."""
    return (moment + timedelta(hours=12)).toordinal()

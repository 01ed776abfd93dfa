"""Working days: weekends and national public holidays excepted.

The holidays come from the `holidays` library (New Zealand, national); regional anniversary days and school
terms are a calendar of their own.
"""

from collections.abc import Container
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays

AUCKLAND = ZoneInfo("Pacific/Auckland")


@cache
def public_holidays() -> Container[date]:
    """New Zealand's national public holidays, any year."""
    return holidays.country_holidays("NZ")


def local_day(instant: datetime) -> date:
    """The day in Pacific/Auckland at `instant` (aware)."""
    return instant.astimezone(AUCKLAND).date()


def working_days_after(start: date, days: int) -> date:
    """The day that is `days` working days after `start`."""
    day, left = start, days
    while left > 0:
        day += timedelta(days=1)
        if day.weekday() < 5 and day not in public_holidays():
            left -= 1
    return day

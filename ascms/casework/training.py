"""The mandatory training: that somebody completed it is certified by another person, never by themselves."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from ascms.models import User

from .calendar import AUCKLAND, local_day
from .people import note
from .problems import invalid, not_possible_now
from .work import Work

LONGEST_AGO: Final = timedelta(days=3_660)


async def record(work: Work, user: User, completed_on: date | None) -> None:
    """Record when somebody completed the training, today unless said otherwise. The same day changes nothing.

    Raises Refused for oneself, and for a day that is still to come or more than ten years ago.
    """
    if user.id == work.actor.user:
        raise not_possible_now("Nobody certifies their own training; ask another authoriser or the Administrator.")
    day = completed_on or work.today
    if not work.today - LONGEST_AGO <= day <= work.today:
        raise invalid(f"It is {day}; give a day up to today, {work.today}, within ten years.", "completed_on")
    if user.training_completed_at is not None and local_day(user.training_completed_at) == day:
        return
    midday = datetime.combine(day, time(12), AUCKLAND).astimezone(UTC)
    user.training_completed_at, user.training_certified_by_id = min(midday, work.now), work.actor.user
    work.log(user, None)
    work.changed_rights(user.id)
    await note(work, user.id, work.actor.organisation, f"Training recorded as completed on {day.day} {day:%B %Y}")

"""The course of a case as facts: who, where, when. `casework` and `requests` write it down in rows."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from ascms.models import CaseStatus, CaseType, RequestStatus

from .chance import Chance
from .clock import NOW, TODAY_DAY, ZONE, between
from .organisations import Provider, School
from .students import Student

DAY: Final = timedelta(days=1)


@dataclass(slots=True)
class Story:
    """One case. `before` is the school until `moved_at` and `student.school` after it; `request_ends` says how
    its request ended where the case was never taken up.

    `former` held it until `handed_over_at`. A `quiet` case has its request and nothing else. People who are
    `barred` from the student have no part in it.
    """

    student: Student
    type: CaseType
    status: CaseStatus
    provider: Provider
    opened_at: datetime
    before: School | None
    moved_at: datetime | None = None
    manager: int | None = None
    contact: int | None = None
    requester: int | None = None
    former: Provider | None = None
    outcome: str | None = None
    reason: str | None = None
    request_ends: RequestStatus | None = None
    number: str | None = None
    request_number: str | None = None
    reference: str | None = None
    merged_into: int | None = None
    quiet: bool = False
    barred: tuple[int, ...] = ()
    assigned_at: datetime | None = None
    first_contact_at: datetime | None = None
    planned_at: datetime | None = None
    paused_at: datetime | None = None
    handed_over_at: datetime | None = None
    closed_at: datetime | None = None
    review_on: date | None = None
    id: int = 0

    @property
    def present(self) -> School | None:
        return self.student.school

    @property
    def end(self) -> datetime:
        """Until when something can have happened."""
        return self.closed_at or NOW

    def school_at(self, moment: datetime) -> School | None:
        return self.before if self.moved_at is not None and moment < self.moved_at else self.present

    def provider_at(self, moment: datetime) -> Provider:
        if self.former is not None and self.handed_over_at is not None and moment < self.handed_over_at:
            return self.former
        return self.provider

    def staff_of(self, school: School) -> list[int]:
        return [user for user in school.staff if user not in self.barred]

    def contact_at(self, moment: datetime) -> int | None:
        """The primary contact then: before a move there was another school's, whom the record no longer names."""
        if self.moved_at is not None and moment < self.moved_at:
            return self.before.contacts[0] if self.before is not None else None
        return self.contact


def settle(story: Story, chance: Chance) -> None:
    """Give the story its milestones, each after the one before and none after the end."""
    if story.status is CaseStatus.CLOSED and story.closed_at is None:
        story.closed_at = between(chance, story.opened_at + 10 * DAY, NOW - 2 * DAY)
    if story.former is not None and story.handed_over_at is None:
        story.handed_over_at = between(chance, story.opened_at + 5 * DAY, min(story.opened_at + 30 * DAY, NOW))
    start = story.handed_over_at or story.opened_at
    end = story.end
    if story.manager is not None and story.assigned_at is None:
        story.assigned_at = between(chance, start, min(start + 3 * DAY, end))
    if story.manager is not None and story.status in (CaseStatus.OPEN, CaseStatus.PAUSED, CaseStatus.CLOSED):
        _progress(story, chance, end)
    if story.status is CaseStatus.PAUSED:
        story.paused_at = between(chance, story.first_contact_at or start, end)
        # Ahead of the day of the build too: the system resumes a case at its review date, whatever day it is here.
        ahead = max(TODAY_DAY, datetime.now(ZONE).toordinal())
        story.review_on = date.fromordinal(ahead + chance.between(3, 28))


def _progress(story: Story, chance: Chance, end: datetime) -> None:
    assigned = story.assigned_at or story.opened_at
    if assigned + 6 * DAY < end:
        story.first_contact_at = between(chance, assigned, assigned + 6 * DAY)
        if story.first_contact_at + 18 * DAY < end:
            story.planned_at = between(chance, story.first_contact_at + 3 * DAY, story.first_contact_at + 18 * DAY)

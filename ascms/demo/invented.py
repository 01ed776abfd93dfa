"""The invented schools' students and cases, spread as the sector's figures have it.

Each school has a chance of its own, so what happens at one does not depend on the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ascms.models import CaseStatus, CaseType, RequestStatus

from .casework import CaseWriter
from .chance import Chance
from .clock import NOW, TODAY_DAY, between, day_of, working_moment
from .organisations import School
from .reference import OUTCOMES, PAUSE_REASONS
from .requests import RequestWriter
from .sinks import Sink
from .stories import DAY, Story, settle
from .students import Past, Roll, Student, moved

STATUSES: Final = (
    (CaseStatus.PROVIDER_QUEUE, 25),
    (CaseStatus.OPEN, 45),
    (CaseStatus.TRANSITION, 8),
    (CaseStatus.PAUSED, 7),
    (CaseStatus.CLOSED, 15),
)
OPENED: Final = {
    CaseStatus.PROVIDER_QUEUE: (14, 1),
    CaseStatus.OPEN: (95, 8),
    CaseStatus.PAUSED: (95, 25),
    CaseStatus.TRANSITION: (440, 140),
    CaseStatus.CLOSED: (110, 30),
}
"""How many days ago a case was opened, at most and at least, by its status."""

RARE: Final = ("REQUEST_", "DUPLICATE", "ENTERED", "DECEASED")
CLOSING: Final = tuple(code for code in OUTCOMES if not code.startswith(RARE))
PAUSING: Final = tuple(PAUSE_REASONS)
NON_ENROLLED: Final = 0.265
STILL_ON_NO_ROLL: Final = 0.3
NO_CONTACT: Final = 0.08


def shares(total: int, weights: Sequence[int]) -> list[int]:
    """`total` split into whole numbers as the weights have it; they add up to `total`."""
    whole = sum(weights)
    split, given, seen = [], 0, 0
    for weight in weights:
        seen += weight
        upto = total * seen // whole
        split.append(upto - given)
        given = upto
    return split


def uneven_weights(count: int, chance: Chance) -> list[int]:
    """Weights of `count` schools: one in a hundred has a tenth of all chronic absence."""
    order = chance.some(range(count), count)
    mean = sum(10**9 // (rank + 1 + count // 120) for rank in range(count)) // max(count, 1)
    return [6 * 10**9 // (rank + 1 + count // 120) + 4 * mean for rank in order]


@dataclass(slots=True)
class Inventor:
    """Fills one school after the other. `schools` are those between which students move: not the fixed ones."""

    sink: Sink
    roll: Roll
    requests: RequestWriter
    cases: CaseWriter
    schools: Sequence[School]

    def fill(self, chance: Chance, school: School, students: int, cases: int) -> None:
        """`students` students whose cases are born at `school`, with `cases` cases among them, and drafts."""
        plain = students
        target: int | None = None
        last: Student | None = None
        for _ in range(cases):
            status = chance.weighted(STATUSES)
            if status is CaseStatus.CLOSED and last is not None and chance.likely(0.3):
                self._closed_before(chance, school, last)
                last = None
                continue
            story = self._story(chance, school, status, target)
            settle(story, chance)
            self.cases.add(chance, story)
            plain -= 1
            usual = story.moved_at is None and story.type is CaseType.CHRONIC_ABSENCE
            last = story.student if usual and story.closed_at is None else None
            target = story.id if usual and story.closed_at is None else None
            self.sink.flush_when_full()
        plain -= self._drafts(chance, school, plain)
        for _ in range(plain):
            self.roll.add(chance, school)
            self.sink.flush_when_full()

    def _story(self, chance: Chance, school: School, status: CaseStatus, target: int | None) -> Story:
        opened_at = _opened(chance, status)
        if chance.likely(NON_ENROLLED):
            story = self._non_enrolled(chance, school, status, opened_at)
        else:
            story = self._chronic(chance, school, status, opened_at)
        self._people(chance, story)
        if status is CaseStatus.CLOSED:
            self._close(chance, story, target)
        elif status is CaseStatus.PAUSED:
            story.reason = chance.pick(PAUSING)
        return story

    def _chronic(self, chance: Chance, school: School, status: CaseStatus, opened_at: datetime) -> Story:
        provider = school.own if school.own is not None and chance.likely(0.6) else school.catchment_provider
        to: School | None = None
        arrived = NOW
        if status is not CaseStatus.CLOSED and opened_at < NOW - 12 * DAY and chance.likely(0.07):
            to = chance.pick(self.schools)
            arrived = between(chance, opened_at + 8 * DAY, NOW - 2 * DAY)
        if to is None or to is school:
            student = self.roll.add(chance, school, chronic=True)
            story = Story(student, CaseType.CHRONIC_ABSENCE, status, provider, opened_at, school)
            long_open = status is CaseStatus.OPEN and opened_at < NOW - 40 * DAY
            if school.own is provider and long_open and chance.likely(0.4):
                story.provider, story.former = school.catchment_provider, provider
        else:
            provider = school.catchment_provider
            student = self.roll.add(chance, to, moved(school, arrived), chronic=True)
            story = Story(student, CaseType.CHRONIC_ABSENCE, status, provider, opened_at, school, arrived)
            if status is CaseStatus.OPEN and to.catchment_provider is not provider and chance.likely(0.6):
                story.provider, story.former = to.catchment_provider, provider
                story.handed_over_at = between(chance, arrived, NOW - DAY)
        story.requester = chance.pick(school.staff)
        return story

    def _non_enrolled(self, chance: Chance, school: School, status: CaseStatus, opened_at: datetime) -> Story:
        provider = school.catchment_provider
        left = day_of(opened_at) - chance.between(28, 60)
        if opened_at > NOW - 10 * DAY or chance.likely(STILL_ON_NO_ROLL):
            student = self.roll.add(chance, None, Past(school, left), chronic=True)
            return Story(student, CaseType.NON_ENROLLED, status, provider, opened_at, None)
        arrived = between(chance, opened_at + 5 * DAY, NOW - 2 * DAY)
        to = chance.pick(self.schools) if chance.likely(0.4) else school
        student = self.roll.add(chance, to, Past(school, left, arrived), chronic=True)
        return Story(student, CaseType.NON_ENROLLED, status, provider, opened_at, None, arrived)

    def _people(self, chance: Chance, story: Story) -> None:
        named_early = story.status in (CaseStatus.PROVIDER_QUEUE, CaseStatus.TRANSITION) and chance.likely(0.1)
        if story.status in (CaseStatus.OPEN, CaseStatus.PAUSED, CaseStatus.CLOSED) or named_early:
            story.manager = chance.pick(story.provider.managers)
        present = story.present
        if present is not None and not chance.likely(2 * NO_CONTACT if story.moved_at is not None else NO_CONTACT):
            story.contact = chance.pick(present.contacts if chance.likely(0.75) else present.eligible)

    def _close(self, chance: Chance, story: Story, target: int | None) -> None:
        if story.moved_at is not None:
            story.closed_at = between(chance, story.moved_at + DAY, NOW)
        story.outcome = chance.pick(CLOSING)
        if story.type is CaseType.NON_ENROLLED:
            story.outcome = "ENROLLED" if story.present is not None else story.outcome
        elif chance.likely(0.35):
            story.request_ends = chance.pick((RequestStatus.DECLINED, RequestStatus.WITHDRAWN))
            story.outcome = f"REQUEST_{story.request_ends.value}"
            story.manager = None
            story.closed_at = between(chance, story.opened_at + DAY, story.opened_at + 6 * DAY)
        elif target is not None and chance.likely(0.08):
            story.outcome, story.merged_into = "DUPLICATE", target

    def _closed_before(self, chance: Chance, school: School, student: Student) -> None:
        """An earlier case, closed last year, of a student who has an active one."""
        opened_at = working_moment(chance, TODAY_DAY - 420, TODAY_DAY - 330)
        provider = school.catchment_provider
        story = Story(student, CaseType.CHRONIC_ABSENCE, CaseStatus.CLOSED, provider, opened_at, school)
        story.closed_at = between(chance, opened_at + 30 * DAY, opened_at + 120 * DAY)
        story.requester, story.outcome = chance.pick(school.staff), "ATTENDANCE_IMPROVED"
        story.manager = chance.pick(provider.managers)
        settle(story, chance)
        self.cases.add(chance, story)
        self.sink.flush_when_full()

    def _drafts(self, chance: Chance, school: School, most: int) -> int:
        """Drafts for up to `most` students without a case, some of whom have left since; gives how many."""
        written = min(most, chance.between(0, 2))
        for _ in range(written):
            student = self.roll.add(chance, school)
            at = working_moment(chance, TODAY_DAY - 40, TODAY_DAY - 1)
            contact = chance.pick(school.eligible) if chance.likely(0.6) else None
            creator, complete = chance.pick(school.staff), chance.likely(0.4)
            self.requests.draft(chance, school, student, creator, at, contact=contact, complete=complete)
        if written < most and chance.likely(0.15):
            to = chance.pick(self.schools)
            if to is not school:
                arrived = working_moment(chance, TODAY_DAY - 20, TODAY_DAY - 3)
                student = self.roll.add(chance, to, moved(school, arrived))
                self.requests.draft(chance, school, student, chance.pick(school.staff), arrived)
                written += 1
        return written


def _opened(chance: Chance, status: CaseStatus) -> datetime:
    most, least = OPENED[status]
    return working_moment(chance, TODAY_DAY - most, TODAY_DAY - least)

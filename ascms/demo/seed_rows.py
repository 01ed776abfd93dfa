"""The rows that the presentation of May 2026 shows, and around them the cases of the fixed organisations.

Test College has 30 active cases (27 chronic absence, 3 non-enrolled) and one draft, whatever the seed of the
rest; what the fixed people see is a table here, not chance.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from ascms.models import CaseStatus, CaseType, Gender, RequestStatus

from .casework import CaseWriter
from .chance import Chance
from .clock import TODAY_DAY, between, day_of, instant, local
from .organisations import Organisations, Provider, School
from .people import People
from .requests import RequestWriter
from .sinks import Sink
from .stories import DAY, Story, settle
from .students import Past, Roll, Student, moved

CA, NE = CaseType.CHRONIC_ABSENCE, CaseType.NON_ENROLLED
QUEUE, OPEN, PAUSED = CaseStatus.PROVIDER_QUEUE, CaseStatus.OPEN, CaseStatus.PAUSED
TRANSITION, CLOSED = CaseStatus.TRANSITION, CaseStatus.CLOSED

AT: Final = "test-college.school.nz"
SECOND: Final = "second-school.school.nz"
ISP, ASP = "ISP", "ASP"
"""Who works on it: the college's own provider, or its catchment's."""


@dataclass(frozen=True, slots=True)
class Line:
    """A case in one line: opened so many days ago; `manager` and `contact` are sign-in names without domain."""

    type: CaseType
    status: CaseStatus
    provider: str
    days: int
    manager: str | None = None
    contact: str | None = None
    by: str | None = None
    protected: bool = False
    reason: str | None = None
    outcome: str | None = None
    ends: RequestStatus | None = None
    moved_from: bool = False
    handed_over: bool = False
    same_student_as: int | None = None
    barred: tuple[str, ...] = ()
    duplicate_of: int | None = None
    name: str | None = None


TEST_COLLEGE: Final = (
    Line(CA, OPEN, ISP, 62, "manager", "both", "both"),
    Line(CA, OPEN, ISP, 48, "manager", "both", "office", protected=True),
    Line(CA, OPEN, ASP, 55, "manager", "both", "lead"),
    Line(CA, PAUSED, ASP, 70, "manager", "both", "both", reason="UNWELL"),
    Line(CA, QUEUE, ISP, 4, None, "both", "office"),
    Line(CA, TRANSITION, ASP, 260, None, "both", "lead"),
    Line(CA, OPEN, ISP, 50, "manager", "contact", "contact", protected=True),
    Line(CA, OPEN, ISP, 33, "manager", "contact", "contact"),
    Line(CA, OPEN, ASP, 41, "manager", "contact", "office"),
    Line(CA, QUEUE, ASP, 5, None, "contact", "office"),
    Line(CA, PAUSED, ISP, 66, "manager", "contact", "lead", reason="AWAY"),
    Line(NE, OPEN, ASP, 45, "manager", "contact"),
    Line(CA, OPEN, ASP, 60, "manager2", "contact", "contact", moved_from=True),
    Line(CA, OPEN, ISP, 29, "manager", "lead", "lead"),
    Line(CA, OPEN, ASP, 77, "manager", "lead", "lead", handed_over=True),
    Line(CA, QUEUE, ASP, 6, None, "lead", "contact"),
    Line(CA, PAUSED, ASP, 80, "manager3", "lead", "lead", reason="WAITING_ON_AGENCY"),
    Line(CA, OPEN, ISP, 37, "workflow", "lead", "office"),
    Line(CA, OPEN, ASP, 26, "manager2", "testperson", "testperson"),
    Line(CA, QUEUE, ISP, 3, None, "testperson", "testperson"),
    Line(CA, OPEN, ASP, 35, "manager3", None, "office"),
    Line(CA, OPEN, ISP, 58, "manager", None, "lead"),
    Line(CA, PAUSED, ISP, 73, "manager", None, "both", reason="BEREAVEMENT"),
    Line(NE, QUEUE, ASP, 20),
    Line(NE, TRANSITION, ASP, 300),
    Line(CA, QUEUE, ASP, 7, None, None, "office"),
    Line(CA, CLOSED, ISP, 95, "manager", "contact", "contact", outcome="ATTENDANCE_IMPROVED"),
    Line(CA, CLOSED, ISP, 88, "manager", "both", "both", outcome="SUPPORT_DECLINED"),
    Line(CA, CLOSED, ISP, 30, None, "lead", "office", outcome="REQUEST_DECLINED", ends=RequestStatus.DECLINED),
    Line(CA, CLOSED, ASP, 97, "manager", "both", "lead", outcome="ATTENDANCE_IMPROVED"),
    Line(CA, CLOSED, ASP, 90, "manager2", None, "lead", outcome="OTHER_PROVISION"),
    Line(CA, CLOSED, ASP, 25, None, "contact", "contact", outcome="REQUEST_WITHDRAWN", ends=RequestStatus.WITHDRAWN),
    Line(CA, CLOSED, ASP, 400, "manager", "contact", "contact", outcome="ATTENDANCE_IMPROVED", same_student_as=8),
)
"""Without the four of the presentation: 26 active ones, then closed ones."""

SECOND_SCHOOL: Final = (
    Line(CA, OPEN, ASP, 52, "manager", "contact", "deputy", barred=("lead",), name="Second Student 1"),
    Line(CA, OPEN, ASP, 44, "manager", "deputy", "contact"),
    Line(CA, OPEN, ASP, 39, "manager3", None, "office", protected=True),
    Line(CA, QUEUE, ASP, 5, None, "lead", "lead"),
    Line(CA, OPEN, ASP, 64, "manager", None, "lead", moved_from=True),
    Line(CA, TRANSITION, ASP, 220, None, "contact", "contact"),
    Line(CA, CLOSED, ASP, 92, "manager", "lead", "lead", outcome="ENROLLED"),
    Line(CA, CLOSED, ASP, 36, "manager3", None, "contact", outcome="DUPLICATE", duplicate_of=1),
)
"""The first is of the student whom an access block keeps from `lead@`."""


@dataclass(slots=True)
class FixedRows:
    """Writes the fixed rows. `stories` are their cases in the order written, for rows that refer to them."""

    sink: Sink
    chance: Chance
    world: Organisations
    people: People
    roll: Roll
    requests: RequestWriter
    cases: CaseWriter
    number: int = 307_400
    reference: int = 99
    stories: list[Story] = field(default_factory=list)

    def write(self) -> None:
        self._presented()
        self._table(self.world.test_college, self.world.second_school, TEST_COLLEGE, AT)
        self._table(self.world.second_school, self.world.test_college, SECOND_SCHOOL, SECOND)
        college = self.stories[4:]
        self._specimens(college[0], college[6])
        for story in self.stories:
            if story.moved_at is not None and story.before is not None:
                self._left_behind(story, story.before)
        for school in (self.world.test_college, self.world.second_school):
            for _ in range(12):
                self.roll.add(self.chance, school, protected=False)

    # ---- the presentation's own rows

    def _presented(self) -> None:
        college, own, asp = self.world.test_college, self.world.test_college_isp, self.world.waikato
        lead, manager = self.people.ids[f"lead@{AT}"], own.managers[0]
        for name, number, opened_at, status, provider in (
            ("Test Student 1", "00289396", local(2026, 5, 10, 10, 15), QUEUE, asp),
            ("Test Student 2", "00203396", local(2026, 4, 18, 17, 52), OPEN, own),
            ("Test Student 3", "00206415", local(2025, 5, 13, 12, 23), TRANSITION, asp),
        ):
            story = Story(self._student(college, name), CA, status, provider, opened_at, college, number=number)
            story.manager, story.requester = manager if status is OPEN else None, lead
            self._tell(story)
        self._presented_case(college, own)
        self._student(college, "Test Student 4")
        self._student(college, "Test Student 5")
        sixth, saved_at = self._student(college, "Test Student 6"), local(2026, 5, 6, 8, 57)
        contact = self.people.ids[f"contact@{AT}"]
        self.requests.draft(self.chance, college, sixth, contact, saved_at, reference="152", complete=False)

    def _presented_case(self, college: School, own: Provider) -> None:
        """The one of the case view, whose manager is named although it is still in the queue."""
        student = self._student(
            college,
            "Test Student Name",
            gender=Gender.M.value,
            date_of_birth=date(2010, 1, 1),
            year_level=11,
            ethnicities=("531",),
        )
        opened_at = local(2026, 5, 6, 9, 47)
        story = Story(student, CA, QUEUE, own, opened_at, college, number="00307473", quiet=True)
        story.request_number, story.reference = "152479128", "153"
        story.contact = story.requester = self.people.ids[f"contact@{AT}"]
        story.manager, story.assigned_at = own.managers[0], opened_at
        self._tell(story)

    def _student(self, school: School, name: str, **given: Any) -> Student:
        given.setdefault("known_as", None)
        return self.roll.add(self.chance, school, chronic=True, full_name=name, protected=False, **given)

    def _tell(self, story: Story) -> None:
        if story.number is None:
            self.number += 1
            story.number = f"{self.number:08d}"
        if story.type is CA and story.reference is None:
            self.reference += 1
            story.reference = str(self.reference)
        if story.type is CA and story.request_number is None:
            story.request_number = f"{152_400_000 + self.reference}"
        settle(story, self.chance)
        self.cases.add(self.chance, story)
        self.stories.append(story)

    # ---- the tables above

    def _table(self, school: School, other: School, lines: tuple[Line, ...], domain: str) -> None:
        first = len(self.stories)
        for line in lines:
            earlier = self.stories[first + line.same_student_as] if line.same_student_as is not None else None
            survivor = self.stories[first + line.duplicate_of].id if line.duplicate_of is not None else None
            self._line(school, line, domain, self._born(school, other, line, earlier), survivor)

    def _line(self, school: School, line: Line, domain: str, story: Story, survivor: int | None) -> None:
        chance, ids = self.chance, self.people.ids
        story.manager = ids[f"{line.manager}@{story.provider.domain}"] if line.manager else None
        story.contact = ids[f"{line.contact}@{domain}"] if line.contact else None
        if story.before is not None and story.before is not school:
            story.requester = story.before.contacts[0]
        elif line.by:
            story.requester = ids[f"{line.by}@{domain}"]
        story.reason, story.outcome, story.request_ends = line.reason, line.outcome, line.ends
        story.barred = tuple(ids[f"{name}@{domain}"] for name in line.barred)
        story.merged_into = survivor
        if line.ends is not None:
            story.closed_at = between(chance, story.opened_at + 2 * DAY, story.opened_at + 6 * DAY)
        elif line.same_student_as is not None:
            story.closed_at = story.opened_at + 70 * DAY
        self._tell(story)

    def _born(self, school: School, other: School, line: Line, earlier: Story | None) -> Story:
        chance = self.chance
        opened_at = instant(TODAY_DAY - line.days, chance.between(8 * 60 + 40, 16 * 60))
        provider = self._provider(line.provider)
        if line.type is NE:
            arrived = between(chance, opened_at + 6 * DAY, opened_at + 14 * DAY)
            origin = self.world.invented_schools[0] if self.world.invented_schools else other
            student = self._pupil(school, line, past=Past(origin, day_of(opened_at) - 40, arrived))
            return Story(student, NE, line.status, provider, opened_at, None, arrived)
        if line.moved_from:
            arrived = between(chance, opened_at + 20 * DAY, opened_at + 24 * DAY)
            student = self._pupil(school, line, past=moved(other, arrived))
            return Story(student, CA, line.status, provider, opened_at, other, arrived)
        student = earlier.student if earlier is not None else self._pupil(school, line)
        story = Story(student, CA, line.status, provider, opened_at, school)
        if line.handed_over:
            story.former, story.handed_over_at = self.world.test_college_isp, opened_at + 16 * DAY
        return story

    def _pupil(self, school: School, line: Line, **more: Any) -> Student:
        return self.roll.add(self.chance, school, chronic=True, full_name=line.name, protected=line.protected, **more)

    def _provider(self, which: str) -> Provider:
        return self.world.test_college_isp if which == ISP else self.world.waikato

    # ---- one of each that somebody will look for

    def _specimens(self, *stories: Story) -> None:
        """On two open cases of the college: comments and files of everyone who can write one there."""
        college, ids = self.world.test_college, self.people.ids
        for story in stories:
            at = story.opened_at + 10 * DAY
            for name in ("office", "contact", "lead", "both"):
                author = ids[f"{name}@{AT}"]
                self.cases.activity.school_comment(self.chance, story, college, author, at)
                self.cases.activity.school_file(self.chance, story, college, author, at)
                at += DAY
            for shared in (True, False):
                self.cases.activity.provider_comment(self.chance, story, at, shared=shared)
                self.cases.activity.provider_file(self.chance, story, at, shared=shared)
                at += DAY

    def _left_behind(self, story: Story, old_school: School) -> None:
        """What the old school wrote and was shown before the student moved; the new one does not inherit it."""
        at = story.opened_at + 6 * DAY
        self.cases.activity.school_comment(self.chance, story, old_school, old_school.contacts[0], at)
        self.cases.activity.school_file(self.chance, story, old_school, old_school.contacts[0], at)
        self.cases.activity.provider_comment(self.chance, story, at + DAY, shared=True)
        self.cases.activity.provider_file(self.chance, story, at + DAY, shared=True)

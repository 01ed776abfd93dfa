"""Requests for support in rows: drafts, and what was submitted with all that its form asks for."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from ascms.models import AdviceLevel, CaseType, ConfirmationKind, NoticeMethod, RequestStatus, Visibility

from . import phrases
from .chance import Chance
from .clock import NOW, TODAY_DAY, between, day_of
from .files import add_file
from .organisations import School
from .reference import BARRIERS, CRITERIA, CRITERIA_VERSION, DECLINE_REASONS, STATEMENT_VERSION
from .sinks import Sink
from .stories import DAY, Story
from .students import Student

BARRIER_CODES: Final = tuple(BARRIERS)
DECLINE_CODES: Final = tuple(DECLINE_REASONS)
METHODS: Final = tuple(NoticeMethod)
ADVICE: Final = (
    (AdviceLevel.HIGHLY_RECOMMENDED, 55),
    (AdviceLevel.CONSIDER, 30),
    (AdviceLevel.DELAY, 12),
    (AdviceLevel.DO_NOT_REFER, 3),
)
ADVICE_REASONS: Final = {
    AdviceLevel.HIGHLY_RECOMMENDED: ("Chronic absence with complex barriers",),
    AdviceLevel.CONSIDER: ("Whānau does not engage with the school", "Other services have not worked"),
    AdviceLevel.DELAY: ("The school’s plan is not fully tried",),
    AdviceLevel.DO_NOT_REFER: ("Only one class is skipped",),
}
GIVEN_TO: Final = ("Student", "Mother", "Father", "Caregiver", "Student and whānau")


class RequestWriter:
    """Writes requests. References ascend with their identifiers, numbers are nine digits."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.reference = 200
        self.number = 152_500_000

    def _reference(self, given: str | None) -> str:
        if given is not None:
            return given
        self.reference += 1
        return str(self.reference)

    def _number(self, given: str | None) -> str:
        if given is not None:
            return given
        self.number += 1
        return f"{self.number:09d}"

    def draft(
        self,
        chance: Chance,
        school: School,
        student: Student,
        creator: int,
        at: datetime,
        *,
        reference: str | None = None,
        contact: int | None = None,
        complete: bool = True,
    ) -> int:
        """A draft, begun or `complete`; withdrawn where the student has left the school since."""
        status = RequestStatus.DRAFT if student.school is school else RequestStatus.WITHDRAWN
        begun = at - timedelta(minutes=chance.between(4, 40))
        key = self.sink.add(
            "request",
            reference=self._reference(reference),
            type=CaseType.CHRONIC_ABSENCE.value,
            status=status.value,
            school_id=school.id,
            created_by_id=creator,
            primary_contact_id=contact,
            last_modified_at=at,
            **_applied_for(student),
            **(_answers(chance, student, at, chance.weighted(ADVICE)) if complete else {}),
        )
        self._confirm(key, creator, begun)
        if complete:
            self._details(chance, key, student)
        return key

    def submitted(self, chance: Chance, story: Story, at: datetime, *, joined: bool = False) -> int:
        """The request that opened the story's case, or (`joined`) a later one for the same student."""
        school = story.school_at(at)
        if school is None:
            raise ValueError("a request needs a school whose student it is for")
        first = None if joined else story.requester
        creator = first if first is not None else chance.pick(story.staff_of(school))
        status, decided_at = self._decision(story, at)
        declined = status is RequestStatus.DECLINED
        level = chance.weighted(ADVICE)
        provider = story.provider_at(at)
        key = self.sink.add(
            "request",
            reference=self._reference(None if joined else story.reference),
            number=self._number(None if joined else story.request_number),
            type=CaseType.CHRONIC_ABSENCE.value,
            status=status.value,
            school_id=school.id,
            created_by_id=creator,
            primary_contact_id=story.contact_at(at),
            provider_id=provider.id,
            case_id=story.id,
            last_modified_at=decided_at or at,
            submitted_at=at,
            decided_at=decided_at,
            decline_reason_code=chance.pick(DECLINE_CODES) if declined else None,
            decline_note=chance.pick(phrases.DECLINE_NOTES) if declined else None,
            version=3 if decided_at else 2,
            **_applied_for(story.student),
            **_answers(chance, story.student, at, level),
        )
        self._confirm(key, creator, at - timedelta(minutes=chance.between(8, 50)))
        self._details(chance, key, story.student)
        if chance.likely(0.65):
            self._notice(chance, at, creator, request_id=key)
        if chance.likely(0.35) and not story.quiet:
            self._file(chance, key, school, creator, at)
        return key

    def _decision(self, story: Story, at: datetime) -> tuple[RequestStatus, datetime | None]:
        if story.request_ends is not None:
            return story.request_ends, story.closed_at
        if story.assigned_at is not None:
            return RequestStatus.ACCEPTED, max(at, story.assigned_at)
        return RequestStatus.SUBMITTED, None

    def _confirm(self, request: int, who: int, at: datetime) -> None:
        for kind in ConfirmationKind:
            self.sink.add(
                "request_confirmation",
                request_id=request,
                kind=kind.value,
                statement_version=STATEMENT_VERSION,
                confirmed_by_id=who,
                confirmed_at=at,
            )

    def _details(self, chance: Chance, request: int, student: Student) -> None:
        for criterion in CRITERIA:
            note = chance.pick(phrases.CRITERION_NOTES)
            self.sink.add(
                "request_criterion", request_id=request, criterion=criterion, met=chance.likely(0.88), note=note
            )
        for code in barriers(student):
            self.sink.add("request_barrier", request_id=request, code=code)
        if len(barriers(student)) > 1:
            self.sink.add("request_factor", request_id=request, code="COMPLEX_BARRIERS")
        for caregiver in student.caregivers:
            self.sink.add("request_caregiver_contact", request_id=request, **caregiver)

    def _notice(self, chance: Chance, at: datetime, who: int, **subject: int) -> None:
        recorded = between(chance, at, min(at + 9 * DAY, NOW))
        self.sink.add(
            "notice_given",
            given_on=date.fromordinal(day_of(recorded)),
            given_to=chance.pick(GIVEN_TO),
            method=chance.pick(METHODS).value,
            recorded_by_id=who,
            recorded_at=recorded,
            **subject,
        )

    def notice_on_case(self, chance: Chance, story: Story) -> None:
        """That a Non Enrolled child's whānau were told: such a case has no request to keep it on."""
        if story.manager is not None:
            self._notice(chance, story.assigned_at or story.opened_at, story.manager, case_id=story.id)

    def _file(self, chance: Chance, key: int, school: School, who: int, at: datetime) -> None:
        add_file(
            self.sink,
            chance,
            request_id=key,
            visibility=Visibility.SHARED.value,
            shared_with_school_id=school.id,
            uploaded_by_id=who,
            organisation_id=school.id,
            uploaded_at=at,
        )


def barriers(student: Student) -> Sequence[str]:
    """One to three barriers; the same for the same student, so that a case keeps those of its request."""
    first = student.id * 7 % len(BARRIER_CODES)
    count = 1 + student.id % 3
    return [BARRIER_CODES[(first + step * 3) % len(BARRIER_CODES)] for step in range(count)]


def _applied_for(student: Student) -> dict[str, Any]:
    return {
        "student_id": student.id,
        "applied_for_full_name": student.full_name,
        "applied_for_full_name_folded": student.full_name_folded,
        "applied_for_known_as": student.known_as,
        "applied_for_year_level": student.year_level,
    }


def _answers(chance: Chance, student: Student, at: datetime, level: AdviceLevel) -> dict[str, Any]:
    previous, current = student.percentages
    last = min(day_of(at), TODAY_DAY) - chance.between(0, 3)
    planned = chance.likely(0.8)
    return {
        "current_term_percentage": current,
        "previous_term_percentage": previous,
        "days_absent": chance.between(12, 38),
        "first_day_absent": date.fromordinal(last - chance.between(30, 80)),
        "last_day_absent": date.fromordinal(last),
        "plan_in_place": planned,
        "plan_reviewed_on": date.fromordinal(last - chance.between(2, 20)) if planned else None,
        "plan_outcome": chance.pick(phrases.PLAN_OUTCOMES) if planned else None,
        "star_actions": chance.pick(phrases.STAR_ACTIONS),
        "whanau_contacted": chance.pick(phrases.WHANAU_CONTACTED),
        "barrier_notes": chance.pick(phrases.BARRIER_NOTES),
        "other_services": chance.pick(phrases.OTHER_SERVICES),
        "notes": chance.pick(phrases.REQUEST_NOTES),
        "advice_level": level.value,
        "advice_reasons": list(ADVICE_REASONS[level]),
        "advice_version": CRITERIA_VERSION,
        "advice_reason": "The dean and whānau ask for it all the same." if level is AdviceLevel.DO_NOT_REFER else None,
    }

"""A case for a student who has been on no school's roll for long enough, as ENROL notifies it."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select

from ascms.models import AlertKind, Case, CaseType, Enrolment, Organisation, SchoolTerm, Student

from .alerts import is_blocked, tell_provider
from .calendar import unenrolled_for
from .opening import Opening, open_case
from .problems import duplicate, invalid, not_possible_now
from .providers import Place, service_of
from .timeline import record_change
from .work import Work

SCHOOL_DAYS: Final = 20
"""On no roll, before a case is opened."""


async def open_non_enrolled(work: Work, nsn: str) -> Case:
    """Open the case of the student with this national student number, with the service of the last school's catchment.

    Raises Refused, in the same words for a number that nobody has as for a student for whom no case can be.
    """
    terms = await _terms(work)
    student = await _unenrolled(work, nsn)
    place = None if student is None else await _service(work, student, terms)
    if student is None or place is None:
        raise invalid(
            f"There is no student with this number who has been on no school's roll for {SCHOOL_DAYS} school days, "
            "and whose last school's catchment has an attendance service; check the number, and the enrolment.",
            "nsn",
        )
    if await work.find(Case, Case.student_id == student.id, Case.type == CaseType.NON_ENROLLED, Case.active):
        raise duplicate("There is an active case of this type for the student already.", "nsn")
    case = await open_case(work, Opening(CaseType.NON_ENROLLED, student, None, place.provider))
    case.catchment_id = place.catchment_id
    await record_change(work, case, "Non-enrolment notified")
    await tell_provider(work, case, AlertKind.CASE_OPENED)
    return case


async def _terms(work: Work) -> Sequence[SchoolTerm]:
    """The school terms up to today. Raises Refused where a year is missing, before anybody is looked for."""
    terms = await work.all(SchoolTerm, order=SchoolTerm.starts_on)
    years = {term.year for term in terms}
    missing = set(range(min(years, default=work.today.year), work.today.year + 1)) - years
    if missing:
        raise not_possible_now(
            f"The school terms of {', '.join(map(str, sorted(missing)))} are not known here; bring them in first."
        )
    return terms


async def _unenrolled(work: Work, nsn: str) -> Student | None:
    """The student, held on no roll until the end; None also for one from whom the person who asks is kept."""
    found = select(Student).where(Student.nsn == nsn.strip(), Student.school_id.is_(None))
    student = (await work.session.scalars(found.with_for_update(key_share=True))).one_or_none()
    if student is None or await is_blocked(work, work.actor.user, student.id):
        return None
    return student


async def _service(work: Work, student: Student, terms: Sequence[SchoolTerm]) -> Place | None:
    """Whose case it is: None where the student was on a roll too lately, or never, or nobody serves the school."""
    enrolments = await work.all(Enrolment, Enrolment.student_id == student.id)
    ended = [
        (enrolment.ended_on, enrolment.id, enrolment) for enrolment in enrolments if enrolment.ended_on is not None
    ]
    if not ended or len(ended) < len(enrolments):
        return None
    day, _, last = max(ended)
    school = await work.get(Organisation, last.school_id)
    if unenrolled_for(day, work.today, terms, school.region) < SCHOOL_DAYS:
        return None
    return await service_of(work, last.school_id)

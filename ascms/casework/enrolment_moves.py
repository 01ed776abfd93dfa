"""What a change of enrolment means for casework: the old school loses sight at once, the new one is told."""

from ascms.models import AlertKind, Case, Request, RequestStatus, Role, Student

from .alerts import holders, tell
from .providers import region_for
from .timeline import record_change
from .work import Work


async def student_moved(work: Work, student: Student, old_school_id: int | None, new_school_id: int | None) -> None:
    """The student is on another school's roll, or on none. To be called once the record says so.

    Their active cases stand at the new school, without the old one's contact and notes; the type stays as born. Drafts
    of any other school are withdrawn. The event is shared with the new school alone.
    """
    if old_school_id == new_school_id:
        return
    await _withdraw_drafts(work, student, new_school_id)
    for case in await work.all(Case, Case.student_id == student.id, Case.active, lock=True):
        if case.school_id != new_school_id:
            await _move_case(work, case, new_school_id)


async def _withdraw_drafts(work: Work, student: Student, new_school_id: int | None) -> None:
    """No school but the present one keeps a draft, the old one's or any left from before it."""
    for draft in await work.all(
        Request, Request.student_id == student.id, Request.status == RequestStatus.DRAFT, lock=True
    ):
        if draft.school_id != new_school_id:
            draft.status, draft.decided_at = RequestStatus.WITHDRAWN, work.now
            draft.withdrawal_reason = "The student is no longer enrolled at the school."
            work.changed_request(draft)


async def _move_case(work: Work, case: Case, school_id: int | None) -> None:
    case.region = await region_for(work, school_id, case.provider_id)
    case.school_id = school_id
    case.primary_contact_id = case.school_contact_notes = None
    work.changed_case(case)
    await record_change(work, case, "Student left the school's roll" if school_id is None else "Student changed school")
    if school_id is not None:
        leads = await holders(work, school_id, Role.ATTENDANCE_LEAD)
        await tell(work, leads, school_id, AlertKind.STUDENT_ARRIVED, case=case)

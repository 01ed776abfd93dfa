"""The moves of a case. Whether a move is possible in a status is the life cycle's to say, and asked before."""

from datetime import date
from typing import Final

from sqlalchemy import select

from ascms.models import AlertKind, Case, CaseStatus, CaseStatusChange, EventKind, Request, RequestStatus, Student

from .alerts import tell, tell_school
from .codes import check_codes
from .eligibility import may_be_contact_of, may_manage_case
from .lifecycle import may_become
from .problems import Problems
from .providers import region_for
from .texts import LONG, needed
from .timeline import Happening, record, record_change
from .work import Work

SYSTEM_OUTCOMES: Final = frozenset({"DUPLICATE", "REQUEST_DECLINED", "REQUEST_WITHDRAWN"})
"""Outcomes that come of something else, and that nobody chooses."""

NO_MANAGER: Final = (
    "This is nobody who may be the case's manager: trained, with a role in effect at the provider, and not kept from "
    "the student; choose among eligibleManagers."
)


async def pause(work: Work, case: Case, reason: str, review_on: date) -> None:
    """Pause an open case until its review date, when the system resumes it."""
    problems = Problems()
    await check_codes(work, problems, "pause_reason", [reason], "reason")
    if review_on <= work.today:
        problems.add(f"The review date is {review_on}; give a day after today, {work.today}.", "review_on")
    problems.refuse_any()
    case.status_reason_code, case.review_on = reason, review_on
    await set_status(work, case, CaseStatus.PAUSED, "Case paused", reason)


async def resume(work: Work, case: Case) -> None:
    """Go on with a paused case. By the system, at the review date, its manager is told too."""
    case.status_reason_code = case.review_on = None
    await set_status(work, case, CaseStatus.OPEN, "Case resumed")
    if work.actor.user_id is None and case.case_manager_id is not None:
        await tell(work, [case.case_manager_id], case.provider_id, AlertKind.STATUS_CHANGED, case=case)


async def open_(work: Work, case: Case) -> None:
    """Open a case of the queue whose manager was named before."""
    await set_status(work, case, CaseStatus.OPEN, "Case opened")


async def close(work: Work, case: Case, outcome: str, summary: str) -> None:
    """Close a case that was worked on, with what came of it."""
    problems = Problems()
    await check_codes(work, problems, "outcome", [outcome], "outcome", but_not=SYSTEM_OUTCOMES)
    summary = needed(problems, summary, LONG, "closing_summary")
    problems.refuse_any()
    case.closing_summary = summary
    await end(work, case, outcome, "Case closed")


async def end(work: Work, case: Case, outcome: str, subject: str) -> None:
    """Close an active case, whatever closes it."""
    case.closed_at, case.outcome_code = work.now, outcome
    case.status_reason_code = case.review_on = None
    await set_status(work, case, CaseStatus.CLOSED, subject, outcome)


async def reopen(work: Work, case: Case, reason: str, manager_id: int | None) -> None:
    """Open a closed case again, at the student's present school.

    Its manager stays where they may; `manager_id` names another. What was written at its closing is kept as a note.
    """
    problems = Problems()
    await check_codes(work, problems, "reopen_reason", [reason], "reason")
    named = manager_id if manager_id is not None else case.case_manager_id
    if not await may_manage_case(work, case, named):
        problems.add(
            NO_MANAGER if manager_id is not None else "Whoever was its case manager may no longer be; name another.",
            "manager",
        )
    problems.refuse_any()
    await _keep_closing(work, case)
    await _at_present_school(work, case)
    is_new = named != case.case_manager_id
    case.case_manager_id, case.assigned_at = named, case.assigned_at or work.now
    case.closed_at = case.outcome_code = case.closing_summary = None
    await set_status(work, case, CaseStatus.OPEN, "Case reopened", reason)
    await accept_requests(work, case)
    if is_new and named is not None:
        await tell(work, [named], case.provider_id, AlertKind.CASE_MANAGER_ASSIGNED, case=case)


async def _keep_closing(work: Work, case: Case) -> None:
    if case.closing_summary is not None:
        subject = "Closing summary, from before the case was reopened"
        await record(work, case, Happening(EventKind.NOTE, subject, description=case.closing_summary))


async def _at_present_school(work: Work, case: Case) -> None:
    """Enrolments go on while a case is closed; the school's contact and notes are the former school's."""
    student = await held_student(work, case.student_id)
    if student.school_id != case.school_id:
        case.school_contact_notes = None
    case.school_id = student.school_id
    case.region = await region_for(work, case.school_id, case.provider_id)
    if not await may_be_contact_of(work, case, case.primary_contact_id):
        case.primary_contact_id = None


# What every move leaves behind -------------------------------------------------------------------------------


async def set_status(
    work: Work,
    case: Case,
    status: CaseStatus,
    subject: str,
    reason: str | None = None,
    *,
    alert: AlertKind = AlertKind.STATUS_CHANGED,
    before_provider_id: int | None = None,
) -> None:
    """Move the case to a status, with its history, its event and the alert to the school.

    What the status asks of the case's columns is set before. Raises ValueError for a move that the life cycle lacks.
    """
    before = case.status
    if not may_become(before, status):
        raise ValueError(f"no move leads from {before} to {status}")
    case.status = status
    case.active = status is not CaseStatus.CLOSED
    await remember(work, case, before, reason)
    work.changed_case(case, before_provider_id=before_provider_id)
    await record_change(work, case, subject)
    await tell_school(work, case, alert)


async def remember(work: Work, case: Case, before: CaseStatus | None, reason: str | None = None) -> None:
    """Keep in the case's history how it came to stand as it does."""
    await work.add(
        CaseStatusChange(
            case_id=case.id,
            from_status=before,
            to_status=case.status,
            reason_code=reason,
            changed_by_id=work.actor.user_id,
            changed_at=work.now,
        )
    )


async def accept_requests(work: Work, case: Case) -> None:
    """A case manager is named: what was asked for is accepted."""
    for request in await work.all(Request, Request.case_id == case.id, Request.status == RequestStatus.SUBMITTED):
        request.status, request.decided_at = RequestStatus.ACCEPTED, work.now
        work.changed_request(request)


async def held_student(work: Work, student_id: int) -> Student:
    """The student as enrolled now; who changes the enrolment waits until this transaction ends."""
    held = select(Student).where(Student.id == student_id).with_for_update(key_share=True)
    return (await work.session.scalars(held.execution_options(populate_existing=True))).one()

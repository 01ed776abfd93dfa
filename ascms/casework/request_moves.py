"""The moves of a request: submitted, withdrawn, declined, and that the family was told.

What it means for its case is here too: submitting opens one or joins the active one, and a case that no request
holds any more closes. Whether a move is possible in a status is the life cycle's to say, and asked before. Locks are
taken in one order: the request, its case, the student.
"""

from dataclasses import dataclass
from datetime import date

from ascms.models import (
    AlertKind,
    Case,
    CaseStatus,
    EventKind,
    NoticeGiven,
    NoticeMethod,
    Organisation,
    Request,
    RequestBarrier,
    RequestStatus,
    Role,
    Student,
)

from .alerts import holders, is_blocked, mail, tell
from .codes import check_codes
from .contacts import set_contact
from .eligibility import hold
from .lifecycle import QUEUED, why_not_on_request
from .moves import held_student, set_status
from .numbers import next_number
from .opening import Opening, open_case
from .problems import Problems, invalid, not_possible_now
from .request_form import CONFIRMATIONS, Form, steps
from .requests import Confirmed, check_confirmed, confirm, judge
from .texts import LINE, LONG, needed
from .timeline import Happening, record
from .work import Work

LIVE = (RequestStatus.SUBMITTED, RequestStatus.ACCEPTED)
SCHOOL_ROLES = (Role.ATTENDANCE_LEAD, Role.PRIMARY_CONTACT, Role.OFFICE_SUPPORT)


# Submitting --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ground:
    """What a submission stands on, held until the end: the student's active case, if any, and the student."""

    case: Case | None
    student: Student | None


async def prepare(work: Work, request: Request) -> Ground:
    """Hold what a submission is judged by, and give the advice anew; what the form holds is read afterwards.

    Raises Refused where the student has left the school.
    """
    case = await _active_case(work, request)
    chosen = request.student_id
    student = await _enrolled(work, request, chosen) if chosen is not None else None
    if request.primary_contact_id is not None:
        await hold(work, request.primary_contact_id)
    await judge(work, request)
    await work.session.flush()
    return Ground(case, student)


async def submit(work: Work, request: Request, ground: Ground, form: Form, confirmed: Confirmed) -> Case:
    """Send a draft: it opens a case in the queue of the provider asked for, or joins the student's active one.

    `form` is what the draft holds. Raises Refused with everything that is still missing.
    """
    problems = Problems()
    check_confirmed(problems, confirmed, necessary=not form["confirmedByViewer"])
    _check_complete(problems, form)
    problems.refuse_any()
    student, case = ground.student, ground.case
    assert student is not None  # the form is complete
    await confirm(work, request)
    opened = case is None
    case = await _open(work, request, student) if case is None else await _joined(work, request, case)
    number = await next_number(work.session, "request")
    request.number, request.submitted_at, request.case_id = number, work.now, case.id
    request.status = RequestStatus.SUBMITTED
    if case.case_manager_id is not None:
        request.status, request.decided_at = RequestStatus.ACCEPTED, work.now
    work.changed_request(request)
    subject = f"CA Request - {student.full_name}"
    await record(work, case, Happening(EventKind.REQUEST_RECEIVED, subject, shared_with=request.school_id))
    await _tell_of_submission(work, request, case, opened=opened)
    return case


async def _joined(work: Work, request: Request, case: Case) -> Case:
    """The active case keeps its provider, and its contact if it has one."""
    if case.primary_contact_id is None:
        await set_contact(work, case, request.primary_contact_id)
    else:
        work.touched_case(case)
    return case


def _check_complete(problems: Problems, form: Form) -> None:
    """Note each member that a step still needs, by its path in `saveRequest`."""
    *filled, review = steps({**form, "confirmedByViewer": True, **dict.fromkeys(CONFIRMATIONS, True)})
    for step in filled:
        for member in step.missing:
            problems.add(f"The step {step.name} still needs it; give it with saveRequest.", *member.split("."))
    if "adviceReason" in review.missing:
        problems.add(
            "The advice is not to refer; say why the school goes on all the same, with saveRequest.", "adviceReason"
        )


async def _active_case(work: Work, request: Request) -> Case | None:
    return await work.find(
        Case, Case.student_id == request.student_id, Case.type == request.type, Case.active, lock=True
    )


async def _enrolled(work: Work, request: Request, student_id: int) -> Student:
    """The student, held at the school until the end: who changes an enrolment waits, and then finds the case."""
    student = await held_student(work, student_id)
    if student.school_id != request.school_id:
        raise invalid("The student is no longer enrolled at your school; withdraw the draft.", "student")
    return student


async def _open(work: Work, request: Request, student: Student) -> Case:
    barriers = await work.all(RequestBarrier, RequestBarrier.request_id == request.id)
    return await open_case(
        work,
        Opening(
            type=request.type,
            student=student,
            school_id=request.school_id,
            provider=await work.get(Organisation, request.provider_id),
            primary_contact_id=request.primary_contact_id,
            barriers=sorted(barrier.code for barrier in barriers),
        ),
    )


async def _tell_of_submission(work: Work, request: Request, case: Case, *, opened: bool) -> None:
    """The contact is alerted, and who began it gets a confirmation, unless they are kept from the student by now."""
    assert request.primary_contact_id is not None  # the form is complete
    contact = [request.primary_contact_id]
    if opened:
        await tell(work, contact, request.school_id, AlertKind.CASE_OPENED, case=case)
    else:
        await tell(work, contact, request.school_id, AlertKind.REQUEST_SUBMITTED, request=request)
    await tell(work, await _workers(work, case), case.provider_id, AlertKind.REQUEST_SUBMITTED, case=case)
    creator = request.created_by_id
    belongs = creator in await holders(work, request.school_id, *SCHOOL_ROLES)
    if belongs and not await is_blocked(work, creator, request.student_id):
        key = f"confirmation-{request.id}"
        await mail(work, creator, request.school_id, AlertKind.REQUEST_SUBMITTED, key, request=request)


async def _workers(work: Work, case: Case) -> list[int]:
    """The case manager; while there is none, the Workflow Leads, who run the queue."""
    if case.case_manager_id is not None:
        return [case.case_manager_id]
    return await holders(work, case.provider_id, Role.WORKFLOW_LEAD)


# Withdrawing and declining -----------------------------------------------------------------------------------


async def withdraw(work: Work, request: Request, reason: str) -> Case | None:
    """Take a request back: a draft, or what is still in the queue. Gives its case, if it has one."""
    problems = Problems()
    reason = needed(problems, reason, LONG, "reason")
    problems.refuse_any()
    case = await _queued_case(work, request, "withdrawRequest")
    request.status, request.withdrawal_reason = RequestStatus.WITHDRAWN, reason
    if case is None:
        work.changed_request(request)
        return None
    request.decided_at = work.now
    work.changed_request(request)
    # The school's own words to the provider: its reason is not internal to anybody.
    await _note(work, request, case, "Request withdrawn", reason)
    await close_case_of_request(work, case, "REQUEST_WITHDRAWN")
    told = [*await holders(work, case.provider_id, Role.WORKFLOW_LEAD), *await _workers(work, case)]
    await tell(work, told, case.provider_id, AlertKind.STATUS_CHANGED, case=case)
    return case


@dataclass(frozen=True, slots=True)
class Decline:
    """Why a provider declines, for the school to read."""

    reason: str
    note: str


async def decline(work: Work, request: Request, why: Decline) -> Case:
    """Turn a request down while it is in the queue."""
    problems = Problems()
    await check_codes(work, problems, "decline_reason", [why.reason], "reason")
    note = needed(problems, why.note, LONG, "note")
    problems.refuse_any()
    case = await _queued_case(work, request, "declineRequest")
    assert case is not None  # what was submitted has one
    request.status, request.decided_at = RequestStatus.DECLINED, work.now
    request.decline_reason_code, request.decline_note = why.reason, note
    work.changed_request(request)
    await _note(work, request, case, "Request declined")
    await close_case_of_request(work, case, "REQUEST_DECLINED")
    if case.school_id == request.school_id:
        contact = [request.primary_contact_id] if request.primary_contact_id is not None else []
        told = contact or await holders(work, request.school_id, Role.ATTENDANCE_LEAD)
        await tell(work, told, request.school_id, AlertKind.STATUS_CHANGED, request=request)
    return case


async def _queued_case(work: Work, request: Request, action: str) -> Case | None:
    """The request's case, held. Raises Refused where it was opened in the meantime."""
    if request.case_id is None:
        return None
    case = await work.get(Case, request.case_id, lock=True)
    queued = case.status in QUEUED
    reason = why_not_on_request(action, request.status, submitted=True, case_queued=queued, notice_given=False)
    if reason is not None:
        raise not_possible_now(reason)
    return case


async def _note(work: Work, request: Request, case: Case, subject: str, description: str | None = None) -> None:
    """Have the timeline say what became of the request, to the school that made it and to no later one."""
    happening = Happening(EventKind.CASE_CHANGED, subject, shared_with=request.school_id, description=description)
    await record(work, case, happening)
    work.touched_case(case)


async def close_case_of_request(work: Work, case: Case, outcome: str) -> None:
    """Close a queued case that no live request holds any more.

    A case that was carried over came by no request, and stays.
    """
    held = await work.all(Request, Request.case_id == case.id, Request.status.in_(LIVE))
    if held or case.former_reference is not None:
        return
    case.closed_at, case.outcome_code = work.now, outcome
    await set_status(work, case, CaseStatus.CLOSED, "Case closed", outcome)


# The family is told ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Notice:
    """When, to whom and how the privacy statement was given."""

    given_on: date
    given_to: str
    method: NoticeMethod


async def notice_on_request(work: Work, request: Request, notice: Notice) -> None:
    """Record that the family was told of a request. Its version stays: the request itself is as it was."""
    row = await work.add(await _noticed(work, notice, request_id=request.id))
    work.log(row, request.student_id)
    work.log(request, request.student_id)


async def notice_on_case(work: Work, case: Case, notice: Notice) -> None:
    """Record that the family was told of a case that no request led to."""
    asked = await work.all(Request, Request.case_id == case.id)
    if asked:
        raise not_possible_now("The case has a request; record it there, by the request's reference.")
    if await work.all(NoticeGiven, NoticeGiven.case_id == case.id):
        raise not_possible_now("That the notice was given is recorded already.")
    row = await work.add(await _noticed(work, notice, case_id=case.id))
    work.log(row, case.student_id)
    work.touched_case(case)


async def _noticed(
    work: Work, notice: Notice, *, request_id: int | None = None, case_id: int | None = None
) -> NoticeGiven:
    problems = Problems()
    if notice.given_on > work.today:
        problems.add(f"{notice.given_on} is yet to come; give a day up to today, {work.today}.", "given_on")
    given_to = needed(problems, notice.given_to, LINE, "given_to")
    problems.refuse_any()
    return NoticeGiven(
        request_id=request_id,
        case_id=case_id,
        given_on=notice.given_on,
        given_to=given_to,
        method=notice.method,
        recorded_by_id=work.actor.user,
        recorded_at=work.now,
    )

"""Two student records turn out to be one child: one case goes on with all that is on both, the other is closed.

The student records themselves stay: which of them is right is ENROL's to say. What moves follows the case that goes
on, and with it its student; what kept people from either record keeps them from both.
"""

from typing import Any, Final

from sqlalchemy import update

from ascms.models import (
    AccessBlock,
    AlertKind,
    Case,
    CaseBarrier,
    Comment,
    Event,
    File,
    NeedsFundEntry,
    NoticeGiven,
    Request,
    RequestStatus,
    SafetyAlert,
    Student,
    Task,
)

from .alerts import tell_provider
from .departures import person_blocked
from .handing_over import close_open_tasks
from .moves import end
from .problems import not_possible_now
from .timeline import record_change
from .work import Work

ITEMS: Final[tuple[Any, ...]] = (Comment, Event, File, Task, NeedsFundEntry, SafetyAlert)


async def merge(work: Work, survivor: Case, duplicate: Case) -> None:
    """Have `survivor` go on and `duplicate` end in it; both are held. Raises Refused, which tells nothing of either."""
    both_active = survivor.active and duplicate.active
    if not both_active or survivor.type != duplicate.type or survivor.student_id == duplicate.student_id:
        raise not_possible_now(
            "This is not possible as the cases stand now: both must be active, of one type, and of two student records."
        )
    if survivor.provider_id != duplicate.provider_id:
        await close_open_tasks(work, duplicate)
    await _move_requests(work, survivor, duplicate)
    await _move_items(work, survivor, duplicate)
    await _move_the_rest(work, survivor, duplicate)
    work.changed_case(survivor)
    await record_change(work, survivor, "A duplicate case was merged into this one")
    await _close(work, survivor, duplicate)
    await _protect_alike(work, survivor, duplicate)
    await _keep_apart_alike(work, survivor, duplicate)


async def _move_requests(work: Work, survivor: Case, duplicate: Case) -> None:
    """They keep whom they were filed for, and are now of the student whose case goes on."""
    for request in await work.all(Request, Request.case_id == duplicate.id, lock=True):
        request.case_id, request.student_id = survivor.id, survivor.student_id
        if request.status is RequestStatus.SUBMITTED and survivor.case_manager_id is not None:
            request.status, request.decided_at = RequestStatus.ACCEPTED, work.now
        work.changed_request(request)


async def _move_items(work: Work, survivor: Case, duplicate: Case) -> None:
    await work.session.flush()
    for model in ITEMS:
        moved = update(model).where(model.case_id == duplicate.id).values(case_id=survivor.id)
        await work.session.execute(moved.execution_options(synchronize_session=False))


async def _move_the_rest(work: Work, survivor: Case, duplicate: Case) -> None:
    """Barriers are added to the survivor's; that the family was told stays where it is if the survivor has it too."""
    known = {barrier.code for barrier in await work.all(CaseBarrier, CaseBarrier.case_id == survivor.id)}
    for barrier in await work.all(CaseBarrier, CaseBarrier.case_id == duplicate.id, order=CaseBarrier.code):
        if barrier.code not in known:
            await work.add(CaseBarrier(case_id=survivor.id, code=barrier.code))
    if await work.find(NoticeGiven, NoticeGiven.case_id == survivor.id) is None:
        notice = await work.find(NoticeGiven, NoticeGiven.case_id == duplicate.id)
        if notice is not None:
            notice.case_id = survivor.id


async def _close(work: Work, survivor: Case, duplicate: Case) -> None:
    """Its number leads to the survivor, and so does every number that led to it."""
    led_here = update(Case).where(Case.merged_into_id == duplicate.id).values(merged_into_id=survivor.id)
    await work.session.execute(led_here.execution_options(synchronize_session=False))
    duplicate.merged_into_id = survivor.id
    await end(work, duplicate, "DUPLICATE", "Closed as a duplicate")
    await tell_provider(work, duplicate, AlertKind.STATUS_CHANGED)


async def _protect_alike(work: Work, survivor: Case, duplicate: Case) -> None:
    students = [await work.get(Student, case.student_id, lock=True) for case in (survivor, duplicate)]
    if any(student.protected for student in students):
        for student in students:
            if not student.protected:
                student.protected = True
                work.changed_student(student)


async def _keep_apart_alike(work: Work, survivor: Case, duplicate: Case) -> None:
    """Who is kept from one of the records is kept from the child."""
    live = await work.all(
        AccessBlock,
        AccessBlock.student_id.in_((survivor.student_id, duplicate.student_id)),
        AccessBlock.lifted_at.is_(None),
    )
    held = {(block.user_id, block.student_id) for block in live}
    for block in live:
        other = duplicate.student_id if block.student_id == survivor.student_id else survivor.student_id
        if (block.user_id, other) not in held:
            await _block(work, block, other)


async def _block(work: Work, like: AccessBlock, student_id: int) -> None:
    block = await work.add(
        AccessBlock(
            user_id=like.user_id,
            student_id=student_id,
            reason=like.reason,
            set_by_id=like.set_by_id,
            set_at=work.now,
        )
    )
    work.log(block, student_id)
    work.changed_rights(like.user_id)
    await person_blocked(work, like.user_id, student_id)

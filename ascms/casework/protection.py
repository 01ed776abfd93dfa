"""Protected students: set at once by one person; lifted when one person asks for it and another agrees."""

from ascms.models import Student, UnprotectRequest

from .problems import Problems, duplicate, not_possible_now
from .texts import LONG, needed
from .work import Work


async def protect(work: Work, student: Student) -> None:
    """Keep the student's information private from now on. One who is protected already stays so."""
    if student.protected:
        return
    student.protected = True
    work.changed_student(student)


async def ask_to_lift(work: Work, student: Student, reason: str) -> UnprotectRequest:
    """Ask for the protection to be lifted. Raises Refused where there is none, or somebody has asked already."""
    problems = Problems()
    reason = needed(problems, reason, LONG, "reason")
    problems.refuse_any()
    if not student.protected:
        raise not_possible_now("The student is not protected.")
    waiting = UnprotectRequest.student_id == student.id, UnprotectRequest.decided_at.is_(None)
    if await work.find(UnprotectRequest, *waiting) is not None:
        raise duplicate("Somebody has asked for it already; another person decides (viewer.unprotectRequests).")
    request = await work.add(
        UnprotectRequest(student_id=student.id, reason=reason, requested_by_id=work.actor.user, requested_at=work.now)
    )
    work.log(request, student.id)
    return request


async def decide(work: Work, student: Student, request: UnprotectRequest, *, lift: bool) -> None:
    """Lift the protection, or leave it. Raises Refused for whoever asked for it, and where it was decided before."""
    if request.decided_at is not None:
        raise not_possible_now("It was decided already.")
    if request.requested_by_id == work.actor.user:
        raise not_possible_now("Whoever asks for a protection to be lifted does not decide it; another person does.")
    request.decided_at, request.decided_by_id, request.lifted = work.now, work.actor.user, lift
    work.log(request, student.id)
    if lift and student.protected:
        student.protected = False
        work.changed_student(student)

"""Access blocks: a person and a student kept apart, whatever the person's roles, from the next request on.

The person is not told, in no alert, e-mail or history. Whoever sets one on themselves declares a conflict of interest,
and no longer sees the student, nor the block.
"""

from ascms.models import AccessBlock, Student, User

from .departures import person_blocked
from .problems import Problems, duplicate, not_possible_now
from .texts import LONG, needed, wanted
from .work import Work


async def add(work: Work, user: User, student: Student, reason: str) -> AccessBlock:
    """Keep a person and a student apart. Raises Refused without a reason, or where a block holds already.

    Cases of the student that they manage go back to the queue; those whose primary contact they are have none.
    """
    problems = Problems()
    reason = needed(problems, reason, LONG, "reason")
    problems.refuse_any()
    live = AccessBlock.user_id == user.id, AccessBlock.student_id == student.id, AccessBlock.lifted_at.is_(None)
    if await work.find(AccessBlock, *live) is not None:
        raise duplicate("They are kept apart already; lift that block first to set another one.")
    block = await work.add(
        AccessBlock(user_id=user.id, student_id=student.id, reason=reason, set_by_id=work.actor.user, set_at=work.now)
    )
    work.log(block, student.id)
    work.changed_rights(user.id)
    await person_blocked(work, user.id, student.id)
    return block


async def lift(work: Work, block: AccessBlock, reason: str | None) -> None:
    """Keep them apart no longer; the block is kept as it was. Raises Refused where it was lifted before."""
    problems = Problems()
    reason = wanted(problems, reason, LONG, "reason")
    problems.refuse_any()
    if block.lifted_at is not None:
        raise not_possible_now("The block was lifted already.")
    block.lifted_at, block.lifted_by_id, block.lift_reason = work.now, work.actor.user, reason
    work.log(block, block.student_id)
    work.changed_rights(block.user_id)

"""What the system itself does to cases, in transactions of its own."""

import logging
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from ascms.casework.assigning import return_to_queue
from ascms.casework.calendar import local_day
from ascms.casework.eligibility import may_manage_case
from ascms.casework.moves import resume
from ascms.casework.work import SYSTEM
from ascms.database import may_pass_if_tried_again
from ascms.models import Case, CaseStatus

from .workshop import Workshop

LOGGER: Final = logging.getLogger("ascms.resolvers")


async def resume_due(workshop: Workshop, now: datetime) -> int:
    """Resume the paused cases whose review date is come; gives how many.

    Each in a transaction of its own, which looks again: several workers may do this at once. One that fails is left
    for the next time.
    """
    due = select(Case.id).where(Case.status == CaseStatus.PAUSED, Case.review_on <= local_day(now)).order_by(Case.id)
    async with AsyncSession(workshop.engine) as session:
        keys = (await session.scalars(due)).all()
    return sum([await _resume(workshop, key, now) for key in keys])


async def _resume(workshop: Workshop, key: int, now: datetime) -> bool:
    """Resume one case if it is still due; where its manager may no longer be it, it waits in the queue for another."""
    try:
        async with workshop.open(SYSTEM, "resumeCase", now) as work:
            still_due = (Case.id == key, Case.status == CaseStatus.PAUSED, Case.review_on <= work.today)
            case = await work.find(Case, *still_due, lock=True)
            if case is None:
                return False
            if await may_manage_case(work, case, case.case_manager_id):
                await resume(work, case)
            else:
                await return_to_queue(work, case)
            return True
    except DBAPIError as error:
        if not may_pass_if_tried_again(error):
            LOGGER.exception("a case was not resumed at its review date; it is tried again")
        return False

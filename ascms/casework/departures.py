"""When somebody may no longer be what a case names them as: who leaves, loses a role, or is kept from the student.

To be called once the role is ended or the block set, in the same transaction. Cases on which they still may stay.
What others see of it is the same for both, and says nothing of who did it: a block is not theirs to know of.
"""

from ascms.models import Case

from .assigning import return_to_queue
from .contacts import clear_contact
from .eligibility import hold, may_be_contact_of, may_manage_case
from .work import Condition, Work


async def person_gone(work: Work, user_id: int, organisation_id: int) -> None:
    """They lost a role at the organisation, or left it: both of the below."""
    await manager_gone(work, user_id, organisation_id)
    await contact_gone(work, user_id, organisation_id)


async def person_blocked(work: Work, user_id: int, student_id: int) -> None:
    """They are kept from the student: both of the below."""
    await manager_blocked(work, user_id, student_id)
    await contact_blocked(work, user_id, student_id)


async def manager_gone(work: Work, user_id: int, organisation_id: int) -> None:
    """The cases of the provider that they managed go back to its queue, with an alert to its Workflow Leads."""
    await _manages_no_longer(work, user_id, Case.provider_id == organisation_id)


async def manager_blocked(work: Work, user_id: int, student_id: int) -> None:
    """The student's cases that they managed go back to the queue, with an alert to the Workflow Leads."""
    await _manages_no_longer(work, user_id, Case.student_id == student_id)


async def contact_gone(work: Work, user_id: int, organisation_id: int) -> None:
    """The school's cases whose primary contact they were have none, and its Attendance Leads are told."""
    await _contact_no_longer(work, user_id, Case.school_id == organisation_id)


async def contact_blocked(work: Work, user_id: int, student_id: int) -> None:
    """The student's cases whose primary contact they were have none, and the Attendance Leads are told."""
    await _contact_no_longer(work, user_id, Case.student_id == student_id)


async def _manages_no_longer(work: Work, user_id: int, condition: Condition) -> None:
    await hold(work, user_id)
    for case in await work.all(Case, Case.case_manager_id == user_id, Case.active, condition, lock=True):
        if not await may_manage_case(work, case, user_id):
            await return_to_queue(work.by_itself("returnToQueue"), case)


async def _contact_no_longer(work: Work, user_id: int, condition: Condition) -> None:
    await hold(work, user_id)
    for case in await work.all(Case, Case.primary_contact_id == user_id, Case.active, condition, lock=True):
        if not await may_be_contact_of(work, case, user_id):
            await clear_contact(work.by_itself("changePrimaryContact"), case)

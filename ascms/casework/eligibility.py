"""Who may be named on a case: as its manager, as its primary contact.

The conditions on a user are SQL, so that a list of those who may and the check of one who was chosen are the same.
"""

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, or_, select
from sqlalchemy.orm import aliased

from ascms.models import AccessBlock, Case, Role, RoleAssignment, User

from .work import Work


def holds_at(user: Any, organisation_id: Any, *roles: Role) -> ColumnElement[bool]:
    """Whether the user holds one of the roles at the organisation, approved and not ended."""
    assignment = aliased(RoleAssignment)
    held = exists().where(
        assignment.user_id == user.id,
        assignment.organisation_id == organisation_id,
        or_(false(), *(assignment.role == role for role in roles)),
        assignment.approved_at.is_not(None),
        assignment.ended_at.is_(None),
    )
    return held.correlate_except(assignment)


def kept_apart(user: Any, student_id: Any) -> ColumnElement[bool]:
    """Whether an access block holds between the user and the student."""
    block = aliased(AccessBlock)
    held = exists().where(block.user_id == user.id, block.student_id == student_id, block.lifted_at.is_(None))
    return held.correlate_except(block)


def may_manage(user: Any, provider_id: Any, student_id: Any) -> ColumnElement[bool]:
    """Whether the user may be case manager: trained, in a role of the provider, and not kept from the student."""
    return and_(
        user.training_completed_at.is_not(None),
        holds_at(user, provider_id, Role.WORKFLOW_LEAD, Role.CASE_MANAGER),
        ~kept_apart(user, student_id),
    )


def may_be_contact(user: Any, school_id: Any, student_id: Any) -> ColumnElement[bool]:
    """Whether the user may be primary contact: a lead or contact of the school, not kept from the student."""
    return and_(holds_at(user, school_id, Role.ATTENDANCE_LEAD, Role.PRIMARY_CONTACT), ~kept_apart(user, student_id))


async def may_manage_case(work: Work, case: Case, user_id: int | None) -> bool:
    """Whether the user may be the case's manager. It stays so until the transaction ends (see `hold`)."""
    if user_id is None:
        return False
    await hold(work, user_id)
    return await work.find(User, User.id == user_id, may_manage(User, case.provider_id, case.student_id)) is not None


async def may_be_contact_of(work: Work, case: Case, user_id: int | None) -> bool:
    """Whether the user may be the case's primary contact. It stays so until the transaction ends (see `hold`)."""
    if user_id is None:
        return False
    await hold(work, user_id)
    return await work.find(User, User.id == user_id, may_be_contact(User, case.school_id, case.student_id)) is not None


async def hold(work: Work, user_id: int) -> None:
    """Nobody else names the user on a case, or takes them off their cases, until this transaction ends.

    So that a role that is ended while its holder is being named cannot leave a case with somebody who may not work it.
    """
    await work.session.execute(select(User.id).where(User.id == user_id).with_for_update(key_share=True))

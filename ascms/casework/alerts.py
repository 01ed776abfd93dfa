"""Alerts: who is told of what, in the portal and by e-mail. Written with the change that causes them.

An alert names a case or request, never a person. Nobody is told of a student from whom they are kept apart.
"""

from collections.abc import Sequence

from sqlalchemy import select

from ascms.models import (
    AccessBlock,
    Alert,
    AlertKind,
    Case,
    OutboxMessage,
    Request,
    Role,
    RoleAssignment,
)

from .work import Work


async def holders(work: Work, organisation_id: int | None, *roles: Role) -> list[int]:
    """The users who hold one of the roles at the organisation, with effect, by key."""
    if organisation_id is None:
        return []
    held = (
        select(RoleAssignment.user_id)
        .where(
            RoleAssignment.organisation_id == organisation_id,
            RoleAssignment.role.in_(roles),
            RoleAssignment.approved_at.is_not(None),
            RoleAssignment.ended_at.is_(None),
        )
        .distinct()
        .order_by(RoleAssignment.user_id)
    )
    return list((await work.session.scalars(held)).all())


async def is_blocked(work: Work, user_id: int, student_id: int | None) -> bool:
    """Whether an access block keeps the user and the student apart."""
    block = await work.find(
        AccessBlock,
        AccessBlock.user_id == user_id,
        AccessBlock.student_id == student_id,
        AccessBlock.lifted_at.is_(None),
    )
    return block is not None


async def tell_school(work: Work, case: Case, kind: AlertKind) -> None:
    """Tell the school's side of a case: its primary contact, or all Attendance Leads of the school without one."""
    if case.school_id is None:
        return
    told = [case.primary_contact_id] if case.primary_contact_id is not None else []
    told = told or await holders(work, case.school_id, Role.ATTENDANCE_LEAD)
    await tell(work, told, case.school_id, kind, case=case)


async def tell_provider(work: Work, case: Case, kind: AlertKind) -> None:
    """Tell the Workflow Leads of the case's provider."""
    leads = await holders(work, case.provider_id, Role.WORKFLOW_LEAD)
    await tell(work, leads, case.provider_id, kind, case=case)


async def tell(
    work: Work,
    users: Sequence[int],
    organisation_id: int,
    kind: AlertKind,
    *,
    case: Case | None = None,
    request: Request | None = None,
) -> None:
    """An alert to each of the users (but who makes the change), in the organisation, and an e-mail with it."""
    about = case if case is not None else request
    assert about is not None
    for user_id in dict.fromkeys(users):
        if user_id == work.actor.user_id or await is_blocked(work, user_id, about.student_id):
            continue
        alert = await work.add(
            Alert(
                user_id=user_id,
                organisation_id=organisation_id,
                kind=kind,
                case_id=case.id if case is not None else None,
                request_id=request.id if request is not None else None,
                created_at=work.now,
            )
        )
        work.raised(alert)
        await mail(work, user_id, organisation_id, kind, f"alert-{alert.id}", case=case, request=request)


async def mail(
    work: Work,
    user_id: int,
    organisation_id: int,
    kind: AlertKind,
    key: str,
    *,
    case: Case | None = None,
    request: Request | None = None,
) -> None:
    """An e-mail, to be sent once the change is committed; `key` tells it from every other."""
    payload = {
        "user": user_id,
        "organisation": organisation_id,
        "kind": kind.value,
        "case": case.number if case is not None else None,
        "reference": request.reference if request is not None else None,
    }
    await work.add(
        OutboxMessage(
            deduplication_key=f"{kind.value.lower()}-{key}", topic="email", payload=payload, created_at=work.now
        )
    )

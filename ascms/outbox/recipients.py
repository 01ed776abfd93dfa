"""Who a message may reach, asked at the moment it is sent.

Whoever still holds a role there that reads such things, is not kept apart, and whose organisation still has the case.
"""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ascms.casework.eligibility import kept_apart
from ascms.casework.invitations import TOPIC as INVITATION
from ascms.identity.contexts import Holding, contexts_of
from ascms.identity.viewer import Context
from ascms.models import AlertKind, Case, Organisation, OrganisationStatus, Request, Role, RoleAssignment, User

WITHOUT_CASES: Final = frozenset({Role.DELEGATED_AUTHORISER, Role.MINISTRY_ANALYST, Role.MINISTRY_ADMINISTRATOR})
"""Roles that reach no case: whoever holds nothing else is told of none."""


READ_WHAT_IS_SHARED: Final = frozenset({Role.ATTENDANCE_LEAD, Role.PRIMARY_CONTACT})
"""Roles that read what a provider shares with the school; Office Support reads its own."""
SHARED: Final = frozenset({AlertKind.COMMENT_SHARED, AlertKind.FILE_SHARED})


class MayNotReachError(Exception):
    """The message must not be sent; the reason is kept with it."""


async def address_of(connection: AsyncConnection, topic: str, payload: Mapping[str, Any]) -> str:
    """The recipient's e-mail address. Raises MayNotReachError where they may no longer be told."""
    user_id, organisation_id = payload.get("user"), payload.get("organisation")
    context = await _context(connection, user_id, organisation_id)
    if context is None or not (topic == INVITATION or _reads(context, payload)):
        raise MayNotReachError("the recipient has no role there any more that reaches this")
    student_id = None if topic == INVITATION else await _student(connection, payload)
    found = select(User.email, kept_apart(User, student_id)).where(User.id == user_id)
    address, apart = (await connection.execute(found)).one()
    if apart:
        raise MayNotReachError("the recipient may not be told of this")
    return str(address)


def _reads(context: Context, payload: Mapping[str, Any]) -> bool:
    """Whether a role in effect there reads what the message is about."""
    readers = context.roles - WITHOUT_CASES
    return bool(readers & READ_WHAT_IS_SHARED if payload.get("kind") in SHARED else readers)


async def _student(connection: AsyncConnection, payload: Mapping[str, Any]) -> int | None:
    """Whom the message is about: a draft's student may not be chosen yet.

    Raises MayNotReachError where the organisation does not have it any more: another school or provider has.
    """
    about: Select[*tuple[Any, ...]]
    if payload.get("case") is not None:
        about = select(Case.student_id, Case.school_id, Case.provider_id).where(Case.number == payload["case"])
    else:
        about = select(Request.student_id, Request.school_id, Request.provider_id).where(
            Request.reference == payload.get("reference")
        )
    found = (await connection.execute(about)).one_or_none()
    if found is None:
        raise MayNotReachError("what the message is about is not there")
    if payload.get("organisation") not in (found.school_id, found.provider_id):
        raise MayNotReachError("what the message is about is not the recipient's organisation's any more")
    student_id: int | None = found.student_id
    return student_id


async def _context(connection: AsyncConnection, user_id: int | None, organisation_id: int | None) -> Context | None:
    """The organisation as the user may act for it; None where they hold no role, be it in effect or not."""
    held = (
        select(
            User.training_completed_at,
            RoleAssignment.role,
            RoleAssignment.approved_at,
            Organisation.id,
            Organisation.number,
            Organisation.name,
            Organisation.kind,
            Organisation.region,
            Organisation.status,
        )
        .join(User, User.id == RoleAssignment.user_id)
        .join(Organisation, Organisation.id == RoleAssignment.organisation_id)
        .where(
            RoleAssignment.user_id == user_id,
            RoleAssignment.organisation_id == organisation_id,
            RoleAssignment.ended_at.is_(None),
        )
    )
    rows = (await connection.execute(held)).all()
    holdings = [
        Holding(
            role=row.role,
            approved=row.approved_at is not None,
            organisation_id=row.id,
            number=row.number,
            name=row.name,
            kind=row.kind,
            region=row.region,
            open=row.status is OrganisationStatus.OPEN,
        )
        for row in rows
    ]
    contexts = contexts_of(holdings, trained=any(row.training_completed_at is not None for row in rows))
    return contexts[0] if contexts else None

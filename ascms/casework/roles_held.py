"""Roles: given, taken away, given up. What somebody gives themselves waits for another, and so does a Ministry role
that two people grant; nobody takes an organisation's last Delegated Authoriser away.
"""

from sqlalchemy import select

from ascms.models import (
    FITTING_KINDS,
    GRANTED_BY_TWO,
    ROLE_TITLES,
    Organisation,
    OrganisationStatus,
    Role,
    RoleAssignment,
    User,
)

from .departures import person_gone
from .people import note
from .problems import Possible, duplicate, invalid, not_found, not_possible_now
from .work import Work

KEEPERS = (Role.MINISTRY_ADMINISTRATOR, Role.DELEGATED_AUTHORISER)


def role_at(role: Role, organisation: Organisation) -> str:
    """`Workflow Lead at Test College ISP (78912)`."""
    return f"{ROLE_TITLES[role]} at {organisation.name} ({organisation.number})"


# Giving ------------------------------------------------------------------------------------------------------


async def give(work: Work, user: User, role: Role, organisation: Organisation) -> RoleAssignment:
    """Give somebody a role, at once or for another to approve. Raises Refused where it does not fit, or is held."""
    check_fits(role, organisation)
    held = await _live(work, user.id, role, organisation.id)
    if held is not None:
        waits = "" if held.approved_at is not None else ", and it waits for approval"
        raise duplicate(f"They hold the role {ROLE_TITLES[role]} there already{waits}.", "role")
    waits_for_another = role in GRANTED_BY_TWO or user.id == work.actor.user
    assignment = await work.add(
        RoleAssignment(
            user_id=user.id,
            organisation_id=organisation.id,
            role=role,
            granted_by_id=work.actor.user,
            granted_at=work.now,
            approved_at=None if waits_for_another else work.now,
        )
    )
    what = "Role granted, waiting for approval" if waits_for_another else "Role granted"
    await _tell(work, assignment, organisation, what)
    return assignment


def check_fits(role: Role, organisation: Organisation) -> None:
    """Raise Refused where the organisation has no such role, or is closed."""
    if organisation.kind not in FITTING_KINDS[role]:
        fitting = ", ".join(one.value for one in Role if organisation.kind in FITTING_KINDS[one])
        raise invalid(f"An organisation of this kind has no {ROLE_TITLES[role]}; give one of {fitting}.", "role")
    if organisation.status is not OrganisationStatus.OPEN:
        raise not_possible_now("The organisation is closed, so that no role there has effect.", (), "organisation")


# Ending ------------------------------------------------------------------------------------------------------


async def take(work: Work, user: User, role: Role, organisation: Organisation) -> None:
    """Take a role from somebody. Raises Refused where they do not hold it, or are the last authoriser."""
    assignment = await _to_end(work, user.id, role, organisation)
    if assignment is None:
        raise not_found(f"They hold no role {ROLE_TITLES[role]} there; check role.", "role")
    await _end(work, assignment, organisation, "Role removed")


async def give_up(work: Work, role: Role, organisation: Organisation | None) -> None:
    """Give up a role of one's own. Raises Refused where one holds none, or is the last authoriser."""
    own = None if organisation is None else await _to_end(work, work.actor.user, role, organisation)
    if own is None or organisation is None:
        raise not_found("You hold no such role there; check role and organisation.", "role")
    await _end(work, own, organisation, "Role given up")


async def _to_end(work: Work, user_id: int, role: Role, organisation: Organisation) -> RoleAssignment | None:
    # One at a time in an organisation, so that two authorisers cannot take each other away at once.
    held = select(Organisation.id).where(Organisation.id == organisation.id).with_for_update(key_share=True)
    await work.session.execute(held)
    assignment = await _live(work, user_id, role, organisation.id)
    if assignment is not None and assignment.approved_at is not None and role is Role.DELEGATED_AUTHORISER:
        await _refuse_last(work, assignment, organisation)
    return assignment


async def _refuse_last(work: Work, assignment: RoleAssignment, organisation: Organisation) -> None:
    others = await work.all(
        RoleAssignment,
        RoleAssignment.organisation_id == organisation.id,
        RoleAssignment.role == Role.DELEGATED_AUTHORISER,
        RoleAssignment.approved_at.is_not(None),
        RoleAssignment.ended_at.is_(None),
        RoleAssignment.id != assignment.id,
    )
    if not others:
        raise not_possible_now(
            f"This is the last Delegated Authoriser of {organisation.name} ({organisation.number}); "
            "give the role to another person first.",
            [Possible("assignRole", KEEPERS), Possible("inviteUser", KEEPERS)],
        )


async def _end(work: Work, assignment: RoleAssignment, organisation: Organisation, what: str) -> None:
    assignment.ended_at, assignment.ended_by_id = work.now, work.actor.user
    await _tell(work, assignment, organisation, what)
    await work.session.flush()
    await person_gone(work, assignment.user_id, organisation.id)


# Both --------------------------------------------------------------------------------------------------------


async def _live(work: Work, user_id: int, role: Role, organisation_id: int) -> RoleAssignment | None:
    """The role as the user holds it there, in effect or waiting, held against others."""
    return await work.find(
        RoleAssignment,
        RoleAssignment.user_id == user_id,
        RoleAssignment.organisation_id == organisation_id,
        RoleAssignment.role == role,
        RoleAssignment.ended_at.is_(None),
        lock=True,
    )


async def _tell(work: Work, assignment: RoleAssignment, organisation: Organisation, what: str) -> None:
    work.log(assignment, None)
    work.changed_rights(assignment.user_id)
    await note(work, assignment.user_id, organisation.id, f"{what}: {role_at(assignment.role, organisation)}")

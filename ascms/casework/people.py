"""Whose account one keeps: the Administrator anybody's, an authoriser those of the organisation they act for.

Somebody whom a keeper does not reach is answered like an identifier that was never issued.
"""

from sqlalchemy import ColumnElement, exists, true

from ascms.models import AccountEvent, Organisation, Role, RoleAssignment, User

from .problems import invalid, not_found
from .work import Work


async def person_kept(work: Work, key: int) -> User:
    """Somebody whose account is the actor's to keep. Raises Refused for anybody else."""
    return await person_within(work, key, anywhere=Role.MINISTRY_ADMINISTRATOR in work.actor.roles)


async def person_within(work: Work, key: int, *, anywhere: bool) -> User:
    """Somebody who holds a role in the acting organisation, or `anywhere` or none. Raises Refused for nobody."""
    belongs = true() if anywhere else belongs_to(User.id, work.actor.organisation)
    person = await work.find(User, User.id == key, belongs)
    if person is None:
        raise not_found("There is no such person for you; check user.", "user")
    return person


def belongs_to(user_id: object, organisation_id: int) -> ColumnElement[bool]:
    """Whether the user holds a role in the organisation, in effect or waiting."""
    return exists().where(
        RoleAssignment.user_id == user_id,
        RoleAssignment.organisation_id == organisation_id,
        RoleAssignment.ended_at.is_(None),
    )


async def organisation_kept(work: Work, key: int | None) -> Organisation:
    """Where the actor gives and takes roles: `key`; left out, an authoriser's own. Raises Refused for any other."""
    if Role.MINISTRY_ADMINISTRATOR in work.actor.roles:
        if key is None:
            raise invalid("Say in which organisation: give organisation.", "organisation")
    elif key is not None and key != work.actor.organisation:
        raise not_found("You give roles in the organisation you act for only; leave organisation out.", "organisation")
    else:
        key = work.actor.organisation
    organisation = await work.find(Organisation, Organisation.id == key)
    if organisation is None:
        raise not_found("There is no such organisation; check organisation.", "organisation")
    return organisation


async def note(work: Work, user_id: int, organisation_id: int | None, description: str) -> None:
    """Write into the history of somebody's account, which is theirs to read: it names no other person."""
    await work.add(
        AccountEvent(user_id=user_id, organisation_id=organisation_id, occurred_at=work.now, description=description)
    )

"""Roles that wait: a second person approves one, or refuses it, which ends it."""

from ascms.models import Organisation, RoleAssignment

from .people import note
from .roles_held import role_at
from .work import Work


async def decide(work: Work, assignment: RoleAssignment, *, approve: bool) -> None:
    """Decide about a role that waits. Whether it is the actor's to decide was asked before, with the row held."""
    organisation = await work.get(Organisation, assignment.organisation_id)
    if approve:
        assignment.approved_at, assignment.approved_by_id = work.now, work.actor.user
    else:
        assignment.ended_at, assignment.ended_by_id = work.now, work.actor.user
    work.log(assignment, None)
    work.changed_rights(assignment.user_id)
    what = "Role approved" if approve else "Role not approved"
    await note(work, assignment.user_id, organisation.id, f"{what}: {role_at(assignment.role, organisation)}")

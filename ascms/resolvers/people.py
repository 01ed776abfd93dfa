"""Mutations of people and their roles."""

from typing import Any

from sqlalchemy import or_, select

from ascms.casework import approvals, invitations, people, roles_held, training
from ascms.casework.problems import Refused, not_found, not_possible_now
from ascms.models import Organisation, RoleAssignment
from ascms.permissions.actions import AccountManagers, Leavers
from ascms.planning.plan import parameters_of
from ascms.planning.sources import Outcome, Row
from ascms.planning.values import key_in
from ascms.schema.types.changes.people import (
    AssignRoleInput,
    DecideRoleApprovalInput,
    InviteUserInput,
    LeaveRoleInput,
    RecordTrainingInput,
    RemoveRoleInput,
)
from ascms.schema.types.viewer import roles_to_decide

from .changing import Doing, act, given


async def _organisation(doing: Doing, node: str | None) -> Organisation:
    key = None if node is None else key_in(node, "Organisation")
    return await people.organisation_kept(doing.work, key)


def _brought(assignment: RoleAssignment) -> Outcome:
    return Outcome({"user": assignment.user_id, "assignment": assignment.id})


# Giving and taking -------------------------------------------------------------------------------------------


async def invite_user(doing: Doing, asked: InviteUserInput) -> Outcome:
    organisation = await _organisation(doing, given(asked.organisation))
    guest = invitations.Guest(
        email=asked.email,
        given_name=given(asked.given_name),
        surname=given(asked.surname),
        display_name=given(asked.display_name),
        phone=given(asked.phone),
    )
    return _brought(await invitations.invite(doing.work, guest, asked.role, organisation))


async def assign_role(doing: Doing, asked: AssignRoleInput) -> Outcome:
    organisation = await _organisation(doing, given(asked.organisation))
    user = await people.person_kept(doing.work, key_in(asked.user, "User"))
    return _brought(await roles_held.give(doing.work, user, asked.role, organisation))


async def remove_role(doing: Doing, asked: RemoveRoleInput) -> Outcome:
    organisation = await _organisation(doing, given(asked.organisation))
    user = await people.person_kept(doing.work, key_in(asked.user, "User"))
    await roles_held.take(doing.work, user, asked.role, organisation)
    return Outcome({"user": user.id})


async def leave_role(doing: Doing, asked: LeaveRoleInput) -> Outcome:
    key = key_in(asked.organisation, "Organisation")
    organisation = await doing.work.find(Organisation, Organisation.id == key)
    await roles_held.give_up(doing.work, asked.role, organisation)
    return Outcome({"organisation": key})


INVITE_USER = act(invite_user, InviteUserInput, AccountManagers)
ASSIGN_ROLE = act(assign_role, AssignRoleInput, AccountManagers)
REMOVE_ROLE = act(remove_role, RemoveRoleInput, AccountManagers)
LEAVE_ROLE = act(leave_role, LeaveRoleInput, Leavers)


# Approvals and training --------------------------------------------------------------------------------------


async def decide_role_approval(doing: Doing, asked: DecideRoleApprovalInput) -> Outcome:
    key = key_in(asked.id, "Approval")
    mine: Any = roles_to_decide(Row(RoleAssignment), doing.me)
    found = select(RoleAssignment).where(RoleAssignment.id == key, mine).with_for_update(of=RoleAssignment)
    parameters = dict(parameters_of(doing.viewer))
    assignment = (await doing.work.session.scalars(found, parameters)).one_or_none()
    if assignment is None:
        raise await _why_not(doing, key)
    await approvals.decide(doing.work, assignment, approve=asked.approve)
    return _brought(assignment)


async def _why_not(doing: Doing, key: int) -> Refused:
    me = doing.viewer.user_id
    own = or_(RoleAssignment.user_id == me, RoleAssignment.granted_by_id == me)
    waiting = RoleAssignment.approved_at.is_(None), RoleAssignment.ended_at.is_(None)
    if await doing.work.find(RoleAssignment, RoleAssignment.id == key, own, *waiting) is not None:
        return not_possible_now(
            "Neither who gives a role nor who gets it decides about it: another authoriser of the organisation does, "
            "or the Ministry Administrator."
        )
    return not_found("No such role waits for your decision; it may have been decided already. Check id.", "id")


async def record_training(doing: Doing, asked: RecordTrainingInput) -> Outcome:
    user = await people.person_kept(doing.work, key_in(asked.user, "User"))
    await training.record(doing.work, user, given(asked.completed_on))
    return Outcome({"user": user.id})


DECIDE_ROLE_APPROVAL = act(decide_role_approval, DecideRoleApprovalInput, AccountManagers)
RECORD_TRAINING = act(record_training, RecordTrainingInput, AccountManagers)

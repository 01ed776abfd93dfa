"""Mutations of people and their roles."""

from ascms.permissions.actions import AccountManagers, Leavers
from ascms.planning.declare import entity
from ascms.resolvers import people
from ascms.schema.types.changes.people import (
    AssignRoleInput,
    AssignRolePayload,
    DecideRoleApprovalInput,
    DecideRoleApprovalPayload,
    InviteUserInput,
    InviteUserPayload,
    LeaveRoleInput,
    LeaveRolePayload,
    RecordTrainingInput,
    RecordTrainingPayload,
    RemoveRoleInput,
    RemoveRolePayload,
)

from .common import mutation


@entity(description="People and their roles.")
class PeopleMutations:
    invite_user: InviteUserPayload | None = mutation(
        people.INVITE_USER, AccountManagers, InviteUserInput, "Bring somebody into an organisation, with a role."
    )
    assign_role: AssignRolePayload | None = mutation(
        people.ASSIGN_ROLE,
        AccountManagers,
        AssignRoleInput,
        "Give somebody a role; one given to oneself, and some of the Ministry's, wait for a second person.",
    )
    remove_role: RemoveRolePayload | None = mutation(
        people.REMOVE_ROLE,
        AccountManagers,
        RemoveRoleInput,
        "Take a role from somebody at once; never an organisation's last Delegated Authoriser. Their cases go back.",
    )
    leave_role: LeaveRolePayload | None = mutation(
        people.LEAVE_ROLE, Leavers, LeaveRoleInput, "Give up a role of one's own, in any organisation."
    )
    decide_role_approval: DecideRoleApprovalPayload | None = mutation(
        people.DECIDE_ROLE_APPROVAL,
        AccountManagers,
        DecideRoleApprovalInput,
        "Approve or refuse a role that waits; never one's own, nor one that one gave.",
    )
    record_training: RecordTrainingPayload | None = mutation(
        people.RECORD_TRAINING,
        AccountManagers,
        RecordTrainingInput,
        "Certify that somebody else completed the mandatory training.",
    )

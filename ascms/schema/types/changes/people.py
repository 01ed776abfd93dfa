"""People and their roles: what is asked, and what came of it."""

from typing import Any

import strawberry

from ascms import models
from ascms.models import Role
from ascms.permissions.audiences import AsPath
from ascms.planning.declare import entity, field
from ascms.planning.sources import Performed
from ascms.schema.types.common import Date
from ascms.schema.types.organisations import Organisation
from ascms.schema.types.people import Assignment, User, assignments_shown, people_shown
from ascms.schema.types.problems import Problem

from .common import member, optional, problems

_WHERE = (
    "In which organisation. An authoriser's is the one they act for, and may be left out; the Administrator says it."
)
_ROLE = "The role; one that the organisation's kind has."


def _user() -> Any:
    return field(
        Performed("user", models.User, people_shown),
        AsPath,
        "The person as they are now; null where they hold no role any more in the organisation that one acts for.",
    )


def _assignment() -> Any:
    return field(
        Performed("assignment", models.RoleAssignment, assignments_shown),
        AsPath,
        "The role as it is held; `approved` says whether it has effect, or waits for a second person.",
    )


@strawberry.input(description="Somebody new, and the role they are given. ESL says later what they are called.")
class InviteUserInput:
    email: str = member("The address that they sign in with.")
    role: Role = member(_ROLE)
    organisation: strawberry.ID | None = optional(_WHERE)
    given_name: str | None = optional("Given name.")
    surname: str | None = optional("Surname.")
    display_name: str | None = optional("How they are called; left out, given name and surname.")
    phone: str | None = optional("Phone number.")


@entity(description="What came of an invitation; the same whether or not the address had an account.")
class InviteUserPayload:
    user: User | None = _user()
    assignment: Assignment | None = _assignment()
    problems: list[Problem] = problems()


@strawberry.input(description="A role for somebody.")
class AssignRoleInput:
    user: strawberry.ID = member("Who: of the organisation that one acts for; the Administrator names anybody.")
    role: Role = member(_ROLE)
    organisation: strawberry.ID | None = optional(_WHERE)


@entity(description="What came of giving a role.")
class AssignRolePayload:
    user: User | None = _user()
    assignment: Assignment | None = _assignment()
    problems: list[Problem] = problems()


@strawberry.input(description="A role to be taken from somebody.")
class RemoveRoleInput:
    user: strawberry.ID = member("Who: of the organisation that one acts for; the Administrator names anybody.")
    role: Role = member("The role, in effect or waiting.")
    organisation: strawberry.ID | None = optional(_WHERE)


@entity(description="What came of taking a role away.")
class RemoveRolePayload:
    user: User | None = _user()
    problems: list[Problem] = problems()


@strawberry.input(description="A role of one's own to give up.")
class LeaveRoleInput:
    role: Role = member("The role, in effect or waiting.")
    organisation: strawberry.ID = member("Where it is held; any organisation, whichever one acts for.")


@entity(description="What came of giving up a role.")
class LeaveRolePayload:
    organisation: Organisation | None = field(
        Performed("organisation", models.Organisation), AsPath, "Where it was held."
    )
    problems: list[Problem] = problems()


@strawberry.input(description="A decision about a role that waits.")
class DecideRoleApprovalInput:
    id: strawberry.ID = member("The approval's identifier, as viewer.approvals gives it.")
    approve: bool = member("Whether the role has effect from now on; else it is ended.")


@entity(description="What came of a decision about a role.")
class DecideRoleApprovalPayload:
    user: User | None = _user()
    assignment: Assignment | None = _assignment()
    problems: list[Problem] = problems()


@strawberry.input(description="That somebody completed the mandatory training.")
class RecordTrainingInput:
    user: strawberry.ID = member(
        "Who: of the organisation that one acts for, never oneself; the Administrator names anybody else."
    )
    completed_on: Date | None = optional("On which day; left out or null: today.")


@entity(description="What came of recording a training.")
class RecordTrainingPayload:
    user: User | None = _user()
    problems: list[Problem] = problems()

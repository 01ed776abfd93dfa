"""Users and the roles they hold."""

from typing import Any

import strawberry
from sqlalchemy import and_, true

from ascms import models
from ascms.models import Role
from ascms.permissions.audiences import AccountKeepers, AsPath, Everyone, Reachable
from ascms.permissions.scopes import member_of_acting
from ascms.planning.declare import entity, field
from ascms.planning.sources import Column, GlobalId, Link, Many, One

from .common import DateTime, Node
from .organisations import Organisation


def assignments_shown(assignment: Any, me: Any) -> Any:
    """Live ones of the acting organisation; of every organisation to Administrator and Privacy Officer."""
    live = assignment.ended_at.is_(None)
    if {Role.MINISTRY_ADMINISTRATOR, Role.PRIVACY_OFFICER} & set(me.roles):
        return live
    return and_(live, assignment.organisation_id == me.organisation_id)


def people_shown(user: Any, me: Any) -> Any:
    """Whom a payload may show: anybody to the Administrator; else oneself, and who holds a role where one acts."""
    return true() if Role.MINISTRY_ADMINISTRATOR in me.roles else member_of_acting(user, me)


@entity(models.RoleAssignment, description="A role that a user holds in an organisation.")
class Assignment:
    role: Role = field(models.RoleAssignment.role, AsPath, "The role.")
    organisation: Organisation | None = field(
        One(models.RoleAssignment.organisation_id, models.Organisation), AsPath, "The organisation it is held in."
    )
    granted_at: DateTime = field(models.RoleAssignment.granted_at, AsPath, "When it was given.")
    approved: bool = field(
        Column(lambda row, me: row.approved_at.is_not(None)),
        AsPath,
        "Whether it has effect, or waits for a second person.",
    )


@entity(models.User, description="A person who works with the system, as their organisation knows them.")
class User(Node):
    id: strawberry.ID = field(GlobalId("User"), Everyone, "The global identifier.")
    display_name: str | None = field(models.User.display_name, Everyone, "How they are called.")
    email: str | None = field(models.User.email, Reachable, "The e-mail address shown to others.")
    phone: str | None = field(models.User.phone, Reachable, "The phone number, null if none is known.")
    username: str | None = field(models.User.username, AccountKeepers, "What they sign in with.")
    last_signed_in_at: DateTime | None = field(
        models.User.last_signed_in_at, AccountKeepers, "When they last signed in, null if never."
    )
    training_completed_at: DateTime | None = field(
        models.User.training_completed_at, AccountKeepers, "When they completed the training, null if not yet."
    )
    assignments: list[Assignment] | None = field(
        Many(Link(models.RoleAssignment, models.RoleAssignment.user_id, where=assignments_shown), ("role", "id")),
        AccountKeepers,
        "The roles they hold in the acting organisation; in all, to the Administrator and the Privacy Officer.",
    )

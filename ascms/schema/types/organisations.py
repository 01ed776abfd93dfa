"""Organisations: schools, providers and Ministry offices, and the catchments they belong to."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from sqlalchemy.orm import aliased

from ascms import models
from ascms.models import OrganisationKind, OrganisationStatus
from ascms.permissions.audiences import AsPath, Everyone, MembersOfOwn
from ascms.permissions.scopes import some
from ascms.planning.declare import entity, field
from ascms.planning.sources import By, Connection, GlobalId, Link, One

from .common import Connected, Node

if TYPE_CHECKING:
    from .people import User


@entity(models.Catchment, description="The area whose schools one attendance service provider serves.")
class Catchment:
    id: strawberry.ID = field(GlobalId("Catchment"), AsPath, "The catchment's identifier.")
    name: str = field(models.Catchment.name, AsPath, "What the catchment is called.")


def holds_role_at(organisation: Any, user: Any) -> Any:
    """Whether `user` holds a role in `organisation` that has not ended."""
    assignment = aliased(models.RoleAssignment)
    return some(
        assignment,
        assignment.user_id == user.id,
        assignment.organisation_id == organisation.id,
        assignment.ended_at.is_(None),
    )


@entity(models.Organisation, description="An organisation of the sector, with its public facts.")
class Organisation(Node):
    id: strawberry.ID = field(GlobalId("Organisation"), Everyone, "The global identifier.")
    number: str | None = field(models.Organisation.number, Everyone, "The sector's organisation number.")
    name: str | None = field(models.Organisation.name, Everyone, "The name, macrons kept.")
    kind: OrganisationKind | None = field(models.Organisation.kind, Everyone, "What it is.")
    status: OrganisationStatus | None = field(models.Organisation.status, Everyone, "Whether it is in operation.")
    region: str | None = field(models.Organisation.region, Everyone, "The education region, null if national.")
    catchment: Catchment | None = field(
        One(models.Organisation.catchment_id, models.Catchment), Everyone, "The catchment it lies in or serves."
    )
    members: Connected[Annotated["User", strawberry.lazy("ascms.schema.types.people")]] | None = field(
        Connection(
            Link(models.User, on=lambda organisation, user, me: holds_role_at(organisation, user)),
            default_order=((By("displayName", ("display_name_folded", "display_name")), False),),
        ),
        MembersOfOwn,
        "The people who hold a role here, by name.",
    )

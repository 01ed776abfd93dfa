"""The viewer: who one is, what one may act for, and what waits for one."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from sqlalchemy import and_, case, false, or_
from sqlalchemy.orm import aliased

from ascms import models
from ascms.identity.viewer import Portal
from ascms.models import AlertKind, Gender, OrganisationKind, Role
from ascms.permissions.audiences import AsPath
from ascms.permissions.scopes import not_blocked, some
from ascms.planning.declare import entity, field
from ascms.planning.facts import Facts
from ascms.planning.sources import By, Column, Computed, Connection, Embedded, Given, GlobalId, Link, Many, One

from .common import Connected, Date, DateTime
from .imports import IMPORTS, Import
from .organisations import Organisation, holds_role_at
from .people import User
from .students import UnprotectRequest, unprotecting_shown

if TYPE_CHECKING:
    from .cases import Case
    from .requests import Request


def _roles(rows: Sequence[Mapping[str, Any]], facts: Facts) -> list[list[Role]]:
    roles = facts.viewer.roles
    return [[role for role in Role if role in roles] for _ in rows]


def _context_roles(rows: Sequence[Mapping[str, Any]], facts: Facts) -> list[list[Role]]:
    by_id = {context.organisation_id: context.roles for context in facts.viewer.contexts}
    return [[role for role in Role if role in by_id.get(row["id"], ())] for row in rows]


def _portal(organisation: Any, me: Any) -> Any:
    return case(
        (organisation.kind == OrganisationKind.SCHOOL, Portal.SCHOOL_PORTAL.value),
        else_=Portal.CASE_MANAGEMENT.value,
    )


@entity(models.Organisation, description="An organisation that the viewer may act for.")
class Context:
    organisation: Organisation = field(Embedded(), AsPath, "The organisation.")
    roles: list[Role] = field(
        Computed(_context_roles, lambda row, me: {"id": row.id}), AsPath, "The roles in effect there."
    )
    portal: Portal = field(Column(_portal), AsPath, "What acting for it opens.")


@entity(models.User, description="The viewer's own details, as ESL has them; corrected there.")
class Profile:
    username: str = field(models.User.username, AsPath, "What one signs in with.")
    title: str | None = field(models.User.title, AsPath, "Title.")
    given_name: str | None = field(models.User.given_name, AsPath, "Given name.")
    middle_name: str | None = field(models.User.middle_name, AsPath, "Middle name.")
    preferred_name: str | None = field(models.User.preferred_name, AsPath, "Preferred name.")
    surname: str | None = field(models.User.surname, AsPath, "Surname.")
    date_of_birth: Date | None = field(models.User.date_of_birth, AsPath, "Date of birth.")
    gender: Gender | None = field(models.User.gender, AsPath, "Gender.")
    email: str = field(models.User.email, AsPath, "The e-mail address shown to others.")
    phone: str | None = field(models.User.phone, AsPath, "Phone number.")


@entity(models.Alert, description="Something the viewer should know. Its text names nobody.")
class Alert:
    id: strawberry.ID = field(GlobalId("Alert"), AsPath, "The alert's identifier.")
    kind: AlertKind = field(models.Alert.kind, AsPath, "What it is about.")
    created_at: DateTime = field(models.Alert.created_at, AsPath, "When it was raised.")
    read_at: DateTime | None = field(models.Alert.read_at, AsPath, "When the viewer marked it as read.")
    case: Annotated["Case", strawberry.lazy("ascms.schema.types.cases")] | None = field(
        One(models.Alert.case_id, models.Case), AsPath, "The case, while the viewer reaches it."
    )
    request: Annotated["Request", strawberry.lazy("ascms.schema.types.requests")] | None = field(
        One(models.Alert.request_id, models.Request), AsPath, "The request, while the viewer reaches it."
    )


@entity(models.RoleAssignment, description="A role that waits for a second person's decision.")
class Approval:
    id: strawberry.ID = field(GlobalId("Approval"), AsPath, "The approval's identifier.")
    user: User = field(One(models.RoleAssignment.user_id, models.User), AsPath, "Who would hold it.")
    organisation: Organisation = field(
        One(models.RoleAssignment.organisation_id, models.Organisation), AsPath, "Where."
    )
    role: Role = field(models.RoleAssignment.role, AsPath, "The role.")
    granted_by: User | None = field(One(models.RoleAssignment.granted_by_id, models.User), AsPath, "Who gave it.")
    granted_at: DateTime = field(models.RoleAssignment.granted_at, AsPath, "When.")


@entity(models.AccountEvent, description="Something that happened to the viewer's account.")
class AccountEvent:
    occurred_at: DateTime = field(models.AccountEvent.occurred_at, AsPath, "When.")
    description: str = field(models.AccountEvent.description, AsPath, "What.")
    organisation: Organisation | None = field(
        One(models.AccountEvent.organisation_id, models.Organisation), AsPath, "For which organisation, if for one."
    )


@entity(description="How much the viewer may still ask in the present minute, in cost points.")
class RateLimit:
    limit: int = field(Given("limit"), AsPath, "Points a minute.")
    remaining: int = field(Given("remaining"), AsPath, "Points left in this minute, this operation's taken off.")
    reset_at: DateTime = field(Given("reset_at"), AsPath, "When the minute is over.")
    cost: int = field(Given("cost"), AsPath, "What this operation costs: the nodes it may return.")


def _own_context(user: Any, organisation: Any, me: Any) -> Any:
    return and_(holds_role_at(organisation, user), organisation.status == models.OrganisationStatus.OPEN)


def alerts_shown(alert: Any, me: Any) -> Any:
    """The acting organisation's, none about a student from whom the viewer is kept apart."""
    if not me.roles:
        return false()
    about, asked = aliased(models.Case), aliased(models.Request)
    free = or_(alert.case_id.is_(None), some(about, about.id == alert.case_id, not_blocked(about.student_id, me)))
    free_request = or_(
        alert.request_id.is_(None), some(asked, asked.id == alert.request_id, not_blocked(asked.student_id, me))
    )
    return and_(alert.organisation_id == me.organisation_id, free, free_request)


def own_alerts(alert: Any, me: Any) -> Any:
    """The viewer's own, as far as they are shown."""
    return and_(alert.user_id == me.user_id, alerts_shown(alert, me))


def roles_to_decide(assignment: Any, me: Any) -> Any:
    """What one may decide: never about oneself, nor what one gave; authorisers for their own organisation."""
    waiting = and_(
        assignment.approved_at.is_(None),
        assignment.ended_at.is_(None),
        assignment.user_id != me.user_id,
        or_(assignment.granted_by_id.is_(None), assignment.granted_by_id != me.user_id),
    )
    if Role.MINISTRY_ADMINISTRATOR in me.roles:
        return waiting
    if Role.DELEGATED_AUTHORISER in me.roles:
        return and_(waiting, assignment.organisation_id == me.organisation_id)
    return false()


def unprotecting_to_decide(request: Any, me: Any) -> Any:
    """What waits, was asked for by another person, and is about a student whom one reaches."""
    asked_by_another = request.requested_by_id != me.user_id
    return and_(request.decided_at.is_(None), asked_by_another, unprotecting_shown(request, me))


def _authoriser(user: Any, other: Any, me: Any) -> Any:
    if not me.roles:
        return false()  # without a role in effect one sees no other user
    assignment = aliased(models.RoleAssignment)
    return some(
        assignment,
        assignment.user_id == other.id,
        assignment.organisation_id == me.organisation_id,
        assignment.role == Role.DELEGATED_AUTHORISER,
        assignment.approved_at.is_not(None),
        assignment.ended_at.is_(None),
    )


def _missing(rows: Sequence[Mapping[str, Any]], facts: Facts) -> list[list[str]]:
    return [list(facts.viewer.missing) for _ in rows]


def _rate_limit(rows: Sequence[Mapping[str, Any]], facts: Facts) -> list[Any]:
    return [facts.offers["rate_limit"] for _ in rows]


@entity(models.User, description="Who asks, for which organisation, in which roles.")
class Viewer:
    user: User = field(Embedded(), AsPath, "The viewer as others see them.")
    profile: Profile = field(Embedded(), AsPath, "The viewer's own details.")
    roles: list[Role] = field(
        Computed(_roles, repeats=lambda row: True), AsPath, "The roles in effect for the acting organisation."
    )
    acting_for: Organisation | None = field(
        One(Column(lambda row, me: me.organisation_id), models.Organisation),
        AsPath,
        "The organisation acted for, null while none is chosen.",
    )
    contexts: list[Context] = field(
        Many(Link(models.Organisation, on=_own_context), ("name_folded", "name", "id")),
        AsPath,
        "The organisations the viewer may act for.",
    )
    missing: list[str] = field(Computed(_missing), AsPath, "What keeps a role from having effect, in words.")
    alerts: Connected[Alert] = field(
        Connection(
            Link(models.Alert, models.Alert.user_id, where=alerts_shown),
            default_order=((By("createdAt", ("created_at",)), True),),
        ),
        AsPath,
        "What the viewer should know in the acting organisation, the newest first.",
    )
    approvals: list[Approval] = field(
        Many(
            Link(models.RoleAssignment, on=lambda user, assignment, me: roles_to_decide(assignment, me)),
            ("granted_at", "id"),
        ),
        AsPath,
        "Roles that wait for the viewer's decision.",
    )
    unprotect_requests: list[UnprotectRequest] = field(
        Many(
            Link(models.UnprotectRequest, on=lambda user, request, me: unprotecting_to_decide(request, me)),
            ("requested_at", "id"),
        ),
        AsPath,
        "That others ask to lift a student's protection, and wait for the viewer's decision.",
    )
    authorisers: list[User] = field(
        Many(Link(models.User, on=_authoriser), ("display_name_folded", "display_name", "id")),
        AsPath,
        "The registered authorisers of the acting organisation.",
    )
    account_history: Connected[AccountEvent] = field(
        Connection(
            Link(models.AccountEvent, models.AccountEvent.user_id),
            default_order=((By("occurredAt", ("occurred_at",)), True),),
        ),
        AsPath,
        "What happened to the viewer's account, the latest first.",
    )
    imports: Connected[Import] = field(
        IMPORTS, AsPath, "Imports, the latest first; none for who is not a Ministry Administrator."
    )
    rate_limit: RateLimit = field(Computed(_rate_limit), AsPath, "How much the viewer may still ask.")

"""The query root: where every question starts."""

from typing import Any

import strawberry

from ascms import models
from ascms.models import OrganisationKind, Role
from ascms.permissions.audiences import AnyRole, AsPath, CaseRoleRoot, SchoolStaff, SignedIn
from ascms.planning.declare import argument, entity, field
from ascms.planning.sources import Given, Myself, NodeLookup
from ascms.resolvers import roots

from .types.cases import Case
from .types.codes import Access
from .types.common import Connected, Node
from .types.filters import CaseFilter, CaseOrder, RequestFilter, RequestOrder, StudentOrder
from .types.organisations import Organisation
from .types.requests import Request
from .types.students import Student, StudentChoice
from .types.viewer import Viewer


@entity(description="What one role sees of one field.")
class AccessRule:
    type: str = field(Given("type"), AsPath, "The type's name.")
    field_: str = field(Given("field"), AsPath, "The field's name.", name="field")
    role: Role = field(Given("role"), AsPath, "The role.")
    access: Access = field(Given("access"), AsPath, "What the role sees.")


@entity(description="A service in the catalogue of online services.")
class Service:
    name: str = field(Given("name"), AsPath, "What it is called.")
    summary: str = field(Given("summary"), AsPath, "What it is for.")


@entity(description="The privacy statement that a requester reads and passes on.")
class PrivacyStatement:
    version: str = field(Given("version"), AsPath, "Its version, kept with each confirmation.")
    text: str = field(Given("text"), AsPath, "Its text.")
    url: str = field(Given("url"), AsPath, "Where it stands in full.")


@entity(description="Where to get help.")
class Support:
    phone: str = field(Given("phone"), AsPath, "The service desk's phone number.")
    email: str = field(Given("email"), AsPath, "The service desk's e-mail address.")
    training: str | None = field(Given("training"), AsPath, "The address of the training module.")
    guidance: str | None = field(Given("guidance"), AsPath, "The address of the guidance.")
    known_issues: str | None = field(Given("known_issues"), AsPath, "The address of the list of known issues.")


_SEARCH = argument(str, "search", "Only what contains this in a name or number, macrons and letter case aside.")


def _where(filter_type: Any) -> Any:
    return argument(filter_type, "where", "Only what this holds for.")


def _order_by(order: Any) -> Any:
    return argument(list[order], "orderBy", "The order; what it leaves open is settled by identifier.")


@entity(description="Every question starts here; what it answers depends on the viewer's roles.")
class Query:
    viewer: Viewer = field(Myself(models.User), SignedIn, "Who asks, and for which organisation.")
    services: list[Service] | None = field(
        roots.SERVICES_SHOWN, SchoolStaff, "The online services for the acting school.", arguments=(_SEARCH,)
    )
    cases: Connected[Case] | None = field(
        roots.CASES,
        CaseRoleRoot,
        "The cases the viewer reaches, the newest first.",
        arguments=(_SEARCH, _where(CaseFilter), _order_by(CaseOrder)),
    )
    case: Case | None = field(
        roots.CASE,
        CaseRoleRoot,
        "A case by its number; null if there is none that the viewer reaches.",
        arguments=(argument(str, "number", "The case number, eight digits.", required=True),),
    )
    requests: Connected[Request] | None = field(
        roots.REQUESTS,
        CaseRoleRoot,
        "The requests the viewer reaches, drafts too, the latest changed first.",
        arguments=(_SEARCH, _where(RequestFilter), _order_by(RequestOrder)),
    )
    request: Request | None = field(
        roots.REQUEST,
        CaseRoleRoot,
        "A request by its number or its application reference, exactly one of them.",
        arguments=(
            argument(str, "number", "The request number."),
            argument(str, "reference", "The application reference."),
        ),
    )
    students: Connected[Student] | None = field(
        roots.STUDENTS,
        CaseRoleRoot,
        "The students of the cases the viewer reaches, by name.",
        arguments=(_SEARCH, _order_by(StudentOrder)),
    )
    student: Student | None = field(
        roots.STUDENT,
        CaseRoleRoot,
        "A student by global identifier; null if there is none that the viewer reaches.",
        arguments=(argument(strawberry.ID, "id", "The student's global identifier.", required=True),),
    )
    student_choices: list[StudentChoice] | None = field(
        roots.STUDENT_CHOICES,
        SchoolStaff,
        "Students enrolled at the acting school, by name, to choose one for a request.",
        arguments=(
            argument(str, "search", "What the name contains, macrons and letter case aside.", required=True),
            argument(int, "first", "How many at most, 100 or less; 20 if not given."),
        ),
    )
    organisations: Connected[Organisation] | None = field(
        roots.ORGANISATIONS,
        AnyRole,
        "The sector's organisations, by name.",
        arguments=(argument(OrganisationKind, "kind", "Only of this kind."), _SEARCH),
    )
    privacy_statement: PrivacyStatement = field(
        roots.PRIVACY_STATEMENT_SHOWN, SignedIn, "The privacy statement as it stands."
    )
    support: Support = field(roots.SUPPORT_SHOWN, SignedIn, "Where to get help.")
    access_matrix: list[AccessRule] | None = field(
        roots.ACCESS_MATRIX,
        AnyRole,
        "What the viewer's roles see of each field; all roles, to the Administrator and authorisers.",
    )
    node: Node | None = field(
        NodeLookup(),
        AnyRole,
        "An object by its global identifier; null if there is none that the viewer reaches.",
        arguments=(argument(strawberry.ID, "id", "The global identifier.", required=True),),
    )

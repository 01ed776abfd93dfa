"""Cases, as lists and the case view show them."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from sqlalchemy import and_, func, select
from sqlalchemy.orm import aliased

from ascms import models
from ascms.casework.eligibility import may_be_contact, may_manage
from ascms.models import CaseStatus, CaseType
from ascms.permissions.audiences import (
    AnyCaseRole,
    AsPath,
    CaseContent,
    CaseFiles,
    Outcomes,
    ProviderOnly,
    QueueKeeper,
    SchoolLeads,
    ServiceWatchers,
    WhereEnrolled,
)
from ascms.permissions.scopes import not_blocked
from ascms.planning.declare import argument, entity, field
from ascms.planning.sources import By, Column, Connection, Embedded, GlobalId, Link, Many, One, OneOf

from .allowances import CASE_ALLOWANCES, Allowance
from .casework import Comment, Event, File, NeedsFundEntry, SafetyAlert, Task
from .common import CodedValue, Connected, Date, DateTime, Node
from .filters import EVENT_ORDERS, EventFilter, EventOrder
from .organisations import Catchment, Organisation
from .people import User
from .service_levels import SERVICE_LEVELS, ServiceLevel
from .students import Student

if TYPE_CHECKING:
    from .requests import Request


CaseOwner = Annotated[
    User | Organisation,
    strawberry.union(
        "CaseOwner", description="Whose case it is: the case manager, or the provider while there is none."
    ),
]


def _may_be_contact(case: Any, user: Any, me: Any) -> Any:
    return may_be_contact(user, case.school_id, case.student_id)


def _may_be_manager(case: Any, user: Any, me: Any) -> Any:
    return may_manage(user, case.provider_id, case.student_id)


def _caseload(user: Any, me: Any) -> Any:
    case = aliased(models.Case)
    mine = and_(case.case_manager_id == user.id, case.provider_id == me.organisation_id, case.active)
    return select(func.count()).where(mine, not_blocked(case.student_id, me)).scalar_subquery()


@entity(models.User, description="A person who may be case manager, and how much they carry.")
class Caseload:
    user: User = field(Embedded(), AsPath, "The person.")
    active_cases: int = field(Column(_caseload), AsPath, "The provider's active cases that they manage.")


_MANAGER = One(models.Case.case_manager_id, models.User)
_PROVIDER = One(models.Case.provider_id, models.Organisation)


@entity(models.Case, scoped=True, description="A student's attendance case with a provider.")
class Case(Node):
    id: strawberry.ID = field(GlobalId("Case"), AnyCaseRole, "The global identifier.")
    number: str | None = field(models.Case.number, AnyCaseRole, "The case number, eight digits.")
    type: CaseType | None = field(models.Case.type, AnyCaseRole, "Why there is a case.")
    status: CaseStatus | None = field(models.Case.status, AnyCaseRole, "Where it stands.")
    opened_at: DateTime | None = field(models.Case.opened_at, AnyCaseRole, "When it was opened.")
    student: Student | None = field(
        One(models.Case.student_id, models.Student, implied=True), AnyCaseRole, "Whose attendance it is about."
    )
    school: Organisation | None = field(
        One(models.Case.school_id, models.Organisation), WhereEnrolled, "The student's present school, null if none."
    )
    provider: Organisation | None = field(_PROVIDER, AnyCaseRole, "The provider it is allocated to.")
    catchment: Catchment | None = field(
        One(models.Case.catchment_id, models.Catchment), AnyCaseRole, "The catchment; a case may lack one."
    )
    case_manager: User | None = field(_MANAGER, AnyCaseRole, "Who works it, null while nobody is named.")
    owner: CaseOwner | None = field(
        OneOf({"User": _MANAGER, "Organisation": _PROVIDER}), AnyCaseRole, "The case manager, or else the provider."
    )
    primary_contact: User | None = field(
        One(models.Case.primary_contact_id, models.User), AnyCaseRole, "The school's contact; a case may lack one."
    )
    version: int | None = field(
        models.Case.version, AnyCaseRole, "Goes up with each change; give it as expectedVersion."
    )
    viewer_can: list[Allowance] | None = field(CASE_ALLOWANCES, AnyCaseRole, "What the viewer may do to it now.")
    eligible_contacts: list[User] | None = field(
        Many(Link(models.User, on=_may_be_contact), ("display_name_folded", "display_name", "id")),
        SchoolLeads,
        "Who may be its primary contact: the school's Attendance Leads and Primary Contacts.",
    )
    eligible_managers: list[Caseload] | None = field(
        Many(Link(models.User, on=_may_be_manager), ("display_name_folded", "display_name", "id")),
        QueueKeeper,
        "Who may be its case manager: the provider's trained people, with their caseload.",
    )
    closed_at: DateTime | None = field(models.Case.closed_at, Outcomes, "When it was closed, null while active.")
    outcome: CodedValue | None = field(
        Embedded("outcome_", "code", constants={"code_set": "outcome"}), Outcomes, "How it ended, null while active."
    )
    status_reason: CodedValue | None = field(
        Embedded("status_reason_", "code", constants={"code_set": "pause_reason"}), CaseContent, "Why it is paused."
    )
    review_on: Date | None = field(models.Case.review_on, CaseContent, "When a paused case is looked at again.")
    barriers: list[CodedValue] | None = field(
        Many(Link(models.CaseBarrier, models.CaseBarrier.case_id), ("code",), {"code_set": "barrier"}),
        CaseContent,
        "What stands in the way of attending.",
    )
    school_contact_notes: str | None = field(
        models.Case.school_contact_notes, CaseContent, "What the school notes on how to reach its contact."
    )
    closing_summary: str | None = field(models.Case.closing_summary, ProviderOnly, "What was reached, at the end.")
    tasks: Connected[Task] | None = field(
        Connection(Link(models.Task, models.Task.case_id), default_order=((By("dueOn", ("due_on",)), False),)),
        ProviderOnly,
        "What is to be done, the next due first.",
    )
    safety_alerts: list[SafetyAlert] | None = field(
        Many(Link(models.SafetyAlert, models.SafetyAlert.case_id), ("raised_at", "id")),
        ProviderOnly,
        "What a visitor to the home must know.",
    )
    needs_fund: list[NeedsFundEntry] | None = field(
        Many(Link(models.NeedsFundEntry, models.NeedsFundEntry.case_id), ("spent_on", "id")),
        ProviderOnly,
        "Spending on unmet basic needs.",
    )
    service_levels: list[ServiceLevel] | None = field(
        SERVICE_LEVELS, ServiceWatchers, "The service-level clocks; none of a case that no targets were set for."
    )
    requests: Connected[Annotated["Request", strawberry.lazy("ascms.schema.types.requests")]] | None = field(
        Connection(
            Link(models.Request, models.Request.case_id),
            default_order=((By("submittedAt", ("submitted_at",)), True),),
        ),
        AnyCaseRole,
        "The requests it answers, the latest first.",
    )
    comments: Connected[Comment] | None = field(
        Connection(
            Link(models.Comment, models.Comment.case_id, hangs=True),
            default_order=((By("createdAt", ("created_at",)), True),),
        ),
        AnyCaseRole,
        "The comments the viewer may see, the newest first.",
    )
    events: Connected[Event] | None = field(
        Connection(
            Link(models.Event, models.Event.case_id, hangs=True),
            orders=EVENT_ORDERS,
            default_order=((By("occursAt", ("occurs_at",)), True),),
        ),
        AnyCaseRole,
        "The timeline as far as the viewer may see it, the latest first.",
        arguments=(
            argument(EventFilter, "where", "Only events for which all of this holds."),
            argument(
                list[EventOrder], "orderBy", "The order; ties are settled by further keys, at last by identifier."
            ),
        ),
    )
    files: Connected[File] | None = field(
        Connection(
            Link(models.File, models.File.case_id, hangs=True),
            default_order=((By("uploadedAt", ("uploaded_at",)), True),),
        ),
        CaseFiles,
        "The files the viewer may see, the newest first.",
    )

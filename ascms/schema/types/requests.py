"""Requests for support: drafts and what was submitted."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import aliased

from ascms import models
from ascms.casework.advice import CRITERIA, needs_reason
from ascms.casework.eligibility import may_be_contact
from ascms.casework.request_form import CONFIRMATIONS, steps
from ascms.casework.requests import may_provide
from ascms.casework.statements import PRIVACY_STATEMENT
from ascms.models import (
    AdviceLevel,
    CaseType,
    ConfirmationKind,
    NoticeMethod,
    RequestStatus,
)
from ascms.permissions.audiences import (
    AnyCaseRole,
    AsPath,
    RequestCaregivers,
    RequestChoices,
    RequestContent,
    RequestNotice,
)
from ascms.permissions.scopes import one_of, some
from ascms.planning.declare import entity, field
from ascms.planning.facts import Facts
from ascms.planning.sources import By, Column, Computed, Connection, Embedded, Given, GlobalId, Link, Many, One

from .allowances import REQUEST_ALLOWANCES, Allowance, decided
from .casework import File
from .common import CodedValue, Connected, Date, DateTime, Node, label_of
from .organisations import Organisation
from .people import User
from .students import Student, StudentChoice

if TYPE_CHECKING:
    from .cases import Case


@entity(description="A step of the request form.")
class RequestStep:
    name: str = field(Given("name"), AsPath, "The step's stable name.")
    title: str = field(Given("title"), AsPath, "The step's title.")
    complete: bool = field(
        Given("complete"), AsPath, "Whether nothing is missing. Once all are, the viewer can submit the request."
    )
    missing: list[str] = field(
        Given("missing"),
        AsPath,
        "What is still needed, by its path in `saveRequest` (`attendance.daysAbsent`), or in `submitRequest`.",
    )


@entity(models.Request, description="The student's attendance as the school stated it.")
class RequestAttendance:
    current_term_percentage: float | None = field(
        models.Request.current_term_percentage, AsPath, "Half-days present this term, in per cent."
    )
    previous_term_percentage: float | None = field(
        models.Request.previous_term_percentage, AsPath, "Half-days present in the term before, in per cent."
    )
    days_absent: int | None = field(models.Request.days_absent, AsPath, "Days absent this term.")
    first_day_absent: Date | None = field(models.Request.first_day_absent, AsPath, "The first day absent.")
    last_day_absent: Date | None = field(models.Request.last_day_absent, AsPath, "The last day absent.")


@entity(models.Request, description="What the school has done already.")
class SchoolActions:
    plan_in_place: bool | None = field(
        models.Request.plan_in_place, AsPath, "Whether an individual attendance plan is in place."
    )
    plan_reviewed_on: Date | None = field(models.Request.plan_reviewed_on, AsPath, "When the plan was reviewed.")
    plan_outcome: str | None = field(models.Request.plan_outcome, AsPath, "What came of the plan.")
    star_actions: str | None = field(
        models.Request.star_actions, AsPath, "The steps of the stepped attendance response taken."
    )
    whanau_contacted: str | None = field(
        models.Request.whanau_contacted, AsPath, "Whether and how whānau were contacted."
    )
    factors: list[CodedValue] = field(
        Many(Link(models.RequestFactor, models.RequestFactor.request_id), ("code",), {"code_set": "referral_factor"}),
        AsPath,
        "The circumstances that the referral advice weighs, of the code set `referral_factor`.",
    )


def _is_main(barrier: Any, me: Any) -> Any:
    request = aliased(models.Request)
    return some(request, request.id == barrier.request_id, request.main_barrier_code == barrier.code)


@entity(models.RequestBarrier, description="What stands in the way of attending.")
class RequestBarrier:
    code: str = field(models.RequestBarrier.code, AsPath, "The stable code, of the code set `barrier`.")
    name: str | None = field(Column(label_of), AsPath, "What it is called.")
    main: bool = field(Column(_is_main), AsPath, "Whether it is the main one.")


@entity(models.Request, description="Why a provider declined a request.")
class DeclineReason:
    code: str = field(Column("code"), AsPath, "The stable code, of the code set `decline_reason`.")
    name: str | None = field(Column(label_of), AsPath, "What it is called.")
    note: str | None = field(Column("note"), AsPath, "The provider's note to the school.")


@entity(models.RequestCriterion, description="One of the Ministry's criteria for asking for support.")
class Criterion:
    criterion: str = field(models.RequestCriterion.criterion, AsPath, "Which criterion.")
    met: bool = field(models.RequestCriterion.met, AsPath, "Yes or no; a no advises, none refuses.")
    note: str | None = field(models.RequestCriterion.note, AsPath, "A note.")


@entity(models.RequestCaregiverContact, description="A caregiver's contact details as given in a request.")
class CaregiverContact:
    name: str = field(models.RequestCaregiverContact.name, AsPath, "The caregiver's name.")
    relationship: str = field(models.RequestCaregiverContact.relationship, AsPath, "What they are to the student.")
    phone: str | None = field(models.RequestCaregiverContact.phone, AsPath, "Their phone number.")
    email: str | None = field(models.RequestCaregiverContact.email, AsPath, "Their e-mail address.")


@entity(models.RequestConfirmation, description="A confirmation given at the ESL check.")
class Confirmation:
    kind: ConfirmationKind = field(models.RequestConfirmation.kind, AsPath, "What was confirmed.")
    statement_version: str = field(
        models.RequestConfirmation.statement_version, AsPath, "The version of the statement confirmed."
    )
    confirmed_by: User | None = field(One(models.RequestConfirmation.confirmed_by_id, models.User), AsPath, "By whom.")
    confirmed_at: DateTime = field(models.RequestConfirmation.confirmed_at, AsPath, "When.")


@entity(models.NoticeGiven, description="That the family was given the privacy statement (IPP 3A).")
class NoticeGiven:
    given_on: Date = field(models.NoticeGiven.given_on, AsPath, "When.")
    given_to: str = field(models.NoticeGiven.given_to, AsPath, "To whom.")
    method: NoticeMethod = field(models.NoticeGiven.method, AsPath, "How.")
    recorded_by: User | None = field(One(models.NoticeGiven.recorded_by_id, models.User), AsPath, "Who recorded it.")
    recorded_at: DateTime = field(models.NoticeGiven.recorded_at, AsPath, "When it was recorded.")


@entity(models.Request, description="The referral advice that the system gave.")
class Advice:
    level: AdviceLevel = field(Column("level"), AsPath, "The advice.")
    reasons: list[str] | None = field(Column("reasons"), AsPath, "What led to it.")
    version: str | None = field(Column("version"), AsPath, "The version of the criteria.")


def form_columns(request: Any, me: Any) -> dict[str, Any]:
    """Of each member of the form whether it is there, as `request_form.steps` takes it.

    Who was named and may no longer be counts as nobody.
    """

    def entries(model: Any, *conditions: Any) -> Any:
        item = aliased(model)
        return some(item, item.request_id == request.id, *(condition(item) for condition in conditions))

    def confirmed(kind: models.ConfirmationKind, *conditions: Any) -> Any:
        return entries(models.RequestConfirmation, lambda item: item.kind == kind, *conditions)

    def mine(item: Any) -> Any:
        return and_(item.confirmed_by_id == me.user_id, item.statement_version == PRIVACY_STATEMENT.version)

    criterion = aliased(models.RequestCriterion)
    contact, provider = aliased(models.User), aliased(models.Organisation)
    answered = select(func.count()).where(criterion.request_id == request.id).correlate_except(criterion)
    details, statement = models.ConfirmationKind.DETAILS, models.ConfirmationKind.PRIVACY_STATEMENT
    return {
        **dict(zip(CONFIRMATIONS, (confirmed(details), confirmed(statement)), strict=True)),
        "confirmedByViewer": and_(confirmed(details, mine), confirmed(statement, mine)),
        "student": request.student_id.is_not(None),
        "caregiverContacts": entries(models.RequestCaregiverContact),
        "attendance.currentTermPercentage": request.current_term_percentage.is_not(None),
        "attendance.daysAbsent": request.days_absent.is_not(None),
        "criteria": answered.scalar_subquery() == len(CRITERIA),
        "planned": request.plan_in_place,
        "schoolActions.planInPlace": request.plan_in_place.is_not(None),
        "schoolActions.planReviewedOn": request.plan_reviewed_on.is_not(None),
        "schoolActions.whanauContacted": request.whanau_contacted.is_not(None),
        "barriers": entries(models.RequestBarrier),
        "provider": some(provider, provider.id == request.provider_id, _may_provide(request, provider, me)),
        "primaryContact": some(
            contact, contact.id == request.primary_contact_id, _may_be_contact(request, contact, me)
        ),
        "reasonNeeded": one_of(request.advice_level, *filter(needs_reason, AdviceLevel)),
        "adviceReason": request.advice_reason.is_not(None),
        "submitted": request.submitted_at.is_not(None),
    }


def _steps(rows: Sequence[Mapping[str, Any]], facts: Facts) -> list[Any]:
    return [steps(row) for row in rows]


def _may_be_contact(request: Any, user: Any, me: Any) -> Any:
    return may_be_contact(user, request.school_id, request.student_id)


def _may_provide(request: Any, provider: Any, me: Any) -> Any:
    return may_provide(provider, request.school_id)


def _as_its_source(contact: Any, me: Any) -> Any:
    """What was prefilled is as visible as what it was taken from."""
    request, student = aliased(models.Request), aliased(models.Student)
    seen = some(
        student,
        student.id == request.student_id,
        me.row_scope("Student", student),
        decided(me.sees("Student", "caregivers", student)),
    )
    return or_(~contact.prefilled, some(request, request.id == contact.request_id, seen))


@entity(models.Request, scoped=True, description="A school's request for support; a draft until it is submitted.")
class Request(Node):
    id: strawberry.ID = field(GlobalId("Request"), AnyCaseRole, "The global identifier.")
    reference: str | None = field(
        models.Request.reference, AnyCaseRole, "The application reference, the same from the first draft on."
    )
    number: str | None = field(models.Request.number, AnyCaseRole, "The request number, null until it is submitted.")
    type: CaseType | None = field(models.Request.type, AnyCaseRole, "What kind of support is asked for.")
    status: RequestStatus | None = field(models.Request.status, AnyCaseRole, "Where it stands.")
    student: Student | None = field(
        One(models.Request.student_id, models.Student), AnyCaseRole, "The student's record, where a case leads to it."
    )
    applied_for: StudentChoice | None = field(
        Embedded("applied_for_", "id", {"id": "student_id"}), AnyCaseRole, "Whom it is for, as recorded in it."
    )
    school: Organisation | None = field(
        One(models.Request.school_id, models.Organisation), AnyCaseRole, "The school that asks."
    )
    created_by: User | None = field(One(models.Request.created_by_id, models.User), AnyCaseRole, "Who began it.")
    primary_contact: User | None = field(
        One(models.Request.primary_contact_id, models.User), AnyCaseRole, "The school's contact, null if not yet named."
    )
    last_modified_at: DateTime | None = field(models.Request.last_modified_at, AnyCaseRole, "When it was last changed.")
    submitted_at: DateTime | None = field(
        models.Request.submitted_at, AnyCaseRole, "When it was submitted, null for a draft."
    )
    version: int | None = field(
        models.Request.version, AnyCaseRole, "Goes up with each change; give it as expectedVersion."
    )
    viewer_can: list[Allowance] | None = field(REQUEST_ALLOWANCES, AnyCaseRole, "What the viewer may do to it now.")
    steps: list[RequestStep] | None = field(
        Computed(_steps, form_columns), RequestContent, "The form's steps: which are complete, what each still needs."
    )
    eligible_contacts: list[User] | None = field(
        Many(Link(models.User, on=_may_be_contact), ("display_name_folded", "display_name", "id")),
        RequestChoices,
        "Who may be named as primary contact.",
    )
    eligible_providers: list[Organisation] | None = field(
        Many(Link(models.Organisation, on=_may_provide), ("school_id", "name_folded", "id")),
        RequestChoices,
        "Who may be asked: the school's own provider first, then the catchment's.",
    )
    decided_at: DateTime | None = field(
        models.Request.decided_at, AnyCaseRole, "When it was accepted or declined, null before."
    )
    decline_reason: DeclineReason | None = field(
        Embedded("decline_reason_", "code", {"note": "decline_note"}, {"code_set": "decline_reason"}),
        RequestContent,
        "Why it was declined, null unless it was.",
    )
    provider: Organisation | None = field(
        One(models.Request.provider_id, models.Organisation), AnyCaseRole, "The provider asked for."
    )
    case: Annotated["Case", strawberry.lazy("ascms.schema.types.cases")] | None = field(
        One(models.Request.case_id, models.Case), AnyCaseRole, "The case it opened or joined, null for a draft."
    )
    attendance: RequestAttendance | None = field(Embedded(), RequestContent, "Attendance as the school stated it.")
    school_actions: SchoolActions | None = field(Embedded(), RequestContent, "What the school has done.")
    criteria: list[Criterion] | None = field(
        Many(Link(models.RequestCriterion, models.RequestCriterion.request_id)),
        RequestContent,
        "The Ministry's criteria, answered.",
    )
    caregiver_contacts: list[CaregiverContact] | None = field(
        Many(Link(models.RequestCaregiverContact, models.RequestCaregiverContact.request_id, where=_as_its_source)),
        RequestCaregivers,
        "How to reach the caregivers, as given in the request. What was prefilled is there for those who see it at "
        "the student.",
    )
    barriers: list[RequestBarrier] | None = field(
        Many(Link(models.RequestBarrier, models.RequestBarrier.request_id), ("code",), {"code_set": "barrier"}),
        RequestContent,
        "What stands in the way of attending.",
    )
    barrier_notes: str | None = field(models.Request.barrier_notes, RequestContent, "Notes on the barriers.")
    other_services: str | None = field(models.Request.other_services, RequestContent, "Other services involved.")
    notes: str | None = field(models.Request.notes, RequestContent, "Notes on the support asked for.")
    advice: Advice | None = field(
        Embedded("advice_", "level"),
        RequestContent,
        "The Ministry's referral advice, null until there is enough to give it.",
    )
    notice_given: NoticeGiven | None = field(
        One("id", models.NoticeGiven, "request_id"),
        RequestNotice,
        "When, to whom and how the family was told, null if not yet.",
    )
    advice_reason: str | None = field(
        models.Request.advice_reason, RequestContent, "Why the school goes on where the advice is not to."
    )
    confirmations: list[Confirmation] | None = field(
        Many(Link(models.RequestConfirmation, models.RequestConfirmation.request_id), ("confirmed_at", "id")),
        RequestContent,
        "The confirmations of the ESL check.",
    )
    files: Connected[File] | None = field(
        Connection(
            Link(models.File, models.File.request_id, hangs=True),
            default_order=((By("uploadedAt", ("uploaded_at",)), True),),
        ),
        RequestContent,
        "Files given with it, the newest first.",
    )

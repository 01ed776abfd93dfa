"""Filters and orders. A member of a filter reads the field of the same name, and is refused where that is hidden.

Filters combine with `and`, `or` and `not`; `eq: null` asks for what has no value (or none that the viewer may see).
"""

from enum import StrEnum
from typing import Any, Optional

import strawberry

from ascms.models import CaseStatus, CaseType, EventKind, Gender, RequestStatus
from ascms.planning.sources import By

from .codes import OrderDirection, describe
from .common import Date, DateTime


def _op(description: str, name: str | None = None) -> Any:
    return strawberry.field(name=name, default=strawberry.UNSET, description=description)


def _reads(name: str) -> Any:
    return _op(f"What `{name}` must be.")


EQ, IN = "Equal to this; null for no value.", "Equal to one of these."
GT, GTE, LT, LTE = "Greater than this.", "This or greater.", "Less than this.", "This or less."
AND, OR, NOT = "All of these hold.", "At least one of these holds.", "This does not hold."


@strawberry.input(description="What a text must be; texts compare bytewise.")
class StringFilter:
    eq: str | None = _op(EQ)
    in_: list[str] | None = _op(IN, "in")
    gt: str | None = _op(GT)
    gte: str | None = _op(GTE)
    lt: str | None = _op(LT)
    lte: str | None = _op(LTE)
    contains: str | None = _op("Containing this, letter case aside.")


@strawberry.input(description="What a number must be.")
class IntFilter:
    eq: int | None = _op(EQ)
    in_: list[int] | None = _op(IN, "in")
    gt: int | None = _op(GT)
    gte: int | None = _op(GTE)
    lt: int | None = _op(LT)
    lte: int | None = _op(LTE)


@strawberry.input(description="What a day must be.")
class DateFilter:
    eq: Date | None = _op(EQ)
    in_: list[Date] | None = _op(IN, "in")
    gt: Date | None = _op(GT)
    gte: Date | None = _op(GTE)
    lt: Date | None = _op(LT)
    lte: Date | None = _op(LTE)


@strawberry.input(description="What an instant must be.")
class DateTimeFilter:
    eq: DateTime | None = _op(EQ)
    in_: list[DateTime] | None = _op(IN, "in")
    gt: DateTime | None = _op(GT)
    gte: DateTime | None = _op(GTE)
    lt: DateTime | None = _op(LT)
    lte: DateTime | None = _op(LTE)


@strawberry.input(description="What a yes or no must be.")
class BooleanFilter:
    eq: bool | None = _op(EQ)


@strawberry.input(description="Which user, by global identifier.")
class UserFilter:
    eq: strawberry.ID | None = _op(EQ)
    in_: list[strawberry.ID] | None = _op(IN, "in")


@strawberry.input(description="Which organisation, by global identifier or organisation number.")
class OrganisationFilter:
    eq: strawberry.ID | None = _op(EQ)
    in_: list[strawberry.ID] | None = _op(IN, "in")


@strawberry.input(description="Which code an entry must have; of a list, one at least.")
class CodeFilter:
    eq: str | None = _op(EQ)
    in_: list[str] | None = _op(IN, "in")


@strawberry.input(description="Where a case must stand.")
class CaseStatusFilter:
    eq: CaseStatus | None = _op(EQ)
    in_: list[CaseStatus] | None = _op(IN, "in")


@strawberry.input(description="Which type a case must have.")
class CaseTypeFilter:
    eq: CaseType | None = _op(EQ)
    in_: list[CaseType] | None = _op(IN, "in")


@strawberry.input(description="Where a request must stand.")
class RequestStatusFilter:
    eq: RequestStatus | None = _op(EQ)
    in_: list[RequestStatus] | None = _op(IN, "in")


@strawberry.input(description="Which gender must be recorded.")
class GenderFilter:
    eq: Gender | None = _op(EQ)
    in_: list[Gender] | None = _op(IN, "in")


@strawberry.input(description="Which kind an event must be.")
class EventKindFilter:
    eq: EventKind | None = _op(EQ)
    in_: list[EventKind] | None = _op(IN, "in")


@strawberry.input(description="Which students.")
class StudentFilter:
    year_level: IntFilter | None = _reads("yearLevel")
    date_of_birth: DateFilter | None = _reads("dateOfBirth")
    gender: GenderFilter | None = _reads("gender")
    ethnicities: CodeFilter | None = _reads("ethnicities")
    iwi: CodeFilter | None = _reads("iwi")
    protected: BooleanFilter | None = _reads("protected")
    and_: list["StudentFilter"] | None = _op(AND, "and")
    or_: list["StudentFilter"] | None = _op(OR, "or")
    not_: Optional["StudentFilter"] = _op(NOT, "not")


@strawberry.input(description="Which cases.")
class CaseFilter:
    number: StringFilter | None = _reads("number")
    status: CaseStatusFilter | None = _reads("status")
    type: CaseTypeFilter | None = _reads("type")
    opened_at: DateTimeFilter | None = _reads("openedAt")
    closed_at: DateTimeFilter | None = _reads("closedAt")
    review_on: DateFilter | None = _reads("reviewOn")
    outcome: CodeFilter | None = _reads("outcome")
    barriers: CodeFilter | None = _reads("barriers")
    provider: OrganisationFilter | None = _reads("provider")
    school: OrganisationFilter | None = _reads("school")
    case_manager: UserFilter | None = _reads("caseManager")
    primary_contact: UserFilter | None = _reads("primaryContact")
    student: StudentFilter | None = _reads("student")
    and_: list["CaseFilter"] | None = _op(AND, "and")
    or_: list["CaseFilter"] | None = _op(OR, "or")
    not_: Optional["CaseFilter"] = _op(NOT, "not")


@strawberry.input(description="Which requests.")
class RequestFilter:
    number: StringFilter | None = _reads("number")
    reference: StringFilter | None = _reads("reference")
    status: RequestStatusFilter | None = _reads("status")
    type: CaseTypeFilter | None = _reads("type")
    created_by: UserFilter | None = _reads("createdBy")
    primary_contact: UserFilter | None = _reads("primaryContact")
    barriers: CodeFilter | None = _reads("barriers")
    and_: list["RequestFilter"] | None = _op(AND, "and")
    or_: list["RequestFilter"] | None = _op(OR, "or")
    not_: Optional["RequestFilter"] = _op(NOT, "not")


@strawberry.input(description="Which events.")
class EventFilter:
    kind: EventKindFilter | None = _reads("kind")
    occurs_at: DateTimeFilter | None = _reads("occursAt")
    recorded_at: DateTimeFilter | None = _reads("recordedAt")
    and_: list["EventFilter"] | None = _op(AND, "and")
    or_: list["EventFilter"] | None = _op(OR, "or")
    not_: Optional["EventFilter"] = _op(NOT, "not")


# Orders ------------------------------------------------------------------------------------------------------


class CaseOrderField(StrEnum):
    """What cases can be sorted by."""

    NUMBER = "NUMBER"
    OPENED_AT = "OPENED_AT"
    CLOSED_AT = "CLOSED_AT"
    REVIEW_ON = "REVIEW_ON"
    STATUS = "STATUS"
    TYPE = "TYPE"
    STUDENT_FULL_NAME = "STUDENT_FULL_NAME"
    STUDENT_DATE_OF_BIRTH = "STUDENT_DATE_OF_BIRTH"


describe(
    CaseOrderField,
    "What cases can be sorted by.",
    NUMBER="The case number.",
    OPENED_AT="When it was opened.",
    CLOSED_AT="When it was closed.",
    REVIEW_ON="When a paused case is looked at again.",
    STATUS="Where it stands.",
    TYPE="Why there is a case.",
    STUDENT_FULL_NAME="The student's name, macrons and case aside.",
    STUDENT_DATE_OF_BIRTH="The student's date of birth.",
)
CASE_ORDERS = {
    CaseOrderField.NUMBER: By("number", ("number",)),
    CaseOrderField.OPENED_AT: By("openedAt", ("opened_at",)),
    CaseOrderField.CLOSED_AT: By("closedAt", ("closed_at",)),
    CaseOrderField.REVIEW_ON: By("reviewOn", ("review_on",)),
    CaseOrderField.STATUS: By("status", ("status",)),
    CaseOrderField.TYPE: By("type", ("type",)),
    CaseOrderField.STUDENT_FULL_NAME: By("student.fullName", ("full_name_folded", "full_name")),
    CaseOrderField.STUDENT_DATE_OF_BIRTH: By("student.dateOfBirth", ("date_of_birth",)),
}


@strawberry.input(description="A sort key of cases.")
class CaseOrder:
    field: CaseOrderField = strawberry.field(description="What to sort by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


class StudentOrderField(StrEnum):
    """What students can be sorted by."""

    FULL_NAME = "FULL_NAME"
    DATE_OF_BIRTH = "DATE_OF_BIRTH"
    YEAR_LEVEL = "YEAR_LEVEL"


describe(
    StudentOrderField,
    "What students can be sorted by.",
    FULL_NAME="The name, macrons and case aside.",
    DATE_OF_BIRTH="The date of birth.",
    YEAR_LEVEL="The year level.",
)
STUDENT_ORDERS = {
    StudentOrderField.FULL_NAME: By("fullName", ("full_name_folded", "full_name")),
    StudentOrderField.DATE_OF_BIRTH: By("dateOfBirth", ("date_of_birth",)),
    StudentOrderField.YEAR_LEVEL: By("yearLevel", ("year_level",)),
}


@strawberry.input(description="A sort key of students.")
class StudentOrder:
    field: StudentOrderField = strawberry.field(description="What to sort by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


class RequestOrderField(StrEnum):
    """What requests can be sorted by."""

    LAST_MODIFIED_AT = "LAST_MODIFIED_AT"
    SUBMITTED_AT = "SUBMITTED_AT"
    NUMBER = "NUMBER"


describe(
    RequestOrderField,
    "What requests can be sorted by.",
    LAST_MODIFIED_AT="When it was last changed.",
    SUBMITTED_AT="When it was submitted.",
    NUMBER="The request number.",
)
REQUEST_ORDERS = {
    RequestOrderField.LAST_MODIFIED_AT: By("lastModifiedAt", ("last_modified_at",)),
    RequestOrderField.SUBMITTED_AT: By("submittedAt", ("submitted_at",)),
    RequestOrderField.NUMBER: By("number", ("number",)),
}


@strawberry.input(description="A sort key of requests.")
class RequestOrder:
    field: RequestOrderField = strawberry.field(description="What to sort by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


class EventOrderField(StrEnum):
    """What events can be sorted by."""

    OCCURS_AT = "OCCURS_AT"
    RECORDED_AT = "RECORDED_AT"


describe(
    EventOrderField,
    "What events can be sorted by.",
    OCCURS_AT="When it happened, or will.",
    RECORDED_AT="When it was recorded.",
)
EVENT_ORDERS = {
    EventOrderField.OCCURS_AT: By("occursAt", ("occurs_at",)),
    EventOrderField.RECORDED_AT: By("recordedAt", ("recorded_at",)),
}


@strawberry.input(description="A sort key of events.")
class EventOrder:
    field: EventOrderField = strawberry.field(description="What to sort by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")

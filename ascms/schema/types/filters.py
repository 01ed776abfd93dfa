"""Filters and orders. A member of a filter reads the field of the same name, and is refused where that is hidden.

Filters combine with `and`, `or` and `not`; `eq: null` asks for what has no value (or none that the viewer may see).
"""

from enum import StrEnum
from typing import Any, Optional

import strawberry

from ascms.planning.sources import By

from .common import CaseStatus, CaseType, Date, DateTime, EventKind, Gender, RequestStatus, described_enum


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
    and_: Optional[list["StudentFilter"]] = _op(AND, "and")
    or_: Optional[list["StudentFilter"]] = _op(OR, "or")
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
    and_: Optional[list["CaseFilter"]] = _op(AND, "and")
    or_: Optional[list["CaseFilter"]] = _op(OR, "or")
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
    and_: Optional[list["RequestFilter"]] = _op(AND, "and")
    or_: Optional[list["RequestFilter"]] = _op(OR, "or")
    not_: Optional["RequestFilter"] = _op(NOT, "not")


@strawberry.input(description="Which events.")
class EventFilter:
    kind: EventKindFilter | None = _reads("kind")
    occurs_at: DateTimeFilter | None = _reads("occursAt")
    recorded_at: DateTimeFilter | None = _reads("recordedAt")
    and_: Optional[list["EventFilter"]] = _op(AND, "and")
    or_: Optional[list["EventFilter"]] = _op(OR, "or")
    not_: Optional["EventFilter"] = _op(NOT, "not")


# Orders ------------------------------------------------------------------------------------------------------


class _Direction(StrEnum):
    ASC = "ASC"
    DESC = "DESC"


OrderDirection = described_enum(
    _Direction, "Which way a sort key runs; what has no value comes last either way.",
    ASC="The smallest, earliest or first letter first.", DESC="The greatest, latest or last letter first.",
)  # fmt: skip


def order_field(name: str, description: str, keys: dict[str, tuple[str, By]]) -> tuple[Any, dict[Any, By]]:
    """A sort-key enum from {member: (what it sorts by, the key)}: the published enum, and its keys."""
    enum = StrEnum(name, {member: member for member in keys})  # type: ignore[misc]
    published = described_enum(enum, description, **{member: text for member, (text, _) in keys.items()})
    return published, {enum[member]: by for member, (_, by) in keys.items()}


CaseOrderField, CASE_ORDERS = order_field(
    "CaseOrderField",
    "What cases can be sorted by.",
    {
        "NUMBER": ("The case number.", By("number", ('number',))),
        "OPENED_AT": ("When it was opened.", By("openedAt", ('opened_at',))),
        "CLOSED_AT": ("When it was closed.", By("closedAt", ('closed_at',))),
        "REVIEW_ON": ("When a paused case is looked at again.", By("reviewOn", ('review_on',))),
        "STATUS": ("Where it stands.", By("status", ('status',))),
        "TYPE": ("Why there is a case.", By("type", ('type',))),
        "STUDENT_FULL_NAME": ("The student's name, macrons and case aside.", By("student.fullName", ('full_name_folded', 'full_name'))),
        "STUDENT_DATE_OF_BIRTH": ("The student's date of birth.", By("student.dateOfBirth", ('date_of_birth',))),
    },
)


@strawberry.input(description="A sort key of cases.")
class CaseOrder:
    field: CaseOrderField = strawberry.field(description="What to sort by.")
    direction: OrderDirection = strawberry.field(default=_Direction.ASC, description="Which way.")


StudentOrderField, STUDENT_ORDERS = order_field(
    "StudentOrderField",
    "What students can be sorted by.",
    {
        "FULL_NAME": ("The name, macrons and case aside.", By("fullName", ('full_name_folded', 'full_name'))),
        "DATE_OF_BIRTH": ("The date of birth.", By("dateOfBirth", ('date_of_birth',))),
        "YEAR_LEVEL": ("The year level.", By("yearLevel", ('year_level',))),
    },
)


@strawberry.input(description="A sort key of students.")
class StudentOrder:
    field: StudentOrderField = strawberry.field(description="What to sort by.")
    direction: OrderDirection = strawberry.field(default=_Direction.ASC, description="Which way.")


RequestOrderField, REQUEST_ORDERS = order_field(
    "RequestOrderField",
    "What requests can be sorted by.",
    {
        "LAST_MODIFIED_AT": ("When it was last changed.", By("lastModifiedAt", ('last_modified_at',))),
        "SUBMITTED_AT": ("When it was submitted.", By("submittedAt", ('submitted_at',))),
        "NUMBER": ("The request number.", By("number", ('number',))),
    },
)


@strawberry.input(description="A sort key of requests.")
class RequestOrder:
    field: RequestOrderField = strawberry.field(description="What to sort by.")
    direction: OrderDirection = strawberry.field(default=_Direction.ASC, description="Which way.")


EventOrderField, EVENT_ORDERS = order_field(
    "EventOrderField",
    "What events can be sorted by.",
    {
        "OCCURS_AT": ("When it happened, or will.", By("occursAt", ('occurs_at',))),
        "RECORDED_AT": ("When it was recorded.", By("recordedAt", ('recorded_at',))),
    },
)


@strawberry.input(description="A sort key of events.")
class EventOrder:
    field: EventOrderField = strawberry.field(description="What to sort by.")
    direction: OrderDirection = strawberry.field(default=_Direction.ASC, description="Which way.")


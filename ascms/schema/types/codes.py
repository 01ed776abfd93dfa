"""The closed code sets as clients see them: every enum and each of its members described, in one place.

Publishing marks the enum itself, so the other modules annotate with the code sets of `ascms.models`.
"""

from enum import StrEnum

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from ascms.casework.service_levels import ServiceLevelState
from ascms.identity.viewer import Portal
from ascms.imports import ImportKind, ImportState
from ascms.models import (
    AdviceLevel,
    AlertKind,
    CaseStatus,
    CaseType,
    ConfirmationKind,
    EventKind,
    Gender,
    NoticeMethod,
    OrganisationKind,
    OrganisationStatus,
    RequestStatus,
    Role,
    Visibility,
)
from ascms.permissions.audience import Cell


def describe(enum: type[StrEnum], description: str, **members: str) -> None:
    """Publish a code set as a GraphQL enum. Raises KeyError for a member without a description."""
    published = strawberry.enum(enum, description=description)
    definition: StrawberryEnumDefinition = published.__strawberry_definition__  # type: ignore[attr-defined]
    for value in definition.values:
        value.description = members[value.name]


class OrderDirection(StrEnum):
    """Which way a sort key runs."""

    ASC = "ASC"
    DESC = "DESC"


class Access(StrEnum):
    """The cells of the matrix, in words."""

    VISIBLE = Cell.VISIBLE.name
    WHILE_ACTIVE = Cell.WHILE_ACTIVE.name
    SHARED = Cell.SHARED.name
    OWN = Cell.OWN.name
    HIDDEN = Cell.HIDDEN.name


describe(
    Role,
    "A role that a person holds in an organisation.",
    ATTENDANCE_LEAD="Leads attendance at a school; reaches the active cases of its students.",
    PRIMARY_CONTACT="A school's contact for cases; reaches those where they are the contact.",
    OFFICE_SUPPORT="Helps in a school's office; reaches the active cases of its students, some of each.",
    WORKFLOW_LEAD="Runs a provider's queue and assigns its case managers.",
    CASE_MANAGER="Works the cases that a provider assigned to them.",
    MINISTRY_ADVISER="Advises a region of the Ministry; reads its cases without their content.",
    MINISTRY_ANALYST="Reads statistics, never a person's row.",
    PRIVACY_OFFICER="Answers for who saw what of a student, and for corrections.",
    MINISTRY_ADMINISTRATOR="Keeps organisations, catchments and code sets.",
    DELEGATED_AUTHORISER="Keeps an organisation's people and their roles.",
)
describe(
    CaseType,
    "Why there is a case; it stays as born.",
    CHRONIC_ABSENCE="Present 70 % or less of a term; from a school's request.",
    NON_ENROLLED="Of compulsory school age and on no school's roll; from an ENROL notification.",
)
describe(
    CaseStatus,
    "Where a case stands. Active cases are all that are not closed.",
    PROVIDER_QUEUE="With a provider, waiting to be opened.",
    OPEN="Being worked by a case manager.",
    PAUSED="Stopped for a reason, to be looked at again on a date.",
    TRANSITION="Carried over from the former system, waiting to be opened.",
    CLOSED="Ended, with an outcome.",
)
describe(
    RequestStatus,
    "Where a request for support stands.",
    DRAFT="Being filled in; its school alone sees it.",
    SUBMITTED="With the provider; its case is open in the queue.",
    ACCEPTED="A case manager is named.",
    DECLINED="Turned down by the provider, with a reason the school sees.",
    WITHDRAWN="Taken back by the school.",
)
describe(
    Gender,
    "As ENROL has it; not to be read as sex.",
    M="Male, tāne.",
    F="Female, wahine.",
    X="Another gender, he ira kē anō.",
    U="Not stated.",
)
describe(
    Visibility,
    "Who beside the provider sees an item.",
    INTERNAL="The provider alone.",
    SHARED="The school named when it was shared too, and none that follows it.",
)
describe(
    EventKind,
    "What happened, or will.",
    REQUEST_RECEIVED="A request for support came in.",
    PHONE_CALL="A phone call.",
    TEXT_MESSAGE="A text message.",
    EMAIL="An e-mail.",
    HOME_VISIT="A visit to the home.",
    MEETING="A meeting, hui.",
    SCHOOL_VISIT="A visit to the school.",
    NOTE="A note.",
    CASE_CHANGED="A change of the case itself.",
)
describe(
    OrganisationKind,
    "What an organisation is.",
    SCHOOL="A school or kura.",
    IN_SCHOOL_PROVIDER="A provider funded inside one school; an organisation of its own.",
    ATTENDANCE_SERVICE_PROVIDER="The provider contracted for a catchment.",
    MINISTRY="The Ministry of Education, or one of its regional offices.",
)
describe(
    OrganisationStatus,
    "Whether an organisation is in operation.",
    OPEN="In operation.",
    CLOSED="No longer in operation; nobody acts for it.",
)
describe(
    AdviceLevel,
    "The Ministry's referral advice. It warns; only DO_NOT_REFER needs a written reason to go on.",
    HIGHLY_RECOMMENDED="Chronic absence with other risk factors.",
    CONSIDER="Whānau does not engage, other services have not worked, moving school, or a sibling is supported.",
    DELAY="Attendance is improving, the plan is not fully tried, or another service fits better.",
    DO_NOT_REFER="An international student without a visa, or skipping one class only.",
)
describe(
    ConfirmationKind,
    "What is confirmed at the ESL check.",
    DETAILS="The details shown from ESL are right.",
    PRIVACY_STATEMENT="The privacy statement is read, and will be given to the student or caregivers.",
)
describe(
    NoticeMethod,
    "How the privacy statement was given.",
    LINK="As a link.",
    PRINTED="As a printed copy.",
    EMAIL="By e-mail.",
    IN_PERSON="In person.",
)
describe(
    Portal,
    "What acting for an organisation opens.",
    SCHOOL_PORTAL="Services, requests and active cases of a school.",
    CASE_MANAGEMENT="Case management, or the Ministry's views.",
)
describe(
    AlertKind,
    "What an alert is about.",
    CASE_OPENED="A case was opened.",
    STATUS_CHANGED="A case's status changed.",
    CASE_MANAGER_ASSIGNED="A case manager was assigned.",
    COMMENT_SHARED="A comment was shared.",
    FILE_SHARED="A file was shared.",
    CONTACT_CHANGED="The primary contact changed.",
    REQUEST_SUBMITTED="A request was submitted.",
    RETURNED_TO_QUEUE="A case went back to the queue.",
    STUDENT_ARRIVED="A student with an active case arrived at the school.",
)
describe(
    ServiceLevelState,
    "Where a service-level clock stands.",
    MET="Reached by its day.",
    MISSED="Reached after its day, or not at all in a case that was closed after it.",
    RUNNING="Not reached yet, its day not over.",
    PAUSED="Not reached yet, its day not over; it stands still while the case is paused.",
    OVERDUE="Not reached, its day over.",
    ENDED="Not reached, and the case was closed before its day was over.",
)
describe(
    ImportKind,
    "What an import brings in.",
    ENROLMENTS="ENROL's nightly file: students and their enrolments.",
    CASES="The former system's cases.",
)
describe(
    ImportState,
    "Where an import is.",
    RECEIVED="The file is there.",
    STAGING="The file is read and compared; nothing is changed yet.",
    APPLYING="What differs is being changed.",
    DONE="Done.",
    FAILED="It failed, and changed nothing.",
)
describe(
    OrderDirection,
    "Which way a sort key runs; what has no value comes last either way.",
    ASC="The smallest, earliest or first letter first.",
    DESC="The greatest, latest or last letter first.",
)
describe(
    Access,
    "What a role sees of a field.",
    VISIBLE="The field, on every row that the role reaches.",
    WHILE_ACTIVE="The field, while the student has an active case in the viewer's scope.",
    SHARED="The field, on what is shared with the acting school, or written for it.",
    OWN="The field, on the viewer's own.",
    HIDDEN="Nothing.",
)

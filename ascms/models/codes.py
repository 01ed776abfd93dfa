"""The closed code sets: what the rules decide on. Labels, reasons and outcomes are data (`reference.py`)."""

from enum import StrEnum


class Role(StrEnum):
    ATTENDANCE_LEAD = "ATTENDANCE_LEAD"
    PRIMARY_CONTACT = "PRIMARY_CONTACT"
    OFFICE_SUPPORT = "OFFICE_SUPPORT"
    WORKFLOW_LEAD = "WORKFLOW_LEAD"
    CASE_MANAGER = "CASE_MANAGER"
    MINISTRY_ADVISER = "MINISTRY_ADVISER"
    MINISTRY_ANALYST = "MINISTRY_ANALYST"
    PRIVACY_OFFICER = "PRIVACY_OFFICER"
    MINISTRY_ADMINISTRATOR = "MINISTRY_ADMINISTRATOR"
    DELEGATED_AUTHORISER = "DELEGATED_AUTHORISER"


class OrganisationKind(StrEnum):
    SCHOOL = "SCHOOL"
    IN_SCHOOL_PROVIDER = "IN_SCHOOL_PROVIDER"
    ATTENDANCE_SERVICE_PROVIDER = "ATTENDANCE_SERVICE_PROVIDER"
    MINISTRY = "MINISTRY"


class OrganisationStatus(StrEnum):
    OPEN = "OPEN"
    CLOSED = "CLOSED"


class Gender(StrEnum):
    """As ENROL has it; not to be read as sex. X is another gender, U not stated."""

    M = "M"
    F = "F"
    X = "X"
    U = "U"


class CaseType(StrEnum):
    CHRONIC_ABSENCE = "CHRONIC_ABSENCE"
    NON_ENROLLED = "NON_ENROLLED"


class CaseStatus(StrEnum):
    PROVIDER_QUEUE = "PROVIDER_QUEUE"
    OPEN = "OPEN"
    PAUSED = "PAUSED"
    TRANSITION = "TRANSITION"
    CLOSED = "CLOSED"


class StatusCategory(StrEnum):
    QUEUED = "QUEUED"
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    CLOSED = "CLOSED"


STATUS_CATEGORY = {
    CaseStatus.PROVIDER_QUEUE: StatusCategory.QUEUED,
    CaseStatus.TRANSITION: StatusCategory.QUEUED,
    CaseStatus.OPEN: StatusCategory.ACTIVE,
    CaseStatus.PAUSED: StatusCategory.PAUSED,
    CaseStatus.CLOSED: StatusCategory.CLOSED,
}
"""What a status means: *active cases* are all whose category is not CLOSED."""


class RequestStatus(StrEnum):
    DRAFT = "DRAFT"
    SUBMITTED = "SUBMITTED"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    WITHDRAWN = "WITHDRAWN"


class ConfirmationKind(StrEnum):
    """The two confirmations of the ESL check."""

    DETAILS = "DETAILS"
    PRIVACY_STATEMENT = "PRIVACY_STATEMENT"


class NoticeMethod(StrEnum):
    """How the privacy statement reached the student or caregivers (IPP 3A)."""

    LINK = "LINK"
    PRINTED = "PRINTED"
    EMAIL = "EMAIL"
    IN_PERSON = "IN_PERSON"


class AdviceLevel(StrEnum):
    """The Ministry's referral advice; only DO_NOT_REFER needs a written reason to go on."""

    HIGHLY_RECOMMENDED = "HIGHLY_RECOMMENDED"
    CONSIDER = "CONSIDER"
    DELAY = "DELAY"
    DO_NOT_REFER = "DO_NOT_REFER"


class Visibility(StrEnum):
    """INTERNAL to the provider, or SHARED with one school (the item stores which)."""

    INTERNAL = "INTERNAL"
    SHARED = "SHARED"


class EventKind(StrEnum):
    REQUEST_RECEIVED = "REQUEST_RECEIVED"
    PHONE_CALL = "PHONE_CALL"
    TEXT_MESSAGE = "TEXT_MESSAGE"
    EMAIL = "EMAIL"
    HOME_VISIT = "HOME_VISIT"
    MEETING = "MEETING"
    SCHOOL_VISIT = "SCHOOL_VISIT"
    NOTE = "NOTE"
    CASE_CHANGED = "CASE_CHANGED"


class AlertKind(StrEnum):
    CASE_OPENED = "CASE_OPENED"
    STATUS_CHANGED = "STATUS_CHANGED"
    CASE_MANAGER_ASSIGNED = "CASE_MANAGER_ASSIGNED"
    COMMENT_SHARED = "COMMENT_SHARED"
    FILE_SHARED = "FILE_SHARED"
    CONTACT_CHANGED = "CONTACT_CHANGED"
    REQUEST_SUBMITTED = "REQUEST_SUBMITTED"
    RETURNED_TO_QUEUE = "RETURNED_TO_QUEUE"
    STUDENT_ARRIVED = "STUDENT_ARRIVED"

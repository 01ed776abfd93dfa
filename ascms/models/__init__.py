"""The tables and code sets: constraints, no behaviour.

Every constraint that can live in the database lives here, for SQLite and PostgreSQL alike. Nothing in this
room knows of GraphQL, HTTP or roles beyond their names. Text that is sorted or searched has a stored folded
key beside it (`fold`), compared bytewise, so that both databases order and match alike.
"""

from .audit import AccessLogChain, AccessLogEntry, AccessLogStudent, AccessLogStudentSet, Disclosure
from .base import Base, UtcDateTime
from .cases import Case, CaseAllocation, CaseBarrier, CaseStatusChange, ServiceLevelTarget
from .casework import (
    Alert,
    Comment,
    CommentRevision,
    Event,
    File,
    NeedsFundEntry,
    OutboxMessage,
    SafetyAlert,
    Task,
)
from .changes import ChangeEntry, Counter, IdempotencyKey, ImportProblem, ImportRun, SchoolTerm
from .codes import (
    STATUS_CATEGORY,
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
    StatusCategory,
    Visibility,
)
from .folding import fold
from .organisations import Catchment, CatchmentProvider, Organisation
from .people import AccountEvent, RoleAssignment, User
from .reference import Code, EthnicGroup, Iwi
from .requests import (
    NoticeGiven,
    Request,
    RequestBarrier,
    RequestCaregiverContact,
    RequestConfirmation,
    RequestCriterion,
    RequestFactor,
)
from .roles import FITTING_KINDS, GRANTED_BY_TWO, NEEDS_TRAINING, ROLE_TITLES
from .students import (
    AccessBlock,
    AttendanceSummary,
    Caregiver,
    Correction,
    Enrolment,
    Student,
    StudentEthnicity,
    StudentIwi,
    UnprotectRequest,
)

__all__ = [
    "FITTING_KINDS",
    "GRANTED_BY_TWO",
    "NEEDS_TRAINING",
    "ROLE_TITLES",
    "STATUS_CATEGORY",
    "AccessBlock",
    "AccessLogChain",
    "AccessLogEntry",
    "AccessLogStudent",
    "AccessLogStudentSet",
    "AccountEvent",
    "AdviceLevel",
    "Alert",
    "AlertKind",
    "AttendanceSummary",
    "Base",
    "Caregiver",
    "Case",
    "CaseAllocation",
    "CaseBarrier",
    "CaseStatus",
    "CaseStatusChange",
    "CaseType",
    "Catchment",
    "CatchmentProvider",
    "ChangeEntry",
    "Code",
    "Comment",
    "CommentRevision",
    "ConfirmationKind",
    "Correction",
    "Counter",
    "Disclosure",
    "Enrolment",
    "EthnicGroup",
    "Event",
    "EventKind",
    "File",
    "Gender",
    "IdempotencyKey",
    "ImportProblem",
    "ImportRun",
    "Iwi",
    "NeedsFundEntry",
    "NoticeGiven",
    "NoticeMethod",
    "Organisation",
    "OrganisationKind",
    "OrganisationStatus",
    "OutboxMessage",
    "Request",
    "RequestBarrier",
    "RequestCaregiverContact",
    "RequestConfirmation",
    "RequestCriterion",
    "RequestFactor",
    "RequestStatus",
    "Role",
    "RoleAssignment",
    "SafetyAlert",
    "SchoolTerm",
    "ServiceLevelTarget",
    "StatusCategory",
    "Student",
    "StudentEthnicity",
    "StudentIwi",
    "Task",
    "UnprotectRequest",
    "User",
    "UtcDateTime",
    "Visibility",
    "fold",
]

"""The life of a case as the domain tells it, written down once more for the tests, without a look at the code."""

from typing import Final

ISP, ASP = "IN_SCHOOL_PROVIDER", "ATTENDANCE_SERVICE_PROVIDER"
AL, PC, OS = "ATTENDANCE_LEAD", "PRIMARY_CONTACT", "OFFICE_SUPPORT"
WL, CM, AD = "WORKFLOW_LEAD", "CASE_MANAGER", "MINISTRY_ADMINISTRATOR"
QUEUE, OPEN, PAUSED, TRANSITION, CLOSED = "PROVIDER_QUEUE", "OPEN", "PAUSED", "TRANSITION", "CLOSED"
STATUSES: Final = (QUEUE, OPEN, PAUSED, TRANSITION, CLOSED)
ACTIVE: Final = {QUEUE, OPEN, PAUSED, TRANSITION}

POSSIBLE: Final[dict[str, tuple[set[str], dict[str, set[str]]]]] = {
    # From the queue a manager opens it; the lead names one, or another, at any time.
    "assignCaseManager": (ACTIVE, {ISP: {WL}, ASP: {WL}}),
    "openCase": ({QUEUE, TRANSITION}, {ISP: {WL, CM}, ASP: {WL, CM}}),
    "pauseCase": ({OPEN}, {ISP: {WL, CM}, ASP: {WL, CM}}),
    "resumeCase": ({PAUSED}, {ISP: {WL, CM}, ASP: {WL, CM}}),
    # From an in-school provider both roles, from an attendance service its lead; else the Administrator.
    "transferCase": (ACTIVE, {ISP: {WL, CM, AD}, ASP: {WL, AD}}),
    "closeCase": ({OPEN, PAUSED}, {ISP: {WL, CM}, ASP: {WL, CM}}),
    "reopenCase": ({CLOSED}, {ISP: {WL}, ASP: {WL}}),
    # The school's contact is the school's; both sides add to a case while it is active.
    "changePrimaryContact": (ACTIVE, {ISP: {AL, PC}, ASP: {AL, PC}}),
    "updateSchoolContactNotes": (ACTIVE, {ISP: {AL, PC}, ASP: {AL, PC}}),
    "addComment": (ACTIVE, {ISP: {AL, PC, OS, WL, CM}, ASP: {AL, PC, OS, WL, CM}}),
    "addFile": (ACTIVE, {ISP: {AL, PC, OS, WL, CM}, ASP: {AL, PC, OS, WL, CM}}),
    "addEvent": (ACTIVE, {ISP: {WL, CM}, ASP: {WL, CM}}),
    "addTask": (ACTIVE, {ISP: {WL, CM}, ASP: {WL, CM}}),
    "recordNeedsFund": (ACTIVE, {ISP: {WL, CM}, ASP: {WL, CM}}),
    "addSafetyAlert": (ACTIVE, {ISP: {WL, CM}, ASP: {WL, CM}}),
}
"""Each action: the statuses in which it is possible, and to whom at a provider of either kind."""

CHANGES: Final = {
    (QUEUE, OPEN), (TRANSITION, OPEN),  # opened
    (OPEN, PAUSED), (PAUSED, OPEN),
    (QUEUE, QUEUE), (OPEN, QUEUE), (PAUSED, QUEUE), (TRANSITION, QUEUE),  # handed on; or the manager is gone
    (OPEN, OPEN), (PAUSED, PAUSED),  # another manager
    (OPEN, CLOSED), (PAUSED, CLOSED), (CLOSED, OPEN),
    (QUEUE, CLOSED), (TRANSITION, CLOSED),  # its request declined or withdrawn; a duplicate
}  # fmt: skip
"""From which status a case may come to which."""


def allowed(action: str, status: str, kind: str, role: str) -> bool:
    """Whether the domain lets the role do it, where nothing more is missing."""
    statuses, who = POSSIBLE[action]
    return status in statuses and role in who[kind]


def possible(status: str, kind: str) -> dict[str, set[str]]:
    """What is possible in a status, and to whom."""
    return {action: who[kind] for action, (statuses, who) in POSSIBLE.items() if status in statuses}

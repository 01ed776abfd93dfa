"""The life of a case and of a request as data: which actions are possible in which status.

The one place that says so; what a role may do is the permissions' to say, and both must agree.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from ascms.models import CaseStatus, RequestStatus

ACTIVE: Final = frozenset(CaseStatus) - {CaseStatus.CLOSED}
WORKED: Final = frozenset({CaseStatus.OPEN, CaseStatus.PAUSED})
QUEUED: Final = frozenset({CaseStatus.PROVIDER_QUEUE, CaseStatus.TRANSITION})

REOPEN_WITHIN: Final = timedelta(days=30)

CASE_MOVES: Final[Mapping[str, frozenset[CaseStatus]]] = {
    "addComment": ACTIVE,
    "addFile": ACTIVE,
    "changePrimaryContact": ACTIVE,
    "updateSchoolContactNotes": ACTIVE,
    "assignCaseManager": ACTIVE,
    "openCase": QUEUED,
    "pauseCase": frozenset({CaseStatus.OPEN}),
    "resumeCase": frozenset({CaseStatus.PAUSED}),
    "transferCase": ACTIVE,
    "closeCase": WORKED,
    "reopenCase": frozenset({CaseStatus.CLOSED}),
    "addEvent": ACTIVE,
    "addTask": ACTIVE,
    "recordNeedsFund": ACTIVE,
    "addSafetyAlert": ACTIVE,
}
REQUEST_MOVES: Final[Mapping[str, frozenset[RequestStatus]]] = {
    "saveRequest": frozenset({RequestStatus.DRAFT}),
    "submitRequest": frozenset({RequestStatus.DRAFT}),
    "withdrawRequest": frozenset({RequestStatus.DRAFT, RequestStatus.SUBMITTED, RequestStatus.ACCEPTED}),
    "declineRequest": frozenset({RequestStatus.SUBMITTED, RequestStatus.ACCEPTED}),
    "recordNoticeGiven": frozenset(RequestStatus) - {RequestStatus.DRAFT, RequestStatus.WITHDRAWN},
}

_IN_WORDS: Final = {
    CaseStatus.PROVIDER_QUEUE: "in the provider's queue",
    CaseStatus.OPEN: "open",
    CaseStatus.PAUSED: "paused",
    CaseStatus.TRANSITION: "carried over and not yet opened",
    CaseStatus.CLOSED: "closed",
    RequestStatus.DRAFT: "a draft",
    RequestStatus.SUBMITTED: "submitted",
    RequestStatus.ACCEPTED: "accepted",
    RequestStatus.DECLINED: "declined",
    RequestStatus.WITHDRAWN: "withdrawn",
}


def listed(statuses: frozenset[CaseStatus] | frozenset[RequestStatus]) -> str:
    """The statuses in words, in their own order: `open or paused`."""
    words = [_IN_WORDS[status] for status in _IN_WORDS if status in statuses]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def why_not_on_case(
    action: str,
    status: CaseStatus,
    *,
    has_manager: bool,
    open_tasks: int | None,
    closed_at: datetime | None,
    other_active: bool | None,
    now: datetime,
) -> str | None:
    """Why `action` is not possible on a case as it stands now, in words; None where it is.

    `open_tasks` and `other_active` are None for viewers who do not see tasks, or do not reopen.
    """
    if status not in CASE_MOVES[action]:
        return f"The case is {_IN_WORDS[status]}; this is possible while it is {listed(CASE_MOVES[action])}."
    if action == "openCase" and not has_manager:
        return "No case manager is named yet; assign one first."
    if action == "closeCase" and open_tasks:
        return (
            "1 task is still open; complete it first."
            if open_tasks == 1
            else f"{open_tasks} tasks are still open; complete them first."
        )
    if action == "reopenCase":
        if closed_at is not None and now - closed_at > REOPEN_WITHIN:
            return f"The case was closed more than {REOPEN_WITHIN.days} days ago."
        if other_active:
            return "The student has another active case of this type."
    return None


def why_not_on_request(action: str, status: RequestStatus, *, case_queued: bool, notice_given: bool) -> str | None:
    """Why `action` is not possible on a request as it stands now, in words; None where it is."""
    if status not in REQUEST_MOVES[action]:
        return f"The request is {_IN_WORDS[status]}; this is possible while it is {listed(REQUEST_MOVES[action])}."
    if action in ("withdrawRequest", "declineRequest") and status is not RequestStatus.DRAFT and not case_queued:
        return "Its case has been opened; a request can be withdrawn or declined only until then."
    if action == "recordNoticeGiven" and notice_given:
        return "That the notice was given is recorded already."
    return None

"""The life of a case and of a request as data: which actions are possible in which status, to whom, and what they need.

The one place that says so. Who may do an action at all is the permissions' to say, and both must agree.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from ascms.models import CaseStatus, OrganisationKind, RequestStatus, Role

ACTIVE: Final = frozenset(CaseStatus) - {CaseStatus.CLOSED}
WORKED: Final = frozenset({CaseStatus.OPEN, CaseStatus.PAUSED})
QUEUED: Final = frozenset({CaseStatus.PROVIDER_QUEUE, CaseStatus.TRANSITION})

REOPEN_WITHIN: Final = timedelta(days=30)

# Cases -------------------------------------------------------------------------------------------------------

ADMINISTRATOR: Final = frozenset({Role.MINISTRY_ADMINISTRATOR})
LEAD: Final = frozenset({Role.WORKFLOW_LEAD})
PROVIDER: Final = frozenset({Role.WORKFLOW_LEAD, Role.CASE_MANAGER})
SCHOOL: Final = frozenset({Role.ATTENDANCE_LEAD, Role.PRIMARY_CONTACT, Role.OFFICE_SUPPORT})
CONTACT_KEEPERS: Final = frozenset({Role.ATTENDANCE_LEAD, Role.PRIMARY_CONTACT})
NOBODY: Final = frozenset[Role]()


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What a move of a case is judged by. None: not known to who asks, and so not judged."""

    status: CaseStatus
    provider_kind: OrganisationKind | None = None
    has_manager: bool = False
    manager_may: bool | None = None
    """Whether the named manager may still be it."""
    open_tasks: int | None = None
    closed_at: datetime | None = None
    merged: bool | None = None
    """Whether it was closed as the duplicate of another case."""
    other_active: bool | None = None
    """Whether the student has another active case of the type."""
    next_provider: bool | None = None
    """Whether there is another provider to whom its own would hand it on."""


Need = Callable[[CaseFacts, datetime], str | None]
"""What a move needs of a case, now: what is missing, in words; None where nothing is."""


def _manager_named(facts: CaseFacts, now: datetime) -> str | None:
    if not facts.has_manager:
        return "No case manager is named yet; assign one first."
    if facts.manager_may is False:
        return "The case manager who is named may no longer be it; assign another first."
    return None


def _no_open_task(facts: CaseFacts, now: datetime) -> str | None:
    if not facts.open_tasks:
        return None
    if facts.open_tasks == 1:
        return "1 task is still open; complete it first."
    return f"{facts.open_tasks} tasks are still open; complete them first."


def _no_duplicate(facts: CaseFacts, now: datetime) -> str | None:
    return "The case was closed as a duplicate; its number leads to the one that goes on." if facts.merged else None


def _closed_lately(facts: CaseFacts, now: datetime) -> str | None:
    if facts.closed_at is not None and now - facts.closed_at > REOPEN_WITHIN:
        return f"The case was closed more than {REOPEN_WITHIN.days} days ago."
    return None


def _no_other_active(facts: CaseFacts, now: datetime) -> str | None:
    return "The student has another active case of this type." if facts.other_active else None


def _next_provider(facts: CaseFacts, now: datetime) -> str | None:
    if facts.next_provider is not False:
        return None
    if facts.provider_kind is OrganisationKind.IN_SCHOOL_PROVIDER:
        return "The catchment of this in-school provider's school has no attendance service to hand the case on to."
    return (
        "The student's present school has no other attendance service to hand the case on to; "
        "ask the Ministry Administrator to."
    )


@dataclass(frozen=True, slots=True)
class Move:
    """An action on a case: while it stands where (`within`), to which status (None: it stays), by whom.

    `needs` is asked of who is not in `beyond`; `but_not` are roles that may not where the provider is of a kind.
    No role in `who`: the system's own doing.
    """

    within: frozenset[CaseStatus]
    to: CaseStatus | None
    who: frozenset[Role]
    needs: tuple[Need, ...] = ()
    beyond: frozenset[Role] = NOBODY
    but_not: Mapping[OrganisationKind, frozenset[Role]] = field(default_factory=dict)

    def roles(self, provider_kind: OrganisationKind | None) -> frozenset[Role]:
        """Who may at a provider of this kind."""
        left_out = self.but_not.get(provider_kind, NOBODY) if provider_kind is not None else NOBODY
        return self.who - left_out


CASE_MOVES: Final[Mapping[str, Move]] = {
    "addComment": Move(ACTIVE, None, SCHOOL | PROVIDER),
    "addFile": Move(ACTIVE, None, SCHOOL | PROVIDER),
    "changePrimaryContact": Move(ACTIVE, None, CONTACT_KEEPERS),
    "updateSchoolContactNotes": Move(ACTIVE, None, CONTACT_KEEPERS),
    # From the queue the case is opened with it, unless it is told to stay there; open and paused ones stay so.
    "assignCaseManager": Move(ACTIVE, CaseStatus.OPEN, LEAD),
    "openCase": Move(QUEUED, CaseStatus.OPEN, PROVIDER, (_manager_named,)),
    "pauseCase": Move(frozenset({CaseStatus.OPEN}), CaseStatus.PAUSED, PROVIDER),
    "resumeCase": Move(frozenset({CaseStatus.PAUSED}), CaseStatus.OPEN, PROVIDER, (_manager_named,)),
    "transferCase": Move(
        ACTIVE,
        CaseStatus.PROVIDER_QUEUE,
        PROVIDER | ADMINISTRATOR,
        (_next_provider,),
        beyond=ADMINISTRATOR,
        but_not={OrganisationKind.ATTENDANCE_SERVICE_PROVIDER: frozenset({Role.CASE_MANAGER})},
    ),
    "closeCase": Move(WORKED, CaseStatus.CLOSED, PROVIDER, (_no_open_task,)),
    "reopenCase": Move(
        frozenset({CaseStatus.CLOSED}), CaseStatus.OPEN, LEAD, (_no_duplicate, _closed_lately, _no_other_active)
    ),
    "addEvent": Move(ACTIVE, None, PROVIDER),
    "addTask": Move(ACTIVE, None, PROVIDER),
    "recordNeedsFund": Move(ACTIVE, None, PROVIDER),
    "addSafetyAlert": Move(ACTIVE, None, PROVIDER),
}
"""What people do to a case that they reach."""

CONSEQUENCES: Final[Mapping[str, Move]] = {
    "declineRequest": Move(QUEUED, CaseStatus.CLOSED, LEAD),
    "withdrawRequest": Move(QUEUED, CaseStatus.CLOSED, SCHOOL),
    "mergeCases": Move(ACTIVE, CaseStatus.CLOSED, ADMINISTRATOR),
    "returnToQueue": Move(ACTIVE, CaseStatus.PROVIDER_QUEUE, NOBODY),
}
"""What becomes of a case by what is done to its requests, to another case, or to its manager."""

_CHANGES: Final = frozenset(
    (status, move.to)
    for move in (*CASE_MOVES.values(), *CONSEQUENCES.values())
    if move.to is not None
    for status in move.within
)


def may_become(status: CaseStatus, to: CaseStatus) -> bool:
    """Whether any move leads from one status to the other."""
    return (status, to) in _CHANGES


def why_not_on_case(action: str, facts: CaseFacts, roles: Collection[Role], now: datetime) -> str | None:
    """Why `action` is not possible to somebody in `roles` on a case as it stands now, in words; None where it is.

    Whether the action is open to the roles at all is the permissions' to say.
    """
    move = CASE_MOVES[action]
    if facts.status not in move.within:
        return f"The case is {_IN_WORDS[facts.status]}; this is possible while it is {listed(move.within)}."
    if not move.roles(facts.provider_kind) & set(roles):
        return f"At an attendance service, only {_names(move.roles(facts.provider_kind))} may do this."
    if move.beyond & set(roles):
        return None
    return next((missing for need in move.needs if (missing := need(facts, now)) is not None), None)


def who_may_on_case(action: str, facts: CaseFacts, now: datetime) -> tuple[Role, ...]:
    """The roles to which `action` is possible on a case as it stands now, in their own order."""
    return tuple(
        role for role in Role if role in CASE_MOVES[action].who and why_not_on_case(action, facts, (role,), now) is None
    )


def _names(roles: frozenset[Role]) -> str:
    return ", ".join(role.value.replace("_", " ").title() for role in Role if role in roles)


# Requests ----------------------------------------------------------------------------------------------------

REQUEST_MOVES: Final[Mapping[str, frozenset[RequestStatus]]] = {
    "saveRequest": frozenset({RequestStatus.DRAFT}),
    "submitRequest": frozenset({RequestStatus.DRAFT}),
    "withdrawRequest": frozenset({RequestStatus.DRAFT, RequestStatus.SUBMITTED, RequestStatus.ACCEPTED}),
    "declineRequest": frozenset({RequestStatus.SUBMITTED, RequestStatus.ACCEPTED}),
    # Owed for what has left the school, whatever became of the request since. Of a draft nothing has.
    "recordNoticeGiven": frozenset(RequestStatus) - {RequestStatus.DRAFT},
    "addFile": frozenset({RequestStatus.DRAFT, RequestStatus.SUBMITTED, RequestStatus.ACCEPTED}),
}


def why_not_on_request(
    action: str, status: RequestStatus, *, submitted: bool, case_queued: bool, notice_given: bool
) -> str | None:
    """Why `action` is not possible on a request as it stands now, in words; None where it is.

    `submitted`: whether it ever was, which a withdrawn one may not have been.
    """
    if status not in REQUEST_MOVES[action]:
        return f"The request is {_IN_WORDS[status]}; this is possible while it is {listed(REQUEST_MOVES[action])}."
    if action in ("withdrawRequest", "declineRequest") and status is not RequestStatus.DRAFT and not case_queued:
        return "Its case has been opened; a request can be withdrawn or declined only until then."
    if action == "recordNoticeGiven" and not submitted:
        return "It was withdrawn as a draft: nothing of it left the school."
    if action == "recordNoticeGiven" and notice_given:
        return "That the notice was given is recorded already."
    return None


# In words ----------------------------------------------------------------------------------------------------

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

"""The access matrix as far as the operations go: which roles see a field, which rows they reach, what they may do.

Row scopes are written for the Attendance Lead and Office Support, which are measured. Other roles reach no row.
"""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, bindparam, exists, or_

from ascms.casework.lifecycle import CaseFacts, why_not_on_case, why_not_on_request
from ascms.models import (
    AccessBlock,
    Case,
    Comment,
    Event,
    File,
    Organisation,
    Request,
    RequestStatus,
    Role,
    Student,
)

from .settings import Settings
from .viewer import Viewer

AL, PC, OS, WL, CM, MA, AN, PO = (
    Role.ATTENDANCE_LEAD,
    Role.PRIMARY_CONTACT,
    Role.OFFICE_SUPPORT,
    Role.WORKFLOW_LEAD,
    Role.CASE_MANAGER,
    Role.MINISTRY_ADVISER,
    Role.MINISTRY_ANALYST,
    Role.PRIVACY_OFFICER,
)
SCHOOL = frozenset({AL, PC, OS})
PROVIDER = frozenset({WL, CM})

# Fields: the roles that see them on rows they reach -----------------------------------------------------------

CASE_ROLES = SCHOOL | PROVIDER | {MA, PO}
REACHABLE = frozenset(Role) - {AN}
WHERE_ENROLLED = SCHOOL | {MA, PO}
CASE_PARTNERS = frozenset({AL, PC, WL, CM, PO})
HOME_CONTACT = frozenset({AL, PO})
CASE_CONTENT = frozenset({AL, PC, WL, CM})
CASE_FILES = CASE_ROLES - {MA}
COMMENT_TEXT = SCHOOL | PROVIDER
TIMELINE_CONTENT = frozenset({AL, PC, WL, CM})

# Rows --------------------------------------------------------------------------------------------------------

_me: Any = bindparam("me", type_=BigInteger())
_here: Any = bindparam("here", type_=BigInteger())


def _not_blocked(student_id: Any) -> ColumnElement[bool]:
    mine = (AccessBlock.student_id == student_id, AccessBlock.user_id == _me, AccessBlock.lifted_at.is_(None))
    return ~exists().where(*mine).correlate_except(AccessBlock)


def _shared(model: Any) -> ColumnElement[bool]:
    return or_(model.shared_with_school_id == _here, model.organisation_id == _here)


_ENROLLED_HERE = exists().where(Student.id == Request.student_id, Student.school_id == _here).correlate_except(Student)
_CASES = and_(Case.active, Case.school_id == _here, _not_blocked(Case.student_id))
"""Active cases of students now enrolled at the acting school, none about a student kept apart."""
_REQUESTS = and_(
    Request.school_id == _here, or_(Request.student_id.is_(None), _ENROLLED_HERE), _not_blocked(Request.student_id)
)
"""The school's requests, drafts too, while the student is enrolled there."""
_OWN_COMMENTS = and_(Comment.author_id == _me, Comment.organisation_id == _here)
_OWN_FILES = and_(File.uploaded_by_id == _me, File.organisation_id == _here)

ROWS: dict[Role, dict[type[Any], ColumnElement[bool]]] = {
    AL: {Case: _CASES, Request: _REQUESTS, Comment: _shared(Comment), Event: _shared(Event), File: _shared(File)},
    OS: {Case: _CASES, Request: _REQUESTS, Comment: _OWN_COMMENTS, Event: _shared(Event), File: _OWN_FILES},
}
"""By role, the rows it reaches; of what hangs on a case, those of a case it reaches.

Predicates are made once: their parameters `me` and `here` are given where a statement is executed.
"""


def is_measured(viewer: Viewer) -> bool:
    """Whether the viewer holds one role, for which there are rows."""
    return len(viewer.roles) == 1 and viewer.roles <= ROWS.keys()


def role_of(viewer: Viewer) -> Role:
    """The one role that a measured viewer holds."""
    (role,) = viewer.roles
    return role


# Actions -----------------------------------------------------------------------------------------------------

_CONTACT_KEEPERS = (frozenset({AL, PC}), frozenset[Role]())
_BOTH_SIDES = (SCHOOL | PROVIDER, frozenset[Role]())
_CASE_WORKERS = (PROVIDER, frozenset[Role]())
_QUEUE_LEAD = (frozenset({WL}), frozenset[Role]())
CASE_ACTIONS = {
    "addComment": _BOTH_SIDES,
    "addFile": _BOTH_SIDES,
    "changePrimaryContact": _CONTACT_KEEPERS,
    "updateSchoolContactNotes": _CONTACT_KEEPERS,
    "assignCaseManager": _QUEUE_LEAD,
    "openCase": _CASE_WORKERS,
    "pauseCase": _CASE_WORKERS,
    "resumeCase": _CASE_WORKERS,
    "transferCase": (PROVIDER | {Role.MINISTRY_ADMINISTRATOR}, frozenset[Role]()),
    "closeCase": _CASE_WORKERS,
    "reopenCase": _QUEUE_LEAD,
    "addEvent": _CASE_WORKERS,
    "addTask": _CASE_WORKERS,
    "recordNeedsFund": _CASE_WORKERS,
    "addSafetyAlert": _CASE_WORKERS,
}
"""By action: the roles that may, and those that may on their own."""
_SCHOOLS_OWN = (frozenset({AL}), frozenset({PC, OS}))
_KEPT_BY_BOTH = (frozenset({AL, PC, WL, CM}), frozenset({OS}))
REQUEST_ACTIONS = {
    "saveRequest": _SCHOOLS_OWN,
    "submitRequest": _SCHOOLS_OWN,
    "withdrawRequest": _SCHOOLS_OWN,
    "declineRequest": _QUEUE_LEAD,
    "recordNoticeGiven": _KEPT_BY_BOTH,
    "addFile": _KEPT_BY_BOTH,
}

Allowed = dict[str, Any]


def _who_may(always: frozenset[Role], own: frozenset[Role]) -> str:
    def words(roles: frozenset[Role]) -> str:
        return ", ".join(role.value.replace("_", " ").title() for role in Role if role in roles)

    sentences = [words(always)] if always else []
    return f"Only {'; '.join([*sentences, *([f'{words(own)} on their own'] if own else [])])} may do this."


_REFUSALS = {who: _who_may(*who) for who in (*CASE_ACTIONS.values(), *REQUEST_ACTIONS.values())}


def _allowance(action: str, reason: str | None) -> Allowed:
    return {"action": action, "allowed": reason is None, "reason": reason}


def case_allowances(case: Case, provider: Organisation, viewer: Viewer, settings: Settings) -> list[Allowed]:
    """What the viewer may do to a case they reach."""
    facts = CaseFacts(case.status, provider.kind, case.case_manager_id is not None)
    now = settings.now()
    return [
        _allowance(
            action,
            why_not_on_case(action, facts, viewer.roles, now) if viewer.roles & who[0] else _REFUSALS[who],
        )
        for action, who in CASE_ACTIONS.items()
    ]


def request_allowances(request: Request, viewer: Viewer, *, case_queued: bool, notice_given: bool) -> list[Allowed]:
    """What the viewer may do to a request they reach. Of a draft neither its case nor a notice is asked for."""
    own = viewer.user_id in (request.created_by_id, request.primary_contact_id)

    def why_not(action: str) -> str | None:
        return why_not_on_request(
            action,
            request.status,
            submitted=request.submitted_at is not None,
            case_queued=case_queued,
            notice_given=notice_given,
        )

    return [
        _allowance(action, why_not(action) if viewer.roles & always or (own and viewer.roles & its_own) else refusal)
        for action, (always, its_own) in REQUEST_ACTIONS.items()
        for refusal in (_REFUSALS[always, its_own],)
    ]


def asks_further(request: Request) -> bool:
    """Whether what may be done to the request depends on its case and its notice."""
    return request.status is not RequestStatus.DRAFT

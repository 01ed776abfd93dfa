"""Which roles may do what: one audience per mutation, with `own` where the row must be the viewer's own.

The audiences say who; whether an action is possible now is casework's to say.
"""

from collections.abc import Mapping
from typing import Final

from ascms.models import Role

from .audience import Audience
from .audiences import AL, CM, OS, PC, SCHOOL, WL


class SchoolOwnRequests(Audience):
    """Filling in and sending a request: the lead for the school, others where it is theirs."""

    visible = {AL}
    own = {PC, OS}


class NoticeKeepers(Audience):
    """Recording that the family was told."""

    visible = {AL, PC, WL, CM}
    own = {OS}


class QueueLead(Audience):
    """Running the queue."""

    visible = {WL}


class CaseWorkers(Audience):
    """Working the case: the provider's two roles."""

    visible = {WL, CM}


class BothSides(Audience):
    """Adding to a case: school and provider."""

    visible = SCHOOL | {WL, CM}


class ContactKeepers(Audience):
    """The school's contact: lead and contact."""

    visible = {AL, PC}


class Transferrers(Audience):
    """Handing a case on: the provider, or the Administrator."""

    visible = {WL, CM, Role.MINISTRY_ADMINISTRATOR}


class AuthorsOnly(Audience):
    """Changing what one wrote oneself."""

    own = {AL, PC, OS, WL, CM}


class ErrorMarkers(Audience):
    """Marking what was entered in error: authors, and the Workflow Lead."""

    visible = {WL}
    own = {AL, PC, OS, CM}


CASE_ACTIONS: Final[Mapping[str, type[Audience]]] = {
    "addComment": BothSides,
    "addFile": BothSides,
    "changePrimaryContact": ContactKeepers,
    "updateSchoolContactNotes": ContactKeepers,
    "assignCaseManager": QueueLead,
    "openCase": CaseWorkers,
    "pauseCase": CaseWorkers,
    "resumeCase": CaseWorkers,
    "transferCase": Transferrers,
    "closeCase": CaseWorkers,
    "reopenCase": QueueLead,
    "addEvent": CaseWorkers,
    "addTask": CaseWorkers,
    "recordNeedsFund": CaseWorkers,
    "addSafetyAlert": CaseWorkers,
}
REQUEST_ACTIONS: Final[Mapping[str, type[Audience]]] = {
    "saveRequest": SchoolOwnRequests,
    "submitRequest": SchoolOwnRequests,
    "withdrawRequest": SchoolOwnRequests,
    "declineRequest": QueueLead,
    "recordNoticeGiven": NoticeKeepers,
}
COMMENT_ACTIONS: Final[Mapping[str, type[Audience]]] = {
    "editComment": AuthorsOnly,
    "markInError": ErrorMarkers,
}

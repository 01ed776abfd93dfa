"""Which roles may do what: one audience per mutation, with `own` where the row must be the viewer's own.

The audiences say who; whether an action is possible now is casework's to say.
"""

from collections.abc import Mapping
from functools import cache
from typing import Final

from ascms.models import Role

from .audience import Audience
from .audiences import AD, AL, ALL, CM, DA, OS, PC, PO, SCHOOL, WL


class Action(Audience):
    """Who may do something: a root field, so that a denial is an error."""

    root = True


# Requests ----------------------------------------------------------------------------------------------------


class Starters(Action):
    """Starting a request: the school."""

    visible = SCHOOL


class SchoolOwnRequests(Action):
    """Filling in and sending a request: the lead for the school, others where it is theirs."""

    visible = {AL}
    own = {PC, OS}


class NoticeKeepers(Action):
    """Recording that the family was told."""

    visible = {AL, PC, WL, CM}
    own = {OS}


class RequestFilers(Action):
    """Adding files to a request: who reads what it says, Office Support where it is theirs."""

    visible = {AL, PC, WL, CM}
    own = {OS}


# Cases and casework ------------------------------------------------------------------------------------------


class QueueLead(Action):
    """Running the queue."""

    visible = {WL}


class CaseWorkers(Action):
    """Working the case: the provider's two roles."""

    visible = {WL, CM}


class BothSides(Action):
    """Adding to a case: school and provider."""

    visible = SCHOOL | {WL, CM}


class ContactKeepers(Action):
    """The school's contact: lead and contact."""

    visible = {AL, PC}


class Transferrers(Action):
    """Handing a case on: the provider, or the Administrator."""

    visible = {WL, CM, Role.MINISTRY_ADMINISTRATOR}


class AuthorsOnly(Action):
    """Changing what one wrote oneself."""

    own = {AL, PC, OS, WL, CM}


class ErrorMarkers(Action):
    """Marking what was entered in error: authors, and the Workflow Lead."""

    visible = {WL}
    own = {AL, PC, OS, CM}


# Students, people, the Ministry ------------------------------------------------------------------------------


class BlockSetters(Action):
    """Keeping a person and a student apart: leads for their own people, the Privacy Officer for all."""

    visible = {AL, WL, PO}


class FlagSeers(Action):
    """Protecting a student at once: whoever sees the flag."""

    visible = {AL, PC, WL, CM, PO}


class ProtectionLifters(Action):
    """Lifting a protection, which takes two of them."""

    visible = {AL, WL, PO}


class AccountManagers(Action):
    """Bringing people in and giving them roles."""

    visible = {AD, DA}


class Administrators(Action):
    """Organisations, catchments, code sets, and what comes from outside."""

    visible = {AD}


class AnyRoleActs(Action):
    """What everybody may do for themselves."""

    visible = ALL


class Leavers(Action):
    """Giving up a role of one's own, in effect or not."""

    visible = ALL
    without_role = True


# Subscriptions -----------------------------------------------------------------------------------------------


class CaseWatchers(Action):
    """Hearing at once that a case was changed: those who work on it on either side."""

    visible = SCHOOL | {WL, CM}


class QueueWatchers(Action):
    """Hearing at once what comes into the queue, is changed and leaves."""

    visible = {WL}


CASE_ACTIONS: Final[Mapping[str, type[Action]]] = {
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
REQUEST_ACTIONS: Final[Mapping[str, type[Action]]] = {
    "saveRequest": SchoolOwnRequests,
    "submitRequest": SchoolOwnRequests,
    "withdrawRequest": SchoolOwnRequests,
    "declineRequest": QueueLead,
    "recordNoticeGiven": NoticeKeepers,
    "addFile": RequestFilers,
}
COMMENT_ACTIONS: Final[Mapping[str, type[Action]]] = {
    "editComment": AuthorsOnly,
    "markInError": ErrorMarkers,
}


def _words(role: Role) -> str:
    return role.value.replace("_", " ").title()


@cache
def who_may(audience: type[Audience]) -> str:
    """Who may, in words: `Only Workflow Lead, Case Manager may do this.`"""
    always = [_words(role) for role in Role if role in audience.visible]
    own = [_words(role) for role in Role if role in audience.own]
    sentences = []
    if always:
        sentences.append(", ".join(always))
    if own:
        sentences.append(f"{', '.join(own)} on their own")
    return f"Only {'; '.join(sentences)} may do this."

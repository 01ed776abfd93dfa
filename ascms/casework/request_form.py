"""The request form: its steps, and what each still needs before the request can be submitted.

Clients draw their wizard and its progress bar from this; none needs rules of its own. A form whose steps are all
complete can be submitted by the person it was asked for: nothing else is checked then.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Step:
    """A step of the form: complete when `missing` is empty.

    `missing` names members as `saveRequest` takes them (`attendance.daysAbsent`), the confirmations as `submitRequest`
    does.
    """

    name: str
    title: str
    complete: bool
    missing: tuple[str, ...]


Form = Mapping[str, Any]
"""Of each member whether it is there. Besides: `submitted`; `planned`: a plan is in place; `reasonNeeded`: the advice
is only passed with one; `confirmedByViewer`: who asks has confirmed the current statement."""
Missing = Callable[[Form], list[str]]

CONFIRMATIONS: Final = ("detailsConfirmed", "privacyStatementConfirmed")


def _absent(form: Form, *members: str) -> list[str]:
    return [name for name in members if not form[name]]


def _esl_check(form: Form) -> list[str]:
    return _absent(form, *CONFIRMATIONS)


def _student(form: Form) -> list[str]:
    return _absent(form, "student", "caregiverContacts")


def _attendance(form: Form) -> list[str]:
    return _absent(form, "attendance.currentTermPercentage", "attendance.daysAbsent")


def _school_actions(form: Form) -> list[str]:
    planned = ["schoolActions.planReviewedOn"] if form["planned"] else []
    return _absent(form, "criteria", "schoolActions.planInPlace", *planned, "schoolActions.whanauContacted")


def _barriers(form: Form) -> list[str]:
    return _absent(form, "barriers")


def _support(form: Form) -> list[str]:
    return _absent(form, "provider", "primaryContact")


FILLED: Final[tuple[tuple[str, str, Missing], ...]] = (
    ("ESL_CHECK", "ESL Check", _esl_check),
    ("STUDENT", "Student", _student),
    ("ATTENDANCE", "Attendance", _attendance),
    ("SCHOOL_ACTIONS", "What the school has done", _school_actions),
    ("BARRIERS", "Barriers", _barriers),
    ("SUPPORT", "Support asked for", _support),
)


def _review(form: Form) -> list[str]:
    """What all others need, a reason where the advice asks for one, and the submitter's own confirmations."""
    missing = [name for _, _, missing_in in FILLED for name in missing_in(form)]
    if form["reasonNeeded"]:
        missing += _absent(form, "adviceReason")
    if not form["confirmedByViewer"]:
        missing += [name for name in (*CONFIRMATIONS, "statementVersion") if name not in missing]
    return missing


STEPS: Final = (*FILLED, ("REVIEW", "Review and submit", _review))


def steps(form: Form) -> list[Step]:
    """The form's steps in order. Nothing is missing of what was submitted."""
    listed = []
    for name, title, missing_in in STEPS:
        missing = () if form["submitted"] else tuple(missing_in(form))
        listed.append(Step(name, title, not missing, missing))
    return listed

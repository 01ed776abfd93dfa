"""The request form: its steps, and what each still needs before the request can be submitted.

Clients draw their progress bar from this; none needs rules of its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Step:
    """A step of the form: complete when `missing` (in the form's own field names) is empty."""

    name: str
    title: str
    complete: bool
    missing: tuple[str, ...]


Missing = Callable[[Mapping[str, Any]], list[str]]


def _absent(form: Mapping[str, Any], *fields: str) -> list[str]:
    return [name for name in fields if not form[name] and form[name] is not False and form[name] != 0]


def _esl_check(form: Mapping[str, Any]) -> list[str]:
    return _absent(form, "detailsConfirmation", "privacyStatementConfirmation")


def _student(form: Mapping[str, Any]) -> list[str]:
    return _absent(form, "student", "caregiverContacts")


def _attendance(form: Mapping[str, Any]) -> list[str]:
    return _absent(form, "currentTermPercentage", "daysAbsent")


def _school_actions(form: Mapping[str, Any]) -> list[str]:
    missing = _absent(form, "criteria", "planInPlace", "whanauContacted")
    return missing + (_absent(form, "planReviewedOn") if form["planInPlace"] else [])


def _barriers(form: Mapping[str, Any]) -> list[str]:
    return _absent(form, "barriers")


def _support(form: Mapping[str, Any]) -> list[str]:
    return _absent(form, "provider", "primaryContact")


def _review(form: Mapping[str, Any]) -> list[str]:
    return _absent(form, "submittedAt")


STEPS: Final[tuple[tuple[str, str, Missing], ...]] = (
    ("ESL_CHECK", "ESL Check", _esl_check),
    ("STUDENT", "Student", _student),
    ("ATTENDANCE", "Attendance", _attendance),
    ("SCHOOL_ACTIONS", "What the school has done", _school_actions),
    ("BARRIERS", "Barriers", _barriers),
    ("SUPPORT", "Support asked for", _support),
    ("REVIEW", "Review and submit", _review),
)


def steps(form: Mapping[str, Any]) -> list[Step]:
    """The form's steps in order; `form` says of each field whether, or what, it holds."""
    listed = []
    for name, title, missing_in in STEPS:
        missing = tuple(missing_in(form))
        listed.append(Step(name, title, not missing, missing))
    return listed

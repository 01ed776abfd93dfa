"""Casework: comments, events, tasks, the needs fund, safety alerts, marking what was entered in error, alerts."""

from typing import Any

import strawberry

from ascms import models
from ascms.models import EventKind, Visibility
from ascms.permissions.audiences import AsPath
from ascms.planning.declare import entity, field
from ascms.planning.sources import Performed
from ascms.schema.types.cases import Case
from ascms.schema.types.casework import Comment, Event, File, NeedsFundEntry, SafetyAlert, Task, on_case
from ascms.schema.types.common import Date, DateTime
from ascms.schema.types.problems import Problem
from ascms.schema.types.viewer import Alert, own_alerts

from .common import NUMBER, case_done, member, optional, problems

_VISIBILITY = "INTERNAL unless it says SHARED: with the school at which the student is now."


def _of_case(name: str, model: Any, shown_by: str, description: str) -> Any:
    """A member for what has no scope of its own: seen by whoever sees that field of its case."""
    return field(Performed(name, model, on_case(shown_by)), AsPath, description)


# Comments ----------------------------------------------------------------------------------------------------


@strawberry.input(description="A comment on a case.")
class AddCommentInput:
    number: str = member(NUMBER)
    body: str = member("The text.")
    visibility: Visibility | None = optional(
        "A school's comment is always shared; a provider's is internal unless it says SHARED."
    )


@entity(description="What came of adding a comment.")
class AddCommentPayload:
    comment: Comment | None = field(Performed("comment", models.Comment), AsPath, "The comment.")
    case: Case | None = case_done()
    problems: list[Problem] = problems()


@strawberry.input(description="Another text for a comment of one's own; the earlier one is kept.")
class EditCommentInput:
    id: strawberry.ID = member("The comment.")
    body: str = member("The text as it is to be. Who sees the comment stays as it was.")


@entity(description="What came of editing a comment.")
class EditCommentPayload:
    comment: Comment | None = field(Performed("comment", models.Comment), AsPath, "The comment as it is now.")
    case: Case | None = case_done()
    problems: list[Problem] = problems()


# Events ------------------------------------------------------------------------------------------------------


@strawberry.input(description="An entry for a case's timeline, past or upcoming.")
class AddEventInput:
    number: str = member(NUMBER)
    kind: EventKind = member("What kind of event. REQUEST_RECEIVED and CASE_CHANGED are the system's.")
    subject: str = member("What it is about, in a line.")
    description: str | None = optional("What happened, or is to.")
    outcome: str | None = optional("What came of it.")
    participants: list[str] | None = optional("Who took part, or will; 20 at most.")
    occurs_at: DateTime | None = optional("When it happened, or will: within two years of now. Left out: now.")
    ends_at: DateTime | None = optional("When it ended, or will.")
    visibility: Visibility | None = optional(_VISIBILITY)


@entity(description="What came of adding an event.")
class AddEventPayload:
    event: Event | None = field(Performed("event", models.Event), AsPath, "The event.")
    case: Case | None = case_done()
    problems: list[Problem] = problems()


# Tasks -------------------------------------------------------------------------------------------------------


@strawberry.input(description="Something to do on a case.")
class AddTaskInput:
    number: str = member(NUMBER)
    title: str = member("What is to be done.")
    due_on: Date | None = optional("By when: today or later.")
    assignee: strawberry.ID | None = optional("Who does it: one of the provider's people who may be case manager.")


@entity(description="What came of adding a task.")
class AddTaskPayload:
    task: Task | None = _of_case("task", models.Task, "tasks", "The task.")
    case: Case | None = case_done()
    problems: list[Problem] = problems()


@strawberry.input(description="A task that is done.")
class CompleteTaskInput:
    id: strawberry.ID = member("The task.")


@entity(description="What came of completing a task.")
class CompleteTaskPayload:
    task: Task | None = _of_case("task", models.Task, "tasks", "The task as it is now.")
    case: Case | None = case_done()
    problems: list[Problem] = problems()


# The needs fund, safety alerts -------------------------------------------------------------------------------


@strawberry.input(description="Spending on a student's unmet basic needs.")
class RecordNeedsFundInput:
    number: str = member(NUMBER)
    purpose: str = member("What was bought, and for what need.")
    amount_cents: int = member("The amount in New Zealand cents, 1 to 1,000,000.")
    spent_on: Date = member("The day it was spent: from 2020 on, not after today.")


@entity(description="What came of recording spending.")
class RecordNeedsFundPayload:
    entry: NeedsFundEntry | None = _of_case("entry", models.NeedsFundEntry, "needsFund", "The spending.")
    case: Case | None = case_done()
    problems: list[Problem] = problems()


@strawberry.input(description="What a visitor to the home must know.")
class AddSafetyAlertInput:
    number: str = member(NUMBER)
    text: str = member("What to know.")


@entity(description="What came of raising a safety alert.")
class AddSafetyAlertPayload:
    safety_alert: SafetyAlert | None = _of_case("safety_alert", models.SafetyAlert, "safetyAlerts", "The safety alert.")
    case: Case | None = case_done()
    problems: list[Problem] = problems()


# What was entered in error -----------------------------------------------------------------------------------


@strawberry.input(description="A comment, event or file that was entered in error.")
class MarkInErrorInput:
    id: strawberry.ID = member("The comment, event or file.")


@entity(description="What came of marking something as entered in error. It is kept, and shown as such.")
class MarkInErrorPayload:
    comment: Comment | None = field(Performed("comment", models.Comment), AsPath, "The comment, if it is one.")
    event: Event | None = field(Performed("event", models.Event), AsPath, "The event, if it is one.")
    file: File | None = field(Performed("file", models.File), AsPath, "The file, if it is one.")
    case: Case | None = case_done()
    problems: list[Problem] = problems()


# Alerts ------------------------------------------------------------------------------------------------------


@strawberry.input(description="An alert that the viewer has read.")
class MarkAlertReadInput:
    id: strawberry.ID = member("The alert: one of the viewer's own, in the acting organisation.")


@entity(description="What came of marking an alert as read.")
class MarkAlertReadPayload:
    alert: Alert | None = field(Performed("alert", models.Alert, own_alerts), AsPath, "The alert as it is now.")
    problems: list[Problem] = problems()

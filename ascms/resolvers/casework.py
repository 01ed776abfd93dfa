"""Mutations of casework: comments, events, tasks, the needs fund, safety alerts, what was entered in error, alerts."""

from dataclasses import replace
from typing import Any, Final

from sqlalchemy import select

from ascms import models
from ascms.casework import comments, errors_marked, events, needs_fund, safety_alerts, tasks
from ascms.casework.problems import not_found
from ascms.models import Alert, Case, Comment, Event, File, Task
from ascms.permissions.actions import AnyRoleActs, AuthorsOnly, BothSides, CaseWorkers, ErrorMarkers
from ascms.planning.changing import Call
from ascms.planning.identifiers import decode
from ascms.planning.plan import parameters_of
from ascms.planning.sources import Act, Outcome, Row
from ascms.planning.values import key_in
from ascms.schema.types.changes.casework import (
    AddCommentInput,
    AddEventInput,
    AddSafetyAlertInput,
    AddTaskInput,
    CompleteTaskInput,
    EditCommentInput,
    MarkAlertReadInput,
    MarkInErrorInput,
    RecordNeedsFundInput,
)
from ascms.schema.types.viewer import own_alerts

from .changing import NAMED, ON_CASE, Doing, On, act, given, on_key

# Comments ----------------------------------------------------------------------------------------------------


async def add_comment(doing: Doing, case: Case, asked: AddCommentInput) -> Outcome:
    comment = await comments.add(doing.work, case, asked.body, given(asked.visibility))
    return Outcome({"comment": comment.id, "case": case.id})


async def edit_comment(doing: Doing, comment: Comment, asked: EditCommentInput) -> Outcome:
    await comments.edit(doing.work, comment, asked.body)
    return Outcome({"comment": comment.id, "case": comment.case_id})


ADD_COMMENT = act(add_comment, AddCommentInput, BothSides, ON_CASE)
EDIT_COMMENT = act(edit_comment, EditCommentInput, AuthorsOnly, on_key("Comment", Comment))


# Events, tasks, the needs fund, safety alerts ----------------------------------------------------------------


async def add_event(doing: Doing, case: Case, asked: AddEventInput) -> Outcome:
    entry = events.Entry(
        kind=asked.kind,
        subject=asked.subject,
        occurs_at=given(asked.occurs_at),
        ends_at=given(asked.ends_at),
        description=given(asked.description),
        outcome=given(asked.outcome),
        participants=given(asked.participants) or (),
        visibility=given(asked.visibility),
    )
    event = await events.add(doing.work, case, entry)
    return Outcome({"event": event.id, "case": case.id})


async def add_task(doing: Doing, case: Case, asked: AddTaskInput) -> Outcome:
    assignee = given(asked.assignee)
    assignee_id = key_in(assignee, "User") if assignee is not None else None
    task = await tasks.add(doing.work, case, asked.title, given(asked.due_on), assignee_id)
    return Outcome({"task": task.id, "case": case.id})


async def complete_task(doing: Doing, case: Case, asked: CompleteTaskInput) -> Outcome:
    task = await doing.work.get(Task, key_in(asked.id, "Task"), lock=True)
    await tasks.complete(doing.work, case, task)
    return Outcome({"task": task.id, "case": case.id})


async def record_needs_fund(doing: Doing, case: Case, asked: RecordNeedsFundInput) -> Outcome:
    entry = await needs_fund.record(doing.work, case, asked.purpose, asked.amount_cents, asked.spent_on)
    return Outcome({"entry": entry.id, "case": case.id})


async def add_safety_alert(doing: Doing, case: Case, asked: AddSafetyAlertInput) -> Outcome:
    alert = await safety_alerts.add(doing.work, case, asked.text)
    return Outcome({"safety_alert": alert.id, "case": case.id})


_ON_TASKS_CASE: Final = On(
    "Case",
    Case,
    Case.id == select(Task.case_id).where(Task.id == NAMED).scalar_subquery(),
    lambda given: key_in(given.id, "Task"),
    "id",
    "task",
)

ADD_EVENT = act(add_event, AddEventInput, CaseWorkers, ON_CASE)
ADD_TASK = act(add_task, AddTaskInput, CaseWorkers, ON_CASE)
COMPLETE_TASK = act(complete_task, CompleteTaskInput, CaseWorkers, _ON_TASKS_CASE)
RECORD_NEEDS_FUND = act(record_needs_fund, RecordNeedsFundInput, CaseWorkers, ON_CASE)
ADD_SAFETY_ALERT = act(add_safety_alert, AddSafetyAlertInput, CaseWorkers, ON_CASE)


# What was entered in error -----------------------------------------------------------------------------------


async def mark_in_error(doing: Doing, item: errors_marked.Item, asked: MarkInErrorInput) -> Outcome:
    case_id = await errors_marked.mark(doing.work, item)
    return Outcome({type(item).__name__.lower(): item.id, "case": case_id})


def _markable(type_name: str, model: type[models.Base]) -> Act:
    on = replace(on_key(type_name, model), named="comment, event or file")
    return act(mark_in_error, MarkInErrorInput, ErrorMarkers, on)


_MARKABLE: Final = {
    "Comment": _markable("Comment", Comment),
    "Event": _markable("Event", Event),
    "File": _markable("File", File),
}


async def _mark_any(call: Call) -> Outcome:
    """By the type that the identifier names. Of any other type it is no comment either, and answered so."""
    identifier = decode(call.arguments["input"]["id"])
    type_name = identifier.type_name if identifier is not None else ""
    return await _MARKABLE.get(type_name, _MARKABLE["Comment"]).perform(call)


MARK_IN_ERROR = Act(_mark_any, MarkInErrorInput, ErrorMarkers)


# Alerts ------------------------------------------------------------------------------------------------------


async def mark_alert_read(doing: Doing, asked: MarkAlertReadInput) -> Outcome:
    mine: Any = own_alerts(Row(Alert), doing.me)
    found = select(Alert).where(Alert.id == key_in(asked.id, "Alert"), mine).with_for_update(of=Alert)
    alert = (await doing.work.session.scalars(found, dict(parameters_of(doing.viewer)))).one_or_none()
    if alert is None:
        raise not_found("You have no such alert in the organisation you act for; check id.", "id")
    if alert.read_at is None:
        alert.read_at = doing.work.now
        doing.work.log(alert, None)
    return Outcome({"alert": alert.id})


MARK_ALERT_READ = act(mark_alert_read, MarkAlertReadInput, AnyRoleActs)

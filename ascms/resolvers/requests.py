"""Mutations of requests for support."""

from collections.abc import Mapping
from typing import Any

import strawberry
from sqlalchemy import select

from ascms import models
from ascms.casework import request_moves, requests
from ascms.casework.problems import Problems, invalid
from ascms.permissions.actions import NoticeKeepers, QueueLead, SchoolOwnRequests, Starters
from ascms.planning.changing import Call
from ascms.planning.plan import parameters_of
from ascms.planning.sources import Act, Outcome
from ascms.planning.values import key_in
from ascms.schema.types.allowances import decided
from ascms.schema.types.changes.requests import (
    DeclineRequestInput,
    RecordNoticeGivenInput,
    SaveRequestInput,
    StartRequestInput,
    SubmitRequestInput,
    WithdrawRequestInput,
)
from ascms.schema.types.requests import form_columns

from .changing import ON_CASE, ON_REQUEST, Doing, act, given
from .roots import choosable

# Drafts ------------------------------------------------------------------------------------------------------


async def start_request(doing: Doing, asked: StartRequestInput) -> Outcome:
    problems = Problems()
    requests.check_confirmed(problems, _confirmed(asked))
    choice = await _choice(doing, given(asked.student), problems)
    problems.refuse_any()
    request = await requests.start(doing.work, choice)
    return Outcome({"request": request.id})


async def save_request(doing: Doing, request: models.Request, asked: SaveRequestInput) -> Outcome:
    problems, members = Problems(), _members(asked)
    for name, type_name in (("provider", "Organisation"), ("primary_contact", "User")):
        if members.get(name) is not None:
            members[name] = key_in(members[name], type_name)
    choice = await _choice(doing, members["student"], problems) if "student" in members else None
    sees = "caregiver_contacts" not in members or await _sees_caregivers(doing, request.student_id)
    await requests.save(doing.work, request, members, choice, problems, sees_prefilled=sees)
    return Outcome({"request": request.id})


def _members(asked: Any) -> dict[str, Any]:
    """What was given, by name, all the way down."""

    def read(value: Any) -> Any:
        if isinstance(value, list):
            return [read(item) for item in value]
        if hasattr(type(value), "__strawberry_definition__"):
            members = vars(value).items()
            return {name: read(member) for name, member in members if member is not strawberry.UNSET}
        return value

    members: dict[str, Any] = read(asked)
    return members


def _confirmed(asked: StartRequestInput | SubmitRequestInput) -> requests.Confirmed:
    return requests.Confirmed(
        given(asked.details_confirmed), given(asked.privacy_statement_confirmed), given(asked.statement_version)
    )


async def _choice(doing: Doing, node: str | None, problems: Problems) -> requests.Choice:
    """The student whom the viewer chose. One whom they may not choose is answered like one who does not exist."""
    if node is None:
        return requests.Choice(None)
    key, parameters = key_in(node, "Student"), dict(parameters_of(doing.viewer))
    chosen = select(models.Student).where(models.Student.id == key, choosable(models.Student, doing.me))
    student = (await doing.work.session.scalars(chosen, parameters)).one_or_none()
    if student is None:
        problems.add("There is no such student at your school to choose; choose one of studentChoices.", "student")
        return requests.Choice(None)
    if not await _sees_caregivers(doing, student.id):
        return requests.Choice(student)
    caregivers = await doing.work.all(models.Caregiver, models.Caregiver.student_id == student.id)
    return requests.Choice(student, caregivers)


async def _sees_caregivers(doing: Doing, student_id: int | None) -> bool:
    """Whether the viewer sees a student's caregivers: only then a form is prefilled with them."""
    sees = decided(doing.me.sees("Student", "caregivers", models.Student))
    return await doing.reach("Student", models.Student, models.Student.id == student_id, sees) is not None


# Moves -------------------------------------------------------------------------------------------------------


async def submit_request(doing: Doing, request: models.Request, asked: SubmitRequestInput) -> Outcome:
    ground = await request_moves.prepare(doing.work, request)
    case = await request_moves.submit(doing.work, request, ground, await _form(doing, request), _confirmed(asked))
    return Outcome({"request": request.id, "case": case.id})


async def _form(doing: Doing, request: models.Request) -> Mapping[str, Any]:
    """What the request holds, read as `Request.steps` reads it, so that both judge alike."""
    columns = form_columns(models.Request, doing.me)
    statement = select(*columns.values()).where(models.Request.id == request.id)
    row = (await doing.work.session.execute(statement, dict(parameters_of(doing.viewer)))).one()
    return dict(zip(columns, row, strict=True))


async def withdraw_request(doing: Doing, request: models.Request, asked: WithdrawRequestInput) -> Outcome:
    case = await request_moves.withdraw(doing.work, request, asked.reason)
    return Outcome({"request": request.id, "case": case.id if case is not None else None})


async def decline_request(doing: Doing, request: models.Request, asked: DeclineRequestInput) -> Outcome:
    case = await request_moves.decline(doing.work, request, request_moves.Decline(asked.reason, asked.note))
    return Outcome({"request": request.id, "case": case.id})


# The family is told ------------------------------------------------------------------------------------------


def _notice(asked: RecordNoticeGivenInput) -> request_moves.Notice:
    return request_moves.Notice(asked.given_on, asked.given_to, asked.method)


async def notice_on_request(doing: Doing, request: models.Request, asked: RecordNoticeGivenInput) -> Outcome:
    await request_moves.notice_on_request(doing.work, request, _notice(asked))
    return Outcome({"request": request.id, "case": request.case_id})


async def notice_on_case(doing: Doing, case: models.Case, asked: RecordNoticeGivenInput) -> Outcome:
    await request_moves.notice_on_case(doing.work, case, _notice(asked))
    return Outcome({"case": case.id})


async def notice_on_neither(doing: Doing, asked: RecordNoticeGivenInput) -> Outcome:
    raise invalid("Give the reference of a request, or the number of a case that has none: exactly one of the two.")


_ON_REQUEST = act(notice_on_request, RecordNoticeGivenInput, NoticeKeepers, ON_REQUEST)
_ON_CASE = act(notice_on_case, RecordNoticeGivenInput, NoticeKeepers, ON_CASE)
_ON_NEITHER = act(notice_on_neither, RecordNoticeGivenInput, NoticeKeepers)


async def _record_notice(call: Call) -> Outcome:
    """On the row that the input names."""
    asked = call.arguments["input"]
    named = [name for name in ("reference", "number") if asked.get(name) is not None]
    chosen = _ON_NEITHER if len(named) != 1 else _ON_REQUEST if named == ["reference"] else _ON_CASE
    return await chosen.perform(call)


START_REQUEST = act(start_request, StartRequestInput, Starters)
SAVE_REQUEST = act(save_request, SaveRequestInput, SchoolOwnRequests, ON_REQUEST)
SUBMIT_REQUEST = act(submit_request, SubmitRequestInput, SchoolOwnRequests, ON_REQUEST)
WITHDRAW_REQUEST = act(withdraw_request, WithdrawRequestInput, SchoolOwnRequests, ON_REQUEST)
DECLINE_REQUEST = act(decline_request, DeclineRequestInput, QueueLead, ON_REQUEST)
RECORD_NOTICE_GIVEN = Act(_record_notice, RecordNoticeGivenInput, NoticeKeepers)

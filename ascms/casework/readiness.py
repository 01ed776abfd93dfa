"""Whether an action is possible on a row as it stands now: the life cycle with its facts from the database."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import aliased

from ascms.models import Case, NoticeGiven, Organisation, Request, Role, Task, User

from .eligibility import may_manage
from .lifecycle import QUEUED, CaseFacts, who_may_on_case, why_not_on_case, why_not_on_request
from .problems import Possible
from .providers import PROVIDERS, has_next_provider
from .work import Work

# Cases -------------------------------------------------------------------------------------------------------


def facts_for_all(case: Any) -> dict[str, ColumnElement[Any]]:
    """The facts, by name, that everybody who reaches a case may know."""
    provider = aliased(Organisation)
    kind = select(provider.kind).where(provider.id == case.provider_id).correlate_except(provider).scalar_subquery()
    return {"status": case.status, "provider_kind": kind, "has_manager": case.case_manager_id.is_not(None)}


def facts_for_provider(case: Any) -> dict[str, ColumnElement[Any]]:
    """The facts, by name, that only those may know who work at its provider."""
    task, manager = aliased(Task), aliased(User)
    open_tasks = select(func.count()).where(task.case_id == case.id, task.done_at.is_(None))
    manager_may = exists().where(
        manager.id == case.case_manager_id, may_manage(manager, case.provider_id, case.student_id)
    )
    return {
        "manager_may": manager_may.correlate_except(manager),
        "open_tasks": open_tasks.correlate_except(task).scalar_subquery(),
        "closed_at": case.closed_at,
        "merged": case.merged_into_id.is_not(None),
        "next_provider": has_next_provider(case),
    }


def facts_for_lead(case: Any) -> dict[str, ColumnElement[Any]]:
    """The facts, by name, that only those may know who reopen cases: another case may be another provider's."""
    other = aliased(Case)
    other_active = exists().where(
        other.student_id == case.student_id, other.type == case.type, other.active, other.id != case.id
    )
    return {"other_active": other_active.correlate_except(other)}


async def why_not_case(work: Work, case: Case, action: str) -> str | None:
    """Why `action` is not possible now to who asks, in words; None where it is."""
    return why_not_on_case(action, await _facts(work, case), work.actor.roles, work.now)


async def possible_on_case(work: Work, case: Case, roles: Mapping[str, Sequence[Role]]) -> list[Possible]:
    """The actions that are possible now, with who may do them; judged by what the one who asks may know."""
    facts = await _facts(work, case)
    possible = []
    for action, who in roles.items():
        may = tuple(role for role in who_may_on_case(action, facts, work.now) if role in who)
        if may:
            possible.append(Possible(action, may))
    return possible


async def _facts(work: Work, case: Case) -> CaseFacts:
    columns = facts_for_all(Case)
    if work.actor.kind in PROVIDERS:
        columns |= facts_for_provider(Case)
    if Role.WORKFLOW_LEAD in work.actor.roles:
        columns |= facts_for_lead(Case)
    named = [column.label(name) for name, column in columns.items()]
    row = (await work.session.execute(select(*named).where(Case.id == case.id))).one()
    return CaseFacts(**row._asdict())


# Requests ----------------------------------------------------------------------------------------------------


async def why_not_request(work: Work, request: Request, action: str) -> str | None:
    """Why `action` is not possible on the request now, in words; None where it is."""
    return why_not_on_request(action, request.status, **await _request_facts(work, request))


async def possible_on_request(work: Work, request: Request, roles: Mapping[str, Sequence[Role]]) -> list[Possible]:
    """The actions that are possible now, with who may do them."""
    facts = await _request_facts(work, request)
    return [
        Possible(action, tuple(who))
        for action, who in roles.items()
        if why_not_on_request(action, request.status, **facts) is None
    ]


async def _request_facts(work: Work, request: Request) -> dict[str, bool]:
    return {
        "submitted": request.submitted_at is not None,
        "case_queued": await _case_is_queued(work, request),
        "notice_given": await _notice_given(work, request),
    }


async def _case_is_queued(work: Work, request: Request) -> bool:
    if request.case_id is None:
        return False
    status = await work.session.scalar(select(Case.status).where(Case.id == request.case_id))
    return status in QUEUED


async def _notice_given(work: Work, request: Request) -> bool:
    return await work.find(NoticeGiven, NoticeGiven.request_id == request.id) is not None

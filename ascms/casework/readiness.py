"""Whether an action is possible on a row as it stands now: the life cycle with its facts from the database."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, exists, func, select
from sqlalchemy.orm import aliased

from ascms.models import Case, NoticeGiven, Organisation, Request, Role, Task, User

from .eligibility import may_manage
from .lifecycle import QUEUED, CaseFacts, who_may_on_case, why_not_on_case, why_not_on_request
from .problems import Possible
from .providers import PROVIDERS, has_next_provider
from .work import Work


@dataclass(frozen=True)
class Readiness:
    """What the life cycle says of a row as it stood when its facts were read."""

    why_not: Callable[[str], str | None]
    """Why an action is not possible, in words; None where it is."""
    _who_may: Callable[[str, Sequence[Role]], tuple[Role, ...]]

    def possible(self, roles: Mapping[str, Sequence[Role]]) -> list[Possible]:
        """Of the actions, each with its roles, those that are possible, with who may do them.

        Judged by what the one who asks may know.
        """
        allowed = {action: self._who_may(action, who) for action, who in roles.items()}
        return [Possible(action, who) for action, who in allowed.items() if who]


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


async def case_readiness(work: Work, case: Case) -> Readiness:
    """What is possible on the case now to who asks; its facts are read once, before anything is changed."""
    facts = await _facts(work, case)
    return Readiness(
        lambda action: why_not_on_case(action, facts, work.actor.roles, work.now),
        lambda action, roles: tuple(role for role in who_may_on_case(action, facts, work.now) if role in roles),
    )


async def _facts(work: Work, case: Case) -> CaseFacts:
    asked = _facts_asked(work.actor.kind in PROVIDERS, Role.WORKFLOW_LEAD in work.actor.roles)
    row = (await work.session.execute(asked, {"case": case.id})).one()
    return CaseFacts(**row._asdict())


@lru_cache
def _facts_asked(provider: bool, lead: bool) -> Select[Any]:
    """The statement, for one who works at a provider, and for one who reopens cases."""
    columns = facts_for_all(Case)
    if provider:
        columns |= facts_for_provider(Case)
    if lead:
        columns |= facts_for_lead(Case)
    return select(*(column.label(name) for name, column in columns.items())).where(Case.id == bindparam("case"))


# Requests ----------------------------------------------------------------------------------------------------


async def request_readiness(work: Work, request: Request) -> Readiness:
    """What is possible on the request now; its facts are read once, before anything is changed."""
    status, facts = request.status, await _request_facts(work, request)

    def why_not(action: str) -> str | None:
        return why_not_on_request(action, status, **facts)

    return Readiness(why_not, lambda action, roles: tuple(roles) if why_not(action) is None else ())


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

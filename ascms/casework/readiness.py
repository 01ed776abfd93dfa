"""Whether an action is possible on a row as it stands now: the life cycle with its facts from the database."""

from collections.abc import Mapping, Sequence

from sqlalchemy import func, select

from ascms.models import Case, NoticeGiven, OrganisationKind, Request, Role, Task

from .lifecycle import QUEUED, why_not_on_case, why_not_on_request
from .problems import Possible
from .work import Work

_PROVIDERS = frozenset({OrganisationKind.IN_SCHOOL_PROVIDER, OrganisationKind.ATTENDANCE_SERVICE_PROVIDER})


async def why_not_case(work: Work, case: Case, action: str) -> str | None:
    """Why `action` is not possible on the case now, in words; None where it is."""
    return why_not_on_case(
        action,
        case.status,
        has_manager=case.case_manager_id is not None,
        open_tasks=await _open_tasks(work, case) if action == "closeCase" else None,
        closed_at=case.closed_at,
        other_active=await _other_active(work, case) if action == "reopenCase" else None,
        now=work.now,
    )


async def possible_on_case(work: Work, case: Case, roles: Mapping[str, Sequence[Role]]) -> list[Possible]:
    """The actions that are possible now, with who may do them; judged by what the one who asks may know."""
    works_here = work.actor.kind in _PROVIDERS
    open_tasks = await _open_tasks(work, case) if works_here else None
    other_active = await _other_active(work, case) if works_here else None
    return [
        Possible(action, tuple(who))
        for action, who in roles.items()
        if why_not_on_case(
            action,
            case.status,
            has_manager=case.case_manager_id is not None,
            open_tasks=open_tasks,
            closed_at=case.closed_at if works_here else None,
            other_active=other_active,
            now=work.now,
        )
        is None
    ]


async def why_not_request(work: Work, request: Request, action: str) -> str | None:
    """Why `action` is not possible on the request now, in words; None where it is."""
    queued, noted = await _case_is_queued(work, request), await _notice_given(work, request)
    return why_not_on_request(action, request.status, case_queued=queued, notice_given=noted)


async def possible_on_request(work: Work, request: Request, roles: Mapping[str, Sequence[Role]]) -> list[Possible]:
    """The actions that are possible now, with who may do them."""
    queued, noted = await _case_is_queued(work, request), await _notice_given(work, request)
    return [
        Possible(action, tuple(who))
        for action, who in roles.items()
        if why_not_on_request(action, request.status, case_queued=queued, notice_given=noted) is None
    ]


async def _open_tasks(work: Work, case: Case) -> int:
    counted = select(func.count()).where(Task.case_id == case.id, Task.done_at.is_(None))
    return (await work.session.scalar(counted)) or 0


async def _other_active(work: Work, case: Case) -> bool:
    other = await work.find(
        Case, Case.student_id == case.student_id, Case.type == case.type, Case.active, Case.id != case.id
    )
    return other is not None


async def _case_is_queued(work: Work, request: Request) -> bool:
    if request.case_id is None:
        return False
    status = await work.session.scalar(select(Case.status).where(Case.id == request.case_id))
    return status in QUEUED


async def _notice_given(work: Work, request: Request) -> bool:
    return await work.find(NoticeGiven, NoticeGiven.request_id == request.id) is not None

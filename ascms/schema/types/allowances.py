"""`viewerCan`: each action on a row, whether it is allowed now, and if not why, in words that tell nothing hidden."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, case as sql_case, false, func, select, true
from sqlalchemy.orm import aliased

from ascms import models
from ascms.casework.lifecycle import QUEUED, why_not_on_case, why_not_on_request
from ascms.permissions.actions import CASE_ACTIONS, COMMENT_ACTIONS, REQUEST_ACTIONS, who_may
from ascms.permissions.audience import Audience
from ascms.permissions.audiences import AsPath, ProviderOnly, QueueKeeper
from ascms.permissions.policy import Visibility
from ascms.permissions.scopes import one_of, some
from ascms.planning.declare import entity, field
from ascms.planning.facts import Facts
from ascms.planning.sources import Computed, Given


@entity(description="What the viewer may do to an object now.")
class Allowance:
    action: str = field(Given("action"), AsPath, "The mutation's name.")
    allowed: bool = field(Given("allowed"), AsPath, "Whether it is allowed now.")
    reason: str | None = field(Given("reason"), AsPath, "Where it is not: why, in words.")


def _decided(decision: Any) -> ColumnElement[bool]:
    if isinstance(decision, Visibility):
        return true() if decision is Visibility.ALWAYS else false()
    return decision  # type: ignore[no-any-return]


def _rights(type_name: str, actions: Mapping[str, type[Audience]], row: Any, me: Any) -> dict[str, ColumnElement[Any]]:
    return {
        f"may_{audience.__name__}": _decided(me.may(audience, type_name, row)) for audience in set(actions.values())
    }


def _allowances(
    actions: Mapping[str, type[Audience]],
    row: Mapping[str, Any],
    why_not: Callable[[str], str | None],
) -> list[dict[str, Any]]:
    listed = []
    for action, audience in actions.items():
        reason = why_not(action) if row[f"may_{audience.__name__}"] else who_may(audience)
        listed.append({"action": action, "allowed": reason is None, "reason": reason})
    return listed


# Cases -------------------------------------------------------------------------------------------------------


def _case_columns(case: Any, me: Any) -> dict[str, ColumnElement[Any]]:
    task, other = aliased(models.Task), aliased(models.Case)
    open_tasks = select(func.count()).where(task.case_id == case.id, task.done_at.is_(None)).scalar_subquery()
    other_active = some(
        other, other.student_id == case.student_id, other.type == case.type, other.active, other.id != case.id
    )
    works = _decided(me.may(ProviderOnly, "Case", case))
    leads = _decided(me.may(QueueKeeper, "Case", case))
    return {
        **_rights("Case", CASE_ACTIONS, case, me),
        "status": case.status,
        "has_manager": case.case_manager_id.is_not(None),
        "closed_at": case.closed_at,
        # Read only for those who see tasks and reopen: a reason must not tell others of them.
        "open_tasks": _only_if(works, open_tasks),
        "other_active": _only_if(leads, other_active),
    }


def _only_if(condition: ColumnElement[bool], value: Any) -> ColumnElement[Any]:
    return sql_case((condition, value), else_=None)


def _case_allowances(rows: Sequence[Mapping[str, Any]], facts: Facts) -> list[Any]:
    def why_not(row: Mapping[str, Any]) -> Callable[[str], str | None]:
        return lambda action: why_not_on_case(
            action,
            row["status"],
            has_manager=row["has_manager"],
            open_tasks=row["open_tasks"],
            closed_at=row["closed_at"],
            other_active=row["other_active"],
            now=facts.now,
        )

    return [_allowances(CASE_ACTIONS, row, why_not(row)) for row in rows]


CASE_ALLOWANCES = Computed(_case_allowances, _case_columns, reads=("Case.status",))


# Requests ----------------------------------------------------------------------------------------------------


def _request_columns(request: Any, me: Any) -> dict[str, ColumnElement[Any]]:
    case, notice = aliased(models.Case), aliased(models.NoticeGiven)
    return {
        **_rights("Request", REQUEST_ACTIONS, request, me),
        "status": request.status,
        "case_queued": some(case, case.id == request.case_id, one_of(case.status, *sorted(QUEUED))),
        "notice_given": some(notice, notice.request_id == request.id),
    }


def _request_allowances(rows: Sequence[Mapping[str, Any]], facts: Facts) -> list[Any]:
    def why_not(row: Mapping[str, Any]) -> Callable[[str], str | None]:
        return lambda action: why_not_on_request(
            action, row["status"], case_queued=row["case_queued"], notice_given=row["notice_given"]
        )

    return [_allowances(REQUEST_ACTIONS, row, why_not(row)) for row in rows]


REQUEST_ALLOWANCES = Computed(_request_allowances, _request_columns, reads=("Request.status",))


# Comments ----------------------------------------------------------------------------------------------------


def _comment_columns(comment: Any, me: Any) -> dict[str, ColumnElement[Any]]:
    return {**_rights("Comment", COMMENT_ACTIONS, comment, me), "in_error": comment.in_error_at.is_not(None)}


def _comment_allowances(rows: Sequence[Mapping[str, Any]], facts: Facts) -> list[Any]:
    def why_not(row: Mapping[str, Any]) -> Callable[[str], str | None]:
        return lambda action: "The comment is marked as entered in error." if row["in_error"] else None

    return [_allowances(COMMENT_ACTIONS, row, why_not(row)) for row in rows]


COMMENT_ALLOWANCES = Computed(_comment_allowances, _comment_columns)

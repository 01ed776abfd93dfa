"""`viewerCan`: each action on a row, whether it is allowed now, and if not why, in words that tell nothing hidden."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import ColumnElement, case as sql_case, false, true
from sqlalchemy.orm import aliased

from ascms import models
from ascms.casework.lifecycle import QUEUED, CaseFacts, why_not_on_case, why_not_on_request
from ascms.casework.readiness import facts_for_all, facts_for_lead, facts_for_provider
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


def decided(decision: Any) -> ColumnElement[bool]:
    """A decision as a condition on the row."""
    if isinstance(decision, Visibility):
        return true() if decision is Visibility.ALWAYS else false()
    return decision  # type: ignore[no-any-return]


def _rights(type_name: str, actions: Mapping[str, type[Audience]], row: Any, me: Any) -> dict[str, ColumnElement[Any]]:
    return {f"may_{audience.__name__}": decided(me.may(audience, type_name, row)) for audience in set(actions.values())}


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
    # Read only for those who may know: a reason must not tell others of tasks, or of other cases.
    works, leads = (decided(me.may(audience, "Case", case)) for audience in (ProviderOnly, QueueKeeper))
    told = {
        **{name: sql_case((works, fact), else_=None) for name, fact in facts_for_provider(case).items()},
        **{name: sql_case((leads, fact), else_=None) for name, fact in facts_for_lead(case).items()},
    }
    return {**_rights("Case", CASE_ACTIONS, case, me), **facts_for_all(case), **told}


def _case_allowances(rows: Sequence[Mapping[str, Any]], facts: Facts) -> list[Any]:
    names = [member.name for member in fields(CaseFacts)]

    def why_not(row: Mapping[str, Any]) -> Callable[[str], str | None]:
        known = CaseFacts(**{name: row[name] for name in names})
        return lambda action: why_not_on_case(action, known, facts.viewer.roles, facts.now)

    return [_allowances(CASE_ACTIONS, row, why_not(row)) for row in rows]


def _whenever(row: Mapping[str, Any]) -> bool:
    """What may be done to a case that was closed depends on the time."""
    return row["closed_at"] is None


CASE_ALLOWANCES = Computed(_case_allowances, _case_columns, reads=("Case.status",), repeats=_whenever)


# Requests ----------------------------------------------------------------------------------------------------


def _request_columns(request: Any, me: Any) -> dict[str, ColumnElement[Any]]:
    case, notice = aliased(models.Case), aliased(models.NoticeGiven)
    return {
        **_rights("Request", REQUEST_ACTIONS, request, me),
        "status": request.status,
        "submitted": request.submitted_at.is_not(None),
        "case_queued": some(case, case.id == request.case_id, one_of(case.status, *sorted(QUEUED))),
        "notice_given": some(notice, notice.request_id == request.id),
    }


def _request_allowances(rows: Sequence[Mapping[str, Any]], facts: Facts) -> list[Any]:
    def why_not(row: Mapping[str, Any]) -> Callable[[str], str | None]:
        return lambda action: why_not_on_request(
            action,
            row["status"],
            submitted=row["submitted"],
            case_queued=row["case_queued"],
            notice_given=row["notice_given"],
        )

    return [_allowances(REQUEST_ACTIONS, row, why_not(row)) for row in rows]


REQUEST_ALLOWANCES = Computed(
    _request_allowances, _request_columns, reads=("Request.status",), repeats=lambda row: True
)


# Comments ----------------------------------------------------------------------------------------------------


def _comment_columns(comment: Any, me: Any) -> dict[str, ColumnElement[Any]]:
    return {**_rights("Comment", COMMENT_ACTIONS, comment, me), "in_error": comment.in_error_at.is_not(None)}


def _comment_allowances(rows: Sequence[Mapping[str, Any]], facts: Facts) -> list[Any]:
    def why_not(row: Mapping[str, Any]) -> Callable[[str], str | None]:
        return lambda action: "The comment is marked as entered in error." if row["in_error"] else None

    return [_allowances(COMMENT_ACTIONS, row, why_not(row)) for row in rows]


COMMENT_ALLOWANCES = Computed(_comment_allowances, _comment_columns, repeats=lambda row: True)

"""The mutation: a comment is added to a case, in one transaction."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import bindparam, select

from ascms.casework.lifecycle import CaseFacts, why_not_on_case
from ascms.models import Case, Comment, Organisation, Role, Visibility

from .database import Sessions
from .rules import ROWS, role_of
from .settings import Settings
from .viewer import Viewer


@dataclass(frozen=True)
class Problem:
    """Why it was not done."""

    code: str
    message: str


@dataclass(frozen=True)
class Added:
    """What came of it."""

    comment: Comment | None = None
    case: Case | None = None
    problems: tuple[Problem, ...] = ()


@cache
def _target(role: Role) -> Any:
    return (
        select(Case, Organisation.kind)
        .join(Organisation, Organisation.id == Case.provider_id)
        .where(Case.number == bindparam("number"), ROWS[role][Case])
    )


async def add_comment(sessions: Sessions, viewer: Viewer, settings: Settings, number: str, body: str) -> Added:
    """Comment on a case that the viewer reaches; a school's comment is shared with the school."""
    now, body = settings.now(), body.strip()
    async with sessions.begin() as session:
        found = await session.execute(_target(role_of(viewer)), {**viewer.parameters, "number": number})
        row = found.one_or_none()
        if row is None:
            return Added(problems=(Problem("NOT_FOUND", "There is no such case for you; check number."),))
        case, kind = row
        facts = CaseFacts(case.status, kind, case.case_manager_id is not None)
        reason = why_not_on_case("addComment", facts, viewer.roles, now)
        if reason is not None:
            return Added(case=case, problems=(Problem("NOT_POSSIBLE_NOW", reason),))
        if not body:
            return Added(case=case, problems=(Problem("INVALID", "It is empty; write what there is to say."),))
        comment = Comment(
            case_id=case.id,
            author_id=viewer.user_id,
            organisation_id=viewer.organisation_id,
            body=body,
            visibility=Visibility.SHARED,
            shared_with_school_id=viewer.organisation_id,
            created_at=now,
        )
        session.add(comment)
    return Added(comment, case)

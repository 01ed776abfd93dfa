"""The moves of a case. Whether a move is possible in a status is the life cycle's to say, and asked before."""

from datetime import date

from ascms.models import AlertKind, Case, CaseStatus, CaseStatusChange

from .alerts import tell_school
from .codes import check_codes
from .problems import Problems
from .timeline import record_change
from .work import Work


async def pause(work: Work, case: Case, reason: str, review_on: date) -> None:
    """Pause an open case until its review date, when the system resumes it."""
    problems = Problems()
    await check_codes(work, problems, "pause_reason", [reason], "reason")
    if review_on <= work.today:
        problems.add(f"The review date is {review_on}; give a day after today, {work.today}.", "review_on")
    problems.refuse_any()
    case.status_reason_code, case.review_on = reason, review_on
    await set_status(work, case, CaseStatus.PAUSED, "Case paused", reason)


async def set_status(work: Work, case: Case, status: CaseStatus, subject: str, reason: str | None = None) -> None:
    """Move the case to a status, with its history, its event and the alert to the school."""
    await work.add(
        CaseStatusChange(
            case_id=case.id,
            from_status=case.status,
            to_status=status,
            reason_code=reason,
            changed_by_id=work.actor.user_id,
            changed_at=work.now,
        )
    )
    case.status = status
    case.active = status is not CaseStatus.CLOSED
    work.changed_case(case)
    await record_change(work, case, subject)
    await tell_school(work, case, AlertKind.STATUS_CHANGED)

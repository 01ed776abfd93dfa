"""Who manages a case: named by the Workflow Lead, or no longer, when the case goes back to the provider's queue."""

from ascms.models import AlertKind, Case, CaseStatus

from .alerts import tell, tell_provider, tell_school
from .codes import check_codes
from .eligibility import may_manage_case
from .lifecycle import QUEUED
from .moves import NO_MANAGER, accept_requests, remember, set_status
from .problems import Problems
from .timeline import record_change
from .work import Work


async def assign(work: Work, case: Case, manager_id: int, *, opens: bool, reason: str | None) -> None:
    """Name the case manager, which accepts the case's requests; from the queue it `opens` the case, or stays there.

    Raises Refused for somebody who may not be it, and without a reason where another is named. Naming the one who is
    named already changes nothing more.
    """
    before = case.case_manager_id
    is_new = manager_id != before
    problems = Problems()
    if not await may_manage_case(work, case, manager_id):
        problems.add(NO_MANAGER, "manager")
    if is_new and before is not None and reason is None:
        problems.add("Another case manager is named already; say why, as a code of assign_reason.", "reason")
    if reason is not None:
        await check_codes(work, problems, "assign_reason", [reason], "reason")
    problems.refuse_any()
    opened = opens and case.status in QUEUED
    if not is_new and not opened:
        return
    case.case_manager_id, case.assigned_at = manager_id, case.assigned_at or work.now
    subject = _subject(is_new=is_new, is_first=before is None, opened=opened)
    if opened:
        alert = AlertKind.CASE_MANAGER_ASSIGNED if is_new else AlertKind.STATUS_CHANGED
        await set_status(work, case, CaseStatus.OPEN, subject, reason, alert=alert)
    else:
        await remember(work, case, case.status, reason)
        work.changed_case(case)
        await record_change(work, case, subject)
        await tell_school(work, case, AlertKind.CASE_MANAGER_ASSIGNED)
    await accept_requests(work, case)
    if is_new:
        await tell(work, [manager_id], case.provider_id, AlertKind.CASE_MANAGER_ASSIGNED, case=case)


def _subject(*, is_new: bool, is_first: bool, opened: bool) -> str:
    if not is_new:
        return "Case opened"
    named = "Case manager named" if is_first else "Case manager changed"
    return f"{named}, case opened" if opened else named


async def return_to_queue(work: Work, case: Case) -> None:
    """The manager may no longer be it: the case waits in its provider's queue for another, and the leads are told."""
    case.case_manager_id = case.status_reason_code = case.review_on = None
    if case.status is CaseStatus.PROVIDER_QUEUE:
        await remember(work, case, case.status)
        work.changed_case(case)
        await record_change(work, case, "Case manager no longer named")
    else:
        await set_status(work, case, CaseStatus.PROVIDER_QUEUE, "Case back in the provider's queue")
    await tell_provider(work, case, AlertKind.RETURNED_TO_QUEUE)

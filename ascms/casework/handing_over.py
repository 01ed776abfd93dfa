"""Handing a case on to another provider. Its internal record goes with it; the provider before no longer reaches it."""

from ascms.models import AlertKind, Case, CaseAllocation, CaseStatus, OrganisationKind, Task

from .alerts import tell_provider
from .codes import check_codes
from .moves import set_status
from .problems import Problems, not_possible_now
from .providers import Place, catchment_for, next_provider, open_provider, region_for
from .texts import LONG, needed
from .work import Work


async def transfer(work: Work, case: Case, reason: str, summary: str, provider_id: int | None) -> None:
    """Hand the case on, into the next provider's queue. `provider_id` is that of no row for one that is unknown.

    A provider hands on to the service that follows it, and names that one or none. The Ministry Administrator names
    any, on cases unseen: a refusal then tells nothing of the case.
    """
    problems = Problems()
    await check_codes(work, problems, "transfer_reason", [reason], "reason")
    summary = needed(problems, summary, LONG, "hand_over_summary")
    place = await _place(work, case, provider_id, problems)
    problems.refuse_any()
    assert place is not None
    before = case.provider_id
    await close_open_tasks(work, case)
    await _allocate(work, case, place.provider.id, summary)
    region = await region_for(work, case.school_id, place.provider.id)
    case.provider_id, case.catchment_id, case.region = place.provider.id, place.catchment_id, region
    case.case_manager_id = case.status_reason_code = case.review_on = None
    subject = f"Handed over to {place.provider.name}"
    await set_status(work, case, CaseStatus.PROVIDER_QUEUE, subject, reason, before_provider_id=before)
    await tell_provider(work, case, AlertKind.RETURNED_TO_QUEUE)


async def _place(work: Work, case: Case, provider_id: int | None, problems: Problems) -> Place | None:
    if work.actor.kind is OrganisationKind.MINISTRY:
        return await _any_place(work, case, provider_id, problems)
    place = await next_provider(work, case)
    if place is None:
        raise not_possible_now("There is no other attendance service to hand the case on to.")
    if provider_id not in (None, place.provider.id):
        problems.add(
            f"The case can be handed on to {place.provider.name} ({place.provider.number}); leave provider out.",
            "provider",
        )
    return place


async def _any_place(work: Work, case: Case, provider_id: int | None, problems: Problems) -> Place | None:
    provider = None if provider_id is None else await open_provider(work, provider_id)
    if provider is None:
        problems.add("Give an open in-school provider or attendance service, one of organisations.", "provider")
        return None
    problems.refuse_any()
    if provider.id == case.provider_id:
        raise not_possible_now("This is not possible as the case stands now.")
    return Place(provider, await catchment_for(work, provider, case.school_id))


async def close_open_tasks(work: Work, case: Case) -> None:
    """What the provider still had to do on the case is no longer its own."""
    for task in await work.all(Task, Task.case_id == case.id, Task.done_at.is_(None)):
        task.done_at, task.handed_over = work.now, True
        work.log(task, case.student_id)


async def _allocate(work: Work, case: Case, provider_id: int, summary: str) -> None:
    """The present provider's time with the case ends, and another's begins."""
    for allocation in await work.all(
        CaseAllocation, CaseAllocation.case_id == case.id, CaseAllocation.ended_at.is_(None)
    ):
        allocation.ended_at, allocation.hand_over_summary = work.now, summary
    await work.add(CaseAllocation(case_id=case.id, provider_id=provider_id, started_at=work.now))

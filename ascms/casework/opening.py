"""Opening a case: in its provider's queue, with all that a case begins with."""

from collections.abc import Iterable
from dataclasses import dataclass

from ascms.models import (
    Case,
    CaseAllocation,
    CaseBarrier,
    CaseStatus,
    CaseStatusChange,
    CaseType,
    Organisation,
    Student,
)

from .numbers import next_number
from .providers import catchment_for, region_for
from .service_levels import target_version
from .work import Work


@dataclass(frozen=True, slots=True)
class Opening:
    """What is known of a case as it is opened. `school_id` is the student's present school, None if none."""

    type: CaseType
    student: Student
    school_id: int | None
    provider: Organisation
    primary_contact_id: int | None = None
    barriers: Iterable[str] = ()


async def open_case(work: Work, opening: Opening) -> Case:
    """A new case in the provider's queue. The database holds that the student has no other active one of the type."""
    case = await work.add(
        Case(
            number=await next_number(work.session, "case"),
            type=opening.type,
            status=CaseStatus.PROVIDER_QUEUE,
            active=True,
            student_id=opening.student.id,
            school_id=opening.school_id,
            provider_id=opening.provider.id,
            catchment_id=await catchment_for(work, opening.provider, opening.school_id),
            region=await region_for(work, opening.school_id, opening.provider.id),
            primary_contact_id=opening.primary_contact_id,
            opened_at=work.now,
            target_version=await target_version(work, work.today),
        )
    )
    await work.add(CaseAllocation(case_id=case.id, provider_id=case.provider_id, started_at=work.now))
    await work.add(
        CaseStatusChange(case_id=case.id, to_status=case.status, changed_by_id=work.actor.user_id, changed_at=work.now)
    )
    for code in opening.barriers:
        await work.add(CaseBarrier(case_id=case.id, code=code))
    work.touched_case(case)
    return case

"""The school's side of a case: its primary contact, and what the school notes on how to reach them."""

from collections.abc import Sequence

from ascms.models import AlertKind, Case, Role

from .alerts import holders, tell
from .eligibility import may_be_contact_of
from .problems import Problems, invalid
from .texts import LONG, wanted
from .timeline import record_change
from .work import Work


async def change_contact(work: Work, case: Case, contact_id: int | None) -> None:
    """Name another primary contact, or none, which is the Attendance Lead's to do.

    `contact_id` is that of no row for somebody who is unknown. The one who is it already changes nothing.
    """
    before = case.primary_contact_id
    if contact_id == before:
        return
    if contact_id is None and Role.ATTENDANCE_LEAD not in work.actor.roles:
        raise invalid("Only an Attendance Lead leaves a case without a contact; name another one.", "contact")
    if contact_id is not None and not await may_be_contact_of(work, case, contact_id):
        raise invalid(
            "This is nobody who may be the primary contact: Attendance Lead or Primary Contact of the student's "
            "present school, and not kept from the student; choose among eligibleContacts.",
            "contact",
        )
    await set_contact(work, case, contact_id)
    told = [key for key in (before, contact_id) if key is not None]
    if contact_id is None:
        told += await holders(work, case.school_id, Role.ATTENDANCE_LEAD)
    await _tell(work, case, told)


async def clear_contact(work: Work, case: Case) -> None:
    """The primary contact may no longer be it: the Attendance Leads are told, who hear of the case from now on."""
    await set_contact(work, case, None)
    await _tell(work, case, await holders(work, case.school_id, Role.ATTENDANCE_LEAD))


async def _tell(work: Work, case: Case, told: Sequence[int]) -> None:
    if case.school_id is not None:
        await tell(work, told, case.school_id, AlertKind.CONTACT_CHANGED, case=case)


async def set_contact(work: Work, case: Case, contact_id: int | None) -> None:
    """Make somebody the contact, or nobody, with the event; whom to tell depends on how it came."""
    case.primary_contact_id = contact_id
    work.changed_case(case)
    await record_change(work, case, "Primary contact changed")


async def note(work: Work, case: Case, notes: str | None) -> None:
    """Keep the school's notes on its contact; none where they are empty. The same notes change nothing."""
    problems = Problems()
    kept = wanted(problems, notes, LONG, "notes")
    problems.refuse_any()
    if kept == case.school_contact_notes:
        return
    case.school_contact_notes = kept
    work.changed_case(case)
    await record_change(work, case, "School contact notes changed")

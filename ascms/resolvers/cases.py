"""Mutations of the life of a case."""

from collections.abc import Mapping

from ascms.casework import assigning, contacts, handing_over, merging, moves, non_enrolled
from ascms.casework.alerts import is_blocked
from ascms.casework.problems import conflict, invalid, not_found
from ascms.models import Case, Role
from ascms.permissions.actions import Administrators, CaseWorkers, ContactKeepers, QueueLead, Transferrers
from ascms.planning.sources import Outcome
from ascms.planning.values import key_in
from ascms.schema.types.changes.cases import (
    AssignCaseManagerInput,
    ChangePrimaryContactInput,
    CloseCaseInput,
    MergeCasesInput,
    OpenCaseInput,
    OpenNonEnrolledCaseInput,
    PauseCaseInput,
    ReopenCaseInput,
    ResumeCaseInput,
    TransferCaseInput,
    UpdateSchoolContactNotesInput,
)

from .changing import ON_CASE, Doing, act, changed, given

UNSEEN = frozenset({Role.MINISTRY_ADMINISTRATOR})


def _key(identifier: str | None, type_name: str) -> int | None:
    return None if identifier is None else key_in(identifier, type_name)


# Moves -------------------------------------------------------------------------------------------------------


async def assign_case_manager(doing: Doing, case: Case, asked: AssignCaseManagerInput) -> Outcome:
    manager = key_in(asked.manager, "User")
    await assigning.assign(doing.work, case, manager, opens=asked.open, reason=given(asked.reason))
    return Outcome({"case": case.id})


async def open_case(doing: Doing, case: Case, asked: OpenCaseInput) -> Outcome:
    await moves.open_(doing.work, case)
    return Outcome({"case": case.id})


async def pause_case(doing: Doing, case: Case, asked: PauseCaseInput) -> Outcome:
    await moves.pause(doing.work, case, asked.reason, asked.review_on)
    return Outcome({"case": case.id})


async def resume_case(doing: Doing, case: Case, asked: ResumeCaseInput) -> Outcome:
    await moves.resume(doing.work, case)
    return Outcome({"case": case.id})


async def transfer_case(doing: Doing, case: Case, asked: TransferCaseInput) -> Outcome:
    provider = _key(given(asked.provider), "Organisation")
    await handing_over.transfer(doing.work, case, asked.reason, asked.hand_over_summary, provider)
    return Outcome({"case": case.id})


async def close_case(doing: Doing, case: Case, asked: CloseCaseInput) -> Outcome:
    await moves.close(doing.work, case, asked.outcome, asked.closing_summary)
    return Outcome({"case": case.id})


async def reopen_case(doing: Doing, case: Case, asked: ReopenCaseInput) -> Outcome:
    await moves.reopen(doing.work, case, asked.reason, _key(given(asked.manager), "User"))
    return Outcome({"case": case.id})


ASSIGN_CASE_MANAGER = act(assign_case_manager, AssignCaseManagerInput, QueueLead, ON_CASE)
OPEN_CASE = act(open_case, OpenCaseInput, CaseWorkers, ON_CASE)
PAUSE_CASE = act(pause_case, PauseCaseInput, CaseWorkers, ON_CASE)
RESUME_CASE = act(resume_case, ResumeCaseInput, CaseWorkers, ON_CASE)
TRANSFER_CASE = act(transfer_case, TransferCaseInput, Transferrers, ON_CASE, beyond=UNSEEN)
CLOSE_CASE = act(close_case, CloseCaseInput, CaseWorkers, ON_CASE)
REOPEN_CASE = act(reopen_case, ReopenCaseInput, QueueLead, ON_CASE)


# The school's contact ----------------------------------------------------------------------------------------


async def change_primary_contact(doing: Doing, case: Case, asked: ChangePrimaryContactInput) -> Outcome:
    if not changed(asked.contact):
        raise invalid("Say who: the id of one of its eligibleContacts, or null for nobody.", "contact")
    await contacts.change_contact(doing.work, case, _key(asked.contact, "User"))
    return Outcome({"case": case.id})


async def update_school_contact_notes(doing: Doing, case: Case, asked: UpdateSchoolContactNotesInput) -> Outcome:
    if not changed(asked.notes):
        raise invalid("Give the notes as they are to be, or null for none.", "notes")
    await contacts.note(doing.work, case, asked.notes)
    return Outcome({"case": case.id})


CHANGE_PRIMARY_CONTACT = act(change_primary_contact, ChangePrimaryContactInput, ContactKeepers, ON_CASE)
UPDATE_SCHOOL_CONTACT_NOTES = act(update_school_contact_notes, UpdateSchoolContactNotesInput, ContactKeepers, ON_CASE)


# The Ministry's own ------------------------------------------------------------------------------------------


async def open_non_enrolled_case(doing: Doing, asked: OpenNonEnrolledCaseInput) -> Outcome:
    case = await non_enrolled.open_non_enrolled(doing.work, asked.nsn)
    return Outcome({"case": case.id})


async def merge_cases(doing: Doing, asked: MergeCasesInput) -> Outcome:
    if asked.survivor == asked.duplicate:
        raise invalid("It is the number of the survivor; give two cases.", "duplicate")
    held = await _held(doing, {"survivor": asked.survivor, "duplicate": asked.duplicate})
    for name, expected in (
        ("survivor", given(asked.expected_survivor_version)),
        ("duplicate", given(asked.expected_duplicate_version)),
    ):
        if expected is not None and expected != held[name].version:
            raise conflict(None, f"expected_{name}_version")
    await merging.merge(doing.work, held["survivor"], held["duplicate"])
    return Outcome({"case": held["survivor"].id})


async def _held(doing: Doing, numbers: Mapping[str, str]) -> dict[str, Case]:
    """The cases with these numbers, held in the order of their keys; none of a student from whom one is kept."""
    found = await doing.work.all(Case, Case.number.in_(tuple(numbers.values())), lock=True)
    held = {
        case.number: case for case in found if not await is_blocked(doing.work, doing.viewer.user_id, case.student_id)
    }
    for name, number in numbers.items():
        if number not in held:
            raise not_found(f"There is no such case for you; check {name}.", name)
    return {name: held[number] for name, number in numbers.items()}


OPEN_NON_ENROLLED_CASE = act(open_non_enrolled_case, OpenNonEnrolledCaseInput, Administrators)
MERGE_CASES = act(merge_cases, MergeCasesInput, Administrators)

"""Mutations of the life of a case."""

from ascms.permissions.actions import Administrators, CaseWorkers, ContactKeepers, QueueLead, Transferrers
from ascms.planning.declare import entity
from ascms.resolvers import cases
from ascms.schema.types.changes.cases import (
    AssignCaseManagerInput,
    AssignCaseManagerPayload,
    ChangePrimaryContactInput,
    ChangePrimaryContactPayload,
    CloseCaseInput,
    CloseCasePayload,
    MergeCasesInput,
    MergeCasesPayload,
    OpenCaseInput,
    OpenCasePayload,
    OpenNonEnrolledCaseInput,
    OpenNonEnrolledCasePayload,
    PauseCaseInput,
    PauseCasePayload,
    ReopenCaseInput,
    ReopenCasePayload,
    ResumeCaseInput,
    ResumeCasePayload,
    TransferCaseInput,
    TransferCasePayload,
    UpdateSchoolContactNotesInput,
    UpdateSchoolContactNotesPayload,
)

from .common import mutation


@entity(description="The life of a case.")
class CaseMutations:
    assign_case_manager: AssignCaseManagerPayload | None = mutation(
        cases.ASSIGN_CASE_MANAGER,
        QueueLead,
        AssignCaseManagerInput,
        "Name a case's manager, which accepts its requests; a case in the queue is opened with it, or stays there.",
    )
    open_case: OpenCasePayload | None = mutation(
        cases.OPEN_CASE, CaseWorkers, OpenCaseInput, "Open a case of the queue whose manager is named."
    )
    pause_case: PauseCasePayload | None = mutation(
        cases.PAUSE_CASE, CaseWorkers, PauseCaseInput, "Pause an open case until its review date."
    )
    resume_case: ResumeCasePayload | None = mutation(
        cases.RESUME_CASE, CaseWorkers, ResumeCaseInput, "Go on with a paused case before its review date."
    )
    transfer_case: TransferCasePayload | None = mutation(
        cases.TRANSFER_CASE,
        Transferrers,
        TransferCaseInput,
        "Hand a case on into another provider's queue; its manager and review date are cleared, open tasks close.",
    )
    close_case: CloseCasePayload | None = mutation(
        cases.CLOSE_CASE, CaseWorkers, CloseCaseInput, "Close an open or paused case with its outcome."
    )
    reopen_case: ReopenCasePayload | None = mutation(
        cases.REOPEN_CASE, QueueLead, ReopenCaseInput, "Go on with a case closed within 30 days, under its number."
    )
    change_primary_contact: ChangePrimaryContactPayload | None = mutation(
        cases.CHANGE_PRIMARY_CONTACT,
        ContactKeepers,
        ChangePrimaryContactInput,
        "Name another primary contact; who gives a case away may not see it any more.",
    )
    update_school_contact_notes: UpdateSchoolContactNotesPayload | None = mutation(
        cases.UPDATE_SCHOOL_CONTACT_NOTES,
        ContactKeepers,
        UpdateSchoolContactNotesInput,
        "Change the school's notes on how to reach its contact.",
    )
    open_non_enrolled_case: OpenNonEnrolledCasePayload | None = mutation(
        cases.OPEN_NON_ENROLLED_CASE,
        Administrators,
        OpenNonEnrolledCaseInput,
        "Open a case for a student on no school's roll, with the attendance service of the last school's catchment.",
    )
    merge_cases: MergeCasesPayload | None = mutation(
        cases.MERGE_CASES,
        Administrators,
        MergeCasesInput,
        "Have one of two cases go on with all that is on both, and the other's number lead to it.",
    )

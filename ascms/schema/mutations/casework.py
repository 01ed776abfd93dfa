"""Mutations of casework."""

from ascms.permissions.actions import AnyRoleActs, AuthorsOnly, BothSides, CaseWorkers, ErrorMarkers
from ascms.planning.declare import entity
from ascms.resolvers import casework
from ascms.schema.types.changes.casework import (
    AddCommentInput,
    AddCommentPayload,
    AddEventInput,
    AddEventPayload,
    AddSafetyAlertInput,
    AddSafetyAlertPayload,
    AddTaskInput,
    AddTaskPayload,
    CompleteTaskInput,
    CompleteTaskPayload,
    EditCommentInput,
    EditCommentPayload,
    MarkAlertReadInput,
    MarkAlertReadPayload,
    MarkInErrorInput,
    MarkInErrorPayload,
    RecordNeedsFundInput,
    RecordNeedsFundPayload,
)

from .common import mutation


@entity(description="Casework.")
class CaseworkMutations:
    add_comment: AddCommentPayload | None = mutation(
        casework.ADD_COMMENT, BothSides, AddCommentInput, "Comment on a case; a school's comment is shared."
    )
    edit_comment: EditCommentPayload | None = mutation(
        casework.EDIT_COMMENT, AuthorsOnly, EditCommentInput, "Change the text of a comment of one's own."
    )
    add_event: AddEventPayload | None = mutation(
        casework.ADD_EVENT, CaseWorkers, AddEventInput, "Record a contact, visit or note, past or upcoming."
    )
    add_task: AddTaskPayload | None = mutation(
        casework.ADD_TASK, CaseWorkers, AddTaskInput, "Set something to do on a case."
    )
    complete_task: CompleteTaskPayload | None = mutation(
        casework.COMPLETE_TASK, CaseWorkers, CompleteTaskInput, "Mark a task as done."
    )
    record_needs_fund: RecordNeedsFundPayload | None = mutation(
        casework.RECORD_NEEDS_FUND, CaseWorkers, RecordNeedsFundInput, "Record spending on unmet basic needs."
    )
    add_safety_alert: AddSafetyAlertPayload | None = mutation(
        casework.ADD_SAFETY_ALERT, CaseWorkers, AddSafetyAlertInput, "Record what a visitor to the home must know."
    )
    mark_in_error: MarkInErrorPayload | None = mutation(
        casework.MARK_IN_ERROR, ErrorMarkers, MarkInErrorInput, "Mark what was entered in error; it is kept, as such."
    )
    mark_alert_read: MarkAlertReadPayload | None = mutation(
        casework.MARK_ALERT_READ, AnyRoleActs, MarkAlertReadInput, "Mark an alert of one's own as read."
    )

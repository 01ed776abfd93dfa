"""Mutations of requests for support."""

from ascms.permissions.actions import NoticeKeepers, QueueLead, SchoolOwnRequests, Starters
from ascms.planning.declare import entity
from ascms.resolvers import requests
from ascms.schema.types.changes.requests import (
    DeclineRequestInput,
    DeclineRequestPayload,
    RecordNoticeGivenInput,
    RecordNoticeGivenPayload,
    SaveRequestInput,
    SaveRequestPayload,
    StartRequestInput,
    StartRequestPayload,
    SubmitRequestInput,
    SubmitRequestPayload,
    WithdrawRequestInput,
    WithdrawRequestPayload,
)

from .common import mutation


@entity(description="Requests for support.")
class RequestMutations:
    start_request: StartRequestPayload | None = mutation(
        requests.START_REQUEST, Starters, StartRequestInput, "Start a request for a student of the acting school."
    )
    save_request: SaveRequestPayload | None = mutation(
        requests.SAVE_REQUEST, SchoolOwnRequests, SaveRequestInput, "Save what is given of a draft, of any step."
    )
    submit_request: SubmitRequestPayload | None = mutation(
        requests.SUBMIT_REQUEST,
        SchoolOwnRequests,
        SubmitRequestInput,
        "Submit a draft: it opens a case with the provider asked for, or joins the student's active one.",
    )
    withdraw_request: WithdrawRequestPayload | None = mutation(
        requests.WITHDRAW_REQUEST,
        SchoolOwnRequests,
        WithdrawRequestInput,
        "Take back a draft, or a request whose case is in the queue; the case closes where no other holds it.",
    )
    decline_request: DeclineRequestPayload | None = mutation(
        requests.DECLINE_REQUEST,
        QueueLead,
        DeclineRequestInput,
        "Decline a request whose case is in the queue; the case closes where no other holds it.",
    )
    record_notice_given: RecordNoticeGivenPayload | None = mutation(
        requests.RECORD_NOTICE_GIVEN,
        NoticeKeepers,
        RecordNoticeGivenInput,
        "Record that the family was given the privacy statement.",
    )

"""How a request ends, and what becomes of its case; and that the family was told of it."""

import pytest

from tests.contract.casework import do, done, refused
from tests.contract.filing import (
    NOTICE,
    alerts,
    assigned,
    end,
    enrol,
    filled,
    leaving,
    submitted,
    unchanged,
    user,
)
from tests.contract.people import (
    ADMINISTRATOR,
    ADVISER,
    ANALYST,
    AUTHORISER,
    BOTH,
    CONTACT,
    ISP_MANAGER,
    ISP_WORKFLOW,
    LEAD,
    OFFICE,
    PRIVACY,
    WORKFLOW,
)
from tests.support.server import DemoServer
from tests.support.sql import execute

CASE = "case { number status version provider { number } primaryContact { id } }"
ENDED = {"withdrawRequest": "WITHDRAWN", "declineRequest": "DECLINED"}


# Withdrawing -------------------------------------------------------------------------------------------------


def test_a_draft_is_withdrawn_and_kept(changing: DemoServer) -> None:
    draft = filled(changing, enrol(changing))
    with unchanged(changing):
        assert refused(changing, OFFICE, "withdrawRequest", **draft.given(reason="  ")) == [("INVALID", "reason")]
        assert refused(changing, BOTH, "withdrawRequest", **draft.given(reason="x")) == [("NOT_POSSIBLE_NOW", "")]
    with leaving(changing, event=0, alert=0, outbox_message=0, case_record=0):
        draft.do("withdrawRequest", OFFICE, reason="It is settled.")
    assert draft.seen(OFFICE, "status decidedAt notes") == {"status": "WITHDRAWN", "decidedAt": None, "notes": None}
    with unchanged(changing):
        assert refused(changing, OFFICE, "saveRequest", **draft.given(notes="x")) == [("NOT_POSSIBLE_NOW", "")]


def test_withdrawing_the_only_request_closes_its_queued_case(changing: DemoServer) -> None:
    draft = submitted(changing, enrol(changing))
    with leaving(changing, event=2, case_status_change=1):
        payload = draft.do("withdrawRequest", CONTACT, "status decidedAt", CASE, reason="Back at school.")
    assert payload["request"]["status"] == "WITHDRAWN"
    assert payload["request"]["decidedAt"] is not None
    assert payload["case"] is None
    assert (draft.case["status"], draft.case["outcome"]) == ("CLOSED", "REQUEST_WITHDRAWN")
    shown = "case { closedAt outcome { code } events(first: 5) { nodes { subject description } } }"
    case = draft.seen(ISP_WORKFLOW, shown)["case"]
    assert case["outcome"] == {"code": "REQUEST_WITHDRAWN"}
    assert {"subject": "Request withdrawn", "description": "Back at school."} in case["events"]["nodes"]
    assert alerts(changing, ISP_WORKFLOW)[0] == ("STATUS_CHANGED", draft.case["number"])


@pytest.mark.parametrize("ending", ["withdrawRequest", "declineRequest"])
def test_a_case_closes_only_with_the_last_request_that_holds_it(changing: DemoServer, ending: str) -> None:
    pupil = enrol(changing)
    first, second = submitted(changing, pupil), submitted(changing, pupil)
    filled(changing, pupil)  # a draft holds nothing
    end(first, ending)
    assert (first.status, first.case["status"]) == (ENDED[ending], "PROVIDER_QUEUE")
    assert second.status == "SUBMITTED"
    end(second, ending)
    assert second.case["status"] == "CLOSED"


@pytest.mark.parametrize("ending", ["withdrawRequest", "declineRequest"])
def test_a_named_manager_does_not_stand_in_the_way_but_an_opened_case_does(changing: DemoServer, ending: str) -> None:
    named, opened = submitted(changing, enrol(changing)), submitted(changing, enrol(changing))
    assigned(named, opened=False)
    named.version += 1
    assert named.status == "ACCEPTED"
    end(named, ending)
    assert named.case["status"] == "CLOSED"
    assigned(opened, opened=True)
    opened.version += 1
    by, members = (
        (LEAD, {"reason": "x"}) if ending == "withdrawRequest" else (ISP_WORKFLOW, {"reason": "DUPLICATE", "note": "x"})
    )
    with unchanged(changing):
        assert refused(changing, by, ending, **opened.given(**members)) == [("NOT_POSSIBLE_NOW", "")]


@pytest.mark.parametrize("ending", ["withdrawRequest", "declineRequest"])
def test_a_case_that_was_carried_over_stays_whatever_becomes_of_a_request(changing: DemoServer, ending: str) -> None:
    draft = submitted(changing, enrol(changing))
    execute(
        changing.database,
        f"UPDATE case_record SET status = 'TRANSITION', former_reference = 'F{draft.reference}' "
        f"WHERE id = {draft.case['id']}",
    )
    end(draft, ending)
    assert draft.case["status"] == "TRANSITION"


# Declining ---------------------------------------------------------------------------------------------------


def test_a_declined_request_tells_the_school_why_and_closes_the_case(changing: DemoServer) -> None:
    draft = submitted(changing, enrol(changing))
    with unchanged(changing):
        wrong = draft.given(reason="HEALTH", note=" ")
        assert refused(changing, ISP_WORKFLOW, "declineRequest", **wrong) == [
            ("INVALID", "reason"),
            ("INVALID", "note"),
        ]
    given = {"reason": "SCHOOL_STEPS_NOT_TRIED", "note": "Please review the plan first."}
    payload = draft.do("declineRequest", ISP_WORKFLOW, "status", CASE, **given)
    assert payload["case"]["status"] == "CLOSED"
    reason = {"code": given["reason"], "name": "School steps not yet tried", "note": given["note"]}
    shown = "status decidedAt declineReason { code name note }"
    for person in (OFFICE, CONTACT, LEAD):
        seen = draft.seen(person, shown)
        assert (seen["status"], seen["declineReason"]) == ("DECLINED", reason)
    assert draft.seen(ADVISER, shown)["declineReason"] is None
    assert ("STATUS_CHANGED", draft.reference) in alerts(changing, CONTACT)
    assert draft.case["outcome"] == "REQUEST_DECLINED"


def test_reason_and_note_are_not_on_the_timeline(changing: DemoServer) -> None:
    pupil = enrol(changing)
    submitted(changing, pupil)
    draft = submitted(changing, pupil)
    draft.do("declineRequest", ISP_WORKFLOW, reason="DUPLICATE", note="As said before.")
    shown = "case { events(first: 1) { nodes { subject description outcome } } }"
    assert draft.seen(LEAD, shown)["case"]["events"]["nodes"] == [
        {"subject": "Request declined", "description": None, "outcome": None}
    ]


def test_only_who_runs_the_queue_declines(changing: DemoServer) -> None:
    draft = submitted(changing, enrol(changing))
    given = draft.given(reason="DUPLICATE", note="x")
    with unchanged(changing):
        for person in (OFFICE, LEAD, ISP_MANAGER, ADVISER, ADMINISTRATOR, PRIVACY):
            assert do(changing, person, "declineRequest", **given).codes == ["FORBIDDEN"]
        elsewhere = do(changing, WORKFLOW, "declineRequest", "request { reference }", **given)
        never = do(changing, WORKFLOW, "declineRequest", "request { reference }", **{**given, "reference": "999999"})
    assert elsewhere.body == never.body
    assert elsewhere.data["declineRequest"]["problems"][0]["code"] == "NOT_FOUND"


# The family is told ------------------------------------------------------------------------------------------

SHOWN = "request { noticeGiven { givenOn givenTo method recordedBy { id } } } case { number }"


def test_that_the_family_was_told_is_recorded_once_and_the_requests_version_stays(changing: DemoServer) -> None:
    draft = submitted(changing, enrol(changing))
    with unchanged(changing):
        for wrong in ({"givenOn": "2199-01-01"}, {"givenTo": " "}):
            given = {"reference": draft.reference, **NOTICE, **wrong}
            assert refused(changing, CONTACT, "recordNoticeGiven", **given) == [("INVALID", next(iter(wrong)))]
        given = {"reference": draft.reference, **NOTICE}
        assert refused(changing, BOTH, "recordNoticeGiven", **given) == [("NOT_POSSIBLE_NOW", "")]
    payload = done(changing, CONTACT, "recordNoticeGiven", SHOWN, reference=draft.reference, **NOTICE)
    assert payload["request"]["noticeGiven"] == {**NOTICE, "recordedBy": {"id": user(changing, CONTACT)}}
    assert draft.seen(LEAD, "version") == {"version": draft.version}
    with unchanged(changing):
        for person in (CONTACT, LEAD, ISP_WORKFLOW):
            assert refused(changing, person, "recordNoticeGiven", **given) == [("NOT_POSSIBLE_NOW", "")]


def test_the_notice_is_owed_for_what_left_the_school_whatever_became_of_it(changing: DemoServer) -> None:
    never_sent, sent = filled(changing, enrol(changing)), submitted(changing, enrol(changing))
    with unchanged(changing):
        given = {"reference": never_sent.reference, **NOTICE}
        assert refused(changing, LEAD, "recordNoticeGiven", **given) == [("NOT_POSSIBLE_NOW", "")]
    for draft in (never_sent, sent):
        draft.do("withdrawRequest", OFFICE, reason="Not needed.")
    with unchanged(changing):
        assert refused(changing, LEAD, "recordNoticeGiven", **given) == [("NOT_POSSIBLE_NOW", "")]
    done(changing, OFFICE, "recordNoticeGiven", reference=sent.reference, **NOTICE)


def test_a_case_that_no_request_led_to_has_the_notice_itself(changing: DemoServer) -> None:
    draft = submitted(changing, enrol(changing))
    number = draft.case["number"]
    with unchanged(changing):
        assert refused(changing, LEAD, "recordNoticeGiven", number=number, **NOTICE) == [("NOT_POSSIBLE_NOW", "")]
    execute(
        changing.database,
        f"UPDATE request SET case_id = NULL, status = 'WITHDRAWN' WHERE reference = '{draft.reference}'",
    )
    with unchanged(changing):
        for person in (OFFICE, BOTH):
            assert do(changing, person, "recordNoticeGiven", number=number, **NOTICE).data["recordNoticeGiven"][
                "problems"
            ]
    payload = done(changing, ISP_WORKFLOW, "recordNoticeGiven", SHOWN, number=number, **NOTICE)
    assert payload == {"request": None, "case": {"number": number}, "problems": []}
    with unchanged(changing):
        assert refused(changing, LEAD, "recordNoticeGiven", number=number, **NOTICE) == [("NOT_POSSIBLE_NOW", "")]


def test_the_notice_names_one_request_or_one_case(changing: DemoServer) -> None:
    with unchanged(changing):
        for named in ({}, {"reference": "152", "number": "00307473"}, {"reference": None}):
            assert refused(changing, LEAD, "recordNoticeGiven", **named, **NOTICE) == [("INVALID", "")]
        for person in (ADVISER, ANALYST, PRIVACY, ADMINISTRATOR, AUTHORISER):
            assert do(changing, person, "recordNoticeGiven", reference="152", **NOTICE).codes == ["FORBIDDEN"]

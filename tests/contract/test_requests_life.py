"""The life of a request, by everybody who has a part in it: submitted, joined, withdrawn, declined; told to whom."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.casework import do, done, refused
from tests.contract.filing import (
    CONFIRMED,
    Draft,
    block,
    enrol,
    filled,
    leaving,
    organisation,
    started,
    state,
    submitted,
    unchanged,
    user,
)
from tests.contract.oracle import Person
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
    SECOND_LEAD,
    WORKFLOW,
)
from tests.support.server import DemoServer
from tests.support.sql import execute, rows

CASE = "case { number status version provider { number } primaryContact { id } }"


def assigned(draft: Draft, manager: Person = ISP_MANAGER, *, opened: bool) -> None:
    """Its case gets a manager."""
    case = draft.case
    given = {"number": case["number"], "expectedVersion": case["version"], "open": opened}
    done(draft.server, ISP_WORKFLOW, "assignCaseManager", manager=user(draft.server, manager), **given)


def mails(server: DemoServer, draft: Draft, kind: str = "REQUEST_SUBMITTED") -> list[str]:
    """To whom (usernames) the outbox has an e-mail of the kind about the request or its case."""
    case = draft.case["number"] if draft.case else None
    names = dict(rows(server.database, "SELECT id, username FROM user_account"))
    waiting = rows(server.database, "SELECT payload FROM outbox_message ORDER BY id")
    payloads = [payload if isinstance(payload, dict) else json.loads(payload) for (payload,) in waiting]
    about = [
        payload
        for payload in payloads
        if payload["kind"] == kind and (payload.get("reference") == draft.reference or payload.get("case") == case)
    ]
    assert all(set(payload) == {"user", "organisation", "kind", "case", "reference"} for payload in about)
    return [names[payload["user"]] for payload in about]


def alerts(server: DemoServer, person: Person) -> list[tuple[str, str | None]]:
    """Kind of each alert that a person has, with the case or the request it is about, the newest first."""
    document = "{ viewer { alerts(first: 10) { nodes { kind case { number } request { reference } } } } }"
    nodes = server.ask(person.email, document, None, person.organisation).data["viewer"]["alerts"]["nodes"]
    return [
        (node["kind"], (node["case"] or {}).get("number") or (node["request"] or {}).get("reference")) for node in nodes
    ]


# Submitting --------------------------------------------------------------------------------------------------


def test_what_one_began_another_completes_and_the_contact_it_names_submits(changing: DemoServer) -> None:
    pupil = enrol(changing)
    draft = filled(changing, pupil)
    stale = draft.version - 1
    with unchanged(changing):
        given = {"reference": draft.reference, "expectedVersion": stale, **CONFIRMED}
        assert refused(changing, CONTACT, "submitRequest", **given) == [("CONFLICT", "expectedVersion")]
        assert refused(changing, CONTACT, "submitRequest", **draft.given()) == [
            ("INVALID", member) for member in CONFIRMED
        ]
    with leaving(changing, case_record=1, case_allocation=1, case_status_change=1, case_barrier=2, event=1):
        payload = draft.do("submitRequest", CONTACT, "number status submittedAt decidedAt", CASE, **CONFIRMED)
    case = payload["case"]
    assert payload["request"]["status"] == "SUBMITTED"
    assert len(payload["request"]["number"]) == 9
    assert payload["request"]["decidedAt"] is None
    assert (case["status"], case["version"], case["provider"]["number"]) == ("PROVIDER_QUEUE", 1, "78912")
    assert case["primaryContact"] == {"id": user(changing, CONTACT)}
    kept = rows(
        changing.database,
        "SELECT c.active, c.catchment_id, c.region = s.region, c.target_version, c.school_id = s.id, e.subject, "
        "e.visibility, e.shared_with_school_id = s.id, a.provider_id = c.provider_id, h.to_status "
        "FROM case_record c JOIN event e ON e.case_id = c.id JOIN organisation s ON s.number = '1234' "
        "JOIN case_allocation a ON a.case_id = c.id JOIN case_status_change h ON h.case_id = c.id "
        "WHERE c.number = :number",
        number=case["number"],
    )
    assert kept == [
        (1, None, 1, "2026-01", 1, f"CA Request - {pupil.name}", "SHARED", 1, 1, "PROVIDER_QUEUE"),
    ]
    confirmations = draft.seen(LEAD, "confirmations { kind confirmedBy { id } }")["confirmations"]
    assert [one["confirmedBy"]["id"] for one in confirmations] == [
        user(changing, person) for person in (OFFICE, OFFICE, CONTACT, CONTACT)
    ]
    queue = changing.ask(ISP_WORKFLOW.email, "{ cases(first: 100) { nodes { number } } }").data["cases"]["nodes"]
    assert {"number": case["number"]} in queue
    assert draft.seen(ISP_WORKFLOW, "status case { number }")["case"] == {"number": case["number"]}


def test_the_catchments_service_gets_the_case_with_its_catchment(changing: DemoServer) -> None:
    draft = filled(changing, enrol(changing), provider=organisation(changing, "5001"))
    draft.do("submitRequest", OFFICE)
    catchment = "SELECT catchment_id = (SELECT catchment_id FROM organisation WHERE number = '1234') FROM case_record "
    assert rows(changing.database, f"{catchment} WHERE id = {draft.case['id']}") == [(1,)]
    assert draft.seen(WORKFLOW, "reference") == {"reference": draft.reference}
    assert draft.seen(ISP_WORKFLOW, "reference") is None


def test_the_contact_is_alerted_and_who_began_it_gets_a_confirmation_without_a_name(changing: DemoServer) -> None:
    draft = filled(changing, enrol(changing))
    draft.do("submitRequest", LEAD, **CONFIRMED)
    assert alerts(changing, CONTACT)[0] == ("CASE_OPENED", draft.case["number"])
    assert alerts(changing, ISP_WORKFLOW)[0] == ("REQUEST_SUBMITTED", draft.case["number"])
    told = mails(changing, draft)
    assert told.count(OFFICE.email) == 1
    assert LEAD.email not in told
    assert mails(changing, draft, "CASE_OPENED") == [CONTACT.email]


def test_who_is_kept_from_the_student_by_then_hears_nothing(changing: DemoServer) -> None:
    pupil = enrol(changing)
    draft = filled(changing, pupil)
    block(changing, OFFICE, pupil)
    draft.do("submitRequest", LEAD, **CONFIRMED)
    assert OFFICE.email not in mails(changing, draft)
    assert draft.seen(OFFICE, "reference") is None


def test_everything_is_checked_again_and_told_as_the_steps_tell_it(changing: DemoServer) -> None:
    draft = started(changing)
    review = draft.seen(OFFICE, "steps { missing }")["steps"][-1]["missing"]
    assert len(review) == 9
    with unchanged(changing):
        assert refused(changing, OFFICE, "submitRequest", **draft.given()) == [("INVALID", name) for name in review]


def test_what_is_said_of_a_confirmation_has_to_hold_also_where_nothing_need_be_said(changing: DemoServer) -> None:
    draft = filled(changing, enrol(changing))
    with unchanged(changing):
        for member, value in (("detailsConfirmed", False), ("statementVersion", "2019-01-01")):
            given = draft.given(**{member: value})
            assert refused(changing, OFFICE, "submitRequest", **given) == [("INVALID", member)]


def test_who_confirmed_an_earlier_statement_confirms_the_current_one_and_both_are_kept(changing: DemoServer) -> None:
    draft = filled(changing, enrol(changing))
    execute(
        changing.database,
        "UPDATE request_confirmation SET statement_version = '2025-01-01' WHERE request_id = "
        f"(SELECT id FROM request WHERE reference = '{draft.reference}')",
    )
    with unchanged(changing):
        assert len(refused(changing, OFFICE, "submitRequest", **draft.given())) == 3
    draft.do("submitRequest", OFFICE, **CONFIRMED)
    versions = draft.seen(OFFICE, "confirmations { statementVersion }")["confirmations"]
    assert [one["statementVersion"] for one in versions] == ["2025-01-01"] * 2 + ["2026-05-01"] * 2


def test_a_student_who_has_left_the_school_takes_the_draft_out_of_its_reach(changing: DemoServer) -> None:
    pupil = enrol(changing)
    draft = filled(changing, pupil)
    execute(
        changing.database,
        f"UPDATE student SET school_id = (SELECT id FROM organisation WHERE number = '1235') WHERE id = {pupil.key}",
    )
    with unchanged(changing):
        for person in (OFFICE, LEAD, SECOND_LEAD):
            given = draft.given(**CONFIRMED)
            assert refused(changing, person, "submitRequest", **given) == [("NOT_FOUND", "reference")]


# Twice -------------------------------------------------------------------------------------------------------


def at_once(*actions: Callable[[], Any]) -> list[Any]:
    """What the actions bring, begun at the same time."""
    brought: list[Any] = [None] * len(actions)

    def run(place: int) -> None:
        brought[place] = actions[place]()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(actions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return brought


def test_submitting_twice_makes_one_case(changing: DemoServer) -> None:
    draft = submitted(changing, enrol(changing))
    with unchanged(changing):
        stale = {"reference": draft.reference, "expectedVersion": draft.version - 1}
        assert refused(changing, OFFICE, "submitRequest", **stale) == [("CONFLICT", "expectedVersion")]
        assert refused(changing, OFFICE, "submitRequest", **draft.given()) == [("NOT_POSSIBLE_NOW", "")]


def test_submitting_twice_at_once_makes_one_case(changing: DemoServer) -> None:
    draft = filled(changing, enrol(changing))
    for person in (OFFICE, LEAD):
        changing.token(person.email)

    def submit(person: Person) -> Any:
        return lambda: do(changing, person, "submitRequest", **draft.given(**CONFIRMED)).data["submitRequest"]

    with leaving(changing, case_record=1, event=1):
        payloads = at_once(*(submit(person) for person in (OFFICE, LEAD, OFFICE, LEAD)))
    codes = sorted(problem["code"] for payload in payloads for problem in payload["problems"])
    assert codes == ["CONFLICT"] * 3


def test_two_requests_for_one_student_at_once_share_one_case(changing: DemoServer) -> None:
    pupil = enrol(changing)
    drafts = [filled(changing, pupil, LEAD) for _ in range(4)]
    with leaving(changing, case_record=1, case_allocation=1, event=4):
        at_once(*(lambda draft=draft: draft.do("submitRequest", LEAD) for draft in drafts))
    assert len({draft.case["id"] for draft in drafts}) == 1
    numbers = rows(changing.database, "SELECT number FROM request WHERE case_id = :case", case=drafts[0].case["id"])
    assert len(set(numbers)) == 4


# Joining -----------------------------------------------------------------------------------------------------


def test_a_later_request_joins_the_active_case_which_keeps_provider_and_contact(changing: DemoServer) -> None:
    pupil = enrol(changing)
    first = submitted(changing, pupil)
    second = filled(changing, pupil, LEAD, LEAD, provider=organisation(changing, "5001"))
    with leaving(changing, case_record=0, event=1, case_status_change=0):
        payload = second.do("submitRequest", LEAD, "status provider { number }", CASE)
    assert payload["request"]["status"] == "SUBMITTED"
    assert payload["request"]["provider"] == {"number": "5001"}
    assert payload["case"] == {
        "number": first.case["number"], "status": "PROVIDER_QUEUE", "version": 1, "provider": {"number": "78912"},
        "primaryContact": {"id": user(changing, CONTACT)},
    }  # fmt: skip


def test_a_request_that_joins_a_case_with_a_manager_is_accepted_at_once(changing: DemoServer) -> None:
    pupil = enrol(changing)
    first = submitted(changing, pupil)
    assigned(first, opened=True)
    second = filled(changing, pupil)
    payload = second.do("submitRequest", OFFICE, "status submittedAt decidedAt")
    assert payload["request"]["status"] == "ACCEPTED"
    assert payload["request"]["decidedAt"] == payload["request"]["submittedAt"]
    assert first.status == "ACCEPTED"
    assert mails(changing, second).count(ISP_MANAGER.email) == 1


def test_a_case_without_a_contact_gets_the_requests(changing: DemoServer) -> None:
    pupil = enrol(changing)
    first = submitted(changing, pupil)
    execute(changing.database, f"UPDATE case_record SET primary_contact_id = NULL WHERE id = {first.case['id']}")
    second = filled(changing, pupil, LEAD, LEAD)
    payload = second.do("submitRequest", LEAD, "status", CASE)
    assert payload["case"]["primaryContact"] == {"id": user(changing, LEAD)}
    assert payload["case"]["version"] == 2


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
    assert draft_and_case(first) == ({"withdrawRequest": "WITHDRAWN"}.get(ending, "DECLINED"), "PROVIDER_QUEUE")
    assert second.status == "SUBMITTED"
    end(second, ending)
    assert second.case["status"] == "CLOSED"


def end(draft: Draft, ending: str) -> None:
    if ending == "withdrawRequest":
        draft.do(ending, LEAD, reason="Not needed.")
    else:
        draft.do(ending, ISP_WORKFLOW, reason="SCHOOL_BASED_BARRIER", note="Please try again.")


def draft_and_case(draft: Draft) -> tuple[str, str]:
    return draft.status, draft.case["status"]


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

NOTICE = {"givenOn": "2026-05-06", "givenTo": "Mother", "method": "PRINTED"}
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


# What one is told in advance -----------------------------------------------------------------------------------

INVALID: dict[str, dict[str, Any]] = {
    "saveRequest": {"notes": "x" * 10_001},
    "submitRequest": {"detailsConfirmed": False},
    "withdrawRequest": {"reason": " "},
    "declineRequest": {"reason": "DUPLICATE", "note": " "},
    "recordNoticeGiven": {**NOTICE, "givenTo": " "},
}
"""An input that is wrong: who may do the thing is told so, and who may not is told that."""
PEOPLE = (OFFICE, CONTACT, LEAD, BOTH, ISP_WORKFLOW, ISP_MANAGER, WORKFLOW, ADVISER, PRIVACY)


def in_every_status(server: DemoServer) -> dict[str, Draft]:
    """Requests of the office that name the contact, one in each situation that decides what may be done."""
    drafts = {name: submitted(server, enrol(server)) for name in ("queued", "named", "opened", "declined", "withdrawn")}
    assigned(drafts["named"], opened=False)
    assigned(drafts["opened"], opened=True)
    end(drafts["declined"], "declineRequest")
    end(drafts["withdrawn"], "withdrawRequest")
    given_up = filled(server, enrol(server))
    end(given_up, "withdrawRequest")
    return {**drafts, "given up": given_up, "draft": filled(server, enrol(server))}


def test_viewer_can_says_what_the_mutations_do_in_every_status_for_everyone(changing: DemoServer) -> None:
    drafts = in_every_status(changing)
    seen_allowed = set()
    before = state(changing)
    for situation, draft in drafts.items():
        for person in PEOPLE:
            seen = draft.seen(person, "version viewerCan { action allowed reason }")
            allowances = {} if seen is None else {one["action"]: one for one in seen["viewerCan"]}
            for action, members in INVALID.items():
                given = {"reference": draft.reference, **members}
                if action != "recordNoticeGiven":
                    given["expectedVersion"] = 1 if seen is None else seen["version"]
                answer = do(changing, person, action, **given)
                if answer.codes:
                    assert answer.codes == ["FORBIDDEN"]
                    assert seen is None or not allowances[action]["allowed"]
                    continue
                codes = {problem["code"] for problem in answer.data[action]["problems"]}
                allowed = seen is not None and allowances[action]["allowed"]
                expected = "NOT_FOUND" if seen is None else "INVALID" if allowed else "NOT_POSSIBLE_NOW"
                assert codes == {expected}, (situation, person.email, action)
                if allowed:
                    seen_allowed.add((situation, action))
    assert state(changing) == before
    assert {action for situation, action in seen_allowed if situation == "draft"} == {
        "saveRequest", "submitRequest", "withdrawRequest",
    }  # fmt: skip
    assert {action for situation, action in seen_allowed if situation == "opened"} == {"recordNoticeGiven"}
    assert {action for situation, action in seen_allowed if situation == "queued"} == {
        "withdrawRequest", "declineRequest", "recordNoticeGiven",
    }  # fmt: skip
    assert not [action for situation, action in seen_allowed if situation == "given up"]

"""The life of a request, by everybody who has a part in it: submitted, joined; who hears of it; who may do what."""

from typing import Any

from tests.contract.casework import do, refused
from tests.contract.filing import (
    CONFIRMED,
    NOTICE,
    Draft,
    alerts,
    assigned,
    block,
    end,
    enrol,
    filled,
    leaving,
    mails,
    organisation,
    started,
    state,
    submitted,
    unchanged,
    user,
)
from tests.contract.people import (
    ADVISER,
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

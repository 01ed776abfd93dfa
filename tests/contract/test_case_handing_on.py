"""Handing a case on, and its school contact: who sees what before and after, and what nobody is told."""

from typing import Any

import pytest

from ascms.planning.identifiers import encode
from tests.contract.case_rows import (
    ASP,
    ISP,
    SECOND_SCHOOL,
    Made,
    everything,
    make,
    organisation,
    organisation_key,
    user,
    user_key,
)
from tests.contract.casework import column, do, done, refused, seen
from tests.contract.oracle import Person
from tests.contract.people import (
    ADMINISTRATOR,
    BOTH,
    CONTACT,
    ISP_MANAGER,
    ISP_WORKFLOW,
    LEAD,
    MANAGER,
    OFFICE,
    SECOND_LEAD,
    TESTPERSON_AT_ISP,
    WORKFLOW,
)
from tests.support.server import DemoServer
from tests.support.sql import execute, rows

HAND_ON: dict[str, Any] = {"reason": "NEEDS_MORE_SUPPORT", "handOverSummary": "The uncle is the one to ring."}
UNSEEN = "This is not possible as the case stands now."


def reached_by(server: DemoServer, case: Made) -> set[Person]:
    """Who sees the case, of both providers and the school."""
    people = (ISP_WORKFLOW, TESTPERSON_AT_ISP, ISP_MANAGER, WORKFLOW, MANAGER, LEAD, CONTACT, OFFICE, SECOND_LEAD)
    return {person for person in people if seen(server, person, case.number, "number") is not None}


def school_elsewhere(server: DemoServer) -> tuple[str, str]:
    """A school that another service than Test College's serves, and that service: their numbers."""
    school, service = rows(
        server.database,
        "SELECT s.number, p.number FROM organisation s JOIN catchment_provider c ON c.catchment_id = s.catchment_id"
        " JOIN organisation p ON p.id = c.provider_id WHERE s.kind = 'SCHOOL' AND p.number <> '5001' ORDER BY s.id",
    )[0]
    return school, service


# Handing on --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", [ISP_WORKFLOW, ISP_MANAGER])
@pytest.mark.parametrize("status", ["PROVIDER_QUEUE", "OPEN", "PAUSED", "TRANSITION"])
def test_an_in_school_provider_hands_on_to_its_catchments_service(
    changing: DemoServer, person: Person, status: str
) -> None:
    case = make(changing, status, manager=ISP_MANAGER.email, contact=CONTACT.email)
    assert reached_by(changing, case) == {ISP_WORKFLOW, TESTPERSON_AT_ISP, ISP_MANAGER, LEAD, CONTACT, OFFICE}
    shown = "case { number }"
    payload = done(changing, person, "transferCase", shown, number=case.number, expectedVersion=1, **HAND_ON)
    assert payload["case"] is None, "it is no longer theirs"
    assert reached_by(changing, case) == {WORKFLOW, LEAD, CONTACT, OFFICE}
    assert seen(
        changing, WORKFLOW, case.number,
        "status version owner { ... on Organisation { number } } caseManager { id } reviewOn catchment { name }",
    ) == {
        "status": "PROVIDER_QUEUE", "version": 2, "owner": {"number": ASP}, "caseManager": None, "reviewOn": None,
        "catchment": {"name": catchment_of(changing, ASP)},
    }  # fmt: skip
    assert column(changing, case.number, "status_reason_code") is None


def catchment_of(server: DemoServer, provider: str) -> str:
    found = rows(
        server.database,
        "SELECT c.name FROM catchment c JOIN catchment_provider h ON h.catchment_id = c.id"
        " JOIN organisation p ON p.id = h.provider_id WHERE p.number = :number",
        number=provider,
    )
    return str(found[0][0])


def test_what_is_internal_goes_with_the_case_and_open_tasks_close_as_handed_over(changing: DemoServer) -> None:
    case = make(changing, "OPEN", manager=ISP_MANAGER.email, contact=CONTACT.email, asked="ACCEPTED")
    done(changing, ISP_MANAGER, "addComment", number=case.number, body="Internal.")
    done(changing, ISP_MANAGER, "addTask", number=case.number, title="Ring home")
    version = column(changing, case.number, "version")
    done(changing, ISP_MANAGER, "transferCase", number=case.number, expectedVersion=version, **HAND_ON)
    after = seen(
        changing, WORKFLOW, case.number, "comments { nodes { body } } tasks { nodes { title doneAt } } requests { nodes"
        " { status provider { number } } }",
    )  # fmt: skip
    assert after["comments"]["nodes"] == [{"body": "Internal."}]
    (task,) = after["tasks"]["nodes"]
    assert task["title"] == "Ring home"
    assert task["doneAt"] is not None
    assert after["requests"]["nodes"] == [{"status": "ACCEPTED", "provider": {"number": ISP}}], "as it was asked for"
    handed = "SELECT handed_over FROM task WHERE case_id = :id"
    assert [bool(row[0]) for row in rows(changing.database, handed, id=case.id)] == [True]
    held = (
        "SELECT p.number, a.ended_at IS NULL, a.hand_over_summary FROM case_allocation a"
        " JOIN organisation p ON p.id = a.provider_id WHERE a.case_id = :id ORDER BY a.id"
    )
    allocations = rows(changing.database, held, id=case.id)
    assert [(number, bool(present), summary) for number, present, summary in allocations] == [
        (ISP, False, HAND_ON["handOverSummary"]), (ASP, True, None),
    ]  # fmt: skip


def test_the_school_hears_of_it_without_reason_and_summary_and_the_next_leads_are_told(changing: DemoServer) -> None:
    case = make(changing, "OPEN", manager=ISP_MANAGER.email, contact=CONTACT.email)
    done(changing, ISP_MANAGER, "transferCase", number=case.number, expectedVersion=1, **HAND_ON)
    for person in (LEAD, WORKFLOW):
        shown = "events { nodes { subject description outcome } }"
        assert seen(changing, person, case.number, shown)["events"]["nodes"] == [
            {"subject": "Handed over to Waikato Attendance Service", "description": None, "outcome": None}
        ]
    told = "SELECT u.username, a.kind FROM alert a JOIN user_account u ON u.id = a.user_id WHERE a.case_id = :id"
    assert set(rows(changing.database, told, id=case.id)) == {
        (CONTACT.email, "STATUS_CHANGED"), (WORKFLOW.email, "RETURNED_TO_QUEUE"),
    }  # fmt: skip


def test_a_service_hands_on_to_that_of_the_students_present_school_and_to_no_other(changing: DemoServer) -> None:
    school, service = school_elsewhere(changing)
    case = make(changing, "OPEN", provider=ASP, manager=MANAGER.email, school=school)
    given = {"number": case.number, "expectedVersion": 1, **HAND_ON}
    before = everything(changing)
    for wrong in (organisation(changing, ISP), organisation(changing, ASP), "T3JnYW5pc2F0aW9uOjk5OTk5OQ", "nothing"):
        assert refused(changing, WORKFLOW, "transferCase", **given, provider=wrong) == [("INVALID", "provider")]
    assert refused(changing, WORKFLOW, "transferCase", **{**given, "reason": "NONE", "handOverSummary": " "}) == [
        ("INVALID", "reason"), ("INVALID", "handOverSummary"),
    ]  # fmt: skip
    assert everything(changing) == before
    done(changing, WORKFLOW, "transferCase", **given, provider=organisation(changing, service))
    assert column(changing, case.number, "provider_id") == organisation_key(changing, service)
    assert seen(changing, WORKFLOW, case.number, "number") is None


def test_a_case_of_a_student_on_no_roll_is_handed_on_by_the_administrator_alone(changing: DemoServer) -> None:
    case = make(changing, "OPEN", provider=ASP, manager=MANAGER.email, school=None, type="NON_ENROLLED", asked=None)
    given = {"number": case.number, **HAND_ON}
    assert refused(changing, WORKFLOW, "transferCase", **given, expectedVersion=1) == [("NOT_POSSIBLE_NOW", "")]
    _, service = school_elsewhere(changing)
    done(changing, ADMINISTRATOR, "transferCase", **given, provider=organisation(changing, service))
    region = "SELECT c.region, p.region FROM case_record c JOIN organisation p ON p.id = c.provider_id WHERE c.id = :id"
    ((of_case, of_provider),) = rows(changing.database, region, id=case.id)
    assert of_case == of_provider


# Unseen ------------------------------------------------------------------------------------------------------


def test_the_administrator_hands_on_without_being_told_anything_of_the_case(changing: DemoServer) -> None:
    case = make(changing, "PAUSED", manager=ISP_MANAGER.email)
    assert seen(changing, ADMINISTRATOR, case.number, "number") is None
    before = everything(changing)
    given = {"number": case.number, **HAND_ON}
    answers = [
        do(changing, ADMINISTRATOR, "transferCase", "case { number }", **given, **more).data["transferCase"]
        for more in (
            {"expectedVersion": 3, "provider": organisation(changing, ASP)},
            {"provider": organisation(changing, ISP)},
            {},
            {"provider": organisation(changing, SECOND_SCHOOL)},
        )
    ]
    assert [answer["case"] for answer in answers] == [None] * 4
    stale, same, none, school = (answer["problems"] for answer in answers)
    assert [(one["code"], one["path"]) for one in stale] == [("CONFLICT", ["input", "expectedVersion"])]
    assert [(one["code"], one["message"], one["possible"]) for one in same] == [("NOT_POSSIBLE_NOW", UNSEEN, [])]
    assert none == school
    assert [(one["code"], one["path"]) for one in none] == [("INVALID", ["input", "provider"])]
    conflict = changing.ask(
        ADMINISTRATOR.email,
        "mutation($i: TransferCaseInput!) { transferCase(input: $i) "
        "{ problems { ... on Conflict { currentVersion } } } }",
        {"i": {**given, "expectedVersion": 3, "provider": organisation(changing, ASP)}},
    )
    assert conflict.data["transferCase"]["problems"] == [{"currentVersion": None}]
    assert everything(changing) == before
    payload = done(
        changing, ADMINISTRATOR, "transferCase", "case { number }", **given, provider=organisation(changing, ASP)
    )
    assert payload["case"] is None
    assert seen(changing, WORKFLOW, case.number, "status") == {"status": "PROVIDER_QUEUE"}


def test_a_closed_case_and_one_at_the_same_provider_are_refused_alike(changing: DemoServer) -> None:
    closed, there = (
        make(changing, "CLOSED", manager=ISP_MANAGER.email),
        make(changing, "OPEN", manager=ISP_MANAGER.email),
    )
    answers = [
        do(changing, ADMINISTRATOR, "transferCase", number=case.number, **HAND_ON, provider=organisation(changing, ISP))
        for case in (closed, there)
    ]
    assert answers[0].body == answers[1].body


def test_an_administrator_kept_from_the_student_is_answered_like_for_a_number_never_given_out(
    changing: DemoServer,
) -> None:
    case = make(changing, "OPEN", manager=ISP_MANAGER.email)
    block(changing, ADMINISTRATOR.email, case.student_id)
    given = {**HAND_ON, "provider": organisation(changing, ASP)}
    kept = do(changing, ADMINISTRATOR, "transferCase", number=case.number, **given)
    never = do(changing, ADMINISTRATOR, "transferCase", number="09999999", **given)
    assert kept.body == never.body
    assert never.data["transferCase"]["problems"][0]["code"] == "NOT_FOUND"


def block(server: DemoServer, email: str, student_id: int) -> None:
    """Keep somebody from a student, as by an earlier decision."""
    execute(
        server.database,
        "INSERT INTO access_block (user_id, student_id, reason, set_by_id, set_at) VALUES"
        f" ({user_key(server, email)}, {student_id}, 'A relative.', {user_key(server, 'privacy@ministry.nz')},"
        " '2026-05-01 00:00:00+00:00')",
    )


# The school's contact ----------------------------------------------------------------------------------------


def test_a_contact_who_gives_a_case_away_sees_it_no_more_and_both_are_told(changing: DemoServer) -> None:
    case = make(changing, "OPEN", manager=ISP_MANAGER.email, contact=CONTACT.email)
    given = {"number": case.number, "expectedVersion": 1, "contact": user(changing, BOTH.email)}
    payload = done(changing, CONTACT, "changePrimaryContact", "case { number }", **given)
    assert payload["case"] is None
    assert seen(changing, CONTACT, case.number, "number") is None
    assert seen(changing, BOTH, case.number, "primaryContact { displayName }") is not None
    told = "SELECT u.username, a.kind FROM alert a JOIN user_account u ON u.id = a.user_id WHERE a.case_id = :id"
    # Who changes it knows; the other is told.
    assert rows(changing.database, told, id=case.id) == [(BOTH.email, "CONTACT_CHANGED")]
    assert seen(changing, WORKFLOW, case.number, "number") is None
    subjects = seen(changing, ISP_MANAGER, case.number, "events { nodes { subject } }")["events"]["nodes"]
    assert subjects == [{"subject": "Primary contact changed"}]


def test_a_lead_names_a_contact_or_none_and_whoever_is_concerned_is_told(changing: DemoServer) -> None:
    case = make(changing, "PROVIDER_QUEUE", contact=CONTACT.email)
    given = {"number": case.number, "expectedVersion": 1}
    shown = done(changing, LEAD, "changePrimaryContact", "case { primaryContact { id } }", **given, contact=None)[
        "case"
    ]
    assert shown == {"primaryContact": None}
    again = done(
        changing, LEAD, "changePrimaryContact", "case { primaryContact { id } }",
        number=case.number, expectedVersion=2, contact=user(changing, LEAD.email),
    )["case"]  # fmt: skip
    assert again == {"primaryContact": {"id": user(changing, LEAD.email)}}
    told = "SELECT u.username FROM alert a JOIN user_account u ON u.id = a.user_id WHERE a.case_id = :id ORDER BY a.id"
    alerted = [name for (name,) in rows(changing.database, told, id=case.id)]
    assert alerted[0] == CONTACT.email
    assert "testperson@test-college.school.nz" in alerted, "the other leads hear of it while there is no contact"
    assert LEAD.email not in alerted


def test_who_may_not_be_contact_is_refused_like_nobody_at_all(changing: DemoServer) -> None:
    case = make(changing, "OPEN", manager=ISP_MANAGER.email, contact=CONTACT.email)
    block(changing, BOTH.email, case.student_id)
    before = everything(changing)

    def answered(person: Person, contact: str | None) -> Any:
        given: dict[str, Any] = {"number": case.number, "expectedVersion": 1, "contact": contact}
        return do(changing, person, "changePrimaryContact", **given).data["changePrimaryContact"]

    never = answered(LEAD, encode("User", 99_999_999))
    assert [(one["code"], one["path"]) for one in never["problems"]] == [("INVALID", ["input", "contact"])]
    for email in (OFFICE.email, ISP_MANAGER.email, SECOND_LEAD.email, BOTH.email):
        assert answered(LEAD, user(changing, email)) == never, email
    assert [one["code"] for one in answered(CONTACT, None)["problems"]] == ["INVALID"], "only a lead leaves it empty"
    assert refused(changing, LEAD, "changePrimaryContact", number=case.number, expectedVersion=1) == [
        ("INVALID", "contact")
    ], "said by mistake to nobody"
    assert everything(changing) == before


def test_the_school_notes_how_to_reach_its_contact(changing: DemoServer) -> None:
    case = make(changing, "OPEN", manager=ISP_MANAGER.email, contact=CONTACT.email)
    given = {"number": case.number, "notes": "  Room 4, after lunch. "}
    shown = done(
        changing, CONTACT, "updateSchoolContactNotes", "case { schoolContactNotes version }", **given, expectedVersion=1
    )["case"]
    assert shown == {"schoolContactNotes": "Room 4, after lunch.", "version": 2}
    again = done(changing, LEAD, "updateSchoolContactNotes", "case { version }", **given, expectedVersion=2)["case"]
    assert again == {"version": 2}, "the same notes change nothing"
    assert seen(changing, ISP_MANAGER, case.number, "schoolContactNotes") == {
        "schoolContactNotes": "Room 4, after lunch."
    }
    assert seen(changing, OFFICE, case.number, "schoolContactNotes") == {"schoolContactNotes": None}
    empty = {"number": case.number, "notes": None, "expectedVersion": 2}
    shown = done(changing, LEAD, "updateSchoolContactNotes", "case { schoolContactNotes }", **empty)["case"]
    assert shown == {"schoolContactNotes": None}

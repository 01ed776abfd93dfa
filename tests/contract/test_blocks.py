"""A person and a student kept apart: from the next request on, whatever the person's roles; and they are not told."""

import asyncio
import json
from typing import Any

import pytest

from tests.contract.accounts import (
    MINISTRY,
    history,
    logged,
    somebody,
    somebody_approved,
    state,
    thrice,
    user,
    viewer,
)
from tests.contract.case_rows import ISP, Made, make, user_key
from tests.contract.casework import column, do, done, node, refused, seen
from tests.contract.oracle import Person
from tests.contract.people import CONTACT, ISP_WORKFLOW, LEAD, PRIVACY, TESTPERSON_AT_ISP, TESTPERSON_AT_SCHOOL
from tests.contract.world import global_id
from tests.support.live import signed_in
from tests.support.server import DemoServer
from tests.support.sql import execute, rows

BLOCK = "block { id reason user { email } setBy { displayName } setAt liftedAt liftReason }"
SEES_CASES = [
    ("ATTENDANCE_LEAD", "1234"), ("PRIMARY_CONTACT", "1234"), ("OFFICE_SUPPORT", "1234"),
    ("WORKFLOW_LEAD", ISP), ("CASE_MANAGER", ISP), ("MINISTRY_ADVISER", "9001"),
]  # fmt: skip


def student(case: Made) -> str:
    return global_id("Student", case.student_id)


def name_of(server: DemoServer, case: Made) -> str:
    name: str = rows(server.database, "SELECT full_name FROM student WHERE id = :key", key=case.student_id)[0][0]
    return name


def block(server: DemoServer, by: Person, person: Person, case: Made, reason: str = "A relative.") -> Any:
    """What is shown of a block that `by` sets."""
    given = {"user": user(server, person), "student": student(case), "reason": reason}
    return done(server, by, "addAccessBlock", BLOCK, **given)["block"]


def blocks_seen(server: DemoServer, person: Person, case: Made) -> list[Any]:
    """The blocks that somebody sees on the student."""
    answer = server.ask(
        person.email,
        "query($id: ID!) { student(id: $id) { accessBlocks { id reason user { email } liftedAt liftReason } } }",
        {"id": student(case)},
        person.organisation,
    )
    listed: list[Any] = answer.data["student"]["accessBlocks"]
    return listed


# What it takes away ------------------------------------------------------------------------------------------


def everything_about(server: DemoServer, person: Person, case: Made) -> dict[str, Any]:
    """What each way to a student brings somebody, by the way."""
    document = """query Ways($number: String!, $name: String!, $student: ID!, $case: ID!, $request: String!) {
      case(number: $number) { number }
      cases(where: {number: {eq: $number}}) { totalCount nodes { number } }
      all: cases { totalCount }
      found: cases(search: $name) { totalCount }
      student(id: $student) { id }
      students(search: $name) { totalCount }
      node(id: $case) { id }
      same: node(id: $student) { id }
      requests(where: {number: {eq: $request}}) { totalCount nodes { appliedFor { id } } }
      viewer { alerts { totalCount nodes { case { number } } } }
    }"""
    keys = {"student": student(case), "case": global_id("Case", case.id)}
    asked = "SELECT number FROM request WHERE case_id = :key"
    keys["request"] = rows(server.database, asked, key=case.id)[0][0]
    variables = {"number": case.number, "name": name_of(server, case), **keys}
    data: dict[str, Any] = server.ask(person.email, document, variables, person.organisation).data
    return data


def an_alert(server: DemoServer, person: Person, case: Made, at: str) -> None:
    execute(
        server.database,
        "INSERT INTO alert (user_id, organisation_id, kind, case_id, created_at) SELECT "
        f"{user_key(server, person.email)}, id, 'STATUS_CHANGED', {case.id}, '2026-05-06 00:00:00+00' "
        f"FROM organisation WHERE number = '{at}'",
    )


@pytest.mark.parametrize(("role", "at"), SEES_CASES)
def test_a_block_wins_over_every_role_on_every_way_to_the_student(changing: DemoServer, role: str, at: str) -> None:
    makes = somebody_approved if role == "MINISTRY_ADVISER" else somebody
    person = makes(changing, role, at)
    case = make(
        changing,
        "OPEN",
        manager=person.email if role == "CASE_MANAGER" else TESTPERSON_AT_ISP.email,
        contact=person.email if role == "PRIMARY_CONTACT" else None,
    )
    an_alert(changing, person, case, at)
    before = everything_about(changing, person, case)
    assert (before["case"], before["cases"]["totalCount"]) == ({"number": case.number}, 1)
    assert (before["found"]["totalCount"], before["students"]["totalCount"]) == (1, 1)
    assert (before["student"], before["same"]) == ({"id": student(case)},) * 2
    assert before["requests"]["totalCount"] == (0 if role == "PRIMARY_CONTACT" else 1)
    assert before["viewer"]["alerts"]["totalCount"] == 1
    block(changing, PRIVACY, person, case)
    after = everything_about(changing, person, case)
    assert after == {
        "case": None,
        "cases": {"totalCount": 0, "nodes": []},
        "all": {"totalCount": before["all"]["totalCount"] - 1},
        "found": {"totalCount": 0},
        "student": None,
        "students": {"totalCount": 0},
        "node": None,
        "same": None,
        "requests": {"totalCount": 0, "nodes": []},
        "viewer": {"alerts": {"totalCount": 0, "nodes": []}},
    }


def test_the_privacy_officer_is_kept_apart_too(changing: DemoServer) -> None:
    officer = somebody_approved(changing, "PRIVACY_OFFICER", MINISTRY)
    case = make(changing, "PROVIDER_QUEUE")
    assert everything_about(changing, officer, case)["student"] == {"id": student(case)}
    block(changing, PRIVACY, officer, case)
    after = everything_about(changing, officer, case)
    assert (after["student"], after["same"], after["case"], after["found"]["totalCount"]) == (None, None, None, 0)


@pytest.mark.parametrize("role", ["ATTENDANCE_LEAD", "PRIMARY_CONTACT", "OFFICE_SUPPORT"])
def test_a_blocked_person_cannot_choose_the_student_for_a_request(changing: DemoServer, role: str) -> None:
    person = somebody(changing, role, "1234")
    case = make(changing, "PROVIDER_QUEUE")
    name = name_of(changing, case)
    assert choices(changing, person, name) == [{"fullName": name}]
    block(changing, LEAD, person, case)
    assert choices(changing, person, name) == []


def choices(server: DemoServer, person: Person, name: str) -> Any:
    asked = "query($name: String!) { studentChoices(search: $name) { fullName } }"
    return server.ask(person.email, asked, {"name": name}, person.organisation).data["studentChoices"]


def test_a_blocked_person_is_chosen_neither_as_manager_nor_as_contact(changing: DemoServer) -> None:
    manager, contact = somebody(changing, "CASE_MANAGER", ISP), somebody(changing, "PRIMARY_CONTACT", "1234")
    case = make(changing, "PROVIDER_QUEUE")
    shown = {
        ISP_WORKFLOW: ("eligibleManagers { manager: user { email } }", manager),
        LEAD: ("eligibleContacts { email }", contact),
    }
    for keeper, (members, person) in shown.items():
        assert person.email in str(seen(changing, keeper, case.number, members))
        block(changing, keeper, person, case)
        assert person.email not in str(seen(changing, keeper, case.number, members))
    version = column(changing, case.number, "version")
    given = {"number": case.number, "expectedVersion": version}
    named = refused(changing, ISP_WORKFLOW, "assignCaseManager", manager=user(changing, manager), **given)
    assert named == [("INVALID", "manager")]
    changed = refused(changing, LEAD, "changePrimaryContact", contact=user(changing, contact), **given)
    assert changed == [("INVALID", "contact")]


# What comes of it --------------------------------------------------------------------------------------------


def test_a_case_whose_manager_is_blocked_goes_back_to_the_queue_and_the_lead_is_told(changing: DemoServer) -> None:
    manager = somebody(changing, "CASE_MANAGER", ISP)
    case, other = (make(changing, "OPEN", manager=manager.email) for _ in range(2))
    given = {"user": user(changing, manager), "student": student(case), "reason": "Their aunt."}
    shown = thrice(changing, PRIVACY, "addAccessBlock", BLOCK, **given)["block"]
    assert (shown["reason"], shown["user"]["email"], shown["liftedAt"]) == ("Their aunt.", manager.email, None)
    assert (column(changing, case.number, "status"), column(changing, case.number, "case_manager_id")) == (
        "PROVIDER_QUEUE", None,
    )  # fmt: skip
    assert column(changing, other.number, "case_manager_id") == user_key(changing, manager.email)
    alerts = viewer(changing, ISP_WORKFLOW, "alerts(first: 5) { nodes { kind case { number } } }")["alerts"]["nodes"]
    assert {"kind": "RETURNED_TO_QUEUE", "case": {"number": case.number}} in alerts


def test_a_contact_who_is_blocked_is_contact_no_longer(changing: DemoServer) -> None:
    contact = somebody(changing, "PRIMARY_CONTACT", "1234")
    case = make(changing, "PROVIDER_QUEUE", contact=contact.email)
    block(changing, LEAD, contact, case)
    assert column(changing, case.number, "primary_contact_id") is None


def letters_to(server: DemoServer, person: Person) -> int:
    """How many e-mails were written to somebody."""
    payloads = rows(server.database, "SELECT CAST(payload AS TEXT) FROM outbox_message ORDER BY id")
    return sum(json.loads(payload).get("user") == user_key(server, person.email) for (payload,) in payloads)


def test_the_blocked_person_is_told_nothing(changing: DemoServer) -> None:
    manager = somebody(changing, "CASE_MANAGER", ISP)
    case = make(changing, "OPEN", manager=manager.email)
    told = history(changing, manager), viewer(changing, manager, "missing alerts { totalCount }")
    letters = letters_to(changing, manager)
    assert letters == 1  # the invitation
    block(changing, ISP_WORKFLOW, manager, case)
    assert (history(changing, manager), viewer(changing, manager, "missing alerts { totalCount }")) == told
    assert letters_to(changing, manager) == letters
    raised = "SELECT count(*) FROM alert WHERE user_id = :user AND case_id = :case"
    assert rows(changing.database, raised, user=user_key(changing, manager.email), case=case.id) == [(0,)]


def comment(server: DemoServer, case: Made) -> None:
    done(server, ISP_WORKFLOW, "addComment", number=case.number, body="We met.")


def two_cases(server: DemoServer) -> list[Made]:
    return [make(server, "OPEN", manager=TESTPERSON_AT_ISP.email) for _ in range(2)]


async def test_what_is_open_falls_silent_on_the_student(changing: DemoServer) -> None:
    manager = await asyncio.to_thread(somebody, changing, "WORKFLOW_LEAD", ISP)
    case, other = await asyncio.to_thread(two_cases, changing)
    watch = "subscription($number: String!) { caseChanged(number: $number) { what } }"
    await asyncio.to_thread(changing.token, manager.email, ISP)
    async with signed_in(changing, manager.email, ISP) as socket:
        silent, heard = [await socket.subscribe(watch, {"number": one.number}) for one in (case, other)]
        queue = await socket.subscribe("subscription { queueChanged { case { number } } }")
        await asyncio.to_thread(block, changing, PRIVACY, manager, case)
        for one in (case, other):
            await asyncio.to_thread(comment, changing, one)
        assert (await socket.next(heard))["data"] == {"caseChanged": {"what": "addComment"}}
        assert (await socket.next(queue))["data"] == {"queueChanged": {"case": {"number": other.number}}}
        assert await socket.heard(silent) == []


# Who sees and lifts it ---------------------------------------------------------------------------------------


def test_leads_see_and_lift_those_of_their_own_people_and_the_officer_all(changing: DemoServer) -> None:
    manager, office = somebody(changing, "CASE_MANAGER", ISP), somebody(changing, "OFFICE_SUPPORT", "1234")
    case = make(changing, "PROVIDER_QUEUE")
    on_manager, on_office = block(changing, ISP_WORKFLOW, manager, case), block(changing, PRIVACY, office, case)
    assert [one["id"] for one in blocks_seen(changing, LEAD, case)] == [on_office["id"]]
    assert [one["id"] for one in blocks_seen(changing, ISP_WORKFLOW, case)] == [on_manager["id"]]
    assert [one["id"] for one in blocks_seen(changing, PRIVACY, case)] == [on_manager["id"], on_office["id"]]
    assert refused(changing, LEAD, "liftAccessBlock", id=on_manager["id"]) == [("NOT_FOUND", "id")]
    assert refused(changing, ISP_WORKFLOW, "liftAccessBlock", id=on_office["id"]) == [("NOT_FOUND", "id")]
    assert seen(changing, office, case.number, "number") is None
    lifted = thrice(changing, LEAD, "liftAccessBlock", BLOCK, id=on_office["id"], reason="It was another child.")
    assert lifted["block"]["liftedAt"]
    assert lifted["block"]["liftReason"] == "It was another child."
    assert seen(changing, office, case.number, "number") == {"number": case.number}
    assert refused(changing, LEAD, "liftAccessBlock", id=on_office["id"]) == [("NOT_POSSIBLE_NOW", "")]
    done(changing, PRIVACY, "liftAccessBlock", id=on_manager["id"])
    kept = "SELECT reason, lifted_by_id FROM access_block WHERE student_id = :key ORDER BY id"
    assert rows(changing.database, kept, key=case.student_id) == [
        ("A relative.", user_key(changing, PRIVACY.email)), ("A relative.", user_key(changing, LEAD.email)),
    ]  # fmt: skip


def test_one_declares_a_conflict_of_interest_and_sees_neither_student_nor_block_after_it(changing: DemoServer) -> None:
    lead = somebody(changing, "ATTENDANCE_LEAD", "1234")
    case = make(changing, "PROVIDER_QUEUE")
    given = {"user": user(changing, lead), "student": student(case), "reason": "My nephew."}
    assert thrice(changing, lead, "addAccessBlock", BLOCK, **given)["block"] is None
    assert everything_about(changing, lead, case)["student"] is None
    kept = "SELECT id, set_by_id FROM access_block WHERE student_id = :key"
    ((key, by),) = rows(changing.database, kept, key=case.student_id)
    assert by == user_key(changing, lead.email)
    never = {**given, "student": global_id("Student", 900_000_000)}
    again = do(changing, lead, "addAccessBlock", **given)
    assert again.body == do(changing, lead, "addAccessBlock", **never).body
    assert refused(changing, lead, "liftAccessBlock", id=global_id("AccessBlock", key)) == [("NOT_FOUND", "id")]
    assert [one["reason"] for one in blocks_seen(changing, LEAD, case)] == ["My nephew."]


def test_nobody_lifts_the_block_on_themselves_through_another_organisation(changing: DemoServer) -> None:
    """Testperson leads attendance at the school and the workflow at its provider."""
    case = make(changing, "PROVIDER_QUEUE")
    given = block(changing, ISP_WORKFLOW, TESTPERSON_AT_ISP, case)
    for acting in (TESTPERSON_AT_SCHOOL, TESTPERSON_AT_ISP):
        assert everything_about(changing, acting, case)["student"] is None
        assert refused(changing, acting, "liftAccessBlock", id=given["id"]) == [("NOT_FOUND", "id")]
        assert node(changing, acting, given["id"], "Student", "id") is None
    done(changing, ISP_WORKFLOW, "liftAccessBlock", id=given["id"])


def test_a_block_needs_a_reason_and_holds_once(changing: DemoServer) -> None:
    contact = somebody(changing, "PRIMARY_CONTACT", "1234")
    case = make(changing, "PROVIDER_QUEUE")
    given = {"user": user(changing, contact), "student": student(case)}
    before = state(changing, LEAD)
    assert refused(changing, LEAD, "addAccessBlock", reason="  ", **given) == [("INVALID", "reason")]
    assert state(changing) == before
    first = block(changing, LEAD, contact, case)
    entries = logged(changing)
    assert refused(changing, PRIVACY, "addAccessBlock", reason="Again.", **given) == [("DUPLICATE", "")]
    assert logged(changing) == entries
    done(changing, LEAD, "liftAccessBlock", id=first["id"])
    assert block(changing, LEAD, contact, case)["id"] != first["id"]


def test_a_block_outlives_a_role_that_is_taken_and_given_again(changing: DemoServer) -> None:
    authoriser = Person("authoriser@test-college.school.nz")
    office = somebody(changing, "OFFICE_SUPPORT", "1234", by=authoriser)
    case = make(changing, "PROVIDER_QUEUE")
    block(changing, LEAD, office, case)
    key = user(changing, office)
    done(changing, authoriser, "assignRole", user=key, role="ATTENDANCE_LEAD")
    done(changing, authoriser, "removeRole", user=key, role="OFFICE_SUPPORT")
    assert everything_about(changing, office, case)["case"] is None
    assert refused(changing, CONTACT, "protectStudent", student=student(case)) == [("NOT_FOUND", "student")]

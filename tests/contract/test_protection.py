"""Protected students: kept private at once by one person, lifted by two."""

from typing import Any

import pytest

from tests.contract.accounts import at_once, logged, somebody, somebody_approved, state, thrice, viewer
from tests.contract.case_rows import ISP, Made, make, user_key
from tests.contract.casework import do, done, refused, seen
from tests.contract.oracle import Person
from tests.contract.people import (
    ADVISER,
    CONTACT,
    ISP_MANAGER,
    ISP_WORKFLOW,
    LEAD,
    MANAGER,
    OFFICE,
    PRIVACY,
    SECOND_LEAD,
    TESTPERSON_AT_ISP,
    TESTPERSON_AT_SCHOOL,
    WORKFLOW,
)
from tests.contract.world import global_id
from tests.support.server import DemoServer
from tests.support.sql import execute, rows

WAITING = "unprotectRequests { id reason requestedAt requestedBy { displayName } student { id fullName } }"


def a_student(server: DemoServer, *, protected: bool = False, status: str = "OPEN") -> Made:
    """A student whom all with a role about cases reach."""
    case = make(server, status, manager=ISP_MANAGER.email, contact=CONTACT.email)
    execute(server.database, f"UPDATE student SET address = '1 Test Street' WHERE id = {case.student_id}")
    if protected:
        done(server, LEAD, "protectStudent", student=student(case))
    return case


def student(case: Made) -> str:
    return global_id("Student", case.student_id)


def is_protected(server: DemoServer, case: Made) -> bool:
    marked = "SELECT count(*) FROM student WHERE id = :key AND protected"
    return bool(rows(server.database, marked, key=case.student_id)[0][0])


def ask_to_lift(server: DemoServer, person: Person, case: Made, reason: str = "The order has ended.") -> str:
    """The identifier of what waits, as `person` asks for it."""
    given = {"student": student(case), "reason": reason}
    asked: str = done(server, person, "requestUnprotectStudent", "request { id }", **given)["request"]["id"]
    return asked


def waiting(server: DemoServer, person: Person, case: Made) -> list[dict[str, Any]]:
    """What waits for somebody's decision about the student."""
    listed = viewer(server, person, WAITING)["unprotectRequests"]
    return [one for one in listed if one["student"] and one["student"]["id"] == student(case)]


# Protecting --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", [LEAD, CONTACT, ISP_WORKFLOW, ISP_MANAGER, PRIVACY], ids=str)
def test_whoever_sees_the_flag_protects_at_once(changing: DemoServer, person: Person) -> None:
    case = a_student(changing)
    shown = "student { id protected }"
    payload = thrice(changing, person, "protectStudent", shown, student=student(case))
    assert payload["student"] == {"id": student(case), "protected": True}
    assert is_protected(changing, case)
    entry = (
        "SELECT action, subject_type, user_id FROM change_entry WHERE student_id = :key ORDER BY sequence DESC LIMIT 1"
    )
    assert rows(changing.database, entry, key=case.student_id) == [
        ("protectStudent", "Student", user_key(changing, person.email))
    ]


def test_one_who_is_protected_already_stays_so_and_nothing_is_logged(changing: DemoServer) -> None:
    case = a_student(changing, protected=True)
    entries = logged(changing)
    assert done(changing, ISP_WORKFLOW, "protectStudent", "student { protected }", student=student(case)) == {
        "student": {"protected": True}, "problems": [],
    }  # fmt: skip
    assert logged(changing) == entries


def test_the_student_vanishes_at_once_from_the_advisers_sight_and_the_address_from_the_contacts(
    changing: DemoServer,
) -> None:
    case = a_student(changing)
    total = "{ cases { totalCount } students { totalCount } requests { totalCount } }"
    adviser = somebody_approved(changing, "MINISTRY_ADVISER", "9001")
    before = changing.ask(adviser.email, total, organisation="9001").data
    assert seen(changing, adviser, case.number, "number") == {"number": case.number}
    at_home = "student { address caregivers { name } }"
    assert seen(changing, CONTACT, case.number, at_home)["student"] == {"address": "1 Test Street", "caregivers": []}
    done(changing, CONTACT, "protectStudent", student=student(case))
    assert seen(changing, adviser, case.number, "number") is None
    after = changing.ask(adviser.email, total, organisation="9001").data
    assert {name: before[name]["totalCount"] - after[name]["totalCount"] for name in before} == {
        "cases": 1, "students": 1, "requests": 1,
    }  # fmt: skip
    assert seen(changing, CONTACT, case.number, at_home)["student"] == {"address": None, "caregivers": None}
    for person in (LEAD, ISP_WORKFLOW, ISP_MANAGER, PRIVACY):
        assert seen(changing, person, case.number, at_home)["student"] == {"address": "1 Test Street", "caregivers": []}


# Lifting it --------------------------------------------------------------------------------------------------

PAIRS = [
    (LEAD, ISP_WORKFLOW), (ISP_WORKFLOW, LEAD), (LEAD, TESTPERSON_AT_SCHOOL), (PRIVACY, LEAD), (LEAD, PRIVACY),
    (TESTPERSON_AT_ISP, ISP_WORKFLOW),
]  # fmt: skip


@pytest.mark.parametrize(("asks", "decides"), PAIRS, ids=str)
def test_one_person_asks_and_another_lifts(changing: DemoServer, asks: Person, decides: Person) -> None:
    case = a_student(changing, protected=True)
    given = {"student": student(case), "reason": "The order has ended."}
    shown = "request { id reason student { id } } student { protected }"
    asked = thrice(changing, asks, "requestUnprotectStudent", shown, **given)
    assert asked["request"]["reason"] == "The order has ended."
    assert asked["student"] == {"protected": True}
    (one,) = waiting(changing, decides, case)
    assert (one["id"], one["student"]["id"], one["reason"]) == (asked["request"]["id"], student(case), given["reason"])
    decided = thrice(changing, decides, "decideUnprotectStudent", "student { protected }", id=one["id"], lift=True)
    assert decided["student"] == {"protected": False}
    assert not is_protected(changing, case)
    assert waiting(changing, decides, case) == []
    assert seen(changing, ADVISER, case.number, "number") == {"number": case.number}


def test_what_is_refused_stays_protected_and_may_be_asked_for_again(changing: DemoServer) -> None:
    case = a_student(changing, protected=True)
    asked = ask_to_lift(changing, LEAD, case)
    payload = done(changing, ISP_WORKFLOW, "decideUnprotectStudent", "student { protected }", id=asked, lift=False)
    assert payload["student"] == {"protected": True}
    assert is_protected(changing, case)
    assert refused(changing, PRIVACY, "decideUnprotectStudent", id=asked, lift=True) == [("NOT_POSSIBLE_NOW", "")]
    assert ask_to_lift(changing, LEAD, case) != asked


def test_nobody_decides_what_they_asked_for_not_in_another_organisation_either(changing: DemoServer) -> None:
    case = a_student(changing, protected=True)
    asked = ask_to_lift(changing, TESTPERSON_AT_SCHOOL, case)
    before = state(changing, TESTPERSON_AT_SCHOOL, TESTPERSON_AT_ISP)
    for acting in (TESTPERSON_AT_SCHOOL, TESTPERSON_AT_ISP):
        assert waiting(changing, acting, case) == []
        for lift in (True, False):
            given = {"id": asked, "lift": lift}
            assert refused(changing, acting, "decideUnprotectStudent", **given) == [("NOT_POSSIBLE_NOW", "")]
    assert state(changing) == before
    assert is_protected(changing, case)


def test_two_who_decide_at_once_decide_once(changing: DemoServer) -> None:
    case = a_student(changing, protected=True)
    asked = ask_to_lift(changing, LEAD, case)
    answers = at_once(
        lambda: refused(changing, ISP_WORKFLOW, "decideUnprotectStudent", id=asked, lift=True),
        lambda: refused(changing, PRIVACY, "decideUnprotectStudent", id=asked, lift=False),
    )
    assert sorted(answers) == [[], [("NOT_POSSIBLE_NOW", "")]]
    assert is_protected(changing, case) == (answers[1] == [])


def test_it_is_asked_for_once_with_a_reason_and_only_where_there_is_protection(changing: DemoServer) -> None:
    case = a_student(changing)
    given = {"student": student(case)}
    assert refused(changing, LEAD, "requestUnprotectStudent", reason="x", **given) == [("NOT_POSSIBLE_NOW", "")]
    done(changing, LEAD, "protectStudent", **given)
    assert refused(changing, LEAD, "requestUnprotectStudent", reason=" ", **given) == [("INVALID", "reason")]
    ask_to_lift(changing, LEAD, case)
    assert refused(changing, ISP_WORKFLOW, "requestUnprotectStudent", reason="x", **given) == [("DUPLICATE", "")]


def test_what_waits_is_shown_to_those_who_may_decide_about_a_student_whom_they_reach(changing: DemoServer) -> None:
    case = a_student(changing, protected=True)
    ask_to_lift(changing, LEAD, case)
    shown = {
        person.email: len(waiting(changing, person, case))
        for person in (
            ISP_WORKFLOW,
            PRIVACY,
            LEAD,
            SECOND_LEAD,
            WORKFLOW,
            CONTACT,
            OFFICE,
            ISP_MANAGER,
            MANAGER,
            ADVISER,
        )
    }
    assert {email for email, number in shown.items() if number} == {ISP_WORKFLOW.email, PRIVACY.email}


def test_a_block_takes_the_decision_away_with_the_student(changing: DemoServer) -> None:
    workflow = somebody(changing, "WORKFLOW_LEAD", ISP)
    case = a_student(changing, protected=True)
    asked = ask_to_lift(changing, LEAD, case)
    assert len(waiting(changing, workflow, case)) == 1
    given = {"user": global_id("User", user_key(changing, workflow.email)), "student": student(case), "reason": "x"}
    done(changing, ISP_WORKFLOW, "addAccessBlock", **given)
    assert waiting(changing, workflow, case) == []
    assert viewer(changing, workflow, "unprotectRequests { reason }") is not None
    assert refused(changing, workflow, "decideUnprotectStudent", id=asked, lift=True) == [("NOT_FOUND", "id")]


def test_reading_what_waits_is_in_the_access_log(changing: DemoServer) -> None:
    case = a_student(changing, protected=True)
    ask_to_lift(changing, LEAD, case)
    logged_reads = """SELECT count(*) FROM access_log_entry e JOIN access_log_student s ON s.set_id = e.student_set_id
        WHERE e.operation_name = 'Reasons' AND s.student_id = :key"""
    answer = changing.ask(PRIVACY.email, "query Reasons { viewer { unprotectRequests { reason } } }")
    assert answer.data["viewer"]["unprotectRequests"]
    assert rows(changing.database, logged_reads, key=case.student_id) == [(1,)]


def test_the_office_is_not_told_that_a_student_was_protected(changing: DemoServer) -> None:
    case = a_student(changing)
    shown = "version student { fullName protected } events { totalCount }"
    before = seen(changing, OFFICE, case.number, shown)
    done(changing, LEAD, "protectStudent", student=student(case))
    assert seen(changing, OFFICE, case.number, shown) == before
    answer = do(changing, OFFICE, "protectStudent", student=student(case))
    assert answer.codes == ["FORBIDDEN"]

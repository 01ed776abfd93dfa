"""The life of a case over HTTP: each move of the domain, what it leaves behind, and what it asks for."""

import threading
from typing import Any

import pytest

from tests.contract.case_rows import ASP, ISP, everything, make, user, user_key
from tests.contract.casework import column, count, do, done, refused, seen
from tests.contract.oracle import Person
from tests.contract.people import CONTACT, ISP_MANAGER, ISP_WORKFLOW, LEAD, MANAGER, TESTPERSON_AT_ISP, WORKFLOW
from tests.support.server import DemoServer
from tests.support.sql import execute, rows

SHOWN = "case { number status version caseManager { displayName } statusReason { code } reviewOn outcome { code } }"


def told(server: DemoServer, case_id: int) -> list[tuple[Any, ...]]:
    """Who was alerted of a case, and of what."""
    return rows(
        server.database,
        "SELECT u.username, a.kind FROM alert a JOIN user_account u ON u.id = a.user_id WHERE a.case_id = :id"
        " ORDER BY a.id",
        id=case_id,
    )


def history(server: DemoServer, case_id: int) -> list[tuple[Any, ...]]:
    """The case's status changes, but for its beginning."""
    statement = "SELECT from_status, to_status, reason_code FROM case_status_change WHERE case_id = :id ORDER BY id"
    return rows(server.database, statement, id=case_id)[1:]


def timeline(server: DemoServer, person: Person, number: str) -> list[str]:
    """The subjects of a case's events, the oldest first, as the person sees them."""
    events = seen(server, person, number, "events(first: 50) { nodes { subject description } }")["events"]["nodes"]
    return [event["subject"] for event in reversed(events)]


def requests_of(server: DemoServer, case_id: int) -> list[tuple[str, bool]]:
    """The status of each of the case's requests, and whether it says when it was decided."""
    found = rows(server.database, "SELECT status, decided_at FROM request WHERE case_id = :id", id=case_id)
    return [(status, decided_at is not None) for status, decided_at in found]


# From the queue ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["PROVIDER_QUEUE", "TRANSITION"])
def test_naming_a_manager_opens_a_case_of_the_queue_and_accepts_its_requests(changing: DemoServer, status: str) -> None:
    case = make(changing, status, contact=CONTACT.email, asked="SUBMITTED")
    shown = done(
        changing, ISP_WORKFLOW, "assignCaseManager", SHOWN,
        number=case.number, expectedVersion=1, manager=user(changing, ISP_MANAGER.email),
    )["case"]  # fmt: skip
    assert (shown["status"], shown["version"]) == ("OPEN", 2)
    assert shown["caseManager"] == {"displayName": "Case Manager Name"}
    assert column(changing, case.number, "assigned_at") is not None
    assert requests_of(changing, case.id) == [("ACCEPTED", True)]
    assert history(changing, case.id) == [(status, "OPEN", None)]
    assert timeline(changing, LEAD, case.number) == ["Case manager named, case opened"]
    assert told(changing, case.id) == [
        (CONTACT.email, "CASE_MANAGER_ASSIGNED"), (ISP_MANAGER.email, "CASE_MANAGER_ASSIGNED"),
    ]  # fmt: skip


def test_a_manager_is_named_first_and_opens_the_case_when_it_suits(changing: DemoServer) -> None:
    case = make(changing, "PROVIDER_QUEUE", asked="SUBMITTED")
    named = {"manager": user(changing, ISP_MANAGER.email), "open": False}
    shown = done(
        changing, ISP_WORKFLOW, "assignCaseManager", SHOWN, number=case.number, expectedVersion=1, **named
    )["case"]  # fmt: skip
    assert shown["status"] == "PROVIDER_QUEUE"
    assert requests_of(changing, case.id) == [("ACCEPTED", True)]
    assert done(changing, ISP_MANAGER, "openCase", SHOWN, number=case.number, expectedVersion=2)["case"] == {
        **shown, "status": "OPEN", "version": 3,
    }  # fmt: skip
    assert timeline(changing, LEAD, case.number) == ["Case manager named", "Case opened"]
    alerted = {kind for who, kind in told(changing, case.id) if who == LEAD.email}
    assert alerted == {"CASE_MANAGER_ASSIGNED", "STATUS_CHANGED"}, "without a contact the leads are told"


def test_a_case_without_a_manager_is_not_opened(changing: DemoServer) -> None:
    case = make(changing, "PROVIDER_QUEUE")
    before = everything(changing)
    answer = do(changing, ISP_WORKFLOW, "openCase", number=case.number, expectedVersion=1)
    (problem,) = answer.data["openCase"]["problems"]
    assert problem["code"] == "NOT_POSSIBLE_NOW"
    assert "assign one" in problem["message"]
    assert "openCase" not in {one["action"] for one in problem["possible"]}
    assert everything(changing) == before


def test_a_manager_who_lost_their_role_does_not_open_a_case(changing: DemoServer) -> None:
    """As where somebody changed the database itself; the system's own ways take the manager off the case."""
    case = make(changing, "PROVIDER_QUEUE", provider=ASP, manager="untrained@waikato-attendance.nz")
    allowed = seen(changing, WORKFLOW, case.number, "viewerCan { action allowed reason }")["viewerCan"]
    reason = next(one["reason"] for one in allowed if one["action"] == "openCase")
    answer = do(changing, WORKFLOW, "openCase", number=case.number, expectedVersion=1)
    assert answer.data["openCase"]["problems"][0]["message"] == reason
    assert "assign another" in reason


@pytest.mark.parametrize("status", ["OPEN", "PAUSED"])
def test_another_manager_is_named_with_a_reason_and_the_status_stays(changing: DemoServer, status: str) -> None:
    case = make(changing, status, manager=ISP_MANAGER.email)
    given = {
        "number": case.number, "expectedVersion": 1, "manager": user(changing, TESTPERSON_AT_ISP.email), "open": True,
    }  # fmt: skip
    assert refused(changing, ISP_WORKFLOW, "assignCaseManager", **given) == [("INVALID", "reason")]
    assert refused(changing, ISP_WORKFLOW, "assignCaseManager", **given, reason="NONE") == [("INVALID", "reason")]
    shown = done(changing, ISP_WORKFLOW, "assignCaseManager", SHOWN, **given, reason="WORKLOAD")["case"]
    assert (shown["status"], shown["caseManager"]) == (status, {"displayName": "Testperson"})
    assert history(changing, case.id) == [(status, status, "WORKLOAD")]
    assert timeline(changing, ISP_WORKFLOW, case.number) == ["Case manager changed"]
    assert seen(changing, ISP_MANAGER, case.number, "number") is None, "it is no longer theirs"


def test_a_workflow_lead_may_manage_a_case_and_is_not_told_of_it_by_an_alert(changing: DemoServer) -> None:
    case = make(changing, "PROVIDER_QUEUE", contact=CONTACT.email)
    done(
        changing, ISP_WORKFLOW, "assignCaseManager",
        number=case.number, expectedVersion=1, manager=user(changing, ISP_WORKFLOW.email),
    )  # fmt: skip
    assert told(changing, case.id) == [(CONTACT.email, "CASE_MANAGER_ASSIGNED")]


def test_naming_the_same_manager_again_changes_nothing(changing: DemoServer) -> None:
    case = make(changing, "OPEN", manager=ISP_MANAGER.email)
    before = everything(changing)
    shown = done(
        changing, ISP_WORKFLOW, "assignCaseManager", SHOWN,
        number=case.number, expectedVersion=1, manager=user(changing, ISP_MANAGER.email),
    )["case"]  # fmt: skip
    assert shown["version"] == 1
    assert everything(changing) == before


def test_whoever_may_not_be_manager_is_refused_like_nobody_at_all(changing: DemoServer) -> None:
    case = make(changing, "PROVIDER_QUEUE", provider=ASP)
    kept = make(changing, "PROVIDER_QUEUE", provider=ASP)
    execute(
        changing.database,
        "INSERT INTO access_block (user_id, student_id, reason, set_by_id, set_at) VALUES"
        f" ({user_key(changing, MANAGER.email)}, {kept.student_id}, 'A relative.',"
        f" {user_key(changing, WORKFLOW.email)}, '2026-05-01 00:00:00+00:00')",
    )
    before = everything(changing)

    def answered(number: str, manager: str) -> Any:
        given: dict[str, Any] = {"number": number, "expectedVersion": 1, "manager": manager}
        return do(changing, WORKFLOW, "assignCaseManager", **given).data["assignCaseManager"]

    never = answered(case.number, "VXNlcjo5OTk5OTk5OTk")
    assert [(one["code"], one["path"]) for one in never["problems"]] == [("INVALID", ["input", "manager"])]
    untrained, elsewhere, school = "untrained@waikato-attendance.nz", ISP_MANAGER.email, LEAD.email
    for email in (untrained, elsewhere, school):
        assert answered(case.number, user(changing, email)) == never, email
    for text in ("", "no identifier", "T3JnYW5pc2F0aW9uOjE"):
        assert answered(case.number, text) == never
    assert answered(kept.number, user(changing, MANAGER.email)) == never
    assert everything(changing) == before


# Work on it --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", [ISP_WORKFLOW, ISP_MANAGER])
def test_a_case_is_paused_and_resumed(changing: DemoServer, person: Person) -> None:
    case = make(changing, "OPEN", manager=ISP_MANAGER.email, contact=CONTACT.email)
    given = {"number": case.number, "reason": "BEREAVEMENT", "reviewOn": "2099-01-01"}
    shown = done(changing, person, "pauseCase", SHOWN, **given, expectedVersion=1)["case"]
    assert (shown["status"], shown["statusReason"], shown["reviewOn"]) == (
        "PAUSED", {"code": "BEREAVEMENT"}, "2099-01-01",
    )  # fmt: skip
    shown = done(changing, person, "resumeCase", SHOWN, number=case.number, expectedVersion=2)["case"]
    assert (shown["status"], shown["statusReason"], shown["reviewOn"]) == ("OPEN", None, None)
    assert history(changing, case.id) == [("OPEN", "PAUSED", "BEREAVEMENT"), ("PAUSED", "OPEN", None)]
    assert timeline(changing, CONTACT, case.number) == ["Case paused", "Case resumed"]
    assert told(changing, case.id) == [(CONTACT.email, "STATUS_CHANGED")] * 2


# Its end -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["OPEN", "PAUSED"])
def test_a_case_is_closed_with_its_outcome_and_the_school_sees_it_no_more(changing: DemoServer, status: str) -> None:
    case = make(changing, status, manager=ISP_MANAGER.email, contact=CONTACT.email)
    given = {"number": case.number, "expectedVersion": 1, "closingSummary": "  Goes every day.  "}
    shown = done(
        changing, ISP_MANAGER, "closeCase", "case { status outcome { code } closingSummary reviewOn closedAt }",
        **given, outcome="ATTENDANCE_IMPROVED",
    )["case"]  # fmt: skip
    assert shown.pop("closedAt") is not None
    assert shown == {
        "status": "CLOSED", "outcome": {"code": "ATTENDANCE_IMPROVED"}, "closingSummary": "Goes every day.",
        "reviewOn": None,
    }  # fmt: skip
    assert history(changing, case.id) == [(status, "CLOSED", "ATTENDANCE_IMPROVED")]
    assert told(changing, case.id) == [(CONTACT.email, "STATUS_CHANGED")]
    assert seen(changing, LEAD, case.number, "number") is None
    assert seen(changing, ISP_MANAGER, case.number, "status") == {"status": "CLOSED"}


def test_a_case_is_not_closed_with_an_open_task_nor_with_what_says_nothing(changing: DemoServer) -> None:
    case = make(changing, "OPEN", manager=ISP_MANAGER.email)
    task = done(changing, ISP_MANAGER, "addTask", "task { id }", number=case.number, title="Ring home")["task"]["id"]
    version = column(changing, case.number, "version")
    given = {"number": case.number, "expectedVersion": version, "outcome": "ENROLLED", "closingSummary": "Well."}
    answer = do(changing, ISP_MANAGER, "closeCase", **given)
    (problem,) = answer.data["closeCase"]["problems"]
    assert (problem["code"], problem["message"]) == (
        "NOT_POSSIBLE_NOW", "1 task is still open; complete it first.",
    )  # fmt: skip
    assert "closeCase" not in {one["action"] for one in problem["possible"]}
    done(changing, ISP_MANAGER, "completeTask", id=task)
    before = everything(changing)
    assert refused(changing, ISP_MANAGER, "closeCase", **{**given, "outcome": "NONE", "closingSummary": " "}) == [
        ("INVALID", "outcome"), ("INVALID", "closingSummary"),
    ]  # fmt: skip
    for code in ("DUPLICATE", "REQUEST_DECLINED", "REQUEST_WITHDRAWN"):
        assert refused(changing, ISP_MANAGER, "closeCase", **{**given, "outcome": code}) == [("INVALID", "outcome")]
    assert everything(changing) == before
    done(changing, ISP_MANAGER, "closeCase", **given)


def test_a_case_is_reopened_under_its_number_with_what_was_known_of_it(changing: DemoServer) -> None:
    case = make(changing, "CLOSED", manager=ISP_MANAGER.email, contact=CONTACT.email)
    given = {"number": case.number, "expectedVersion": 1}
    assert refused(changing, ISP_WORKFLOW, "reopenCase", **given, reason="NONE") == [("INVALID", "reason")]
    shown = done(changing, ISP_WORKFLOW, "reopenCase", SHOWN, **given, reason="ATTENDANCE_FELL")["case"]
    assert (shown["status"], shown["outcome"]) == ("OPEN", None)
    assert shown["caseManager"] == {"displayName": "Case Manager Name"}
    assert [column(changing, case.number, name) for name in ("closed_at", "closing_summary")] == [None, None]
    assert history(changing, case.id) == [("CLOSED", "OPEN", "ATTENDANCE_FELL")]
    assert timeline(changing, LEAD, case.number) == ["Case reopened"]
    kept = seen(changing, ISP_WORKFLOW, case.number, "events { nodes { visibility description } }")["events"]["nodes"]
    assert {"visibility": "INTERNAL", "description": "Goes to school again."} in kept
    assert told(changing, case.id) == [(CONTACT.email, "STATUS_CHANGED")]


def test_a_case_whose_manager_may_no_longer_be_is_reopened_with_another(changing: DemoServer) -> None:
    case = make(changing, "CLOSED", manager=MANAGER.email)
    given = {"number": case.number, "expectedVersion": 1, "reason": "OTHER"}
    before = everything(changing)
    assert refused(changing, ISP_WORKFLOW, "reopenCase", **given) == [("INVALID", "manager")]
    assert refused(changing, ISP_WORKFLOW, "reopenCase", **given, manager=user(changing, LEAD.email)) == [
        ("INVALID", "manager")
    ]
    assert everything(changing) == before
    shown = done(
        changing, ISP_WORKFLOW, "reopenCase", SHOWN, **given, manager=user(changing, ISP_MANAGER.email)
    )["case"]  # fmt: skip
    assert shown["caseManager"] == {"displayName": "Case Manager Name"}
    assert (ISP_MANAGER.email, "CASE_MANAGER_ASSIGNED") in told(changing, case.id)


def test_a_case_is_not_reopened_after_thirty_days_nor_against_another(changing: DemoServer) -> None:
    late = make(changing, "CLOSED", manager=ISP_MANAGER.email)
    execute(
        changing.database, f"UPDATE case_record SET closed_at = '2026-01-01 00:00:00+00:00' WHERE id = {late.id}"
    )  # fmt: skip
    closed = make(changing, "CLOSED", manager=ISP_MANAGER.email)
    make(changing, "PROVIDER_QUEUE", provider=ASP, student_id=closed.student_id)
    before = everything(changing)
    for case, said in ((late, "more than 30 days"), (closed, "another active case")):
        answer = do(changing, ISP_WORKFLOW, "reopenCase", number=case.number, expectedVersion=1, reason="OTHER")
        (problem,) = answer.data["reopenCase"]["problems"]
        assert problem["code"] == "NOT_POSSIBLE_NOW"
        assert said in problem["message"]
        assert problem["possible"] == []
        assert seen(changing, ISP_MANAGER, case.number, "number"), "its manager reaches it, too"
    assert everything(changing) == before


def test_a_case_is_reopened_at_the_school_where_the_student_is_by_then(changing: DemoServer) -> None:
    case = make(changing, "CLOSED", manager=ISP_MANAGER.email, contact=CONTACT.email, school_contact_notes="Room 4.")
    second = "(SELECT id FROM organisation WHERE number = '1235')"
    execute(
        changing.database,
        f"UPDATE enrolment SET school_id = {second} WHERE student_id = {case.student_id}",
        f"UPDATE student SET school_id = {second} WHERE id = {case.student_id}",
    )
    shown = done(
        changing, ISP_WORKFLOW, "reopenCase",
        "case { school { number } primaryContact { displayName } schoolContactNotes }",
        number=case.number, expectedVersion=1, reason="NEW_INFORMATION",
    )["case"]  # fmt: skip
    assert shown == {"school": {"number": "1235"}, "primaryContact": None, "schoolContactNotes": None}


# What every move keeps to ------------------------------------------------------------------------------------


def test_of_two_moves_at_the_same_time_one_is_made_and_the_other_told(changing: DemoServer) -> None:
    case = make(changing, "OPEN", manager=ISP_MANAGER.email)
    given: dict[str, Any] = {"number": case.number, "expectedVersion": 1}
    moves: list[tuple[Person, str, dict[str, Any]]] = [
        (ISP_WORKFLOW, "closeCase", {"outcome": "ENROLLED", "closingSummary": "Well."}),
        (ISP_MANAGER, "pauseCase", {"reason": "AWAY", "reviewOn": "2099-01-01"}),
        (TESTPERSON_AT_ISP, "transferCase", {"reason": "OTHER", "handOverSummary": "Known."}),
    ]
    for person, _, _ in moves:
        changing.token(person.email, person.organisation)
    codes: list[list[str]] = []

    def move(person: Person, name: str, members: dict[str, Any]) -> None:
        problems = do(changing, person, name, **given, **members).data[name]["problems"]
        codes.append([problem["code"] for problem in problems])

    threads = [threading.Thread(target=move, args=one) for one in moves]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Who no longer reaches it once it is handed on is told nothing of it.
    codes.sort()
    assert codes[0] == []
    assert all(code in (["CONFLICT"], ["NOT_FOUND"]) for code in codes[1:])
    assert len(history(changing, case.id)) == 1
    assert column(changing, case.number, "version") == 2


def test_a_move_is_in_the_change_log_with_who_made_it(changing: DemoServer) -> None:
    case = make(changing, "OPEN", manager=ISP_MANAGER.email)
    before = count(changing, "change_entry")
    done(changing, ISP_MANAGER, "pauseCase", number=case.number, expectedVersion=1, reason="AWAY",
         reviewOn="2099-01-01")  # fmt: skip
    logged = rows(
        changing.database,
        "SELECT action, user_id, subject_type, subject_id, student_id FROM change_entry ORDER BY id DESC LIMIT 1",
    )
    assert logged == [("pauseCase", user_key(changing, ISP_MANAGER.email), "Case", case.id, case.student_id)]
    assert count(changing, "change_entry") == before + 1


@pytest.mark.parametrize("organisation", [ISP, ASP])
def test_what_the_viewer_can_and_what_is_done_agree_on_handing_on(changing: DemoServer, organisation: str) -> None:
    people = {ISP: (ISP_WORKFLOW, ISP_MANAGER), ASP: (WORKFLOW, MANAGER)}[organisation]
    case = make(changing, "OPEN", provider=organisation, manager=people[1].email)
    for person in people:
        can = seen(changing, person, case.number, "viewerCan { action allowed reason }")["viewerCan"]
        allowed = next(one for one in can if one["action"] == "transferCase")
        assert allowed["allowed"] is (organisation == ISP)
        if organisation == ASP:
            given: dict[str, Any] = {"reason": "OTHER", "handOverSummary": "Known.", "expectedVersion": 1}
            answer = do(changing, person, "transferCase", number=case.number, **given)
            assert answer.data["transferCase"]["problems"][0]["message"] == allowed["reason"]

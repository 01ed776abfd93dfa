"""Two records of one child, and students on no roll: what the Administrator does to cases that they do not see."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.contract.case_rows import ASP, ISP, SECOND_SCHOOL, Made, everything, make, organisation_key, user_key
from tests.contract.casework import column, count, do, done, refused, seen
from tests.contract.people import (
    ADMINISTRATOR,
    CONTACT,
    ISP_MANAGER,
    ISP_WORKFLOW,
    LEAD,
    MANAGER,
    SECOND_LEAD,
    WORKFLOW,
)
from tests.support.server import Answer, DemoServer
from tests.support.sql import execute, rows

NOT_NOW = "This is not possible as the cases stand now: both must be active, of one type, and of two student records."


def merge(server: DemoServer, survivor: Made, duplicate: Made, **more: Any) -> Answer:
    given = {"survivor": survivor.number, "duplicate": duplicate.number, **more}
    return do(server, ADMINISTRATOR, "mergeCases", "case { number }", **given)


def merged(server: DemoServer, survivor: Made, duplicate: Made) -> None:
    payload = merge(server, survivor, duplicate).data["mergeCases"]
    assert payload == {"case": None, "problems": []}, "done, and the Administrator sees neither"


def block(server: DemoServer, email: str, student_id: int) -> None:
    execute(
        server.database,
        "INSERT INTO access_block (user_id, student_id, reason, set_by_id, set_at) VALUES"
        f" ({user_key(server, email)}, {student_id}, 'A relative.', {user_key(server, 'privacy@ministry.nz')},"
        " '2026-05-01 00:00:00+00:00')",
    )


# Merging -----------------------------------------------------------------------------------------------------


def test_all_that_is_on_the_duplicate_moves_to_the_case_that_goes_on(changing: DemoServer) -> None:
    survivor = make(changing, "OPEN", manager=ISP_MANAGER.email, contact=CONTACT.email)
    duplicate = make(changing, "OPEN", manager=ISP_MANAGER.email, asked="ACCEPTED")
    done(changing, ISP_MANAGER, "addComment", number=duplicate.number, body="Said there.")
    done(changing, ISP_MANAGER, "addEvent", number=duplicate.number, kind="NOTE", subject="Noted there")
    done(changing, ISP_MANAGER, "addTask", number=duplicate.number, title="Ring home")
    done(changing, ISP_MANAGER, "addSafetyAlert", number=duplicate.number, text="A dog.")
    done(changing, ISP_MANAGER, "recordNeedsFund", number=duplicate.number, purpose="Shoes", amountCents=5000,
         spentOn="2026-05-01")  # fmt: skip
    merged(changing, survivor, duplicate)
    shown = seen(
        changing, ISP_MANAGER, survivor.number,
        "status version comments { nodes { body } } events { nodes { subject } } tasks { nodes { title doneAt } }"
        " safetyAlerts { text } needsFund { purpose } requests { totalCount }",
    )  # fmt: skip
    assert shown.pop("version") == 2
    assert {event["subject"] for event in shown.pop("events")["nodes"]} == {
        "Noted there", "A duplicate case was merged into this one",
    }  # fmt: skip
    assert shown == {
        "status": "OPEN",
        "comments": {"nodes": [{"body": "Said there."}]},
        "tasks": {"nodes": [{"title": "Ring home", "doneAt": None}]},
        "safetyAlerts": [{"text": "A dog."}],
        "needsFund": [{"purpose": "Shoes"}],
        "requests": {"totalCount": 2},
    }
    students = rows(changing.database, "SELECT DISTINCT student_id FROM request WHERE case_id = :id", id=survivor.id)
    assert students == [(survivor.student_id,)], "a request is of the student of its case"
    assert count(changing, "student", f"id IN ({survivor.student_id}, {duplicate.student_id})") == 2


def test_the_duplicate_is_closed_and_its_number_leads_to_the_other(changing: DemoServer) -> None:
    survivor = make(changing, "OPEN", manager=ISP_MANAGER.email, contact=CONTACT.email)
    duplicate = make(changing, "PROVIDER_QUEUE", provider=ASP)
    merged(changing, survivor, duplicate)
    assert [column(changing, duplicate.number, name) for name in ("status", "outcome_code", "merged_into_id")] == [
        "CLOSED", "DUPLICATE", survivor.id,
    ]  # fmt: skip
    for person in (ISP_WORKFLOW, ISP_MANAGER, LEAD, CONTACT):
        assert seen(changing, person, duplicate.number, "number") == {"number": survivor.number}
    # Whoever does not reach the one that goes on keeps their own, or has none.
    assert seen(changing, WORKFLOW, duplicate.number, "number status") == {
        "number": duplicate.number, "status": "CLOSED",
    }  # fmt: skip
    assert seen(changing, SECOND_LEAD, duplicate.number, "number") is None
    (told,) = rows(changing.database, "SELECT kind FROM alert WHERE case_id = :id AND user_id = :user",
                   id=duplicate.id, user=user_key(changing, WORKFLOW.email))  # fmt: skip
    assert told == ("STATUS_CHANGED",)


def test_who_reaches_both_is_led_on_too_and_does_not_reopen_the_duplicate(changing: DemoServer) -> None:
    survivor, duplicate = (make(changing, "OPEN", manager=ISP_MANAGER.email) for _ in range(2))
    third = make(changing, "OPEN", manager=ISP_MANAGER.email)
    merged(changing, survivor, duplicate)
    assert seen(changing, ISP_MANAGER, duplicate.number, "number") == {"number": survivor.number}
    answer = do(
        changing, ISP_WORKFLOW, "reopenCase", number=duplicate.number, expectedVersion=2, reason="OTHER"
    )  # fmt: skip
    (problem,) = answer.data["reopenCase"]["problems"]
    assert (problem["code"], problem["possible"]) == ("NOT_POSSIBLE_NOW", [])
    merged(changing, third, survivor)
    for number in (duplicate.number, survivor.number, third.number):
        assert seen(changing, ISP_MANAGER, number, "number") == {"number": third.number}, "all the way at once"


def test_tasks_of_another_provider_close_as_handed_over(changing: DemoServer) -> None:
    survivor = make(changing, "OPEN", manager=ISP_MANAGER.email)
    duplicate = make(changing, "OPEN", provider=ASP, manager=MANAGER.email)
    done(changing, MANAGER, "addTask", number=duplicate.number, title="Ring home")
    merged(changing, survivor, duplicate)
    (task,) = seen(changing, ISP_MANAGER, survivor.number, "tasks { nodes { doneAt } }")["tasks"]["nodes"]
    assert task["doneAt"] is not None


def test_a_request_that_joins_a_case_with_a_manager_is_accepted(changing: DemoServer) -> None:
    survivor = make(changing, "OPEN", manager=ISP_MANAGER.email)
    duplicate = make(changing, "PROVIDER_QUEUE", asked="SUBMITTED")
    merged(changing, survivor, duplicate)
    found = rows(changing.database, "SELECT DISTINCT status FROM request WHERE case_id = :id", id=survivor.id)
    assert found == [("ACCEPTED",)]


def test_what_keeps_people_from_one_record_keeps_them_from_the_child(changing: DemoServer) -> None:
    survivor = make(changing, "OPEN", manager=ISP_MANAGER.email, contact=CONTACT.email)
    duplicate = make(changing, "OPEN", provider=ASP, manager=MANAGER.email)
    for email in (ISP_MANAGER.email, CONTACT.email):
        block(changing, email, duplicate.student_id)
    execute(changing.database, f"UPDATE student SET protected = true WHERE id = {duplicate.student_id}")
    merged(changing, survivor, duplicate)
    for person in (ISP_MANAGER, CONTACT):
        assert seen(changing, person, survivor.number, "number") is None
    shown = seen(
        changing, LEAD, survivor.number, "status caseManager { id } primaryContact { id } student { protected }"
    )
    assert shown == {
        "status": "PROVIDER_QUEUE", "caseManager": None, "primaryContact": None, "student": {"protected": True},
    }  # fmt: skip
    kept = rows(
        changing.database, "SELECT count(*) FROM access_block WHERE student_id = :id AND lifted_at IS NULL",
        id=survivor.student_id,
    )  # fmt: skip
    assert kept == [(2,)]


def test_what_cannot_be_merged_is_refused_in_words_that_tell_nothing(changing: DemoServer) -> None:
    case = make(changing, "OPEN", manager=ISP_MANAGER.email)
    closed = make(changing, "CLOSED", manager=ISP_MANAGER.email)
    other_type = make(changing, "PROVIDER_QUEUE", type="NON_ENROLLED", asked=None)
    same_student = make(changing, "PROVIDER_QUEUE", type="NON_ENROLLED", asked=None, student_id=case.student_id)
    kept = make(changing, "OPEN", manager=ISP_MANAGER.email)
    block(changing, ADMINISTRATOR.email, kept.student_id)
    never = Made("09999999", 0, 0)
    before = everything(changing)
    for survivor, duplicate in (
        (case, closed), (closed, case), (case, other_type), (case, same_student), (closed, other_type),
    ):  # fmt: skip
        (problem,) = merge(changing, survivor, duplicate).data["mergeCases"]["problems"]
        assert problem == {
            "__typename": "NotPossibleNow", "code": "NOT_POSSIBLE_NOW", "message": NOT_NOW, "path": [], "possible": [],
        }  # fmt: skip
    for unknown in (kept, never):
        assert merge(changing, unknown, case).body == merge(changing, never, case).body
        assert merge(changing, case, unknown).body == merge(changing, case, never).body
    given = {"survivor": case.number, "duplicate": kept.number}
    assert refused(changing, ADMINISTRATOR, "mergeCases", **given) == [("NOT_FOUND", "duplicate")]
    given = {"survivor": case.number, "duplicate": case.number}
    assert refused(changing, ADMINISTRATOR, "mergeCases", **given) == [("INVALID", "duplicate")]
    for person in (ISP_WORKFLOW, LEAD):
        assert do(changing, person, "mergeCases", **given).codes == ["FORBIDDEN"]
    assert everything(changing) == before


def test_a_version_that_was_read_is_kept_to_and_never_told(changing: DemoServer) -> None:
    survivor, duplicate = (make(changing, "OPEN", manager=ISP_MANAGER.email) for _ in range(2))
    before = everything(changing)
    for name in ("expectedSurvivorVersion", "expectedDuplicateVersion"):
        document = (
            "mutation($i: MergeCasesInput!) { mergeCases(input: $i) "
            "{ problems { code path ... on Conflict { currentVersion } } } }"
        )
        given = {"survivor": survivor.number, "duplicate": duplicate.number, name: 9}
        answer = changing.ask(ADMINISTRATOR.email, document, {"i": given})
        assert answer.data["mergeCases"]["problems"] == [
            {"code": "CONFLICT", "path": ["input", name], "currentVersion": None}
        ]
    assert everything(changing) == before


# On no roll --------------------------------------------------------------------------------------------------


def student_on_no_roll(server: DemoServer, nsn: str, days: int, school: str = SECOND_SCHOOL) -> int:
    """A student who left this school so many days ago; its key."""
    case = make(server, "CLOSED", manager=ISP_MANAGER.email, school=None, asked=None)
    ended = datetime.now(UTC).date() - timedelta(days=days)
    execute(
        server.database,
        f"UPDATE student SET nsn = '{nsn}' WHERE id = {case.student_id}",
        "INSERT INTO enrolment (student_id, school_id, started_on, ended_on) VALUES"
        f" ({case.student_id}, {organisation_key(server, school)}, '2025-02-03', '{ended}')",
    )
    return case.student_id


def open_for(server: DemoServer, nsn: str) -> Any:
    return do(server, ADMINISTRATOR, "openNonEnrolledCase", "case { number }", nsn=nsn).data["openNonEnrolledCase"]


def test_a_student_on_no_roll_gets_a_case_with_the_service_of_the_last_school(changing: DemoServer) -> None:
    student_id = student_on_no_roll(changing, "0004440001", 120)
    assert open_for(changing, " 0004440001 ") == {"case": None, "problems": []}
    ((number, case_id),) = rows(
        changing.database, "SELECT number, id FROM case_record WHERE student_id = :id AND active", id=student_id
    )
    shown = seen(
        changing, WORKFLOW, number,
        "type status version school { id } primaryContact { id } catchment { name } requests { totalCount }"
        " owner { ... on Organisation { number } } events { nodes { kind subject visibility } }",
    )  # fmt: skip
    assert shown.pop("catchment")["name"]
    assert shown == {
        "type": "NON_ENROLLED", "status": "PROVIDER_QUEUE", "version": 1, "school": None, "primaryContact": None,
        "requests": {"totalCount": 0}, "owner": {"number": ASP},
        "events": {"nodes": [
            {"kind": "CASE_CHANGED", "subject": "Non-enrolment notified", "visibility": "INTERNAL"}
        ]},
    }  # fmt: skip
    told = rows(changing.database, "SELECT u.username, a.kind FROM alert a JOIN user_account u ON u.id = a.user_id"
                " WHERE a.case_id = :id", id=case_id)  # fmt: skip
    assert told == [(WORKFLOW.email, "CASE_OPENED")]
    region = (
        "SELECT c.region = p.region FROM case_record c JOIN organisation p ON p.id = c.provider_id WHERE c.id = :id"
    )
    assert bool(rows(changing.database, region, id=case_id)[0][0])


def test_twice_makes_one_and_tells_nothing(changing: DemoServer) -> None:
    student_id = student_on_no_roll(changing, "0004440002", 120)
    open_for(changing, "0004440002")
    before = everything(changing)
    again = open_for(changing, "0004440002")
    assert again["case"] is None
    assert [(one["code"], one["path"]) for one in again["problems"]] == [("DUPLICATE", ["input", "nsn"])]
    assert "0002" not in again["problems"][0]["message"]
    assert everything(changing) == before
    assert count(changing, "case_record", f"student_id = {student_id} AND active") == 1


def test_whoever_no_case_can_be_opened_for_is_answered_like_a_number_nobody_has(changing: DemoServer) -> None:
    student_on_no_roll(changing, "0004440003", 3)
    kept = student_on_no_roll(changing, "0004440004", 120)
    block(changing, ADMINISTRATOR.email, kept)
    enrolled = make(changing, "CLOSED", manager=ISP_MANAGER.email, provider=ISP)
    execute(changing.database, f"UPDATE student SET nsn = '0004440005' WHERE id = {enrolled.student_id}")
    never_enrolled = make(changing, "CLOSED", manager=ISP_MANAGER.email, school=None, asked=None)
    execute(changing.database, f"UPDATE student SET nsn = '0004440006' WHERE id = {never_enrolled.student_id}")
    before = everything(changing)
    never = open_for(changing, "0009999999")
    assert [(one["code"], one["path"]) for one in never["problems"]] == [("INVALID", ["input", "nsn"])]
    for last in "3456":
        assert open_for(changing, f"000444000{last}") == never
    for text in ("", "no number", "0004440003' OR '1'='1"):
        assert open_for(changing, text) == never
    assert everything(changing) == before


@pytest.mark.parametrize("person", [WORKFLOW, LEAD])
def test_nobody_else_opens_a_case_by_number(changing: DemoServer, person: Any) -> None:
    assert do(changing, person, "openNonEnrolledCase", nsn="0004440001").codes == ["FORBIDDEN"]

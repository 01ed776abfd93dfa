"""Events, tasks, the needs fund, safety alerts and alerts: who may, what is refused, what everybody sees afterwards."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.contract.casework import SEEN_BY_ALL, TEN, column, count, do, done, messages, refused, seen
from tests.contract.oracle import Person, required_matrix
from tests.contract.people import ISP_MANAGER, ISP_WORKFLOW, LEAD, MANAGER, SECOND_LEAD, WORKFLOW
from tests.contract.world import global_id
from tests.support.server import DemoServer
from tests.support.sql import execute, rows

NOW = datetime.now(UTC)
QUIET = "00307473"
"""In the queue of the in-school provider, with nothing on it yet but the event of its request."""
CLOSED = "00307427"
AT_SCHOOL = Person("testperson@test-college.school.nz", "1234")
AT_PROVIDER = Person("testperson@test-college.school.nz", "78912")
MEMBERS: dict[str, dict[str, Any]] = {
    "addComment": {"body": "x"},
    "addEvent": {"kind": "NOTE", "subject": "x"},
    "addTask": {"title": "x"},
    "recordNeedsFund": {"purpose": "x", "amountCents": 1, "spentOn": "2026-05-01"},
    "addSafetyAlert": {"text": "x"},
}
SHOWN = {
    "addEvent": "event { id subject }",
    "addTask": "task { id title }",
    "recordNeedsFund": "entry { purpose amountCents }",
    "addSafetyAlert": "safetyAlert { text }",
}
PROVIDERS_OWN = ("addTask", "recordNeedsFund", "addSafetyAlert")


def user(server: DemoServer, email: str) -> str:
    return global_id(
        "User", rows(server.database, "SELECT id FROM user_account WHERE username = :email", email=email)[0][0]
    )


def at(**ago: float) -> str:
    return (NOW - timedelta(**ago)).isoformat()


# Who may -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mutation", MEMBERS)
def test_who_may_is_what_the_policy_says(changing: DemoServer, mutation: str) -> None:
    for role, person in TEN.items():
        answer = do(changing, person, mutation, number=SEEN_BY_ALL, **MEMBERS[mutation])
        if required_matrix()["Mutation", mutation][role] == "H":
            assert answer.codes == ["FORBIDDEN"], role
            assert answer.data == {mutation: None}
        else:
            assert answer.data[mutation] == {"problems": []}, role


@pytest.mark.parametrize("mutation", MEMBERS)
def test_another_providers_case_is_like_none(changing: DemoServer, mutation: str) -> None:
    before = count(changing, "change_entry")
    theirs = do(changing, WORKFLOW, mutation, number=SEEN_BY_ALL, **MEMBERS[mutation])
    never = do(changing, WORKFLOW, mutation, number="99999999", **MEMBERS[mutation])
    assert theirs.body == never.body
    assert theirs.data[mutation]["problems"][0]["code"] == "NOT_FOUND"
    assert count(changing, "change_entry") == before


@pytest.mark.parametrize("mutation", MEMBERS)
def test_nothing_is_added_to_a_closed_case_and_what_is_possible_is_told(changing: DemoServer, mutation: str) -> None:
    answer = do(changing, ISP_WORKFLOW, mutation, number=CLOSED, **MEMBERS[mutation])
    (problem,) = answer.data[mutation]["problems"]
    assert problem["code"] == "NOT_POSSIBLE_NOW"
    assert mutation not in {one["action"] for one in problem["possible"]}


@pytest.mark.parametrize("mutation", PROVIDERS_OWN)
def test_the_providers_own_papers_are_seen_by_the_provider_alone(changing: DemoServer, mutation: str) -> None:
    field = {"addTask": "tasks { totalCount }", "recordNeedsFund": "needsFund { purpose }"}.get(
        mutation, "safetyAlerts { text }"
    )
    before = {role: seen(changing, person, SEEN_BY_ALL, field) for role, person in TEN.items()}
    payload = done(changing, ISP_MANAGER, mutation, SHOWN[mutation], number=SEEN_BY_ALL, **MEMBERS[mutation])
    assert "x" in next(iter(payload.values())).values()
    for role, person in TEN.items():
        after = seen(changing, person, SEEN_BY_ALL, field)
        if role in {"WORKFLOW_LEAD", "CASE_MANAGER"}:
            assert after != before[role]
        else:
            assert after == before[role]
            assert after is None or set(after.values()) == {None}, role


@pytest.mark.parametrize("mutation", SHOWN)
def test_a_repeated_request_shows_nothing_once_the_case_is_no_longer_theirs(
    changing: DemoServer, mutation: str
) -> None:
    key, number = str(uuid4()), "00307402"
    members = {"number": number, **MEMBERS[mutation]}
    first = do(changing, ISP_MANAGER, mutation, f"{SHOWN[mutation]} case {{ number }}", key=key, **members)
    assert None not in first.data[mutation].values()
    before = count(changing, "change_entry")
    manager = "(SELECT id FROM user_account WHERE username = '{}')"
    name = "UPDATE case_record SET case_manager_id = {} WHERE number = '{}'"
    execute(changing.database, name.format(manager.format(ISP_WORKFLOW.email), number))
    try:
        again = do(changing, ISP_MANAGER, mutation, f"{SHOWN[mutation]} case {{ number }}", key=key, **members)
    finally:
        execute(changing.database, name.format(manager.format(ISP_MANAGER.email), number))
    member = SHOWN[mutation].split()[0]
    assert again.data[mutation] == {member: None, "case": None, "problems": []}
    assert count(changing, "change_entry") == before


def test_what_a_payload_discloses_is_logged_with_the_student(changing: DemoServer) -> None:
    student = column(changing, SEEN_BY_ALL, "student_id")
    of_student = f"student_set_id IN (SELECT set_id FROM access_log_student WHERE student_id = {student})"
    for mutation, shown in SHOWN.items():
        before = count(changing, "access_log_entry", of_student)
        done(changing, ISP_MANAGER, mutation, shown, number=SEEN_BY_ALL, **MEMBERS[mutation])
        assert count(changing, "access_log_entry", of_student) == before + 1, mutation


# Events ------------------------------------------------------------------------------------------------------


def test_an_event_is_internal_unless_it_is_shared(changing: DemoServer) -> None:
    listed = "events(first: 1, orderBy: [{field: RECORDED_AT, direction: DESC}]) { nodes { kind subject visibility } }"
    given = {"number": SEEN_BY_ALL, "kind": "HOME_VISIT", "subject": "At home."}
    for visibility in ("INTERNAL", "SHARED"):
        shared = {} if visibility == "INTERNAL" else {"visibility": visibility}
        payload = done(changing, ISP_MANAGER, "addEvent", "event { visibility }", **given, **shared)
        assert payload["event"] == {"visibility": visibility}
        newest = {}
        for role, person in TEN.items():
            case = seen(changing, person, SEEN_BY_ALL, listed)
            for one in case["events"]["nodes"] if case is not None else []:
                newest[role] = (one["kind"] == "HOME_VISIT", one["subject"])
        assert newest["WORKFLOW_LEAD"] == newest["CASE_MANAGER"] == (True, "At home.")
        assert newest["MINISTRY_ADVISER"] == newest["PRIVACY_OFFICER"] == (True, None)
        of_school = {role: newest[role] for role in ("ATTENDANCE_LEAD", "PRIMARY_CONTACT", "OFFICE_SUPPORT")}
        if visibility == "SHARED":
            assert of_school == {
                "ATTENDANCE_LEAD": (True, "At home."), "PRIMARY_CONTACT": (True, "At home."),
                "OFFICE_SUPPORT": (True, None),
            }  # fmt: skip
        else:
            assert not any(there for there, _ in of_school.values())


def test_an_event_keeps_all_that_was_said_of_it(changing: DemoServer) -> None:
    shown = "kind subject description outcome participants occursAt endsAt recordedBy { displayName }"
    payload = done(
        changing, ISP_MANAGER, "addEvent", f"event {{ {shown} }}", number=SEEN_BY_ALL, kind="MEETING",
        subject="  Hui with whānau ", description="At the marae.", outcome=" ", participants=["Mum", " Nan "],
        occursAt="2026-05-06T09:47:00+12:00", endsAt="2026-05-06T10:30:00+12:00",
    )  # fmt: skip
    recorded_by = payload["event"].pop("recordedBy")
    assert recorded_by["displayName"]
    assert payload["event"] == {
        "kind": "MEETING", "subject": "Hui with whānau", "description": "At the marae.", "outcome": None,
        "participants": ["Mum", "Nan"], "occursAt": "2026-05-05T21:47:00Z", "endsAt": "2026-05-05T22:30:00Z",
    }  # fmt: skip


def test_all_that_is_wrong_with_an_event_is_told_at_once(changing: DemoServer) -> None:
    problems = refused(
        changing, ISP_MANAGER, "addEvent", number=SEEN_BY_ALL, kind="CASE_CHANGED", subject=" ",
        description="x" * 10_001, participants=["Mum", ""], occursAt=at(days=800), endsAt=at(days=801),
    )  # fmt: skip
    assert {code for code, _ in problems} == {"INVALID"}
    assert {path for _, path in problems} == {
        "kind", "occursAt", "endsAt", "subject", "description", "participants.1"
    }  # fmt: skip
    given = {"number": SEEN_BY_ALL, "kind": "NOTE", "subject": "x"}
    for wrong, path in (
        ({"occursAt": at(days=-800)}, "occursAt"),
        ({"occursAt": at(days=1), "endsAt": at(days=2)}, "endsAt"),
        ({"participants": ["x"] * 21}, "participants"),
        ({"kind": "REQUEST_RECEIVED"}, "kind"),
    ):
        assert refused(changing, ISP_MANAGER, "addEvent", **{**given, **wrong}) == [("INVALID", path)]


def test_the_first_contact_that_has_happened_stops_its_clock(changing: DemoServer) -> None:
    number = QUIET
    version = column(changing, number, "version")

    def first_contact(kind: str, **when: float) -> Any:
        given = {"number": number, "kind": kind, "subject": "x"}
        done(changing, ISP_WORKFLOW, "addEvent", **given, **({"occursAt": at(**when)} if when else {}))
        return column(changing, number, "first_contact_at")

    assert first_contact("NOTE") is None
    assert first_contact("PHONE_CALL", days=-3) is None
    before_it_was_opened = (NOW - datetime(2026, 5, 1, tzinfo=UTC)).days
    assert first_contact("PHONE_CALL", days=before_it_was_opened) is None
    second = first_contact("HOME_VISIT", hours=2)
    assert second is not None
    assert first_contact("EMAIL", hours=1) == second
    assert first_contact("TEXT_MESSAGE", hours=3) != second
    assert column(changing, number, "version") == version


# Tasks -------------------------------------------------------------------------------------------------------


def test_a_task_is_set_and_done_once(changing: DemoServer) -> None:
    given = {"number": SEEN_BY_ALL, "title": "Ring the school nurse.", "dueOn": "2027-03-01"}
    shown = "task { id title dueOn doneAt assignee { displayName } createdBy { displayName } }"
    assignee = user(changing, ISP_MANAGER.email)
    task = done(changing, ISP_WORKFLOW, "addTask", shown, **given, assignee=assignee)["task"]
    assert (task["dueOn"], task["doneAt"]) == ("2027-03-01", None)
    assert task["assignee"]["displayName"] != task["createdBy"]["displayName"]
    completed = done(changing, ISP_MANAGER, "completeTask", "task { doneAt } case { number }", id=task["id"])
    assert completed["task"]["doneAt"] is not None
    assert completed["case"] == {"number": SEEN_BY_ALL}
    before = count(changing, "change_entry")
    assert messages(changing, ISP_MANAGER, "completeTask", id=task["id"]) == ["The task was completed already."]
    assert count(changing, "change_entry") == before


def test_the_first_task_is_the_plan(changing: DemoServer) -> None:
    number = "00307405"
    assert column(changing, number, "planned_at") is None
    done(changing, ISP_WORKFLOW, "addTask", number=number, title="Plan with the whānau.")
    planned_at = column(changing, number, "planned_at")
    assert planned_at is not None
    done(changing, ISP_WORKFLOW, "addTask", number=number, title="And another.")
    assert column(changing, number, "planned_at") == planned_at


@pytest.mark.parametrize(
    "email",
    ["untrained@waikato-attendance.nz", "manager@test-college-isp.school.nz", "lead@test-college.school.nz", None],
)
def test_whoever_may_not_work_on_the_case_is_answered_alike(changing: DemoServer, email: str | None) -> None:
    assignee = user(changing, email) if email is not None else global_id("User", 99_999_999)
    given = {"number": "00307403", "title": "x", "assignee": assignee}
    theirs = do(changing, WORKFLOW, "addTask", "task { id }", **given)
    nonsense = do(changing, WORKFLOW, "addTask", "task { id }", **{**given, "assignee": "nobody"})
    assert theirs.body == nonsense.body
    assert theirs.data["addTask"]["problems"][0]["path"] == ["input", "assignee"]


def test_a_task_may_be_given_to_anyone_of_the_provider_who_may_manage(changing: DemoServer) -> None:
    for email in ("manager2@waikato-attendance.nz", "workflow@waikato-attendance.nz"):
        assignee = user(changing, email)
        done(changing, MANAGER, "addTask", number="00307403", title=f"For {email}.", assignee=assignee)


def test_all_that_is_wrong_with_a_task_is_told_at_once(changing: DemoServer) -> None:
    given = {"number": SEEN_BY_ALL, "title": "x" * 301, "dueOn": "2026-01-01", "assignee": "x"}
    assert refused(changing, ISP_MANAGER, "addTask", **given) == [
        ("INVALID", "title"), ("INVALID", "dueOn"), ("INVALID", "assignee")
    ]  # fmt: skip


def test_a_task_on_a_case_of_others_is_like_none(changing: DemoServer) -> None:
    task = done(changing, ISP_WORKFLOW, "addTask", "task { id }", number=SEEN_BY_ALL, title="Ours.")["task"]
    shown = "task { id } case { id }"
    theirs = do(changing, WORKFLOW, "completeTask", shown, id=task["id"])
    never = do(changing, WORKFLOW, "completeTask", shown, id=global_id("Task", 99_999_999))
    other = do(changing, WORKFLOW, "completeTask", shown, id=global_id("Comment", 1))
    assert theirs.body == never.body == other.body
    assert theirs.data["completeTask"]["problems"][0]["message"] == "There is no such task for you; check id."
    assert do(changing, LEAD, "completeTask", id=task["id"]).codes == ["FORBIDDEN"]


def test_no_task_is_left_open_on_a_case_that_is_closed_meanwhile(changing: DemoServer) -> None:
    number = "00307414"
    close = {"number": number, "outcome": "ATTENDANCE_IMPROVED", "closingSummary": "x"}
    case = f"(SELECT id FROM case_record WHERE number = '{number}')"
    for person in (ISP_MANAGER, ISP_WORKFLOW):
        changing.token(person.email)  # signed in before they act at once
    for _ in range(6):
        execute(
            changing.database,
            f"UPDATE task SET done_at = created_at WHERE case_id = {case}",
            "UPDATE case_record SET status = 'OPEN', active = true, closed_at = NULL, outcome_code = NULL "
            f"WHERE number = '{number}'",
        )
        version = column(changing, number, "version")
        with ThreadPoolExecutor(4) as pool:
            tasks = [pool.submit(do, changing, ISP_MANAGER, "addTask", number=number, title="x") for _ in range(3)]
            closing = pool.submit(do, changing, ISP_WORKFLOW, "closeCase", expectedVersion=version, **close)
        added = sum(task.result().data["addTask"]["problems"] == [] for task in tasks)
        closed = closing.result().data["closeCase"]["problems"] == []
        assert closed == (added == 0)
        assert count(changing, "task", f"case_id = {case} AND done_at IS NULL") == added


# The needs fund and safety alerts ----------------------------------------------------------------------------


def test_spending_has_an_amount_and_a_day_that_can_be(changing: DemoServer) -> None:
    given = {"number": SEEN_BY_ALL, "purpose": "Shoes.", "amountCents": 1_000_000, "spentOn": "2020-01-01"}
    payload = done(changing, ISP_MANAGER, "recordNeedsFund", "entry { amountCents spentOn }", **given)
    assert payload["entry"] == {"amountCents": 1_000_000, "spentOn": "2020-01-01"}
    for wrong, path in (
        ({"amountCents": 0}, "amountCents"),
        ({"amountCents": -5}, "amountCents"),
        ({"amountCents": 1_000_001}, "amountCents"),
        ({"spentOn": "2019-12-31"}, "spentOn"),
        ({"spentOn": f"{NOW + timedelta(days=3):%Y-%m-%d}"}, "spentOn"),
        ({"purpose": ""}, "purpose"),
    ):
        assert refused(changing, ISP_MANAGER, "recordNeedsFund", **{**given, **wrong}) == [("INVALID", path)]


def test_a_safety_alert_says_something(changing: DemoServer) -> None:
    assert refused(changing, ISP_MANAGER, "addSafetyAlert", number=SEEN_BY_ALL, text=" ") == [("INVALID", "text")]


# Alerts ------------------------------------------------------------------------------------------------------

UNREAD = "{ viewer { alerts(first: 100) { nodes { id readAt } } } }"


def unread(server: DemoServer, person: Person) -> list[str]:
    answer = server.ask(person.email, UNREAD, organisation=person.organisation)
    return [one["id"] for one in answer.data["viewer"]["alerts"]["nodes"] if one["readAt"] is None]


def test_an_alert_is_read_once_and_stays_read(changing: DemoServer) -> None:
    before = unread(changing, LEAD)
    first = done(changing, LEAD, "markAlertRead", "alert { id readAt }", id=before[0])["alert"]
    assert first["id"] == before[0]
    assert first["readAt"] is not None
    entries = count(changing, "change_entry")
    assert done(changing, LEAD, "markAlertRead", "alert { id readAt }", id=before[0])["alert"] == first
    assert unread(changing, LEAD) == before[1:]
    assert count(changing, "change_entry") == entries


def test_of_alerts_only_ones_own_of_the_acting_organisation_are_there(changing: DemoServer) -> None:
    done(changing, ISP_MANAGER, "addComment", number="00307422", body="x", visibility="SHARED")
    mine = unread(changing, AT_SCHOOL)[0]
    never = do(changing, LEAD, "markAlertRead", "alert { id }", id=global_id("Alert", 99_999_999))
    assert never.data["markAlertRead"]["alert"] is None
    for person in (LEAD, AT_PROVIDER, SECOND_LEAD, ISP_WORKFLOW):
        assert do(changing, person, "markAlertRead", "alert { id }", id=mine).body == never.body, person
    done(changing, AT_SCHOOL, "markAlertRead", id=mine)


def test_an_alert_about_a_student_one_is_kept_from_is_not_there(changing: DemoServer) -> None:
    alert = """SELECT a.id FROM alert a JOIN access_block b ON b.user_id = a.user_id JOIN case_record c
        ON c.id = a.case_id AND c.student_id = b.student_id JOIN user_account u ON u.id = a.user_id
        WHERE u.username = :who AND b.lifted_at IS NULL"""
    found = rows(changing.database, alert, who=SECOND_LEAD.email)
    if not found:
        execute(
            changing.database,
            "INSERT INTO alert (user_id, organisation_id, kind, case_id, created_at) SELECT b.user_id, c.school_id, "
            "'STATUS_CHANGED', c.id, c.opened_at FROM access_block b JOIN case_record c ON c.student_id = b.student_id "
            f"JOIN user_account u ON u.id = b.user_id WHERE u.username = '{SECOND_LEAD.email}' AND b.lifted_at IS NULL",
        )
        found = rows(changing.database, alert, who=SECOND_LEAD.email)
    identifier = global_id("Alert", found[0][0])
    assert refused(changing, SECOND_LEAD, "markAlertRead", id=identifier) == [("NOT_FOUND", "id")]


def test_every_role_has_alerts_of_its_own_to_read(changing: DemoServer) -> None:
    for role, person in TEN.items():
        answer = do(changing, person, "markAlertRead", id=global_id("Alert", 99_999_999))
        assert [one["code"] for one in answer.data["markAlertRead"]["problems"]] == ["NOT_FOUND"], role


# Both ways of executing --------------------------------------------------------------------------------------


def test_plain_execution_shows_the_same_payloads(world_url: str, tmp_path: Path) -> None:
    with DemoServer(world_url, tmp_path, execution="plain") as server:
        for mutation, shown in SHOWN.items():
            payload = done(server, ISP_MANAGER, mutation, shown, number=SEEN_BY_ALL, **MEMBERS[mutation])
            assert "x" in next(iter(payload.values())).values(), mutation
        event = done(server, ISP_MANAGER, "addEvent", "event { id }", number=SEEN_BY_ALL, **MEMBERS["addEvent"])
        marked = done(server, ISP_MANAGER, "markInError", "event { subject } comment { id }", id=event["event"]["id"])
        assert marked == {"event": {"subject": "Entered in error: x"}, "comment": None, "problems": []}
        alert = unread(server, LEAD)[0]
        assert done(server, LEAD, "markAlertRead", "alert { id }", id=alert)["alert"] == {"id": alert}
        assert do(server, SECOND_LEAD, "markAlertRead", "alert { id }", id=alert).data["markAlertRead"]["alert"] is None

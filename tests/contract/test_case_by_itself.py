"""What becomes of cases without anybody's doing: review dates, enrolments, people who leave or are kept apart."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from ascms.casework import departures
from ascms.casework.enrolment_moves import student_moved
from ascms.casework.work import SYSTEM, Work
from ascms.models import Student
from ascms.planning.identifiers import encode
from ascms.resolvers.system import resume_due
from ascms.resolvers.workshop import Workshop
from tests.conftest import KINDS, build_world
from tests.contract.case_rows import (
    ASP,
    ISP,
    SCHOOL,
    SECOND_SCHOOL,
    Made,
    by_the_system,
    make,
    organisation_key,
    person,
    user_key,
)
from tests.contract.casework import column, do, seen
from tests.contract.people import CONTACT, ISP_MANAGER, ISP_WORKFLOW, LEAD, MANAGER, OFFICE, SECOND_LEAD, WORKFLOW
from tests.support.databases import Databases
from tests.support.server import DemoServer
from tests.support.sql import execute, rows

NOW = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)
"""Half past midnight of 2 May in Pacific/Auckland."""


@pytest.fixture(scope="module", params=KINDS)
def quiet(
    request: pytest.FixtureRequest, databases_of: Callable[[str], Databases], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DemoServer]:
    """A server whose own periodic work does not get between what these tests do."""
    databases = databases_of(request.param)
    url = databases.copy("world", build_world)
    with DemoServer(url, tmp_path_factory.mktemp("quiet"), job_seconds="0") as server:
        yield server
    databases.drop(url)


def done(server: DemoServer, action: Callable[[Work], Awaitable[None]]) -> None:
    """Have the system do something in a transaction of its own."""

    async def act(workshop: Workshop) -> None:
        async with workshop.open(SYSTEM, "test", datetime.now(UTC)) as work:
            await action(work)

    by_the_system(server, act)


def told(server: DemoServer, case: Made) -> set[tuple[Any, ...]]:
    """Who was alerted of the case, for which organisation, and of what."""
    return set(
        rows(
            server.database,
            "SELECT u.username, o.number, a.kind FROM alert a JOIN user_account u ON u.id = a.user_id"
            " JOIN organisation o ON o.id = a.organisation_id WHERE a.case_id = :id",
            id=case.id,
        )
    )


def subjects(server: DemoServer, who: Any, case: Made) -> list[str]:
    shown = seen(server, who, case.number, "events { nodes { subject recordedBy { id } } }")
    return [event["subject"] for event in shown["events"]["nodes"]]


# Review dates ------------------------------------------------------------------------------------------------


def test_a_paused_case_goes_on_at_its_review_date_and_both_sides_are_told(quiet: DemoServer) -> None:
    due = make(quiet, "PAUSED", manager=ISP_MANAGER.email, contact=CONTACT.email, review_on=date(2026, 5, 2))
    later = make(quiet, "PAUSED", manager=ISP_MANAGER.email, review_on=date(2026, 5, 3))
    before = NOW.replace(hour=11)  # the first of May is not over in Pacific/Auckland
    assert by_the_system(quiet, lambda workshop: resume_due(workshop, before)) == 0
    assert by_the_system(quiet, lambda workshop: resume_due(workshop, NOW)) == 1
    shown = "status version reviewOn statusReason { code }"
    assert seen(quiet, ISP_MANAGER, due.number, shown) == {
        "status": "OPEN", "version": 2, "reviewOn": None, "statusReason": None,
    }  # fmt: skip
    assert column(quiet, later.number, "status") == "PAUSED"
    assert subjects(quiet, LEAD, due) == ["Case resumed"]
    assert told(quiet, due) == {
        (CONTACT.email, SCHOOL, "STATUS_CHANGED"), (ISP_MANAGER.email, ISP, "STATUS_CHANGED"),
    }  # fmt: skip
    logged = "SELECT action, user_id FROM change_entry WHERE subject_type = 'Case' AND subject_id = :id"
    assert rows(quiet.database, logged, id=due.id) == [("resumeCase", None)]
    execute(quiet.database, f"UPDATE case_record SET review_on = '2099-01-01' WHERE id = {later.id}")


def test_two_workers_at_once_resume_a_case_once(quiet: DemoServer) -> None:
    cases = [make(quiet, "PAUSED", manager=ISP_MANAGER.email, review_on=date(2026, 5, 2)) for _ in range(5)]

    async def both(workshop: Workshop) -> list[int]:
        return await asyncio.gather(*(resume_due(workshop, NOW) for _ in range(2)))

    assert sum(by_the_system(quiet, both)) == len(cases)
    for case in cases:
        changes = rows(quiet.database, "SELECT to_status FROM case_status_change WHERE case_id = :id", id=case.id)
        assert sorted(changes) == [("OPEN",), ("PAUSED",)]
        assert column(quiet, case.number, "version") == 2


def test_a_case_whose_manager_may_no_longer_be_waits_for_another_instead(quiet: DemoServer) -> None:
    case = make(
        quiet, "PAUSED", provider=ASP, manager="untrained@waikato-attendance.nz", review_on=date(2026, 5, 2)
    )  # fmt: skip
    by_the_system(quiet, lambda workshop: resume_due(workshop, NOW))
    shown = seen(quiet, WORKFLOW, case.number, "status caseManager { id } reviewOn")
    assert shown == {"status": "PROVIDER_QUEUE", "caseManager": None, "reviewOn": None}
    assert (WORKFLOW.email, ASP, "RETURNED_TO_QUEUE") in told(quiet, case)


def test_a_running_server_resumes_what_is_due(world_url: str, tmp_path: Path) -> None:
    with DemoServer(world_url, tmp_path, job_seconds="0.1") as server:
        case = make(server, "PAUSED", manager=ISP_MANAGER.email, review_on=date(2026, 5, 2))
        while column(server, case.number, "status") == "PAUSED":
            assert server.process.poll() is None
            time.sleep(0.1)
        assert column(server, case.number, "status") == "OPEN"
        of_the_demo = rows(server.database, "SELECT count(*) FROM case_record WHERE status = 'PAUSED'")
        assert of_the_demo[0][0] > 10, "the demo's own are reviewed later than today"


# Enrolments --------------------------------------------------------------------------------------------------


def move(server: DemoServer, case: Made, old: str | None, new: str | None) -> None:
    """Have ENROL say that the case's student is at another school."""
    old_id, new_id = (None if number is None else organisation_key(server, number) for number in (old, new))

    async def moved(work: Work) -> None:
        student = await work.get(Student, case.student_id, lock=True)
        student.school_id = new_id
        await student_moved(work, student, old_id, new_id)

    done(server, moved)


@pytest.mark.parametrize(("type", "asked"), [("CHRONIC_ABSENCE", "ACCEPTED"), ("NON_ENROLLED", None)])
def test_the_old_school_loses_sight_and_the_new_one_is_told(quiet: DemoServer, type: str, asked: str | None) -> None:  # noqa: A002
    case = make(
        quiet, "OPEN", manager=ISP_MANAGER.email, contact=CONTACT.email, type=type, asked=asked,
        school_contact_notes="Room 4.",
    )  # fmt: skip
    old, new = (LEAD, CONTACT, OFFICE), SECOND_LEAD
    assert [seen(quiet, who, case.number, "number") is None for who in (*old, new)] == [False, False, False, True]
    move(quiet, case, SCHOOL, SECOND_SCHOOL)
    assert [seen(quiet, who, case.number, "number") is None for who in (*old, new)] == [True, True, True, False]
    shown = seen(
        quiet, new, case.number, "type status school { number } primaryContact { id } schoolContactNotes version"
    )
    assert shown == {
        "type": type, "status": "OPEN", "school": {"number": SECOND_SCHOOL}, "primaryContact": None,
        "schoolContactNotes": None, "version": 2,
    }  # fmt: skip
    assert subjects(quiet, new, case) == ["Student changed school"]
    alerted = told(quiet, case)
    assert {(organisation, kind) for _, organisation, kind in alerted} == {(SECOND_SCHOOL, "STUDENT_ARRIVED")}
    assert new.email in {name for name, _, _ in alerted}


def test_what_was_shared_with_the_new_school_is_not_the_old_ones_should_the_student_return(quiet: DemoServer) -> None:
    case = make(quiet, "OPEN", manager=ISP_MANAGER.email, contact=CONTACT.email)
    move(quiet, case, SCHOOL, SECOND_SCHOOL)
    move(quiet, case, SECOND_SCHOOL, SCHOOL)
    shown = "events { totalCount nodes { subject } }"
    assert seen(quiet, LEAD, case.number, shown)["events"]["totalCount"] == 1
    assert seen(quiet, ISP_MANAGER, case.number, shown)["events"]["totalCount"] == 2


def test_a_student_on_no_roll_keeps_the_case_with_the_provider_alone(quiet: DemoServer) -> None:
    case = make(quiet, "PAUSED", provider=ASP, manager=MANAGER.email, contact=CONTACT.email, region="Elsewhere")
    move(quiet, case, SCHOOL, None)
    for who in (LEAD, CONTACT, SECOND_LEAD):
        assert seen(quiet, who, case.number, "number") is None
    assert seen(quiet, MANAGER, case.number, "status school { id }") == {"status": "PAUSED", "school": None}
    region = "SELECT region FROM organisation WHERE number = '5001'"
    assert column(quiet, case.number, "region") == rows(quiet.database, region)[0][0]
    shown = "events { nodes { subject visibility } }"
    assert seen(quiet, MANAGER, case.number, shown)["events"]["nodes"] == [
        {"subject": "Student left the school's roll", "visibility": "INTERNAL"}
    ]
    assert told(quiet, case) == set()


def test_drafts_of_the_old_school_are_withdrawn_and_closed_cases_stay_as_they_were(quiet: DemoServer) -> None:
    closed = make(quiet, "CLOSED", manager=ISP_MANAGER.email)
    lead = user_key(quiet, LEAD.email)
    execute(
        quiet.database,
        *(
            "INSERT INTO request (reference, type, status, school_id, student_id, created_by_id, last_modified_at,"
            f" version) VALUES ('{closed.id}{number}', 'CHRONIC_ABSENCE', 'DRAFT', {organisation_key(quiet, school)},"
            f" {closed.student_id}, {lead}, '2026-05-01 00:00:00+00:00', 1)"
            for number, school in (("000001", SCHOOL), ("000002", SECOND_SCHOOL))
        ),
    )
    move(quiet, closed, SCHOOL, SECOND_SCHOOL)
    drafts = rows(
        quiet.database,
        "SELECT o.number, r.status, r.version FROM request r JOIN organisation o ON o.id = r.school_id"
        " WHERE r.student_id = :id AND r.submitted_at IS NULL ORDER BY o.number",
        id=closed.student_id,
    )
    assert drafts == [(SCHOOL, "WITHDRAWN", 2), (SECOND_SCHOOL, "DRAFT", 1)]
    assert column(quiet, closed.number, "version") == 1


# People ------------------------------------------------------------------------------------------------------


def end_role(user_id: int, role: str) -> str:
    return f"UPDATE role_assignment SET ended_at = '2026-05-01 00:00:00' WHERE user_id = {user_id} AND role = '{role}'"


@pytest.mark.parametrize("status", ["PROVIDER_QUEUE", "TRANSITION", "OPEN", "PAUSED"])
def test_the_cases_of_a_manager_who_leaves_go_back_to_the_queue(quiet: DemoServer, status: str) -> None:
    manager = person(quiet, ISP, "CASE_MANAGER")
    case = make(quiet, status, contact=CONTACT.email, case_manager_id=manager)
    closed = make(quiet, "CLOSED", case_manager_id=manager)
    execute(quiet.database, end_role(manager, "CASE_MANAGER"))
    done(quiet, lambda work: departures.person_gone(work, manager, organisation_key(quiet, ISP)))
    shown = seen(quiet, ISP_WORKFLOW, case.number, "status version caseManager { id } reviewOn statusReason { code }")
    assert shown == {
        "status": "PROVIDER_QUEUE", "version": 2, "caseManager": None, "reviewOn": None, "statusReason": None,
    }  # fmt: skip
    leads = {(ISP_WORKFLOW.email, ISP, "RETURNED_TO_QUEUE")}
    assert leads <= told(quiet, case)
    assert ((CONTACT.email, SCHOOL, "STATUS_CHANGED") in told(quiet, case)) is (status != "PROVIDER_QUEUE")
    assert len(subjects(quiet, LEAD, case)) == 1
    asked = rows(quiet.database, "SELECT status FROM request WHERE case_id = :id", id=case.id)
    assert asked == [("ACCEPTED",)], "what was accepted stays so"
    assert column(quiet, closed.number, "case_manager_id") == manager


def test_who_still_holds_another_role_keeps_their_cases(quiet: DemoServer) -> None:
    manager = person(quiet, ISP, "CASE_MANAGER", "WORKFLOW_LEAD")
    case = make(quiet, "OPEN", case_manager_id=manager)
    execute(quiet.database, end_role(manager, "CASE_MANAGER"))
    done(quiet, lambda work: departures.person_gone(work, manager, organisation_key(quiet, ISP)))
    assert column(quiet, case.number, "case_manager_id") == manager
    assert column(quiet, case.number, "version") == 1


def test_a_contact_who_leaves_is_no_longer_named_and_the_leads_are_told(quiet: DemoServer) -> None:
    contact = person(quiet, SCHOOL, "PRIMARY_CONTACT")
    case = make(quiet, "OPEN", manager=ISP_MANAGER.email, primary_contact_id=contact)
    execute(quiet.database, end_role(contact, "PRIMARY_CONTACT"))
    done(quiet, lambda work: departures.person_gone(work, contact, organisation_key(quiet, SCHOOL)))
    assert seen(quiet, LEAD, case.number, "primaryContact { id }") == {"primaryContact": None}
    assert (LEAD.email, SCHOOL, "CONTACT_CHANGED") in told(quiet, case)


def test_who_is_kept_from_a_student_is_taken_off_that_students_cases_alone(quiet: DemoServer) -> None:
    manager, contact = person(quiet, ISP, "CASE_MANAGER"), person(quiet, SCHOOL, "PRIMARY_CONTACT")
    case, other = (make(quiet, "OPEN", case_manager_id=manager, primary_contact_id=contact) for _ in range(2))
    setter = user_key(quiet, "privacy@ministry.nz")
    for who in (manager, contact):
        execute(
            quiet.database,
            "INSERT INTO access_block (user_id, student_id, reason, set_by_id, set_at) VALUES"
            f" ({who}, {case.student_id}, 'A relative.', {setter}, '2026-05-01 00:00:00+00:00')",
        )
        done(quiet, lambda work, who=who: departures.person_blocked(work, who, case.student_id))  # type: ignore[misc]
    shown = "status caseManager { id } primaryContact { id }"
    assert seen(quiet, ISP_WORKFLOW, case.number, shown) == {
        "status": "PROVIDER_QUEUE", "caseManager": None, "primaryContact": None,
    }  # fmt: skip
    assert column(quiet, other.number, "case_manager_id") == manager
    assert column(quiet, other.number, "primary_contact_id") == contact


def test_a_role_that_ends_while_its_holder_is_named_leaves_no_case_with_them(quiet: DemoServer) -> None:
    quiet.token(ISP_WORKFLOW.email)
    for _ in range(6):
        manager = person(quiet, ISP, "CASE_MANAGER")
        case = make(quiet, "PROVIDER_QUEUE", asked="SUBMITTED")
        given: dict[str, Any] = {"number": case.number, "expectedVersion": 1, "manager": encode("User", manager)}
        naming = threading.Thread(target=do, args=(quiet, ISP_WORKFLOW, "assignCaseManager"), kwargs=given)

        async def leave(work: Work, manager: int = manager) -> None:
            await work.session.execute(text(end_role(manager, "CASE_MANAGER")))
            await departures.person_gone(work, manager, organisation_key(quiet, ISP))

        naming.start()
        done(quiet, leave)
        naming.join()
        assert column(quiet, case.number, "case_manager_id") is None
        assert column(quiet, case.number, "status") == "PROVIDER_QUEUE"

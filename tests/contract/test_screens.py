"""The two documents that the portal sends, `queries/home.graphql` and `queries/case.graphql`, as each role.

What is expected stands here in plain values: the rows of the presentation of May 2026, times in UTC.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.contract.checker import Document
from tests.contract.conftest import Panel
from tests.contract.inspection import some_of
from tests.contract.oracle import Person
from tests.contract.people import (
    ADMINISTRATOR,
    ADVISER,
    ANALYST,
    AUTHORISER,
    BOTH,
    CONTACT,
    EVERYONE,
    ISP_MANAGER,
    ISP_WORKFLOW,
    LEAD,
    MANAGER,
    OFFICE,
    PRIVACY,
    SCHOOL,
    SECOND_LEAD,
    TESTPERSON_AT_ISP,
    TESTPERSON_AT_SCHOOL,
    WORKFLOW,
)  # fmt: skip

QUERIES = Path(__file__).parents[2] / "queries"
HOME = (QUERIES / "home.graphql").read_text()
CASE = (QUERIES / "case.graphql").read_text()

DRAFT = {
    "reference": "152",
    "lastModifiedAt": "2026-05-05T20:57:00Z",
    "appliedFor": {"fullName": "Test Student 6"},
    "createdBy": {"displayName": "TestSchoolUser1 Paul"},
    "primaryContact": None,
}
PRESENTED = {
    "00289396": ("2026-05-09T22:15:00Z", "Test Student 1", "PROVIDER_QUEUE", None, "Waikato Attendance Service"),
    "00203396": ("2026-04-18T05:52:00Z", "Test Student 2", "OPEN", None, "Case Manager Name"),
    "00206415": ("2025-05-13T00:23:00Z", "Test Student 3", "TRANSITION", None, "Waikato Attendance Service"),
    "00307473": (
        "2026-05-05T21:47:00Z", "Test Student Name", "PROVIDER_QUEUE", "TestSchoolUser1 Paul", "Case Manager Name",
    ),
}  # fmt: skip
"""Opened, student, status, primary contact and owner of the four cases, all chronic absence."""


def shown(case: dict[str, Any]) -> tuple[Any, ...]:
    contact, owner = case["primaryContact"], case["owner"]
    return (
        case["openedAt"], case["student"]["fullName"], case["status"], contact and contact["displayName"],
        owner.get("displayName") or owner.get("name"),
    )  # fmt: skip


# Home ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", [LEAD, TESTPERSON_AT_SCHOOL], ids=str)
def test_home_of_an_attendance_lead(panel: Panel, person: Person) -> None:
    answer = panel.ask(person, HOME)
    data = answer.data
    assert not answer.errors
    assert data["viewer"]["actingFor"] == {"number": "1234", "name": "Test College"}
    assert data["viewer"]["roles"] == ["ATTENDANCE_LEAD"]
    assert [service["name"] for service in data["services"]]
    assert data["requests"]["totalCount"] == 1
    draft = data["requests"]["nodes"][0]
    assert {"submitRequest", "saveRequest"} <= {each["action"] for each in draft.pop("viewerCan")}
    assert draft == DRAFT
    cases = data["cases"]["nodes"]
    assert data["cases"]["totalCount"] == len(cases) == 30
    assert sorted(case["type"] for case in cases) == ["CHRONIC_ABSENCE"] * 27 + ["NON_ENROLLED"] * 3
    assert [case["openedAt"] for case in cases] == sorted((case["openedAt"] for case in cases), reverse=True)
    assert {case["number"]: shown(case) for case in cases if case["number"] in PRESENTED} == PRESENTED
    named = next(case for case in cases if case["number"] == "00307473")
    assert named["student"] == {
        "fullName": "Test Student Name",
        "dateOfBirth": "2010-01-01",
        "ethnicities": [{"code": "531", "name": "African"}],
    }
    assert data["cases"]["pageInfo"]["hasNextPage"] is False
    assert answer.redacted == {}


def test_home_of_office_support_is_the_same_page_with_two_fields_less(panel: Panel) -> None:
    office, lead = panel.ask(OFFICE, HOME), panel.ask(LEAD, HOME)
    expected = [
        {**case, "student": {**case["student"], "dateOfBirth": None, "ethnicities": None}}
        for case in lead.data["cases"]["nodes"]
    ]
    assert not office.errors
    assert office.data["cases"] == {**office.data["cases"], "totalCount": 30, "nodes": expected}
    draft = office.data["requests"]["nodes"][0]
    assert not any(each["allowed"] for each in draft.pop("viewerCan") if each["action"] != "recordNoticeGiven")
    assert draft == DRAFT
    assert office.body["extensions"]["access"]["redacted"] == [
        {
            "field": field,
            "paths": [f"cases.nodes.student.{field.partition('.')[2]}"],
            "reason": "ROLE",
            "visibleTo": ["ATTENDANCE_LEAD", "PRIMARY_CONTACT", "WORKFLOW_LEAD", "CASE_MANAGER", "PRIVACY_OFFICER"],
        }
        for field in ("Student.dateOfBirth", "Student.ethnicities")
    ]


def test_home_of_a_primary_contact_has_their_own_cases_and_draft(panel: Panel) -> None:
    answer = panel.ask(CONTACT, HOME)
    cases = answer.data["cases"]["nodes"]
    assert {case["primaryContact"]["displayName"] for case in cases} == {"TestSchoolUser1 Paul"}
    assert answer.data["cases"]["totalCount"] == len(cases) == 8
    assert [node["reference"] for node in answer.data["requests"]["nodes"]] == ["152"]
    assert {"00307473"} == {case["number"] for case in cases} & set(PRESENTED)
    assert all(case["student"]["dateOfBirth"] for case in cases)
    assert answer.redacted == {}


def test_home_of_contact_and_office_support_at_once(panel: Panel) -> None:
    answer = panel.ask(BOTH, HOME)
    name = answer.data["viewer"]["user"]["displayName"]
    cases = answer.data["cases"]["nodes"]
    own = [case for case in cases if case["primaryContact"] == {"displayName": name}]
    others = [case for case in cases if case not in own]
    assert (len(own), len(others)) == (6, 24)
    assert all(case["student"]["dateOfBirth"] and case["student"]["ethnicities"] is not None for case in own)
    assert all(case["student"]["dateOfBirth"] is case["student"]["ethnicities"] is None for case in others)
    entries = answer.body["extensions"]["access"]["redacted"]
    assert {(entry["field"], entry["reason"]) for entry in entries} == {
        ("Student.dateOfBirth", "ROW"), ("Student.ethnicities", "ROW"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("person", "hidden", "contexts", "reached"),
    [
        (ISP_WORKFLOW, ["services"], [], True),
        (ISP_MANAGER, ["services"], [], True),
        (TESTPERSON_AT_ISP, ["services"], ["1234"], True),
        (WORKFLOW, ["services"], [], True),
        (MANAGER, ["services"], [], True),
        (ADVISER, ["services"], [], True),
        (PRIVACY, ["services"], [], True),
        (ANALYST, ["services", "requests", "cases"], [], False),
        (ADMINISTRATOR, ["services", "requests", "cases"], [], False),
        (AUTHORISER, ["services", "requests", "cases"], [], False),
    ],
    ids=str,
)
def test_home_opens_nothing_of_the_school_portal_to_others(
    panel: Panel, person: Person, hidden: list[str], contexts: list[str], reached: bool
) -> None:
    answer = panel.ask(person, HOME)
    assert answer.data["viewer"]["user"]["displayName"]
    assert {name for name, value in answer.data.items() if value is None} == set(hidden)
    assert sorted(error["path"][0] for error in answer.errors) == sorted(hidden)
    for error in answer.errors:
        assert error["extensions"]["code"] == "FORBIDDEN"
        assert [context["number"] for context in error["extensions"]["contexts"]] == contexts
    if reached:
        assert answer.data["requests"] == {
            "totalCount": 0, "nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None},
        }  # fmt: skip
        expected = len(panel.eyes(person).rows("Case", "case_record"))
        assert 0 < answer.data["cases"]["totalCount"] == expected
        assert len(answer.data["cases"]["nodes"]) == min(30, expected)


def test_home_of_another_school_has_nothing_of_this_one(panel: Panel) -> None:
    answer = panel.ask(SECOND_LEAD, HOME)
    assert answer.data["viewer"]["actingFor"]["number"] == "1235"
    assert {case["number"] for case in answer.data["cases"]["nodes"]} == {
        row.number for row in panel.eyes(SECOND_LEAD).rows("Case", "case_record")
    }
    assert "Test Student" not in answer.text
    assert answer.data["requests"]["totalCount"] == 0


# The case ------------------------------------------------------------------------------------------------------


def opened(panel: Panel, person: Person) -> dict[str, Any]:
    answer = panel.ask(person, CASE, {"number": "00307473"})
    case: dict[str, Any] = answer.data["case"]
    return case


@pytest.mark.parametrize("person", [LEAD, CONTACT, TESTPERSON_AT_SCHOOL], ids=str)
def test_the_presented_case_as_the_school_sees_it(panel: Panel, person: Person) -> None:
    case = opened(panel, person)
    assert case["number"] == "00307473"
    assert (case["status"], case["type"], case["openedAt"]) == (
        "PROVIDER_QUEUE", "CHRONIC_ABSENCE", "2026-05-05T21:47:00Z",
    )  # fmt: skip
    assert case["owner"] == {"displayName": "Case Manager Name"}
    assert case["catchment"] is None
    assert case["primaryContact"]["displayName"] == "TestSchoolUser1 Paul"
    assert case["primaryContact"]["email"] == "Primary.Contact@TestCollege.school.nz"
    assert case["school"] == {"number": "1234", "name": "Test College"}
    student = case["student"]
    assert (student["fullName"], student["gender"], student["dateOfBirth"], student["yearLevel"]) == (
        "Test Student Name", "M", "2010-01-01", 11,
    )  # fmt: skip
    assert student["ethnicities"] == [{"code": "531", "name": "African"}]
    assert student["caregivers"] is not None
    assert case["requests"]["totalCount"] == 1
    assert case["requests"]["nodes"][0] == {
        "number": "152479128", "submittedAt": "2026-05-05T21:47:00Z", "type": "CHRONIC_ABSENCE",
        "school": {"name": "Test College"}, "appliedFor": {"fullName": "Test Student Name"},
        "primaryContact": {"displayName": "TestSchoolUser1 Paul"},
    }  # fmt: skip
    assert case["comments"] == {"totalCount": 0, "nodes": []}
    assert case["files"] == {"totalCount": 0, "nodes": []}
    assert case["events"]["totalCount"] == 1
    event = case["events"]["nodes"][0]
    assert event["subject"] == "CA Request - Test Student Name"
    assert event["occursAt"] == "2026-05-05T21:47:00Z"
    allowed = {each["action"] for each in case["viewerCan"] if each["allowed"]}
    assert {"addComment", "changePrimaryContact"} <= allowed
    assert not {"openCase", "closeCase", "assignCaseManager"} & allowed


def test_the_presented_case_as_office_support_sees_it(panel: Panel) -> None:
    office, lead = opened(panel, OFFICE), opened(panel, LEAD)
    hidden = ("gender", "dateOfBirth", "ethnicities", "iwi", "caregivers")
    assert office["student"] == {**lead["student"], **dict.fromkeys(hidden)}
    assert office["schoolContactNotes"] is None
    event = {**lead["events"]["nodes"][0], "subject": None, "description": None}
    assert office["events"]["nodes"] == [event]
    same = ("number", "status", "type", "openedAt", "owner", "catchment", "primaryContact", "school", "requests")
    assert {name: office[name] for name in same} == {name: lead[name] for name in same}
    allowed = {each["action"] for each in office["viewerCan"] if each["allowed"]}
    assert allowed == {"addComment", "addFile"}
    assert opened(panel, BOTH)["student"] == office["student"]


@pytest.mark.parametrize("person", [ISP_WORKFLOW, ISP_MANAGER, TESTPERSON_AT_ISP], ids=str)
def test_the_presented_case_as_its_provider_sees_it(panel: Panel, person: Person) -> None:
    case, lead = opened(panel, person), opened(panel, LEAD)
    assert case["student"] == lead["student"]
    assert case["school"] == {"number": "1234", "name": "Test College"}
    allowed = {each["action"] for each in case["viewerCan"] if each["allowed"]}
    assert "openCase" in allowed
    assert ("assignCaseManager" in allowed) == (person != ISP_MANAGER)
    assert "changePrimaryContact" not in allowed


def test_the_presented_case_as_the_ministry_sees_it(panel: Panel) -> None:
    lead = opened(panel, LEAD)
    adviser, privacy = opened(panel, ADVISER), opened(panel, PRIVACY)
    hidden = ("gender", "dateOfBirth", "ethnicities", "iwi", "caregivers")
    assert adviser["student"] == {**lead["student"], **dict.fromkeys(hidden)}
    assert adviser["files"] is None
    assert privacy["student"] == lead["student"]
    for case in (adviser, privacy):
        assert case["schoolContactNotes"] is None
        assert case["events"]["nodes"][0]["subject"] is None
        assert not any(each["allowed"] for each in case["viewerCan"])


@pytest.mark.parametrize("person", [WORKFLOW, MANAGER, SECOND_LEAD], ids=str)
def test_the_presented_case_does_not_exist_for_others(panel: Panel, person: Person) -> None:
    answer = panel.ask(person, CASE, {"number": "00307473"})
    assert answer.data == {"case": None}
    assert answer.text == panel.ask(person, CASE, {"number": "99999999"}).text


@pytest.mark.parametrize("person", [ANALYST, ADMINISTRATOR, AUTHORISER], ids=str)
def test_the_case_view_is_not_open_to_roles_without_rows(panel: Panel, person: Person) -> None:
    answer = panel.ask(person, CASE, {"number": "00307473"})
    assert answer.data == {"case": None}
    assert answer.codes == ["FORBIDDEN"]


@pytest.mark.parametrize("person", EVERYONE, ids=str)
def test_the_case_view_of_any_case_shows_what_the_policy_says(panel: Panel, person: Person) -> None:
    rows = panel.eyes(person).rows("Case", "case_record")
    question = Document(CASE)
    for row in [*some_of(rows, 12), *some_of(panel.world.all("case_record"), 4)]:
        question.variables = {"number": row.number}
        panel.judge(person, question).hold()


@pytest.mark.parametrize("person", SCHOOL, ids=str)
def test_no_draft_of_another_school_is_on_the_home_page(panel: Panel, person: Person) -> None:
    eyes = panel.eyes(person)
    drafts = {row.reference for row in eyes.rows("Request", "request") if row.status == "DRAFT"}
    assert {node["reference"] for node in panel.ask(person, HOME).data["requests"]["nodes"]} == drafts

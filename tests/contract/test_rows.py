"""Which rows each role reaches: lists and totals, what hangs on a row, look-ups and nodes, exactly.

What each person may reach is worked out by the oracle from the database; a row out of scope is answered as if
its identifier had never been issued.
"""

from base64 import urlsafe_b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ascms.models import fold
from tests.contract.checker import Document
from tests.contract.conftest import Panel
from tests.contract.inspection import paged, some_of
from tests.contract.oracle import Eyes, Person
from tests.contract.people import (
    ADVISER,
    ANALYST,
    BOTH,
    CONTACT,
    EVERYONE,
    LEAD,
    MANAGER,
    OFFICE,
    PRIVACY,
    SCHOOL,
    SECOND_LEAD,
    TESTPERSON_AT_SCHOOL,
    WITH_ROWS,
    WITHOUT_ROWS,
    WORKFLOW,
)  # fmt: skip
from tests.contract.questions import ROWED
from tests.contract.world import TABLES, Row, global_id

LISTS = {"cases": ("Case", "number"), "requests": ("Request", "reference"), "students": ("Student", "id")}
SECOND_DEPUTY = Person("deputy@second-school.school.nz")
NEVER_ISSUED = 999_999_999


def shown(rows: Iterable[Row], type_name: str, key: str) -> list[str]:
    return sorted(global_id(type_name, row.id) if key == "id" else getattr(row, key) for row in rows)


def through(panel: Panel, person: Person, root: str, size: int) -> tuple[list[dict[str, Any]], set[int]]:
    """Every node of a list, page by page, and the totals that the pages gave."""
    question = Document(
        f"query($after: String) {{ {root}(first: {size}, after: $after) {{ totalCount "
        f"pageInfo {{ hasNextPage endCursor }} nodes {{ id {LISTS[root][1]} }} }} }}"
    )
    nodes, totals = [], set()
    for answer in paged(panel, person, question):
        nodes += answer.data[root]["nodes"]
        totals.add(answer.data[root]["totalCount"])
    return nodes, totals


# Lists and what hangs on their rows ----------------------------------------------------------------------------


@pytest.mark.parametrize("person", WITH_ROWS, ids=str)
def test_lists_hold_exactly_the_rows_in_scope_and_count_no_others(panel: Panel, person: Person) -> None:
    eyes = panel.eyes(person)
    for root, (type_name, key) in LISTS.items():
        rows = eyes.rows(type_name, TABLES[type_name])
        nodes, totals = through(panel, person, root, 7 if len(rows) < 50 else 100)
        assert sorted(node[key] for node in nodes) == shown(rows, type_name, key), root
        assert totals == {len(rows)}, root


@pytest.mark.parametrize("person", WITH_ROWS, ids=str)
def test_what_hangs_on_cases_and_requests_is_exactly_what_is_in_scope(panel: Panel, person: Person) -> None:
    eyes, found = panel.eyes(person), {"Comment": set[str](), "Event": set[str](), "File": set[str]()}
    hanging = " ".join(f"{name}(first: 40) {{ totalCount nodes {{ id }} }}" for name in ("comments", "events", "files"))
    whole = "pageInfo { hasNextPage endCursor }"
    cases = Document(
        f"query($after: String) {{ cases(first: 100, after: $after) {{ {whole} nodes {{ {hanging} }} }} }}"
    )
    files = "files(first: 40) { totalCount nodes { id } }"
    requests = Document(
        f"query($after: String) {{ requests(first: 100, after: $after) {{ {whole} nodes {{ {files} }} }} }}"
    )
    for question in (cases, requests):
        for answer in paged(panel, person, question):
            for node in next(iter(answer.data.values()))["nodes"]:
                for field, page in node.items():
                    if page is not None:
                        assert page["totalCount"] == len(page["nodes"])
                        found[field.removesuffix("s").capitalize()] |= {item["id"] for item in page["nodes"]}
    for type_name, identifiers in found.items():
        rows = eyes.rows(type_name, TABLES[type_name])
        if type_name == "File" and person == PRIVACY:  # who does not see a request's files, but finds each by `node`
            rows = [row for row in rows if row.case_id is not None]
        assert sorted(identifiers) == shown(rows, type_name, "id"), type_name


def test_the_world_has_what_the_scopes_are_about(panel: Panel) -> None:
    """Without these the tests above would prove less than they say."""
    world = panel.world
    lead, second, workflow = panel.eyes(LEAD), panel.eyes(SECOND_LEAD), panel.eyes(WORKFLOW)
    cases, requests = world.all("case_record"), world.all("request")
    at_college = [row for row in cases if world.school_of(row.student_id) == lead.organisation.id]
    assert len(lead.rows("Case", "case_record")) == 30
    assert any(row.status == "CLOSED" for row in at_college)
    assert any(row.status == "CLOSED" for row in workflow.rows("Case", "case_record"))
    assert 0 < len(panel.eyes(CONTACT).rows("Case", "case_record")) < 30
    assert 0 < len(panel.eyes(MANAGER).rows("Case", "case_record")) < len(workflow.rows("Case", "case_record"))
    assert any(row.status == "DRAFT" and row.school_id != lead.organisation.id for row in requests)
    assert any(row.status == "WITHDRAWN" and row.submitted_at is None for row in requests)
    moved = [
        row
        for row in requests
        if row.school_id == second.organisation.id and lead.reaches("Student", _student(world, row))
    ]
    assert moved
    assert not any(lead.reaches("Request", row) or second.reaches("Request", row) for row in moved)
    in_region = [row for row in cases if world.region_of(row) == panel.eyes(ADVISER).organisation.region]
    assert any(world.is_protected(row.student_id) for row in in_region)
    for table in ("comment", "event", "file"):
        of_others = [
            row
            for row in world.all(table)
            if row.case_id is not None
            and lead.reaches("Case", world.get("case_record", row.case_id))
            and row.shared_with_school_id not in {None, lead.organisation.id}
        ]
        assert of_others, f"no {table} shared with the old school of a student who moved here"
        assert not any(lead.reaches(table.capitalize(), row) for row in of_others)


def _student(world: Any, request: Row) -> Row:
    return world.get("student", request.student_id)


def test_a_primary_contact_and_office_support_at_once_sees_more_only_on_their_own_cases(panel: Panel) -> None:
    eyes = panel.eyes(BOTH)
    own = {row.number for row in eyes.rows("Case", "case_record") if row.primary_contact_id == eyes.user.id}
    answer = panel.ask(
        BOTH,
        "{ cases(first: 100) { nodes { number barriers { code } "
        "student { dateOfBirth gender ethnicities { code } } } } }",
    )
    nodes = answer.data["cases"]["nodes"]
    assert len(nodes) == 30
    assert 0 < len(own) < 30
    for node in nodes:
        student = node["student"]
        more = (node["barriers"], student["dateOfBirth"], student["gender"], student["ethnicities"])
        assert all(value is None for value in more) == (node["number"] not in own), node["number"]
    entries = answer.body["extensions"]["access"]["redacted"]
    assert {entry["reason"] for entry in entries} == {"ROW"}


# What is out of scope does not exist ---------------------------------------------------------------------------

DETAILS = """
query($number: String!, $reference: String, $student: ID!) {
  case(number: $number) { id number school { name } student { fullName nsn address ethnicities { code } }
                          comments { totalCount } viewerCan { action } }
  request(reference: $reference) { id number notes files { totalCount } case { closingSummary } }
  student(id: $student) { id fullName enrolments { startedOn } cases { totalCount } }
}
"""


@pytest.mark.parametrize("person", WITH_ROWS, ids=str)
def test_a_row_out_of_scope_is_answered_as_one_that_was_never_issued(panel: Panel, person: Person) -> None:
    eyes = panel.eyes(person)
    missing = {"number": "99999999", "reference": "99999999", "student": global_id("Student", NEVER_ISSUED)}
    nothing = panel.ask(person, DETAILS, missing)
    assert nothing.data == {"case": None, "request": None, "student": None}
    outside = {
        # The number of a merged case leads to the one that goes on, which may be in scope.
        "number": [row.number for row in out_of_scope(eyes, "Case", 6) if row.merged_into_id is None],
        "reference": [row.reference for row in out_of_scope(eyes, "Request", 6)],
        "student": [global_id("Student", row.id) for row in out_of_scope(eyes, "Student", 6)],
    }
    for name, values in outside.items():
        assert values or person == PRIVACY
        for value in values:
            assert panel.ask(person, DETAILS, {**missing, name: value}).text == nothing.text


NODE = "query($id: ID!) { node(id: $id) { __typename id ... on %s { %s } } }"
LEAVES = {"Student": "fullName nsn", "Case": "number closedAt", "Request": "reference notes", "Comment": "body",
          "Event": "subject", "File": "name sha256", "User": "email username"}  # fmt: skip


@pytest.mark.parametrize("person", EVERYONE, ids=str)
def test_node_answers_what_is_out_of_scope_as_what_was_never_issued(panel: Panel, person: Person) -> None:
    eyes = panel.eyes(person)
    for type_name, leaves in LEAVES.items():
        question = NODE % (type_name, leaves)
        nothing = panel.ask(person, question, {"id": global_id(type_name, NEVER_ISSUED)})
        assert nothing.data == {"node": None}
        assert not nothing.errors
        for row in out_of_scope(eyes, type_name, 2):
            assert panel.ask(person, question, {"id": global_id(type_name, row.id)}).text == nothing.text


def test_identifiers_of_nothing_are_null(panel: Panel) -> None:
    for identifier in ("", "x", global_id("Nobody", 1), global_id("Caregiver", 1), global_id("Student", -1), "é" * 40):
        answer = panel.ask(
            LEAD, "query($id: ID!) { node(id: $id) { __typename id } student(id: $id) { id } }", {"id": identifier}
        )
        assert answer.data == {"node": None, "student": None}, identifier
        assert not answer.errors


def test_an_identifier_of_another_type_is_no_student(panel: Panel) -> None:
    case = panel.eyes(LEAD).rows("Case", "case_record")[0]
    answer = panel.ask(LEAD, "query($id: ID!) { student(id: $id) { id } node(id: $id) { __typename } }",
                       {"id": global_id("Case", case.id)})  # fmt: skip
    assert answer.data == {"student": None, "node": {"__typename": "Case"}}


def out_of_scope(eyes: Eyes, type_name: str, count: int) -> list[Row]:
    """Rows that exist and that the viewer does not reach, from all over; those nearest to home first."""
    outside = [row for row in eyes.world.all(TABLES[type_name]) if not eyes.finds_node(type_name, row)]
    near = [
        row
        for row in outside
        if eyes.organisation.id in {getattr(row, "school_id", None), getattr(row, "provider_id", None)}
    ]
    return [*some_of(near, count // 2), *some_of(outside, count // 2)] if near else some_of(outside, count)


@pytest.mark.parametrize("person", WITHOUT_ROWS, ids=str)
def test_analyst_administrator_and_authoriser_reach_no_row(panel: Panel, person: Person) -> None:
    answer = panel.ask(
        person, "{ viewer { user { id } } cases { totalCount } requests { totalCount } students { totalCount } }"
    )
    assert {name: answer.data[name] for name in LISTS} == dict.fromkeys(LISTS)
    assert answer.codes == ["FORBIDDEN"] * 3
    assert answer.data["viewer"]["user"] is not None
    sought = [(name, row) for name in ROWED[:6] for row in some_of(panel.world.all(TABLES[name]), 20)]
    fields = " ".join(f'n{n}: node(id: "{global_id(name, row.id)}") {{ id }}' for n, (name, row) in enumerate(sought))
    assert set(panel.ask(person, f"{{ {fields} }}").data.values()) == {None}


@pytest.mark.parametrize("person", [LEAD, WORKFLOW, ANALYST, PRIVACY, TESTPERSON_AT_SCHOOL], ids=str)
def test_node_finds_oneself_and_ones_own_people_and_no_other_user(panel: Panel, person: Person) -> None:
    eyes, users = panel.eyes(person), panel.world.all("user_account")
    known = [row for row in users if eyes.finds_node("User", row)]
    sought = {row.id: row for row in [*known, *some_of(users, 100)]}
    fields = " ".join(f'u{key}: node(id: "{global_id("User", key)}") {{ id }}' for key in sought)
    found = {name for name, node in panel.ask(person, f"{{ {fields} }}").data.items() if node is not None}
    assert found == {f"u{row.id}" for row in known}
    assert f"u{eyes.user.id}" in found


# Access blocks -------------------------------------------------------------------------------------------------


def blocked_student(panel: Panel) -> Row:
    eyes = panel.eyes(SECOND_LEAD)
    students = [panel.world.get("student", student) for user, student in panel.world.blocks if user == eyes.user.id]
    assert len(students) == 1
    return students[0]


def test_an_access_block_wins_over_the_role_everywhere(panel: Panel) -> None:
    student, eyes = blocked_student(panel), panel.eyes(SECOND_LEAD)
    cases = [row for row in panel.world.of("case_record", "student_id", student.id) if row.status != "CLOSED"]
    requests = panel.world.of("request", "student_id", student.id)
    assert cases
    assert requests
    everything = """query(
      $number: String!, $reference: String, $student: ID!, $case: ID!, $request: ID!, $name: String!
    ) {
      case(number: $number) { id } request(reference: $reference) { id } student(id: $student) { id }
      byCase: node(id: $case) { id } byRequest: node(id: $request) { id } byStudent: node(id: $student) { id }
      cases(first: 100) { totalCount nodes { id student { id fullName } } }
      found: cases(search: $name) { totalCount nodes { id } }
      requests(first: 100) { totalCount nodes { id appliedFor { id fullName } student { id } } }
      sought: requests(search: $name) { totalCount }
      students(first: 100) { totalCount nodes { id fullName } } named: students(search: $name) { totalCount }
      studentChoices(search: $name) { id fullName }
      viewer { alerts(first: 100) { totalCount nodes { case { id } request { id } } } }
    }"""
    variables = {
        "number": cases[0].number, "reference": requests[0].reference, "student": global_id("Student", student.id),
        "case": global_id("Case", cases[0].id), "request": global_id("Request", requests[0].id),
        "name": student.full_name,
    }  # fmt: skip
    answer = panel.ask(SECOND_LEAD, everything, variables)
    for name in ("case", "request", "student", "byCase", "byRequest", "byStudent"):
        assert answer.data[name] is None, name
    for name in ("found", "sought", "named"):
        assert answer.data[name]["totalCount"] == 0, name
    assert answer.data["studentChoices"] == []
    for root, (type_name, _) in LISTS.items():
        assert answer.data[root]["totalCount"] == len(eyes.rows(type_name, TABLES[type_name]))
    for secret in (student.full_name, variables["student"], variables["case"], variables["request"]):
        assert secret not in answer.text
    colleague = panel.ask(SECOND_DEPUTY, everything, variables)
    assert colleague.data["case"] is not None
    assert colleague.data["cases"]["totalCount"] == answer.data["cases"]["totalCount"] + 1
    assert student.full_name in {choice["fullName"] for choice in colleague.data["studentChoices"]}


def test_a_lead_sees_blocks_on_their_people_and_nobody_those_on_themselves(panel: Panel) -> None:
    student = blocked_student(panel)
    question = "query($id: ID!) { student(id: $id) { accessBlocks { user { displayName } reason } } }"
    variables = {"id": global_id("Student", student.id)}
    blocks = panel.world.of("access_block", "student_id", student.id)
    expected = [{"user": {"displayName": panel.eyes(SECOND_LEAD).user.display_name}, "reason": blocks[0].reason}]
    assert panel.ask(SECOND_DEPUTY, question, variables).data["student"]["accessBlocks"] == expected
    assert panel.ask(PRIVACY, question, variables).data["student"]["accessBlocks"] == expected
    assert panel.ask(WORKFLOW, question, variables).data["student"]["accessBlocks"] == []


# Choosing a student --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", SCHOOL, ids=str)
def test_student_choices_are_those_enrolled_here(panel: Panel, person: Person) -> None:
    eyes, world = panel.eyes(person), panel.world
    for search in ("a", "test", "MA", "%", "_", "no such name"):
        answer = panel.ask(
            person,
            "query($s: String!) { studentChoices(search: $s, first: 100) { id fullName knownAs yearLevel } }",
            {"s": search},
        )
        expected = [
            {
                "id": global_id("Student", row.id),
                "fullName": row.full_name,
                "knownAs": row.known_as,
                "yearLevel": row.year_level,
            }
            for row in world.all("student")
            if world.school_of(row.id) == eyes.organisation.id
            and not eyes.is_blocked(row.id)
            and any(fold(search) in fold(name) for name in (row.full_name, row.known_as) if name)
        ]
        assert len(expected) < 100
        assert by_id(answer.data["studentChoices"]) == by_id(expected), search


def by_id(choices: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(choices, key=lambda choice: str(choice["id"]))


# Without a role in effect --------------------------------------------------------------------------------------

WITHOUT_A_ROLE = """{
  viewer { roles missing user { id displayName email } profile { username }
           contexts { organisation { number name } roles }
           actingFor { number name } alerts(first: 10) { nodes { case { id } request { id } } } }
  privacyStatement { version text url } support { phone email }
  services { name } cases { totalCount } case(number: "00307473") { id } requests { totalCount }
  request(reference: "153") { id } students { totalCount } student(id: "x") { id } studentChoices(search: "a") { id }
  organisations { totalCount } accessMatrix { field } node(id: "x") { id }
}"""
OPEN_TO_ALL = {"viewer", "privacyStatement", "support"}


def without_organisation(panel: Panel, email: str, **headers: str) -> dict[str, str]:
    """Headers with a token that names no organisation: signed in at the demo's provider, choosing none."""
    http, back, verifier = panel.server.client, "http://127.0.0.1:9/callback", "v" * 43
    challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
    asked = {
        "response_type": "code", "client_id": "ascms-portal", "redirect_uri": back, "scope": "openid",
        "code_challenge": challenge, "code_challenge_method": "S256", "state": "s",
    }  # fmt: skip
    sent = http.post("/oauth/authorize", params=asked, data={"email": email, "organisation": ""})
    code = parse_qs(urlsplit(sent.headers["location"]).query)["code"][0]
    given = {
        "grant_type": "authorization_code", "client_id": "ascms-portal", "redirect_uri": back, "code": code,
        "code_verifier": verifier,
    }  # fmt: skip
    token = http.post("/oauth/token", data=given).json()["access_token"]
    return {"Authorization": f"Bearer {token}", **headers}


def test_without_training_nothing_but_oneself_the_statement_and_support(panel: Panel) -> None:
    answer = panel.server.ask("untrained@waikato-attendance.nz", WITHOUT_A_ROLE)
    viewer = answer.data["viewer"]
    assert {name for name, value in answer.data.items() if value is not None} == OPEN_TO_ALL
    assert set(answer.codes) == {"FORBIDDEN"}
    assert {error["path"][0] for error in answer.errors} == set(answer.data) - OPEN_TO_ALL
    assert viewer["roles"] == []
    assert viewer["user"]["displayName"]
    assert viewer["user"]["email"] == "untrained@waikato-attendance.nz"
    assert viewer["contexts"] == [
        {"organisation": {"number": "5001", "name": "Waikato Attendance Service"}, "roles": []}
    ]
    assert len(viewer["missing"]) == 1
    assert "training" in viewer["missing"][0]
    assert "Waikato Attendance Service" in viewer["missing"][0]
    assert all(alert == {"case": None, "request": None} for alert in viewer["alerts"]["nodes"])


def test_without_an_organisation_the_viewer_is_asked_to_choose_one(panel: Panel) -> None:
    headers = without_organisation(panel, "testperson@test-college.school.nz")
    answer = panel.server.ask(None, WITHOUT_A_ROLE, headers=headers)
    viewer = answer.data["viewer"]
    assert {name for name, value in answer.data.items() if value is not None} == OPEN_TO_ALL
    assert viewer["roles"] == []
    assert viewer["actingFor"] is None
    assert viewer["user"]["displayName"] == "Testperson"
    assert {(context["organisation"]["number"], *context["roles"]) for context in viewer["contexts"]} == {
        ("1234", "ATTENDANCE_LEAD"), ("78912", "WORKFLOW_LEAD"),
    }  # fmt: skip
    assert len(viewer["missing"]) == 1
    assert "Test College (1234)" in viewer["missing"][0]
    assert "Test College ISP (78912)" in viewer["missing"][0]
    services = next(error for error in answer.errors if error["path"] == ["services"])
    assert [context["number"] for context in services["extensions"]["contexts"]] == ["1234"]


def test_a_header_chooses_the_organisation_where_the_token_names_none(panel: Panel) -> None:
    question = "{ viewer { roles actingFor { number } missing } cases { totalCount } }"
    for number, person in (("1234", TESTPERSON_AT_SCHOOL), ("78912", Person(TESTPERSON_AT_SCHOOL.email, "78912"))):
        headers = without_organisation(panel, person.email, **{"X-ASCMS-Organisation": number})
        answer = panel.server.ask(None, question, headers=headers)
        assert answer.body == panel.ask(person, question).body
        assert answer.data["viewer"]["actingFor"]["number"] == number


def test_roles_elsewhere_do_not_count(panel: Panel) -> None:
    """Testperson leads at the school and at its provider: each token shows the one, and nothing of the other."""
    at_school = panel.ask(
        TESTPERSON_AT_SCHOOL, "{ cases(first: 100) { totalCount nodes { student { nsn } closedAt } } }"
    )
    assert at_school.data["cases"]["totalCount"] == 30
    assert all(node == {"student": {"nsn": None}, "closedAt": None} for node in at_school.data["cases"]["nodes"])
    assert panel.ask(OFFICE, "{ viewer { roles } }").data["viewer"]["roles"] == ["OFFICE_SUPPORT"]

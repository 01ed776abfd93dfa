"""The contested cell: three readings of Office Support's "some access", by setting, each whole.

`fields`, the default: the rows of an Attendance Lead, fewer fields. `own-requests`: only the cases of requests
they created, with all fields of a Primary Contact. `requests`: no cases at all, requests and their status.
"""

from collections.abc import Callable

import pytest

from tests.conftest import KINDS
from tests.contract.conftest import Panel
from tests.contract.inspection import NESTED, listed, looked_up, roots
from tests.contract.oracle import Person, required_matrix
from tests.contract.people import BOTH, LEAD, OFFICE
from tests.contract.questions import Way
from tests.contract.world import TABLES, global_id
from tests.support.server import DemoServer

READINGS = ("fields", "own-requests", "requests")
CASE_WITH_EVERYTHING = """query($number: String!) { case(number: $number) {
  number barriers { code } schoolContactNotes eligibleContacts { id } closedAt tasks { totalCount }
  student { dateOfBirth ethnicities { code } iwi { code } address caregivers { name } nsn protected }
  comments(first: 40) { nodes { body } } events(first: 40) { nodes { subject } } } }"""


@pytest.fixture(scope="module", params=KINDS)
def launched(
    request: pytest.FixtureRequest, launch: Callable[..., DemoServer], panel_of: Callable[[DemoServer], Panel]
) -> Callable[[str], Panel]:
    """A server of each kind of database for each reading."""

    def with_reading(reading: str) -> Panel:
        settings = {} if reading == "fields" else {"office_support": reading}
        return panel_of(launch(request.param, **settings))

    return with_reading


@pytest.mark.parametrize("reading", READINGS[1:])  # every cell of the default is judged elsewhere
@pytest.mark.parametrize("person", [OFFICE, BOTH], ids=str)
def test_rows_and_fields_of_each_reading(launched: Callable[[str], Panel], reading: str, person: Person) -> None:
    panel = launched(reading)
    for template in NESTED[3:]:
        listed(panel, person, template, Way.PLAIN, 1).hold()
    looked_up(panel, person).hold()
    roots(panel, person).hold()


@pytest.mark.parametrize("reading", READINGS[1:])
def test_no_other_role_is_read_differently(launched: Callable[[str], Panel], reading: str) -> None:
    panel = launched(reading)
    for template in NESTED[:3]:
        listed(panel, LEAD, template, Way.PLAIN, 1).hold()


def test_by_default_the_rows_of_a_lead_with_fewer_fields(launched: Callable[[str], Panel]) -> None:
    panel = launched("fields")
    answer = panel.ask(OFFICE, "{ cases { totalCount } requests { totalCount } }")
    assert answer.data == panel.ask(LEAD, "{ cases { totalCount } requests { totalCount } }").data
    case = panel.ask(OFFICE, CASE_WITH_EVERYTHING, {"number": a_case_of_theirs(panel)}).data["case"]
    assert case.pop("number")
    assert {event["subject"] for event in case.pop("events")["nodes"]} == {None}
    assert all(comment["body"] for comment in case.pop("comments")["nodes"])  # their own
    assert set(case.pop("student").values()) == {None}
    assert set(case.values()) == {None}


def test_with_own_requests_only_their_cases_with_the_fields_of_a_contact(launched: Callable[[str], Panel]) -> None:
    panel, lead = launched("own-requests"), launched("own-requests").eyes(LEAD)
    office = panel.eyes(OFFICE).user
    theirs = {
        panel.world.get("case_record", row.case_id).number  # type: ignore[union-attr]
        for row in panel.world.of("request", "created_by_id", office.id)
        if row.case_id is not None and lead.reaches("Case", panel.world.get("case_record", row.case_id))
    }
    answer = panel.ask(OFFICE, "{ cases(first: 100) { totalCount nodes { number } } requests { totalCount } }")
    assert {node["number"] for node in answer.data["cases"]["nodes"]} == theirs
    assert 0 < answer.data["cases"]["totalCount"] == len(theirs) < 30
    case = panel.ask(OFFICE, CASE_WITH_EVERYTHING, {"number": a_case_of_theirs(panel)}).data["case"]
    student = case["student"]
    assert student["dateOfBirth"]
    assert student["ethnicities"]
    assert student["address"]
    assert student["nsn"] is None
    assert case["eligibleContacts"]
    assert case["closedAt"] is None
    assert case["tasks"] is None
    assert all(event["subject"] for event in case["events"]["nodes"])


def test_a_protected_student_hides_the_home_from_this_reading_too(launched: Callable[[str], Panel]) -> None:
    panel = launched("own-requests")
    eyes = panel.eyes(OFFICE)
    protected = [row for row in eyes.rows("Case", "case_record") if panel.world.is_protected(row.student_id)]
    assert protected
    for case in protected:
        student = panel.ask(OFFICE, CASE_WITH_EVERYTHING, {"number": case.number}).data["case"]["student"]
        assert student["protected"] is True
        assert (student["address"], student["caregivers"]) == (None, None)
        assert student["dateOfBirth"]


def test_with_requests_no_cases_at_all(launched: Callable[[str], Panel]) -> None:
    panel = launched("requests")
    answer = panel.ask(
        OFFICE,
        """{ cases { totalCount } case(number: "00307473") { number } students { totalCount } student(id: "x") { id }
             requests(first: 100) { totalCount nodes {
               reference status appliedFor { fullName } case { number } student { id } } }
             services { name } studentChoices(search: "a") { id } }""",
    )
    hidden = ("cases", "case", "students", "student")
    assert {answer.data[name] for name in hidden} == {None}
    assert sorted(error["path"][0] for error in answer.errors) == sorted(hidden)
    for error in answer.errors:
        assert "OFFICE_SUPPORT" not in error["extensions"]["visibleTo"]
    assert answer.data["services"]
    assert answer.data["studentChoices"]
    nodes = answer.data["requests"]["nodes"]
    assert answer.data["requests"]["totalCount"] == len(panel.eyes(OFFICE).rows("Request", "request"))
    assert all(node["status"] and node["appliedFor"]["fullName"] for node in nodes)
    assert all(node["case"] is None and node["student"] is None for node in nodes)
    assert set(answer.redacted) == {"Request.case", "Request.student"}
    for type_name in ("Case", "Student", "Comment", "Event"):
        row = panel.eyes(LEAD).rows(type_name, TABLES[type_name])[0]
        found = panel.ask(OFFICE, "query($id: ID!) { node(id: $id) { id } }", {"id": global_id(type_name, row.id)})
        assert found.data == {"node": None}, type_name


def test_the_matrix_that_is_asked_for_is_the_one_of_the_reading(launched: Callable[[str], Panel]) -> None:
    def column(reading: str) -> dict[tuple[str, str], str]:
        rules = launched(reading).ask(OFFICE, "{ accessMatrix { type field access } }").data["accessMatrix"]
        return {(rule["type"], rule["field"]): rule["access"] for rule in rules}

    default, own, requests = (column(reading) for reading in READINGS)
    assert default["Student", "ethnicities"] == "HIDDEN"
    assert own["Student", "ethnicities"] == "VISIBLE"
    assert default["Case", "number"] == "VISIBLE"
    assert requests["Case", "number"] == requests["Query", "cases"] == "HIDDEN"
    assert requests["Request", "status"] == "VISIBLE"
    done = {"Mutation", "Subscription"}  # the readings say what is seen, not what may be done
    contact = {
        key: cells["OFFICE_SUPPORT" if key[0] in done else "PRIMARY_CONTACT"]
        for key, cells in required_matrix().items()
    }
    hidden = {key for key, access in own.items() if access == "HIDDEN"}
    assert hidden == {key for key, cell in contact.items() if cell == "H" and key in own}


def a_case_of_theirs(panel: Panel) -> str:
    """The number of a case whose request Office Support created and on which they commented, not a protected one's."""
    eyes = panel.eyes(OFFICE)
    commented = {row.case_id for row in panel.world.of("comment", "author_id", eyes.user.id)}
    for row in panel.world.of("request", "created_by_id", eyes.user.id):
        case = panel.world.get("case_record", row.case_id)
        if case is None or case.id not in commented or panel.world.is_protected(case.student_id):
            continue
        if eyes.reaches("Case", case):
            return str(case.number)
    raise AssertionError("the demo world has no such case")

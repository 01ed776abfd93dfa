"""What was read through arguments elsewhere: a hidden field in a filter, an order or a search.

Refused before anything runs, in every form in which it can be written, wherever a role sees the field on no row;
where the sight depends on the row, an argument reads what the output would show. The forms are in `arguments.py`.
"""

import json
from datetime import date
from typing import Any

import pytest

from tests.contract.arguments import PLACES, Name, Use, Uses, attacks, literal
from tests.contract.conftest import Panel
from tests.contract.oracle import Eyes, Person
from tests.contract.people import (
    ADVISER,
    BOTH,
    CONTACT,
    LEAD,
    MANAGER,
    OFFICE,
    PRIVACY,
    SECOND_LEAD,
    WITH_ROWS,
    WITHOUT_ROWS,
    WORKFLOW,
)
from tests.contract.world import Row, global_id
from tests.support.server import Answer

ONE_OF_EACH = (
    LEAD, OFFICE, BOTH, WORKFLOW, PRIVACY,
    *(pytest.param(person, marks=pytest.mark.nightly) for person in (CONTACT, MANAGER, ADVISER)),
)  # fmt: skip
"""A person for each role with rows, and one with two."""

# A hidden field in a filter or an order (Drupal graphql #814, Platformatic #5119, Data API builder #3553) --------


@pytest.fixture(scope="module")
def uses(launch: Any) -> Uses:
    return Uses(launch("sqlite"))


def hidden_behind(eyes: Eyes, use: Use) -> str | None:
    """The first coordinate that the use reads and none of the viewer's roles sees; None if there is none."""
    return next((read for read in use.reads if eyes.redaction(*read.split(".")) == "ROLE"), None)


def assert_refused(answer: Answer, coordinate: str, what: str) -> None:
    """Nothing ran: FORBIDDEN naming the field, and no `data` at all."""
    assert answer.status == 403, f"{what}: {answer.text}"
    assert set(answer.body) == {"errors"}, what
    assert answer.codes == ["FORBIDDEN"], what
    assert answer.errors[0]["extensions"]["field"] == coordinate, what


def test_every_list_with_arguments_is_known_to_these_attacks(uses: Uses) -> None:
    """A new list with a filter, an order or a search needs its attack: add it to PLACES or to the searches below."""
    assert set(uses.lists()) == {*PLACES, "Query.services", "Query.studentChoices", "Query.organisations"}
    assert {name for arguments in uses.lists().values() for name in arguments} == {
        "first", "last", "after", "before", "where", "orderBy", "search", "kind",
    }  # fmt: skip


@pytest.mark.parametrize("person", ONE_OF_EACH, ids=str)
def test_a_hidden_field_is_refused_in_every_filter_and_order_in_every_form(
    panel: Panel, person: Person, uses: Uses
) -> None:
    """By each operator; as a literal, a variable, in lists, under and, or, not. What is visible is accepted."""
    eyes = panel.eyes(person)
    refused = accepted = 0
    thorough = panel.server.database.startswith("sqlite")  # a refusal is made before any database is asked
    for use in uses.all():
        coordinate = hidden_behind(eyes, use)
        for attack in attacks(use):
            if not attack.quick and (coordinate is None or use.again or not thorough):
                continue
            what = f"{use} by {person} as {attack.form}"
            answer = panel.ask(person, attack.text, dict(attack.variables))
            if coordinate is not None:
                assert_refused(answer, coordinate, what)
                refused += 1
            else:
                assert answer.status == 200, f"{what}: {answer.text}"
                assert not answer.errors, f"{what}: {answer.text}"
                accepted += 1
    assert accepted > 100
    assert refused > 15 or {"WORKFLOW_LEAD", "CASE_MANAGER"} & set(eyes.roles)


@pytest.mark.parametrize("person", WITHOUT_ROWS, ids=str)
def test_who_has_no_rows_gets_nothing_by_filters(panel: Panel, person: Person, uses: Uses) -> None:
    for use in uses.all():
        attack = next(iter(attacks(use)))
        answer = panel.ask(person, attack.text, dict(attack.variables))
        assert answer.codes == ["FORBIDDEN"], f"{use}: {answer.text}"
        assert set((answer.body.get("data") or {"cases": None}).values()) == {None}, f"{use}: {answer.text}"


def test_a_cached_document_is_judged_anew_for_each_shape_of_its_variables(panel: Panel) -> None:
    """The same text, first with a visible field, then with a hidden one, then visible again; and by another role."""
    text = "query Reused($w: CaseFilter, $o: [CaseOrder!]) { cases(where: $w, orderBy: $o) { totalCount } }"
    visible, hidden = {"student": {"yearLevel": {"eq": 11}}}, {"student": {"dateOfBirth": {"eq": "2010-01-01"}}}
    order = [{"field": "STUDENT_DATE_OF_BIRTH"}]
    for _ in range(2):
        assert panel.ask(LEAD, text, {"w": hidden, "o": order}).status == 200
        assert panel.ask(OFFICE, text, {"w": visible}).status == 200
        assert_refused(panel.ask(OFFICE, text, {"w": hidden}), "Student.dateOfBirth", "another field")
        assert_refused(panel.ask(OFFICE, text, {"w": visible, "o": order}), "Student.dateOfBirth", "another order")
        assert panel.ask(OFFICE, text, {"w": {"student": {"yearLevel": {"eq": 10}}}}).status == 200


def test_a_refusal_depends_on_the_field_and_never_on_the_value(panel: Panel) -> None:
    text = "query Guess($w: CaseFilter) { cases(where: $w) { totalCount } }"
    answers = {
        panel.ask(OFFICE, text, {"w": {"student": {"dateOfBirth": {"eq": f"{year}-01-01"}}}}).text
        for year in range(2006, 2016)
    }
    assert len(answers) == 1


def test_a_refused_use_among_siblings_stops_them_all(panel: Panel) -> None:
    answer = panel.ask(
        OFFICE,
        "{ viewer { roles } cases { totalCount } other: cases(where: {student: {gender: {eq: M}}}) { totalCount } }",
    )
    assert_refused(answer, "Student.gender", "an aliased sibling")


# Search reads names and numbers only (Human-Connection #943) ------------------------------------------------------


@pytest.mark.parametrize("person", WITH_ROWS, ids=str)
def test_search_finds_nothing_by_what_it_does_not_read(panel: Panel, person: Person) -> None:
    """Addresses, dates of birth, NSN, caregivers, notes: not even for those who see them."""
    world, eyes = panel.world, panel.eyes(person)
    students = eyes.rows("Student", "student")[:8]
    secrets = {str(value) for row in students for value in (row.address, row.date_of_birth, row.nsn) if value}
    secrets |= {one.name for row in students for one in world.of("caregiver", "student_id", row.id)}
    secrets |= {one.phone for row in students for one in world.of("caregiver", "student_id", row.id) if one.phone}
    names = " ".join(str(row.full_name) for row in world.all("student"))
    asked = (
        "query Search($s: String!) { cases(search: $s) { totalCount } students(search: $s) { totalCount }"
        " requests(search: $s) { totalCount } }"
    )
    tried = 0
    for secret in secrets:
        if secret in names:
            continue
        data = panel.ask(person, asked, {"s": secret}).data
        assert {name: part["totalCount"] for name, part in data.items()} == {"cases": 0, "students": 0, "requests": 0}
        tried += 1
    assert tried > 5


def test_wildcards_in_a_search_are_letters(panel: Panel) -> None:
    """`%` and `_` would let a search be a pattern over names."""
    for term in ("%", "_", "%a%", "\\", "____", "[a-z]"):
        data = panel.ask(
            LEAD,
            "query S($s: String!) { cases(search: $s) { totalCount } students(search: $s) { totalCount }"
            " studentChoices(search: $s) { id } requests(search: $s) { totalCount }"
            " organisations(search: $s) { totalCount } }",
            {"s": term},
        ).data
        assert data["studentChoices"] == []
        assert {part["totalCount"] for name, part in data.items() if name != "studentChoices"} == {0}, term


def test_student_choices_stop_at_the_school_and_at_access_blocks(panel: Panel) -> None:
    world = panel.world
    for person in (LEAD, SECOND_LEAD, OFFICE):
        eyes = panel.eyes(person)
        choices = panel.ask(person, '{ studentChoices(search: "", first: 100) { id } }').data["studentChoices"]
        enrolled = {
            global_id("Student", row.id)
            for row in world.all("student")
            if world.school_of(row.id) == eyes.organisation.id and not eyes.is_blocked(row.id)
        }
        assert {choice["id"] for choice in choices} == enrolled


# Where visibility depends on the row, arguments read null elsewhere -----------------------------------------------


def numbers(panel: Panel, person: Person, where: Any, order: Any = None) -> list[str]:
    """The numbers of the cases that a filter leaves, in order."""
    answer = panel.ask(
        person,
        "query N($w: CaseFilter, $o: [CaseOrder!]) {"
        " cases(first: 100, where: $w, orderBy: $o) { totalCount nodes { number } } }",
        {"w": where, "o": order},
    )
    found = [node["number"] for node in answer.data["cases"]["nodes"]]
    assert answer.data["cases"]["totalCount"] == len(found)
    return found


def own_and_others(panel: Panel, field: str) -> tuple[dict[str, Row], dict[str, Row]]:
    """The cases that `both@` reaches, with their students: those on which they see the field, and those not."""
    eyes, world = panel.eyes(BOTH), panel.world
    own: dict[str, Row] = {}
    others: dict[str, Row] = {}
    for case in eyes.rows("Case", "case_record"):
        student = world.get("student", case.student_id)
        (own if eyes.sees("Student", field, student) else others)[case.number] = student
    assert own
    assert others
    return own, others


ROW_DEPENDENT = [
    ("gender", {"eq": "M"}, lambda student, panel: str(student.gender) == "M"),
    ("gender", {"in": ["F", "X", "U"]}, lambda student, panel: str(student.gender) in {"F", "X", "U"}),
    ("dateOfBirth", {"gt": "2011-06-30"}, lambda student, panel: student.date_of_birth > date(2011, 6, 30)),
    ("dateOfBirth", {"lte": "2011-06-30"}, lambda student, panel: student.date_of_birth <= date(2011, 6, 30)),
    ("dateOfBirth", {"eq": None}, lambda student, panel: student.date_of_birth is None),
    ("protected", {"eq": False}, lambda student, panel: not student.protected),
    ("protected", {"eq": True}, lambda student, panel: bool(student.protected)),
    (
        "ethnicities",
        {"eq": "111"},
        lambda student, panel: any(
            row.code == "111" for row in panel.world.of("student_ethnicity", "student_id", student.id)
        ),
    ),
]


@pytest.mark.parametrize(
    ("field", "given", "holds"), ROW_DEPENDENT, ids=lambda part: json.dumps(part) if isinstance(part, dict) else None
)
def test_a_filter_reads_null_on_rows_where_the_field_is_redacted(
    panel: Panel, field: str, given: Any, holds: Any
) -> None:
    """Neither the filter nor its negation tells the cases of others apart: it takes all of them, or none."""
    own, others = own_and_others(panel, field)
    said = {number for number, student in own.items() if holds(student, panel)}
    where = {"student": {field: given}}
    for value, expected in ((where, said), ({"not": where}, set(own) - said), ({"not": {"not": where}}, said)):
        found = set(numbers(panel, BOTH, value))
        assert found & set(own) == expected
        assert found & set(others) in (set(), set(others)), "the filter tells others' cases apart"
    if given != {"eq": None}:
        assert set(numbers(panel, BOTH, where)) == said


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_an_order_puts_redacted_rows_last_in_a_neutral_order(panel: Panel, direction: str) -> None:
    own, _ = own_and_others(panel, "dateOfBirth")
    order = [{"field": "STUDENT_DATE_OF_BIRTH", "direction": direction}]
    found = numbers(panel, BOTH, None, order)
    assert set(found[: len(own)]) == set(own)
    born = [own[number].date_of_birth for number in found[: len(own)]]
    assert born == sorted(born, reverse=direction == "DESC")
    keys = [panel.world.one("case_record", "number", number).id for number in found[len(own) :]]  # type: ignore[union-attr]
    assert keys == sorted(keys, reverse=direction == "DESC"), "others' cases stand in an order of their own"


def test_cursors_into_redacted_rows_walk_on_without_telling_their_order(panel: Panel) -> None:
    order = [{"field": "STUDENT_DATE_OF_BIRTH", "direction": "ASC"}]
    whole = numbers(panel, BOTH, None, order)
    walked: list[str] = []
    after = None
    while after is not None or not walked:
        page = panel.ask(
            BOTH,
            "query W($o: [CaseOrder!], $a: String) { cases(first: 4, after: $a, orderBy: $o) {"
            " nodes { number } pageInfo { endCursor hasNextPage } } }",
            {"o": order, "a": after},
        ).data["cases"]
        walked += [node["number"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"] if page["pageInfo"]["hasNextPage"] else None
    assert walked == whole


def test_a_provider_cannot_find_a_closed_cases_school_by_a_filter(panel: Panel) -> None:
    """The whereabouts of a child whose case is closed (`A`): the filter and its negation pass the case by."""
    eyes, world = panel.eyes(WORKFLOW), panel.world
    cases = eyes.rows("Case", "case_record")
    gone = {case.number for case in cases if world.school_of(case.student_id) and not eyes.sees("Case", "school", case)}
    assert gone
    schools = [world.get("organisation", world.school_of(case.student_id)) for case in cases]
    for number in {school.number for school in schools if school is not None}:
        where = {"school": {"eq": number}}
        assert not gone & set(numbers(panel, WORKFLOW, where))
        assert not gone & set(numbers(panel, WORKFLOW, {"not": where}))


def test_office_support_finds_barriers_of_their_own_requests_only(panel: Panel) -> None:
    eyes, world = panel.eyes(OFFICE), panel.world
    for code in {row.code for row in world.all("request_barrier")}:
        answer = panel.ask(
            OFFICE,
            "query B($c: String!) { requests(first: 100, where: {barriers: {eq: $c}}) { nodes { reference } } }",
            {"c": code},
        )
        expected = {
            row.reference
            for row in eyes.rows("Request", "request")
            if eyes.sees("Request", "barriers", row)
            and any(barrier.code == code for barrier in world.of("request_barrier", "request_id", row.id))
        }
        assert {node["reference"] for node in answer.data["requests"]["nodes"]} == expected


def test_literals_are_written_as_graphql_writes_them() -> None:
    """The attacks are what they seem to be."""
    assert literal({"student": {"gender": {"in": [Name("M")]}}}) == "{student: {gender: {in: [M]}}}"

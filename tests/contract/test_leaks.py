"""How systems like this one have leaked, tried here: one section for each way, named by what happened elsewhere.

Hidden fields in filters, orders and searches; cursors that carry values; interfaces that skip a rule; derived
fields; `node` answering another type; answers that tell the forbidden from the missing; totals that count what is
hidden. What is asked before signing in is in `test_http.py`, costs are in `test_floods.py`.
"""

import base64
import json
import re
from collections.abc import Iterator
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
    EVERYONE,
    LEAD,
    OFFICE,
    PRIVACY,
    SECOND_LEAD,
    TESTPERSON_AT_ISP,
    TESTPERSON_AT_SCHOOL,
    WITH_ROWS,
    WITHOUT_ROWS,
    WORKFLOW,
)
from tests.contract.world import TABLES, Row, global_id
from tests.support.server import Answer

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


@pytest.mark.parametrize("person", WITH_ROWS, ids=str)
def test_a_hidden_field_is_refused_in_every_filter_and_order_in_every_form(
    panel: Panel, person: Person, uses: Uses
) -> None:
    """By each operator; as a literal, a variable, in lists, under and, or, not. What is visible is accepted."""
    eyes = panel.eyes(person)
    refused = accepted = 0
    for use in uses.all():
        coordinate = hidden_behind(eyes, use)
        for attack in attacks(use):
            if coordinate is None and attack.form not in {"literal", "literal, itself", "variable, deep"}:
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
    assert refused > 50 or {"WORKFLOW_LEAD", "CASE_MANAGER"} & set(eyes.roles)


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
        OFFICE, "{ viewer { roles } cases { totalCount } other: cases(where: {student: {gender: {eq: M}}}) { totalCount } }"
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
    asked = "query Search($s: String!) { cases(search: $s) { totalCount } students(search: $s) { totalCount } requests(search: $s) { totalCount } }"
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
            " studentChoices(search: $s) { id } requests(search: $s) { totalCount } organisations(search: $s) { totalCount } }",
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
        "query N($w: CaseFilter, $o: [CaseOrder!]) { cases(first: 100, where: $w, orderBy: $o) { totalCount nodes { number } } }",
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
        lambda student, panel: any(row.code == "111" for row in panel.world.of("student_ethnicity", "student_id", student.id)),
    ),
]


@pytest.mark.parametrize(("field", "given", "holds"), ROW_DEPENDENT, ids=lambda part: json.dumps(part) if isinstance(part, dict) else None)
def test_a_filter_reads_null_on_rows_where_the_field_is_redacted(panel: Panel, field: str, given: Any, holds: Any) -> None:
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
    own, others = own_and_others(panel, "dateOfBirth")
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
            "query W($o: [CaseOrder!], $a: String) { cases(first: 4, after: $a, orderBy: $o) { nodes { number } pageInfo { endCursor hasNextPage } } }",
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
    for number in {world.get("organisation", world.school_of(case.student_id)).number for case in cases if world.school_of(case.student_id)}:  # type: ignore[union-attr]
        where = {"school": {"eq": number}}
        assert not gone & set(numbers(panel, WORKFLOW, where))
        assert not gone & set(numbers(panel, WORKFLOW, {"not": where}))


def test_office_support_finds_barriers_of_their_own_requests_only(panel: Panel) -> None:
    eyes, world = panel.eyes(OFFICE), panel.world
    for code in {row.code for row in world.all("request_barrier")}:
        answer = panel.ask(
            OFFICE, "query B($c: String!) { requests(first: 100, where: {barriers: {eq: $c}}) { nodes { reference } } }", {"c": code}
        )
        expected = {
            row.reference
            for row in eyes.rows("Request", "request")
            if eyes.sees("Request", "barriers", row)
            and any(barrier.code == code for barrier in world.of("request_barrier", "request_id", row.id))
        }
        assert {node["reference"] for node in answer.data["requests"]["nodes"]} == expected


# Cursors (Data API builder #3553, Yahoo Elide CVE-2020-5289) ------------------------------------------------------

PAGES = {
    "cases": "{ cases(first: 5AFTER) { edges { cursor node { id number openedAt student { fullName dateOfBirth } } } } }",
    "cases by name": "{ cases(first: 5, orderBy: {field: STUDENT_FULL_NAME}AFTER)"
    " { edges { cursor node { id number student { fullName } } } } }",
    "cases by birth": "{ cases(first: 5, orderBy: {field: STUDENT_DATE_OF_BIRTH}AFTER)"
    " { edges { cursor node { id student { dateOfBirth } } } } }",
    "cases by birth, down": "{ cases(first: 5, orderBy: {field: STUDENT_DATE_OF_BIRTH, direction: DESC}AFTER)"
    " { edges { cursor node { id } } } }",
    "students": "{ students(first: 5AFTER) { edges { cursor node { id fullName } } } }",
    "requests": "{ requests(first: 5AFTER) { edges { cursor node { id lastModifiedAt reference } } } }",
    "organisations": "{ organisations(first: 5AFTER) { edges { cursor node { id name number } } } }",
}


def page(panel: Panel, person: Person, name: str, after: str | None = None) -> Answer:
    return panel.ask(person, PAGES[name].replace("AFTER", f", after: {json.dumps(after)}" if after is not None else ""))


def cursors(panel: Panel, person: Person, name: str) -> list[str]:
    return [edge["cursor"] for edge in page(panel, person, name).data[name.split(" ")[0]]["edges"]]


def leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for member in value.values():
            yield from leaves(member)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    elif value is not None:
        yield str(value)


def decoded(cursor: str) -> bytes:
    return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))


@pytest.mark.parametrize("name", PAGES)
def test_a_cursor_holds_no_value_of_its_row(panel: Panel, name: str) -> None:
    """Not in its text nor in what base64 hides: no name, date, number or part of them; and no JSON."""
    edges = page(panel, LEAD, name).data[name.split(" ")[0]]["edges"]
    assert len({edge["cursor"] for edge in edges}) == len(edges)
    for edge in edges:
        inside = edge["cursor"].encode() + b"\0" + decoded(edge["cursor"])
        words = {part for leaf in leaves(edge["node"]) for part in re.split(r"[\s:.T-]", leaf) if len(part) > 3}
        assert not [word for word in words if word.encode() in inside]
        with pytest.raises(ValueError, match=r".*"):
            json.loads(decoded(edge["cursor"]).decode())


def test_a_cursor_serves_nobody_but_its_viewer_in_its_organisation_list_and_order(panel: Panel) -> None:
    """Each stranger is told the same, with nothing of the row; and the cursor still serves its owner."""
    mine = cursors(panel, TESTPERSON_AT_SCHOOL, "cases")[1]
    strangers = [
        page(panel, LEAD, "cases", mine),  # another viewer, with the same role and rows
        page(panel, TESTPERSON_AT_ISP, "cases", mine),  # the same person, acting for another organisation
        page(panel, PRIVACY, "cases", mine),
        page(panel, TESTPERSON_AT_SCHOOL, "cases by name", mine),  # another order
        page(panel, TESTPERSON_AT_SCHOOL, "requests", mine),  # another list
        page(panel, TESTPERSON_AT_SCHOOL, "students", mine),
        page(panel, TESTPERSON_AT_SCHOOL, "cases by birth, down", cursors(panel, TESTPERSON_AT_SCHOOL, "cases by birth")[0]),
        page(panel, TESTPERSON_AT_SCHOOL, "cases by birth", cursors(panel, TESTPERSON_AT_SCHOOL, "cases by birth, down")[0]),
    ]
    for answer in strangers:
        assert answer.status == 400, answer.text
        assert answer.codes == ["BAD_USER_INPUT"]
        assert set(answer.body) == {"errors"}
    messages = {re.sub(r"^\w+\(after:\)", "", answer.errors[0]["message"]) for answer in strangers}
    assert len(messages) == 1
    assert page(panel, TESTPERSON_AT_SCHOOL, "cases", mine).status == 200


def test_a_cursor_that_was_changed_or_forged_is_refused(panel: Panel) -> None:
    good = cursors(panel, LEAD, "cases by birth")[2]
    raw = decoded(good)
    bent = [
        base64.urlsafe_b64encode(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]).decode().rstrip("=")
        for place in range(len(raw))
    ]
    forged = [
        base64.urlsafe_b64encode(json.dumps(keys).encode()).decode()
        for keys in (["2010-01-01", 1], {"dateOfBirth": "2010-01-01"}, [None, 0])
    ]
    others = ["", "=", "a", "ā", good[:-4], good + good, good[4:], raw.hex(), "null", "0", "cursor:1", "🙂", "-" * 5_000]
    told = set()
    for cursor in (*bent, *forged, *others):
        answer = page(panel, LEAD, "cases by birth", cursor)
        assert (answer.status, answer.codes) == (400, ["BAD_USER_INPUT"]), (cursor, answer.text)
        told.add(answer.text)
    assert len(told) == 1, "what is wrong with a cursor is not told"


# Interfaces and fragments (Apollo Federation GHSA-mx7m-j9xf-62hw) -------------------------------------------------

WAYS = {
    "direct": "query W($id: ID!) { node(id: $id) { ... on Student { SECRET } } }",
    "named": "query W($id: ID!) { node(id: $id) { ...A } } fragment A on Student { SECRET }",
    "through the interface": "query W($id: ID!) { node(id: $id) { ... on Node { ... on Student { SECRET } } } }",
    "named, through the interface": "query W($id: ID!) { node(id: $id) { ...A } } fragment A on Node { id ...B }"
    " fragment B on Student { SECRET }",
    "without a type": "query W($id: ID!) { node(id: $id) { ... { ... on Student { SECRET } } } }",
    "aliased": "query W($id: ID!) { node(id: $id) { ... on Student { fullName: SECRET } } }",
    "included": "query W($id: ID!, $yes: Boolean = true) { node(id: $id) { ... on Student @include(if: $yes) { SECRET @skip(if: false) } } }",
    "beside": "query W($id: ID!) { node(id: $id) { __typename ... on Case { number } ... on Student { fullName } ... on Student { SECRET } } }",
    "student": "query W($id: ID!) { student(id: $id) { ... on Node { ... on Student { SECRET } } } }",
    "by way of cases": "query W($id: ID!) { student(id: $id) { cases(first: 1) { nodes { student { ...A } } } } }"
    " fragment A on Student { SECRET }",
}
SECRETS = {
    "dateOfBirth": "dateOfBirth", "address": "address", "gender": "gender", "protected": "protected", "nsn": "nsn",
    "ethnicities": "ethnicities { name }", "iwi": "iwi { name }", "caregivers": "caregivers { name phone }",
    "attendance": "attendance { percentage }", "enrolments": "enrolments { startedOn }",
    "accessLog": "accessLog { totalCount }", "corrections": "corrections { earlier }",
    "accessBlocks": "accessBlocks { reason }",
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_no_way_through_interfaces_or_fragments_goes_round_a_fields_rule(panel: Panel, way: str) -> None:
    """Whatever the way, the field is null, and the answer says so once, with the roles that see it."""
    student = panel.eyes(OFFICE).rows("Student", "student")[0]
    for field, selected in SECRETS.items():
        text = WAYS[way].replace("SECRET", selected)
        answer = panel.ask(OFFICE, text, {"id": global_id("Student", student.id)})
        assert list(answer.redacted) == [f"Student.{field}"], f"{way}, {field}: {answer.text}"
        (path,) = answer.redacted[f"Student.{field}"]
        value = answer.data
        for key in path.split("."):
            value = value[0] if isinstance(value, list) else value
            value = value[key]
        assert value is None, f"{way}, {field}"


def test_a_unions_members_keep_their_own_rules(panel: Panel) -> None:
    """Who owns a case is a user or an organisation: the office sees who, not how they sign in."""
    answer = panel.ask(
        OFFICE,
        "{ cases(first: 100) { nodes { owner { ... on User { username lastSignedInAt assignments { role } } ...O } } } }"
        " fragment O on Organisation { name members { totalCount } }",
    )
    shown = {value for node in answer.data["cases"]["nodes"] for key, value in (node["owner"] or {}).items() if key != "name"}
    assert shown == {None}
    assert {"User.username", "User.lastSignedInAt", "User.assignments"} <= set(answer.redacted)


# Derived fields (Apollo Federation GHSA-m8jr-fxqx-8xx6) -----------------------------------------------------------


def test_reasons_of_actions_tell_nothing_hidden(panel: Panel) -> None:
    """`viewerCan` says who may, never how many tasks are open or that another case exists, to those who see neither."""
    for person in (LEAD, CONTACT, OFFICE, BOTH, ADVISER, PRIVACY):
        answer = panel.ask(person, "{ cases(first: 100) { nodes { number status viewerCan { action allowed reason } } } }")
        by_status: dict[str, set[str]] = {}
        for node in answer.data["cases"]["nodes"]:
            theirs = [one for one in node["viewerCan"] if not one["allowed"]]
            assert not [one for one in theirs if re.search(r"\d|task|another", one["reason"])], node
            provider_actions = [one for one in node["viewerCan"] if one["action"] in {"closeCase", "reopenCase", "pauseCase"}]
            by_status.setdefault(node["status"], set()).add(json.dumps(provider_actions))
        assert {len(said) for said in by_status.values()} == {1}, "a reason differs between cases of one status"


def test_a_protected_student_is_not_announced(panel: Panel) -> None:
    """Redactions come from the plan: the answer about a protected student differs in no word from another's."""
    eyes, world = panel.eyes(CONTACT), panel.world
    students = {bool(row.protected): row for row in eyes.rows("Student", "student")}
    if set(students) != {True, False}:
        eyes, students = panel.eyes(LEAD), {bool(row.protected): row for row in panel.eyes(LEAD).rows("Student", "student")}
    assert set(students) == {True, False}
    text = "query P($id: ID!) { student(id: $id) { address caregivers { name } school { name } } }"
    person = eyes.person
    told = {json.dumps(panel.ask(person, text, {"id": global_id("Student", row.id)}).body["extensions"]) for row in students.values()}
    assert len(told) == 1
    assert world.is_protected(students[True].id)


def test_alerts_name_nobody_and_lead_only_where_the_viewer_reaches(panel: Panel) -> None:
    world = panel.world
    names = {row.full_name for row in world.all("student")} | {row.known_as for row in world.all("student") if row.known_as}
    for person in EVERYONE:
        answer = panel.ask(
            person, "{ viewer { alerts(first: 100) { totalCount nodes { id kind createdAt readAt case { number } request { reference } } } } }"
        )
        text = answer.text
        assert not [name for name in names if f'"{name}"' in text]
        eyes = panel.eyes(person)
        reached = {case.number for case in eyes.rows("Case", "case_record")}
        shown = {node["case"]["number"] for node in answer.data["viewer"]["alerts"]["nodes"] if node["case"]}
        assert shown <= reached


def test_the_caseload_of_a_manager_counts_no_case_kept_from_the_viewer(panel: Panel) -> None:
    eyes, world = panel.eyes(WORKFLOW), panel.world
    answer = panel.ask(WORKFLOW, "{ cases(first: 1) { nodes { eligibleManagers { user { id } activeCases } } } }")
    for row in answer.data["cases"]["nodes"][0]["eligibleManagers"]:
        active = [
            case
            for case in world.all("case_record")
            if case.provider_id == eyes.organisation.id
            and case.status != "CLOSED"
            and case.case_manager_id is not None
            and global_id("User", case.case_manager_id) == row["user"]["id"]
            and not eyes.is_blocked(case.student_id)
        ]
        assert row["activeCases"] == len(active)


# `node` answers the type that was checked (Strawberry CVE-2025-22151) ---------------------------------------------


def test_an_identifier_renamed_to_another_type_goes_through_that_types_scope(panel: Panel) -> None:
    """Keys of rows out of reach under every type's name: null, or the row of the named type that one does reach."""
    text = "query Node($id: ID!) { node(id: $id) { __typename id } }"
    for person in (LEAD, OFFICE, ADVISER, *WITHOUT_ROWS):
        eyes = panel.eyes(person)
        for table in TABLES.values():
            keys = [row.id for row in panel.world.all(table)]
            for key in {*keys[:: max(1, len(keys) // 6)]}:
                for claimed, claimed_table in TABLES.items():
                    row = next((one for one in panel.world.of(claimed_table, "id", key)), None)
                    found = panel.ask(person, text, {"id": global_id(claimed, key)}).data["node"]
                    expected = row is not None and eyes.finds_node(claimed, row)
                    shown = {"__typename": claimed, "id": global_id(claimed, key)} if expected else None
                    assert found == shown, f"{claimed}:{key} by {person}"


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_what_is_no_node_or_was_never_issued_is_null(panel: Panel) -> None:
    """Types that have rows but are no nodes, the schema's own types, and other spellings of a good identifier."""
    case = panel.eyes(LEAD).rows("Case", "case_record")[0]
    no_nodes = ["Task", "Alert", "Approval", "Caregiver", "AccessBlock", "Viewer", "Profile", "StudentChoice", "Correction",
                "AccessLogEntry", "Query", "Node", "String", "__Schema", "__Type", "CaseOwner", "case", "CASE", "case_record", ""]  # fmt: skip
    spellings = [
        f"Case:0{case.id}", f"Case: {case.id}", f"Case:{case.id} ", f"Case:+{case.id}", f"Case:{case.id}:1", f"Case:-{case.id}",
        f"Case:{case.id}.0", f"Case:{2**63 - 1}", f"Case:{2**63}", f"Case:{2**64 + case.id}", "Case:", "Case", "Case:١", "Case:1e0",
        f"Case\0:{case.id}", f"Case:{case.id} OR 1=1", f"Student:{case.id}';--",
    ]  # fmt: skip
    raw = ["", "=", "a", "ā", str(case.id), case.number, global_id("Case", case.id) + "=", global_id("Case", case.id) + "==",
           " " + global_id("Case", case.id), "🙂", "%00", "../../etc/passwd"]  # fmt: skip
    told = set()
    for identifier in (*(encoded(f"{name}:{case.id}") for name in no_nodes), *map(encoded, spellings), *raw):
        answer = panel.ask(LEAD, "query Node($id: ID!) { node(id: $id) { id __typename } }", {"id": identifier})
        told.add(answer.text)
        assert answer.data == {"node": None}, (identifier, answer.text)
        assert panel.ask(LEAD, "query S($id: ID!) { student(id: $id) { id } }", {"id": identifier}).data == {"student": None}
    assert len(told) == 1


def test_a_plan_made_for_one_types_identifier_is_not_used_for_another(panel: Panel) -> None:
    """The same document and roles, identifiers of each type in turn, twice over."""
    text = (
        "query Node($id: ID!) { node(id: $id) { __typename id ... on Case { number } ... on Student { fullName }"
        " ... on User { displayName } ... on Organisation { name } } }"
    )
    eyes = panel.eyes(LEAD)
    rows = [(name, next(row for row in panel.world.all(table) if eyes.finds_node(name, row))) for name, table in TABLES.items()]
    for name, row in (*rows, *reversed(rows)):
        assert panel.ask(LEAD, text, {"id": global_id(name, row.id)}).data["node"]["__typename"] == name


# The forbidden answers as the missing does (GitLab CVE-2026-6713) -------------------------------------------------


def test_a_row_out_of_scope_answers_byte_for_byte_as_one_that_is_not(panel: Panel) -> None:
    world = panel.world
    for person in (LEAD, CONTACT, OFFICE, SECOND_LEAD, WORKFLOW, ADVISER):
        eyes = panel.eyes(person)
        for type_name, table in TABLES.items():
            hidden = [row for row in world.all(table) if not eyes.finds_node(type_name, row)]
            text = f"query M($id: ID!) {{ node(id: $id) {{ id ... on {type_name} {{ __typename }} }} }}"
            told = {
                (answer.status, answer.text, answer.headers["content-length"])
                for key in (*(row.id for row in hidden[:: max(1, len(hidden) // 5)]), 10**9, 2**62)
                for answer in [panel.ask(person, text, {"id": global_id(type_name, key)})]
            }
            assert len(told) == 1, f"{type_name} by {person}: {told}"


def test_numbers_and_references_out_of_scope_answer_byte_for_byte_as_missing_ones(panel: Panel) -> None:
    """Cases, requests, drafts and students of other schools, and of a student that a block keeps away."""
    world = panel.world
    lookups = {
        "query L($v: String!) { case(number: $v) { id number student { fullName } } }": ("Case", "case_record", "number", "99999999"),
        "query L($v: String!) { request(number: $v) { id status } }": ("Request", "request", "number", "999999999"),
        "query L($v: String!) { request(reference: $v) { id status } }": ("Request", "request", "reference", "999999999"),
    }
    for person in (LEAD, CONTACT, SECOND_LEAD, WORKFLOW, ADVISER, PRIVACY):
        eyes = panel.eyes(person)
        for text, (type_name, table, column, missing) in lookups.items():
            hidden = [row for row in world.all(table) if not eyes.reaches(type_name, row) and getattr(row, column)]
            blocked = [row for row in hidden if eyes.is_blocked(row.student_id)]
            tried = [getattr(row, column) for row in (*blocked, *hidden[:: max(1, len(hidden) // 8)])]
            told = {(a.status, a.text) for value in (*tried, missing) for a in [panel.ask(person, text, {"v": value})]}
            assert len(told) == 1, f"{text} by {person}: {told}"


# Totals and pages count what is visible, and nothing else (GitLab) ------------------------------------------------


@pytest.mark.parametrize("person", WITH_ROWS, ids=str)
def test_totals_and_pages_count_visible_rows_only(panel: Panel, person: Person) -> None:
    """Every page but the last is full, and the pages add up to the total, which is what the policy lets one reach."""
    eyes = panel.eyes(person)
    for name, (type_name, table) in {
        "cases": ("Case", "case_record"), "requests": ("Request", "request"), "students": ("Student", "student"),
    }.items():  # fmt: skip
        expected = {global_id(type_name, row.id) for row in eyes.rows(type_name, table)}
        seen: list[str] = []
        after = None
        while True:
            text = f"query P($a: String) {{ {name}(first: 40, after: $a) {{ totalCount nodes {{ id }} pageInfo {{ endCursor hasNextPage }} }} }}"
            part = panel.ask(person, text, {"a": after}).data[name]
            assert part["totalCount"] == len(expected)
            seen += [node["id"] for node in part["nodes"]]
            after = part["pageInfo"]["endCursor"]
            if not part["pageInfo"]["hasNextPage"]:
                break
            assert len(part["nodes"]) == 40, "a short page tells how many rows were taken out of it"
        assert len(seen) == len(set(seen))
        assert set(seen) == expected


@pytest.mark.parametrize("person", WITH_ROWS, ids=str)
def test_totals_below_a_case_count_visible_rows_only(panel: Panel, person: Person) -> None:
    """Comments, events, files, requests of each case: the office counts its own, schools what is shared with them."""
    eyes, world = panel.eyes(person), panel.world
    lists = {"comments": ("Comment", "comment"), "events": ("Event", "event"), "files": ("File", "file"), "requests": ("Request", "request")}
    below = " ".join(f"{name}(first: 1) {{ totalCount nodes {{ id }} }}" for name in lists)
    whole = panel.ask(person, f"{{ cases(first: 60) {{ nodes {{ id {below} }} }} }}").data["cases"]["nodes"]
    for case in whole:
        key = next(row.id for row in world.all("case_record") if global_id("Case", row.id) == case["id"])
        for name, (type_name, table) in lists.items():
            if case[name] is None:
                assert eyes.redaction("Case", name) == "ROLE"
                continue
            visible = [row for row in world.of(table, "case_id", key) if eyes.reaches(type_name, row)]
            assert case[name]["totalCount"] == len(visible), f"{name} of {case['id']}"
            assert len(case[name]["nodes"]) == min(1, len(visible))


# No role sees all (administrators and support staff saw everything "by role") -------------------------------------


def test_administrators_authorisers_and_analysts_reach_no_row_by_any_way(panel: Panel) -> None:
    world = panel.world
    case, student = world.all("case_record")[0], world.all("student")[0]
    text = (
        "query A($c: ID!, $s: ID!, $n: String!) { case(number: $n) { id } cases { totalCount } students { totalCount }"
        " requests { totalCount } student(id: $s) { id } a: node(id: $c) { id } b: node(id: $s) { id }"
        ' studentChoices(search: "") { id } }'
    )
    values = {"c": global_id("Case", case.id), "s": global_id("Student", student.id), "n": case.number}
    for person in WITHOUT_ROWS:
        answer = panel.ask(person, text, values)
        assert set(answer.data.values()) == {None}
        assert set(answer.codes) == {"FORBIDDEN"}


# Error texts tell nothing of the inside ---------------------------------------------------------------------------

INSIDE = re.compile(
    r"sqlalchemy|sqlite|asyncpg|postgres|strawberry|graphql\.|Traceback|\.py\b|SELECT |FROM |ascms[./]|/usr|/home|case_record|"
    r"user_account|NoneType|object at 0x|KeyError|ValueError|TypeError",
)
WRONG = [
    "{", "{ cases { nodes { nothing } } }", "{ nothing }", "{ cases(first: 1.5) { totalCount } }", "{ cases }",
    '{ cases(where: {openedAt: {eq: "yesterday"}}) { totalCount } }', '{ cases(where: {openedAt: {eq: 5}}) { totalCount } }',
    '{ cases(where: {student: {dateOfBirth: {eq: "2010-02-30"}}}) { totalCount } }', "{ cases(first: -1) { totalCount } }",
    "{ cases(first: 99999999999) { totalCount } }", '{ cases(after: "x") { totalCount } }', "{ request { id } }",
    "mutation { nothing }", "subscription { nothing }", "query A { viewer { roles } } query B { viewer { roles } }",
    '{ cases(where: {status: {eq: "OPEN"}}) { totalCount } }', "{ cases(orderBy: {field: NSN}) { totalCount } }",
    "fragment A on Case { id }", "query ($a: Nothing) { viewer { roles } }", "query ($a: Int!) { cases(first: $a) { totalCount } }",
    '{ cases(where: {openedAt: {lt: "9999-12-31T23:59:59-14:00"}}) { totalCount } }', "{ ...A } fragment A on Query { ...A }",
]  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_an_error_tells_nothing_of_the_inside(panel: Panel, text: str) -> None:
    answer = panel.ask(LEAD, text)
    assert answer.status == 400, answer.text
    assert answer.errors
    for error in answer.errors:
        assert set(error) <= {"message", "locations", "path", "extensions"}
        assert set(error["extensions"]) == {"code"}
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert not INSIDE.search(error["message"]), error["message"]


def test_text_with_any_character_is_answered_the_same_on_both_databases(panel: Panel) -> None:
    """NUL ends a text in one database and is no character in the other; neither may show."""
    answered = [
        panel.ask(LEAD, "query T($t: String) { cases(search: $t) { totalCount } }", {"t": "\0"}),
        panel.ask(LEAD, '{ cases(where: {number: {contains: "\\u0000"}}) { totalCount } }'),
        panel.ask(LEAD, "query T($t: String!) { case(number: $t) { id } }", {"t": "00307473\0"}),
        panel.ask(LEAD, 'query T($t: String!) { studentChoices(search: $t) { id } }', {"t": "\0"}),
    ]
    for answer in answered:
        assert "INTERNAL" not in answer.text
        assert answer.status == 400 or not any(
            part for part in answer.data.values() if part and (part == [] or part["totalCount"] != 0)
        ), answer.text


def test_literals_are_written_as_graphql_writes_them() -> None:
    """The attacks are what they seem to be."""
    assert literal({"student": {"gender": {"in": [Name("M")]}}}) == "{student: {gender: {in: [M]}}}"

"""Ways around the policy that rows and fields invite, in every form and for every role.

How others have leaked is told one by one in `test_others_leaks.py`. Here and in the modules beside it what happened
there is tried through and through:

| what | tried in |
| --- | --- |
| a hidden field in a filter or an order, by a literal or a variable; searches | `test_leaks_by_arguments.py` |
| cursors | `test_leaks_by_cursors.py` |
| what changes tell others: watchers, timelines, times | `test_leaks_by_changes.py` |
| log lines, metrics, letters | `test_leaks_by_logs.py` |
| how long it takes, and what it takes | `test_leaks_by_time.py` |
| interfaces, derived fields, `node`, the forbidden told from the missing, totals, roles that see everything | here |
| small documents that cost minutes | `test_floods.py` |
"""

import base64
import json
import re

import pytest

from tests.contract.conftest import Panel
from tests.contract.oracle import Person
from tests.contract.people import (
    ADVISER,
    BOTH,
    CONTACT,
    EVERYONE,
    LEAD,
    OFFICE,
    PRIVACY,
    SECOND_LEAD,
    WITH_ROWS,
    WITHOUT_ROWS,
    WORKFLOW,
)
from tests.contract.world import TABLES, global_id

# Interfaces and fragments (Apollo Federation GHSA-mx7m-j9xf-62hw) -------------------------------------------------

WAYS = {
    "direct": "query W($id: ID!) { node(id: $id) { ... on Student { SECRET } } }",
    "named": "query W($id: ID!) { node(id: $id) { ...A } } fragment A on Student { SECRET }",
    "through the interface": "query W($id: ID!) { node(id: $id) { ... on Node { ... on Student { SECRET } } } }",
    "named, through the interface": "query W($id: ID!) { node(id: $id) { ...A } } fragment A on Node { id ...B }"
    " fragment B on Student { SECRET }",
    "without a type": "query W($id: ID!) { node(id: $id) { ... { ... on Student { SECRET } } } }",
    "aliased": "query W($id: ID!) { node(id: $id) { ... on Student { fullName: SECRET } } }",
    "included": "query W($id: ID!, $yes: Boolean = true) { node(id: $id) { ... on Student @include(if: $yes) {"
    " ...A @skip(if: false) } } } fragment A on Student { SECRET }",
    "beside": "query W($id: ID!) { node(id: $id) { __typename ... on Case { number } ... on Student { fullName }"
    " ... on Student { SECRET } } }",
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
        "{ cases(first: 100) { nodes { owner { ...U ...O } } } }"
        " fragment U on User { username lastSignedInAt assignments { role } }"
        " fragment O on Organisation { name members { totalCount } }",
    )
    shown = {
        value for node in answer.data["cases"]["nodes"] for key, value in (node["owner"] or {}).items() if key != "name"
    }
    assert shown == {None}
    assert {"User.username", "User.lastSignedInAt", "User.assignments"} <= set(answer.redacted)


# Derived fields (Apollo Federation GHSA-m8jr-fxqx-8xx6) -----------------------------------------------------------


def test_reasons_of_actions_tell_nothing_hidden(panel: Panel) -> None:
    """`viewerCan` says who may, never how many tasks are open or that another case exists, to those who see neither."""
    for person in (LEAD, CONTACT, OFFICE, BOTH, ADVISER, PRIVACY):
        answer = panel.ask(
            person, "{ cases(first: 100) { nodes { number status viewerCan { action allowed reason } } } }"
        )
        by_status: dict[str, set[str]] = {}
        for node in answer.data["cases"]["nodes"]:
            theirs = [one for one in node["viewerCan"] if not one["allowed"]]
            assert not [one for one in theirs if re.search(r"\d|task|another", one["reason"])], node
            provider_actions = [
                one for one in node["viewerCan"] if one["action"] in {"closeCase", "reopenCase", "pauseCase"}
            ]
            by_status.setdefault(node["status"], set()).add(json.dumps(provider_actions))
        assert {len(said) for said in by_status.values()} == {1}, "a reason differs between cases of one status"


def test_a_protected_student_is_not_announced(panel: Panel) -> None:
    """Redactions come from the plan: the answer about a protected student differs in no word from another's."""
    eyes, world = panel.eyes(CONTACT), panel.world
    students = {bool(row.protected): row for row in eyes.rows("Student", "student")}
    if set(students) != {True, False}:
        eyes, students = (
            panel.eyes(LEAD),
            {bool(row.protected): row for row in panel.eyes(LEAD).rows("Student", "student")},
        )
    assert set(students) == {True, False}
    text = "query P($id: ID!) { student(id: $id) { address caregivers { name } school { name } } }"
    person = eyes.person
    told = {
        json.dumps(panel.ask(person, text, {"id": global_id("Student", row.id)}).body["extensions"])
        for row in students.values()
    }
    assert len(told) == 1
    assert world.is_protected(students[True].id)


def test_alerts_name_nobody_and_lead_only_where_the_viewer_reaches(panel: Panel) -> None:
    world = panel.world
    names = {row.full_name for row in world.all("student")} | {
        row.known_as for row in world.all("student") if row.known_as
    }
    for person in EVERYONE:
        answer = panel.ask(
            person,
            "{ viewer { alerts(first: 100) { totalCount nodes {"
            " id kind createdAt readAt case { number } request { reference } } } } }",
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
    """Keys of rows of each type under every type's name: null, or the row of the named type that one does reach."""
    world = panel.world
    keys = {row.id for table in TABLES.values() for row in world.all(table)[:: max(1, len(world.all(table)) // 2)]}
    claims = [(type_name, key) for type_name in TABLES for key in sorted(keys)]
    for person in (LEAD, OFFICE, ADVISER, WITHOUT_ROWS[0]):
        eyes = panel.eyes(person)
        for start in range(0, len(claims), 60):
            part = claims[start : start + 60]
            nodes = [
                f'n{place}: node(id: "{global_id(*claim)}") {{ __typename id }}' for place, claim in enumerate(part)
            ]
            found = panel.ask(person, f"{{ {' '.join(nodes)} }}").data
            for place, (type_name, key) in enumerate(part):
                row = next(iter(world.of(TABLES[type_name], "id", key)), None)
                reached = row is not None and eyes.finds_node(type_name, row)
                expected = {"__typename": type_name, "id": global_id(type_name, key)} if reached else None
                assert found[f"n{place}"] == expected, f"{type_name}:{key} by {person}"


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_what_is_no_node_or_was_never_issued_is_null(panel: Panel) -> None:
    """Types that have rows but are no nodes, the schema's own types, and other spellings of a good identifier."""
    case = panel.eyes(LEAD).rows("Case", "case_record")[0]
    good = global_id("Case", case.id)
    no_nodes = [
        "Task", "Alert", "Approval", "Caregiver", "AccessBlock", "Viewer", "Profile", "StudentChoice", "Correction",
        "UnprotectRequest",
        "AccessLogEntry", "Query", "Node", "String", "__Schema", "__Type", "CaseOwner", "case", "CASE", "case_record",
    ]  # fmt: skip
    keys = [
        f"0{case.id}", f" {case.id}", f"{case.id} ", f"+{case.id}", f"-{case.id}", f"{case.id}:1", f"{case.id}.0",
        f"{2**63 - 1}", f"{2**63}", f"{2**64 + case.id}", f"{case.id} OR 1=1", f"{case.id}';--", "", "١", "1e0",
    ]  # fmt: skip
    spellings = [
        *(f"{name}:{case.id}" for name in no_nodes),
        *(f"Case:{key}" for key in keys),
        "Case",
        f"Case\0:{case.id}",
    ]
    raw = ["", "=", "a", "ā", str(case.id), case.number, f"{good}=", f"{good}==", f" {good}", "🙂", "../../etc/passwd"]
    told = set()
    for identifier in (*map(encoded, spellings), *raw):
        answer = panel.ask(LEAD, "query Node($id: ID!) { node(id: $id) { id __typename } }", {"id": identifier})
        told.add(answer.text)
        assert answer.data == {"node": None}, (identifier, answer.text)
        assert panel.ask(LEAD, "query S($id: ID!) { student(id: $id) { id } }", {"id": identifier}).data == {
            "student": None
        }
    assert len(told) == 1


def test_a_plan_made_for_one_types_identifier_is_not_used_for_another(panel: Panel) -> None:
    """The same document and roles, identifiers of each type in turn, twice over."""
    text = (
        "query Node($id: ID!) { node(id: $id) { __typename id ... on Case { number } ... on Student { fullName }"
        " ... on User { displayName } ... on Organisation { name } } }"
    )
    eyes = panel.eyes(LEAD)
    rows = [
        (name, next(row for row in panel.world.all(table) if eyes.finds_node(name, row)))
        for name, table in TABLES.items()
    ]
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
        "query L($v: String!) { case(number: $v) { id number student { fullName } } }": (
            "Case",
            "case_record",
            "number",
            "99999999",
        ),
        "query L($v: String!) { request(number: $v) { id status } }": ("Request", "request", "number", "999999999"),
        "query L($v: String!) { request(reference: $v) { id status } }": (
            "Request",
            "request",
            "reference",
            "999999999",
        ),
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
            text = (
                f"query P($a: String) {{ {name}(first: 40, after: $a) {{"
                " totalCount nodes { id } pageInfo { endCursor hasNextPage } } }"
            )
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
    lists = {
        "comments": ("Comment", "comment"),
        "events": ("Event", "event"),
        "files": ("File", "file"),
        "requests": ("Request", "request"),
    }
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
    r"sqlalchemy|sqlite|asyncpg|postgres|strawberry|graphql\.|Traceback|\.py\b|SELECT |FROM |ascms[./]|/usr|/home|"
    r"case_record|user_account|NoneType|object at 0x|KeyError|ValueError|TypeError",
)
WRONG = [
    "{",
    "{ cases { nodes { nothing } } }",
    "{ nothing }",
    "{ cases(first: 1.5) { totalCount } }",
    "{ cases }",
    '{ cases(where: {openedAt: {eq: "yesterday"}}) { totalCount } }',
    "{ cases(where: {openedAt: {eq: 5}}) { totalCount } }",
    '{ cases(where: {student: {dateOfBirth: {eq: "2010-02-30"}}}) { totalCount } }',
    "{ cases(first: -1) { totalCount } }",
    "{ cases(first: 99999999999) { totalCount } }",
    '{ cases(after: "x") { totalCount } }',
    "{ request { id } }",
    "mutation { nothing }",
    "subscription { nothing }",
    "query A { viewer { roles } } query B { viewer { roles } }",
    '{ cases(where: {status: {eq: "OPEN"}}) { totalCount } }',
    "{ cases(orderBy: {field: NSN}) { totalCount } }",
    "fragment A on Case { id }",
    "query ($a: Nothing) { viewer { roles } }",
    "query ($a: Int!) { cases(first: $a) { totalCount } }",
    '{ cases(where: {openedAt: {lt: "9999-12-31T23:59:59-14:00"}}) { totalCount } }',
    "{ ...A } fragment A on Query { ...A }",
]


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
        panel.ask(LEAD, "query T($t: String!) { studentChoices(search: $t) { id } }", {"t": "\0"}),
    ]
    for answer in answered:
        assert "INTERNAL" not in answer.text
        assert answer.status == 400 or not any(
            part for part in answer.data.values() if part and (part == [] or part["totalCount"] != 0)
        ), answer.text

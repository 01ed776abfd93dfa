"""Small requests that cost minutes elsewhere (Apollo Router's fragment reuse, GitLab CVE-2025-12664).

What a request costs is bounded before it runs, and whatever is too much is refused in words: never an internal
error, never at everyone's cost. What planning one takes is compared with what the case view takes, in one process.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.contract.conftest import Panel
from tests.contract.oracle import Person
from tests.contract.people import BOTH, LEAD

MOST = 100
"""What planning a flood may take, as a multiple of the case view: ten times what the worst of them takes."""
TOO_MUCH = {
    "BAD_USER_INPUT",
    "QUERY_TOO_COSTLY",
    "TOO_DEEP",
    "TOO_MANY_ALIASES",
    "TOO_MANY_FIELDS",
    "TOO_MANY_LISTS",
    "TOO_MANY_REPEATED_FIELDS",
    "TOO_MANY_TOKENS",
}
FILTER = "query Flood($w: CaseFilter) { cases(first: 1, where: $w) { totalCount } }"
SEARCH = "query Flood($s: String) { cases(first: 1, search: $s) { totalCount } }"
ORDER = "query Flood($o: [CaseOrder!]) { cases(first: 1, orderBy: $o) { nodes { id } } }"


def reused_fragments(levels: int) -> str:
    """Each fragment asks for the next twice: 2 to the power of `levels` fields in a document of `levels` lines."""
    page = "cases(first: 1) {{ nodes {{ ...f{0} }} }}"
    fragments = [
        f"fragment f{level} on Case {{ a: student {{ {below} }} b: student {{ {below} }} }}"
        for level in range(levels)
        for below in [page.format(level + 1)]
    ]
    return f"{{ {page.format(0)} }} {' '.join(fragments)} fragment f{levels} on Case {{ id }}"


def spread_side_by_side(count: int) -> str:
    """Many fragments at one place, each compared with each."""
    fragments = " ".join(f"fragment f{number} on Case {{ id }}" for number in range(count))
    return f"{{ cases(first: 1) {{ nodes {{ {' '.join(f'...f{number}' for number in range(count))} }} }} }} {fragments}"


def spread_again(levels: int) -> str:
    """Each fragment spreads the next twice at the same place."""
    fragments = [f"fragment f{level} on Case {{ ...f{level + 1} ...f{level + 1} }}" for level in range(levels)]
    return f"{{ cases(first: 1) {{ nodes {{ ...f0 }} }} }} {' '.join(fragments)} fragment f{levels} on Case {{ id }}"


def aliased(field: str, times: int, around: str = "{ FIELDS }") -> str:
    return around.replace("FIELDS", " ".join(f"a{place}: {field}" for place in range(times)))


def nested(member: str, times: int) -> dict[str, Any]:
    value: dict[str, Any] = {"number": {"eq": "00307473"}}
    for _ in range(times):
        value = {member: value if member == "not" else [value]}
    return value


def grouped(times: int, what: dict[str, Any]) -> dict[str, Any]:
    """As many alternatives of as many alternatives."""
    return {"or": [{"or": [what] * times}] * times}


ONE_CASE = "{ cases(first: 1) { nodes { FIELDS } } }"
FLOODS: dict[str, tuple[str, dict[str, Any]]] = {
    "reused fragments": (reused_fragments(40), {}),
    "reused fragments, as deep as may be": (reused_fragments(7), {}),
    "fragments spread again": (spread_again(150), {}),
    "fragments spread again, as deep as may be": (spread_again(49), {}),
    "fragments side by side": (spread_side_by_side(1_400), {}),
    "aliased lists": (aliased("cases(first: 1) { nodes { id } }", 1_000), {}),
    "aliased lists, as many as may be": (aliased("cases(first: 1) { nodes { id } }", 200), {}),
    "aliased totals, as many as may be": (aliased("cases { totalCount }", 200), {}),
    "aliased edges, as many as may be": (aliased("student { b: school { name } }", 100, ONE_CASE), {}),
    "aliased computed fields, as many as may be": (aliased("viewerCan { action }", 200, ONE_CASE), {}),
    "aliased identifiers, as many as may be": (aliased('node(id: "Q2FzZTox") { id }', 200), {}),
    "the same page again, as often as may be": (
        f"{{ {'cases(first: 1) { nodes { student { school { name } } } } ' * 26} }}",
        {},
    ),
    "aliased totals": (aliased("cases { totalCount }", 1_200), {}),
    "aliased whole pages": (aliased("cases(first: 100) { nodes { events(first: 100) { nodes { id } } } }", 200), {}),
    "aliased columns": (aliased("number", 3_000, ONE_CASE), {}),
    "aliased edges": (aliased("student { b: school { name } }", 1_000, ONE_CASE), {}),
    "aliased computed fields": (aliased("viewerCan { action }", 500, ONE_CASE), {}),
    "aliased identifiers": (aliased('node(id: "Q2FzZTox") { id }', 1_000), {}),
    "the same field again": (f"{{ viewer {{ {'missing ' * 14_000} }} }}", {}),
    "members that there are none of": (
        f"{{ cases(where: {{ {aliased('1', 3_500, 'FIELDS')} }}) {{ totalCount }} }}",
        {},
    ),
    "a deep document": (f"{{ cases {{ nodes {{ {'student { cases { nodes { ' * 400}id{' } } }' * 400} }} }} }}", {}),
    "a deep literal": (f"{{ cases(where: {'{not: ' * 800}{{}}{'}' * 800}) {{ totalCount }} }}", {}),
    "a deep filter": (FILTER, {"w": nested("not", 300)}),
    "a deep filter of lists": (FILTER, {"w": nested("or", 150)}),
    "a long list of numbers": (FILTER, {"w": {"number": {"in": [str(place) for place in range(40_000)]}}}),
    "a long list of year levels": (FILTER, {"w": {"student": {"yearLevel": {"in": list(range(5_000))}}}}),
    "many alternatives": (FILTER, {"w": {"or": [{"number": {"eq": str(place)}} for place in range(5_000)]}}),
    "alternatives of alternatives": (FILTER, {"w": grouped(69, {"number": {"eq": "00307473"}})}),
    "alternatives that say nothing": (FILTER, {"w": grouped(69, {})}),
    "alternatives without a value": (FILTER, {"w": grouped(60, {"number": {"eq": None}})}),
    "alternatives, as many as may be": (FILTER, {"w": {"or": [{"number": {"eq": "00307473", "contains": "3"}}] * 199}}),
    "one filter in many lists": (
        aliased("cases(where: $w) { totalCount }", 100, "query Flood($w: CaseFilter) { FIELDS }"),
        {"w": {"or": [{"number": {"eq": None}}] * 190}},
    ),
    "many providers": (FILTER, {"w": {"or": [{"provider": {"in": ["5001"] * 200}}] * 12}}),
    "many sort keys": (ORDER, {"o": [{"field": "NUMBER"}] * 3_000}),
    "a long search": (SEARCH, {"s": "a" * 200_000}),
    "a long search of wildcards": (SEARCH, {"s": "%_" * 40_000}),
}


@pytest.mark.nightly
def test_planning_a_flood_takes_little_more_than_planning_what_is_usual() -> None:
    """Parsed, validated and planned, or refused; an endless one ends with the process."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.contract.planned"], input=json.dumps(FLOODS),
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    told = [json.loads(line) for line in done.stdout.splitlines()]
    unanswered = list(FLOODS)[len(told) :]
    assert not unanswered, f"{unanswered[0]}: ended with {done.returncode}: {done.stderr[-2_000:]}"
    assert {outcome for _, outcome, _ in told} <= {"PLANNED", *TOO_MUCH}
    assert not [(name, times) for name, _, times in told if times > MOST]


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_is_answered_or_refused_in_words_on_both_databases(panel: Panel, name: str) -> None:
    """No limit of a database (columns, parameters, depth of an expression) is met as an internal error."""
    query, variables = FLOODS[name]
    answer = panel.ask(LEAD, query, variables)
    assert answer.status in {200, 400}, answer.text[:500]
    assert set(answer.codes) <= TOO_MUCH
    assert "data" in answer.body or answer.codes
    assert "data" in answer.body or len(answer.text) < 20_000


def test_too_much_to_compare_is_told_so(panel: Panel) -> None:
    answer = panel.ask(LEAD, spread_side_by_side(1_400))
    assert (answer.status, answer.codes) == (400, ["TOO_MANY_FIELDS"])
    assert "spreads more fragments beside each other" in answer.errors[0]["message"]


def test_the_limits_leave_room_for_what_people_ask(panel: Panel) -> None:
    """A hundred of one page's numbers, ten alternatives, three sort keys, the longest name: answered."""
    everyday: list[tuple[str, dict[str, Any]]] = [
        (FILTER, {"w": {"number": {"in": [f"{place:08}" for place in range(100)]}}}),
        (FILTER, {"w": {"or": [{"number": {"contains": str(place)}} for place in range(10)]}}),
        (ORDER, {"o": [{"field": name} for name in ("STATUS", "TYPE", "OPENED_AT")]}),
        (SEARCH, {"s": "Te Whare Wānanga o Awanuiārangi " * 3}),
        (aliased("cases(first: 1) { totalCount nodes { id } }", 10), {}),
    ]
    for query, variables in everyday:
        answer = panel.ask(LEAD, query, variables)
        assert answer.status == 200, answer.text[:500]
        assert not answer.errors


def many(count: int) -> list[str]:
    return [f"{number:08}" for number in range(count)]


@pytest.mark.parametrize(
    "where",
    [
        {"number": {"in": many(1200)}},
        {"or": [{"number": {"eq": number}} for number in many(1200)]},
        {"and": [{"number": {"eq": number}} for number in many(3000)]},
        {"student": {"ethnicities": {"in": many(1200)}}},
        {"primaryContact": {"in": many(1200)}},
    ],
)
def test_long_lists_in_filters_are_refused_with_the_limit(panel: Panel, where: dict[str, Any]) -> None:
    document = "query Long($where: CaseFilter!) { cases(where: $where) { totalCount } }"
    answer = panel.ask(LEAD, document, {"where": where})
    assert answer.codes == ["BAD_USER_INPUT"]
    assert "give 200 at most" in answer.errors[0]["message"]


def test_lists_as_long_as_they_may_be_are_answered(panel: Panel) -> None:
    document = "query Long($where: CaseFilter!) { cases(where: $where) { totalCount } }"
    for where in (
        {"number": {"in": ["00307473", *many(199)]}},
        {"or": [{"number": {"eq": number}} for number in ["00307473", *many(199)]]},
    ):
        assert panel.ask(LEAD, document, {"where": where}).data == {"cases": {"totalCount": 1}}


@pytest.mark.parametrize("root", ["cases", "students", "requests", "organisations"])
def test_long_searches_are_refused_with_the_limit(panel: Panel, root: str) -> None:
    answer = panel.ask(LEAD, f'{{ {root}(search: "{"x" * 60_000}") {{ totalCount }} }}')
    assert answer.codes == ["BAD_USER_INPUT"]
    assert "1,000" in answer.errors[0]["message"]


@pytest.mark.parametrize("text", ["\\u0000", "\\\\", "%", "_", "'", "“", "😀"])
def test_odd_texts_find_nothing_or_are_refused(panel: Panel, text: str) -> None:
    answer = panel.ask(LEAD, f'{{ cases(search: "{text}") {{ totalCount }} case(number: "{text}") {{ id }} }}')
    assert answer.codes == ["BAD_USER_INPUT"] if text == "\\u0000" else answer.data["case"] is None


def test_no_value_means_no_entry_in_a_list(panel: Panel) -> None:
    """`eq: null` finds cases without barriers, `not` the others; where one may not see them, they read as none."""
    document = """{ all: cases { totalCount }
      without: cases(where: { barriers: { eq: null } }) { totalCount }
      with: cases(where: { not: { barriers: { eq: null } } }) { totalCount }
      iwi: cases(where: { student: { iwi: { eq: null } } }) { totalCount }
      seen: cases(first: 100) { nodes { barriers { code } student { iwi { code } } } } }"""
    for person in (LEAD, BOTH):
        data = panel.ask(person, document).data
        nodes = data["seen"]["nodes"]
        without = sum(not node["barriers"] for node in nodes)
        assert data["without"]["totalCount"] == without
        assert data["with"]["totalCount"] == data["all"]["totalCount"] - without
        assert data["iwi"]["totalCount"] == sum(not node["student"]["iwi"] for node in nodes)


def test_who_has_no_role_in_effect_is_told_why(panel: Panel) -> None:
    answer = panel.ask(Person("untrained@waikato-attendance.nz"), "{ cases { totalCount } }")
    assert answer.codes == ["FORBIDDEN"]
    assert "training" in answer.errors[0]["message"]


@pytest.mark.parametrize("member", ["number", "status", "type", "openedAt", "primaryContact", "provider", "barriers"])
def test_one_of_nothing_is_nothing(panel: Panel, member: str) -> None:
    document = f"{{ cases(where: {{ {member}: {{ in: [] }} }}) {{ totalCount }} }}"
    assert panel.ask(LEAD, document).data == {"cases": {"totalCount": 0}}

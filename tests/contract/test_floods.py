"""Small requests that cost minutes elsewhere (Apollo Router's fragment reuse, GitLab CVE-2025-12664).

What a request costs is bounded before it runs, and whatever is too much is refused in words: never an internal
error. CPU time is bounded in a process of its own, generously: these documents took minutes or for ever.
"""

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.contract.conftest import Panel
from tests.contract.people import LEAD

CPU_SECONDS = 30
"""Ten times what the largest of them may need on a slow machine, its imports included."""
REFUSED = {"BAD_USER_INPUT", "QUERY_TOO_COSTLY"}
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


ONE_CASE = "{ cases(first: 1) { nodes { FIELDS } } }"
FLOODS: dict[str, tuple[str, dict[str, Any]]] = {
    "reused fragments": (reused_fragments(40), {}),
    "reused fragments, as many as a page may bring": (reused_fragments(14), {}),
    "fragments spread again": (spread_again(150), {}),
    "aliased lists": (aliased("cases(first: 1) { nodes { id } }", 1_200), {}),
    "aliased totals": (aliased("cases { totalCount }", 1_200), {}),
    "aliased whole pages": (aliased("cases(first: 100) { nodes { events(first: 100) { nodes { id } } } }", 200), {}),
    "aliased columns": (aliased("number", 3_000, ONE_CASE), {}),
    "aliased edges": (aliased("student { b: school { name } }", 1_000, ONE_CASE), {}),
    "aliased computed fields": (aliased("viewerCan { action }", 500, ONE_CASE), {}),
    "aliased identifiers": (aliased('node(id: "Q2FzZTox") { id }', 1_000), {}),
    "the same field again": (f"{{ viewer {{ {'missing ' * 14_000} }} }}", {}),
    "a deep document": (f"{{ cases {{ nodes {{ {'student { cases { nodes { ' * 400}id{' } } }' * 400} }} }} }}", {}),
    "a deep literal": (f"{{ cases(where: {'{not: ' * 800}{{}}{'}' * 800}) {{ totalCount }} }}", {}),
    "a deep filter": (FILTER, {"w": nested("not", 300)}),
    "a deep filter of lists": (FILTER, {"w": nested("or", 150)}),
    "a long list of numbers": (FILTER, {"w": {"number": {"in": [str(place) for place in range(40_000)]}}}),
    "a long list of year levels": (FILTER, {"w": {"student": {"yearLevel": {"in": list(range(5_000))}}}}),
    "many alternatives": (FILTER, {"w": {"or": [{"number": {"eq": str(place)}} for place in range(5_000)]}}),
    "many sort keys": (ORDER, {"o": [{"field": "NUMBER"}] * 3_000}),
    "a long search": (SEARCH, {"s": "a" * 200_000}),
    "a long search of wildcards": (SEARCH, {"s": "%_" * 40_000}),
}

ENDLESS = [name for name in FLOODS if name.startswith("reused")] + ["a long list of numbers", "aliased totals"]
"""What once took minutes or for ever."""


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))


@pytest.mark.parametrize("name", ENDLESS)
def test_planning_a_flood_ends_before_long(name: str) -> None:
    """Parsed, validated and planned, or refused, within the limit of CPU time."""
    query, variables = FLOODS[name]
    done = subprocess.run(
        [sys.executable, "-m", "tests.contract.planned"], input=json.dumps({"query": query, "variables": variables}),
        capture_output=True, text=True, check=False, preexec_fn=limited, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 0, f"ended with {done.returncode}: {done.stderr[-2_000:] or f'{CPU_SECONDS} s of CPU'}"
    assert done.stdout.strip() in {"PLANNED", *REFUSED}


@pytest.mark.parametrize("name", [name for name in FLOODS if not name.startswith("reused")])
def test_a_flood_is_answered_or_refused_in_words_on_both_databases(panel: Panel, name: str) -> None:
    """No limit of a database (columns, parameters, depth of an expression) is met as an internal error."""
    query, variables = FLOODS[name]
    answer = panel.ask(LEAD, query, variables)
    assert answer.status in {200, 400}, answer.text[:500]
    assert set(answer.codes) <= REFUSED


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

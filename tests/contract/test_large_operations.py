"""Large operations are answered or refused with what to do; never with an error of ours, never at everyone's cost."""

from typing import Any

import pytest

from tests.support.server import DemoServer

LEAD = "lead@test-college.school.nz"


def nested(levels: int) -> str:
    """Fragments that spread each other twice: short to write, long to spread."""
    page = "cases(first: 1) {{ nodes {{ ...F{0} }} }}"
    spread = [
        f"fragment F{level} on Case {{ a: student {{ {page.format(level + 1)} }}"
        f" b: student {{ {page.format(level + 1)} }} }}"
        for level in range(levels)
    ]
    last = f"fragment F{levels} on Case {{ number student {{ fullName }} }}"
    return "\n".join(['{ case(number: "00289396") { ...F0 } }', *spread, last])


@pytest.mark.parametrize("levels", [9, 12, 40])
def test_fragments_that_multiply_are_refused_before_they_are_planned(server: DemoServer, levels: int) -> None:
    answer = server.ask(LEAD, nested(levels))
    assert answer.codes == ["QUERY_TOO_COSTLY"]
    assert "data" not in answer.body


def test_many_root_objects_are_refused(server: DemoServer) -> None:
    roots = " ".join(f'n{number}: case(number: "{number:08}") {{ number }}' for number in range(500))
    assert server.ask(LEAD, f"{{ {roots} }}").codes == ["QUERY_TOO_COSTLY"]


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
def test_long_lists_in_filters_are_refused_with_the_limit(server: DemoServer, where: dict[str, Any]) -> None:
    document = "query Long($where: CaseFilter!) { cases(where: $where) { totalCount } }"
    answer = server.ask(LEAD, document, {"where": where})
    assert answer.codes == ["BAD_USER_INPUT"]
    assert "give 200 at most" in answer.errors[0]["message"]


def test_lists_as_long_as_they_may_be_are_answered(server: DemoServer) -> None:
    document = "query Long($where: CaseFilter!) { cases(where: $where) { totalCount } }"
    for where in (
        {"number": {"in": ["00307473", *many(199)]}},
        {"or": [{"number": {"eq": number}} for number in ["00307473", *many(199)]]},
    ):
        assert server.ask(LEAD, document, {"where": where}).data == {"cases": {"totalCount": 1}}


@pytest.mark.parametrize("root", ["cases", "students", "requests", "organisations"])
def test_long_searches_are_refused_with_the_limit(server: DemoServer, root: str) -> None:
    answer = server.ask(LEAD, f'{{ {root}(search: "{"x" * 60_000}") {{ totalCount }} }}')
    assert answer.codes == ["BAD_USER_INPUT"]
    assert "1,000" in answer.errors[0]["message"]


@pytest.mark.parametrize("text", ["\\u0000", "\\\\", "%", "_", "'", "“", "😀"])
def test_odd_texts_find_nothing_or_are_refused(server: DemoServer, text: str) -> None:
    answer = server.ask(LEAD, f'{{ cases(search: "{text}") {{ totalCount }} case(number: "{text}") {{ id }} }}')
    assert answer.codes == ["BAD_USER_INPUT"] if text == "\\u0000" else answer.data["case"] is None


def test_no_value_means_no_entry_in_a_list(server: DemoServer) -> None:
    """`eq: null` finds cases without barriers, `not` the others; where one may not see them, they read as none."""
    document = """{ all: cases { totalCount }
      without: cases(where: { barriers: { eq: null } }) { totalCount }
      with: cases(where: { not: { barriers: { eq: null } } }) { totalCount }
      iwi: cases(where: { student: { iwi: { eq: null } } }) { totalCount }
      seen: cases(first: 100) { nodes { barriers { code } student { iwi { code } } } } }"""
    for email in (LEAD, "both@test-college.school.nz"):
        data = server.ask(email, document).data
        nodes = data["seen"]["nodes"]
        without = sum(not node["barriers"] for node in nodes)
        assert data["without"]["totalCount"] == without
        assert data["with"]["totalCount"] == data["all"]["totalCount"] - without
        assert data["iwi"]["totalCount"] == sum(not node["student"]["iwi"] for node in nodes)


def test_who_has_no_role_in_effect_is_told_why(server: DemoServer) -> None:
    answer = server.ask("untrained@waikato-attendance.nz", "{ cases { totalCount } }")
    assert answer.codes == ["FORBIDDEN"]
    assert "training" in answer.errors[0]["message"]


@pytest.mark.parametrize("member", ["number", "status", "type", "openedAt", "primaryContact", "provider", "barriers"])
def test_one_of_nothing_is_nothing(server: DemoServer, member: str) -> None:
    document = f"{{ cases(where: {{ {member}: {{ in: [] }} }}) {{ totalCount }} }}"
    assert server.ask(LEAD, document).data == {"cases": {"totalCount": 0}}

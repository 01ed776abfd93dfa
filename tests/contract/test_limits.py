"""Each limit of a document has an error of its own, which says what was given, what is allowed, and what to do.

At the limit a document is answered, one beyond it is refused: docs/limits.md has the figures.
"""

from collections.abc import Callable

import pytest

from tests.support.server import DemoServer

LEAD = "lead@test-college.school.nz"


def deep(levels: int) -> str:
    """Fields below each other, all but two of them in a fragment."""
    chain = "ofType { " * (levels - 3)
    return f"{{ __schema {{ types {{ ...T }} }} }} fragment T on __Type {{ {chain} name {'} ' * (levels - 3)} }}"


def aliased(count: int) -> str:
    return f"{{ support {{ {' '.join(f'a{number}: phone' for number in range(count))} }} }}"


def repeated(count: int) -> str:
    """Repeated as it stands, in an inline fragment, and as a whole object."""
    return f"{{ support {{ phone {'phone ' * (count - 2)} ... {{ phone }} }} support {{ email }} }}"


def directed(count: int) -> str:
    return f"{{ support {{ phone {'... @include(if: true) { email } ' * count} }} }}".replace("email", "e: email", 1)


def nested_fragments(count: int) -> str:
    spread = " ".join(f"fragment f{number} on Support {{ ...f{number + 1} }}" for number in range(1, count))
    return f"{{ support {{ ...f1 }} }} {spread} fragment f{count} on Support {{ phone }}"


def tokens(count: int) -> str:
    """`{ support { phone } }` has six; an argument list of a comment's length none."""
    return "{ support { " + "phone " * (count - 5) + "} }"


def first(count: int) -> str:
    return f"{{ cases(first: {count}) {{ totalCount }} }}"


LIMITS: list[tuple[Callable[[int], str], int, str, str]] = [
    (deep, 25, "TOO_DEEP", "26 fields deep; 25 at most"),
    (nested_fragments, 50, "TOO_DEEP", "more than 50 deep"),
    (aliased, 200, "TOO_MANY_ALIASES", "201 aliases; 200 at most"),
    (repeated, 100, "TOO_MANY_REPEATED_FIELDS", "101 times"),
    (first, 100, "PAGE_TOO_LARGE", "first: 101; give 0 to 100"),
]


@pytest.mark.parametrize(("document", "limit", "code", "said"), LIMITS)
def test_at_the_limit_it_is_answered_and_beyond_it_refused(
    server: DemoServer, document: Callable[[int], str], limit: int, code: str, said: str
) -> None:
    answered = server.ask(LEAD, document(limit))
    assert (answered.status, answered.codes) == (200, []), answered.text[:500]
    refused = server.ask(LEAD, document(limit + 1))
    assert (refused.status, refused.codes) == (400, [code])
    assert "data" not in refused.body
    (error,) = refused.errors
    assert said in error["message"]
    assert error["extensions"]["limit"] == limit
    assert error["extensions"].get("given", limit + 1) == limit + 1


@pytest.mark.parametrize(
    ("document", "code", "limit"),
    [
        (directed(101), "TOO_MANY_DIRECTIVES", 100),
        (tokens(15_001), "TOO_MANY_TOKENS", 15_000),
        ("{ students(first: 100) { nodes { cases(first: 100) { nodes { events(first: 11) { nodes { id } } } } } } }",
         "QUERY_TOO_COSTLY", 100_000),
    ],
)  # fmt: skip
def test_whatever_is_too_much_is_refused_with_its_figure(
    server: DemoServer, document: str, code: str, limit: int
) -> None:
    refused = server.ask(LEAD, document)
    assert (refused.status, refused.codes) == (400, [code]), refused.text[:500]
    assert refused.errors[0]["extensions"]["limit"] == limit
    assert f"{limit:,}" in refused.errors[0]["message"]


def test_the_cost_multiplies_along_connections_and_is_what_the_rate_counts(server: DemoServer) -> None:
    """10 cases, each with its 10 events; a connection counts as well."""
    document = """{ cases(first: 10) { nodes { events(first: 10) { nodes { id } } } } viewer { rateLimit { cost } } }"""
    one = "{ viewer { rateLimit { cost } } }"
    cost = [server.ask(LEAD, text).data["viewer"]["rateLimit"]["cost"] for text in (document, one)]
    assert cost[0] - cost[1] == 1 + 10 * (1 + 1 + 10)


def test_what_a_variable_asks_for_is_limited_like_a_literal(server: DemoServer) -> None:
    document = "query Q($n: Int) { cases(first: $n) { totalCount } }"
    assert server.ask(LEAD, document, {"n": 100}).codes == []
    assert server.ask(LEAD, document, {"n": 101}).codes == ["PAGE_TOO_LARGE"]


@pytest.mark.parametrize("body", [[{"query": "{ support { phone } }"}], []])
def test_batching_is_off(server: DemoServer, body: object) -> None:
    headers = {"Authorization": f"Bearer {server.token(LEAD)}"}
    response = server.client.post("/graphql", json=body, headers=headers)
    assert response.status_code == 400
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == "BATCHING_OFF"
    assert "one by one" in error["message"]


def test_introspection_and_suggestions_are_on_and_can_be_turned_off(launch: Callable[..., DemoServer]) -> None:
    asks = {
        "{ __schema { types { name } } }": "INTROSPECTION_OFF",
        'query { ...F } fragment F on Query { __type(name: "Case") { name } }': "INTROSPECTION_OFF",
        "{ viewer { __typename } }": None,
    }
    for settings, off in (({}, False), ({"introspection": "false", "suggestions": "false"}, True)):
        server = launch("sqlite", **settings)
        for document, code in asks.items():
            assert server.ask(LEAD, document).codes == ([code] if off and code else [])
        assert server.client.get("/schema.graphql").status_code == (404 if off else 200)
        for mistaken, variables in (
            ("{ viewr { roles } }", {}),
            ("{ cases(frst: 1) { totalCount } }", {}),
            ("query Q($w: CaseFilter) { cases(where: $w) { totalCount } }", {"w": {"numbr": {"eq": "1"}}}),
        ):
            answer = server.ask(LEAD, mistaken, variables)
            assert answer.codes == ["BAD_USER_INPUT"]
            assert ("Did you mean" in answer.text) is not off

"""Apollo Client and urql as applications use them: with their caches, their errors, and what goes on."""

from pathlib import Path

import pytest

from tests.support.clients import asked_as, needs_clients, run
from tests.support.server import DemoServer

pytestmark = needs_clients
SCHEMA = Path(__file__).parents[2] / "schema.graphql"
LEAD = "lead@test-college.school.nz"
OFFICE = "office@test-college.school.nz"
NUMBER = "00307473"
NUMBERS = "{ cases(first: 100, orderBy: [{ field: NUMBER }]) { nodes { number } } }"
CASE = "query Case($number: String!) { case(number: $number) { number student { ethnicities { name } } } }"
FORBIDDEN = 'query Forbidden { cases(where: { outcome: { eq: "X" } }) { totalCount } }'
COMMENT = """mutation Comment($input: AddCommentInput!) {
  addComment(input: $input) { comment { body } problems { code } }
}"""
CHANGES = """subscription Changes($number: String!) {
  caseChanged(number: $number) { what case { student { ethnicities { name } } } }
}"""


@pytest.mark.parametrize("email", [LEAD, OFFICE])
def test_apollo_keeps_what_it_was_told_by_id(changing: DemoServer, email: str) -> None:
    seen = run("apollo-cache.mjs", given=asked_as(changing, email, schema=str(SCHEMA), number=NUMBER))
    expected = [case["number"] for case in changing.ask(email, NUMBERS).data["cases"]["nodes"]]
    assert seen["numbers"] == expected
    assert seen["requests"] == -(-len(expected) // 7)
    assert seen["after"] == seen["before"] + 1, "what a payload shows of a case is in the cache"
    assert seen["problems"] == [{"__typename": "InvalidInput", "code": "INVALID", "path": ["input", "body"]}]
    change = seen["heard"]["data"]["caseChanged"]
    assert change["what"] == "addComment"
    assert bool(change["case"]["student"]["ethnicities"]) == (email == LEAD)
    assert bool(seen["heard"]["extensions"]["access"]["redacted"]) == (email == OFFICE)
    assert seen["forbidden"] == {"kind": "graphql", "codes": ["FORBIDDEN"]}
    assert seen["unauthenticated"] == {"kind": "graphql", "codes": ["UNAUTHENTICATED"]}


@pytest.mark.parametrize("email", [LEAD, OFFICE])
def test_urql_sends_hashes_and_hears_events(changing: DemoServer, email: str) -> None:
    asked = asked_as(
        changing,
        email,
        queries=[{"query": CASE, "variables": {"number": NUMBER}}, {"query": FORBIDDEN, "variables": {}}],
        mutation={"query": COMMENT, "variables": {"input": {"number": NUMBER, "body": "Rang home."}}},
        subscription={"query": CHANGES, "variables": {"number": NUMBER}},
    )
    told = run("urql.mjs", given=asked)
    case, again, *forbidden, done = told["answers"]
    assert case == again
    assert bool(case["data"]["case"]["student"]["ethnicities"]) == (email == LEAD)
    assert bool(case["extensions"]["access"]["redacted"]) == (email == OFFICE)
    assert [(one["data"], one["codes"], one["network"]) for one in forbidden] == [(None, ["FORBIDDEN"], None)] * 2
    assert done["data"]["addComment"]["comment"]["body"] == "Rang home."
    change = told["heard"]["data"]["caseChanged"]
    assert change["what"] == "addComment"
    assert bool(change["case"]["student"]["ethnicities"]) == (email == LEAD)
    # The text is known to the server once it was sent: by this person, or by somebody before.
    of_case = [(one["method"], one["hasHash"]) for one in told["wire"][:-2]]
    assert set(of_case) == {("GET", True)}
    assert [one["hasQuery"] for one in told["wire"]][:3] in ([False, True, False], [False, False, False])
    assert [one["method"] for one in told["wire"][-2:]] == ["POST", "POST"]
    assert told["wire"][-2]["type"].startswith("text/event-stream")

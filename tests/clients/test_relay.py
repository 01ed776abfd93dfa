"""Relay's compiler reads schema.graphql, and what it makes of fragments is answered to each role as it may see it."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ascms.cli import main
from tests.support.clients import needs_clients, run
from tests.support.server import DemoServer

pytestmark = needs_clients
ROOT = Path(__file__).parents[2]
LEAD = "lead@test-college.school.nz"
OFFICE = "office@test-college.school.nz"
WORKFLOW = "workflow@test-college-isp.school.nz"
ADVISER = "adviser@ministry.nz"
ANALYST = "analyst@ministry.nz"
SECOND_LEAD = "lead@second-school.school.nz"
ROLES = [LEAD, OFFICE, WORKFLOW, ADVISER]
NUMBERS = "{ cases(first: 100, orderBy: [{ field: NUMBER }]) { totalCount nodes { id number } } }"
NUMBER = "00307473"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("relay")


@pytest.fixture(scope="module")
def documents(folder: Path) -> dict[str, str]:
    """The text of each operation, by its name, as the compiler writes it."""
    compiled = run("relay.mjs", str(ROOT / "schema.graphql"), str(folder))
    assert compiled["status"] == 0, compiled["said"]
    texts: dict[str, str] = compiled["documents"]
    return texts


def pages(
    server: DemoServer, email: str, document: str, path: tuple[str, ...], **variables: Any
) -> tuple[list[Any], int]:
    """The nodes of a connection, page after page, and how many pages there were."""
    found: list[Any] = []
    cursor, number = None, 0
    while True:
        answer = server.ask(email, document, {**variables, "cursor": cursor})
        connection = answer.data
        for name in path:
            connection = connection[name]
        found += [edge["node"] for edge in connection["edges"]]
        number += 1
        assert connection["pageInfo"]["endCursor"] == connection["edges"][-1]["cursor"]
        cursor = connection["pageInfo"]["endCursor"]
        if not connection["pageInfo"]["hasNextPage"]:
            return found, number


def test_what_the_compiler_writes_is_a_list_of_trusted_documents(documents: dict[str, str], folder: Path) -> None:
    assert len(documents) == 8
    persisted = folder / "persisted-documents.json"
    assert sorted(json.loads(persisted.read_text()).values()) == sorted(documents.values())
    checked = CliRunner().invoke(main, ["documents", "check", str(persisted)])
    assert checked.exit_code == 0, checked.output


@pytest.mark.parametrize("email", ROLES)
def test_a_list_goes_on_page_by_page(demo: DemoServer, documents: dict[str, str], email: str) -> None:
    expected = demo.ask(email, NUMBERS).data["cases"]
    found, number = pages(demo, email, documents["casesListPaginationQuery"], ("cases",), count=7)
    assert [node["number"] for node in found[:100]] == [node["number"] for node in expected["nodes"]]
    assert len({node["id"] for node in found}) == len(found) == expected["totalCount"]
    assert number == -(-len(found) // 7)
    first = demo.ask(email, documents["casesQuery"]).data
    assert [edge["node"] for edge in first["cases"]["edges"]] == found[:7]


@pytest.mark.parametrize("email", ROLES)
def test_a_fragment_is_fetched_again_by_node(demo: DemoServer, documents: dict[str, str], email: str) -> None:
    chosen = demo.ask(email, NUMBERS).data["cases"]["nodes"][0]
    whole = demo.ask(email, documents["casesCaseQuery"], {"number": chosen["number"]})
    again = demo.ask(email, documents["casesDetailsRefetchQuery"], {"id": chosen["id"]})
    node = again.data["node"]
    assert node.pop("__typename") == "Case"
    assert node == {name: whole.data["case"][name] for name in node}
    assert node["owner"]["__isNode"] == node["owner"]["__typename"]
    hidden = {name.partition(".")[2] for name in again.redacted}
    assert ("ethnicities" in hidden) == (node["student"]["ethnicities"] is None) == (email in {OFFICE, ADVISER})


@pytest.mark.parametrize("email", [LEAD, WORKFLOW])
def test_a_list_of_a_node_goes_on_page_by_page(demo: DemoServer, documents: dict[str, str], email: str) -> None:
    cases = demo.ask(email, "{ cases(first: 100) { nodes { id comments { nodes { id body } } } } }").data["cases"][
        "nodes"
    ]
    talked_of = max(cases, key=lambda case: len(case["comments"]["nodes"]))
    text = documents["casesCommentsPaginationQuery"]
    found, number = pages(demo, email, text, ("node", "comments"), id=talked_of["id"], count=1)
    assert [{"id": node["id"], "body": node["body"]} for node in found] == talked_of["comments"]["nodes"]
    assert number == len(found) > 1
    alerts = demo.ask(email, documents["casesAlertsPaginationQuery"]).data["viewer"]["alerts"]
    assert set(alerts) == {"edges", "pageInfo"}


def test_who_does_not_reach_a_case_is_given_null(demo: DemoServer, documents: dict[str, str]) -> None:
    key = demo.ask(LEAD, f'{{ case(number: "{NUMBER}") {{ id }} }}').data["case"]["id"]
    for email in (SECOND_LEAD, ANALYST):
        assert demo.ask(email, documents["casesDetailsRefetchQuery"], {"id": key}).data == {"node": None}
        assert demo.ask(email, documents["casesCommentsPaginationQuery"], {"id": key}).data == {"node": None}
    of_analyst = demo.ask(ANALYST, documents["casesQuery"])
    assert of_analyst.data["cases"] is None
    assert of_analyst.data["viewer"]["roles"] == ["MINISTRY_ANALYST"]
    assert of_analyst.codes == ["FORBIDDEN"]


def test_a_mutation_tells_its_problems(demo: DemoServer, documents: dict[str, str]) -> None:
    """Of a case that is not there, so that nothing changes."""
    given = {"number": "1", "body": "Rang home."}
    answer = demo.ask(LEAD, documents["casesAddCommentMutation"], {"input": given})
    (problem,) = answer.data["addComment"]["problems"]
    assert (problem["__typename"], problem["code"]) == ("NotFound", "NOT_FOUND")
    assert answer.data["addComment"]["comment"] is None

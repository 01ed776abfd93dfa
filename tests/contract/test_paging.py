"""Paging: every list walked forwards and backwards in every order is the same list, each item once."""

from typing import Any

import pytest

from tests.support.server import DemoServer

WORKFLOW = "workflow@waikato-attendance.nz"
LEAD = "lead@test-college.school.nz"
PRIVACY = "privacy@ministry.nz"

CASE_ORDERS = [
    "NUMBER",
    "OPENED_AT",
    "CLOSED_AT",
    "REVIEW_ON",
    "STATUS",
    "TYPE",
    "STUDENT_FULL_NAME",
    "STUDENT_DATE_OF_BIRTH",
]
LISTS = [
    ("cases", "CaseOrder", CASE_ORDERS, WORKFLOW),
    ("students", "StudentOrder", ["FULL_NAME", "DATE_OF_BIRTH", "YEAR_LEVEL"], WORKFLOW),
    ("requests", "RequestOrder", ["LAST_MODIFIED_AT", "SUBMITTED_AT", "NUMBER"], LEAD),
]


def page(server: DemoServer, who: str, root: str, order: str, arguments: dict[str, Any]) -> Any:
    document = f"""query Page($order: [{order}!], $first: Int, $after: String, $last: Int, $before: String) {{
      list: {root}(orderBy: $order, first: $first, after: $after, last: $last, before: $before) {{
        totalCount nodes {{ id }} edges {{ cursor node {{ id }} }}
        pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"""
    answer = server.ask(who, document, arguments)
    assert answer.errors == []
    return answer.data["list"]


def walk(server: DemoServer, who: str, root: str, order: str, keys: Any, *, backwards: bool) -> list[str]:
    """The whole list, page by page."""
    size, cursor = ("last", "before") if backwards else ("first", "after")
    found: list[str] = []
    arguments: dict[str, Any] = {"order": keys, size: 23}
    while True:
        seen = page(server, who, root, order, arguments)
        assert [edge["node"] for edge in seen["edges"]] == seen["nodes"]
        ids = [node["id"] for node in seen["nodes"]]
        found = ids + found if backwards else found + ids
        info = seen["pageInfo"]
        if not info["hasPreviousPage" if backwards else "hasNextPage"]:
            assert len(found) == seen["totalCount"]
            return found
        assert len(ids) == 23
        assert (info["startCursor"], info["endCursor"]) == (seen["edges"][0]["cursor"], seen["edges"][-1]["cursor"])
        arguments[cursor] = info["startCursor" if backwards else "endCursor"]


@pytest.mark.parametrize(("root", "order", "fields", "who"), LISTS, ids=[name for name, *_ in LISTS])
def test_every_order_walks_the_same_list_both_ways(
    server: DemoServer, root: str, order: str, fields: list[str], who: str
) -> None:
    whole: set[str] | None = None
    for field in fields:
        for direction in ("ASC", "DESC"):
            keys = [{"field": field, "direction": direction}]
            forwards = walk(server, who, root, order, keys, backwards=False)
            assert forwards == walk(server, who, root, order, keys, backwards=True)
            assert len(set(forwards)) == len(forwards)
            whole = set(forwards) if whole is None else whole
            assert set(forwards) == whole


def test_several_keys_sort_one_after_the_other_and_nothing_comes_last(server: DemoServer) -> None:
    keys = "[{field: STATUS, direction: DESC}, {field: REVIEW_ON}, {field: STUDENT_FULL_NAME, direction: DESC}]"
    document = f"{{ cases(first: 100, orderBy: {keys}) {{ nodes {{ status reviewOn }} }} }}"
    nodes = server.ask(WORKFLOW, document).data["cases"]["nodes"]
    assert [node["status"] for node in nodes] == sorted((node["status"] for node in nodes), reverse=True)
    reviews = [node["reviewOn"] for node in nodes if node["status"] == "PAUSED"]
    assert reviews == sorted(review for review in reviews if review) + [None] * reviews.count(None)


@pytest.mark.parametrize(
    ("arguments", "said", "code"),
    [
        ("first: 101", "0 to 100", "PAGE_TOO_LARGE"),
        ("first: -1", "0 to 100", "BAD_USER_INPUT"),
        ("last: 101", "0 to 100", "PAGE_TOO_LARGE"),
        ("first: 1, last: 1", "give one of them", "BAD_USER_INPUT"),
        ('after: "nonsense"', "no cursor of this list", "BAD_USER_INPUT"),
    ],
)
def test_what_is_no_page_is_refused_with_what_to_do(server: DemoServer, arguments: str, said: str, code: str) -> None:
    answer = server.ask(LEAD, f"{{ cases({arguments}) {{ totalCount }} }}")
    assert answer.codes == [code]
    assert said in answer.errors[0]["message"]


def test_the_smallest_and_largest_pages(server: DemoServer) -> None:
    document = """{ none: cases(first: 0) { totalCount nodes { id } pageInfo { hasNextPage } }
      whole: cases(first: 100) { nodes { id } pageInfo { hasNextPage } } }"""
    data = server.ask(LEAD, document).data
    assert data["none"] == {"totalCount": 30, "nodes": [], "pageInfo": {"hasNextPage": True}}
    assert len(data["whole"]["nodes"]) == 30
    assert data["whole"]["pageInfo"] == {"hasNextPage": False}


def test_an_empty_page_after_the_last_keeps_its_total(server: DemoServer) -> None:
    last = page(server, LEAD, "cases", "CaseOrder", {"first": 100})["pageInfo"]["endCursor"]
    beyond = page(server, LEAD, "cases", "CaseOrder", {"first": 10, "after": last})
    assert (beyond["totalCount"], beyond["nodes"], beyond["pageInfo"]["hasNextPage"]) == (30, [], False)


def test_lists_inside_lists_have_pages_of_their_own(server: DemoServer) -> None:
    whole = """{ students(first: 100) { nodes { id cases(first: 100) { totalCount nodes { id } } } } }"""
    paged = """{ students(first: 100) { nodes { id
      first: cases(first: 1) { totalCount nodes { id } pageInfo { hasNextPage endCursor } }
      last: cases(last: 1) { nodes { id } pageInfo { hasPreviousPage } } } } }"""
    all_of = {node["id"]: node["cases"] for node in server.ask(PRIVACY, whole).data["students"]["nodes"]}
    for node in server.ask(PRIVACY, paged).data["students"]["nodes"]:
        expected = all_of[node["id"]]
        assert node["first"]["totalCount"] == expected["totalCount"] == len(expected["nodes"])
        assert node["first"]["nodes"] == expected["nodes"][:1]
        assert node["last"]["nodes"] == expected["nodes"][-1:]
        assert node["first"]["pageInfo"]["hasNextPage"] == (expected["totalCount"] > 1)


def test_search_knows_no_macrons_and_no_case(server: DemoServer) -> None:
    document = "query Find($term: String!) { students(first: 100, search: $term) { totalCount nodes { fullName } } }"
    found = {}
    for term in ("ā", "a", "Ā", "A"):
        found[term] = server.ask(PRIVACY, document, {"term": term}).data["students"]["totalCount"]
    assert len(set(found.values())) == 1
    for wild in ("%", "_"):
        assert server.ask(PRIVACY, document, {"term": wild}).data["students"]["totalCount"] == 0

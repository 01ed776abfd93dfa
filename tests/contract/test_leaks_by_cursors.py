"""What cursors gave away elsewhere (Data API builder #3553, Yahoo Elide CVE-2020-5289): the value they sort by.

A cursor is sealed: it holds nothing that can be read, serves its viewer alone, in one organisation, list and order,
and what is wrong with one is not told.
"""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.conftest import Panel
from tests.contract.oracle import Person
from tests.contract.people import LEAD, PRIVACY, TESTPERSON_AT_ISP, TESTPERSON_AT_SCHOOL
from tests.support.server import Answer

PAGES = {
    "cases": "{ cases(first: 5AFTER) {"
    " edges { cursor node { id number openedAt student { fullName dateOfBirth } } } } }",
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
    return [edge["cursor"] for edge in page(panel, person, name).data[name.split(" ", maxsplit=1)[0]]["edges"]]


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
    edges = page(panel, LEAD, name).data[name.split(" ", maxsplit=1)[0]]["edges"]
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
        page(
            panel,
            TESTPERSON_AT_SCHOOL,
            "cases by birth, down",
            cursors(panel, TESTPERSON_AT_SCHOOL, "cases by birth")[0],
        ),
        page(
            panel,
            TESTPERSON_AT_SCHOOL,
            "cases by birth",
            cursors(panel, TESTPERSON_AT_SCHOOL, "cases by birth, down")[0],
        ),
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
    others = [
        "",
        "=",
        "a",
        "ā",
        good[:-4],
        good + good,
        good[4:],
        raw.hex(),
        "null",
        "0",
        "cursor:1",
        "🙂",
        "-" * 5_000,
    ]
    told = set()
    for cursor in (*bent, *forged, *others):
        answer = page(panel, LEAD, "cases by birth", cursor)
        assert (answer.status, answer.codes) == (400, ["BAD_USER_INPUT"]), (cursor, answer.text)
        told.add(answer.text)
    assert len(told) == 1, "what is wrong with a cursor is not told"

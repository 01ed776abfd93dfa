"""Every filter and every order brings the same rows in the same order, whichever database they stand in."""

from collections.abc import Callable

import pytest

from tests.contract.arguments import Uses, literal
from tests.contract.oracle import Person
from tests.contract.people import BOTH, LEAD, PRIVACY, WORKFLOW
from tests.support.server import Answer, DemoServer

LISTS = {
    "Query.cases": ("cases", "number student { fullName }"),
    "Query.requests": ("requests", "reference appliedFor { fullName }"),
    "Query.students": ("students", "fullName knownAs"),
}
"""How each list is asked for, by what does not depend on keys."""
PAGES = ("first: 40", "last: 15")


@pytest.mark.parametrize(
    "person", [BOTH, *(pytest.param(one, marks=pytest.mark.nightly) for one in (LEAD, WORKFLOW, PRIVACY))], ids=str
)
def test_filters_and_orders_answer_the_same_on_both_databases(
    launch: Callable[..., DemoServer], person: Person
) -> None:
    servers = [launch("sqlite"), launch("postgresql")]
    compared = 0
    for use in Uses(servers[0]).all():
        if use.place not in LISTS:
            continue
        name, fields = LISTS[use.place]
        below = f"{{ totalCount nodes {{ {fields} }} pageInfo {{ hasNextPage hasPreviousPage }} }}"
        asked = [f"p{n}: {name}({use.argument}: {literal(use.value)}, {part}) {below}" for n, part in enumerate(PAGES)]
        text = f"{{ {' '.join(asked)} }}"
        answers: list[Answer] = [server.ask(person.email, text, organisation=person.organisation) for server in servers]
        assert answers[0].body == answers[1].body, f"{use} by {person}"
        compared += not answers[0].errors
    assert compared > 40


def test_searches_answer_the_same_on_both_databases(launch: Callable[..., DemoServer]) -> None:
    """Macrons, apostrophes, letter case and letters of other alphabets included."""
    text = (
        "query S($s: String!) { students(first: 100, search: $s) { totalCount nodes { fullName } }"
        " organisations(first: 100, search: $s) { totalCount nodes { name } }"
        " cases(search: $s) { totalCount } requests(search: $s) { totalCount } }"
    )
    for term in ("a", "Ā", "ngā", "NGA", "te ", "’", "'", "ʻ", "wh", "é", "ss", "ß", "İ", "٣", "0030", "-", "  ", "\t"):
        answers = [launch(kind).ask(PRIVACY.email, text, {"s": term}).body for kind in ("sqlite", "postgresql")]
        assert answers[0] == answers[1], term

"""Every cell of the required read matrix, for every role, on the rows of the demo world, by every path there is.

A cell is one field on one row for one person. Visible: the database's value. Hidden: null, and exactly one entry
for the field in `extensions.access.redacted`, with its reason, paths and roles. A root field that is not open:
null and a FORBIDDEN error, its siblings answered.
"""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.contract.checker import Tally
from tests.contract.conftest import Panel
from tests.contract.inspection import NESTED, found_by_node, listed, looked_up, roots
from tests.contract.oracle import Person, fields_of, required_matrix
from tests.contract.people import EVERYONE, ONE_OF_EACH, WITH_ROWS
from tests.contract.questions import ROWED, Way
from tests.contract.shapes import SHAPES

ACCESS = {"V": "VISIBLE", "A": "WHILE_ACTIVE", "S": "SHARED", "O": "OWN", "H": "HIDDEN"}
SEE_EVERY_COLUMN = {"MINISTRY_ADMINISTRATOR", "DELEGATED_AUTHORISER"}


@pytest.fixture(scope="module")
def counted(request: pytest.FixtureRequest) -> Iterator[Counter[str]]:
    """How many cells were judged on each kind of database; told when the module is through."""
    counter: Counter[str] = Counter()
    yield counter
    capture = request.config.pluginmanager.get_plugin("capturemanager")
    assert capture is not None
    with capture.global_and_fixture_disabled():
        for kind, cells in counter.items():
            print(f"\n{kind}: {cells:,} cells of the read matrix judged right", end="")  # noqa: T201 (it is the result)


def note(counted: Counter[str], panel: Panel, tally: Tally) -> None:
    """Fail with what is wrong; otherwise remember how much was judged."""
    tally.hold()
    counted[panel.server.database.partition("+")[0]] += tally.cells


def test_the_oracle_knows_every_field_of_the_matrix() -> None:
    for type_name in ROWED:
        assert tuple(SHAPES[type_name]) == fields_of(type_name)


@pytest.mark.parametrize("person", WITH_ROWS, ids=str)
def test_each_field_of_a_row_that_is_looked_up(panel: Panel, person: Person, counted: Counter[str]) -> None:
    note(counted, panel, looked_up(panel, person))


@pytest.mark.parametrize("person", WITH_ROWS, ids=str)
def test_each_field_of_each_row_in_lists(panel: Panel, person: Person, counted: Counter[str]) -> None:
    for template in NESTED:
        note(counted, panel, listed(panel, person, template, Way.PLAIN, 2))


@pytest.mark.parametrize("person", ONE_OF_EACH, ids=str)
def test_each_field_in_lists_written_otherwise(panel: Panel, person: Person, counted: Counter[str]) -> None:
    ways = (Way.ALIASED, Way.NAMED_FRAGMENT, Way.INLINE_FRAGMENT)
    for number, template in enumerate(NESTED):
        note(counted, panel, listed(panel, person, template, ways[number % 3], 1))


@pytest.mark.parametrize("person", EVERYONE, ids=str)
def test_each_field_of_nodes(panel: Panel, person: Person, counted: Counter[str]) -> None:
    note(counted, panel, found_by_node(panel, person))


@pytest.mark.parametrize("person", EVERYONE, ids=str)
def test_each_root_field(panel: Panel, person: Person, counted: Counter[str]) -> None:
    note(counted, panel, roots(panel, person))


@pytest.mark.parametrize("person", EVERYONE, ids=str)
def test_what_the_matrix_says_when_it_is_asked(panel: Panel, person: Person) -> None:
    """One's own columns; to administrators and authorisers all of it."""
    roles = panel.eyes(person).roles
    rules = panel.ask(person, "{ accessMatrix { type field role access } }").data["accessMatrix"]
    told = {(rule["type"], rule["field"], rule["role"]): rule["access"] for rule in rules}
    expected = {
        (type_name, field, role): ACCESS[cell]
        for (type_name, field), cells in required_matrix().items()
        for role, cell in cells.items()
        if role in roles or SEE_EVERY_COLUMN & set(roles)
    }
    reading = {key for key in expected if key[0] not in {"Mutation", "Subscription"} and key[1] != "caseStatistics"}
    assert len(told) == len(rules)
    assert {key: access for key, access in told.items() if key in reading} == {key: expected[key] for key in reading}
    assert set(told) <= set(expected)

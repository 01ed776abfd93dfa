"""Every cell of the required read matrix, for every role, on the rows of the demo world, by every path there is.

A cell is one field on one row for one person. Visible: the database's value. Hidden: null, and exactly one entry
for the field in `extensions.access.redacted`, with its reason, paths and roles. A root field that is not open:
null and a FORBIDDEN error, its siblings answered.
"""

from collections.abc import Iterator, Sequence

import pytest

from tests.contract.checker import Document, Tally
from tests.contract.conftest import Panel
from tests.contract.oracle import Eyes, Person, fields_of
from tests.contract.people import EVERYONE, WITH_ROWS
from tests.contract.questions import ROWED, Way, direct, document, everything, nodes
from tests.contract.shapes import SHAPES
from tests.contract.world import TABLES, Row, global_id

PAGE = 25
COUNTED: dict[str, Tally] = {}


def report(panel: Panel, name: str, tally: Tally) -> None:
    """Fail with what is wrong; otherwise remember how much was judged."""
    shown = "\n  ".join(tally.wrong[:25])
    assert not tally.wrong, f"{len(tally.wrong)} of {tally.cells} cells are wrong ({name}):\n  {shown}"
    kind = panel.server.database.partition("+")[0]
    COUNTED.setdefault(kind, Tally()).cells += tally.cells


@pytest.fixture(scope="module", autouse=True)
def _counted() -> Iterator[None]:
    yield
    for kind, tally in COUNTED.items():
        print(f"\n{kind}: {tally.cells:,} cells of the read matrix judged, 0 wrong")


def some_of(rows: Sequence[Row], count: int) -> list[Row]:
    """As many of the rows, from all over the table."""
    step = max(1, len(rows) // count)
    return list(rows[::step][:count])


def specimens(eyes: Eyes, type_name: str, count: int) -> list[Row]:
    """Rows in scope from all over, the unusual ones first, and a few that are out of scope."""
    inside, outside = [], []
    for row in eyes.world.all(TABLES[type_name]):
        (inside if eyes.finds_node(type_name, row) else outside).append(row)
    student = {"Student": "id", "Case": "student_id", "Request": "student_id"}.get(type_name)
    unusual = [row for row in inside if student and eyes.world.is_protected(getattr(row, student))]
    unusual += [row for row in inside if getattr(row, "status", None) in {"CLOSED", "DECLINED", "PAUSED", "DRAFT"}]
    chosen = {row.id: row for row in [*some_of(unusual, count), *some_of(inside, count), *some_of(outside, 4)]}
    return list(chosen.values())


def test_the_oracle_knows_every_field_of_the_matrix() -> None:
    for type_name in ROWED:
        assert tuple(SHAPES[type_name]) == fields_of(type_name)


def in_pairs(panel: Panel, person: Person, question: Document, values: Sequence[str]) -> Tally:
    """Ask for two at a time, so that a plan serves many questions."""
    tally = Tally()
    for one, two in zip(values[::2], [*values[1::2], values[-1]], strict=False):
        question.variables = {"one": one, "two": two}
        tally += panel.judge(person, question)
    return tally


@pytest.mark.parametrize("person", WITH_ROWS, ids=str)
def test_each_field_of_a_row_that_is_looked_up(panel: Panel, person: Person) -> None:
    eyes, tally = panel.eyes(person), Tally()
    for root, argument, type_name in (
        ("case", "number", "Case"),
        ("request", "reference", "Request"),
        ("student", "id", "Student"),
    ):
        for way, count in ((Way.NAMED_FRAGMENT, 12), (Way.ALIASED, 2), (Way.INLINE_FRAGMENT, 2)):
            rows = specimens(eyes, type_name, count)
            values = [global_id("Student", row.id) if argument == "id" else getattr(row, argument) for row in rows]
            tally += in_pairs(panel, person, direct(root, argument, type_name, way), values)
    report(panel, f"{person}, looked up", tally)


NESTED = (
    f"cases(first: {PAGE}, after: $after) {{ totalCount pageInfo {{ hasNextPage endCursor }} nodes {{ {{case}} }} }}",
    f"cases(first: {PAGE}, after: $after) {{ totalCount pageInfo {{ hasNextPage endCursor }} "
    "nodes { id student { {student} } } }",
    f"requests(first: {PAGE}, after: $after) {{ totalCount pageInfo {{ hasNextPage endCursor }} "
    "nodes { id case { {case} } } }",
    f"students(first: {PAGE}, after: $after) {{ totalCount pageInfo {{ hasNextPage endCursor }} "
    "edges { cursor node { id cases(first: 10) { totalCount nodes { {case} } } } } }",
    f"requests(first: {PAGE}, after: $after) {{ totalCount pageInfo {{ hasNextPage endCursor }} "
    "edges { node { {request} } } }",
    f"students(first: {PAGE}, after: $after) {{ totalCount pageInfo {{ hasNextPage endCursor }} "
    "nodes { {student} } }",
)


def pages(panel: Panel, person: Person, template: str, way: Way, most: int) -> Tally:
    """Page through a list, judging each page."""
    text = template
    for type_name in ("Case", "Student", "Request"):
        text = text.replace("{" + type_name.lower() + "}", everything(type_name, way))
    question, tally = document(text, "($after: String)"), Tally()
    after: str | None = None
    for _ in range(most):
        question.variables = {"after": after}
        answer = panel.ask(person, question.text, question.variables)
        tally += panel.checker(person).judge(question, answer)
        page = next(iter((answer.data or {}).values()), None) if answer.body and "data" in answer.body else None
        if page is None or not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    return tally


@pytest.mark.parametrize("person", WITH_ROWS, ids=str)
def test_each_field_of_each_row_in_lists(panel: Panel, person: Person) -> None:
    tally = Tally()
    for template in NESTED:
        tally += pages(panel, person, template, Way.PLAIN, 3)
    report(panel, f"{person}, in lists", tally)


@pytest.mark.parametrize("person", WITH_ROWS, ids=str)
def test_each_field_in_lists_written_otherwise(panel: Panel, person: Person) -> None:
    tally = Tally()
    ways = (Way.ALIASED, Way.NAMED_FRAGMENT, Way.INLINE_FRAGMENT)
    for number, template in enumerate(NESTED):
        tally += pages(panel, person, template, ways[number % 3], 1)
    report(panel, f"{person}, in lists", tally)


@pytest.mark.parametrize("person", EVERYONE, ids=str)
def test_each_field_of_nodes(panel: Panel, person: Person) -> None:
    eyes, tally = panel.eyes(person), Tally()
    for type_name in ROWED:
        values = [global_id(type_name, row.id) for row in specimens(eyes, type_name, 6)]
        tally += in_pairs(panel, person, nodes(type_name), values)
    report(panel, f"{person}, by node", tally)


ROOTS = """
    viewer { roles actingFor { id number members(first: 50) { totalCount nodes { id username } } }
             contexts { organisation { number } roles } user { %s }
             alerts(first: 50) { totalCount } missing }
    services { name summary }
    cases(first: 3) { totalCount nodes { id } }
    requests(first: 3) { totalCount nodes { id } }
    students(first: 3) { totalCount nodes { id } }
    case(number: "00307473") { id number }
    request(reference: "153") { id reference }
    student(id: "%s") { id fullName }
    studentChoices(search: "test") { id fullName }
    organisations(first: 100) { totalCount nodes { %s } }
    privacyStatement { version text url }
    support { phone email }
    accessMatrix { type field role access }
    node(id: "%s") { __typename id }
"""


@pytest.mark.parametrize("person", EVERYONE, ids=str)
def test_each_root_field(panel: Panel, person: Person) -> None:
    eyes = panel.eyes(person)
    student = next(row for row in eyes.world.all("student") if row.full_name == "Test Student Name")
    roots = ROOTS % (
        everything("User"), global_id("Student", student.id), everything("Organisation"),
        global_id("Organisation", eyes.organisation.id),
    )  # fmt: skip
    aliased = " ".join(f"again_{name}: {name} {{ __typename }}" for name in ("services", "accessMatrix", "support"))
    tally = panel.judge(person, document(f"{roots} {aliased} alsoCases: cases {{ totalCount }}"))
    report(panel, f"{person}, root fields", tally)

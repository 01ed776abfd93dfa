"""Rounds of questions: everything asked of some rows or of whole lists, each answer judged."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from tests.contract.checker import Document, Tally
from tests.contract.conftest import Panel
from tests.contract.oracle import Eyes, Person
from tests.contract.questions import ROWED, Way, direct, document, everything, nodes
from tests.contract.world import TABLES, Row, global_id

PAGE: Final = 20
_PAGED: Final = f"(first: {PAGE}, after: $after) {{ totalCount pageInfo {{ hasNextPage endCursor }}"
NESTED: Final = (
    f"cases{_PAGED} nodes {{ {{case}} }} }}",
    f"cases{_PAGED} nodes {{ id student {{ {{student}} }} }} }}",
    f"requests{_PAGED} nodes {{ id case {{ {{case}} }} }} }}",
    f"students{_PAGED} edges {{ cursor node {{ id cases(first: 10) {{ totalCount nodes {{ {{case}} }} }} }} }} }}",
    f"requests{_PAGED} edges {{ node {{ {{request}} }} }} }}",
    f"students{_PAGED} nodes {{ {{student}} }} }}",
)
"""Lists with everything in them, on paths that nest; `{case}` stands for every field of a case."""

ROOTS: Final = """
    viewer { roles actingFor { id number members(first: 50) { totalCount nodes { %s } } }
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
    again_services: services { __typename }
    again_accessMatrix: accessMatrix { __typename }
    alsoCases: cases { totalCount }
"""


def some_of(rows: Sequence[Row], count: int) -> list[Row]:
    """As many of the rows, from all over the table."""
    step = max(1, len(rows) // count)
    return list(rows[::step][:count])


def specimens(eyes: Eyes, type_name: str, count: int) -> list[Row]:
    """As many rows from all over: of the unusual in scope, of all in scope, and out of scope."""
    inside: list[Row] = []
    outside: list[Row] = []
    for row in eyes.world.all(TABLES[type_name]):
        (inside if eyes.finds_node(type_name, row) else outside).append(row)
    student = {"Student": "id", "Case": "student_id", "Request": "student_id"}.get(type_name)
    unusual = [
        row
        for row in inside
        if (student and eyes.world.is_protected(getattr(row, student)))
        or getattr(row, "status", None) in {"CLOSED", "DECLINED", "PAUSED", "DRAFT"}
    ]
    third = count // 3 or 1
    chosen = {row.id: row for row in [*some_of(unusual, third), *some_of(outside, third)]}
    chosen |= {row.id: row for row in some_of(inside, max(1, count - len(chosen)))}
    return list(chosen.values())


def in_pairs(panel: Panel, person: Person, question: Document, values: Sequence[str]) -> Tally:
    """Ask for two at a time, so that a plan serves many questions."""
    tally = Tally()
    for one, two in zip(values[::2], [*values[1::2], values[-1]], strict=False):
        question.variables = {"one": one, "two": two}
        tally += panel.judge(person, question)
    return tally


def looked_up(panel: Panel, person: Person) -> Tally:
    """Cases, requests and students one by one."""
    eyes, tally = panel.eyes(person), Tally()
    for root, argument, type_name in (
        ("case", "number", "Case"),
        ("request", "reference", "Request"),
        ("student", "id", "Student"),
    ):
        for one, two, count in ((Way.NAMED_FRAGMENT, Way.PLAIN, 10), (Way.ALIASED, Way.INLINE_FRAGMENT, 4)):
            rows = specimens(eyes, type_name, count)
            values = [global_id("Student", row.id) if argument == "id" else getattr(row, argument) for row in rows]
            tally += in_pairs(panel, person, direct(root, argument, type_name, one, two), values)
    return tally


def found_by_node(panel: Panel, person: Person) -> Tally:
    """Rows of every type that has identifiers."""
    eyes, tally = panel.eyes(person), Tally()
    for type_name in ROWED:
        values = [global_id(type_name, row.id) for row in specimens(eyes, type_name, 4)]
        tally += in_pairs(panel, person, nodes(type_name), values)
    return tally


def listed(panel: Panel, person: Person, template: str, way: Way, most: int) -> Tally:
    """A list with everything in it, up to so many pages."""
    text, tally = template, Tally()
    for type_name in ("Case", "Student", "Request"):
        text = text.replace("{" + type_name.lower() + "}", everything(type_name, way))
    question = document(text, "($after: String)")
    for answer in paged(panel, person, question, most):
        tally += panel.checker(person).judge(question, answer)
    return tally


def paged(panel: Panel, person: Person, question: Document, most: int = 1_000) -> Iterator[Any]:
    """The answers to a question whose only root is a connection after `$after`, page by page."""
    after: str | None = None
    for _ in range(most):
        question.variables = {**question.variables, "after": after}
        answer = panel.ask(person, question.text, question.variables)
        yield answer
        page = next(iter(answer.body["data"].values()), None) if answer.status == 200 else None
        if page is None or not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


def roots(panel: Panel, person: Person) -> Tally:
    """Every root field, some of them twice."""
    eyes = panel.eyes(person)
    student = next(row for row in eyes.world.all("student") if row.full_name == "Test Student Name")
    student_id, organisation_id = global_id("Student", student.id), global_id("Organisation", eyes.organisation.id)
    user, organisation = everything("User"), everything("Organisation")
    return panel.judge(person, document(ROOTS % (user, user, student_id, organisation, organisation_id)))

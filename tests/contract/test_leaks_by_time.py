"""How long an answer takes tells nothing either: what is out of reach takes what takes what was never issued.

That the database is asked the same, in the same order, is compared statement by statement; each statement is planned
once for a connection (`ascms.database`), so that the same text is the same plan. `make nightly` compares times besides.
"""

import asyncio
import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from math import erfc, sqrt
from types import SimpleNamespace
from typing import Any, Final

import asyncpg
import pytest

from ascms.database import state_directory
from ascms.server.files import FileAddresses
from tests.contract.case_rows import organisation_key, user_key
from tests.contract.conftest import Panel
from tests.contract.oracle import Person
from tests.contract.people import (
    ADMINISTRATOR,
    AUTHORISER,
    CONTACT,
    ISP_MANAGER,
    ISP_WORKFLOW,
    LEAD,
    SECOND_LEAD,
)
from tests.contract.world import global_id
from tests.support.postgres import PostgresCluster
from tests.support.server import DemoServer

NEVER: Final = 900_000_000
"""A key that no row has."""


@dataclass(frozen=True)
class Probe:
    """What somebody may try with an identifier; the one out of reach, and the one that was never issued."""

    person: Person
    document: str
    variables: Callable[[Any], dict[str, Any]]
    hidden: Any
    never: Any

    def ask(self, server: DemoServer, value: Any) -> str:
        """What is answered to it."""
        answer = server.ask(self.person.email, self.document, self.variables(value), self.person.organisation)
        return answer.text


# What is tried -----------------------------------------------------------------------------------------------


def probes(panel: Panel) -> dict[str, Probe]:
    """Every way in which an identifier can be given, by name."""
    return {**lookups(panel), **nodes(panel), **mutations(panel)}


def hidden(panel: Panel, person: Person, type_name: str, table: str) -> Any:
    """A row of the type that the person does not reach."""
    eyes = panel.eyes(person)
    return next(row for row in reversed(panel.world.all(table)) if not eyes.finds_node(type_name, row))


def lookups(panel: Panel) -> dict[str, Probe]:
    case, request = (hidden(panel, LEAD, *named) for named in (("Case", "case_record"), ("Request", "request")))
    blocked = next(row for row in panel.world.all("case_record") if panel.eyes(SECOND_LEAD).is_blocked(row.student_id))
    by_number = "query($v: String!) { case(number: $v) { id number student { fullName address } } }"
    given = lambda value: {"v": value}  # noqa: E731 (said once for all)
    asked = "query($v: String!) { request(%s: $v) { id status } }"
    student = "query($v: ID!) { student(id: $v) { id fullName address caregivers { name } } }"
    return {
        "a case by its number": Probe(LEAD, by_number, given, case.number, "99999999"),
        "a case kept from one": Probe(SECOND_LEAD, by_number, given, blocked.number, "99999999"),
        "a request by its number": Probe(LEAD, asked % "number", given, request.number or "1", "999999999"),
        "a request by its reference": Probe(LEAD, asked % "reference", given, request.reference, "999999999"),
        "a student": Probe(LEAD, student, given, global_id("Student", case.student_id), global_id("Student", NEVER)),
        "a student kept from one": Probe(
            SECOND_LEAD, student, given, global_id("Student", blocked.student_id), global_id("Student", NEVER)
        ),
    }


def nodes(panel: Panel) -> dict[str, Probe]:
    text = "query($v: ID!) { node(id: $v) { id ... on %s { __typename } } }"
    tables = {
        "Student": "student", "Case": "case_record", "Request": "request", "Comment": "comment", "Event": "event",
        "File": "file", "User": "user_account",
    }  # fmt: skip
    return {
        f"a node, {name}": Probe(
            LEAD,
            text % name,
            lambda value: {"v": value},
            global_id(name, hidden(panel, LEAD, name, table).id),
            global_id(name, NEVER),
        )
        for name, table in tables.items()
    }


def mutations(panel: Panel) -> dict[str, Probe]:
    """Each mutation that finds a row by what its input names; all of these are refused."""
    world = panel.world
    case = hidden(panel, ISP_WORKFLOW, "Case", "case_record")
    task = next(row for row in world.all("task") if row.case_id == case.id or not reached(panel, row.case_id))
    comment, event = (hidden(panel, LEAD, *named) for named in (("Comment", "comment"), ("Event", "event")))
    other = hidden(panel, AUTHORISER, "User", "user_account")
    theirs = panel.eyes(ISP_WORKFLOW).rows("Case", "case_record")
    own = next(row for row in theirs if row.status in {"OPEN", "PROVIDER_QUEUE"} and row.school_id is not None)
    leads = next(row for row in panel.eyes(LEAD).rows("Case", "case_record"))
    draft = hidden(panel, LEAD, "Request", "request")
    enrolled = next(row for row in world.all("student") if world.school_of(row.id) is not None and row.nsn)
    alert = next(row for row in world.all("alert") if row.user_id != world.user(CONTACT.email).id)

    def of(person: Person, mutation: str, member: str, known: Any, unknown: Any, /, **more: Any) -> Probe:
        takes = f"{mutation[0].upper()}{mutation[1:]}Input"
        text = f"mutation($input: {takes}!) {{ {mutation}(input: $input) {{ problems {{ code message path }} }} }}"
        return Probe(person, text, lambda value: {"input": {**more, member: value}}, known, unknown)

    def of_key(person: Person, mutation: str, member: str, type_name: str, row: Any, /, **more: Any) -> Probe:
        return of(person, mutation, member, global_id(type_name, row.id), global_id(type_name, NEVER), **more)

    versioned = {"number": own.number, "expectedVersion": own.version}
    return {
        "addComment": of(ISP_MANAGER, "addComment", "number", case.number, "99999999", body="x"),
        "closeCase": of(
            ISP_MANAGER, "closeCase", "number", case.number, "99999999",
            expectedVersion=1, outcome="ENROLLED", closingSummary="x",
        ),
        "withdrawRequest": of(
            LEAD, "withdrawRequest", "reference", draft.reference, "999999999", expectedVersion=1, reason="x"
        ),
        "completeTask": of_key(ISP_WORKFLOW, "completeTask", "id", "Task", task),
        "editComment": of_key(LEAD, "editComment", "id", "Comment", comment, body="x"),
        "markInError": of_key(LEAD, "markInError", "id", "Event", event),
        "markAlertRead": of_key(CONTACT, "markAlertRead", "id", "Alert", alert),
        "assignCaseManager": of_key(ISP_WORKFLOW, "assignCaseManager", "manager", "User", other, **versioned),
        "changePrimaryContact": of_key(
            LEAD, "changePrimaryContact", "contact", "User", other,
            number=leads.number, expectedVersion=leads.version,
        ),
        "assignRole": of_key(AUTHORISER, "assignRole", "user", "User", other, role="OFFICE_SUPPORT"),
        "removeRole": of_key(AUTHORISER, "removeRole", "user", "User", other, role="OFFICE_SUPPORT"),
        "recordTraining": of_key(AUTHORISER, "recordTraining", "user", "User", other),
        "addAccessBlock, the student": of(
            LEAD, "addAccessBlock", "student",
            global_id("Student", case.student_id), global_id("Student", NEVER),
            user=global_id("User", world.user(CONTACT.email).id), reason="x",
        ),
        "addAccessBlock, the person": of_key(
            LEAD, "addAccessBlock", "user", "User", other, student=global_id("Student", leads.student_id), reason="x"
        ),
        "protectStudent": of(
            LEAD, "protectStudent", "student", global_id("Student", case.student_id), global_id("Student", NEVER)
        ),
        "startRequest": of(
            LEAD, "startRequest", "student", global_id("Student", case.student_id), global_id("Student", NEVER),
            detailsConfirmed=True, privacyStatementConfirmed=True, statementVersion="2026-05-01",
        ),
        "openNonEnrolledCase": of(ADMINISTRATOR, "openNonEnrolledCase", "nsn", enrolled.nsn, "999999999"),
    }  # fmt: skip


def reached(panel: Panel, case_id: int) -> bool:
    return panel.eyes(ISP_WORKFLOW).reaches("Case", panel.world.get("case_record", case_id))


# The statements that the database sees -----------------------------------------------------------------------

TRIES: Final = 4
"""How often two are compared until they are the same."""


class Statements:
    """What PostgreSQL was asked in one database, read from its log. Names of statements are left out."""

    def __init__(self, cluster: PostgresCluster, url: str) -> None:
        self._log = cluster.folder / "log"
        self._url = url.replace("+asyncpg", "")
        self._name = url.rpartition("/")[2]
        self._marks = 0

    def during(self, action: Callable[[], Any]) -> list[str]:
        """The texts of the statements that were run meanwhile, in order."""
        begun = self._mark()
        action()
        ended = self._mark()
        return self._between(begun, ended)

    def differing(self, ask: Callable[[Any], Any], values: Sequence[Any]) -> list[list[str]]:
        """The texts for each of the values where they are not the same, or nothing.

        What the server does by itself (a heartbeat) may fall between: what tells something differs every time.
        """
        asked: list[list[str]] = []
        for _ in range(TRIES):
            asked = [self.during(partial(ask, value)) for value in values]
            assert all(asked), "nothing was read of the database's log"
            if all(texts == asked[0] for texts in asked):
                return []
        return asked

    def _mark(self) -> str:
        self._marks += 1
        mark = f"SELECT 'mark {self._marks}'"

        async def run() -> None:
            connection = await asyncpg.connect(self._url)
            await connection.execute(mark)
            await connection.close()

        asyncio.run(run())
        while mark not in self._log.read_text(errors="replace"):
            pass
        return mark

    def _between(self, begun: str, ended: str) -> list[str]:
        text = self._log.read_text(errors="replace")
        text = text[text.rindex(begun) : text.rindex(ended)]
        lines = re.split(r"\n(?=\S)", text)
        told = re.compile(rf"in {re.escape(self._name)} LOG:  (?:statement|execute [^:]*): (.*)", re.DOTALL)
        found = [match[1] for line in lines if (match := told.match(line))]
        return [one for one in found if "mark " not in one]


@pytest.fixture(scope="module")
def told(postgres_cluster: PostgresCluster, launch: Callable[..., DemoServer]) -> Iterator[Statements]:
    """The statements of the shared server, while its cluster tells them."""
    server = launch("postgresql")
    for setting in ("log_statement = 'all'", "log_line_prefix = 'in %d '"):
        postgres_cluster.execute(f"ALTER SYSTEM SET {setting}")
    postgres_cluster.execute("SELECT pg_reload_conf()")
    statements = Statements(postgres_cluster, server.database)
    while not statements.during(lambda: server.ask(LEAD.email, "{ cases(first: 1) { totalCount } }")):
        pass
    yield statements
    for setting in ("log_statement", "log_line_prefix"):
        postgres_cluster.execute(f"ALTER SYSTEM RESET {setting}")
    postgres_cluster.execute("SELECT pg_reload_conf()")


@pytest.fixture
def postgres_panel(launch: Callable[..., DemoServer], panel_of: Callable[[DemoServer], Panel]) -> Panel:
    return panel_of(launch("postgresql"))


def test_what_is_out_of_reach_takes_the_statements_of_what_was_never_issued(
    postgres_panel: Panel, told: Statements
) -> None:
    """The same texts in the same order, for every way to name something; and the same answer."""
    server = postgres_panel.server
    differing = {}
    for name, probe in probes(postgres_panel).items():
        values = (probe.hidden, probe.never)
        answers = {probe.ask(server, value) for value in values}
        assert len(answers) == 1, (name, answers)
        assert not re.search(r'"(FORBIDDEN|BAD_USER_INPUT|INTERNAL)"', "".join(answers)), (name, answers)
        if asked := told.differing(partial(probe.ask, server), values):
            differing[name] = asked
    assert not differing, "\n\n".join(f"{name}:\n{hidden}\n{never}" for name, (hidden, never) in differing.items())


def test_a_row_in_reach_takes_others(postgres_panel: Panel, told: Statements) -> None:
    """The comparison above can tell: what is there is read further, and noted in the access log."""
    probe = lookups(postgres_panel)["a case by its number"]
    server, number = postgres_panel.server, postgres_panel.eyes(LEAD).rows("Case", "case_record")[0].number
    there, never = (told.during(partial(probe.ask, server, value)) for value in (number, probe.never))
    assert there != never


def address(panel: Panel, file_id: int) -> str:
    """An address of a file as the server signs it for the school's lead, who has it or not."""
    server = panel.server
    secret = (server.folder / state_directory(server.database) / "secret_key").read_text().strip().encode()
    acting = SimpleNamespace(organisation_id=organisation_key(server, "1234"))
    viewer = SimpleNamespace(user_id=user_key(server, LEAD.email), acting=acting, roles={"ATTENDANCE_LEAD"})
    facts: Any = SimpleNamespace(now=datetime.now(UTC), viewer=viewer)
    return FileAddresses(secret).sign(file_id, facts)


def test_an_address_of_a_file_out_of_reach_takes_what_one_of_no_file_takes(
    postgres_panel: Panel, told: Statements
) -> None:
    keys = (hidden(postgres_panel, LEAD, "File", "file").id, NEVER)
    addresses = [address(postgres_panel, key) for key in keys]
    fetch = postgres_panel.server.client.get
    answers = [fetch(one) for one in addresses]
    assert {(answer.status_code, answer.text) for answer in answers} == {(404, answers[0].text)}
    assert not told.differing(fetch, addresses)


# Times -------------------------------------------------------------------------------------------------------

PAIRS: Final = 2_000
ALPHA: Final = 1e-9
"""How unlikely it must be that two samples of one time class differ so."""
EFFECT: Final = 0.1
"""How far from even the odds may be that the one takes longer than the other: 0 is even, 0.5 is always."""


def mann_whitney(first: Sequence[float], second: Sequence[float]) -> tuple[float, float]:
    """How far from even the odds are that a value of the first is larger, and how likely so far is by chance.

    The normal approximation, without ties, which times in nanoseconds hardly have.
    """
    ranked = sorted([(value, 0) for value in first] + [(value, 1) for value in second])
    of_first = sum(place for place, (_, sample) in enumerate(ranked, 1) if sample == 0)
    sizes = len(first), len(second)
    larger = of_first - sizes[0] * (sizes[0] + 1) / 2
    mean, deviation = sizes[0] * sizes[1] / 2, sqrt(sizes[0] * sizes[1] * (sum(sizes) + 1) / 12)
    return larger / (sizes[0] * sizes[1]) - 0.5, erfc(abs(larger - mean) / deviation / sqrt(2))


def times(probe: Probe, server: DemoServer, values: tuple[Any, Any], pairs: int) -> tuple[list[float], list[float]]:
    """How long each of the two takes, asked in turn, the first of a pair by chance."""
    taken: tuple[list[float], list[float]] = ([], [])
    chance = random.Random(1)
    for value in values * 20:
        probe.ask(server, value)
    for _ in range(pairs):
        for place in chance.sample((0, 1), 2):
            began = time.perf_counter_ns()
            probe.ask(server, values[place])
            taken[place].append(time.perf_counter_ns() - began)
    return taken


def test_the_comparison_of_times_tells_what_differs_and_nothing_else() -> None:
    chance = random.Random(7)
    one, same = ([chance.expovariate(1) for _ in range(PAIRS)] for _ in range(2))
    effect, likely = mann_whitney(one, same)
    assert abs(effect) < EFFECT
    assert likely > ALPHA
    effect, likely = mann_whitney([value + 0.3 for value in one], same)
    assert effect > EFFECT
    assert likely < ALPHA


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["a case by its number", "a case kept from one", "a request by its reference",
                                  "a node, Student", "a student kept from one", "a node, User"])  # fmt: skip
def test_what_is_out_of_reach_is_of_the_time_class_of_what_was_never_issued(panel: Panel, name: str) -> None:
    """2,000 pairs in turn: no rank test tells the two apart by more than odds of 6 to 4."""
    probe = probes(panel)[name]
    effect, likely = mann_whitney(*times(probe, panel.server, (probe.hidden, probe.never), PAIRS))
    print(f"{name}: odds {0.5 + effect:.3f}, p {likely:.2g}")  # noqa: T201 (the figure is asked for)
    assert likely > ALPHA or abs(effect) < EFFECT


@pytest.mark.nightly
def test_of_a_row_in_reach_the_time_does_tell(panel: Panel) -> None:
    """So the comparison is fine enough: what is shown takes longer."""
    probe = lookups(panel)["a case by its number"]
    number = panel.eyes(LEAD).rows("Case", "case_record")[0].number
    effect, likely = mann_whitney(*times(probe, panel.server, (number, probe.never), 300))
    assert likely < ALPHA
    assert effect > EFFECT

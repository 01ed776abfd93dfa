"""Documents that Schemathesis generates from the schema, as everyone, over HTTP.

No answer is a failure of the server's, none shows what the policy hides, and each error is of a known kind, whatever
is asked, filtered, ordered, paged or changed. `make nightly` asks thousands.
"""

import contextlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx
import pytest
import requests
from click.testing import CliRunner
from graphql import DocumentNode, parse, print_ast
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy
from schemathesis.specs.openapi.checks import negative_data_rejection, response_schema_conformance

from ascms.cli import main
from tests.conftest import build_world
from tests.contract.conftest import Panel
from tests.contract.forbidden import TOO_MUCH, Judge
from tests.contract.generated import ROWS, Generated, Words, flawed, published, valid
from tests.contract.inspection import looked_up
from tests.contract.oracle import Person
from tests.contract.people import ANALYST, EVERYONE, LEAD, WORKFLOW
from tests.contract.shaping import ITS_PAGE, ITS_PROBLEMS, next_page
from tests.contract.world import read_world
from tests.support.databases import Databases
from tests.support.server import Answer, DemoServer
from tests.support.sql import rows

NIGHTLY: Final = settings.default is not None and settings.default.max_examples >= 5_000
ON_EACH: Final = ["sqlite", pytest.param("postgresql", marks=pytest.mark.nightly)]
UNLIMITED: Final = {"points_a_minute": "1000000000"}
MOST: Final = r"Mutation\.(?!leaveRole|save(C|O)|invite).*"
CHANGES: Final = "SELECT count(*) FROM change_entry"
ROLES: Final = """SELECT user_account.username, organisation.number, role_assignment.role FROM role_assignment
    JOIN user_account ON user_account.id = user_id JOIN organisation ON organisation.id = organisation_id
    WHERE ended_at IS NULL AND approved_at IS NOT NULL"""


@pytest.fixture(scope="module")
def told(request: pytest.FixtureRequest) -> Iterator[dict[str, Counter[str]]]:
    """How the documents of each kind fared; told when the module is through."""
    counters: dict[str, Counter[str]] = {}
    yield counters
    capture = request.config.pluginmanager.get_plugin("capturemanager")
    assert capture is not None
    with capture.global_and_fixture_disabled():
        for kind, counter in counters.items():
            print(f"\n{kind}: {', '.join(f'{what} {n:,}' for what, n in counter.most_common())}", end="")  # noqa: T201


@pytest.fixture(scope="module", params=ON_EACH)
def asked(request: pytest.FixtureRequest, launch: Callable[..., DemoServer], panel_of: Callable[..., Panel]) -> Panel:
    """A server that is only read from, with the ground truth."""
    return panel_of(launch(request.param, **UNLIMITED))


@pytest.fixture(scope="module", params=ON_EACH)
def changed(
    request: pytest.FixtureRequest, databases_of: Callable[[str], Databases], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Panel]:
    """A server whose world these documents change, with the ground truth as it was before."""
    databases = databases_of(request.param)
    url = databases.copy("world", build_world)
    with DemoServer(url, tmp_path_factory.mktemp("generated"), **UNLIMITED) as server:
        yield Panel(server, read_world(url))
    databases.drop(url)


class Sender:
    """Sends generated documents as people of the demo, and holds each answer against the schema."""

    def __init__(self, panel: Panel, told: dict[str, Counter[str]], what: str) -> None:
        self.server = panel.server
        self.words = {person: Words(panel.eyes(person)) for person in EVERYONE}
        self.counter = told.setdefault(f"{what}, {self.server.database.partition('+')[0]}", Counter())
        self.session = requests.Session()
        self.session.trust_env = False

    def each(self, documents: SearchStrategy[Generated], count: int, judge: Callable[[Generated], None]) -> None:
        """Judge what is generated: so many documents."""
        checks = settings(max_examples=count, deadline=None, suppress_health_check=list(HealthCheck))
        checks(given(documents)(judge))()

    def send(self, case: Generated, text: str, person: Person) -> tuple[DocumentNode, Answer]:
        """What the person was answered, and to what: to a generated text with what its words mean for the person."""
        case.body = self.words[person].mean(text)
        token = self.server.token(person.email, person.organisation)
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/graphql-response+json"}
        response = case.call(f"{self.server.url}/graphql", self.session, headers)
        case.validate_response(response, [response_schema_conformance, negative_data_rejection], headers=headers)
        text = response.content.decode()
        answer = Answer(response.status_code, httpx.Headers(), json.loads(text), text)
        self.counter[outcome(answer)] += 1
        return parse(str(case.body)), answer

    def share(self, *outcomes: str) -> float:
        """Of all that was sent."""
        return sum(self.counter[each] for each in outcomes) / sum(self.counter[each] for each in OUTCOMES)


OUTCOMES: Final = ("executed", "not possible", "forbidden", "refused as it is", "too much")


def outcome(answer: Answer) -> str:
    """What became of a document: one of OUTCOMES."""
    if TOO_MUCH & set(answer.codes):
        return "too much"
    if "BAD_USER_INPUT" in answer.codes:
        return "refused as it is"
    values = [value for value in (answer.body.get("data") or {}).values() if value is not None]
    if answer.codes and not values:
        return "forbidden"
    return "not possible" if any(isinstance(each, dict) and each.get(ITS_PROBLEMS) for each in values) else "executed"


def cursor_of(answer: Answer) -> str | None:
    """Where a root list goes on."""
    values = [value for value in (answer.body.get("data") or {}).values() if isinstance(value, dict)]
    pages = [value[ITS_PAGE] for value in values if ITS_PAGE in value]
    return next((page["endCursor"] for page in pages if page["hasNextPage"]), None)


def test_no_query_shows_what_is_hidden(asked: Panel, told: dict[str, Counter[str]]) -> None:
    sender = Sender(asked, told, "queries")

    def judge(case: Generated) -> None:
        text = str(case.body)
        for person in EVERYONE:
            judge = Judge(published(), asked.eyes(person), asked.eyes(person).roles)
            document, answer = sender.send(case, text, person)
            assert not judge.judge(document, answer), f"{person} is answered to {case.body!r} with {judge.wrong}"
            cursor = cursor_of(answer)
            further = next_page(document, cursor) if cursor else None
            if further is not None:
                answer = asked.ask(person, print_ast(further))
                assert not judge.judge(further, answer), f"{person}, {print_ast(further)}: {judge.wrong}"
                assert "BAD_USER_INPUT" not in answer.codes
                sender.counter["further pages"] += 1
            sender.counter["fields judged"] += judge.cells

    sender.each(valid(ROWS, ROWS, r"Query\..*"), 1_000 if NIGHTLY else 14, judge)
    assert sender.share("executed") > 0.4, f"too little is executed to say anything: {sender.counter}"


def test_a_document_with_a_flaw_is_refused(asked: Panel, told: dict[str, Counter[str]]) -> None:
    """Where one could be made: some operations take nothing that could be wrong."""
    sender = Sender(asked, told, "flawed")

    def judge(case: Generated) -> None:
        text = str(case.body)
        for person in (LEAD, ANALYST):
            judge = Judge(published(), asked.eyes(person), asked.eyes(person).roles)
            assert not judge.judge(*sender.send(case, text, person)), (
                f"{person} is answered to {case.body!r} with {judge.wrong}"
            )

    sender.each(flawed(), 1_000 if NIGHTLY else 16, judge)
    assert sender.share("refused as it is") > 0.6, f"too little is flawed to say anything: {sender.counter}"


def test_no_change_is_made_or_shown_without_the_right(changed: Panel, told: dict[str, Counter[str]]) -> None:
    server = changed.server
    sender = Sender(changed, told, "mutations")

    def judge(case: Generated) -> None:
        text, name = str(case.body), case.operation.label.partition(".")[2]
        kept: Any = rows(server.database, CHANGES)
        before = roles_held(server)
        answers: dict[Person, tuple[DocumentNode, Answer]] = {}
        for person in sorted(EVERYONE, key=lambda person: may(changed, person, name)):
            if may(changed, person, name) and kept is not None:
                assert rows(server.database, CHANGES) == kept, "who may not do it has changed something"
                kept = None
            answers[person] = sender.send(case, text, person)
        after = roles_held(server)
        for person, (document, answer) in answers.items():
            eyes = changed.eyes(person)
            key = (person.email, eyes.organisation.number)
            judge = Judge(published(), eyes, before[key] | after[key], rows=False)
            assert not judge.judge(document, answer), f"{person} is answered to {case.body!r} with {judge.wrong}"
            sender.counter["fields judged"] += judge.cells

    sender.each(valid(MOST, MOST, r"Mutation\..*"), 1_000 if NIGHTLY else 13, judge)
    assert sender.share("executed", "not possible") > 0.1, f"too little is executed to say anything: {sender.counter}"
    assert sender.counter["executed"] > 0
    with contextlib.chdir(server.folder):
        verified = CliRunner().invoke(main, ["audit", "verify", "--database", server.database])
    assert verified.exit_code == 0, verified.output
    panel = Panel(server, read_world(server.database))
    for person in (LEAD, WORKFLOW):
        looked_up(panel, person).hold()


def may(panel: Panel, person: Person, mutation: str) -> bool:
    """Whether a role that the person had at first may do it at all."""
    eyes = panel.eyes(person)
    return any(eyes.cell("Mutation", mutation, role) != "H" for role in eyes.roles)


def roles_held(server: DemoServer) -> defaultdict[tuple[str, str], set[str]]:
    """The roles that each person has in each organisation now."""
    held: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for username, number, role in rows(server.database, ROLES):
        held[username, number].add(role)
    return held

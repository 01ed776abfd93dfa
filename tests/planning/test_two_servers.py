"""Two servers over one database, each with one of the executions, say the same over HTTP: status, body, access log.

Here rights are read from the database at each request, documents are named by their hash, and plans outlive a change
of roles: what somebody may see now must not depend on what they, or others, were shown before.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import orjson
import pytest
from hypothesis import settings

from ascms.models import Role
from ascms.settings import OfficeSupportReading
from tests.contract.oracle import Person
from tests.contract.people import EVERYONE
from tests.planning.compared import at, cursors_of_page, found_cursors
from tests.planning.documents import Document, Writer
from tests.planning.executions import served
from tests.planning.focus import Foci
from tests.planning.invented.chance import Chance
from tests.planning.invented.rows import Row
from tests.planning.ways import Ways
from tests.planning.worlds import build_small, pool_of, rows_in
from tests.support.databases import Databases
from tests.support.server import DemoServer
from tests.support.sql import execute, rows

DOCUMENTS: Final = 600 if settings.default is not None and settings.default.max_examples >= 5_000 else 14
WITHOUT: Final = frozenset({"Viewer.rateLimit", "File.downloadUrl", "Student.accessLog"})
"""What differs from one request to the next."""
SWAPPED: Final = (
    ("ATTENDANCE_LEAD", "OFFICE_SUPPORT"), ("CASE_MANAGER", "WORKFLOW_LEAD"), ("MINISTRY_ADVISER", "PRIVACY_OFFICER"),
)  # fmt: skip


@dataclass(frozen=True)
class Question:
    """What somebody asks."""

    person: Person
    text: str
    operation: str | None
    variables: Mapping[str, Any]

    def body(self, *, by_hash: bool) -> bytes:
        """The request, with the text and its hash, or with the hash alone."""
        name = {"version": 1, "sha256Hash": sha256(self.text.encode()).hexdigest()}
        members = {"operationName": self.operation, "variables": self.variables}
        query = {} if by_hash else {"query": self.text}
        return orjson.dumps({**query, **members, "extensions": {"persistedQuery": name}})


class Pair:
    """A planned and a plain server over a database."""

    def __init__(self, planned: DemoServer, plain: DemoServer) -> None:
        self.servers = (planned, plain)

    def ask(self, question: Question, *, by_hash: bool = False) -> Any:
        """What both say, read; they say the same, to the byte."""
        person, body = question.person, question.body(by_hash=by_hash)
        said = []
        for server in self.servers:
            token = server.token(person.email, person.organisation)
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            response = server.client.post(
                "/graphql", content=body, headers={"Accept": "application/graphql-response+json", **headers}
            )
            said.append((response.status_code, response.headers["content-type"], response.content))
        assert said[0] == said[1], f"{question}\nplanned: {said[0]}\nplain:   {said[1]}"
        assert said[0][0] in (200, 400, 403), said[0]
        return orjson.loads(said[0][2])


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.nightly)])
def database(request: pytest.FixtureRequest, databases_of: Callable[[str], Databases]) -> Iterator[str]:
    databases = databases_of(request.param)
    url = databases.copy("small", build_small)
    yield url
    databases.drop(url)


@pytest.fixture(scope="module")
def pair(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder: Path = tmp_path_factory.mktemp("servers")

    def server(execution: str) -> DemoServer:
        return DemoServer(database, folder, execution=execution, points_a_minute=str(10**12))

    # One after the other, from one folder: the first makes the keys that both use.
    with server("planned") as planned, server("plain") as plain:
        yield Pair(planned, plain)


class Asker:
    """Draws documents about the rows of the database, and who asks them."""

    def __init__(self, database: str) -> None:
        held: Mapping[str, Sequence[Row]] = asyncio.run(rows_in(database))
        self.schema = served(OfficeSupportReading.FIELDS)
        self.ways = Ways(self.schema.core, WITHOUT)
        self.foci = Foci(held, pool_of(held))
        names = {row["id"]: row["username"] for row in held["user_account"]}
        self.roles: dict[str, set[Role]] = {}
        for row in held["role_assignment"]:
            self.roles.setdefault(names[row["user_id"]], set()).add(Role(row["role"]))

    def drawn(self, chance: Chance) -> tuple[Document, list[Question]]:
        """A document, asked by two people."""
        way = self.ways.to(chance.one(self.ways.aims), chance)
        focus = self.foci.drawn(chance, way, self.schema.registry)
        pool = self.foci.pool_about(focus)
        document = Writer(self.ways, pool, chance).document(way)
        policy = self.schema.policy
        seeing = set(Role).intersection(*(policy.visible_to(step.type_name, step.name) for step in way))
        fitting = [person for person in EVERYONE if self.roles[person.email] & seeing]
        people = [chance.one(fitting or EVERYONE), chance.one(EVERYONE)]
        questions = [
            Question(person, document.text, document.operation, document.variables.drawn(pool, chance))
            for person in people
        ]
        return document, questions


def further(document: Document, question: Question, said: Any, chance: Chance) -> Question:
    """The same from a cursor of the page that was answered."""
    given = dict(question.variables)
    for variable, path in document.variables.cursors.items():
        page = at(said.get("data"), path)
        cursors = cursors_of_page(page) or found_cursors(page)
        given[variable] = chance.one(cursors) if cursors else None
    return Question(question.person, question.text, question.operation, given)


def logged(database: str) -> dict[str, list[Any]]:
    """What each server's access log says, times and seals left out."""
    entries = rows(
        database,
        "SELECT c.name, e.student_set_id, e.user_id, e.organisation_id, e.roles, e.operation_name, e.operation_hash,"
        " e.fingerprint FROM access_log_entry e JOIN access_log_chain c ON c.id = e.chain_id"
        " ORDER BY c.name, e.sequence",
    )
    students: dict[int, list[int]] = {}
    for key, student in rows(database, "SELECT set_id, student_id FROM access_log_student ORDER BY student_id"):
        students.setdefault(key, []).append(student)
    chains: dict[str, list[Any]] = {}
    for chain, key, *told in entries:
        chains.setdefault(chain, []).append((*map(str, told), students[key]))
    return chains


def test_both_servers_say_the_same_before_and_after_roles_change(pair: Pair, database: str) -> None:
    asker, asked = Asker(database), []
    for person in EVERYONE:  # a sign-in is noted once, and seen in what follows
        pair.ask(Question(person, "{ viewer { roles } }", None, {}))
    for seed in range(DOCUMENTS):
        chance = Chance(f"servers {seed}")
        document, questions = asker.drawn(chance)
        for question in questions:
            said = pair.ask(question)
            asked.append(question)
            if document.variables.cursors and "data" in said:
                asked.append(further(document, question, said, chance))
                pair.ask(asked[-1], by_hash=True)
    for one, other in SWAPPED:
        swap = f"CASE role WHEN '{one}' THEN '{other}' ELSE '{one}' END"
        execute(database, f"UPDATE role_assignment SET role = {swap} WHERE role IN ('{one}', '{other}')")
    for question in asked:
        pair.ask(question, by_hash=True)
    chains = list(logged(database).values())
    assert len(chains) == 2
    assert chains[0] == chains[1]
    assert len(chains[0]) > DOCUMENTS

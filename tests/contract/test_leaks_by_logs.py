"""What is kept and sent beside the answers: log lines, metrics and letters. None of them tells of a person.

An installation is asked by everybody, by all ways, rightly and wrongly; then its log, its metrics and the letters that
it sent are searched for whatever the database holds of people.
"""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.conftest import build_world
from tests.contract.casework import SEEN_BY_ALL, do, done
from tests.contract.people import ADMINISTRATOR, CONTACT, ISP_WORKFLOW, LEAD, OFFICE, ONE_OF_EACH, WITHOUT_ROWS
from tests.contract.questions import everything
from tests.contract.telling import Telling
from tests.contract.test_files import send
from tests.contract.world import World, read_world
from tests.storage.documents import PDF
from tests.support.databases import Databases
from tests.support.installation import Installation
from tests.support.live import events, signed_in
from tests.support.mail import Mail, MailServer
from tests.support.server import DemoServer
from tests.support.sql import execute, rows

BODY = "Aroha Kahurangi told us of the grandmother's illness"
KINDS = [pytest.param("sqlite", marks=pytest.mark.nightly), "postgresql"]
"""PostgreSQL's own words are those that repeat values."""
WAITING = "SELECT count(*) FROM outbox_message WHERE delivered_at IS NULL AND dropped_at IS NULL"


@dataclass(frozen=True)
class Toured:
    """What was there once the tour was over."""

    log: str
    metrics: str
    mails: list[Mail]
    answers: list[str]
    addresses: list[str]
    tokens: list[str]
    world: World

    def telling(self, *allowed: str) -> Telling:
        """Finds what the database holds of people, but for the columns that are allowed."""
        return Telling(self.world, frozenset(allowed))


class Tour:
    """Asks as everybody, and keeps what was answered."""

    def __init__(self, server: Installation) -> None:
        self.server = server
        self.answers: list[str] = []
        self.addresses: list[str] = []
        world = read_world(server.database)
        case = world.one("case_record", "number", SEEN_BY_ALL)
        assert case is not None
        student = world.get("student", case.student_id)
        assert student is not None
        self.student = student
        caregivers = world.of("caregiver", "student_id", self.student.id)
        self.words = [self.student.full_name, self.student.nsn, str(self.student.date_of_birth), self.student.address]
        self.words += [caregivers[0].name, caregivers[0].phone]

    def whole(self) -> None:
        for part in (self.reading, self.searching, self.asking_wrongly, self.changing, self.filing, self.knocking):
            part()
        asyncio.run(self.watching())
        self.failing()

    def reading(self) -> None:
        """As everybody; all there is of a case for one of them, since a plan for all of it is made for each role."""
        few = "{ viewer { roles } cases(first: 2) { nodes { number student { fullName dateOfBirth address } } } }"
        for person in (*ONE_OF_EACH, *WITHOUT_ROWS):
            self.answers.append(self.server.ask(person.email, few, None, person.organisation).text)
            self.server.ask(
                person.email, "{ students(first: 2) { nodes { fullName nsn } } }", None, person.organisation
            )

    def searching(self) -> None:
        """With GET a document and its variables are in the address; so is a search of the public catalogue."""
        text = "query($s: String!) { students(search: $s) { nodes { fullName } } cases(search: $s) { totalCount } }"
        for word in self.words:
            for query, variables in ((text, json.dumps({"s": word})), (f'{{ cases(search: "{word}") {{', "{")):
                self.get("/graphql", params={"query": query, "variables": variables}, headers=self.signed(LEAD.email))
            self.get("/attendance-service", params={"search": word})
            self.get(f"/students/{word}")
            self.get("/graphql", params={"query": text, "access_token": self.server.token(LEAD.email)})

    def asking_wrongly(self) -> None:
        for word in self.words:
            for text in (f'{{ cases(search: "{word}"', f'{{ "{word}" }}', f'{{ case(number: "{word}") {{ id }} }}'):
                self.server.ask(LEAD.email, text)
            where = {"student": {"dateOfBirth": {"eq": word}, "gender": {"eq": word}}}
            self.server.ask(OFFICE.email, "query($w: CaseFilter) { cases(where: $w) { totalCount } }", {"w": where})
            self.server.ask(OFFICE.email, "query($w: CaseFilter) { cases(where: $w) { totalCount } }", {word: word})
        token = self.server.token(LEAD.email)
        for authorization in (f"Bearer {token[:-4]}", f"Bearer {token}.{token}", f"Basic {token}", token):
            self.get("/graphql?query={__typename}", headers={"Authorization": authorization})

    def changing(self) -> None:
        on = {"number": SEEN_BY_ALL}
        done(self.server, ISP_WORKFLOW, "addComment", body=BODY, visibility="SHARED", **on)
        done(self.server, ISP_WORKFLOW, "addSafetyAlert", text=f"Dog: {BODY}", **on)
        done(self.server, ISP_WORKFLOW, "addTask", title=f"Ring {self.student.full_name}", **on)
        done(self.server, ISP_WORKFLOW, "addEvent", kind="HOME_VISIT", subject=BODY, description=BODY, **on)
        do(self.server, LEAD, "updateSchoolContactNotes", notes=BODY, expectedVersion=1, **on)
        do(self.server, ADMINISTRATOR, "openNonEnrolledCase", nsn=self.student.nsn)
        guest = {"email": "aroha.kahurangi@example.nz", "givenName": "Aroha", "surname": "Kahurangi"}
        school = self.server.ask(LEAD.email, "{ viewer { actingFor { id } } }").data["viewer"]["actingFor"]["id"]
        done(self.server, ADMINISTRATOR, "inviteUser", organisation=school, role="OFFICE_SUPPORT", **guest)

        seen = f'{{ case(number: "{SEEN_BY_ALL}") {{ {everything("Case")} }} }}'
        self.answers.append(self.server.ask(LEAD.email, seen).text)

    def filing(self) -> None:
        added = send(self.server, ISP_WORKFLOW.email, PDF, f"{self.student.full_name}.pdf", number=SEEN_BY_ALL)
        self.addresses.append(added.json()["data"]["addFile"]["file"]["downloadUrl"])
        send(self.server, ISP_WORKFLOW.email, b"MZ\0", f"{self.student.full_name}.exe", number=SEEN_BY_ALL)
        for address in (*self.addresses, f"{self.addresses[0]}x"):
            self.get(address)

    def knocking(self) -> None:
        """What is hardly HTTP."""
        for line in (f"GET /{self.student.full_name} HTTP/1.1", f"{self.student.full_name}", "GET /\0 HTTP/9"):
            with socket.create_connection(("127.0.0.1", self.server.port)) as raw:
                raw.sendall(f"{line}\r\nHost: {self.student.nsn}\r\n\r\n".encode())
                raw.recv(4096)

    async def watching(self) -> None:
        watch = "subscription($number: String!) { caseChanged(number: $number) { what case { student { fullName } } } }"
        number = {"number": SEEN_BY_ALL}
        async with (
            signed_in(self.server, LEAD.email) as lead,
            events(self.server, self.server.token(CONTACT.email), watch, number) as stream,
        ):
            key = await lead.subscribe(watch, number)
            change = {"number": SEEN_BY_ALL, "body": BODY}
            await asyncio.to_thread(lambda: done(self.server, LEAD, "addComment", **change))
            self.answers += [str(await lead.next(key)), str(await stream.next())]
        for path in (f"/graphql?name={self.student.full_name}", self.addresses[0], f"/{self.student.nsn}"):
            address = httpx.URL(self.server.url.replace("http", "ws")).join(path)
            with contextlib.suppress(InvalidStatus):
                async with connect(str(address), subprotocols=None):
                    pass

    def failing(self) -> None:
        """An error that nobody expected: the same comment twice, where the database takes it once."""
        execute(self.server.database, "CREATE UNIQUE INDEX once ON comment (body) WHERE body LIKE '% again'")
        again = do(self.server, ISP_WORKFLOW, "addComment", number=SEEN_BY_ALL, body=f"{BODY} again")
        assert again.data["addComment"]["problems"] == []
        for _ in range(2):
            failed = do(self.server, ISP_WORKFLOW, "addComment", number=SEEN_BY_ALL, body=f"{BODY} again")
            assert failed.codes == ["INTERNAL"]
            self.answers.append(failed.text)

    # Asking ----------------------------------------------------------------------------------------------------

    def get(self, path: str, **options: Any) -> None:
        self.answers.append(self.server.client.get(path, **options).text)

    def signed(self, email: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.server.token(email)}"}


@pytest.fixture(scope="module", params=KINDS)
def toured(
    request: pytest.FixtureRequest, databases_of: Callable[[str], Databases], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Toured]:
    databases = databases_of(request.param)
    url = databases.copy("world", build_world)
    folder: Path = tmp_path_factory.mktemp("toured")
    with (
        MailServer() as mail,
        DemoServer(url, folder) as demo,
        Installation(
            url,
            folder,
            demo.url,
            tokens=demo.token,
            smtp_url=mail.url,
            mail_from="no-reply@example.nz",
            public_url=demo.url,
        ) as server,
    ):
        tour = Tour(server)
        tour.whole()
        while rows(url, WAITING) != [(0,)]:
            time.sleep(0.02)
        metrics = server.client.get("/metrics").text
        tokens = [server.token(LEAD.email), server.token(CONTACT.email)]
        world = read_world(url)
        server.end()
        yield Toured(server.log(), metrics, mail.mails, tour.answers, tour.addresses, tokens, world)
    databases.drop(url)


def test_no_log_line_tells_of_a_person_or_opens_anything(toured: Toured) -> None:
    """Neither of whom was asked, nor who asked; and no token, no address of a file, no query of an address."""
    assert toured.telling().found_in(toured.log) == set()
    for secret in (*toured.tokens, *toured.addresses):
        assert secret not in toured.log
    assert "access_token" not in toured.log
    assert "Aroha" not in toured.log


def test_the_log_says_nevertheless_what_failed_and_where(toured: Toured) -> None:
    """By the reference that was answered, the kind of the error and its place in the code."""
    references = {text.rpartition("desk ")[2][:32] for text in toured.answers if "tell the service desk" in text}
    assert len(references) == 2
    for reference in references:
        assert reference in toured.log
    assert "IntegrityError" in toured.log
    assert "casework" in toured.log


def test_no_metric_tells_of_a_person(toured: Toured) -> None:
    assert "ascms_" in toured.metrics
    assert toured.telling().found_in(toured.metrics) == set()
    assert not [address for address in toured.addresses if address in toured.metrics]


def test_letters_tell_the_number_of_a_case_and_of_no_person(toured: Toured) -> None:
    """Not even of whom they are to: their address stands on the envelope and under `To` alone."""
    assert len(toured.mails) >= 2
    telling = toured.telling("case_record.number")
    for mail in toured.mails:
        headers = "\n".join(str(value) for name, value in mail.message.items() if name != "To")
        assert telling.found_in(f"{headers}\n{mail.text}") == set(), mail.text


def test_what_was_searched_for_was_there_to_be_found(toured: Toured) -> None:
    """The search finds what answers do tell, so that finding nothing means something."""
    found = toured.telling().found_in("\n".join(text for text in toured.answers if BODY in text))
    assert len(found) > 20
    assert BODY.casefold() in found

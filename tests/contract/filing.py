"""How the tests of requests ask: students of their own, drafts as far as a test needs them, and what nobody changed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from tests.contract.casework import done
from tests.contract.oracle import Person
from tests.contract.people import CONTACT, LEAD, OFFICE
from tests.contract.world import global_id
from tests.support.server import DemoServer
from tests.support.sql import execute, rows

CONFIRMED: dict[str, Any] = {
    "detailsConfirmed": True,
    "privacyStatementConfirmed": True,
    "statementVersion": "2026-05-01",
}
CRITERIA = ("ACTIONS_REVIEWED", "BEYOND_SCHOOL", "COMPLEX_OR_LONG_STANDING")
ANSWERED: dict[str, Any] = {
    "caregiverContacts": [{"name": "Mere Test", "relationship": "Mother", "phone": "021 555 0100", "email": "m@ex.nz"}],
    "attendance": {"currentTermPercentage": 55.5, "daysAbsent": 21, "firstDayAbsent": "2026-02-09"},
    "criteria": [{"criterion": criterion, "met": True, "note": "So it is."} for criterion in CRITERIA],
    "schoolActions": {"planInPlace": True, "planReviewedOn": "2026-04-30", "whanauContacted": "Rang, and visited."},
    "barriers": ["HEALTH", "TRANSPORT"],
}
"""All that a form needs besides the student, the provider, which is preselected, and the contact."""
TABLES = (
    "request", "request_barrier", "request_factor", "request_criterion", "request_caregiver_contact",
    "request_confirmation", "notice_given", "case_record", "case_barrier", "case_allocation", "case_status_change",
    "event", "alert", "outbox_message", "change_entry",
)  # fmt: skip


@dataclass(frozen=True)
class Pupil:
    """A student whom only one test knows."""

    key: int
    name: str

    @property
    def id(self) -> str:
        return global_id("Student", self.key)


def enrol(server: DemoServer, school: str = "1234", *, protected: bool = False) -> Pupil:
    """A new student of a school, with two caregivers."""
    name = f"Pupil {uuid4().hex}"
    the_school = f"(SELECT id FROM organisation WHERE number = '{school}')"
    student = f"(SELECT id FROM student WHERE full_name = '{name}')"
    execute(
        server.database,
        "INSERT INTO student (full_name, full_name_folded, gender, protected, school_id, year_level) "
        f"VALUES ('{name}', '{name.lower()}', 'U', {protected}, {the_school}, 9)",
        f"INSERT INTO enrolment (student_id, school_id, started_on) VALUES ({student}, {the_school}, '2026-02-02')",
        "INSERT INTO caregiver (student_id, name, relationship, phone) "
        f"VALUES ({student}, 'Ana {name}', 'Mother', '021 1'), ({student}, 'Rua {name}', 'Father', '021 2')",
    )
    return Pupil(rows(server.database, "SELECT id FROM student WHERE full_name = :name", name=name)[0][0], name)


def user(server: DemoServer, person: Person) -> str:
    """A person's global identifier."""
    return global_id("User", _key(server, person))


def _key(server: DemoServer, person: Person) -> int:
    found = rows(server.database, "SELECT id FROM user_account WHERE username = :name", name=person.email)
    return int(found[0][0])


def organisation(server: DemoServer, number: str) -> str:
    """An organisation's global identifier."""
    found = rows(server.database, "SELECT id FROM organisation WHERE number = :number", number=number)
    return global_id("Organisation", found[0][0])


def block(server: DemoServer, person: Person, pupil: Pupil) -> None:
    """Keep a person and a student apart."""
    who, lead = _key(server, person), _key(server, LEAD)
    execute(
        server.database,
        "INSERT INTO access_block (user_id, student_id, reason, set_by_id, set_at) "
        f"VALUES ({who}, {pupil.key}, 'A relative.', {lead}, '2026-05-01 00:00:00+00:00')",
    )


@dataclass
class Draft:
    """A request on its way, and the version that the last who changed it was told."""

    server: DemoServer
    reference: str
    version: int = 1

    def given(self, **members: Any) -> dict[str, Any]:
        """The members of an input about it."""
        return {"reference": self.reference, "expectedVersion": self.version, **members}

    def do(self, mutation: str, by: Person, shown: str = "", beside: str = "", /, **members: Any) -> Any:
        """Change it, with the version known. Gives the payload: what is `shown` of the request, and `beside` it."""
        asked = f"request {{ version {shown} }} {beside}"
        payload = done(self.server, by, mutation, asked, **self.given(**members))
        if payload["request"] is not None:
            self.version = payload["request"]["version"]
        return payload

    def seen(self, by: Person, shown: str) -> Any:
        """What a person sees of it; None where it is not theirs."""
        document = f"query R($reference: String!) {{ request(reference: $reference) {{ {shown} }} }}"
        answer = self.server.ask(by.email, document, {"reference": self.reference}, by.organisation)
        return answer.data["request"]

    @property
    def case(self) -> Any:
        """Its case, as the database has it."""
        found = rows(
            self.server.database,
            "SELECT c.id, c.number, c.status, c.version, o.number, c.outcome_code FROM case_record c "
            "JOIN request r ON r.case_id = c.id JOIN organisation o ON o.id = c.provider_id "
            "WHERE r.reference = :reference",
            reference=self.reference,
        )
        names = ("id", "number", "status", "version", "provider", "outcome")
        return dict(zip(names, found[0], strict=True)) if found else None

    @property
    def status(self) -> str:
        """As the database has it."""
        found = rows(self.server.database, "SELECT status FROM request WHERE reference = :r", r=self.reference)
        return str(found[0][0])


def started(server: DemoServer, by: Person = OFFICE, **members: Any) -> Draft:
    """A draft, confirmed by who began it."""
    payload = done(server, by, "startRequest", "request { reference version }", **CONFIRMED, **members)
    return Draft(server, **payload["request"])


def filled(server: DemoServer, pupil: Pupil, by: Person = OFFICE, contact: Person = CONTACT, **members: Any) -> Draft:
    """A draft that lacks nothing."""
    draft = started(server, by, student=pupil.id)
    draft.do("saveRequest", by, **{**ANSWERED, "primaryContact": user(server, contact), **members})
    return draft


def submitted(server: DemoServer, pupil: Pupil, by: Person = OFFICE, **members: Any) -> Draft:
    """A request that was sent."""
    draft = filled(server, pupil, by, **members)
    draft.do("submitRequest", by)
    return draft


def state(server: DemoServer) -> dict[str, Any]:
    """How many rows there are of all that a request leaves, and the versions of those that have one."""
    counted = {table: rows(server.database, f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}
    versions = {
        f"{table} versions": rows(server.database, f"SELECT sum(version) FROM {table}")[0][0]
        for table in ("request", "case_record")
    }
    return {**counted, **versions}


@contextmanager
def unchanged(server: DemoServer) -> Iterator[None]:
    """Nothing that is asked inside leaves a row, or another version."""
    before = state(server)
    yield
    assert state(server) == before


@contextmanager
def leaving(server: DemoServer, **more: int) -> Iterator[None]:
    """What is done inside leaves so many more rows of these tables."""
    before = state(server)
    yield
    after = state(server)
    assert {table: after[table] - before[table] for table in more} == more

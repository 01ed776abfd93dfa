"""Rows that the demo world lacks, put into a copy of it: what tells one reading of the policy from its neighbours.

A closed case of a provider whose student is at work with another; a school's note that is shared with nobody; a
draft for no student yet; access blocks on people of the Ministry; roles that meet in one person.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, update

from ascms import models
from ascms.database import engine_for
from tests.conftest import KINDS, build_world
from tests.contract.conftest import Panel
from tests.contract.inspection import NESTED, in_pairs, listed, roots
from tests.contract.oracle import Eyes, Person
from tests.contract.people import (
    ADVISER,
    AUTHORISER,
    BOTH,
    CONTACT,
    ISP_MANAGER,
    ISP_WORKFLOW,
    LEAD,
    MANAGER,
    OFFICE,
    PRIVACY,
    WORKFLOW,
)  # fmt: skip
from tests.contract.questions import Way, direct, nodes
from tests.contract.world import Row, World, global_id, read_world
from tests.support.databases import Databases
from tests.support.server import DemoServer

THEN = datetime(2026, 5, 1, tzinfo=UTC)
ASP_LEAD = Person("authoriser@waikato-attendance.nz")
"""Authoriser and, once approved, Workflow Lead."""
PEOPLE = (
    LEAD,
    CONTACT,
    OFFICE,
    BOTH,
    AUTHORISER,
    ISP_WORKFLOW,
    ISP_MANAGER,
    WORKFLOW,
    MANAGER,
    ASP_LEAD,
    ADVISER,
    PRIVACY,
)


class Changes:
    """Changes a copy of the demo world through `connection`, and remembers what was touched."""

    def __init__(self, connection: Connection, world: World) -> None:
        self.connection = connection
        self.world = world
        self.cases: list[str] = []
        self.requests: list[str] = []
        self.students: list[int] = []
        self.items: dict[str, list[int]] = {"Comment": [], "Event": [], "File": []}

    def make(self) -> None:
        self._closed_here_active_there()
        self._written_here_shared_with_nobody()
        self._draft_for_nobody_yet()
        self._blocks()
        self._roles()

    def _closed_here_active_there(self) -> None:
        """Closed with one provider or manager, of students whose active case is another's: no whereabouts."""
        isp, asp = Eyes(self.world, ISP_WORKFLOW), Eyes(self.world, WORKFLOW)
        manager = Eyes(self.world, MANAGER).user
        active = [
            row for row in asp.rows("Case", "case_record") if row.status == "OPEN" and row.case_manager_id != manager.id
        ]
        closed = [row for row in isp.rows("Case", "case_record") if row.status == "CLOSED" and row.student_id]
        closed += [
            row
            for row in asp.rows("Case", "case_record")
            if row.case_manager_id == manager.id and row.status == "CLOSED"
        ]
        for case, other in zip(closed, active, strict=False):
            self._give(case, other.student_id)
            self.cases += [case.number, other.number]
            self.students.append(other.student_id)

    def _give(self, case: Row, student_id: int) -> None:
        school_id = self.world.school_of(student_id)
        whose = self.world.get("organisation", school_id or case.provider_id)
        assert whose is not None
        moved = {"student_id": student_id, "school_id": school_id, "region": whose.region}
        self.connection.execute(update(models.Case).where(models.Case.id == case.id).values(moved))
        of_case = models.Request.case_id == case.id
        self.connection.execute(update(models.Request).where(of_case).values(student_id=student_id))

    def _written_here_shared_with_nobody(self) -> None:
        eyes, writer = Eyes(self.world, LEAD), Eyes(self.world, OFFICE).user
        own = [
            row
            for row in eyes.rows("Case", "case_record")
            if row.primary_contact_id == Eyes(self.world, CONTACT).user.id
        ]
        for case in own[:2]:
            common = {"case_id": case.id, "visibility": "INTERNAL", "organisation_id": eyes.organisation.id}
            rows = {
                models.Comment: {"author_id": writer.id, "body": "Written here.", "created_at": THEN},
                models.Event: {
                    "kind": "NOTE", "occurs_at": THEN, "recorded_at": THEN, "recorded_by_id": writer.id,
                    "subject": "Noted here.", "participants": [],
                },
                models.File: {
                    "name": "here.pdf", "media_type": "application/pdf", "size_bytes": 1, "sha256": "0" * 64,
                    "storage_key": f"here-{case.id}", "uploaded_by_id": writer.id, "uploaded_at": THEN,
                },
            }  # fmt: skip
            for model, values in rows.items():
                key = self.connection.execute(insert(model).values(**common, **values)).inserted_primary_key
                assert key is not None
                self.items[model.__name__].append(key[0])
            self.cases.append(case.number)

    def _draft_for_nobody_yet(self) -> None:
        """One of them with a name all the same: whom nobody can name by an identifier, it is not for."""
        eyes = Eyes(self.world, LEAD)
        for reference, creator, name in (("900001", CONTACT, None), ("900002", OFFICE, "Nobody Known")):
            draft = {
                "reference": reference, "school_id": eyes.organisation.id, "last_modified_at": THEN,
                "created_by_id": Eyes(self.world, creator).user.id, "applied_for_full_name": name,
            }  # fmt: skip
            self.connection.execute(insert(models.Request).values(draft))
            self.requests.append(reference)

    def _blocks(self) -> None:
        """On each of these people, from the students of some of the cases they reach."""
        setter = Eyes(self.world, AUTHORISER).user.id
        for person in (PRIVACY, ADVISER, WORKFLOW, MANAGER, BOTH, CONTACT, OFFICE):
            eyes = Eyes(self.world, person)
            for case in eyes.rows("Case", "case_record")[1:6:4]:
                block = {"user_id": eyes.user.id, "student_id": case.student_id, "set_by_id": setter}
                self.connection.execute(insert(models.AccessBlock).values(**block, reason="Relatives.", set_at=THEN))
                self.cases.append(case.number)
                self.students.append(case.student_id)
                self.requests += [row.reference for row in self.world.of("request", "case_id", case.id)]

    def _roles(self) -> None:
        """An authoriser who is a lead too, at a school and at a provider; an adviser who is also Privacy Officer."""
        for person, role in ((AUTHORISER, "ATTENDANCE_LEAD"), (ADVISER, "PRIVACY_OFFICER")):
            eyes = Eyes(self.world, person)
            held = {"user_id": eyes.user.id, "organisation_id": eyes.organisation.id, "role": role}
            self.connection.execute(insert(models.RoleAssignment).values(**held, granted_at=THEN, approved_at=THEN))
        pending = models.RoleAssignment.user_id == self.world.user(ASP_LEAD.email).id
        self.connection.execute(update(models.RoleAssignment).where(pending).values(approved_at=THEN))


def changed(url: str) -> Changes:
    """Change the world at `url`."""
    world = read_world(url)

    async def change() -> Changes:
        engine = engine_for(url)
        try:
            async with engine.begin() as connection:
                changes = await connection.run_sync(lambda plain: Changes(plain, world))
                await connection.run_sync(lambda plain: changes.make())
                return changes
        finally:
            await engine.dispose()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(change())).result()


@pytest.fixture(scope="module", params=KINDS)
def unusual(
    request: pytest.FixtureRequest,
    databases_of: Callable[[str], Databases],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Panel, Changes]]:
    """A server of each kind of database over the changed world."""
    databases = databases_of(request.param)
    url = databases.copy("world", build_world)
    changes = changed(url)
    folder: Path = tmp_path_factory.mktemp("unusual")
    with DemoServer(url, folder) as server:
        yield Panel(server, read_world(url)), changes
    databases.drop(url)


@pytest.mark.parametrize("person", PEOPLE, ids=str)
def test_unusual_rows_are_shown_as_the_policy_says(unusual: tuple[Panel, Changes], person: Person) -> None:
    panel, changes = unusual
    cases = direct("case", "number", "Case", Way.PLAIN, Way.NAMED_FRAGMENT)
    requests = direct("request", "reference", "Request", Way.PLAIN, Way.NAMED_FRAGMENT)
    in_pairs(panel, person, cases, list(dict.fromkeys(changes.cases))).hold()
    in_pairs(panel, person, requests, list(dict.fromkeys(changes.requests))).hold()
    for type_name, keys in {"Student": changes.students, **changes.items}.items():
        identifiers = [global_id(type_name, key) for key in dict.fromkeys(keys)]
        in_pairs(panel, person, nodes(type_name), identifiers).hold()


@pytest.mark.parametrize("person", PEOPLE, ids=str)
def test_lists_of_unusual_rows_and_their_totals(unusual: tuple[Panel, Changes], person: Person) -> None:
    panel, _ = unusual
    listed(panel, person, NESTED[4], Way.PLAIN, 1).hold()
    roots(panel, person).hold()


def test_the_changes_make_a_difference(unusual: tuple[Panel, Changes]) -> None:
    panel, changes = unusual
    world = panel.world
    assert set(panel.eyes(AUTHORISER).roles) == {"ATTENDANCE_LEAD", "DELEGATED_AUTHORISER"}
    assert set(panel.eyes(ASP_LEAD).roles) == {"WORKFLOW_LEAD", "DELEGATED_AUTHORISER"}
    assert set(panel.eyes(ADVISER).roles) == {"MINISTRY_ADVISER", "PRIVACY_OFFICER"}
    for person in (ISP_WORKFLOW, ISP_MANAGER, MANAGER):
        eyes = panel.eyes(person)
        gone = [
            row
            for row in eyes.rows("Student", "student")
            if row.id in changes.students and not eyes.sees("Student", "address", row)
        ]
        assert any(case.status != "CLOSED" for row in gone for case in world.of("case_record", "student_id", row.id))
    for type_name, table in (("Comment", "comment"), ("Event", "event"), ("File", "file")):
        row = world.get(table, changes.items[type_name][0])
        assert row is not None
        assert panel.eyes(LEAD).reaches(type_name, row)

"""Whatever people do in whatever order: the server does what a model of the domain does, and no invariant breaks.

A sequence is drawn at random: who does what to which of the student's requests and cases, sensibly or not. Each
action must end as the model says, and leave in the database what the model has. The model (`life_model`) was written
from the domain's tables alone.
"""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from ascms.database import engine_for
from tests.contract.casework import do
from tests.contract.filing import ANSWERED, CONFIRMED, enrol
from tests.contract.life_model import (
    ACTORS,
    ASP,
    CONFLICT,
    CONTACTS,
    DONE,
    FORBIDDEN,
    INVALID,
    ISP,
    MANAGERS,
    MAY,
    NOT_NOW,
    ON_REQUEST,
    SECOND_ASP,
    Actor,
    Case,
    Model,
    Request,
)
from tests.contract.oracle import Person
from tests.contract.world import global_id
from tests.support.server import DemoServer

ACTIONS = tuple(MAY)
SENSIBLE = {action: [actor for actor in ACTORS if actor.roles & set(MAY[action])] for action in ACTIONS}
VERSIONED = set(ACTIONS) - {"startRequest", "addComment", "addEvent", "addTask", "completeTask"}
SELDOM = {"startRequest", "withdrawRequest", "declineRequest", "updateSchoolContactNotes", "addComment"}
WEIGHTS = [1 if action in SELDOM else 5 for action in ACTIONS]
FORWARD = 0.7
"""How often what the model allows is looked for: left to chance, hardly any life would come far."""


@dataclass(frozen=True)
class Step:
    """One action of a sequence: who does what to which row, and what they give besides."""

    action: str
    actor: Actor
    row: Any
    given: dict[str, Any]
    repeated: bool


class Store:
    """The server's database, read beside it; one engine in a thread of its own."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._engine: AsyncEngine = engine_for(url)

    def _run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def rows(self, statement: str, **values: Any) -> list[Any]:
        async def read() -> list[Any]:
            async with self._engine.connect() as connection:
                return list((await connection.execute(text(statement), values)).mappings())

        found: list[Any] = self._run(read())
        return found

    def close(self) -> None:
        self._run(self._engine.dispose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@dataclass
class Life:
    """One student's life in the server, and in the model."""

    server: DemoServer
    store: Store
    ids: dict[str, str]
    student: int
    model: Model = field(default_factory=Model)

    # Choosing ----------------------------------------------------------------------------------------------------

    def choose(self, chance: Random) -> Step:
        """Any step; oftener one that the model allows."""
        step = self._any(chance)
        if chance.random() < FORWARD:
            for _ in range(40):
                if self.model.expect(step.action, step.actor, step.row, step.given) == DONE:
                    break
                step = self._any(chance)
        return step

    def _any(self, chance: Random) -> Step:
        while True:
            action = chance.choices(ACTIONS, WEIGHTS)[0]
            rows = self._rows(action)
            if rows:
                break
        row = chance.choice(rows)
        actor = chance.choice(SENSIBLE[action] if chance.random() < 0.8 else ACTORS)
        return Step(action, actor, row, self._given(chance, action, row), chance.random() < 0.3)

    def _rows(self, action: str) -> list[Any]:
        """The requests or cases that the action may be about."""
        if action == "startRequest":
            return [None] if len(self.model.requests) < 4 else []
        if action == "completeTask":
            return [case for case in self.model.cases if case.open_tasks]
        return list(self.model.requests if action in ON_REQUEST else self.model.cases)

    def _given(self, chance: Random, action: str, row: Any) -> dict[str, Any]:
        contacts = [*sorted(CONTACTS), "office@test-college.school.nz"]
        providers = [ISP, ASP, None, SECOND_ASP] if action == "transferCase" else [ISP, ASP]
        return {
            "stale": action in VERSIONED and chance.random() < 0.1,
            "confirmed": chance.random() < 0.8,
            "coded": chance.random() < 0.85,
            "contact": chance.choice(contacts),
            "manager": chance.choice(sorted(MANAGERS[ISP] | MANAGERS[ASP])),
            "again": chance.choice([None, *sorted(MANAGERS[ISP] | MANAGERS[ASP])]) if action == "reopenCase" else None,
            "provider": chance.choice(providers),
            "open": chance.random() < 0.5,
            "outcome": "ATTENDANCE_IMPROVED",
            "task": row.open_tasks[0] if isinstance(row, Case) and row.open_tasks else None,
        }

    # Doing -------------------------------------------------------------------------------------------------------

    def take(self, step: Step) -> None:
        """Have the step done by the server, and judge what came of it."""
        row, actor, given = step.row, step.actor, step.given
        expected = self.model.expect(step.action, actor, row, given)
        before = self.left_behind()
        payload, errors = self.ask(step, actor, row, given)
        codes = {problem["code"] for problem in (payload or {}).get("problems", ())}
        told = f"{step.action} by {actor} on {row} with {given}: expected {expected}, got {codes or errors or DONE}"
        if expected == FORBIDDEN:
            assert payload is None, told
            assert {error["extensions"]["code"] for error in errors} == {"FORBIDDEN"}, told
        elif expected == DONE:
            assert payload is not None, told
            assert not codes, f"{told}: {payload}"
            self.model.apply(step.action, actor, row, given, self.made(step, payload))
        else:
            assert payload is not None, told
            allowed = {INVALID, NOT_NOW} if expected in {"REFUSED", INVALID} else {expected}
            assert codes, told
            assert codes <= allowed, told
            if expected == CONFLICT:
                assert len(payload["problems"]) == 1, told
        if expected != DONE:
            assert self.left_behind() == before, f"{told}: it left something behind"
        self.agree(told)

    def ask(self, step: Step, actor: Actor, row: Any, given: dict[str, Any]) -> tuple[Any, list[Any]]:
        person, key = Person(actor.email, actor.organisation), str(uuid4())
        members, shown = self.members(step.action, actor, row, given)
        answers = [do(self.server, person, step.action, shown, key=key, **members)]
        if step.repeated:
            answers += [do(self.server, person, step.action, shown, key=key, **members) for _ in range(2)]
            assert answers[0].body == answers[1].body == answers[2].body
        return answers[0].data[step.action], answers[0].errors

    def members(self, action: str, actor: Actor, row: Any, given: dict[str, Any]) -> tuple[dict[str, Any], str]:
        """The input's members, and what is asked of the payload."""
        confirmed = CONFIRMED if given["confirmed"] else {**CONFIRMED, "detailsConfirmed": False}
        if action == "startRequest":
            return {"student": global_id("Student", self.student), **confirmed}, "request { reference version }"
        if action == "completeTask":
            return {"id": given["task"]}, "case { version }"
        about: dict[str, Any] = {"reference": row.reference} if isinstance(row, Request) else {"number": row.number}
        if action not in {"addComment", "addEvent", "addTask"}:
            about["expectedVersion"] = self.version(row) - (1 if given["stale"] else 0)
        shown = "task { id }" if action == "addTask" else "__typename"
        return {**about, **self._more(action, actor, given, confirmed)}, shown

    def _more(self, action: str, actor: Actor, given: dict[str, Any], confirmed: dict[str, Any]) -> dict[str, Any]:
        provider = given["provider"]

        def code(right: str) -> str:
            return right if given["coded"] else "NO_SUCH_CODE"

        more: dict[str, dict[str, Any]] = {
            "saveRequest": {
                **ANSWERED,
                "student": global_id("Student", self.student),
                "primaryContact": self.ids[given["contact"]],
                "provider": self.ids[provider] if provider else None,
            },
            "submitRequest": confirmed if given["confirmed"] else {},
            "withdrawRequest": {"reason": "No longer needed."},
            "declineRequest": {"reason": code("OTHER_SERVICE"), "note": "Another service fits."},
            "assignCaseManager": {"manager": self.ids[given["manager"]], "open": given["open"], "reason": "WORKLOAD"},
            "pauseCase": {"reason": code("AWAY"), "reviewOn": "2099-01-01"},
            "transferCase": {
                "reason": "MOVED",
                "handOverSummary": "All there is to know.",
                "provider": self.ids[provider] if provider and "MINISTRY_ADMINISTRATOR" in actor.roles else None,
            },
            "closeCase": {"outcome": code(given["outcome"]), "closingSummary": "Done."},
            "reopenCase": {"reason": code("NEW_INFORMATION"), "manager": self.ids.get(given["again"])},
            "changePrimaryContact": {"contact": self.ids[given["contact"]]},
            "updateSchoolContactNotes": {"notes": f"Ring after {given['contact'][:3]}."},
            "addComment": {"body": "A word."},
            "addEvent": {"kind": "PHONE_CALL", "subject": "Rang"},
            "addTask": {"title": "Do it"},
        }
        return more.get(action, {})

    def made(self, step: Step, payload: dict[str, Any]) -> dict[str, Any]:
        """What the server gave names to."""
        made: dict[str, Any] = {}
        if step.action == "startRequest":
            made["reference"] = payload["request"]["reference"]
        if step.action == "submitRequest":
            newest = self.store.rows(
                "SELECT number FROM case_record WHERE student_id = :student ORDER BY id DESC", student=self.student
            )
            made["number"] = newest[0]["number"]
        if step.action == "addTask":
            made["task"] = payload["task"]["id"]
        return made

    def version(self, row: Any) -> int:
        table, column, value = (
            ("request", "reference", row.reference)
            if isinstance(row, Request)
            else ("case_record", "number", row.number)
        )
        found = self.store.rows(f"SELECT version FROM {table} WHERE {column} = :value", value=value)
        return int(found[0]["version"])

    # Judging -----------------------------------------------------------------------------------------------------

    def left_behind(self) -> tuple[Any, ...]:
        """What any change to this student's affairs leaves."""
        counted = self.store.rows(
            "SELECT (SELECT count(*) FROM change_entry) AS changes, (SELECT count(*) FROM alert) AS alerts,"
            " (SELECT count(*) FROM event) AS events, (SELECT count(*) FROM outbox_message) AS mails,"
            " (SELECT count(*) FROM request) AS requests, (SELECT count(*) FROM case_status_change) AS moves"
        )
        return tuple(counted[0].values())

    def agree(self, told: str) -> None:
        """The database has what the model has."""
        cases = self.store.rows(
            "SELECT c.number, c.status, c.active, c.closed_at, c.outcome_code AS outcome, p.number AS provider,"
            " m.username AS manager, k.username AS contact,"
            " (SELECT count(*) FROM task t WHERE t.case_id = c.id AND t.done_at IS NULL) AS tasks"
            " FROM case_record c JOIN organisation p ON p.id = c.provider_id"
            " LEFT JOIN user_account m ON m.id = c.case_manager_id"
            " LEFT JOIN user_account k ON k.id = c.primary_contact_id"
            " WHERE c.student_id = :student ORDER BY c.id",
            student=self.student,
        )
        held = [(c.number, c.status, c.active, c.provider, c.contact, len(c.open_tasks)) for c in self.model.cases]
        found = [(c["number"], c["status"], bool(c["active"]), c["provider"], c["contact"], c["tasks"]) for c in cases]
        assert found == held, told
        for case, row in zip(self.model.cases, cases, strict=True):
            assert (row["closed_at"] is None) == case.active, told
            assert row["outcome"] == case.outcome, told
            assert not case.active or row["manager"] == case.manager, told
            assert case.status != "OPEN" or row["manager"] is not None, told
        requests = self.store.rows(
            "SELECT r.reference, r.status, r.number, c.number AS case_number FROM request r"
            " LEFT JOIN case_record c ON c.id = r.case_id WHERE r.student_id = :student ORDER BY r.id",
            student=self.student,
        )
        assert [(r["reference"], r["status"], r["case_number"]) for r in requests] == [
            (r.reference, r.status, r.case.number if r.case else None) for r in self.model.requests
        ], told

    def invariants(self) -> None:
        """What must hold of any life."""
        mine = {"student": self.student}
        active = "SELECT type FROM case_record WHERE student_id = :student AND active GROUP BY type HAVING count(*) > 1"
        assert not self.store.rows(active, **mine), "two active cases of a type"
        history = self.store.rows(
            "SELECT c.number, c.status, h.from_status, h.to_status FROM case_record c"
            " JOIN case_status_change h ON h.case_id = c.id WHERE c.student_id = :student ORDER BY c.id, h.id",
            **mine,
        )
        for number in {row["number"] for row in history}:
            moves = [row for row in history if row["number"] == number]
            assert moves[0]["from_status"] is None, number
            assert all(one["to_status"] == two["from_status"] for one, two in pairwise(moves)), number
            assert moves[-1]["to_status"] == moves[-1]["status"], number
        allocations = self.store.rows(
            "SELECT c.provider_id, a.provider_id AS held_by FROM case_record c LEFT JOIN case_allocation a"
            " ON a.case_id = c.id AND a.ended_at IS NULL WHERE c.student_id = :student",
            **mine,
        )
        assert all(row["provider_id"] == row["held_by"] for row in allocations), "held by another than allocated"
        shared = (
            "SELECT e.id FROM event e JOIN case_record c ON c.id = e.case_id WHERE c.student_id = :student"
            " AND (e.visibility = 'INTERNAL') <> (e.shared_with_school_id IS NULL)"
        )
        assert not self.store.rows(shared, **mine), "an event that is shared with nobody, or internal and shared"
        twice = "SELECT deduplication_key FROM outbox_message GROUP BY deduplication_key HAVING count(*) > 1"
        assert not self.store.rows(twice), "a mail that would be sent twice"


@pytest.fixture(scope="module")
def store(changing: DemoServer) -> Iterator[Store]:
    store = Store(changing.database)
    yield store
    store.close()


@pytest.fixture(scope="module")
def ids(store: Store) -> dict[str, str]:
    """Global identifiers by sign-in name or organisation number."""
    users = store.rows("SELECT id, username FROM user_account")
    organisations = store.rows("SELECT id, number FROM organisation")
    return {row["username"]: global_id("User", row["id"]) for row in users} | {
        row["number"]: global_id("Organisation", row["id"]) for row in organisations
    }


def live(server: DemoServer, store: Store, ids: dict[str, str], seed: int, steps: int) -> None:
    """One life, drawn by the seed."""
    life, chance = Life(server, store, ids, enrol(server).key), Random(seed)
    for _ in range(steps):
        life.take(life.choose(chance))
    life.invariants()


@pytest.mark.parametrize("seed", range(6))
def test_any_sequence_of_actions(changing: DemoServer, store: Store, ids: dict[str, str], seed: int) -> None:
    live(changing, store, ids, seed, 25)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(1_000, 1_500))
def test_five_hundred_sequences_of_actions(changing: DemoServer, store: Store, ids: dict[str, str], seed: int) -> None:
    live(changing, store, ids, seed, 25)

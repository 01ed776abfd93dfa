"""One request and its case from the first draft to the closing, through the API alone, by the people who do it.

At each step everybody is asked for everything of the student's request and case, and what they may do; the answers are
judged by the ground truth: the database as it is by then, and the policy as its text has it.
"""

import asyncio
from typing import Any

import pytest

from tests.contract.casework import done, refused
from tests.contract.checker import Tally
from tests.contract.conftest import Panel
from tests.contract.filing import ANSWERED, CONFIRMED, Pupil, enrol, organisation, user
from tests.contract.oracle import Person
from tests.contract.people import (
    ADMINISTRATOR,
    CONTACT,
    EVERYONE,
    ISP_MANAGER,
    ISP_WORKFLOW,
    LEAD,
    MANAGER,
    OFFICE,
    SECOND_LEAD,
    WITH_ROWS,
    WORKFLOW,
)
from tests.contract.questions import Way, direct
from tests.contract.world import global_id, read_world
from tests.support.live import signed_in
from tests.support.server import DemoServer

QUEUE = "subscription { queueChanged { what case { number status } } }"


class Journey:
    """The people, the server, and what has come of it so far."""

    def __init__(self, server: DemoServer) -> None:
        self.server = server
        self.pupil: Pupil = enrol(server)
        self.reference = ""
        self.number = ""
        self.judged = Tally()

    def everybody_looks(self) -> None:
        """Everyone asks for the request, the case and the student; every answer is judged."""
        panel = Panel(self.server, read_world(self.server.database))
        student = global_id("Student", self.pupil.key)
        for person in EVERYONE:
            for root, argument, type_name, value in (
                ("request", "reference", "Request", self.reference),
                ("case", "number", "Case", self.number or "09999999"),
                ("student", "id", "Student", student),
            ):
                question = direct(root, argument, type_name, Way.PLAIN, Way.NAMED_FRAGMENT)
                question.variables = {"one": value, "two": value}
                self.judged += panel.judge(person, question)
        self.judged.hold()

    def reached(self) -> set[str]:
        """Who reaches the case."""
        asked = f'{{ case(number: "{self.number}") {{ number }} }}'
        return {
            str(person)
            for person in WITH_ROWS
            if self.server.ask(person.email, asked, None, person.organisation).data["case"] is not None
        }

    def allowed(self, person: Person, root: str = "case") -> set[str]:
        """What the person may do to the case (or request) now."""
        named = f'request(reference: "{self.reference}")' if root == "request" else f'case(number: "{self.number}")'
        asked = f"{{ {named} {{ viewerCan {{ action allowed }} }} }}"
        row = self.server.ask(person.email, asked, None, person.organisation).data[root]
        return {one["action"] for one in row["viewerCan"] if one["allowed"]} if row else set()

    def version(self, person: Person, root: str = "case") -> int:
        named = f'request(reference: "{self.reference}")' if root == "request" else f'case(number: "{self.number}")'
        version: int = self.server.ask(person.email, f"{{ {named} {{ version }} }}", None, person.organisation).data[
            root
        ]["version"]
        return version

    def move(self, person: Person, mutation: str, **members: Any) -> Any:
        """A move of the case that succeeds; what the person is then shown of it."""
        shown = "case { number status version caseManager { displayName } provider { number } }"
        members = {"number": self.number, "expectedVersion": self.version(person), **members}
        return done(self.server, person, mutation, shown, **members)["case"]


@pytest.fixture
def journey(changing: DemoServer) -> Journey:
    return Journey(changing)


def step_one_the_office_starts(journey: Journey) -> None:
    """Office Support starts a request, fills it in half, and goes on at another device."""
    server = journey.server
    begun = done(server, OFFICE, "startRequest", "request { reference version status }", **CONFIRMED)["request"]
    journey.reference = begun["reference"]
    assert begun["status"] == "DRAFT"
    journey.everybody_looks()
    half = {name: ANSWERED[name] for name in ("attendance", "criteria")}
    saved = done(
        server, OFFICE, "saveRequest", "request { version steps { name complete } }",
        reference=journey.reference, expectedVersion=begun["version"], student=journey.pupil.id, **half,
    )["request"]  # fmt: skip
    assert {step["name"] for step in saved["steps"] if step["complete"]} >= {"ESL_CHECK", "ATTENDANCE"}
    stale = refused(
        server, OFFICE, "saveRequest", reference=journey.reference, expectedVersion=begun["version"], notes="x"
    )
    assert [code for code, _ in stale] == ["CONFLICT"]
    rest = {name: answer for name, answer in ANSWERED.items() if name not in half}
    whole = done(
        server, OFFICE, "saveRequest", "request { version steps { name complete missing } advice { level } }",
        reference=journey.reference, expectedVersion=saved["version"], primaryContact=user(server, CONTACT), **rest,
    )["request"]  # fmt: skip
    assert all(step["complete"] and not step["missing"] for step in whole["steps"])
    assert whole["advice"]["level"]
    journey.everybody_looks()


async def step_two_the_contact_submits(journey: Journey) -> None:
    """The Primary Contact it names submits it; the Workflow Lead sees it in the queue over a subscription."""
    server = journey.server
    assert "submitRequest" in journey.allowed(CONTACT, "request")
    assert journey.allowed(ISP_WORKFLOW, "request") == set()
    provider = organisation(server, "78912")
    named = {"reference": journey.reference, "provider": provider}
    done(server, OFFICE, "saveRequest", expectedVersion=journey.version(OFFICE, "request"), **named)
    async with signed_in(server, ISP_WORKFLOW.email) as socket:
        queue = await socket.subscribe(QUEUE)
        submitted = await asyncio.to_thread(
            done, server, CONTACT, "submitRequest", "request { number status } case { number status }",
            reference=journey.reference, expectedVersion=journey.version(CONTACT, "request"), **CONFIRMED,
        )  # fmt: skip
        heard = await socket.next(queue)
    journey.number = submitted["case"]["number"]
    assert submitted["request"]["status"] == "SUBMITTED"
    assert heard["data"]["queueChanged"] == {
        "what": "submitRequest", "case": {"number": journey.number, "status": "PROVIDER_QUEUE"},
    }  # fmt: skip
    again = refused(
        server, CONTACT, "submitRequest",
        reference=journey.reference, expectedVersion=journey.version(CONTACT, "request"), **CONFIRMED,
    )  # fmt: skip
    assert [code for code, _ in again] == ["NOT_POSSIBLE_NOW"]
    journey.everybody_looks()
    assert {str(LEAD), str(CONTACT), str(OFFICE), str(ISP_WORKFLOW)} <= journey.reached()
    assert not {str(ISP_MANAGER), str(WORKFLOW), str(SECOND_LEAD)} & journey.reached()


def step_three_the_case_is_worked(journey: Journey) -> None:
    """The Workflow Lead assigns; the Case Manager works it, shares a comment, pauses and resumes."""
    server = journey.server
    assigned = journey.move(ISP_WORKFLOW, "assignCaseManager", manager=user(server, ISP_MANAGER))
    assert assigned["status"] == "OPEN"
    assert str(ISP_MANAGER) in journey.reached()
    journey.everybody_looks()
    done(server, ISP_MANAGER, "addEvent", number=journey.number, kind="HOME_VISIT", subject="Went by", outcome="In.")
    done(server, ISP_MANAGER, "addComment", number=journey.number, body="Between us.")
    done(server, ISP_MANAGER, "addComment", number=journey.number, body="For the school.", visibility="SHARED")
    asked = f'{{ case(number: "{journey.number}") {{ comments {{ nodes {{ body }} }} }} }}'
    read = server.ask(CONTACT.email, asked).data["case"]["comments"]["nodes"]
    assert read == [{"body": "For the school."}]
    alerts = server.ask(CONTACT.email, "{ viewer { alerts(first: 20) { nodes { kind case { number } } } } }")
    kinds = {one["kind"] for one in alerts.data["viewer"]["alerts"]["nodes"] if one["case"]}
    assert {"COMMENT_SHARED", "CASE_MANAGER_ASSIGNED"} <= kinds
    journey.everybody_looks()
    assert "resumeCase" not in journey.allowed(ISP_MANAGER)
    assert journey.move(ISP_MANAGER, "pauseCase", reason="UNWELL", reviewOn="2099-02-01")["status"] == "PAUSED"
    assert "resumeCase" in journey.allowed(ISP_MANAGER)
    journey.everybody_looks()
    assert journey.move(ISP_MANAGER, "resumeCase")["status"] == "OPEN"
    journey.everybody_looks()


def step_four_it_is_handed_on_and_closed(journey: Journey) -> None:
    """The in-school provider hands it on to the catchment's; that one closes it, and nobody else may do anything."""
    server = journey.server
    handed = journey.move(ISP_WORKFLOW, "transferCase", reason="NEEDS_MORE_SUPPORT", handOverSummary="All there is.")
    assert handed is None, "the payload shows a case that is no longer theirs"
    assert not {str(ISP_MANAGER), str(ISP_WORKFLOW)} & journey.reached()
    assert {str(WORKFLOW), str(LEAD), str(CONTACT)} <= journey.reached()
    journey.everybody_looks()
    taken = journey.move(WORKFLOW, "assignCaseManager", manager=user(server, MANAGER))
    assert (taken["status"], taken["provider"]["number"]) == ("OPEN", "5001")
    journey.everybody_looks()
    closed = journey.move(MANAGER, "closeCase", outcome="ATTENDANCE_IMPROVED", closingSummary="Back at school.")
    assert closed["status"] == "CLOSED"
    assert not {str(LEAD), str(CONTACT), str(OFFICE)} & journey.reached(), "a school sees active cases only"
    assert {str(WORKFLOW), str(MANAGER)} <= journey.reached()
    journey.everybody_looks()
    assert journey.allowed(MANAGER) == set()
    assert journey.allowed(WORKFLOW) == {"reopenCase"}
    unseen = refused(
        server, ADMINISTRATOR, "transferCase",
        number=journey.number, reason="MOVED", handOverSummary="x", provider=organisation(server, "5002"),
    )  # fmt: skip
    assert [code for code, _ in unseen] == ["NOT_POSSIBLE_NOW"]


async def test_from_the_first_draft_to_the_closing(journey: Journey) -> None:
    await asyncio.to_thread(step_one_the_office_starts, journey)
    await step_two_the_contact_submits(journey)
    await asyncio.to_thread(step_three_the_case_is_worked, journey)
    await asyncio.to_thread(step_four_it_is_handed_on_and_closed, journey)
    assert journey.judged.cells > 5_000

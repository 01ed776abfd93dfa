"""The life of a case, change by change, as clients go on with it through faults: what was not answered is sent again
with the same key. Every story goes the same way, so that each of its changes leaves the same rows.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from tests.contract.casework import PROBLEMS
from tests.contract.filing import ANSWERED, CONFIRMED
from tests.contract.oracle import Person
from tests.contract.people import BOTH, CONTACT, ISP_MANAGER, ISP_WORKFLOW, LEAD, OFFICE
from tests.contract.world import global_id
from tests.support.server import Answer, DemoServer

Facts = dict[str, Any]
"""What a story knows by the answers: `reference`, `number`, `version`."""

REQUEST: Final = "request { reference version }"
CASE: Final = "case { number version student { fullName } }"


@dataclass(frozen=True)
class Step:
    """One change: who makes it, with which input, and what is asked of its payload."""

    name: str
    by: Person
    mutation: str
    given: Callable[[Facts], Mapping[str, Any]]
    shown: str

    @property
    def operation(self) -> str:
        """What the access log calls it."""
        return self.name.title().replace("_", "")

    @property
    def document(self) -> str:
        takes = f"{self.mutation[0].upper()}{self.mutation[1:]}Input"
        field_ = f"{self.mutation}(input: $input) {{ {self.shown} {PROBLEMS} }}"
        return f"mutation {self.operation}($input: {takes}!) {{ {field_} }}"


def _request(facts: Facts) -> Facts:
    return {"reference": facts["reference"], "expectedVersion": facts["version"]}


def _case(facts: Facts) -> Facts:
    return {"number": facts["number"], "expectedVersion": facts["version"]}


STEPS: Final = (
    Step("start", OFFICE, "startRequest", lambda its: {**CONFIRMED, "student": its["student"]}, REQUEST),
    Step(
        "fill", OFFICE, "saveRequest",
        lambda its: {**_request(its), **ANSWERED, "primaryContact": its[CONTACT.email]}, REQUEST,
    ),
    Step("submit", OFFICE, "submitRequest", _request, f"request {{ reference version {CASE} }}"),
    Step("ask", LEAD, "addComment", lambda its: {"number": its["number"], "body": "How is it going?"}, CASE),
    Step(
        "assign", ISP_WORKFLOW, "assignCaseManager",
        lambda its: {**_case(its), "manager": its[ISP_MANAGER.email]}, CASE,
    ),
    Step(
        "answer", ISP_MANAGER, "addComment",
        lambda its: {"number": its["number"], "body": "We rang.", "visibility": "SHARED"}, CASE,
    ),
    Step(
        "ring", ISP_MANAGER, "addEvent",
        lambda its: {"number": its["number"], "kind": "PHONE_CALL", "subject": "Rang home", "visibility": "SHARED"},
        CASE,
    ),
    Step("hand_over", LEAD, "changePrimaryContact", lambda its: {**_case(its), "contact": its[BOTH.email]}, CASE),
    Step(
        "spend", ISP_MANAGER, "recordNeedsFund",
        lambda its: {"number": its["number"], "purpose": "Shoes", "amountCents": 4990, "spentOn": "2026-05-10"}, CASE,
    ),
    Step(
        "close", ISP_MANAGER, "closeCase",
        lambda its: {**_case(its), "outcome": "ATTENDANCE_IMPROVED", "closingSummary": "Back at school."}, CASE,
    ),
)  # fmt: skip
PEOPLE: Final = (CONTACT, BOTH, ISP_MANAGER)
"""Who is named in inputs."""
READ: Final = "query {name}($number: String!) {{ case(number: $number) {{ number student {{ fullName }} }} }}"


class OddAnswerError(AssertionError):
    """An answer that no fault explains."""


@dataclass
class Story:
    """One student's request and case, as far as it has come. Its steps have keys of their own."""

    student: int
    facts: Facts
    done: int = 0
    """How many steps were acknowledged."""
    disclosed: Counter[str] = field(default_factory=Counter)
    """How often the child's name was answered, by the operation's name."""

    @property
    def ended(self) -> bool:
        return self.done == len(STEPS)

    def key(self, step: Step) -> str:
        """The `Idempotency-Key` of a step."""
        return f"{self.student}.{step.name}"

    def acknowledged(self) -> set[str]:
        """The keys of the steps whose answers came."""
        return {self.key(step) for step in STEPS[: self.done]}

    def advance(self, server: DemoServer) -> bool:
        """Send the next step, or the one that was not answered. Whether it was acknowledged."""
        step = STEPS[self.done]
        answer = asked(server, step.by, step.document, {"input": dict(step.given(self.facts))}, self.key(step))
        if answer is None:
            return False
        payload = (answer.body or {}).get("data", {}).get(step.mutation)
        if payload is None or payload["problems"]:
            raise OddAnswerError(f"{step.name} of {self.student}: {answer.status} {answer.text}")
        self._learn(step, payload)
        self.done += 1
        return True

    def read(self, server: DemoServer, name: str) -> None:
        """Read the case, in an operation of that name; not before there is one."""
        if "number" not in self.facts:
            return
        answer = asked(server, ISP_WORKFLOW, READ.format(name=name), {"number": self.facts["number"]})
        if answer is None:
            return
        if answer.errors or answer.data["case"]["student"]["fullName"] is None:
            raise OddAnswerError(f"{name}: {answer.status} {answer.text}")
        self.disclosed[name] += 1

    def _learn(self, step: Step, payload: Mapping[str, Any]) -> None:
        told = payload.get("request") or payload.get("case") or {}
        told = told.get("case") or told
        if "student" in told:
            self.disclosed[step.operation] += 1
        self.facts |= {name: told[name] for name in ("reference", "number", "version") if name in told}


def asked(
    server: DemoServer, person: Person, document: str, variables: Mapping[str, Any], key: str | None = None
) -> Answer | None:
    """The answer; None where there was none, or one that says to come again later."""
    headers = {} if key is None else {"Idempotency-Key": key}
    try:
        answer = server.ask(person.email, document, dict(variables), person.organisation, headers=headers)
    except httpx.TransportError:
        return None
    if answer.status == 503:
        if answer.codes != ["UNAVAILABLE"] or int(answer.headers["Retry-After"]) <= 0:
            raise OddAnswerError(answer.text)
        return None
    return answer


def begun(student: int, people: Mapping[str, str]) -> Story:
    """A story that has not begun; `people` are global identifiers by e-mail."""
    return Story(student, {"student": global_id("Student", student), **people})

"""Every illegal move of a case (status, action, role): refused, with what is possible now, and nothing is changed."""

from typing import Any, Final

import pytest

from ascms.planning.identifiers import encode
from tests.casework.life_of_a_case import AD, ASP as SERVICE, ISP as IN_SCHOOL, POSSIBLE, STATUSES, possible
from tests.contract.case_rows import ASP, ISP, Made, everything, make, user
from tests.contract.casework import column, refused
from tests.contract.oracle import Person
from tests.contract.people import (
    ADMINISTRATOR,
    ADVISER,
    ANALYST,
    AUTHORISER,
    CONTACT,
    ISP_MANAGER,
    ISP_WORKFLOW,
    LEAD,
    MANAGER,
    OFFICE,
    PRIVACY,
    SECOND_LEAD,
    WORKFLOW,
)
from tests.support.server import Answer, DemoServer

EVERYONE: Final = {
    LEAD: "ATTENDANCE_LEAD",
    SECOND_LEAD: "ATTENDANCE_LEAD",
    CONTACT: "PRIMARY_CONTACT",
    OFFICE: "OFFICE_SUPPORT",
    ISP_WORKFLOW: "WORKFLOW_LEAD",
    ISP_MANAGER: "CASE_MANAGER",
    WORKFLOW: "WORKFLOW_LEAD",
    MANAGER: "CASE_MANAGER",
    ADVISER: "MINISTRY_ADVISER",
    ANALYST: "MINISTRY_ANALYST",
    PRIVACY: "PRIVACY_OFFICER",
    ADMINISTRATOR: "MINISTRY_ADMINISTRATOR",
    AUTHORISER: "DELEGATED_AUTHORISER",
}
AT_SCHOOL: Final = {LEAD, CONTACT, OFFICE}
WORKERS: Final = {ISP: {ISP_WORKFLOW, ISP_MANAGER}, ASP: {WORKFLOW, MANAGER}}
KINDS: Final = {ISP: IN_SCHOOL, ASP: SERVICE}
# A file comes as a part of its own; its tests are elsewhere.
ACTIONS: Final = tuple(action for action in POSSIBLE if action != "addFile")
MEMBERS: Final[dict[str, dict[str, Any]]] = {
    "pauseCase": {"reason": "AWAY", "reviewOn": "2099-01-01"},
    "transferCase": {"reason": "OTHER", "handOverSummary": "Known."},
    "closeCase": {"outcome": "ENROLLED", "closingSummary": "Well."},
    "reopenCase": {"reason": "OTHER"},
    "updateSchoolContactNotes": {"notes": "Room 4."},
    "addComment": {"body": "A word."},
    "addEvent": {"kind": "NOTE", "subject": "A note"},
    "addTask": {"title": "Ring home"},
    "recordNeedsFund": {"purpose": "A bus pass", "amountCents": 1200, "spentOn": "2026-05-01"},
    "addSafetyAlert": {"text": "A dog."},
}
VERSIONED: Final = {"assignCaseManager", "openCase", "resumeCase", "changePrimaryContact", *list(MEMBERS)[:5]}
UNSEEN: Final = "This is not possible as the case stands now."


def ask(server: DemoServer, person: Person, case: Made, actions: list[str]) -> Answer:
    """The answer to all of the actions on the case in one operation, each with an input that would do."""
    manager_id = column(server, case.number, "case_manager_id")
    variables: dict[str, Any] = {}
    for action in actions:
        variables[action] = {"number": case.number, **MEMBERS.get(action, {})}
        if action in VERSIONED:
            variables[action]["expectedVersion"] = 1
    if "assignCaseManager" in variables:
        variables["assignCaseManager"] |= {"manager": encode("User", manager_id), "reason": "WORKLOAD"}
    if "changePrimaryContact" in variables:
        variables["changePrimaryContact"]["contact"] = user(server, LEAD.email)
    takes = ", ".join(f"${action}: {action[0].upper()}{action[1:]}Input!" for action in actions)
    shown = "problems { code message path ... on NotPossibleNow { possible { action roles } } }"
    asked = " ".join(f"{action}(input: ${action}) {{ {shown} }}" for action in actions)
    return server.ask(person.email, f"mutation({takes}) {{ {asked} }}", variables, person.organisation)


def reaches(person: Person, status: str, provider: str) -> bool:
    if person in AT_SCHOOL:
        return status != "CLOSED"
    return person in WORKERS[provider]


def listed(person: Person, status: str, provider: str) -> dict[str, set[str]]:
    """What somebody is told is possible. A service serves the student's own school: nobody is next to it."""
    told = {action: set(roles) for action, roles in possible(status, KINDS[provider]).items()}
    if provider == ASP and person in WORKERS[ASP] and "transferCase" in told:
        told["transferCase"] = {AD}
    return told


def is_legal(person: Person, action: str, status: str, provider: str) -> bool:
    role = EVERYONE[person]
    if role == AD:
        return action == "transferCase" and status != "CLOSED"
    return reaches(person, status, provider) and role in listed(person, status, provider).get(action, set())


@pytest.mark.parametrize("status", STATUSES)
def test_illegal_moves_are_refused_with_what_is_possible_and_nothing_is_changed(
    changing: DemoServer, status: str
) -> None:
    managers = {ISP: ISP_MANAGER.email, ASP: MANAGER.email}
    cases = {
        provider: make(changing, status, provider=provider, manager=managers[provider], contact=CONTACT.email)
        for provider in (ISP, ASP)
    }
    before = everything(changing)
    tried = 0
    for provider, case in cases.items():
        for person, role in EVERYONE.items():
            theirs = [action for action in ACTIONS if role in set().union(*POSSIBLE[action][1].values())]
            others = [action for action in ACTIONS if action not in theirs]
            illegal = [action for action in theirs if not is_legal(person, action, status, provider)]
            tried += len(others) + len(illegal)
            if others:
                answer = ask(changing, person, case, others)
                assert answer.codes == ["FORBIDDEN"] * len(others)
                assert answer.data == dict.fromkeys(others)
            if illegal:
                answer = ask(changing, person, case, illegal)
                for action in illegal:
                    (problem,) = answer.data[action]["problems"]
                    check(problem, person, action, status, provider)
    assert everything(changing) == before
    assert tried > 200


def check(problem: dict[str, Any], person: Person, action: str, status: str, provider: str) -> None:
    """Whether a refusal is the one that is due."""
    what = (person, action, status, provider)
    if EVERYONE[person] == AD:
        assert (problem["code"], problem["message"], problem["possible"]) == ("NOT_POSSIBLE_NOW", UNSEEN, []), what
    elif not reaches(person, status, provider):
        assert (problem["code"], problem["path"]) == ("NOT_FOUND", ["input", "number"]), what
    else:
        assert problem["code"] == "NOT_POSSIBLE_NOW", what
        told = {one["action"]: set(one["roles"]) for one in problem["possible"]}
        assert told == listed(person, status, provider), what


def test_what_is_refused_is_what_the_viewer_is_shown_that_they_cannot(changing: DemoServer) -> None:
    """`viewerCan`, the list in a refusal and the mutation itself say the same to each who reaches a case."""
    for status in STATUSES:
        for provider in (ISP, ASP):
            manager = {ISP: ISP_MANAGER.email, ASP: MANAGER.email}[provider]
            case = make(changing, status, provider=provider, manager=manager, contact=CONTACT.email)
            for person in (*AT_SCHOOL, *WORKERS[provider]):
                shown = changing.ask(
                    person.email,
                    f'{{ case(number: "{case.number}") {{ viewerCan {{ action allowed reason }} }} }}',
                    None,
                    person.organisation,
                ).data["case"]
                if not reaches(person, status, provider):
                    assert shown is None
                    continue
                can = {one["action"] for one in shown["viewerCan"] if one["allowed"]}
                assert can == {action for action in POSSIBLE if is_legal(person, action, status, provider)}
                assert all((one["reason"] is None) is one["allowed"] for one in shown["viewerCan"])


def test_a_stale_version_changes_nothing_whoever_brings_it(changing: DemoServer) -> None:
    case = make(changing, "OPEN", manager=ISP_MANAGER.email, contact=CONTACT.email)
    before = everything(changing)
    given = {"number": case.number, "expectedVersion": 7}
    for person, action in (
        (ISP_WORKFLOW, "pauseCase"), (ISP_MANAGER, "closeCase"), (ISP_WORKFLOW, "transferCase"),
        (LEAD, "updateSchoolContactNotes"), (ADMINISTRATOR, "transferCase"),
    ):  # fmt: skip
        assert refused(changing, person, action, **given, **MEMBERS[action]) == [("CONFLICT", "expectedVersion")]
    assert refused(changing, ISP_WORKFLOW, "transferCase", number=case.number, **MEMBERS["transferCase"]) == [
        ("INVALID", "expectedVersion")
    ], "optional for who does not read it, and for nobody else"
    assert everything(changing) == before

"""People and organisations of a test's own, brought in through the API as the Administrator and authorisers do it."""

import itertools
import threading
from typing import Any, Final

from tests.contract.case_rows import everything, organisation, user_key
from tests.contract.casework import do, done
from tests.contract.oracle import Person
from tests.contract.people import ADMINISTRATOR
from tests.contract.world import global_id
from tests.support.server import Answer, DemoServer
from tests.support.sql import rows

MINISTRY: Final = "9000"
NEVER_ISSUED: Final = 900_000_000
MUTATIONS: Final = (
    "inviteUser", "assignRole", "removeRole", "leaveRole", "decideRoleApproval", "recordTraining",
    "addAccessBlock", "liftAccessBlock", "protectStudent", "requestUnprotectStudent", "decideUnprotectStudent",
)  # fmt: skip
SHOWN: Final = "user { id displayName email } assignment { role approved organisation { number } }"
_numbers = itertools.count(1)
_people = itertools.count(1)


# Making ------------------------------------------------------------------------------------------------------


def a_school(server: DemoServer) -> str:
    """The number of a new school, without anybody."""
    number = f"77{next(_numbers):04d}"
    facts = {"number": number, "name": f"School {number}", "kind": "SCHOOL", "region": "Waikato"}
    done(server, ADMINISTRATOR, "saveOrganisation", **facts)
    return number


def somebody(
    server: DemoServer, role: str, at: str, by: Person = ADMINISTRATOR, *, trained: bool = True, **members: Any
) -> Person:
    """Somebody new with a role there, as `by` invites them."""
    address = f"somebody{next(_people)}@example.nz"
    facts = {"email": address, "givenName": "Some", "surname": "Body", "role": role, **members}
    user = done(server, by, "inviteUser", "user { id }", organisation=organisation(server, at), **facts)["user"]
    if trained and role in {"WORKFLOW_LEAD", "CASE_MANAGER"}:
        done(server, ADMINISTRATOR, "recordTraining", user=user["id"])
    return Person(address, at)


def somebody_approved(server: DemoServer, role: str, at: str) -> Person:
    """Somebody with a role that two people grant."""
    person = somebody(server, role, at)
    done(server, somebody(server, "MINISTRY_ADMINISTRATOR", MINISTRY), "decideRoleApproval", **_waiting(server, person))
    return person


def _waiting(server: DemoServer, person: Person) -> dict[str, Any]:
    return {"id": approval_of(server, person), "approve": True}


# Knowing -----------------------------------------------------------------------------------------------------


def user(server: DemoServer, person: Person) -> str:
    """Somebody's global identifier."""
    return global_id("User", user_key(server, person.email))


def approval_of(server: DemoServer, person: Person, role: str | None = None) -> str:
    """The identifier of the one role of theirs that waits."""
    waiting = """SELECT id FROM role_assignment WHERE user_id = :user AND approved_at IS NULL AND ended_at IS NULL
        AND (role = :role OR :role = '')"""
    (found,) = rows(server.database, waiting, user=user_key(server, person.email), role=role or "")
    return global_id("Approval", found[0])


def viewer(server: DemoServer, person: Person, shown: str) -> Any:
    """What somebody is told of themselves."""
    return server.ask(person.email, f"{{ viewer {{ {shown} }} }}", organisation=person.organisation).data["viewer"]


def roles(server: DemoServer, person: Person) -> list[str]:
    """The roles that somebody has in effect where they act."""
    in_effect: list[str] = viewer(server, person, "roles")["roles"]
    return in_effect


def approvals(server: DemoServer, person: Person) -> list[str]:
    """Whose roles wait for somebody's decision."""
    return [one["user"]["id"] for one in viewer(server, person, "approvals { user { id } }")["approvals"]]


def history(server: DemoServer, person: Person) -> list[str]:
    """What somebody's account history tells them, the latest first, sign-ins left out."""
    nodes = viewer(server, person, "accountHistory(first: 20) { nodes { description } }")["accountHistory"]["nodes"]
    return [one["description"] for one in nodes if one["description"] != "Signed in"]


def logged(server: DemoServer) -> int:
    """How many entries the change log has."""
    number: int = rows(server.database, "SELECT count(*) FROM change_entry")[0][0]
    return number


def state(server: DemoServer, *people: Person) -> dict[str, str]:
    """A checksum of each table, once these people have signed in, which is written down the first time."""
    for person in people:
        roles(server, person)
    return everything(server)


# Asking ------------------------------------------------------------------------------------------------------


def thrice(server: DemoServer, person: Person, mutation: str, shown: str = "", /, **members: Any) -> Any:
    """The payload of a mutation that is sent three times with one key, and done once."""
    key = f"thrice-{next(_numbers)}"
    before = logged(server)
    first = do(server, person, mutation, shown, key=key, **members)
    payload = first.data[mutation]
    assert payload is not None, first.errors
    assert payload["problems"] == []
    after = logged(server)
    assert after > before
    for _ in range(2):
        assert do(server, person, mutation, shown, key=key, **members).body == first.body
    assert logged(server) == after
    return payload


def at_once(*actions: Any) -> list[Any]:
    """What comes of actions that are begun at the same time."""
    answers: list[Any] = [None] * len(actions)
    ready = threading.Barrier(len(actions))

    def run(place: int) -> None:
        ready.wait()
        answers[place] = actions[place]()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(actions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def codes(answer: Answer, mutation: str) -> list[tuple[str, str]]:
    """Code and last member of each problem."""
    assert answer.data[mutation] is not None, answer.errors
    return [(one["code"], ".".join(one["path"][1:])) for one in answer.data[mutation]["problems"]]

"""How the tests of casework ask: a mutation with its input, and what a person sees of a case afterwards."""

from typing import Any

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
    OFFICE,
    PRIVACY,
)
from tests.support.server import Answer, Server
from tests.support.sql import rows

TEN: dict[str, Person] = {
    "ATTENDANCE_LEAD": LEAD,
    "PRIMARY_CONTACT": CONTACT,
    "OFFICE_SUPPORT": OFFICE,
    "WORKFLOW_LEAD": ISP_WORKFLOW,
    "CASE_MANAGER": ISP_MANAGER,
    "MINISTRY_ADVISER": ADVISER,
    "MINISTRY_ANALYST": ANALYST,
    "PRIVACY_OFFICER": PRIVACY,
    "MINISTRY_ADMINISTRATOR": ADMINISTRATOR,
    "DELEGATED_AUTHORISER": AUTHORISER,
}
"""One person for each role; the seven with cases all reach `SEEN_BY_ALL`."""
SEEN_BY_ALL = "00307408"
"""Open, at Test College, with its in-school provider; its contact and its manager are those of the ten."""
PROBLEMS = "problems { __typename code message path ... on NotPossibleNow { possible { action roles } } }"


def do(
    server: Server, person: Person, mutation: str, shown: str = "", /, *, key: str | None = None, **members: Any
) -> Answer:
    """The answer to a mutation with the input's members; `shown` is what is asked of its payload."""
    takes = f"{mutation[0].upper()}{mutation[1:]}Input"
    document = f"mutation Do($input: {takes}!) {{ {mutation}(input: $input) {{ {shown} {PROBLEMS} }} }}"
    headers = {} if key is None else {"Idempotency-Key": key}
    return server.ask(person.email, document, {"input": members}, person.organisation, headers=headers)


def done(server: Server, person: Person, mutation: str, shown: str = "", /, **members: Any) -> Any:
    """The payload of a mutation that is done without problems."""
    answer = do(server, person, mutation, shown, **members)
    payload = answer.data[mutation]
    assert payload is not None, answer.errors
    assert payload["problems"] == []
    return payload


def refused(server: Server, person: Person, mutation: str, /, **members: Any) -> list[tuple[str, str]]:
    """Code and last member of each problem with which a mutation is refused."""
    answer = do(server, person, mutation, **members)
    assert answer.data[mutation] is not None, answer.errors
    return [(problem["code"], ".".join(problem["path"][1:])) for problem in answer.data[mutation]["problems"]]


def messages(server: Server, person: Person, mutation: str, /, **members: Any) -> list[str]:
    """What a refusal says."""
    return [one["message"] for one in do(server, person, mutation, **members).data[mutation]["problems"]]


def seen(server: Server, person: Person, number: str, shown: str) -> Any:
    """What a person sees of a case; None where it is not theirs, or cases are not."""
    answer = server.ask(
        person.email, f"query($n: String!) {{ case(number: $n) {{ {shown} }} }}", {"n": number}, person.organisation
    )
    return answer.data["case"]


def node(server: Server, person: Person, identifier: str, type_name: str, shown: str) -> Any:
    """What a person sees of an object by its identifier."""
    document = f"query($id: ID!) {{ node(id: $id) {{ ... on {type_name} {{ {shown} }} }} }}"
    return server.ask(person.email, document, {"id": identifier}, person.organisation).data["node"]


def column(server: Server, number: str, name: str) -> Any:
    """A column of a case, as the database has it."""
    return rows(server.database, f"SELECT {name} FROM case_record WHERE number = :number", number=number)[0][0]


def count(server: Server, table: str, condition: str = "1 = 1") -> int:
    """How many rows of a table there are."""
    number: int = rows(server.database, f"SELECT count(*) FROM {table} WHERE {condition}")[0][0]
    return number

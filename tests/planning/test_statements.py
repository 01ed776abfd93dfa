"""What a plan costs: one statement per list, whatever the number of rows; nothing hidden or unasked is selected."""

import asyncio
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import SecretStr

from ascms.database import engine_for
from ascms.identity.contexts import choose, contexts_of
from ascms.identity.people import find
from ascms.identity.viewer import Viewer
from ascms.planning.service import Answer, Operations
from ascms.schema import build_schema
from ascms.server.files import FileAddresses
from ascms.settings import Settings
from ascms.snapshots import GIVEN_UP

QUERIES = Path(__file__).parents[2] / "queries"
HOME, CASE = (QUERIES / f"{name}.graphql" for name in ("home", "case"))
NOW = datetime(2026, 5, 11, 3, 0, tzinfo=UTC)


class Asker:
    """Answers operations in this process, and tells the statements that they took."""

    def __init__(self, url: str, folder: Path, log: pytest.LogCaptureFixture, runner: asyncio.Runner) -> None:
        served = build_schema()
        settings = Settings(database_url=url, state_directory=folder, secret_key=SecretStr("k" * 32))
        self.engine = engine_for(url)
        self.operations = Operations(served.core, served.registry, served.policy, settings, self.engine)
        self.log = log
        self.runner = runner

    async def viewer(self, email: str, number: str) -> Viewer:
        from sqlalchemy import select

        from ascms.models import User

        async with self.engine.connect() as connection:
            subject = await connection.scalar(select(User.subject).where(User.username == email))
        assert subject is not None
        person = await find(self.engine, subject)
        assert person is not None
        contexts = contexts_of(person.holdings, trained=person.trained)
        acting, missing = choose(contexts, claim=number, header=None)
        return Viewer(person.id, acting, contexts, missing)

    def ask(self, who: str, text: str, variables: dict[str, Any] | None = None) -> tuple[Answer, list[str]]:
        """The answer, and the texts of the statements."""
        email, _, number = who.partition(" ")

        async def answered() -> Answer:
            viewer = await self.viewer(email, number)
            self.log.clear()  # sign-in does not count
            asked, plan = self.operations.prepare(text, None, variables or {}, viewer)
            offers = {"sign_file": FileAddresses(b"k" * 32).sign}
            return await self.operations.answer(
                asked, plan, self.operations.facts(viewer, NOW, offers), variables or {}
            )

        with self.log.at_level(logging.DEBUG, logger="ascms.statements"):
            answer = self.runner.run(answered())
        messages = [record.getMessage() for record in self.log.records if record.name == "ascms.statements"]
        if GIVEN_UP in messages:  # the machine was busy: what was begun does not count
            messages = messages[messages.index(GIVEN_UP) + 1 :]
        return answer, messages

    def takes(self, statements: int) -> int:
        """How many statements are run for so many levels: PostgreSQL is asked for all at once."""
        return statements if self.engine.dialect.name == "sqlite" else 1


@pytest.fixture
def asker(world_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Asker]:
    with asyncio.Runner() as runner:
        asker = Asker(world_url, tmp_path, caplog, runner)
        yield asker
        runner.run(asker.engine.dispose())


LEAD = "lead@test-college.school.nz 1234"
OFFICE = "office@test-college.school.nz 1234"
BOTH = "both@test-college.school.nz 1234"
WORKFLOW = "workflow@waikato-attendance.nz 5001"
PRIVACY = "privacy@ministry.nz 9000"


def said(answer: Answer) -> Any:
    """The data of an answer."""
    return orjson.loads(answer.encoded)["data"]


def test_what_the_two_measured_documents_cost(asker: Asker) -> None:
    for who in (LEAD, OFFICE, BOTH, WORKFLOW, PRIVACY):
        answer, statements = asker.ask(who, HOME.read_text())
        assert len(statements) <= 4, statements
        if who == LEAD:
            assert len(said(answer)["cases"]["nodes"]) == 30
        number = "00307473" if who in (LEAD, OFFICE, BOTH) else _some_case(asker, who)
        answer, statements = asker.ask(who, CASE.read_text(), {"number": number})
        assert said(answer)["case"]["number"] == number
        assert len(statements) <= 9, statements


def _some_case(asker: Asker, who: str) -> str:
    answer, _ = asker.ask(who, "{ cases(first: 1) { nodes { number } } }")
    number: str = said(answer)["cases"]["nodes"][0]["number"]
    return number


def test_one_statement_per_list_whatever_the_number_of_rows(asker: Asker) -> None:
    text = """query Lists($n: Int!) { students(first: $n) { totalCount nodes { fullName
      ethnicities { name } caregivers { name }
      cases(first: 5) { totalCount nodes { number
        events(first: 10) { totalCount edges { cursor node { subject participants recordedBy { displayName } } } }
        comments(first: 10) { nodes { body } } } } } } }"""
    counts = set()
    for size in (1, 10, 100):
        answer, statements = asker.ask(PRIVACY, text, {"n": size})
        assert len(said(answer)["students"]["nodes"]) == size
        counts.add(len(statements))
    # Ethnicities and caregivers are read with their students on SQLite.
    assert counts == {asker.takes(4)}


def test_pages_inside_pages_go_on_where_they_ended(asker: Asker) -> None:
    text = """query Inside($after: String) { case(number: "00307473") { events(first: 1, after: $after) {
      totalCount nodes { kind } pageInfo { endCursor hasNextPage hasPreviousPage } } } }"""
    first, statements = asker.ask(LEAD, text)
    page = said(first)["case"]["events"]
    assert (page["totalCount"], len(page["nodes"])) == (1, 1)
    assert len(statements) == asker.takes(2)
    beyond, statements = asker.ask(LEAD, text, {"after": page["pageInfo"]["endCursor"]})
    page = said(beyond)["case"]["events"]
    assert (page["totalCount"], page["nodes"], page["pageInfo"]["hasPreviousPage"]) == (1, [], True)
    assert len(statements) == asker.takes(2)


def test_hidden_columns_are_never_selected(asker: Asker) -> None:
    _, statements = asker.ask(OFFICE, CASE.read_text(), {"number": "00307473"})
    said = "\n".join(statements)
    for hidden in (
        "date_of_birth", "gender", "student_ethnicity", "student_iwi", "caregiver", "address", "school_contact_notes",
        "nsn", ".subject", ".description",
    ):  # fmt: skip
        assert hidden not in said, f"{hidden} is read for Office Support:\n{said}"
    _, statements = asker.ask(LEAD, CASE.read_text(), {"number": "00307473"})
    assert "date_of_birth" in "\n".join(statements)


def test_unasked_columns_are_never_selected(asker: Asker) -> None:
    _, statements = asker.ask(LEAD, "{ cases(first: 3) { nodes { number } } }")
    (said,) = statements
    for unasked in ("school_contact_notes", "closing_summary", "full_name", "count("):
        assert unasked not in said


def test_what_is_hidden_on_a_row_does_not_leave_the_database(asker: Asker) -> None:
    """Where it depends on the row, the column is read under a condition."""
    _, statements = asker.ask(BOTH, "{ cases(first: 30) { nodes { student { dateOfBirth } } } }")
    (said,) = statements
    before = said[: said.index("date_of_birth")]
    assert before.rstrip().rpartition("CASE WHEN")[1], "date_of_birth is read without a condition"
    assert said.count("date_of_birth") == 1


def test_a_forbidden_root_and_texts_cost_nothing(asker: Asker) -> None:
    answer, statements = asker.ask(WORKFLOW, "{ services { name } support { phone } privacyStatement { version } }")
    assert said(answer)["services"] is None
    assert statements == []

"""What e-mails say: number, link, and nobody's name."""

import asyncio
import re
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from ascms.models import AlertKind
from ascms.outbox.letters import NotUnderstoodError, letter, matter_of
from tests.contract.world import World, read_world
from tests.outbox.conftest import CASE, WRITTEN, mailing
from tests.support.databases import Databases
from tests.support.mail import MailServer
from tests.support.server import DemoServer
from tests.support.sql import rows

ABOUT = ({"case": CASE, "reference": None}, {"case": None, "reference": "152"})
NAMES = {
    "student": ("full_name", "known_as"),
    "user_account": ("display_name", "given_name", "middle_name", "preferred_name", "surname"),
    "caregiver": ("name",),
    "request_caregiver_contact": ("name",),
}
"""Every column that holds a person's name."""
ORDINARY = {"case", "contact", "manager", "name", "school", "student"}
"""Words of our sentences that the demo's placeholder people are called too."""
COMMENT = """mutation Comment($number: String!) {
  addComment(input: {number: $number, body: "Met the family.", visibility: SHARED}) { problems { message } }
}"""


def written(payload: dict[str, str | None], topic: str = "email") -> EmailMessage:
    settings = mailing("smtp://127.0.0.1")
    return letter(settings, matter_of(topic, payload), "someone@example.nz", key="some-key", written_at=WRITTEN)


def words(text: str) -> set[str]:
    """Words of two letters and more; a year or a number is none."""
    return set(re.findall(r"[^\W\d_][^\W\d_’'-]*[^\W\d_]", text.casefold().replace("’", "")))


@pytest.fixture(scope="module")
def world(launch: Callable[..., DemoServer]) -> World:
    return read_world(launch("sqlite").database)


def names_in(world: World, text: str) -> set[str]:
    """The names that a text has: of people of the world, whole or in part, and of its organisations."""
    said = words(text)
    found = {row.name for row in world.all("organisation") if row.name.casefold() in text.casefold()}
    for table, columns in NAMES.items():
        for row in world.all(table):
            for column in columns:
                name = getattr(row, column)
                if name and words(name) & said - ORDINARY:
                    found.add(name)
    return found


@pytest.mark.parametrize("about", ABOUT)
@pytest.mark.parametrize("kind", AlertKind)
def test_no_kind_of_message_has_anybodys_name(world: World, kind: AlertKind, about: dict[str, str | None]) -> None:
    message = written({"kind": kind, **about})
    for header in message:
        if header != "To":
            assert names_in(world, str(message[header])) == set()
    assert names_in(world, message.get_content()) == set()


def test_an_invitation_has_nobodys_name_either(world: World) -> None:
    message = written({}, "invitation")
    assert names_in(world, message["Subject"] + message.get_content()) == set()


def test_the_names_are_found_where_there_are_any(world: World) -> None:
    student = world.one("student", "full_name", "Second Student 1")
    assert student is not None
    assert names_in(world, "A comment about Second Student 1.") >= {"Second Student 1"}
    caregiver = world.all("caregiver")[0].name
    assert caregiver in names_in(world, f"Mum is called {caregiver.split()[0]}.")
    assert "Second School" in names_in(world, "The lead of Second School.")


@pytest.mark.parametrize("about", ABOUT)
@pytest.mark.parametrize("kind", AlertKind)
def test_every_message_says_which_case_or_request_and_leads_there(
    kind: AlertKind, about: dict[str, str | None]
) -> None:
    message = written({"kind": kind, **about})
    body = message.get_content().replace("\r\n", "\n")
    links = re.findall(r"https?://\S+", body)
    assert links in (
        [f"https://attendance.example.nz/portal/cases/{about['case']}"],
        [f"https://attendance.example.nz/portal/requests/{about['reference']}"],
    )
    assert links[0].rpartition("/")[2] in message["Subject"]
    assert message["Subject"][0].isupper()
    assert len(message["Subject"]) <= 60
    assert "{" not in body + message["Subject"]


def test_every_kind_says_something_of_its_own() -> None:
    subjects = {written({"kind": kind, **ABOUT[0]})["Subject"] for kind in AlertKind}
    assert len(subjects) == len(AlertKind)


def test_a_message_is_the_same_at_each_attempt() -> None:
    payload = {"kind": AlertKind.CASE_OPENED, **ABOUT[0]}
    assert written(payload).as_bytes() == written(payload).as_bytes()


@pytest.mark.parametrize("payload", [{}, {"kind": "CASE_OPENED"}, {"kind": "SOMETHING_ELSE", "case": CASE}])
def test_what_is_not_known_is_not_guessed(payload: dict[str, str | None]) -> None:
    with pytest.raises(NotUnderstoodError):
        matter_of("email", payload)


# From the change to the mailbox ------------------------------------------------------------------------------


@pytest.fixture(params=["sqlite", "postgresql"])
def mailed(
    request: pytest.FixtureRequest, databases_of: Callable[[str], Databases], tmp_path: Path
) -> Iterator[tuple[DemoServer, MailServer]]:
    """A demo server that sends its e-mails to a mail server of ours."""
    from tests.conftest import build_world

    databases = databases_of(request.param)
    url = databases.copy("world", build_world)
    with MailServer() as mail:
        settings = {"smtp_url": mail.url, "mail_from": "no-reply@example.nz", "public_url": "https://portal.example.nz"}
        with DemoServer(url, tmp_path, **settings) as server:
            yield server, mail
    databases.drop(url)


async def test_a_shared_comment_is_mailed_to_the_primary_contact_without_a_name(
    mailed: tuple[DemoServer, MailServer],
) -> None:
    server, mail = mailed
    done = server.ask("workflow@test-college-isp.school.nz", COMMENT, {"number": CASE})
    assert done.data["addComment"] == {"problems": []}
    waiting = "SELECT count(*) FROM outbox_message WHERE delivered_at IS NULL"
    while rows(server.database, waiting) != [(0,)]:  # noqa: ASYNC110 (another process tells nobody)
        await asyncio.sleep(0.02)
    [taken] = mail.mails
    assert taken.recipient == "Primary.Contact@TestCollege.school.nz"
    assert f"https://portal.example.nz/cases/{CASE}\n" in taken.text
    assert names_in(read_world(server.database), taken.text) == set()
    assert "Met the family" not in taken.content.decode()
    assert "example.nz" not in server.log()

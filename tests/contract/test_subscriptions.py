"""Subscriptions: who hears what, with the rights of that moment, over both transports and between servers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ascms.database import engine_for
from ascms.settings import Settings
from ascms.signals import Signal, case_changed, create_bus, rights_changed
from tests.conftest import build_world
from tests.contract.case_rows import make
from tests.contract.casework import done
from tests.contract.oracle import Person
from tests.contract.people import ADMINISTRATOR, ISP_MANAGER, ISP_WORKFLOW
from tests.support.databases import Databases
from tests.support.live import Socket, events, signed_in
from tests.support.server import DemoServer
from tests.support.sql import execute, rows

LEAD = "lead@test-college.school.nz"
CONTACT = "contact@test-college.school.nz"
OFFICE = "office@test-college.school.nz"
WORKFLOW = "workflow@test-college-isp.school.nz"
MANAGER = "manager@test-college-isp.school.nz"
ASP_WORKFLOW = "workflow@waikato-attendance.nz"
SECOND_LEAD = "lead@second-school.school.nz"
ADVISER = "adviser@ministry.nz"
CASE = "00307473"

SHOWN = "number status student { fullName ethnicities { code } } comments(last: 3) { totalCount nodes { body } }"
WATCH = f"""subscription Watch($number: String!) {{
  caseChanged(number: $number) {{ __typename change: what at case {{ {SHOWN} }} }}
}}"""
QUEUE = "subscription Queue { queueChanged { what case { number } } }"
ALERTS = "subscription Alerts { alertRaised { kind readAt case { number } } }"
COMMENT = """mutation Comment($input: AddCommentInput!) {
  addComment(input: $input) { comment { id } problems { message } }
}"""


def comment(
    server: DemoServer, email: str, number: str = CASE, *, shared: bool = True, organisation: str | None = None
) -> None:
    """A change, made by a person."""
    given = {"number": number, "body": "We met.", "visibility": "SHARED" if shared else "INTERNAL"}
    answer = server.ask(email, COMMENT, {"input": given}, organisation=organisation)
    assert answer.data["addComment"]["problems"] == []


async def change(server: DemoServer, email: str, **more: Any) -> None:
    await asyncio.to_thread(comment, server, email, **more)


async def does(server: DemoServer, person: Person, mutation: str, **given: Any) -> None:
    await asyncio.to_thread(partial(done, server, person, mutation, **given))


def numbers(server: DemoServer, email: str) -> list[str]:
    """The cases that a person reaches."""
    return [case["number"] for case in server.ask(email, "{ cases { nodes { number } } }").data["cases"]["nodes"]]


def key_of(server: DemoServer, table: str, column: str, value: str) -> int:
    (found,) = rows(server.database, f"SELECT id FROM {table} WHERE {column} = :value", value=value)
    key: int = found[0]
    return key


def subject_of(server: DemoServer, number: str) -> int:
    (found,) = rows(server.database, "SELECT student_id FROM case_record WHERE number = :number", number=number)
    key: int = found[0]
    return key


@contextmanager
def for_a_while(server: DemoServer, do: str, undo: str) -> Iterator[None]:
    """Something in the database is otherwise."""
    execute(server.database, do)
    try:
        yield
    finally:
        execute(server.database, undo)


@pytest.fixture
async def sockets(changing: DemoServer) -> AsyncIterator[Callable[..., Any]]:
    """Signs people in, each on a socket of their own."""
    async with AsyncExitStack() as open_ones:

        async def sign_in(email: str, organisation: str | None = None) -> Socket:
            return await open_ones.enter_async_context(signed_in(changing, email, organisation))

        yield sign_in


# One case ----------------------------------------------------------------------------------------------------


async def test_a_change_is_heard_by_both_sides_and_shown_as_each_may_see_it(
    changing: DemoServer, sockets: Callable[..., Any]
) -> None:
    people = {email: await sockets(email) for email in (LEAD, CONTACT, WORKFLOW, MANAGER)}
    keys = {email: await socket.subscribe(WATCH, {"number": CASE}) for email, socket in people.items()}
    await change(changing, WORKFLOW)
    for email, socket in people.items():
        heard = await socket.next(keys[email])
        told = heard["data"]["caseChanged"]
        assert (told["__typename"], told["change"], told["case"]["number"]) == ("CaseChange", "addComment", CASE)
        assert datetime.fromisoformat(told["at"]) <= datetime.now(UTC)
        asked = await asyncio.to_thread(changing.ask, email, f'{{ case(number: "{CASE}") {{ {SHOWN} }} }}')
        assert told["case"] == asked.data["case"]
        assert told["case"]["comments"]["nodes"][-1]["body"] == "We met."
        assert told["case"]["student"]["ethnicities"]


async def test_what_is_hidden_from_a_role_is_hidden_from_what_it_hears(
    changing: DemoServer, sockets: Callable[..., Any]
) -> None:
    socket = await sockets(OFFICE)
    key = await socket.subscribe(WATCH, {"number": CASE})
    await change(changing, OFFICE)
    heard = await socket.next(key)
    assert heard["data"]["caseChanged"]["case"]["student"]["ethnicities"] is None
    redacted = {entry["field"]: entry["paths"] for entry in heard["extensions"]["access"]["redacted"]}
    assert redacted["Student.ethnicities"] == ["caseChanged.case.student.ethnicities"]


async def test_a_school_hears_nothing_of_what_is_internal(changing: DemoServer, sockets: Callable[..., Any]) -> None:
    people = {email: await sockets(email) for email in (LEAD, CONTACT, OFFICE, WORKFLOW, MANAGER)}
    bare = "subscription Bare($number: String!) { caseChanged(number: $number) { what } }"
    keys = {email: await socket.subscribe(bare, {"number": CASE}) for email, socket in people.items()}
    await change(changing, WORKFLOW, shared=False)
    for email in (WORKFLOW, MANAGER):
        assert (await people[email].next(keys[email]))["data"] == {"caseChanged": {"what": "addComment"}}
    await change(changing, LEAD)
    await change(changing, OFFICE)
    for email, number in ((LEAD, 2), (CONTACT, 2), (OFFICE, 1)):  # the office reads its own comments only
        for _ in range(number):
            assert (await people[email].next(keys[email]))["data"] == {"caseChanged": {"what": "addComment"}}
        assert await people[email].heard(keys[email]) == []


INTERNAL: dict[str, dict[str, Any]] = {
    "addTask": {"title": "Ring home"},
    "addSafetyAlert": {"text": "A dog."},
    "recordNeedsFund": {"purpose": "Shoes", "amountCents": 5000, "spentOn": "2026-05-01"},
    "addEvent": {"kind": "NOTE", "subject": "Noted"},
    "addComment": {"body": "Said."},
}


async def test_each_hears_of_what_they_may_see_and_of_nothing_else(
    changing: DemoServer, sockets: Callable[..., Any]
) -> None:
    case = make(changing, "OPEN", manager=MANAGER, contact=CONTACT)
    bare = "subscription Bare($number: String!) { caseChanged(number: $number) { what } }"
    people = {email: await sockets(email) for email in (LEAD, CONTACT, OFFICE, WORKFLOW, MANAGER)}
    keys = {email: await socket.subscribe(bare, {"number": case.number}) for email, socket in people.items()}
    for name, given in INTERNAL.items():
        await does(changing, ISP_MANAGER, name, number=case.number, **given)
    shared = {"kind": "HOME_VISIT", "subject": "Met", "visibility": "SHARED"}
    await does(changing, ISP_MANAGER, "addEvent", number=case.number, **shared)
    notes = {"expectedVersion": 1, "notes": "Ring after three."}
    await does(changing, Person(LEAD), "updateSchoolContactNotes", number=case.number, **notes)
    pause = {"expectedVersion": 2, "reason": await a_reason(changing), "reviewOn": "2100-01-04"}
    await does(changing, ISP_MANAGER, "pauseCase", number=case.number, **pause)
    expected = {
        WORKFLOW: [*INTERNAL, "addEvent", "updateSchoolContactNotes", "pauseCase"],
        MANAGER: [*INTERNAL, "addEvent", "updateSchoolContactNotes", "pauseCase"],
        LEAD: ["addEvent", "updateSchoolContactNotes", "pauseCase"],
        CONTACT: ["addEvent", "updateSchoolContactNotes", "pauseCase"],
        OFFICE: ["addEvent", "pauseCase"],
    }
    for email, whats in expected.items():
        told = [(await people[email].next(keys[email]))["data"]["caseChanged"]["what"] for _ in whats]
        assert (told, await people[email].heard(keys[email])) == (whats, []), email


async def a_reason(server: DemoServer) -> str:
    code: str = rows(server.database, "SELECT code FROM code WHERE code_set = 'pause_reason' ORDER BY code")[0][0]
    return code


async def test_a_case_out_of_reach_and_a_number_never_issued_are_alike_and_silent(
    changing: DemoServer, sockets: Callable[..., Any]
) -> None:
    stranger, lead = await sockets(SECOND_LEAD), await sockets(LEAD)
    own = numbers(changing, SECOND_LEAD)[0]
    silent = [await stranger.subscribe(WATCH, {"number": number}) for number in (CASE, "99999999", "", own + " ")]
    key, leads = await stranger.subscribe(WATCH, {"number": own}), await lead.subscribe(WATCH, {"number": CASE})
    for _ in range(2):
        await change(changing, WORKFLOW)
        assert (await lead.next(leads))["data"]["caseChanged"]["case"]["number"] == CASE
        await change(changing, SECOND_LEAD, number=own)
        assert (await stranger.next(key))["data"]["caseChanged"]["case"]["number"] == own
    assert [await stranger.heard(one) for one in silent] == [[], [], [], []]


async def test_who_may_not_subscribe_is_told_who_may(sockets: Callable[..., Any]) -> None:
    socket = await sockets(ADVISER)
    for query, variables in ((WATCH, {"number": CASE}), (QUEUE, {})):
        (error,) = await socket.error(await socket.subscribe(query, variables))
        assert error["extensions"]["code"] == "FORBIDDEN"
        assert "WORKFLOW_LEAD" in error["extensions"]["visibleTo"]
    assert await socket.heard(await socket.subscribe(ALERTS)) == []


async def test_what_is_heard_is_in_the_access_log_before_it_is_heard(
    changing: DemoServer, sockets: Callable[..., Any]
) -> None:
    logged = (
        "SELECT count(*) FROM access_log_entry AS entry JOIN access_log_student AS about "
        "ON about.set_id = entry.student_set_id WHERE entry.operation_name = :name AND about.student_id = :student"
    )
    socket, student = await sockets(LEAD), subject_of(changing, CASE)
    bare = "subscription Bare2($number: String!) { caseChanged(number: $number) { what } }"
    for name, query in (("Watch", WATCH), ("Bare2", bare)):
        before = rows(changing.database, logged, name=name, student=student)[0][0]
        key = await socket.subscribe(query, {"number": CASE})
        assert rows(changing.database, logged, name=name, student=student)[0][0] == before
        await change(changing, WORKFLOW)
        await socket.next(key)
        assert rows(changing.database, logged, name=name, student=student)[0][0] == before + 1


# Rights that end while it is open ----------------------------------------------------------------------------


async def test_a_role_that_ends_ends_its_subscriptions_at_the_next_change(
    changing: DemoServer, sockets: Callable[..., Any]
) -> None:
    user = key_of(changing, "user_account", "username", CONTACT)
    assignments = f"UPDATE role_assignment SET ended_at = %s WHERE user_id = {user}"
    socket, lead = await sockets(CONTACT), await sockets(LEAD)
    keys = [await socket.subscribe(WATCH, {"number": CASE}), await lead.subscribe(WATCH, {"number": CASE})]
    async with events(changing, changing.token(CONTACT), WATCH, {"number": CASE}) as stream:
        with for_a_while(changing, assignments % "'2026-05-06 00:00:00+00'", assignments % "NULL"):
            await change(changing, WORKFLOW)
            await lead.next(keys[1])
            (error,) = await socket.error(keys[0])
            assert error["extensions"]["code"] == "FORBIDDEN"
            (error,) = (await stream.next())["errors"]
            assert error["extensions"]["code"] == "FORBIDDEN"
            assert await stream.event() == ("complete", None)
    assert await socket.heard(await socket.subscribe(WATCH, {"number": CASE})) == []


async def test_a_block_that_is_set_takes_the_student_away_from_what_is_open(
    changing: DemoServer, sockets: Callable[..., Any]
) -> None:
    student = subject_of(changing, CASE)
    other = next(number for number in numbers(changing, WORKFLOW) if number != CASE)
    user, by = (key_of(changing, "user_account", "username", email) for email in (WORKFLOW, LEAD))
    blocked, manager = await sockets(WORKFLOW), await sockets(MANAGER)
    keys = [await blocked.subscribe(WATCH, {"number": CASE}), await blocked.subscribe(QUEUE)]
    last, heard = await blocked.subscribe(WATCH, {"number": other}), await manager.subscribe(WATCH, {"number": CASE})
    kept_apart = (
        "INSERT INTO access_block (user_id, student_id, reason, set_by_id, set_at) "
        f"VALUES ({user}, {student}, 'A relative.', {by}, '2026-05-06 00:00:00+00')"
    )
    with for_a_while(changing, kept_apart, f"DELETE FROM access_block WHERE user_id = {user}"):
        await change(changing, MANAGER)
        assert (await manager.next(heard))["data"]["caseChanged"]["case"]["number"] == CASE
        await change(changing, WORKFLOW, number=other)
        await blocked.next(last)
        assert (await blocked.next(keys[1]))["data"]["queueChanged"]["case"]["number"] == other
        assert await blocked.heard(keys[0]) == []
    await change(changing, MANAGER)
    assert (await blocked.next(keys[0]))["data"]["caseChanged"]["case"]["number"] == CASE


# The queue and alerts ----------------------------------------------------------------------------------------


async def test_the_queue_is_the_acting_providers(changing: DemoServer, sockets: Callable[..., Any]) -> None:
    isp, asp = await sockets(WORKFLOW), await sockets(ASP_WORKFLOW)
    keys = await isp.subscribe(QUEUE), await asp.subscribe(QUEUE)
    await change(changing, LEAD)
    assert (await isp.next(keys[0]))["data"] == {"queueChanged": {"what": "addComment", "case": {"number": CASE}}}
    assert await asp.heard(keys[1]) == []


async def test_a_case_that_leaves_is_told_to_the_provider_that_had_it(
    changing: DemoServer, sockets: Callable[..., Any]
) -> None:
    case = make(changing, "OPEN", manager=MANAGER)
    before, after, manager = await sockets(WORKFLOW), await sockets(ASP_WORKFLOW), await sockets(MANAGER)
    queues = await before.subscribe(QUEUE), await after.subscribe(QUEUE)
    watched = await manager.subscribe(WATCH, {"number": case.number})
    given = {"reason": "NEEDS_MORE_SUPPORT", "handOverSummary": "The uncle is the one to ring."}
    await does(changing, ISP_WORKFLOW, "transferCase", number=case.number, expectedVersion=1, **given)
    left = {"what": "transferCase", "case": None}
    come = {"what": "transferCase", "case": {"number": case.number}}
    assert (await before.next(queues[0]))["data"] == {"queueChanged": left}
    assert (await after.next(queues[1]))["data"] == {"queueChanged": come}
    assert await manager.heard(watched) == []


async def test_a_number_that_was_merged_goes_on_with_the_case_that_goes_on(
    changing: DemoServer, sockets: Callable[..., Any]
) -> None:
    survivor, duplicate = make(changing, "OPEN", manager=MANAGER), make(changing, "OPEN", manager=MANAGER)
    lead = await sockets(LEAD)
    key = await lead.subscribe(WATCH, {"number": duplicate.number})
    await does(changing, ADMINISTRATOR, "mergeCases", survivor=survivor.number, duplicate=duplicate.number)
    told = (await lead.next(key))["data"]["caseChanged"]
    assert (told["change"], told["case"]["number"]) == ("mergeCases", survivor.number)
    await change(changing, MANAGER, number=survivor.number)
    told = (await lead.next(key))["data"]["caseChanged"]
    assert (told["change"], told["case"]["number"]) == ("addComment", survivor.number)
    assert await lead.heard(key) == []


async def test_an_alert_is_heard_by_the_person_it_is_for(changing: DemoServer, sockets: Callable[..., Any]) -> None:
    contact, lead = await sockets(CONTACT), await sockets(LEAD)
    keys = await contact.subscribe(ALERTS), await lead.subscribe(ALERTS)
    await change(changing, WORKFLOW)
    heard = await contact.next(keys[0])
    expected = {"kind": "COMMENT_SHARED", "readAt": None, "case": {"number": CASE}}
    assert heard["data"] == {"alertRaised": expected}
    assert await lead.heard(keys[1]) == []


async def test_an_alert_about_a_student_kept_from_one_is_not_heard(
    changing: DemoServer, sockets: Callable[..., Any]
) -> None:
    """The block is set after the alert was written, and before it is told."""
    user, by = (key_of(changing, "user_account", "username", email) for email in (CONTACT, LEAD))
    student, contact = subject_of(changing, CASE), await sockets(CONTACT)
    key = await contact.subscribe(ALERTS)
    blocked = (
        "INSERT INTO access_block (user_id, student_id, reason, set_by_id, set_at) "
        f"VALUES ({user}, {student}, 'A relative.', {by}, '2026-05-06 00:00:00+00')"
    )
    with for_a_while(changing, blocked, f"DELETE FROM access_block WHERE user_id = {user}"):
        await change(changing, WORKFLOW)
        assert await contact.heard(key) == []
    await change(changing, WORKFLOW)
    assert (await contact.next(key))["data"]["alertRaised"]["case"] == {"number": CASE}
    assert await contact.heard(key) == []


# Between servers ---------------------------------------------------------------------------------------------


@pytest.fixture
def postgres_world(databases_of: Callable[[str], Databases]) -> Iterator[str]:
    databases = databases_of("postgresql")
    url = databases.copy("world", build_world)
    yield url
    databases.drop(url)


async def notify(database: str, *signals: Signal) -> None:
    """What a change tells, without the change."""
    engine = engine_for(database)
    async with engine.begin() as connection:
        await create_bus(Settings(database_url=database)).publish_in(connection, signals)
    await engine.dispose()


async def test_servers_of_one_database_hear_each_other_and_both_executions_tell_the_same(
    postgres_world: str, tmp_path: Path
) -> None:
    with DemoServer(postgres_world, tmp_path) as one, DemoServer(postgres_world, tmp_path, execution="plain") as other:
        for email, query, variables in (
            (LEAD, WATCH, {"number": CASE}),
            (OFFICE, WATCH, {"number": CASE}),
            (WORKFLOW, QUEUE, {}),
            (CONTACT, ALERTS, {}),
        ):
            async with signed_in(one, email) as here, signed_in(other, email) as there:
                keys = await here.subscribe(query, variables), await there.subscribe(query, variables)
                for server in (one, other):
                    await change(server, OFFICE if email == OFFICE else WORKFLOW)
                    assert await here.next(keys[0]) == await there.next(keys[1])


async def test_rights_that_change_are_looked_at_at_once(postgres_world: str, tmp_path: Path) -> None:
    with DemoServer(postgres_world, tmp_path) as server:
        user = key_of(server, "user_account", "username", CONTACT)
        async with signed_in(server, CONTACT) as socket:
            key, alerts = await socket.subscribe(WATCH, {"number": CASE}), await socket.subscribe(ALERTS)
            await notify(server.database, rights_changed("assignRole", datetime.now(UTC), user_id=user))
            await change(server, WORKFLOW)
            told = await socket.next(key)
            while told["data"]["caseChanged"]["change"] == "gap":  # of the beginning
                told = await socket.next(key)
            assert told["data"]["caseChanged"]["change"] == "addComment"
            execute(server.database, f"UPDATE role_assignment SET ended_at = now() WHERE user_id = {user}")
            await notify(server.database, rights_changed("removeRole", datetime.now(UTC), user_id=user))
            for one in (key, alerts):
                message = await socket.message(one)
                while message["type"] == "next":  # the comment's alert
                    message = await socket.message(one)
                assert [error["extensions"]["code"] for error in message["payload"]] == ["FORBIDDEN"]


async def test_what_may_have_been_missed_is_told_once_the_server_hears_again(
    postgres_world: str, tmp_path: Path
) -> None:
    with DemoServer(postgres_world, tmp_path) as server:
        user, case = key_of(server, "user_account", "username", CONTACT), key_of(server, "case_record", "number", CASE)
        school = key_of(server, "organisation", "number", "1234")
        async with signed_in(server, CONTACT) as contact, signed_in(server, WORKFLOW) as workflow:
            alerts, watched = await contact.subscribe(ALERTS), await contact.subscribe(WATCH, {"number": CASE})
            queue, silent = await workflow.subscribe(QUEUE), await workflow.subscribe(WATCH, {"number": "99999999"})
            await change(server, WORKFLOW)  # whatever was told of the beginning is over
            while (await workflow.next(queue))["data"]["queueChanged"]["what"] == "gap":
                pass
            while (await contact.next(watched))["data"]["caseChanged"]["change"] == "gap":
                pass
            await contact.next(alerts)
            execute(
                server.database,
                "INSERT INTO alert (user_id, organisation_id, kind, case_id, created_at) "
                f"VALUES ({user}, {school}, 'CASE_OPENED', {case}, now())",
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE query LIKE 'LISTEN%' AND datname = current_database()",
            )
            missed = {"kind": "CASE_OPENED", "readAt": None, "case": {"number": CASE}}
            assert (await contact.next(alerts))["data"] == {"alertRaised": missed}
            told = (await contact.next(watched))["data"]["caseChanged"]
            assert (told["change"], told["case"]["number"]) == ("gap", CASE)
            assert (await workflow.next(queue))["data"] == {"queueChanged": {"what": "gap", "case": None}}
            assert await contact.heard(alerts) == []  # what was told before is not told again
            assert await workflow.heard(silent) == []


LONG = "n" * 700
NAMES = " ".join(f"{LONG}{number}: student {{ knownAs }}" for number in range(1_000))
LARGE = f"subscription Large {{ queueChanged {{ what case {{ {NAMES} }} }} }}"
"""Its answers have 700 kB: a dozen of them fill what lies between the server and a client."""


MANY_NAMES = {"maximum_aliases": "100000", "maximum_repeated_fields": "100000"}


async def flood(server: DemoServer) -> None:
    """Thousands of changes of one case, a few at a time."""
    case, provider = key_of(server, "case_record", "number", CASE), key_of(server, "organisation", "number", "78912")
    for part in range(40):
        changes = (f"change {part} {number}" for number in range(100))
        signals = [case_changed(case, what, datetime.now(UTC), (provider,)) for what in changes]
        await notify(server.database, *signals)


async def test_who_takes_little_is_told_to_read_again(postgres_world: str, tmp_path: Path) -> None:
    with DemoServer(postgres_world, tmp_path, **MANY_NAMES) as server:
        async with events(server, server.token(WORKFLOW), LARGE) as stream:
            await flood(server)
            whats: list[str] = []
            while "gap" not in whats:
                whats.append((await stream.next())["data"]["queueChanged"]["what"])
            assert len(whats) < 4_000


async def test_who_takes_nothing_for_too_long_is_ended_with_the_reason(postgres_world: str, tmp_path: Path) -> None:
    with DemoServer(postgres_world, tmp_path, subscriber_patience="0", **MANY_NAMES) as server:
        async with events(server, server.token(WORKFLOW), LARGE) as stream:
            await flood(server)
            answer = await stream.next()
            while "errors" not in answer:
                answer = await stream.next()
            assert [error["extensions"]["code"] for error in answer["errors"]] == ["TOO_SLOW"]
            assert await stream.event() == ("complete", None)

"""What changes gave away to those who may not know of them: to who watches a case, in its timeline, in times.

A person who is kept from a student, and one who loses their role, leave a case alike for everybody who may not know
which it was; and what is internal to a provider moves nothing that its school sees.
"""

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import pytest

from tests.contract.accounts import somebody, user
from tests.contract.case_rows import ISP, SCHOOL, Made, make
from tests.contract.casework import done, seen
from tests.contract.oracle import Person
from tests.contract.people import ISP_MANAGER, ISP_WORKFLOW, LEAD, OFFICE
from tests.contract.world import global_id
from tests.support.live import signed_in
from tests.support.server import DemoServer
from tests.support.sql import rows

WATCH = "subscription($number: String!) { caseChanged(number: $number) { what } }"
QUEUE = "subscription { queueChanged { what } }"
TIMELINE = "events(first: 20) { nodes { kind subject recordedBy { id } visibility } } status version caseManager { id }"


def leave(server: DemoServer, by: str, person: Person, case: Made) -> None:
    """Have a person leave their case, by losing the role or by being kept from the student."""
    lead = ISP_WORKFLOW if person.organisation == ISP else LEAD
    if by == "a block":
        student = global_id("Student", case.student_id)
        done(server, lead, "addAccessBlock", user=user(server, person), student=student, reason="Their aunt.")
    else:
        authoriser = somebody(server, "DELEGATED_AUTHORISER", person.organisation or "")
        done(server, authoriser, "removeRole", user=user(server, person), role=by)


async def told_of_leaving(server: DemoServer, role: str, by: str) -> dict[str, Any]:
    """All that watchers hear, and readers see afterwards, once somebody in a role leaves their case."""
    named = {"CASE_MANAGER": "manager", "PRIMARY_CONTACT": "contact"}[role]
    person = await asyncio.to_thread(somebody, server, role, ISP if role == "CASE_MANAGER" else SCHOOL)
    people: dict[str, Any] = {"manager": ISP_MANAGER.email, named: person.email}
    case = await asyncio.to_thread(lambda: make(server, "OPEN", **people))
    watchers = (LEAD, OFFICE, ISP_WORKFLOW) if role == "CASE_MANAGER" else (LEAD, OFFICE, ISP_WORKFLOW, ISP_MANAGER)
    told: dict[str, Any] = {}
    async with AsyncExitStack() as open_ones:
        sockets = [await open_ones.enter_async_context(signed_in(server, watcher.email)) for watcher in watchers]
        keys = [await socket.subscribe(WATCH, {"number": case.number}) for socket in sockets]
        queue = await sockets[2].subscribe(QUEUE)
        await asyncio.to_thread(leave, server, role if by == "the role's end" else by, person, case)
        for watcher, socket, key in zip(watchers, sockets, keys, strict=True):
            told[f"{watcher.email} heard"] = (await socket.next(key))["data"]
        told["the queue heard"] = (await sockets[2].next(queue))["data"]
    for watcher in watchers:
        told[f"{watcher.email} sees"] = await asyncio.to_thread(seen, server, watcher, case.number, TIMELINE)
    return told


@pytest.mark.parametrize("role", ["CASE_MANAGER", "PRIMARY_CONTACT"])
async def test_that_somebody_is_kept_from_a_student_is_told_to_nobody_who_hears_that_they_left(
    changing: DemoServer, role: str
) -> None:
    """Neither the name of the change nor who made it: else whose case it was is known to be kept from a child."""
    blocked = await told_of_leaving(changing, role, "a block")
    assert blocked == await told_of_leaving(changing, role, "the role's end")
    assert "ccess" not in str(blocked)
    assert "emoveRole" not in str(blocked)


def test_the_change_log_says_nevertheless_what_was_done_and_by_whom(changing: DemoServer) -> None:
    person = somebody(changing, "CASE_MANAGER", ISP)
    case = make(changing, "OPEN", manager=person.email)
    leave(changing, "a block", person, case)
    logged = (
        "SELECT DISTINCT action, username FROM change_entry JOIN user_account ON user_account.id = user_id "
        "WHERE student_id = :student"
    )
    assert rows(changing.database, logged, student=case.student_id) == [("addAccessBlock", ISP_WORKFLOW.email)]


async def test_that_a_family_was_told_is_heard_by_those_alone_who_may_see_it(changing: DemoServer) -> None:
    """Office Support sees neither notice nor barriers; the change after it is what it hears first."""
    case = await asyncio.to_thread(lambda: make(changing, "OPEN", manager=ISP_MANAGER.email, asked=None))
    given = {"givenOn": "2026-05-06", "givenTo": "Mother", "method": "PRINTED"}
    async with signed_in(changing, LEAD.email) as lead, signed_in(changing, OFFICE.email) as office:
        keys = [await socket.subscribe(WATCH, {"number": case.number}) for socket in (lead, office)]
        notice = partial(done, changing, ISP_WORKFLOW, "recordNoticeGiven", number=case.number, **given)
        await asyncio.to_thread(notice)
        assert (await lead.next(keys[0]))["data"] == {"caseChanged": {"what": "recordNoticeGiven"}}
        await asyncio.to_thread(partial(done, changing, OFFICE, "addComment", number=case.number, body="Rang home."))
        assert (await office.next(keys[1]))["data"] == {"caseChanged": {"what": "addComment"}}

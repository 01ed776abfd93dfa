"""An operation that takes too long: it ends, and so does its statement; what it changed is in no doubt.

What takes for ever here is to read files: a view that never ends (SQLite), or a table that somebody holds (PostgreSQL).
"""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from ascms.database import engine_for, writing
from tests.conftest import build_world
from tests.support.databases import Databases
from tests.support.live import signed_in
from tests.support.server import Answer, DemoServer
from tests.support.sql import execute, rows

LEAD = "lead@test-college.school.nz"
NUMBER = "00307473"
FILES = f'{{ case(number: "{NUMBER}") {{ files {{ totalCount }} }} }}'
COMMENT = """mutation Say($body: String!, $number: String!) {
  addComment(input: {number: $number, body: $body}) { comment { id } PAYLOAD problems { message } } }"""
ENDLESS = """CREATE VIEW file AS WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)
  SELECT kept_file.* FROM n CROSS JOIN kept_file WHERE x < 0"""
SECONDS = "1"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def slow(
    request: pytest.FixtureRequest, databases_of: Callable[[str], Databases], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DemoServer]:
    """A server that waits a second for what an operation does."""
    databases = databases_of(request.param)
    url = databases.copy("world", build_world)
    with DemoServer(url, tmp_path_factory.mktemp("slow"), operation_seconds=SECONDS) as server:
        yield server
    databases.drop(url)


@asynccontextmanager
async def unreadable_files(server: DemoServer) -> AsyncIterator[None]:
    """Reading files takes for ever meanwhile."""
    if server.database.startswith("sqlite"):
        execute(server.database, "ALTER TABLE file RENAME TO kept_file")
        execute(server.database, ENDLESS)
        try:
            yield
        finally:
            execute(server.database, "DROP VIEW file")
            execute(server.database, "ALTER TABLE kept_file RENAME TO file")
    else:
        async with held(server, "LOCK TABLE file IN ACCESS EXCLUSIVE MODE"):
            yield


@asynccontextmanager
async def held(server: DemoServer, statement: str) -> AsyncIterator[None]:
    """Somebody else has a transaction open in which they ran the statement."""
    engine = engine_for(server.database)
    try:
        async with writing(engine).connect() as connection:
            await connection.execute(text(statement))
            yield
            await connection.rollback()
    finally:
        await engine.dispose()


def held_case(server: DemoServer) -> AbstractAsyncContextManager[None]:
    return held(server, f"SELECT id FROM case_record WHERE number = '{NUMBER}' {lock_of(server)}")


def lock_of(server: DemoServer) -> str:
    return "" if server.database.startswith("sqlite") else "FOR UPDATE"


async def ask(server: DemoServer, query: str, **variables: Any) -> Answer:
    return await asyncio.to_thread(server.ask, LEAD, query, variables)


async def answered_at_last(server: DemoServer, query: str, **variables: Any) -> Answer:
    """On a busy machine a second may be little for anything."""
    while (answer := await ask(server, query, **variables)).codes == ["DEADLINE_EXCEEDED"]:
        pass
    return answer


def comments(server: DemoServer, body: str) -> int:
    return int(rows(server.database, "SELECT count(*) FROM comment WHERE body = :body", body=body)[0][0])


async def test_a_query_that_takes_too_long_is_ended_and_told_so(slow: DemoServer) -> None:
    async with unreadable_files(slow):
        for accept in ("application/graphql-response+json", "application/json"):
            answer = await asyncio.to_thread(slow.ask, LEAD, FILES, headers={"Accept": accept})
            assert (answer.status, answer.codes) == (504, ["DEADLINE_EXCEEDED"])
            assert "more than 1 s" in answer.errors[0]["message"]
            assert "data" not in answer.body
    answer = await answered_at_last(slow, FILES)
    assert answer.status == 200, answer.text


async def test_over_a_websocket_it_ends_the_operation_and_not_the_socket(slow: DemoServer) -> None:
    async with unreadable_files(slow), signed_in(slow, LEAD) as socket:
        (error,) = await socket.error(await socket.begin(FILES))
        assert error["extensions"]["code"] == "DEADLINE_EXCEEDED"
        assert (await socket.next(await socket.begin("{ __typename }")))["data"] == {"__typename": "Query"}


async def test_its_statement_is_ended_too(slow: DemoServer) -> None:
    """More of them than there are connections; and on PostgreSQL nobody waits for the table in the end."""
    async with unreadable_files(slow):
        answers = await asyncio.gather(*(ask(slow, FILES) for _ in range(20)))
        assert {code for answer in answers for code in answer.codes} == {"DEADLINE_EXCEEDED"}
        if slow.database.startswith("postgresql"):
            while rows(slow.database, WAITING) != [(0,)]:  # noqa: ASYNC110 (the database tells nobody)
                await asyncio.sleep(0.05)


async def test_a_mutation_that_waits_too_long_is_not_done_and_says_so(slow: DemoServer) -> None:
    body, document = "Rang at nine.", COMMENT.replace("PAYLOAD", "")
    async with held_case(slow):
        answer = await ask(slow, document, body=body, number=NUMBER)
        assert answer.data == {"addComment": None}
        (error,) = answer.errors
        assert (error["path"], error["extensions"]) == (
            ["addComment"], {"code": "DEADLINE_EXCEEDED", "limit": 1, "done": False}
        )  # fmt: skip
        assert "Nothing of it was changed" in error["message"]
    assert comments(slow, body) == 0
    answer = await answered_at_last(slow, document, body=body, number=NUMBER)
    assert answer.data["addComment"]["problems"] == []
    assert comments(slow, body) == 1


async def test_what_comes_after_it_in_the_operation_is_not_begun(slow: DemoServer) -> None:
    document = """mutation Twice($number: String!) {
      first: addComment(input: {number: $number, body: "first of two"}) { problems { message } }
      second: addComment(input: {number: $number, body: "second of two"}) { problems { message } } }"""
    async with held_case(slow):
        answer = await ask(slow, document, number=NUMBER)
    assert [error["path"] for error in answer.errors] == [["first"], ["second"]]
    assert [error["extensions"]["done"] for error in answer.errors] == [False, False]
    assert comments(slow, "first of two") == comments(slow, "second of two") == 0


async def test_a_mutation_whose_payload_cannot_be_read_in_time_was_done_and_says_so(slow: DemoServer) -> None:
    """As many times as it says so, whatever else a busy machine makes of it."""
    body, document, done = "Rang at ten.", COMMENT.replace("PAYLOAD", "case { files { totalCount } }"), 0
    async with unreadable_files(slow):
        while not done:
            answer = await ask(slow, document, body=body, number=NUMBER)
            assert answer.data == {"addComment": None}
            (error,) = answer.errors
            assert error["extensions"]["code"] == "DEADLINE_EXCEEDED"
            done += error["extensions"]["done"]
            assert ("was done" in error["message"]) is error["extensions"]["done"]
    assert comments(slow, body) == done


@pytest.fixture
def alone(databases_of: Callable[[str], Databases], tmp_path: Path) -> Iterator[DemoServer]:
    """A server for a test that ends it."""
    databases = databases_of("sqlite")
    url = databases.copy("world", build_world)
    with DemoServer(url, tmp_path, operation_seconds=SECONDS) as server:
        yield server
    databases.drop(url)


async def test_a_server_ends_that_was_asked_for_what_never_ends(alone: DemoServer) -> None:
    """A thread that still read would keep the process."""
    async with unreadable_files(alone):
        assert (await ask(alone, FILES)).codes == ["DEADLINE_EXCEEDED"]
        alone.process.terminate()
        try:
            await asyncio.to_thread(alone.process.wait, 120)
        except subprocess.TimeoutExpired:
            alone.process.kill()
            pytest.fail("the server did not end")

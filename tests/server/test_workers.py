"""Several processes that serve one address: what one changes the others tell, and each writes a chain of its own."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from ascms.audit import verify_database
from tests.conftest import build_world
from tests.support.commands import AUDIT_KEY, run, settings_of
from tests.support.databases import Databases
from tests.support.installation import Installation, serving
from tests.support.live import Socket, opened
from tests.support.postgres import free_port
from tests.support.sql import rows

LEAD = "lead@test-college.school.nz"
CASE = 'subscription { caseChanged(number: "00307473") { what } }'
COMMENT = 'mutation { addComment(input: {number: "00307473", body: "told"}) { problems { message } } }'
HOME = '{ case(number: "00307473") { number student { fullName } } }'
SOCKETS = 6


@pytest.fixture(scope="module")
def pair(databases_of: Callable[[str], Databases], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Two workers on PostgreSQL."""
    url = databases_of("postgresql").copy("world", build_world)
    with serving(url, tmp_path_factory.mktemp("pair"), workers=2) as server:
        yield server


def workers_of(server: Installation) -> list[int]:
    """The processes that serve."""
    path = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    found = []
    for child in path.read_text().split():
        command = Path(f"/proc/{child}/cmdline").read_bytes()
        if b"spawn_main" in command:
            found.append(int(child))
    return found


async def asked(server: Installation, text: str) -> httpx.Response:
    """Over a connection of its own, which is whichever worker's."""
    headers = {"Authorization": f"Bearer {server.token(LEAD)}"}
    async with httpx.AsyncClient(trust_env=False, timeout=None) as web:
        return await web.post(f"{server.url}/graphql", json={"query": text}, headers=headers)


async def test_what_one_worker_changes_the_others_tell(pair: Installation) -> None:
    async with asyncio.TaskGroup() as reading:
        for _ in range(4 * SOCKETS):
            reading.create_task(asked(pair, HOME))

    async def hears(number: int) -> None:
        async with opened(pair) as connection:
            socket: Socket = connection
            await socket.initialise(pair.token(LEAD))
            key = await socket.subscribe(CASE)
            await subscribed.wait()
            if number == 0:
                assert (await asked(pair, COMMENT)).json()["data"]["addComment"]["problems"] == []
            assert (await socket.next(key))["data"] == {"caseChanged": {"what": "addComment"}}

    subscribed = asyncio.Barrier(SOCKETS)
    await asyncio.gather(*(hears(number) for number in range(SOCKETS)))


async def test_a_worker_that_dies_is_replaced_and_nothing_is_lost(pair: Installation) -> None:
    before = workers_of(pair)
    assert len(before) == 2
    os.kill(before[0], signal.SIGKILL)
    while before[0] in workers_of(pair) or len(workers_of(pair)) < 2:  # noqa: ASYNC110 (another process makes it so)
        await asyncio.sleep(0.05)
    assert before[1] in workers_of(pair)
    assert (await asked(pair, HOME)).status_code == 200


def test_all_end_with_the_one_that_is_told_to_and_each_chain_is_whole(pair: Installation) -> None:
    workers = workers_of(pair)
    pair.process.terminate()
    assert pair.process.wait() == 0
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    report = verify_database(pair.database, pair.state, AUDIT_KEY.encode())
    assert report.ok, str(report)
    assert rows(pair.database, "SELECT count(*) FROM access_log_entry") != [(0,)]


def test_what_cannot_be_served_by_several_says_so(tmp_path: Path) -> None:
    places = {"database_url": f"sqlite:///{tmp_path}/none.sqlite3", "state_directory": str(tmp_path / "state")}
    done = run("serve", "--workers", "2", "--port", str(free_port()), **settings_of(**places))
    assert done.returncode == 1
    assert "--workers needs PostgreSQL" in done.stderr
    assert "Traceback" not in done.stderr

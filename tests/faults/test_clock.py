"""The server's clock jumps, by hours or by a month, forward and back, while it runs.

With its issuer's clock right, nobody is let in for as long as it is wrong. Most tests here have tokens that are good
at any time, as if the issuer's clock had jumped too: then all goes on, and is whole when the clock is right again.
"""

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from joserfc import jwt
from sqlalchemy.exc import DBAPIError

from ascms.database import state_directory
from ascms.demo.kept_identity import kept_identity
from tests.conftest import KINDS
from tests.contract.filing import user
from tests.contract.people import CONTACT, ISP_MANAGER, ISP_WORKFLOW, LEAD
from tests.contract.test_files import add
from tests.contract.world import global_id
from tests.faults.clients import CASE, READ, Client, lacking
from tests.faults.clocks import NO_TIME, Clock
from tests.faults.crowd import MAILING, Crowd, mailing
from tests.faults.killable import KillableServer
from tests.faults.letters import arrive_once, share, waiting_letters
from tests.faults.test_no_room import logs_are_whole
from tests.storage.documents import PDF
from tests.support.databases import Databases
from tests.support.forking import Zygote
from tests.support.live import events
from tests.support.mail import MailServer
from tests.support.postgres import PostgresCluster, free_port
from tests.support.server import Answer
from tests.support.sql import changes_wait, execute, rows

SmallWorld = Callable[[str], tuple[Databases, str]]

MINUTE, HOUR, DAY, MONTH = (timedelta(minutes=number) for number in (1, 60, 24 * 60, 31 * 24 * 60))
LONG: Final = 100 * 365 * DAY.total_seconds()
FOLLOW: Final = f'subscription {{ caseChanged(number: "{CASE}") {{ what }} }}'
FORGOTTEN: Final = 'ascms_job_runs_total{job="forget outcomes of retried requests",outcome="done"}'

CUT: Final = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = '{}'"
LEVELS: Final = f'{{ case(number: "{CASE}") {{ version serviceLevels {{ kind dueOn metAt state }} }} }}'
ASSIGN: Final = """mutation Assign($number: String!, $version: Int!, $manager: ID!) {
  assignCaseManager(input: {number: $number, expectedVersion: $version, manager: $manager}) { problems { message } }
}"""
PAUSE: Final = """mutation Pause($number: String!, $version: Int!, $reason: String!) {
  pauseCase(input: {number: $number, expectedVersion: $version, reason: $reason, reviewOn: "2099-01-01"}) {
    problems { message }
  }
}"""
RESUME: Final = """mutation Resume($number: String!, $version: Int!) {
  resumeCase(input: {number: $number, expectedVersion: $version}) { problems { message } }
}"""


class Timeless(KillableServer):
    """A server whose tokens, unless they are `issued`, are good whatever its clock says."""

    def __init__(self, zygote: Zygote, database: str, folder: Path, **settings: str) -> None:
        super().__init__(zygote, database, folder, token_lifetime=str(LONG), **settings)
        self._timeless: dict[tuple[str, str | None], str] = {}

    def issued(self, email: str) -> str:
        """A token as the demo gives it: for an hour from now, by a clock that is right."""
        return super().token(email)

    def token(self, email: str, organisation: str | None = None) -> str:
        key = (email, organisation)
        if key not in self._timeless:
            with contextlib.chdir(self.folder):
                signing = kept_identity(state_directory(self.database)).key
            token = jwt.decode(super().token(email, organisation), signing)
            claims = {name: value for name, value in token.claims.items() if name != "iat"}
            self._timeless[key] = jwt.encode(token.header, claims | {"exp": time.time() + LONG / 2}, signing)
        return self._timeless[key]


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Clock:
    return Clock(tmp_path_factory.mktemp("clock"))


@pytest.fixture(scope="module")
def clocked(clock: Clock) -> Iterator[Zygote]:
    with Zygote(**clock.environment) as zygote:
        yield zygote


@pytest.fixture(scope="module", params=KINDS)
def server(
    request: pytest.FixtureRequest, clocked: Zygote, small_world: SmallWorld, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Timeless]:
    databases, url = small_world(request.param)
    with Timeless(clocked, url, tmp_path_factory.mktemp("server")) as server:
        Client(server).is_served()
        yield server
    databases.drop(url)


# Who is let in -----------------------------------------------------------------------------------------------


def read_with(server: Timeless, token: str) -> Answer:
    return server.ask(None, READ, {"number": CASE}, headers={"Authorization": f"Bearer {token}"})


def test_a_token_is_refused_while_the_clock_says_that_it_must_be(server: Timeless, clock: Clock) -> None:
    token = server.issued(LEAD.email)
    assert read_with(server, token).status == 200
    refusals = {2 * HOUR: "expired", MONTH: "expired", -2 * HOUR: "in the future", -MONTH: "in the future"}
    for off, why in refusals.items():
        with clock.turned(off):
            answer = read_with(server, token)
            assert (answer.status, answer.codes) == (401, ["UNAUTHENTICATED"]), off
            assert why in answer.errors[0]["message"]
            assert lacking(server) == set()
        assert read_with(server, token).status == 200
    with clock.turned(timedelta(seconds=-20)):
        assert read_with(server, token).status == 200, "clocks may differ by half a minute"


@pytest.mark.parametrize("off", [2 * HOUR, -2 * HOUR], ids=["forward", "back"])
async def test_who_listens_is_told_nothing_that_a_new_request_would_not_be(
    server: Timeless, clock: Clock, off: timedelta
) -> None:
    client = Client(server)
    async with events(server, server.issued(LEAD.email), FOLLOW) as stream:
        client.change()
        assert (await stream.next())["data"] == {"caseChanged": {"what": "addComment"}}
        with clock.turned(off):
            assert client.change().status == 200
            answer = await stream.next()
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]
        assert not answer.get("data")


def test_an_address_of_a_file_is_good_for_minutes_whichever_clock_gave_it(server: Timeless, clock: Clock) -> None:
    def status(address: str) -> int:
        return server.client.get(address).status_code

    address = add(server, LEAD.email, PDF)["file"]["downloadUrl"]
    assert status(address) == 200
    with clock.turned(2 * HOUR):
        assert status(address) == 404
        of_then = add(server, LEAD.email, PDF)["file"]["downloadUrl"]
        assert status(of_then) == 200
    assert status(of_then) == 404, "it would be good for two hours and five minutes"
    with clock.turned(-HOUR):
        assert status(address) == 404


# What is kept ------------------------------------------------------------------------------------------------


@pytest.mark.nightly
def test_both_logs_stay_whole_through_other_months_and_back(server: Timeless, clock: Clock) -> None:
    client = Client(server)
    for off in (MONTH, NO_TIME, -MONTH, 13 * MONTH, -HOUR, NO_TIME):
        clock.turn(off)
        client.is_served()
        logs_are_whole(server)
    for off in (MONTH, NO_TIME):  # started while it is ahead, and it is right again
        clock.turn(off)
        server.end(signal.SIGTERM)
        server.start()
        for later in (off, -HOUR, NO_TIME):
            clock.turn(later)
            client.is_served()
            logs_are_whole(server)


def test_a_change_that_is_sent_again_at_another_time_is_made_once(server: Timeless, clock: Clock) -> None:
    client = Client(server)
    for off in (NO_TIME, MONTH, -HOUR):
        with clock.turned(off):
            assert client.change().status == 200
    for off in (2 * MONTH, -MONTH, NO_TIME):
        with clock.turned(off):
            assert {client.send(key).status for key in client.sent} == {200}
    client.is_served()


@pytest.mark.nightly
def test_a_clock_that_was_ahead_has_nothing_forgotten(
    clock: Clock, clocked: Zygote, small_world: SmallWorld, tmp_path: Path
) -> None:
    databases, url = small_world("sqlite")
    with Timeless(clocked, url, tmp_path, job_seconds="0.05") as server:
        client = Client(server)
        client.is_served()
        arriving = server.folder / state_directory(url) / "incoming" / "arriving"
        arriving.parent.mkdir(exist_ok=True)
        arriving.touch()
        with clock.turned(MONTH):
            enough = server.metric(FORGOTTEN) + 2
            while server.metric(FORGOTTEN) < enough:
                pass
        assert {client.send(key).status for key in client.sent} == {200}
        client.is_served()
        assert arriving.exists()
    databases.drop(url)


def test_a_case_that_was_paused_by_a_clock_that_was_ahead_is_paused_no_longer_than_it_was(
    server: Timeless, clock: Clock
) -> None:
    def shown() -> dict[str, Any]:
        case: dict[str, Any] = server.ask(ISP_WORKFLOW.email, LEVELS).data["case"]
        return case

    def change(document: str, **given: str) -> None:
        answer = server.ask(ISP_WORKFLOW.email, document, {"number": CASE, "version": shown()["version"], **given})
        assert [payload["problems"] for payload in answer.data.values()] == [[]]

    change(ASSIGN, manager=user(server, ISP_MANAGER))
    execute(server.database, f"UPDATE case_record SET opened_at = CURRENT_TIMESTAMP WHERE number = '{CASE}'")
    before = shown()["serviceLevels"]
    assert "RUNNING" in {level["state"] for level in before}
    with clock.turned(MONTH):
        change(PAUSE, reason=rows(server.database, "SELECT min(code) FROM code WHERE code_set = 'pause_reason'")[0][0])
    change(RESUME)
    assert shown()["serviceLevels"] == before
    with clock.turned(2 * MONTH):
        assert [level["dueOn"] for level in shown()["serviceLevels"]] == [level["dueOn"] for level in before]


# Who waits ---------------------------------------------------------------------------------------------------


async def test_who_waits_is_neither_hurried_nor_kept(server: Timeless, clock: Clock) -> None:
    client = Client(server)
    async with AsyncExitStack() as held:
        await held.enter_async_context(changes_wait(server.database))
        with client.waiting() as change:
            while server.metric("ascms_operations_under_way") != 1:
                pass
            for off in (MONTH, -MONTH, NO_TIME):
                clock.turn(off)
                assert server.client.get("/healthz").status_code == 200
            assert not change.done()
            await held.aclose()
            assert change.result().status == 200


@pytest.mark.nightly
def test_who_has_asked_for_much_may_ask_again_whenever_a_minute_has_passed(
    clock: Clock, clocked: Zygote, small_world: SmallWorld, tmp_path: Path
) -> None:
    databases, url = small_world("sqlite")
    with Timeless(clocked, url, tmp_path, points_a_minute="20") as server:
        client = Client(server)
        for off in (NO_TIME, MINUTE, MONTH, MINUTE, -MONTH):
            clock.turn(off)
            assert client.read().status == 200
            while (answer := client.read()).status == 200:
                pass
            assert answer.codes == ["RATE_LIMITED"]
            assert int(answer.headers["Retry-After"]) <= 60
        clock.turn(NO_TIME)
    databases.drop(url)


@pytest.mark.nightly
def test_letters_that_were_put_off_by_a_clock_that_was_ahead_are_sent(
    clock: Clock, clocked: Zygote, small_world: SmallWorld, tmp_path: Path
) -> None:
    databases, url = small_world("sqlite")
    port = free_port()
    with Timeless(clocked, url, tmp_path, smtp_url=f"smtp://127.0.0.1:{port}", **MAILING) as server:
        with clock.turned(DAY):
            share(server)
            waiting = waiting_letters(server)
        arrive_once(server, port, waiting)
    databases.drop(url)


@pytest.mark.nightly
def test_while_many_write_nothing_is_lost_or_made_in_part(
    clock: Clock, clocked: Zygote, small_world: SmallWorld, tmp_path: Path
) -> None:
    databases, url = small_world("sqlite")
    with MailServer() as mail, Timeless(clocked, url, tmp_path, **mailing(mail)) as server:
        crowd = Crowd(server)
        with crowd.at_work():
            for off in (HOUR, -HOUR, MONTH, NO_TIME, -MONTH, 10 * MINUTE, DAY, NO_TIME):
                clock.turn(off)
                enough = crowd.changes + 8
                while crowd.changes < enough:
                    time.sleep(0.001)
        crowd.send_again()
        crowd.verify()
        crowd.verify_mail(mail)
    databases.drop(url)


@pytest.fixture
def on_postgresql(clocked: Zygote, small_world: SmallWorld, tmp_path: Path) -> Iterator[Timeless]:
    """A server over a database of its own, in the cluster that may be killed."""
    databases, url = small_world("postgresql")
    with Timeless(clocked, url, tmp_path) as server:
        yield server
    databases.drop(url)


@pytest.mark.nightly
async def test_connections_that_were_lost_while_the_clock_was_ahead_are_replaced_once(
    clock: Clock, on_postgresql: Timeless, own_cluster: Callable[[], PostgresCluster]
) -> None:
    url, cluster, client = on_postgresql.database, own_cluster(), Client(on_postgresql)
    client.is_served()
    with suppress(DBAPIError):
        async with changes_wait(url):
            with clock.turned(MONTH), client.waiting() as change:
                while rows(url, "SELECT count(*) FROM pg_locks WHERE NOT granted") == [(0,)]:
                    pass
                cluster.kill()
                assert change.result().status == 503
    await asyncio.to_thread(cluster.start)
    client.is_served()
    known = backends(url)
    for _ in range(5):
        assert client.change().status == 200
    assert known <= backends(url)


async def test_an_alert_that_was_missed_is_told_whatever_the_clock_says(
    clock: Clock, on_postgresql: Timeless, own_cluster: Callable[[], PostgresCluster]
) -> None:
    """No signal is heard while it is raised: the connection that hears them is cut, and cannot be made anew."""
    url, cluster = on_postgresql.database, own_cluster()
    name = url.rpartition("/")[2]
    share(on_postgresql)
    async with events(
        on_postgresql, on_postgresql.token(CONTACT.email), "subscription { alertRaised { id } }"
    ) as stream:
        for of_change, of_gap in ((-HOUR, -HOUR), (NO_TIME, HOUR)):
            [(newest,)] = rows(url, "SELECT max(id) FROM alert")
            await asyncio.to_thread(cluster.execute, f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            await asyncio.to_thread(cluster.execute, CUT.format(name))
            with clock.turned(of_change):
                share(on_postgresql)
            with clock.turned(of_gap):
                await asyncio.to_thread(cluster.execute, f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
                while not heard_again(on_postgresql):
                    pass
            share(on_postgresql)
            missed, later = (global_id("Alert", newest + number) for number in (1, 2))
            earlier = told = ""
            while told != later:
                earlier, told = told, (await stream.next())["data"]["alertRaised"]["id"]
            assert earlier == missed


def heard_again(server: Timeless) -> bool:
    """Whether the server has a connection that hears signals."""
    listening = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()"
    return rows(server.database, listening) == [(1,)]


def backends(url: str) -> set[int]:
    """PostgreSQL's processes for the server's connections."""
    others = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    return {pid for (pid,) in rows(url, others)}

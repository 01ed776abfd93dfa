"""kill -9 of the server, and of the database, at random moments while several clients write.

Afterwards: every change that was acknowledged is there, with its event, alerts, letters and entry in the change log;
what was not acknowledged is there as a whole or not at all, and sent again with its key it is done once; both chains
are whole; no letter is lost.
"""

import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.clients import lacking
from tests.faults.crowd import Crowd, mailing
from tests.faults.killable import KillableServer
from tests.support.databases import Databases
from tests.support.forking import Zygote
from tests.support.mail import MailServer
from tests.support.postgres import PostgresCluster
from tests.support.sql import rows

SmallWorld = Callable[[str], tuple[Databases, str]]

MOST = 24
"""Changes that are acknowledged before a kill, at most."""
MOMENT = 0.05
"""Seconds from the last of them to the kill, at most: about what a change takes."""
FEW, MANY = 3, {"sqlite": 100, "server": 50, "database": 50}
"""How many kills in CI, and in `make nightly`: 200 together."""


def test_the_server_is_killed_few_times_on_sqlite(zygote: Zygote, small_world: SmallWorld, tmp_path: Path) -> None:
    kill_server("sqlite", FEW, zygote, small_world, tmp_path)


@pytest.mark.nightly
def test_the_server_is_killed_on_sqlite(zygote: Zygote, small_world: SmallWorld, tmp_path: Path) -> None:
    kill_server("sqlite", MANY["sqlite"], zygote, small_world, tmp_path)


@pytest.mark.nightly
def test_the_server_is_killed_on_postgresql(zygote: Zygote, small_world: SmallWorld, tmp_path: Path) -> None:
    kill_server("postgresql", MANY["server"], zygote, small_world, tmp_path)


def kill_server(kind: str, times: int, zygote: Zygote, small_world: SmallWorld, folder: Path) -> None:
    databases, url = small_world(kind)
    with MailServer() as mail, KillableServer(zygote, url, folder, **mailing(mail)) as server:
        crowd = Crowd(server)
        for _ in range(times):
            with crowd.at_work():
                wait_for_a_moment(crowd)
                server.kill()
            wait_for_others(url)
            crowd.verify()
            server.start()
            crowd.send_again()
        crowd.verify()
        crowd.verify_mail(mail)
        print(f"{times} kills of the server, {kind}: {crowd.changes} changes, {len(mail.mails)} letters")  # noqa: T201
    databases.drop(url)


def wait_for_a_moment(crowd: Crowd) -> None:
    """Return at some moment, while changes are made."""
    enough = crowd.changes + random.randint(0, MOST)
    while crowd.changes < enough:
        time.sleep(0.001)
    time.sleep(random.uniform(0.0, MOMENT))


def wait_for_others(url: str) -> None:
    """On PostgreSQL: until it has ended what the killed server had asked of it last."""
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    while url.startswith("postgresql") and rows(url, others) != [(0,)]:
        time.sleep(0.01)


def test_server_and_database_are_killed_few_times_on_postgresql(
    zygote: Zygote, small_world: SmallWorld, own_cluster: Callable[[], PostgresCluster], tmp_path: Path
) -> None:
    kill_database(FEW, zygote, small_world, own_cluster(), tmp_path)


@pytest.mark.nightly
def test_the_database_is_killed(
    zygote: Zygote, small_world: SmallWorld, own_cluster: Callable[[], PostgresCluster], tmp_path: Path
) -> None:
    kill_database(MANY["database"], zygote, small_world, own_cluster(), tmp_path)


def kill_database(times: int, zygote: Zygote, small_world: SmallWorld, cluster: PostgresCluster, folder: Path) -> None:
    """The server is not started again: it goes on by itself."""
    databases, url = small_world("postgresql")
    with MailServer() as mail, KillableServer(zygote, url, folder, **mailing(mail)) as server:
        crowd = Crowd(server)
        for number in range(times):
            with crowd.at_work():
                wait_for_a_moment(crowd)
                if number % 2:
                    cluster.stop(signal.SIGQUIT)
                else:
                    cluster.kill()
                assert lacking(server) == {"database", "migrations"}
                cluster.start()
                changes = crowd.changes
                while crowd.changes == changes:
                    time.sleep(0.01)
            crowd.send_again()
            assert lacking(server) == set()
            crowd.verify()
        crowd.verify_mail(mail)
        print(f"{times} kills of PostgreSQL: {crowd.changes} changes, {len(mail.mails)} letters")  # noqa: T201
    databases.drop(url)

"""PostgreSQL is restarted, stands still, has no connection left, takes no changes, or is locked by somebody.

Each time: 503 with Retry-After where it cannot be waited for, `/readyz` tells, and all goes on by itself afterwards.
"""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import asyncpg
import pytest

from ascms.database import sync_url
from tests.faults.clients import Client, lacking
from tests.faults.killable import KillableServer
from tests.support.databases import Databases
from tests.support.forking import Zygote
from tests.support.postgres import PostgresCluster


@pytest.fixture(scope="module")
def cluster(own_cluster: Callable[[], PostgresCluster]) -> PostgresCluster:
    return own_cluster()


@pytest.fixture(scope="module")
def server(
    zygote: Zygote,
    small_world: Callable[[str], tuple[Databases, str]],
    cluster: PostgresCluster,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[KillableServer]:
    databases, url = small_world("postgresql")
    with KillableServer(zygote, url, tmp_path_factory.mktemp("server")) as server:
        Client(server).is_served()
        yield server
    databases.drop(url)


@pytest.fixture
def client(server: KillableServer) -> Client:
    return Client(server)


def test_a_restart_is_told_while_it_lasts_and_costs_nothing_afterwards(
    server: KillableServer, cluster: PostgresCluster, client: Client
) -> None:
    cluster.stop(signal.SIGINT)
    client.is_refused()
    assert lacking(server) == {"database", "migrations"}
    cluster.start()
    client.is_served()
    assert lacking(server) == set()


def test_a_restart_that_nobody_noticed_fails_no_request(
    server: KillableServer, cluster: PostgresCluster, client: Client
) -> None:
    cluster.stop(signal.SIGINT)
    cluster.start()
    assert client.change().status == 200
    assert client.read().status == 200


def test_a_database_that_stands_still_is_waited_for(
    server: KillableServer, cluster: PostgresCluster, client: Client
) -> None:
    cluster.signal_all(signal.SIGSTOP)
    try:
        with client.waiting():
            assert lacking(server) == {"database", "migrations"}
            cluster.signal_all(signal.SIGCONT)
    finally:
        cluster.signal_all(signal.SIGCONT)
    client.is_served()
    assert lacking(server) == set()


def test_without_a_connection_left_the_server_says_so_and_takes_the_first_that_is_free(
    server: KillableServer, client: Client
) -> None:
    with all_connections(server.database):
        client.is_refused()
        assert lacking(server) == {"database", "migrations"}
    client.is_served()
    assert lacking(server) == set()


def test_a_standby_or_read_only_database_is_told_from_one_that_is_away(
    server: KillableServer, cluster: PostgresCluster, client: Client
) -> None:
    name = server.database.rpartition("/")[2]
    cluster.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    end_connections(cluster, name)
    client.is_refused()
    assert lacking(server) == {"database"}
    cluster.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
    end_connections(cluster, name)
    client.is_served()
    assert lacking(server) == set()


def test_a_table_that_somebody_holds_keeps_only_those_waiting_who_need_it(
    server: KillableServer, client: Client
) -> None:
    with held(server.database, "comment"), client.waiting() as change:
        assert client.read().status == 200
        assert lacking(server) == set()
        assert not change.done()
    client.is_served()


# What somebody else does ---------------------------------------------------------------------------------------


def end_connections(cluster: PostgresCluster, database: str) -> None:
    """Returns when they have ended, not only been told to: none dies under the next request."""
    cluster.execute(
        "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity "
        f"WHERE datname = '{database}' AND pid <> pg_backend_pid()"
    )


@contextmanager
def session(database: str) -> Iterator[tuple[asyncio.Runner, asyncpg.Connection]]:
    """A connection that stays open during the context."""
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(sync_url(database)))
        yield runner, connection
        runner.run(connection.close())


@contextmanager
def held(database: str, table: str) -> Iterator[None]:
    """Nobody else reads or writes the table."""
    with session(database) as (runner, connection):
        runner.run(connection.execute(f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
        yield


@contextmanager
def all_connections(database: str) -> Iterator[None]:
    """Every connection that the cluster has is somebody else's."""
    with asyncio.Runner() as runner:
        taken: list[asyncpg.Connection] = []

        async def take_all() -> None:
            while True:
                try:
                    taken.append(await asyncpg.connect(sync_url(database)))
                except asyncpg.TooManyConnectionsError:
                    mine = [connection.get_server_pid() for connection in taken]
                    others = await taken[0].fetch(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE backend_type = 'client backend' AND NOT pid = ANY ($1::int[])",
                        mine,
                    )
                    if not others:
                        return

        runner.run(take_all())
        yield
        for connection in taken:
            runner.run(connection.close())

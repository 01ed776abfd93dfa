"""A server that starts quickly, a small world, and a PostgreSQL of these tests' own, which may be killed."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from ascms.database import upgrade
from tests.support.databases import Databases, PostgresDatabases
from tests.support.forking import Zygote
from tests.support.postgres import PostgresCluster

LASTING = {"fsync": "off", "full_page_writes": "on", "synchronous_commit": "on", "max_connections": "40"}
"""A commit outlives every process of the cluster. (Not the machine, which none of these tests switches off.)"""


def build_small_world(url: str) -> None:
    """The people of the demo, and the fewest others."""
    from ascms.demo.world import build

    upgrade(url)
    build(url, schools=6)


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    with Zygote() as zygote:
        yield zygote


@pytest.fixture(scope="session")
def own_cluster(request: pytest.FixtureRequest) -> Iterator[Callable[[], PostgresCluster]]:
    """Gives the cluster of these tests, which keeps what it has committed. Started when it is first asked for."""
    request.getfixturevalue("postgres_cluster")  # skips or fails where there are no programs
    with ExitStack() as running:
        started: list[PostgresCluster] = []

        def cluster() -> PostgresCluster:
            if not started:
                started.append(running.enter_context(PostgresCluster(**LASTING)))
            return started[0]

        yield cluster


@pytest.fixture(scope="session")
def small_world(
    request: pytest.FixtureRequest, databases_of: Callable[[str], Databases]
) -> Callable[[str], tuple[Databases, str]]:
    """Gives a fresh copy of the small world on a kind of database, and who drops it again."""
    own: list[Databases] = []

    def copy(kind: str) -> tuple[Databases, str]:
        if kind == "sqlite":
            databases = databases_of("sqlite")
        else:
            if not own:
                own.append(PostgresDatabases(request.getfixturevalue("own_cluster")()))
            databases = own[0]
        return databases, databases.copy("small_world", build_small_world)

    return copy

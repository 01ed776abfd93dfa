"""What every test may use: fresh databases of both kinds, and real demo servers over them.

Without PostgreSQL's programs its tests are skipped with a notice; with ASCMS_REQUIRE_POSTGRESQL set they fail.
"""

import gc
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import hypothesis
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ascms.database import engine_for, upgrade
from tests.support.databases import Databases, PostgresDatabases, SqliteDatabases
from tests.support.postgres import REQUIRED, PostgresCluster, PostgresMissingError, binaries
from tests.support.s3 import S3Server
from tests.support.server import DemoServer

KINDS = ("sqlite", "postgresql")

hypothesis.settings.register_profile("default", deadline=None, max_examples=200, print_blob=True)
hypothesis.settings.register_profile("nightly", deadline=None, max_examples=5_000, print_blob=True)
hypothesis.settings.load_profile("default")

gc.set_threshold(10_000, 20, 50)


SWEEPS = {
    "test_against_model",
    "test_any_sequence",
    "test_authentication",
    "test_blocks",
    "test_case_by_itself",
    "test_case_handing_on",
    "test_case_illegal_moves",
    "test_case_life",
    "test_case_merging",
    "test_cases",
    "test_casework_items",
    "test_changes",
    "test_clock",
    "test_comments",
    "test_enrolments",
    "test_entered_in_error",
    "test_every_cell",
    "test_files",
    "test_floods",
    "test_http",
    "test_journey",
    "test_leaks",
    "test_leaks_by_arguments",
    "test_leaks_by_changes",
    "test_leaks_by_logs",
    "test_limits",
    "test_ministry_settings",
    "test_office_support",
    "test_others_leaks",
    "test_people_approvals",
    "test_people_life",
    "test_people_refused",
    "test_persisted",
    "test_protection",
    "test_provider",
    "test_requests_drafts",
    "test_requests_ends",
    "test_requests_form",
    "test_requests_life",
    "test_screens",
    "test_service_levels",
    "test_tampering",
    "test_through_the_api",
    "test_trusted",
    "test_unusual_rows",
}
"""Modules that go through very many cases of what is decided before any database is asked, or asked of it elsewhere
too: on PostgreSQL they are for `make nightly`."""


LONGEST = ("test_two_executions", "test_two_servers", "test_every_cell", "test_journey", "test_generated")
"""Modules that take longest. They are begun first, so that none is left when the others are through."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))
    for item in items:
        if item.path.stem in SWEEPS and "[postgresql" in item.name:
            item.add_marker(pytest.mark.nightly)


def pytest_collection_finish() -> None:
    """What is there by now stays: the collector, a fifth of all work otherwise, need not look at it again and again."""
    gc.collect()
    gc.freeze()


def pytest_report_header() -> str:
    try:
        return f"PostgreSQL: {binaries()}"
    except PostgresMissingError as error:
        return f"PostgreSQL: NOT TESTED. {error}"


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[PostgresCluster]:
    try:
        cluster = PostgresCluster()
    except PostgresMissingError as error:
        if os.environ.get(REQUIRED):
            pytest.fail(f"{REQUIRED} is set, but {error}")
        pytest.skip(f"NOT TESTED on PostgreSQL. {error}")
    with cluster:
        yield cluster


@pytest.fixture(scope="session")
def databases_of(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Databases]:
    """The maker of databases of a kind; a PostgreSQL cluster is started only if it is asked for."""
    made: dict[str, Databases] = {}

    def of(kind: str) -> Databases:
        if kind not in made:
            if kind == "sqlite":
                made[kind] = SqliteDatabases(tmp_path_factory.mktemp("sqlite"))
            else:
                made[kind] = PostgresDatabases(request.getfixturevalue("postgres_cluster"))
        return made[kind]

    return of


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, databases_of: Callable[[str], Databases]) -> Iterator[str]:
    """A fresh database with all tables and no rows, on each kind of database."""
    databases = databases_of(request.param)
    url = databases.copy("migrated", upgrade)
    yield url
    databases.drop(url)


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = engine_for(database_url)
    yield engine
    await engine.dispose()


def build_world(url: str) -> None:
    """Fill `url` with the world of `ascms demo`."""
    from ascms.demo.world import build

    upgrade(url)
    build(url)


@pytest.fixture(params=KINDS)
def world_url(request: pytest.FixtureRequest, databases_of: Callable[[str], Databases]) -> Iterator[str]:
    """A fresh copy of the demo world, for tests that change it, on each kind of database."""
    databases = databases_of(request.param)
    url = databases.copy("world", build_world)
    yield url
    databases.drop(url)


@pytest.fixture(scope="session")
def launch(
    databases_of: Callable[[str], Databases], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., DemoServer]]:
    """Starts servers, one for each way to ask: `launch("sqlite", office_support="requests")`; ends them."""
    started: dict[tuple[str, ...], DemoServer] = {}

    with ExitStack() as running:

        def start(kind: str = "sqlite", **settings: str) -> DemoServer:
            key = (kind, *(f"{name}={value}" for name, value in sorted(settings.items())))
            if key not in started:
                url = databases_of(kind).copy("world", build_world)
                folder: Path = tmp_path_factory.mktemp("server")
                started[key] = running.enter_context(DemoServer(url, folder, **settings))
            return started[key]

        yield start


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """A real S3 server on this machine."""
    with S3Server() as server:
        yield server


@pytest.fixture(scope="session", params=KINDS)
def server(request: pytest.FixtureRequest, launch: Callable[..., DemoServer]) -> DemoServer:
    """The demo as people meet it, on each kind of database. Shared by all tests: do not change its data."""
    return launch(request.param)


@pytest.fixture(scope="module", params=KINDS)
def changing(
    request: pytest.FixtureRequest, databases_of: Callable[[str], Databases], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DemoServer]:
    """A server over a demo world that the tests of a module share and change, on each kind of database.

    Others of the module have changed things before: compare with what was there, and use rows of one's own.
    """
    databases = databases_of(request.param)
    url = databases.copy("world", build_world)
    with DemoServer(url, tmp_path_factory.mktemp("changing")) as server:
        yield server
    databases.drop(url)

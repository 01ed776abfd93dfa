"""A database that a later version upgrades while this one serves it, as hosts are upgraded one by one.

Migrations only add: columns that may be empty, tables, indexes. What they take away, the version after takes.
"""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
from alembic import command
from sqlalchemy import Connection

from ascms.database import alembic_config, engine_for, migrations, sqlite_path, upgrade, writing
from tests.conftest import KINDS
from tests.faults.clients import Client, lacking
from tests.faults.killable import KillableServer
from tests.faults.test_postgresql_away import held
from tests.support.databases import Databases
from tests.support.forking import Zygote
from tests.support.sql import execute, rows

SmallWorld = Callable[[str], tuple[Databases, str]]

NEXT = """
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = {down!r}
branch_labels = depends_on = None


def upgrade() -> None:
    op.add_column("comment", sa.Column("language", sa.String(), nullable=True))
    op.add_column("case_record", sa.Column("language", sa.String(), nullable=True))
    op.create_table("translation", sa.Column("id", sa.Integer(), primary_key=True))
    op.create_index("ix_comment_language", "comment", ["language"])
"""


@pytest.fixture(params=KINDS)
def server(
    request: pytest.FixtureRequest, zygote: Zygote, small_world: SmallWorld, tmp_path: Path
) -> Iterator[KillableServer]:
    databases, url = small_world(request.param)
    with KillableServer(zygote, url, tmp_path) as server:
        yield server
    databases.drop(url)


def upgrade_to_the_next(url: str, folder: Path) -> None:
    """What `ascms db upgrade` of a version does that has one migration more."""
    scripts = folder / "later"
    shutil.copytree(migrations(), scripts)
    [(present,)] = rows(url, "SELECT version_num FROM alembic_version")
    (scripts / "versions" / "9999_next.py").write_text(NEXT.format(down=present))

    def run(connection: Connection) -> None:
        config = alembic_config(connection)
        config.set_main_option("script_location", str(scripts))
        command.upgrade(config, "head")

    async def work() -> None:
        engine = engine_for(url)
        async with writing(engine).begin() as connection:
            await connection.run_sync(run)
        await engine.dispose()

    asyncio.run(work())


@contextmanager
def at_work(client: Client) -> Iterator[None]:
    """Somebody changes and reads all the while."""
    stopped: list[bool] = []

    def work() -> None:
        while not stopped:
            assert client.change().status == 200
            assert client.read().status == 200

    thread = Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stopped.append(True)
        thread.join()


def test_the_version_before_goes_on_and_says_that_a_later_one_was_there(server: KillableServer, tmp_path: Path) -> None:
    client = Client(server)
    client.is_served()
    with at_work(client):
        upgrade_to_the_next(server.database, tmp_path)
    assert len(client.sent) > 1
    assert client.sent.keys() == client.answered
    client.is_served()
    assert lacking(server) == set()
    assert "later version" in server.client.get("/readyz").json()["checks"]["migrations"]["todo"]
    # It starts again too, and leaves the database as it is.
    server.end()
    server.start()
    client.is_served()
    upgrade(server.database)
    assert rows(server.database, "SELECT version_num FROM alembic_version") == [("9999",)]


def test_a_version_before_its_migration_is_alive_and_not_ready_until_it_has_run(server: KillableServer) -> None:
    [(present,)] = rows(server.database, "SELECT version_num FROM alembic_version")
    execute(server.database, "DELETE FROM alembic_version")
    assert lacking(server) == {"migrations"}
    execute(server.database, f"INSERT INTO alembic_version VALUES ('{present}')")
    assert lacking(server) == set()
    Client(server).is_served()


def test_upgrading_while_serving_changes_nothing_where_there_is_nothing_to_do(server: KillableServer) -> None:
    client = Client(server)
    with at_work(client):
        upgrade(server.database)
    client.is_served()


@pytest.mark.nightly
def test_a_migration_does_not_have_everybody_wait_behind_it(
    small_world: SmallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL, one that waits for a table has all wait who come after it."""
    monkeypatch.setattr("ascms.database.PATIENCE", 1)
    databases, url = small_world("postgresql")
    assert sqlite_path(url) is None
    execute(url, "DELETE FROM alembic_version")
    with held(url, "alembic_version"), pytest.raises(TimeoutError, match="run it again"):
        upgrade(url)
    databases.drop(url)

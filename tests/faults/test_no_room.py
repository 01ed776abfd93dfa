"""No room on the disk, or a disk that can only be read: for the database, for the heads of its logs, for files.

Small disks are mounted for that, which takes root; elsewhere these tests are skipped, and say so.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ascms.audit import verify_database
from ascms.database import sqlite_path, state_directory
from tests.conftest import KINDS
from tests.contract.people import LEAD
from tests.contract.test_files import send
from tests.faults.clients import Client, lacking, refused
from tests.faults.conftest import LASTING, build_small_world
from tests.faults.disks import Disk, disk
from tests.faults.killable import KillableServer
from tests.storage.documents import PDF
from tests.support.databases import Databases
from tests.support.forking import Zygote
from tests.support.postgres import PostgresCluster
from tests.support.server import Answer

SmallWorld = Callable[[str], tuple[Databases, str]]


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    with disk(tmp_path_factory.mktemp("disk"), 16) as small:
        yield small


@pytest.fixture(scope="module")
def server(
    zygote: Zygote, small_world: SmallWorld, small_disk: Disk, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KillableServer]:
    """One whose SQLite database, heads and files are on the small disk."""
    _, url = small_world("sqlite")
    file = sqlite_path(url)
    assert file is not None
    database = small_disk.folder / "ascms.sqlite3"
    shutil.copyfile(file, database)
    with KillableServer(zygote, str(database), tmp_path_factory.mktemp("server")) as server:
        yield server


def logs_are_whole(server: KillableServer) -> None:
    state = server.folder / state_directory(server.database)
    report = verify_database(server.database, state, (state / "audit_key").read_text().strip().encode())
    assert report.ok, report


def test_a_disk_that_can_only_be_read_is_told_and_left_behind(server: KillableServer, small_disk: Disk) -> None:
    """The first that this server is asked: whatever it opens, it opens read-only."""
    client = Client(server)
    server.token(LEAD.email)
    with small_disk.read_only():
        refused(client.read())
        assert "state" in lacking(server)
        client.is_refused()
    client.is_served()
    assert lacking(server) == set()
    logs_are_whole(server)


def test_a_full_disk_loses_nothing_that_was_acknowledged(server: KillableServer, small_disk: Disk) -> None:
    client = Client(server)
    client.is_served()
    with small_disk.filled():
        client.until_refused()
        refused(client.read())
        assert lacking(server) == {"state", "database"}
    client.is_served()
    assert lacking(server) == set()
    logs_are_whole(server)


def test_a_file_without_room_is_refused_and_nothing_of_it_stays(server: KillableServer, small_disk: Disk) -> None:
    Client(server).is_served()
    incoming = server.folder / state_directory(server.database) / "incoming"
    with small_disk.filled():
        response = send(server, LEAD.email, PDF + bytes(3_000_000))
        refused(Answer(response.status_code, response.headers, response.json(), response.text))
        assert list(incoming.glob("*")) == []
    assert send(server, LEAD.email, PDF).status_code == 200


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_changed_or_disclosed_without_a_place_for_the_heads(
    kind: str, zygote: Zygote, small_world: SmallWorld, tmp_path: Path
) -> None:
    """A volume that was not mounted as it should be: before the server has written there, and after."""
    databases, url = small_world(kind)
    with KillableServer(zygote, url, tmp_path) as server:
        client = Client(server)
        server.token(LEAD.email)
        state = server.folder / state_directory(url)
        with without(state):
            client.is_refused()
            assert lacking(server) == {"state"}
        client.is_served()
        assert lacking(server) == set()
        logs_are_whole(server)
    databases.drop(url)


@contextmanager
def without(folder: Path) -> Iterator[None]:
    """Something else, that cannot be written, lies over the folder."""
    with disk(folder, 1) as other, other.read_only():
        yield


@pytest.mark.nightly
def test_a_full_disk_of_postgresql_loses_nothing_that_was_acknowledged(zygote: Zygote, tmp_path: Path) -> None:
    """Its write-ahead log lies there too, so it may end itself; then it is started again as an operator would."""
    with (
        TemporaryDirectory(prefix="ascms-disk-") as folder,  # PostgreSQL's user cannot go through the folders of pytest
        disk(Path(folder), 160) as small,
        PostgresCluster(small.folder / "cluster", **LASTING) as cluster,
    ):
        url = cluster.create("ascms")
        build_small_world(url)
        with KillableServer(zygote, url, tmp_path) as server:
            client = Client(server)
            client.is_served()
            with small.filled():
                client.until_refused()
                assert "database" in lacking(server)
            with suppress(Exception):
                cluster.process.wait(5)
            if cluster.process.poll() is not None:
                cluster.start()
            client.is_served()
            assert lacking(server) == set()
            logs_are_whole(server)

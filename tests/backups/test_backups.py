"""Backups, taken while others write, and restored elsewhere: whole, or refused."""

import io
import json
import os
import re
import subprocess
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ascms.audit import verify_database
from ascms.backups import restore, take
from ascms.settings import Settings
from tests.conftest import build_world
from tests.support.commands import AUDIT_KEY, KEYS, run
from tests.support.databases import Databases
from tests.support.installation import Installation, serving
from tests.support.postgres import PostgresCluster
from tests.support.sql import rows

LEAD = "lead@test-college.school.nz"
COMMENT = 'mutation { addComment(input: {number: "00307473", body: "number %d"}) { problems { message } } }'
FILE = 'mutation ($f: Upload!) { addFile(input: {number: "00307473", file: $f}) { file { downloadUrl } } }'
URLS = '{ case(number: "00307473") { number files { nodes { name downloadUrl } } } }'
LETTER = b"Dear family, ring us.\n" * 1_000
WRITTEN = "SELECT count(*) FROM comment WHERE body LIKE 'number %'"


def ascms(state: Path, database: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What a command says, with the state directory and the database set up."""
    return run(*arguments, database_url=database, state_directory=str(state), **KEYS)


@dataclass
class Kept:
    """A backup that was taken under a write load, and what is known of it."""

    kind: str
    archive: Path
    said: str
    acknowledged_before: int
    """Changes that were acknowledged when it was begun."""
    begun_after: int
    """Changes that had been asked for when it was done."""
    new: Callable[[], str]
    """Makes an empty place for a database."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def kept(
    request: pytest.FixtureRequest, databases_of: Callable[[str], Databases], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kept]:
    folder = tmp_path_factory.mktemp("kept")
    url = databases_of(request.param).copy("world", build_world)
    numbers = iter(range(1_000))

    def new() -> str:
        if request.param == "sqlite":
            return f"sqlite+aiosqlite:///{folder}/restored-{next(numbers)}.sqlite3"
        cluster: PostgresCluster = request.getfixturevalue("postgres_cluster")
        return cluster.create(f"restored_{os.getpid()}_{next(numbers)}")

    with serving(url, folder) as server:
        with_file = {
            "operations": json.dumps({"query": FILE, "variables": {"f": None}}),
            "map": '{"0":["variables.f"]}',
        }
        headers = {"Authorization": f"Bearer {server.token(LEAD)}"}
        server.client.post(
            "/graphql", data=with_file, files={"0": ("letter.txt", LETTER)}, headers=headers
        ).raise_for_status()
        writer = Writer(server)
        with writer:
            before = writer.wait_for(5)
            done = ascms(server.state, url, "backup", str(folder / "one.ascms"))
            assert done.returncode == 0, done.stderr
            begun = writer.begun
            writer.wait_for(writer.acknowledged + 1)
        yield Kept(request.param, folder / "one.ascms", done.stdout, before, begun, new)


class Writer:
    """Changes one after another, in a thread, for as long as its context lasts."""

    def __init__(self, server: Installation) -> None:
        self._server = server
        self._stop = threading.Event()
        self._more = threading.Condition()
        self._thread = threading.Thread(target=self._write)
        self.begun = self.acknowledged = 0

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *ignored: object) -> None:
        self._stop.set()
        self._thread.join()

    def wait_for(self, number: int) -> int:
        """Wait until so many changes are acknowledged; gives how many are."""
        with self._more:
            self._more.wait_for(lambda: self.acknowledged >= number or self._stop.is_set())
            assert self.acknowledged >= number, "the writer failed"
            return self.acknowledged

    def _write(self) -> None:
        try:
            while not self._stop.is_set():
                self.begun += 1
                assert self._server.ask(LEAD, COMMENT % self.begun).data == {"addComment": {"problems": []}}
                with self._more:
                    self.acknowledged += 1
                    self._more.notify_all()
        finally:
            with self._more:
                self._stop.set()
                self._more.notify_all()


def test_a_backup_taken_while_others_write_is_of_one_moment_and_restores_whole(kept: Kept, tmp_path: Path) -> None:
    assert kept.archive.stat().st_mode & 0o777 == 0o600
    assert "ASCMS_AUDIT_KEY" in kept.said
    with tarfile.open(kept.archive) as tar:
        names = tar.getnames()
        assert AUDIT_KEY.encode() not in kept.archive.read_bytes()
    assert {name.split("/")[0] for name in names} == {"database", "heads", "files", "manifest.json"}
    state, database = tmp_path / "state", kept.new()
    done = ascms(state, database, "restore", str(kept.archive))
    assert done.returncode == 0, done.stderr
    [(written,)] = rows(database, WRITTEN)
    assert kept.acknowledged_before <= written <= kept.begun_after
    changed = "SELECT count(*) FROM change_entry WHERE action = 'addComment' AND subject_type = 'Comment'"
    assert rows(database, changed) == [(written,)]
    report = verify_database(database, state, AUDIT_KEY.encode())
    assert report.ok, str(report)
    assert ascms(state, database, "audit", "verify").returncode == 0
    with serving(database, tmp_path) as server:
        assert server.state == state
        shown = server.ask(LEAD, URLS).data["case"]["files"]["nodes"]
        [letter] = [one for one in shown if one["name"] == "letter.txt"]
        assert server.client.get(letter["downloadUrl"]).content == LETTER
        assert server.ask(LEAD, COMMENT % 0).data == {"addComment": {"problems": []}}
    report = verify_database(database, state, AUDIT_KEY.encode())
    assert report.ok, str(report)


def rewritten(archive: Path, target: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """A copy of the archive with each part as `change` gives it, or without it."""
    with tarfile.open(archive) as source, tarfile.open(target, "w") as copy:
        for entry in source:
            file = source.extractfile(entry)
            assert file is not None
            content = change(entry.name, file.read())
            if content is not None:
                entry.size = len(content)
                copy.addfile(entry, io.BytesIO(content))
    return target


def flipped(part: str) -> Callable[[str, bytes], bytes]:
    def change(name: str, content: bytes) -> bytes:
        return bytes([*content[:99], content[99] ^ 1, *content[100:]]) if name.startswith(part) else content

    return change


def newer(name: str, content: bytes) -> bytes:
    if name != "manifest.json":
        return content
    manifest: dict[str, Any] = json.loads(content)
    return json.dumps(manifest | {"revision": "9999_of_tomorrow", "ascms": "99.0"}).encode()


BAD: dict[str, tuple[Callable[[str, bytes], bytes | None], str]] = {
    "a flipped bit of the database": (flipped("database"), "its part database is not what was written"),
    "a flipped bit of a file": (flipped("files/"), "its part files/"),
    "a head less": (lambda name, content: None if name == "heads/index" else content, "its part heads/index"),
    "no manifest": (lambda name, content: None if name == "manifest.json" else content, "ends before its manifest"),
    "a newer revision": (newer, "of a newer ascms (99.0, revision 9999_of_tomorrow)"),
}


def put_back(state: Path, database: str, archive: Path) -> None:
    """What `ascms restore` does."""
    settings = Settings(database_url=database, state_directory=state)
    restore(settings, archive, lambda what, done, whole: None)


@pytest.mark.parametrize("what", BAD)
def test_a_backup_that_does_not_hold_is_refused_and_nothing_is_left_behind(
    kept: Kept, what: str, tmp_path: Path
) -> None:
    change, message = BAD[what]
    state, database = tmp_path / "state", kept.new()
    with pytest.raises(ValueError, match=re.escape(message)):
        put_back(state, database, rewritten(kept.archive, tmp_path / "bad", change))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad"]
    if kept.kind == "sqlite":
        assert not Path(database.removeprefix("sqlite+aiosqlite:///")).exists()
    else:
        assert rows(database, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]


def test_a_part_that_leads_elsewhere_and_a_cut_archive_are_refused(kept: Kept, tmp_path: Path) -> None:
    evil = tmp_path / "evil"
    with tarfile.open(evil, "w") as tar:
        tar.addfile(tarfile.TarInfo("files/../../outside"), io.BytesIO())
    cut = tmp_path / "cut"
    cut.write_bytes(kept.archive.read_bytes()[:-20_000])
    database = kept.new()
    for archive, message in ((evil, "that no backup has"), (cut, "use another"), (tmp_path / "none", "no backup")):
        with pytest.raises((ValueError, LookupError), match=message):
            put_back(tmp_path / "state", database, archive)
    assert not (tmp_path / "state").exists()


def test_nothing_is_replaced(kept: Kept, tmp_path: Path) -> None:
    database, state = kept.new(), tmp_path / "state"
    with pytest.raises(FileExistsError, match="exists already"):
        take(Settings(database_url=database, state_directory=state), kept.archive, lambda what, done, whole: None)
    (state / "heads").mkdir(parents=True)
    (state / "heads/index").touch()
    with pytest.raises(ValueError, match="heads is not empty; a backup is restored into an empty place only"):
        put_back(state, database, kept.archive)
    (state / "heads/index").unlink()
    put_back(state, database, kept.archive)
    assert (state / "heads/index").exists()
    with pytest.raises(ValueError, match="the database is not empty"):
        put_back(tmp_path / "other", database, kept.archive)

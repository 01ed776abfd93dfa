"""Both storages, alike: a content is there whole or not at all. S3 is a real server on this machine."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from ascms.database import engine_for
from ascms.models import Case, File, User, Visibility
from ascms.settings import Settings, StorageKind
from ascms.storage import Incoming, NotStored, Storage, Sweeper, new_key, open_storage, sweep
from tests.support.s3 import S3Server

SOON = timedelta(minutes=1)


@pytest.fixture(params=StorageKind)
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    if request.param is StorageKind.S3:
        bucket: dict[str, Any] = request.getfixturevalue("s3").settings()
        return Settings(state_directory=tmp_path, **bucket)
    return Settings(state_directory=tmp_path)


@pytest.fixture
def incoming(tmp_path: Path) -> Incoming:
    return Incoming(tmp_path / "incoming")


@pytest.fixture
def storage(settings: Settings, incoming: Incoming) -> Storage:
    return open_storage(settings, incoming)


async def stream(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def stored(storage: Storage, *pieces: bytes) -> str:
    key = new_key()
    await storage.put(key, stream(*pieces))
    return key


async def content(storage: Storage, key: str) -> bytes:
    return b"".join([piece async for piece in await storage.open(key)])


async def keys(storage: Storage, before: datetime) -> list[str]:
    return [key async for key in storage.keys(before)]


async def test_what_is_put_is_there_as_it_came(storage: Storage) -> None:
    pieces = [bytes([at]) * 1_000_003 for at in range(20)]
    key, other = await stored(storage, *pieces), await stored(storage, b"other")
    assert await storage.exists(key)
    assert await content(storage, key) == b"".join(pieces)
    assert await content(storage, other) == b"other"


async def test_an_empty_content_is_a_content(storage: Storage) -> None:
    key = await stored(storage)
    assert await storage.exists(key)
    assert await content(storage, key) == b""


@pytest.mark.parametrize("whole_pieces", [0, 1, 12])
async def test_what_breaks_off_was_never_there(storage: Storage, incoming: Incoming, whole_pieces: int) -> None:
    async def breaking() -> AsyncIterator[bytes]:
        for _ in range(whole_pieces):
            yield b"a" * 1_048_576
        raise ConnectionError("the client left")

    key = new_key()
    with pytest.raises(ConnectionError, match="the client left"):
        await storage.put(key, breaking())
    assert not await storage.exists(key)
    assert await keys(storage, datetime.now(UTC) + SOON) == []
    assert not incoming.folder.exists() or list(incoming.folder.iterdir()) == []


async def test_nobody_sees_a_content_before_it_is_whole(storage: Storage) -> None:
    key, seen = new_key(), list[bool]()

    async def watched() -> AsyncIterator[bytes]:
        for _ in range(12):
            yield b"a" * 1_048_576
            seen.append(await storage.exists(key))

    await storage.put(key, watched())
    assert seen == [False] * 12
    assert await storage.exists(key)


async def test_what_is_deleted_is_gone_and_deleting_it_again_is_no_fault(storage: Storage) -> None:
    key = await stored(storage, b"a")
    await storage.delete(key)
    await storage.delete(key)
    assert not await storage.exists(key)
    with pytest.raises(NotStored):
        await storage.open(key)


@pytest.mark.parametrize("key", ["../secret_key", "/etc/passwd", "demo/ab/cdef", "ab/../../x", "", "zz/" + "0" * 30])
async def test_no_key_leads_out_of_the_storage(storage: Storage, tmp_path: Path, key: str) -> None:
    (tmp_path / "secret_key").write_text("secret")
    assert not await storage.exists(key)
    with pytest.raises(NotStored):
        await storage.open(key)
    with pytest.raises(NotStored):
        await storage.delete(key)
    with pytest.raises(NotStored):
        await storage.put(key, stream(b"mine"))
    assert (tmp_path / "secret_key").read_text() == "secret"


async def test_contents_are_listed_by_when_they_came(storage: Storage) -> None:
    put = {await stored(storage, b"a") for _ in range(3)}
    assert set(await keys(storage, datetime.now(UTC) + SOON)) == put
    assert await keys(storage, datetime.now(UTC) - SOON) == []


def test_keys_cannot_be_guessed() -> None:
    made = {new_key() for _ in range(1_000)}
    assert len(made) == 1_000
    assert len({key[:2] for key in made}) > 200


# Each of its own ---------------------------------------------------------------------------------------------


@pytest.fixture
def local(tmp_path: Path, incoming: Incoming) -> Storage:
    return open_storage(Settings(state_directory=tmp_path), incoming)


async def test_only_the_owner_reads_the_folder(local: Storage, tmp_path: Path) -> None:
    key = await stored(local, b"a")
    modes = {path: path.stat().st_mode & 0o777 for path in (tmp_path / "files").rglob("*")}
    assert modes == {(tmp_path / "files" / key).parent: 0o700, tmp_path / "files" / key: 0o600}
    assert (tmp_path / "files").stat().st_mode & 0o777 == 0o700


async def test_a_put_returns_when_file_and_folders_are_on_the_disk(
    local: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[Path] = []
    flush = os.fsync

    def noted(descriptor: int) -> None:
        flushed.append(Path(f"/proc/self/fd/{descriptor}").resolve())
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    key = await stored(local, b"a")
    assert [path.parent.name for path in flushed[:1]] == ["incoming"]
    assert flushed[1:] == [tmp_path / "files", (tmp_path / "files" / key).parent]


async def test_nothing_else_of_a_bucket_is_touched(s3: S3Server, incoming: Incoming) -> None:
    given: dict[str, Any] = s3.settings()
    storage = open_storage(Settings(**given), incoming)
    s3.put(given["storage_bucket"], "others.txt")
    s3.put(given["storage_bucket"], "files/others.txt")
    key = await stored(storage, b"a")
    assert await keys(storage, datetime.now(UTC) + SOON) == [key]
    assert s3.objects(given["storage_bucket"]) == {"others.txt", "files/others.txt", f"files/{key}"}


def test_a_storage_without_a_bucket_is_refused_at_the_start(incoming: Incoming) -> None:
    with pytest.raises(ValueError, match="ASCMS_STORAGE_BUCKET"):
        open_storage(Settings(storage=StorageKind.S3), incoming)


def test_half_of_a_key_is_refused_at_the_start(incoming: Incoming) -> None:
    with pytest.raises(ValueError, match="both ASCMS_STORAGE_ACCESS_KEY and ASCMS_STORAGE_SECRET_KEY"):
        open_storage(Settings(storage=StorageKind.S3, storage_bucket="a", storage_access_key="key"), incoming)


def test_the_secret_key_may_be_in_a_file_and_is_shown_nowhere(tmp_path: Path, incoming: Incoming) -> None:
    (tmp_path / "key").write_text("s3cret\n")
    settings = Settings(
        storage=StorageKind.S3, storage_bucket="a", storage_access_key="key", storage_secret_key_file=tmp_path / "key"
    )
    assert settings.storage_secret_key is not None
    assert settings.storage_secret_key.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(settings) + repr(open_storage(settings, incoming))


# Sweeping ----------------------------------------------------------------------------------------------------


@pytest.fixture
async def world(world_url: str) -> AsyncIterator[AsyncEngine]:
    engine = engine_for(world_url)
    yield engine
    await engine.dispose()


async def _row_for(engine: AsyncEngine, key: str) -> None:
    async with engine.begin() as connection:
        case = (await connection.execute(select(Case.id, Case.provider_id).limit(1))).one()
        person = await connection.scalar(select(User.id).limit(1))
        row = {
            "case_id": case.id,
            "name": "a.txt",
            "media_type": "text/plain",
            "size_bytes": 1,
            "sha256": "0" * 64,
            "storage_key": key,
            "visibility": Visibility.INTERNAL,
            "uploaded_by_id": person,
            "organisation_id": case.provider_id,
            "uploaded_at": datetime.now(UTC),
        }
        await connection.execute(insert(File), row)


async def test_a_sweep_removes_what_no_row_names_and_was_left_long_ago(
    storage: Storage, incoming: Incoming, world: AsyncEngine
) -> None:
    named, orphan = await stored(storage, b"a"), await stored(storage, b"b")
    await _row_for(world, named)
    _, unfinished = incoming.new()
    assert await sweep(storage, incoming, world, datetime.now(UTC) - SOON) == 0
    assert await storage.exists(orphan)
    assert unfinished.exists()
    assert await sweep(storage, incoming, world, datetime.now(UTC) + SOON) == 2
    assert await storage.exists(named)
    assert not await storage.exists(orphan)
    assert not unfinished.exists()


async def test_what_a_day_has_passed_over_is_swept_once_a_day(
    local: Storage, incoming: Incoming, world: AsyncEngine
) -> None:
    sweep_now, now = Sweeper(local, incoming, world), datetime.now(UTC)
    orphan = await stored(local, b"a")
    assert await sweep_now(now + timedelta(hours=23)) == 0
    assert await sweep_now(now + timedelta(hours=46)) == 0
    assert await local.exists(orphan)
    assert await sweep_now(now + timedelta(hours=48)) == 1
    assert not await local.exists(orphan)


async def test_a_sweep_that_failed_is_made_up_for_at_once(
    local: Storage, incoming: Incoming, world: AsyncEngine
) -> None:
    await stored(local, b"a")
    (incoming.folder / "folder").mkdir()
    sweep_later, later = Sweeper(local, incoming, world), datetime.now(UTC) + timedelta(days=2)
    with pytest.raises(OSError, match="folder"):
        await sweep_later(later)
    (incoming.folder / "folder").rmdir()
    assert await sweep_later(later) == 1


async def test_a_sweep_goes_through_more_contents_than_one_question_asks_for(
    local: Storage, incoming: Incoming, world: AsyncEngine
) -> None:
    named = await stored(local, b"a")
    await _row_for(world, named)
    for _ in range(600):
        await stored(local, b"")
    assert await sweep(local, incoming, world, datetime.now(UTC) + SOON) == 600
    assert await keys(local, datetime.now(UTC) + SOON) == [named]

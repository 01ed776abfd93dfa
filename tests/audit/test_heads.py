"""When heads reach the disk, and what a power failure leaves. What is flushed is seen at `fsync` itself."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ascms.audit import AccessLog, Kind, Report
from ascms.audit.heads import head_files, heads_directory, read_head
from tests.audit.conftest import KEY, Tamper, World

Checked = Callable[[], Awaitable[Report]]


class Disk:
    """What each head file has on disk for certain, and how often it was flushed."""

    def __init__(self, directory: Path, loop: asyncio.AbstractEventLoop) -> None:
        self._directory = directory
        self._loop = loop
        self._fsync = os.fsync
        self.files: dict[Path, bytes] = {}
        self.flushes = 0
        self.flushed = asyncio.Event()

    def fsync(self, descriptor: int) -> None:
        """Flush, and remember what is there now."""
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        content = path.read_bytes() if path.suffix == ".head" else None
        self._fsync(descriptor)
        if content is not None:
            self.files[path] = content
            self.flushes += 1
            self._loop.call_soon_threadsafe(self.flushed.set)

    def fail(self) -> None:
        """The power fails: of the head files, what was not flushed is lost."""
        for path, content in self.files.items():
            path.write_bytes(content)


@pytest.fixture
async def disk(state: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk(state, asyncio.get_running_loop())
    monkeypatch.setattr(os, "fsync", disk.fsync)
    return disk


@pytest.fixture
def never_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ascms.audit.log.FLUSH_AFTER", 3600)


def sequence_of_head(state: Path) -> int:
    (chain,) = head_files(state)
    head = read_head(state, KEY, chain)
    assert head is not None
    return head.sequence


async def test_a_head_is_flushed_soon_after_the_last_entry(
    disk: Disk, log: AccessLog, world: World, state: Path
) -> None:
    for entries in (3, 5):
        for _ in range(entries):
            await log.append(world.record)
        while sequence_of_disk(disk, state) != sequence_of_head(state):
            disk.flushed.clear()
            await disk.flushed.wait()
    assert sequence_of_head(state) == 8


def sequence_of_disk(disk: Disk, state: Path) -> int:
    """The sequence that the head would have after a power failure."""
    (path,) = heads_directory(state).glob("*.head")
    now = path.read_bytes()
    path.write_bytes(disk.files[path])
    try:
        return sequence_of_head(state)
    finally:
        path.write_bytes(now)


@pytest.mark.usefixtures("never_by_itself")
async def test_entries_after_a_head_that_the_power_failure_left_behind_are_told(
    disk: Disk, log: AccessLog, world: World, state: Path, checked: Checked
) -> None:
    for _ in range(7):
        await log.append(world.record)
    assert sequence_of_head(state) == 7
    disk.fail()
    assert sequence_of_head(state) == 0
    report = await checked()
    assert report.ok, report
    (note,) = report.notes
    assert "7 entries after its head, and intact" in note


@pytest.mark.usefixtures("never_by_itself")
async def test_after_a_power_failure_entries_are_still_chained(
    disk: Disk, log: AccessLog, world: World, checked: Checked, tamper: Tamper
) -> None:
    for _ in range(7):
        await log.append(world.record)
    disk.fail()
    await tamper(
        "DELETE FROM access_log_entry WHERE sequence = 3",
        "UPDATE access_log_entry SET operation_name = 'Other' WHERE sequence = 6",
    )
    found = [(problem.kind, problem.sequence) for problem in (await checked()).problems]
    assert found == [(Kind.REMOVED, 3), (Kind.CHANGED, 6)]


@pytest.mark.usefixtures("never_by_itself")
async def test_closing_flushes(disk: Disk, log: AccessLog, world: World, state: Path, checked: Checked) -> None:
    await log.append(world.record)
    await log.append(world.record)
    await log.aclose()
    disk.fail()
    assert sequence_of_head(state) == 2
    assert (await checked()).notes == []


@pytest.mark.usefixtures("never_by_itself")
async def test_the_disk_is_never_further_behind_than_verification_accepts(
    disk: Disk, log: AccessLog, world: World, state: Path, checked: Checked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ascms.audit.log.MAXIMUM_BATCH", 5)
    monkeypatch.setattr("ascms.audit.verification.MAXIMUM_BATCH", 5)
    for entries in (1, 3, 4, 1, 5, 5, 2, 12):
        await asyncio.gather(*(log.append(world.record) for _ in range(entries)))
        assert sequence_of_head(state) - sequence_of_disk(disk, state) <= 5
    assert disk.flushes < 12
    disk.fail()
    report = await checked()
    assert report.ok, report


async def test_a_head_that_cannot_be_flushed_ends_its_chain(
    disk: Disk, log: AccessLog, world: World, checked: Checked, monkeypatch: pytest.MonkeyPatch, state: Path
) -> None:
    await log.append(world.record)
    failed = asyncio.Event()
    loop = asyncio.get_running_loop()

    def fail(descriptor: int) -> None:
        loop.call_soon_threadsafe(failed.set)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    await failed.wait()
    monkeypatch.setattr(os, "fsync", disk.fsync)
    while len(list(head_files(state))) == 1:
        await log.append(world.record)
    report = await checked()
    assert report.ok, report
    assert report.chains == 2

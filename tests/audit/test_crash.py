"""A process that is killed: every answer that left has its entry, and the log verifies as sound."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from ascms.audit import AccessLog, Report
from ascms.audit.heads import SLOT, Event, Head, HeadFile, append_to_index, heads_directory, prepare, read_head
from ascms.audit.records import genesis
from ascms.models import AccessLogEntry
from tests.audit.conftest import KEY, World

Checked = Callable[[], Awaitable[Report]]


async def test_killed_at_any_moment_the_log_is_sound(
    engine: AsyncEngine, database_url: str, state: Path, world: World, checked: Checked
) -> None:
    answered: list[str] = []
    arguments = [database_url, str(state), str(world.record.user_id), str(world.students[0])]
    for answers in (0, 1, 6, 23, 57):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.audit.appender", *arguments,
            stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        assert process.stdout is not None
        lines = [await process.stdout.readline() for _ in range(answers)]
        process.kill()
        lines += (await process.stdout.read()).splitlines(keepends=True)
        await process.wait()
        answered += [line.decode().strip() for line in lines if line.endswith(b"\n")]
        report = await checked()
        assert report.ok, report
    async with engine.connect() as connection:
        logged = list((await connection.execute(select(AccessLogEntry.operation_name))).scalars())
    assert len(answered) >= 87
    assert not [name for name in set(answered) if logged.count(name) < answered.count(name)]


async def test_a_commit_without_its_head_is_a_note(log: AccessLog, world: World, checked: Checked, state: Path) -> None:
    await log.append(world.record)
    (path,) = heads_directory(state).glob("*.head")
    before = path.read_bytes()
    await log.append(world.record)
    path.write_bytes(before)
    report = await checked()
    assert report.ok, report
    (note,) = report.notes
    assert note.startswith(f"{path.stem}: 1 entry after its head, and intact: the process or the power failed")


async def test_a_chain_that_never_had_an_entry_is_no_problem(
    log: AccessLog, world: World, checked: Checked, state: Path
) -> None:
    await log.append(world.record)
    HeadFile(state, KEY, "only-a-head-2026-05").close()
    HeadFile(state, KEY, "indexed-2026-05").close()
    append_to_index(state, KEY, Event.OPENED, "indexed-2026-05", Head(0, genesis(KEY, "indexed-2026-05")))
    (heads_directory(state) / "unfinished-2026-05.head").write_bytes(b"")
    report = await checked()
    assert report.ok, report
    assert len(report.notes) == 1


async def test_a_torn_line_of_the_index_is_written_over(
    log: AccessLog, world: World, checked: Checked, state: Path
) -> None:
    await log.append(world.record)
    with (heads_directory(state) / "index").open("ab") as index:
        index.write(b'[2,"2026-05-11T08:00:00+00')
    assert (await checked()).ok
    await log.aclose()
    report = await checked()
    assert report.ok, report


@pytest.mark.parametrize("torn", [0, 1])
def test_a_torn_slot_leaves_the_other(tmp_path: Path, torn: int) -> None:
    prepare(tmp_path)
    file = HeadFile(tmp_path, KEY, "chain")
    for sequence in (1, 2):
        file.write(Head(sequence, bytes(32)))
    file.close()
    tear(heads_directory(tmp_path) / "chain.head", torn)
    head = read_head(tmp_path, KEY, "chain")
    assert head is not None
    assert (head.sequence, head.torn) == (2 - torn, True)


async def test_a_torn_head_is_a_note(log: AccessLog, world: World, checked: Checked, state: Path) -> None:
    for _ in range(2):
        await log.append(world.record)
    (path,) = heads_directory(state).glob("*.head")
    tear(path, 1)
    report = await checked()
    assert report.ok, report
    assert any("one of the two slots of its head" in note for note in report.notes)


def tear(path: Path, slot: int) -> None:
    content = bytearray(path.read_bytes())
    content[slot * SLOT + 100 : slot * SLOT + 400] = bytes(300)
    path.write_bytes(content)

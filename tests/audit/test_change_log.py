"""The change log: whoever may do anything in the database, but has no key, is found out; a crash is not."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from ascms.audit import Change, ChangeLog, Kind, Report, verify
from ascms.audit.heads import Head, HeadFile, head_files, heads_directory
from ascms.database import writing
from tests.audit.conftest import KEY, MAY, Tamper, World

Checked = Callable[[], Awaitable[Report]]
Make = Callable[..., Awaitable[None]]

CHANGE = "UPDATE change_entry SET {} WHERE sequence = {}"
ENTRIES = 8

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what is about files, or about what only SQLite lets happen."""


def a_change(world: World, action: str = "addComment") -> Change:
    record = world.record
    return Change(
        MAY, action, record.user_id, record.organisation_id, ("WORKFLOW_LEAD", "CASE_MANAGER"), "Comment", 7,
        world.students[0],
    )  # fmt: skip


async def commit(engine: AsyncEngine, changes: ChangeLog, *entries: Change, head: bool = True) -> None:
    """One transaction with these entries; without its head, as a process leaves it that ends too early."""
    async with AsyncSession(writing(engine)) as session:
        async with session.begin():
            written = await changes.append(session, entries)
        if head:
            await changes.committed(written)


@pytest.fixture
async def changes(state: Path) -> AsyncIterator[ChangeLog]:
    changes = ChangeLog(KEY, state)
    yield changes
    await changes.aclose()


@pytest.fixture
async def written(changes: ChangeLog, engine: AsyncEngine, world: World, checked: Checked) -> ChangeLog:
    """Eight entries in four transactions."""
    for number in range(1, ENTRIES, 2):
        await commit(engine, changes, *(a_change(world, f"action{n}") for n in (number, number + 1)))
    report = await checked()
    assert (report.ok, report.changes, report.chains) == (True, ENTRIES, 0)
    return changes


def found(report: Report) -> list[tuple[Kind, int | None, int | None]]:
    return [(problem.kind, problem.sequence, problem.last) for problem in report.problems]


# Tampering ---------------------------------------------------------------------------------------------------


async def test_a_changed_column_is_found(
    changes: ChangeLog, engine: AsyncEngine, world: World, checked: Checked, tamper: Tamper
) -> None:
    columns = [
        "occurred_at = '2026-05-11 08:00:00.000001'",
        "action = 'editComment'",
        "user_id = user_id + 1",
        "user_id = NULL",
        "organisation_id = organisation_id + 1",
        "roles = '[\"WORKFLOW_LEAD\"]'",
        "roles = '[]'",
        "subject_type = 'Case'",
        "subject_id = 8",
        "subject_id = NULL",
        "student_id = student_id + 1",
        "student_id = NULL",
        "mac = (SELECT mac FROM change_entry WHERE sequence = 1)",
    ]
    await commit(engine, changes, *[a_change(world)] * (2 * len(columns) + 1))
    await tamper(*(CHANGE.format(change, 2 * number) for number, change in enumerate(columns, start=1)))
    assert found(await checked()) == [(Kind.CHANGED, 2 * number, None) for number in range(1, len(columns) + 1)]


async def test_a_removed_entry_is_found(written: ChangeLog, checked: Checked, tamper: Tamper) -> None:
    await tamper("DELETE FROM change_entry WHERE sequence IN (3, 4)")
    report = await checked()
    assert found(report) == [(Kind.REMOVED, 3, 4)]
    assert "changes, entries 3 to 4: removed" in report.render()


async def test_the_first_entries_removed_are_found(written: ChangeLog, checked: Checked, tamper: Tamper) -> None:
    await tamper("DELETE FROM change_entry WHERE sequence < 3")
    assert found(await checked()) == [(Kind.REMOVED, 1, 2)]


async def test_removal_is_not_hidden_by_closing_ranks(written: ChangeLog, checked: Checked, tamper: Tamper) -> None:
    later = (f"UPDATE change_entry SET sequence = {n - 1} WHERE sequence = {n}" for n in range(4, ENTRIES + 1))
    await tamper("DELETE FROM change_entry WHERE sequence = 3", *later)
    report = await checked()
    assert (Kind.CUT_OFF, ENTRIES, ENTRIES) in found(report)
    assert any(problem.kind is Kind.CHANGED and problem.concerns(3) for problem in report.problems)


@pytest.mark.parametrize("first", [1, 2, 7, 8])
async def test_entries_cut_off_are_found(written: ChangeLog, checked: Checked, tamper: Tamper, first: int) -> None:
    await tamper(f"DELETE FROM change_entry WHERE sequence >= {first}")
    assert found(await checked()) == [(Kind.CUT_OFF, first, ENTRIES)]


async def test_cutting_off_is_found_though_work_goes_on(
    written: ChangeLog, engine: AsyncEngine, world: World, state: Path, checked: Checked, tamper: Tamper
) -> None:
    await tamper("DELETE FROM change_entry WHERE sequence >= 6")
    await commit(engine, written, a_change(world))
    assert found(await checked()) == [(Kind.CUT_OFF, 7, ENTRIES)]
    another = ChangeLog(KEY, state)
    for _ in range(4):
        await commit(engine, another, a_change(world))
    await another.aclose()
    report = await checked()
    assert found(report) == [(Kind.CHANGED, ENTRIES, None)]
    assert "not the entry that a head names" in report.render()


async def test_entries_put_in_without_the_key_are_found(written: ChangeLog, checked: Checked, tamper: Tamper) -> None:
    columns = "{}, occurred_at, action, user_id, organisation_id, roles, subject_type, subject_id, student_id, mac"
    copied = (
        f"INSERT INTO change_entry ({columns.format('sequence')}) SELECT {columns} FROM change_entry WHERE sequence = 3"
    )
    await tamper(copied.format(ENTRIES + 1))
    assert found(await checked()) == [(Kind.CHANGED, ENTRIES + 1, None)]
    await tamper(f"DELETE FROM change_entry WHERE sequence = {ENTRIES + 1}", copied.format(0))
    assert found(await checked()) == [(Kind.CHANGED, None, None)]


async def test_swapped_entries_are_found(written: ChangeLog, checked: Checked, tamper: Tamper) -> None:
    await tamper(*(CHANGE.format(f"sequence = {to}", of) for of, to in ((2, 99), (5, 2), (99, 5))))
    report = await checked()
    for sequence in (2, 5):
        assert any(problem.kind is Kind.CHANGED and problem.concerns(sequence) for problem in report.problems)


async def test_the_heads_gone_are_found(written: ChangeLog, checked: Checked, tamper: Tamper, state: Path) -> None:
    for path in heads_directory(state).iterdir():
        path.unlink()
    report = await checked()
    assert found(report) == [(Kind.HEAD_MISSING, None, None)]


async def test_one_head_gone_is_found(written: ChangeLog, checked: Checked, tamper: Tamper, state: Path) -> None:
    (name,) = head_files(state)
    (heads_directory(state) / f"{name}.head").unlink()
    await tamper(f"DELETE FROM change_entry WHERE sequence = {ENTRIES}")
    report = await checked()
    assert [(problem.kind, problem.chain) for problem in report.problems] == [(Kind.HEAD_MISSING, name)]


async def test_after_an_orderly_end_the_index_knows_where_that_was(
    written: ChangeLog, checked: Checked, tamper: Tamper, state: Path
) -> None:
    await written.aclose()
    assert (await checked()).ok
    (name,) = head_files(state)
    (heads_directory(state) / f"{name}.head").unlink()
    await tamper(f"DELETE FROM change_entry WHERE sequence = {ENTRIES}")
    assert found(await checked()) == [(Kind.HEAD_MISSING, None, None), (Kind.CUT_OFF, ENTRIES, ENTRIES)]


@on_sqlite
async def test_what_cannot_be_read_is_found_and_the_rest_is_still_checked(
    changes: ChangeLog, engine: AsyncEngine, world: World, checked: Checked, tamper: Tamper
) -> None:
    columns = [
        "occurred_at = 'yesterday'", "roles = 'not JSON'", "roles = '7'", "action = x'ff'", "mac = 'text'", "mac = 7",
        "user_id = 'me'", "subject_id = 'x'",
    ]  # fmt: skip
    await commit(engine, changes, *[a_change(world)] * (3 * len(columns)))
    await tamper(
        *(CHANGE.format(change, 3 * number - 2) for number, change in enumerate(columns, start=1)),
        CHANGE.format("action = 'other'", 3 * len(columns)),
    )
    report = await checked()
    changed = [sequence for kind, sequence, _ in found(report) if kind is Kind.CHANGED]
    assert changed == [*range(1, 3 * len(columns), 3), 3 * len(columns)]


@on_sqlite
async def test_another_key_fits_nothing_and_says_so(written: ChangeLog, engine: AsyncEngine, state: Path) -> None:
    report = await verify(engine, b"another key, which wrote nothing here", state)
    assert not report.ok
    assert "is it the one that the log was written with?" in report.render()


# What is no sign of anything ---------------------------------------------------------------------------------


async def test_a_commit_without_its_head_is_a_note(
    written: ChangeLog, engine: AsyncEngine, world: World, checked: Checked
) -> None:
    await commit(engine, written, a_change(world), a_change(world), head=False)
    report = await checked()
    assert report.ok, report
    assert report.notes == [
        "changes: 2 at its end that no head names: the process ended before it wrote the head, or is about to"
    ]


async def test_a_change_that_was_rolled_back_leaves_no_gap(
    written: ChangeLog, engine: AsyncEngine, world: World, checked: Checked
) -> None:
    async with AsyncSession(writing(engine)) as session:
        await written.append(session, [a_change(world)])
        await session.rollback()
    await commit(engine, written, a_change(world))
    report = await checked()
    assert (report.ok, report.changes) == (True, ENTRIES + 1)


async def test_a_log_that_is_being_written_is_sound(
    written: ChangeLog, engine: AsyncEngine, world: World, checked: Checked
) -> None:
    async def write() -> None:
        for _ in range(25):
            await commit(engine, written, a_change(world))

    writing = [asyncio.create_task(write()) for _ in range(2)]
    reports = [await checked()]
    while not all(task.done() for task in writing):
        reports.append(await checked())
    await asyncio.gather(*writing)
    assert [report.problems for report in reports] == [[]] * len(reports)
    assert (await checked()).changes == ENTRIES + 50


async def test_a_writer_that_ended_while_it_began_is_no_problem(
    written: ChangeLog, checked: Checked, state: Path
) -> None:
    HeadFile(state, KEY, "changes-not-in-the-index").close()
    (heads_directory(state) / "changes-unfinished.head").write_bytes(b"")
    report = await checked()
    assert report.ok, report
    assert len(report.notes) == 1


async def test_several_writers_at_once_make_one_sound_chain(
    engine: AsyncEngine, world: World, state: Path, checked: Checked
) -> None:
    writers = [ChangeLog(KEY, state) for _ in range(3)]
    await asyncio.gather(*(commit(engine, writers[n % 3], a_change(world), a_change(world)) for n in range(24)))
    for writer in writers:
        await writer.aclose()
    report = await checked()
    assert (report.ok, report.changes, report.notes) == (True, 48, [])
    assert len(list(head_files(state))) == 3


async def test_a_writer_that_changes_nothing_leaves_no_file(engine: AsyncEngine, state: Path, checked: Checked) -> None:
    idle = ChangeLog(KEY, state)
    await commit(engine, idle)
    await idle.aclose()
    assert list(head_files(state)) == []
    assert (await checked()).ok


# Heads -------------------------------------------------------------------------------------------------------


async def test_an_older_head_never_takes_the_place_of_a_newer_one(
    written: ChangeLog, checked: Checked, tamper: Tamper
) -> None:
    await written.committed(Head(2, bytes(32)))
    assert (await checked()).ok
    await tamper(f"DELETE FROM change_entry WHERE sequence = {ENTRIES}")
    assert found(await checked()) == [(Kind.CUT_OFF, ENTRIES, ENTRIES)]


async def test_a_head_that_cannot_be_written_is_told_and_the_next_change_begins_a_new_file(
    written: ChangeLog, engine: AsyncEngine, world: World, state: Path, checked: Checked,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched, caplog.at_level(logging.ERROR, "ascms.audit"):
        patched.setattr("os.pwrite", full)
        await commit(engine, written, a_change(world))
        assert "the head of the change log could not be written" in caplog.text
        with pytest.raises(OSError, match="No space left"):
            await commit(engine, written, a_change(world))
    assert (await checked()).changes == ENTRIES + 1
    await commit(engine, written, a_change(world))
    report = await checked()
    assert (report.ok, report.changes, report.notes) == (True, ENTRIES + 2, [])
    assert len(list(head_files(state))) == 2


async def test_the_key_is_needed_to_move_a_head_back(
    written: ChangeLog, checked: Checked, tamper: Tamper, state: Path
) -> None:
    (name,) = head_files(state)
    path = heads_directory(state) / f"{name}.head"
    forged = path.read_bytes()
    for sequence in (6, 8):
        forged = forged.replace(f'"sequence":{sequence}'.encode(), b'"sequence":4')
    path.write_bytes(forged)
    await tamper("DELETE FROM change_entry WHERE sequence > 4")
    assert [kind for kind, _, _ in found(await checked())] == [Kind.HEAD_CHANGED]

"""Whoever may do anything in the database, and anything to the files, but has no key: what they did is named."""

import asyncio
import re
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ascms.audit import AccessLog, Kind, Report, verify
from ascms.audit.heads import head_files, heads_directory
from ascms.database import engine_for
from tests.audit.conftest import KEY, Tamper, World

Checked = Callable[[], Awaitable[Report]]

ENTRIES = 8
ENTRY = "(SELECT id FROM access_log_entry WHERE sequence = {} AND chain_id = 1)"
THIRD = ENTRY.format(3)
CHANGE = "UPDATE access_log_entry SET {} WHERE sequence = {} AND chain_id = 1"
FIRST, LAST = "(SELECT min(id) FROM student)", "(SELECT max(id) FROM student)"

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what is about files, or about what only SQLite lets happen."""


async def write(log: AccessLog, world: World, entries: int) -> None:
    await asyncio.gather(*(log.append(world.changed(operation_name=f"Operation{n}")) for n in range(1, entries + 1)))


@pytest.fixture
async def written(log: AccessLog, world: World, checked: Checked, engine: AsyncEngine, state: Path) -> AccessLog:
    """Eight entries in the first chain, by different operations; two in a second, of another writer."""
    await write(log, world, ENTRIES)
    other = AccessLog(engine, KEY, state)
    for _ in range(2):
        await other.append(world.changed(disclosed=("Student.nsn",), students=world.students[:1]))
    await other.aclose()
    report = await checked()
    assert (report.ok, report.chains, report.entries) == (True, 2, ENTRIES + 2)
    return log


def found(report: Report) -> list[tuple[Kind, int | None, int | None]]:
    return [(problem.kind, problem.sequence, problem.last) for problem in report.problems]


async def test_a_changed_column_is_found(log: AccessLog, world: World, checked: Checked, tamper: Tamper) -> None:
    changes = [
        "occurred_at = '2026-05-11 08:00:00.000001'",
        "user_id = user_id + 1",
        "organisation_id = organisation_id + 1",
        "organisation_id = NULL",
        "roles = '[\"PRIVACY_OFFICER\"]'",
        "roles = '[]'",
        "operation_name = 'Innocent'",
        "operation_name = NULL",
        f"operation_hash = '{'cd' * 32}'",
        "fingerprint = (SELECT fingerprint FROM access_log_entry WHERE sequence = 1)",
        "mac = (SELECT mac FROM access_log_entry WHERE sequence = 1)",
    ]
    await log.append(world.changed(disclosed=("Student.nsn",)))
    await write(log, world, 2 * len(changes))
    await tamper(*(CHANGE.format(change, 2 * number) for number, change in enumerate(changes, start=1)))
    assert found(await checked()) == [(Kind.CHANGED, 2 * number, None) for number in range(1, len(changes) + 1)]


async def test_a_changed_set_of_students_is_found(
    log: AccessLog, world: World, checked: Checked, tamper: Tamper
) -> None:
    first, second, third = world.students
    sets = [(first, second), (second,), (third, second), (first,), (third,), (first, third), (first, second)]
    await asyncio.gather(*(log.append(world.changed(students=students)) for students in sets))
    of = "(SELECT student_set_id FROM access_log_entry WHERE sequence = {})"
    await tamper(
        f"DELETE FROM access_log_student WHERE set_id = {of.format(1)} AND student_id = {first}",
        f"DELETE FROM access_log_student WHERE set_id = {of.format(2)}",
        f"INSERT INTO access_log_student (set_id, student_id) SELECT {of.format(4)}, {third}",
        f"UPDATE access_log_student SET student_id = {second} WHERE set_id = {of.format(5)}",
        f"UPDATE access_log_entry SET student_set_id = {of.format(3)} WHERE sequence = 6",
    )
    assert found(await checked()) == [(Kind.CHANGED, 1, 2), (Kind.CHANGED, 4, 7)]


async def test_a_changed_set_is_found_at_the_entries_of_all_who_name_it(
    log: AccessLog, engine: AsyncEngine, world: World, checked: Checked, tamper: Tamper, state: Path
) -> None:
    await log.append(world.changed(students=world.students[:1]))
    await log.append(world.changed(students=world.students[1:]))
    await log.aclose()
    await tamper("DELETE FROM access_log_student WHERE set_id = 2 AND student_id = " + LAST)
    another = AccessLog(engine, KEY, state)
    await another.append(world.changed(students=world.students[1:]))
    await another.aclose()
    assert found(await checked()) == [(Kind.CHANGED, 2, None), (Kind.CHANGED, 1, None)]


async def test_a_removed_entry_is_found(written: AccessLog, checked: Checked, tamper: Tamper) -> None:
    await tamper("DELETE FROM access_log_entry WHERE id = " + THIRD)
    assert found(await checked()) == [(Kind.REMOVED, 3, 3)]


async def test_removal_is_not_hidden_by_closing_ranks(written: AccessLog, checked: Checked, tamper: Tamper) -> None:
    await tamper(
        "DELETE FROM access_log_entry WHERE id = " + THIRD,
        *(f"UPDATE access_log_entry SET sequence = {n - 1} WHERE sequence = {n} AND chain_id = 1" for n in range(4, 9)),
    )
    report = await checked()
    assert (Kind.CUT_OFF, 8, 8) in found(report)
    assert any(problem.kind is Kind.CHANGED and problem.concerns(3) for problem in report.problems)


async def test_an_entry_moved_away_is_found(written: AccessLog, checked: Checked, tamper: Tamper) -> None:
    await tamper(CHANGE.format("sequence = 11", 3))
    assert {(Kind.REMOVED, 3, 3), (Kind.REMOVED, 9, 10)} <= set(found(await checked()))
    await tamper("UPDATE access_log_entry SET sequence = 3, chain_id = 2 WHERE sequence = 11")
    assert found(await checked()) == [(Kind.REMOVED, 3, 3), (Kind.CHANGED, 3, None)]


async def test_entries_cut_off_are_found(written: AccessLog, checked: Checked, tamper: Tamper) -> None:
    await tamper("DELETE FROM access_log_entry WHERE chain_id = 1 AND sequence >= 7")
    assert found(await checked()) == [(Kind.CUT_OFF, 7, 8)]


@pytest.mark.parametrize("row", ["", "DELETE FROM access_log_chain WHERE id = 1"])
async def test_a_removed_chain_is_found(written: AccessLog, checked: Checked, tamper: Tamper, row: str) -> None:
    await tamper("DELETE FROM access_log_entry WHERE chain_id = 1", *([row] if row else []))
    assert found(await checked()) == [(Kind.CHAIN_MISSING, 1, 8)]


async def test_entries_without_their_chain_are_found(written: AccessLog, checked: Checked, tamper: Tamper) -> None:
    await tamper("DELETE FROM access_log_chain WHERE id = 1")
    report = await checked()
    assert found(report) == [(Kind.CHAIN_MISSING, 1, 8), (Kind.CHAIN_MISSING, None, None)]
    assert "8 entries belong to a chain that is not there" in report.render()


async def test_a_renamed_chain_is_found(written: AccessLog, checked: Checked, tamper: Tamper) -> None:
    await tamper("UPDATE access_log_chain SET name = '20260101T000000Z-00000000-2026-01' WHERE id = 1")
    report = await checked()
    assert {kind for kind, _, _ in found(report)} == {
        Kind.INDEX_CHANGED, Kind.HEAD_MISSING, Kind.CHANGED, Kind.CHAIN_MISSING
    }  # fmt: skip
    assert (Kind.CHANGED, 1, 8) in found(report)


async def test_swapped_entries_are_found(written: AccessLog, checked: Checked, tamper: Tamper) -> None:
    await tamper(
        *(
            f"UPDATE access_log_entry SET sequence = {to} WHERE sequence = {of} AND chain_id = 1"
            for of, to in ((2, 99), (5, 2), (99, 5))
        )
    )
    report = await checked()
    for sequence in (2, 5):
        assert any(problem.kind is Kind.CHANGED and problem.concerns(sequence) for problem in report.problems)


async def test_an_entry_added_without_the_key_is_found(written: AccessLog, checked: Checked, tamper: Tamper) -> None:
    columns = (
        "chain_id, {}, occurred_at, user_id, organisation_id, roles, operation_name, operation_hash, fingerprint, "
        "student_set_id, mac"
    )
    into = columns.format("sequence")
    added = f"INSERT INTO access_log_entry ({into}) SELECT {columns} FROM access_log_entry WHERE id = {THIRD}"
    await tamper(added.format("9"))
    assert (Kind.CHANGED, 9, None) in found(await checked())
    await tamper("DELETE FROM access_log_entry WHERE chain_id = 1 AND sequence = 9", added.format("0"))
    assert found(await checked()) == [(Kind.CHANGED, None, None)]


async def test_a_changed_disclosure_is_found(log: AccessLog, world: World, checked: Checked, tamper: Tamper) -> None:
    changes = ["disclosed = '[\"School.name\"]'", "redacted = '[]'", "disclosed = 'null'", "disclosed = '[1]'"]
    for number in range(len(changes) + 1):
        await log.append(world.changed(disclosed=(f"Student.field{number}",)))
    named = "(SELECT fingerprint FROM access_log_entry WHERE sequence = {})"
    await tamper(
        *(
            f"UPDATE disclosure SET {change} WHERE fingerprint = {named.format(number)}"
            for number, change in enumerate(changes, start=1)
        )
    )
    assert found(await checked()) == [(Kind.DISCLOSURE_CHANGED, None, None)] * len(changes)


async def test_a_removed_disclosure_is_found_at_its_entries(
    written: AccessLog, checked: Checked, tamper: Tamper
) -> None:
    await tamper("DELETE FROM disclosure WHERE fingerprint = (SELECT fingerprint FROM access_log_entry WHERE id = 1)")
    assert found(await checked()) == [(Kind.DISCLOSURE_CHANGED, 1, 8)]


@on_sqlite
async def test_a_removed_head_is_found(written: AccessLog, checked: Checked, state: Path) -> None:
    first = next(head_files(state))
    (heads_directory(state) / f"{first}.head").unlink()
    report = await checked()
    assert [(problem.kind, problem.chain) for problem in report.problems] == [(Kind.HEAD_MISSING, first)]


async def test_a_chain_removed_together_with_its_head_is_found(
    written: AccessLog, checked: Checked, tamper: Tamper, state: Path
) -> None:
    await tamper("DELETE FROM access_log_entry", "DELETE FROM access_log_chain")
    for path in heads_directory(state).glob("*.head"):
        path.unlink()
    report = await checked()
    assert [kind for kind, _, _ in found(report)].count(Kind.HEAD_MISSING) == 2
    # The second chain was closed, so the index knows how long it was.
    assert (Kind.CHAIN_MISSING, 1, 2) in found(report)


async def test_a_head_cannot_be_written_without_the_key(
    log: AccessLog, world: World, checked: Checked, tamper: Tamper, state: Path
) -> None:
    for _ in range(6):
        await log.append(world.record)
    (path,) = heads_directory(state).glob("*.head")
    forged = re.sub(rb'"sequence":\d', b'"sequence":4', path.read_bytes())
    path.write_bytes(forged)
    await tamper("DELETE FROM access_log_entry WHERE sequence > 4")
    assert [kind for kind, _, _ in found(await checked())] == [Kind.HEAD_CHANGED]


async def test_an_earlier_head_of_a_closed_chain_is_found(
    log: AccessLog, world: World, checked: Checked, tamper: Tamper, state: Path
) -> None:
    await log.append(world.record)
    (path,) = heads_directory(state).glob("*.head")
    earlier = path.read_bytes()
    await log.append(world.record)
    await log.aclose()
    path.write_bytes(earlier)
    await tamper("DELETE FROM access_log_entry WHERE sequence = 2")
    assert found(await checked()) == [(Kind.HEAD_CHANGED, None, None), (Kind.CUT_OFF, 2, 2)]


@on_sqlite
async def test_a_head_that_is_too_far_behind_is_found(
    log: AccessLog, world: World, checked: Checked, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ascms.audit.verification.MAXIMUM_BATCH", 3)
    await log.append(world.record)
    (path,) = heads_directory(state).glob("*.head")
    earlier = path.read_bytes()
    for _ in range(4):
        await log.append(world.record)
    path.write_bytes(earlier)
    assert found(await checked()) == [(Kind.HEAD_CHANGED, None, None)]


@on_sqlite
@pytest.mark.parametrize("removed", [0, 1])
async def test_a_line_taken_from_the_index_is_found(
    written: AccessLog, checked: Checked, state: Path, removed: int
) -> None:
    index = heads_directory(state) / "index"
    lines = index.read_bytes().splitlines(keepends=True)
    index.write_bytes(b"".join(line for number, line in enumerate(lines) if number != removed))
    assert Kind.INDEX_CHANGED in {kind for kind, _, _ in found(await checked())}


@on_sqlite
@pytest.mark.parametrize("content", [None, b"", b"what is this\n", b'[1,"2026","opened","x",0,"zz","00"]\n'])
async def test_another_index_is_found(written: AccessLog, checked: Checked, state: Path, content: bytes | None) -> None:
    index = heads_directory(state) / "index"
    index.unlink()
    if content is not None:
        index.write_bytes(content)
    report = await checked()
    assert [kind for kind, _, _ in found(report)].count(Kind.INDEX_CHANGED) >= 2


@on_sqlite
async def test_the_whole_directory_gone_is_found(written: AccessLog, checked: Checked, state: Path) -> None:
    await written.aclose()
    shutil.rmtree(state)
    assert [kind for kind, _, _ in found(await checked())].count(Kind.HEAD_MISSING) == 2


@on_sqlite
async def test_another_key_fits_nothing_and_says_so(written: AccessLog, engine: AsyncEngine, state: Path) -> None:
    report = await verify(engine, b"another key, which wrote nothing here", state)
    assert not report.ok
    assert "is it the one that the log was written with?" in report.render()


async def test_a_wholly_changed_chain_is_one_line(written: AccessLog, checked: Checked, tamper: Tamper) -> None:
    await tamper("UPDATE access_log_entry SET operation_name = 'Same' WHERE chain_id = 1")
    report = await checked()
    assert found(report) == [(Kind.CHANGED, 1, 8)]
    assert "entries 1 to 8: " in report.render()


@on_sqlite
async def test_what_cannot_be_read_is_found_and_the_rest_is_still_checked(
    log: AccessLog, world: World, checked: Checked, tamper: Tamper
) -> None:
    changes = [
        "occurred_at = 'yesterday'",
        "roles = 'not JSON'",
        "operation_name = x'ff'",
        "operation_name = CAST(x'ff' AS TEXT)",
        "operation_hash = 1.5",
        "fingerprint = 'text'",
        "mac = 'text'",
        "mac = 7",
        "user_id = 'me'",
    ]
    await write(log, world, 3 * len(changes))
    await tamper(
        *(CHANGE.format(change, 3 * number - 2) for number, change in enumerate(changes, start=1)),
        CHANGE.format("operation_name = 'Innocent'", 3 * len(changes)),
    )
    report = await checked()
    changed = [sequence for kind, sequence, _ in found(report) if kind is Kind.CHANGED]
    assert changed == [*range(1, 3 * len(changes), 3), 3 * len(changes)]
    assert report.entries == 3 * len(changes)


@on_sqlite
async def test_a_sequence_that_is_no_number_is_found(written: AccessLog, checked: Checked, tamper: Tamper) -> None:
    await tamper(CHANGE.format("sequence = 'three'", 3))
    assert found(await checked()) == [(Kind.REMOVED, 3, 3), (Kind.CHANGED, None, None)]


@on_sqlite
async def test_an_earlier_copy_of_the_database_is_found(
    engine: AsyncEngine, database_url: str, state: Path, world: World, tmp_path: Path
) -> None:
    database = Path(database_url.partition(":///")[2])
    log = AccessLog(engine, KEY, state)
    await log.append(world.record)
    await log.append(world.record)
    await log.aclose()
    await engine.dispose()
    copy = shutil.copyfile(database, tmp_path / "earlier.sqlite3")
    log = AccessLog(engine, KEY, state)
    await log.append(world.record)
    await log.aclose()
    await engine.dispose()
    restored = engine_for(copy)
    report = await verify(restored, KEY, state)
    await restored.dispose()
    assert found(report) == [(Kind.CHAIN_MISSING, 1, 1)]

"""Writing: what `append` promises to those who wait for it."""

import asyncio
import dataclasses
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from ascms.audit import AccessLog, Kind, NotLoggedError, Report
from ascms.audit.heads import head_files, read_head
from ascms.audit.records import Content, entry_mac, fingerprint, spelt, students_json
from ascms.models import AccessLogChain, AccessLogEntry, AccessLogStudent, AccessLogStudentSet, Disclosure
from tests.audit.conftest import KEY, MAY, Tamper, World

Checked = Callable[[], Awaitable[Report]]


async def test_an_entry_says_who_saw_what_of_whom(log: AccessLog, engine: AsyncEngine, world: World) -> None:
    await log.append(world.record)
    async with engine.connect() as connection:
        entry = (await connection.execute(select(AccessLogEntry.__table__))).one()
        disclosure = (await connection.execute(select(Disclosure.__table__))).one()
        students = (await connection.execute(select(AccessLogStudent.student_id))).scalars().all()
    assert (entry.sequence, entry.occurred_at, entry.user_id) == (1, MAY, world.record.user_id)
    assert (entry.organisation_id, entry.roles) == (world.record.organisation_id, ["ATTENDANCE_LEAD"])
    assert (entry.operation_name, entry.operation_hash) == ("CaseView", "ab" * 32)
    assert entry.fingerprint == disclosure.fingerprint
    assert disclosure.disclosed == ["Student.fullName", "Student.yearLevel"]
    assert disclosure.redacted == ["Student.ethnicities"]
    assert sorted(students) == sorted(world.record.students)


async def test_an_entry_costs_a_couple_of_hundred_bytes(log: AccessLog, engine: AsyncEngine, world: World) -> None:
    size = (
        "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
        if engine.dialect.name == "sqlite"
        else "SELECT pg_total_relation_size('access_log_entry')"
    )

    async def measured() -> int:
        async with engine.connect() as connection:
            return int((await connection.execute(text(size))).scalar_one())

    before = await measured()
    await asyncio.gather(*(log.append(world.changed(students=())) for _ in range(4_000)))
    assert (await measured() - before) / 4_000 < 350


async def test_two_hundred_at_once_are_all_chained(log: AccessLog, world: World, checked: Checked) -> None:
    await asyncio.gather(*(log.append(world.changed(operation_name=f"Q{n}")) for n in range(200)))
    report = await checked()
    assert report.ok, report
    assert (report.chains, report.entries, report.disclosures) == (1, 200, 1)
    assert report.notes == []


async def test_the_head_is_on_disk_when_append_returns(log: AccessLog, world: World, state: Path) -> None:
    for sequence in (1, 2, 3):
        await log.append(world.record)
        (chain,) = head_files(state)
        head = read_head(state, KEY, chain)
        assert head is not None
        assert head.sequence == sequence


async def test_a_new_month_begins_a_new_chain(
    log: AccessLog, engine: AsyncEngine, world: World, checked: Checked
) -> None:
    last = datetime(2026, 5, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    first = last + timedelta(microseconds=1)
    await asyncio.gather(*(log.append(world.changed(occurred_at=at)) for at in (last, last, first, last, first)))
    async with engine.connect() as connection:
        lengths = (
            select(AccessLogChain.name, func.count())
            .join(AccessLogEntry, AccessLogEntry.chain_id == AccessLogChain.id)
            .group_by(AccessLogChain.name)
            .order_by(AccessLogChain.name)
        )
        found = [(name[-7:], number) for name, number in await connection.execute(lengths)]
    # The straggler of May goes where June has begun.
    assert found == [("2026-05", 2), ("2026-06", 3)]
    assert (await checked()).ok


async def test_the_month_is_that_of_utc(log: AccessLog, engine: AsyncEngine, world: World, checked: Checked) -> None:
    in_auckland = datetime(2026, 6, 1, 9, 0, tzinfo=timezone(timedelta(hours=12)))
    await log.append(world.changed(occurred_at=in_auckland))
    async with engine.connect() as connection:
        assert (await connection.execute(select(AccessLogChain.name))).scalar_one().endswith("-2026-05")
    assert (await checked()).ok


async def test_two_writers_at_once_make_two_chains(
    engine: AsyncEngine, state: Path, world: World, checked: Checked
) -> None:
    logs = [AccessLog(engine, KEY, state) for _ in range(2)]
    records = [world.changed(disclosed=(f"Student.field{n % 7}",)) for n in range(60)]
    await asyncio.gather(*(log.append(record) for record in records for log in logs))
    for log in logs:
        await log.aclose()
    report = await checked()
    assert report.ok, report
    assert (report.chains, report.entries, report.disclosures) == (2, 120, 7)


async def test_a_live_log_verifies_at_any_moment(log: AccessLog, world: World, checked: Checked) -> None:
    async def work() -> None:
        for _ in range(40):
            await asyncio.gather(*(log.append(world.record) for _ in range(5)))

    working = asyncio.create_task(work())
    while not working.done():
        report = await checked()
        assert report.ok, report
        await asyncio.sleep(0)
    await working
    assert (await checked()).entries == 200


async def test_a_record_that_cannot_be_written_fails_alone(log: AccessLog, world: World, checked: Checked) -> None:
    nobody = world.changed(students=(999_999,))
    outcomes = await asyncio.gather(
        *(log.append(record) for record in (world.record, nobody, world.record)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [type(None), NotLoggedError, type(None)]
    report = await checked()
    assert report.ok, report
    assert report.entries == 2


async def test_a_disclosure_that_went_missing_is_stored_again(
    log: AccessLog, world: World, checked: Checked, tamper: Tamper
) -> None:
    await log.append(world.record)
    await tamper("DELETE FROM disclosure")
    await log.append(world.record)
    assert (await checked()).ok


async def test_without_its_head_an_answer_does_not_leave(engine: AsyncEngine, tmp_path: Path, world: World) -> None:
    occupied = tmp_path / "occupied"
    occupied.write_text("no directory can be made here")
    log = AccessLog(engine, KEY, occupied)
    with pytest.raises(NotLoggedError):
        await log.append(world.record)
    async with engine.connect() as connection:
        assert (await connection.execute(select(func.count()).select_from(AccessLogEntry))).scalar_one() == 0
    occupied.unlink()
    await log.append(world.record)
    await log.aclose()


async def test_who_stops_waiting_holds_nobody_up(log: AccessLog, world: World, checked: Checked) -> None:
    impatient = asyncio.create_task(log.append(world.record))
    patient = asyncio.create_task(log.append(world.record))
    await asyncio.sleep(0)
    impatient.cancel()
    await patient
    report = await checked()
    assert report.ok, report
    assert report.entries == 2


async def test_closing_writes_what_waits_and_refuses_what_comes_later(
    log: AccessLog, world: World, checked: Checked
) -> None:
    waiting = asyncio.create_task(log.append(world.record))
    await asyncio.sleep(0)
    await log.aclose()
    await waiting
    assert (await checked()).entries == 1
    with pytest.raises(NotLoggedError, match="closed"):
        await log.append(world.record)
    await log.aclose()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_another_writer_of_the_file_is_waited_for(
    log: AccessLog, database_url: str, world: World, checked: Checked
) -> None:
    other = sqlite3.connect(database_url.partition(":///")[2], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(log.append(world.record))
    done, _ = await asyncio.wait([waiting], timeout=0.3)
    assert not done
    other.execute("COMMIT")
    other.close()
    await waiting
    assert (await checked()).entries == 1


def test_order_and_repetition_make_no_difference(world: World) -> None:
    first, second, third = world.students
    record = world.changed(students=(third, first, second, first), roles=("B", "A", "B"))
    assert record.students == tuple(sorted(world.students))
    assert record.roles == ("A", "B")


def test_a_record_needs_an_instant_and_a_hash(world: World) -> None:
    with pytest.raises(ValueError, match="timezone"):
        world.changed(occurred_at=datetime(2026, 5, 11))  # noqa: DTZ001 - what is refused
    with pytest.raises(ValueError, match="SHA-256"):
        world.changed(operation_hash="query { viewer }")
    with pytest.raises(dataclasses.FrozenInstanceError):
        world.record.user_id = 2  # type: ignore[misc]


async def test_after_what_may_be_there_or_not_a_new_chain_begins(
    log: AccessLog, engine: AsyncEngine, world: World, checked: Checked, tamper: Tamper
) -> None:
    await log.append(world.record)
    await tamper("ALTER TABLE access_log_entry RENAME TO elsewhere")
    with pytest.raises(NotLoggedError):
        await log.append(world.record)
    await tamper("ALTER TABLE elsewhere RENAME TO access_log_entry")
    await log.append(world.record)
    report = await checked()
    assert report.ok, report
    assert (report.chains, report.entries) == (2, 2)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_where_another_writer_takes_too_long_the_chain_goes_on(
    log: AccessLog, database_url: str, world: World, checked: Checked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ascms.audit.store.BUSY_TIMEOUT", 1)
    await log.append(world.record)
    other = sqlite3.connect(database_url.partition(":///")[2], isolation_level=None)
    for students in (world.record.students, ()):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(NotLoggedError):
            await log.append(world.changed(students=students))
        other.execute("COMMIT")
    other.close()
    await log.append(world.record)
    report = await checked()
    assert report.ok, report
    assert (report.chains, report.entries) == (1, 2)


def test_the_spelling_that_is_hashed_stays() -> None:
    """What was written must verify for as long as it is kept."""
    at = datetime(2026, 5, 11, 8, 0, 0, 1, tzinfo=UTC)
    told = fingerprint(("Student.nsn", "Case.number"), ())
    roles, name = ("ANALYST", "ATTENDANCE_LEAD"), 'Māori "names"'
    students = students_json((1, 20, 300))
    content = Content(
        "20260511T080000Z-00112233-2026-05", 7, spelt(at), 3, None, roles, name, "ab" * 32, told, students
    )
    mac = "67585dda3eb9d402f78e549358f6fbde7f6b2c1c794a1194a7a89501202b7d56"
    assert entry_mac(b"key", b"previous", content).hex() == mac


# Students who are disclosed together -------------------------------------------------------------------------


async def test_students_who_are_disclosed_together_are_stored_once(
    log: AccessLog, engine: AsyncEngine, state: Path, world: World, checked: Checked
) -> None:
    first, second, third = world.students
    other = AccessLog(engine, KEY, state)
    for writer in (log, other, log):
        for students in ((first, second), (second, first), (third,)):
            await writer.append(world.changed(students=students))
    await other.aclose()
    async with engine.connect() as connection:
        members = (await connection.execute(select(AccessLogStudent.set_id, AccessLogStudent.student_id))).all()
    assert sorted(student for _, student in members) == [first, second, third]
    assert len({key for key, _ in members}) == 2
    assert (await checked()).ok


async def test_writers_that_meet_the_same_students_at_once_agree(
    engine: AsyncEngine, state: Path, world: World, checked: Checked
) -> None:
    logs = [AccessLog(engine, KEY, state) for _ in range(4)]
    sets = [world.students[:n] for n in range(4)]
    for log in logs:
        await log.append(world.changed(students=world.students[1:]))
    await asyncio.gather(*(log.append(world.changed(students=students)) for log in logs for students in sets))
    for log in logs:
        await log.aclose()
    async with engine.connect() as connection:
        number = (await connection.execute(select(func.count()).select_from(AccessLogStudentSet))).scalar_one()
    assert number == 5
    assert (await checked()).entries == 20


async def test_a_set_that_went_missing_is_stored_again(
    log: AccessLog, world: World, checked: Checked, tamper: Tamper
) -> None:
    await log.append(world.record)
    await tamper("DELETE FROM access_log_entry", "DELETE FROM access_log_student", "DELETE FROM access_log_student_set")
    await log.append(world.record)
    report = await checked()
    assert [(problem.kind, problem.sequence) for problem in report.problems] == [(Kind.REMOVED, 1)]


async def test_what_is_remembered_as_stored_is_bounded(
    log: AccessLog, world: World, checked: Checked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ascms.audit.store.REMEMBERED", 2)
    for number in range(12):
        students = world.students[: number % 4]
        await log.append(world.changed(students=students, disclosed=(f"Student.field{number % 5}",)))
    report = await checked()
    assert report.ok, report
    assert report.disclosures == 5


@pytest.mark.parametrize("entries", [1, 2, 31, 32, 33, 64, 65, 100])
async def test_batches_of_any_size(log: AccessLog, world: World, checked: Checked, entries: int) -> None:
    await log.append(world.record)
    await asyncio.gather(*(log.append(world.changed(operation_name=f"Q{n}")) for n in range(entries)))
    report = await checked()
    assert report.ok, report
    assert report.entries == entries + 1


# A connection that the server ended -------------------------------------------------------------------------


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_connection_that_the_server_ended_is_replaced(
    log: AccessLog, engine: AsyncEngine, world: World, checked: Checked
) -> None:
    await log.append(world.record)
    async with engine.connect() as connection:
        ended = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        await connection.execute(text(f"{ended} AND datname = current_database() AND state = 'idle'"))
    for _ in range(20):  # the driver hears of it
        await asyncio.sleep(0)
    await log.append(world.record)
    report = await checked()
    assert report.ok, report
    assert (report.chains, report.entries) == (1, 2)

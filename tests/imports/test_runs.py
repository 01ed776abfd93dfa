"""Runs: one at a time, followed while they go, nothing left of one that fails, and nobody kept waiting."""

import asyncio
import dataclasses
import logging
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from ascms.casework.enrolment_moves import student_moved
from ascms.casework.work import Actor, Work
from ascms.imports import AlreadyRunningError, Enrolments, ImportState, runs
from ascms.imports.kinds import Found
from ascms.imports.processes import Progress, Read, read_apart
from ascms.imports.stager import MOST_PROBLEMS, NotReadError, Order
from ascms.models import Student
from tests.imports.conftest import SYSTEM, Desk, read_here
from tests.imports.files import content, number, student
from tests.models import rows

MOVED = {"school_number": "1002", "started_on": "2026-05-04"}


class Gate:
    """A reader of files that waits half-way until it is let through."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.open = asyncio.Event()

    async def __call__(self, order: Order, progress: Progress) -> Read:
        progress(7, 70)
        self.reached.set()
        await self.open.wait()
        return await read_here(order, progress)


async def test_a_file_is_read_by_a_process_apart(desk: Desk) -> None:
    file = content(student(1), student(2, gender="W"), student(3, address='Ōtāhuhu,\n"x"'))
    ended = await desk.run(Enrolments(), file, stager=read_apart)
    assert (ended.state, ended.lines_read, ended.problems) == (ImportState.DONE, 3, [(3, "gender is not M, F, X or U")])
    assert await desk.ask("SELECT nsn, address FROM student ORDER BY nsn") == [
        (number(1), "1 Some Street"),
        (number(3), 'Ōtāhuhu, "x"'),
    ]


async def test_a_second_import_is_refused_while_one_is_under_way(desk: Desk) -> None:
    gate = Gate()
    imports = desk.imports(stager=gate)
    run_id = await imports.start(Enrolments(), desk.file(content(student(1))), SYSTEM)
    await gate.reached.wait()
    second = desk.folder / "second.csv"
    for other in (imports, desk.imports()):
        second.write_text(content(student(2)))
        with pytest.raises(AlreadyRunningError):
            await other.start(Enrolments(), second, SYSTEM)
        assert not second.exists()
    await desk.imports().recover()
    assert (await desk.ended(run_id)).state is ImportState.STAGING
    gate.open.set()
    await imports.ended(run_id)
    assert (await desk.ended(run_id)).state is ImportState.DONE
    assert (await desk.run(Enrolments(), content(student(2)))).state is ImportState.DONE


async def test_a_run_can_be_followed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "EVERY", 0.01)
    gate, told = Gate(), list[tuple[int, int]]()
    imports = desk.imports(stager=gate)
    file = desk.file(content(student(1)))
    size = file.stat().st_size
    run_id = await imports.start(Enrolments(), file, SYSTEM, progress=lambda lines, done: told.append((lines, done)))
    while (await desk.ended(run_id)).lines_read != 7:  # noqa: ASYNC110 (it is the database that is watched)
        await asyncio.sleep(0.01)
    assert (await desk.ended(run_id)).state is ImportState.STAGING
    assert not await imports.ended(run_id, 0.01)
    gate.open.set()
    assert await imports.ended(run_id)
    assert told == [(7, 70), (1, size)]
    kept = await desk.ask("SELECT kind, state, lines_read, lines_bad, size_bytes, length(sha256) FROM import_run")
    assert kept == [("ENROLMENTS", "DONE", 1, 0, size, 64)]


async def test_who_started_it_is_kept_and_in_the_change_log(desk: Desk) -> None:
    user = rows.user()
    await desk.save(user)
    imports = desk.imports()
    run_id = await imports.start(Enrolments(), desk.file(content(student(1))), Actor(user.id, desk.a))
    await imports.ended(run_id)
    assert await desk.ask("SELECT started_by_id FROM import_run") == [(user.id,)]
    assert await desk.ask("SELECT user_id, organisation_id FROM change_entry") == [(user.id, desk.a)]


@pytest.mark.parametrize("gender", ["M", "W"])
async def test_the_file_is_gone_at_the_end_unless_it_is_to_be_kept(desk: Desk, gender: str) -> None:
    imports = desk.imports()
    for keep in (False, True):
        file = desk.file(content(student(1, gender=gender)))
        run_id = await imports.start(Enrolments(), file, SYSTEM, keep_file=keep)
        await imports.ended(run_id)
        assert file.exists() is keep
    staging = desk.settings.state_directory / "imports"
    assert [path.name for path in staging.iterdir() if path.name != "lock"] == []


async def test_problems_beyond_those_kept_are_counted(desk: Desk) -> None:
    desk.settings.import_tolerance = 1
    bad = [student(which, gender="W") for which in range(MOST_PROBLEMS + 5)]
    ended = await desk.run(Enrolments(), content(*bad, student(99_999), student(88_888), student(99_999)))
    assert (ended.state, ended.lines_bad) == (ImportState.DONE, MOST_PROBLEMS + 7)
    assert len(ended.problems) == MOST_PROBLEMS
    assert ended.counts["problemsNotKept"] == 7


# Nobody waits ------------------------------------------------------------------------------------------------


async def write_and_read(desk: Desk) -> int:
    """What an answer needs: to read, and to write its entry. Gives how many students are seen."""
    await desk.do("UPDATE organisation SET name = name WHERE id = 1")
    ((count,),) = await desk.ask("SELECT count(*) FROM student")
    return int(count)


class Watched(Enrolments):
    """Has others at work while it compares, within its transaction."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.seen: list[int] = []

    async def check(self, connection: AsyncConnection) -> Found:
        found = await super().check(connection)
        self.seen.append(await write_and_read(self.desk))
        return found

    async def compare(self, connection: AsyncConnection) -> None:
        await super().compare(connection)
        self.seen.append(await write_and_read(self.desk))


async def test_others_read_and_write_while_a_file_is_read_and_compared(desk: Desk) -> None:
    seen: list[int] = []

    async def stager(order: Order, progress: Progress) -> Read:
        read = await read_apart(order, progress)
        seen.append(await write_and_read(desk))
        return read

    subject = Watched(desk)
    ended = await desk.run(subject, content(student(1)), stager=stager)
    assert (ended.state, seen, subject.seen) == (ImportState.DONE, [0], [0, 0])


async def test_others_read_the_state_before_while_it_is_applied(desk: Desk) -> None:
    await desk.run(Enrolments(), content(student(1)))
    ((student_id,),) = await desk.ask("SELECT id FROM student")
    await desk.save(rows.case(Student(id=student_id), rows.organisation(id=desk.asp), school_id=desk.a))
    seen = []

    async def moved(work: Work, who: Student, old: int | None, new: int | None) -> None:
        await student_moved(work, who, old, new)
        await work.session.flush()
        seen.extend(await desk.ask("SELECT s.school_id, c.school_id FROM student s JOIN case_record c ON true"))

    await desk.run(Enrolments(moved), content(student(1, **MOVED), student(2)))
    assert seen == [(desk.a, desk.a)]
    assert await desk.ask("SELECT s.school_id, c.school_id FROM case_record c JOIN student s ON s.id = student_id") == [
        (desk.b, desk.b)
    ]


async def test_what_another_change_got_in_the_way_of_is_tried_again_from_the_start(desk: Desk) -> None:
    await desk.run(Enrolments(), content(student(1)))
    ((student_id,),) = await desk.ask("SELECT id FROM student")
    await desk.save(rows.case(Student(id=student_id), rows.organisation(id=desk.asp), school_id=desk.a))
    tries = []

    async def moved(work: Work, who: Student, old: int | None, new: int | None) -> None:
        tries.append((old, new))
        if len(tries) == 1:
            work.session.add(rows.student("Hēmi Twice", nsn=number(1)))
            await work.session.flush()

    lines = [student(1, **MOVED), *(student(which) for which in range(2, 200))]
    ended = await desk.run(Enrolments(moved), content(*lines))
    assert (ended.state, tries) == (ImportState.DONE, [(desk.a, desk.b)] * 2)
    assert ended.changed == {
        "studentsAdded": 198, "studentsChanged": 1, "enrolmentsEnded": 1, "enrolmentsStarted": 199, "casesMoved": 1,
    }  # fmt: skip
    assert (await desk.run(Enrolments(), content(*lines))).changed == {}


async def test_who_is_added_meanwhile_is_not_added_twice(desk: Desk) -> None:
    class Meanwhile(Enrolments):
        async def compare(self, connection: AsyncConnection) -> None:
            await super().compare(connection)
            await desk.save(rows.student("Hēmi Meanwhile", nsn=number(1)))

    ended = await desk.run(Meanwhile(), content(student(1), student(2)))
    assert ended.changed == {"studentsAdded": 1, "studentsChanged": 1, "enrolmentsStarted": 2}
    assert await desk.ask("SELECT full_name, school_id FROM student ORDER BY nsn") == [("Hēmi Test", desk.a)] * 2


async def test_who_comes_to_have_another_number_meanwhile_is_left_alone(desk: Desk) -> None:
    class Meanwhile(Enrolments):
        async def compare(self, connection: AsyncConnection) -> None:
            await super().compare(connection)
            await desk.do("UPDATE student SET nsn = :other WHERE nsn = :n", n=number(1), other=number(9))

    await desk.run(Enrolments(), content(student(1), student(2)))
    file = content(student(1, full_name="Hēmi Wrong", **MOVED), student(2, full_name="Hēmi Right"))
    assert (await desk.run(Meanwhile(), file)).state is ImportState.DONE
    found = await desk.ask("SELECT nsn, full_name, school_id FROM student ORDER BY nsn")
    assert found == [(number(2), "Hēmi Right", desk.a), (number(9), "Hēmi Test", desk.a)]
    assert await desk.ask("SELECT count(*) FROM enrolment") == [(2,)]


async def test_a_failure_that_cannot_be_kept_is_marked_later(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate()
    imports = desk.imports(stager=gate)
    run_id = await imports.start(Enrolments(), desk.file("nsn\n"), SYSTEM)
    await gate.reached.wait()
    await desk.do("ALTER TABLE import_run RENAME TO away")
    gate.open.set()
    await imports.ended(run_id)
    assert "that could not be kept" in caplog.text
    await desk.do("ALTER TABLE away RENAME TO import_run")
    await imports.recover()
    assert (await desk.ended(run_id)).state is ImportState.FAILED


# Failures ----------------------------------------------------------------------------------------------------


async def test_a_failure_is_told_without_what_stood_in_the_rows(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    await desk.run(Enrolments(), content(student(1)))
    ((student_id,),) = await desk.ask("SELECT id FROM student")
    await desk.save(rows.case(Student(id=student_id), rows.organisation(id=desk.asp), school_id=desk.a))

    async def fails(work: Work, who: Student, old: int | None, new: int | None) -> None:
        work.session.add(rows.student("Secret Name", nsn=number(1)))

    with caplog.at_level(logging.DEBUG, "ascms"):
        ended = await desk.run(Enrolments(fails), content(student(1, **MOVED)))
    assert ended.failure == "It failed inside (IntegrityError). Nothing was changed."
    assert "import 2 failed: IntegrityError" in caplog.text
    assert number(1) not in caplog.text
    assert "Secret" not in caplog.text


async def test_stopping_the_server_breaks_a_run_off(desk: Desk) -> None:
    gate = Gate()
    imports = desk.imports(stager=gate)
    run_id = await imports.start(Enrolments(), desk.file(content(student(1))), SYSTEM)
    await gate.reached.wait()
    await imports.aclose()
    ended = await desk.ended(run_id)
    assert (ended.state, ended.failure) == (
        ImportState.FAILED,
        "It was broken off, since the server was stopped. Give the file again.",
    )
    assert not (desk.folder / "given.csv").exists()
    assert (await desk.run(Enrolments(), content(student(1)))).state is ImportState.DONE


async def test_breaking_off_ends_the_process_that_reads(desk: Desk) -> None:
    begun: asyncio.Future[asyncio.subprocess.Process] = asyncio.get_running_loop().create_future()
    create: Any = asyncio.create_subprocess_exec

    async def noted(*arguments: str, **options: int) -> asyncio.subprocess.Process:
        begun.set_result(await create(*arguments, **options))
        return begun.result()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio, "create_subprocess_exec", noted)
        imports = desk.imports(stager=read_apart)
        await imports.start(Enrolments(), desk.file(content(student(1))), SYSTEM)
        process = await begun
        await imports.aclose()
    assert process.returncode is not None


async def test_a_process_that_ends_too_early_fails_the_run(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    ended = await desk.run(Enrolments(), content(student(1)), stager=read_apart)
    assert (ended.state, ended.failure) == (
        ImportState.FAILED,
        "It failed inside (BrokenOffError). Nothing was changed.",
    )


CRASH = """
import asyncio, os, sys
from pathlib import Path
from ascms.imports import Enrolments
from tests.imports.conftest import SYSTEM, desk_over, engine_for, read_here

async def run(database, folder):
    engine = engine_for(database)
    opened = desk_over(engine, database, Path(folder), fresh=False)
    desk = await opened.__aenter__()

    async def crashes(work, student, old, new):
        await work.session.flush()
        os._exit(9)

    imports = desk.imports()
    run_id = await imports.start(Enrolments(crashes), Path(folder) / "given.csv", SYSTEM, keep_file=True)
    await imports.ended(run_id)

asyncio.run(run(*sys.argv[1:]))
"""


async def test_a_crash_while_it_is_applied_leaves_nothing_and_is_told_at_the_next_start(desk: Desk) -> None:
    await desk.run(Enrolments(), content(student(1)))
    ((student_id,),) = await desk.ask("SELECT id FROM student")
    await desk.save(rows.case(Student(id=student_id), rows.organisation(id=desk.asp), school_id=desk.a))
    before = await desk.everything()
    desk.file(content(student(1, **MOVED), student(2)))
    command = [sys.executable, "-c", CRASH, desk.settings.database_url, str(desk.folder)]
    done = await asyncio.to_thread(subprocess.run, command, cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == 9
    assert await desk.ask("SELECT state FROM import_run ORDER BY id DESC LIMIT 1") == [("APPLYING",)]
    await desk.imports().recover()
    ((run_id,),) = await desk.ask("SELECT max(id) FROM import_run")
    ended = await desk.ended(run_id)
    assert (ended.state, ended.failure) == (
        ImportState.FAILED,
        "It was broken off, since its process ended. Give the file again.",
    )
    assert await desk.everything() == before


# Memory ------------------------------------------------------------------------------------------------------

MEASURED = """
import runpy, re
from pathlib import Path
runpy.run_module("ascms.imports.stager", run_name="__main__")
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


@pytest.fixture
def peak_of(desk: Desk) -> Callable[[int], Awaitable[int]]:
    """The most memory that reading so many lines takes, in KiB."""

    async def peak(lines: int) -> int:
        path = desk.file(content(*(student(which, full_name=f"Hēmi {which}") for which in range(lines))))
        took: list[int] = []

        async def stager(order: Order, progress: Progress) -> Read:
            given = orjson.dumps(dataclasses.asdict(order))
            command = [sys.executable, "-c", MEASURED]
            done = await asyncio.to_thread(subprocess.run, command, input=given, capture_output=True, check=True)
            took.append(int(done.stdout.splitlines()[-1]))
            raise NotReadError("That was all.")

        imports = desk.imports(stager=stager)
        await imports.ended(await imports.start(Enrolments(), path, SYSTEM))
        return took[0]

    return peak


@pytest.mark.nightly
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the kernel does not tell the most memory used")
async def test_memory_does_not_grow_with_the_file(peak_of: Callable[[int], Awaitable[int]]) -> None:
    few, many = await peak_of(5_000), await peak_of(50_000)
    assert many / few < 1.1

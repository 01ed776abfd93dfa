"""What a night's import takes, and what readers notice of it: `python -m benchmarks.imports --students 850000`.

A world of the nation's schools is built (once; it is kept), and a nightly file is written from it with about one line
in a hundred changed. The import runs as in a server: in the process and the event loop that answer readers, who come
at a steady rate and each do what the API does for a read: select a page of cases, and append to the access log before
the answer may leave. Reported are the import's time and memory, how long it held the database's write lock, and the
readers' waits without and during it. Machines differ: look at the ratios.
"""

import argparse
import asyncio
import contextlib
import csv
import dataclasses
import itertools
import os
import random
import resource
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from ascms.audit import AccessLog, AccessRecord, ChangeLog
from ascms.casework.calendar import local_day
from ascms.casework.work import Actor, Work
from ascms.database import engine_for, is_populated, normalise_url, upgrade
from ascms.demo.world import build
from ascms.imports import Enrolments, Imports
from ascms.imports.processes import read_apart
from ascms.models import Enrolment, ImportRun, Organisation, OrganisationKind, Student, StudentEthnicity, StudentIwi
from ascms.resolvers.workshop import Workshop
from ascms.settings import Settings
from ascms.signals import create_bus
from ascms.snapshots import snapshot

SCHOOLS = 2_536
CASES = 18_500
KEY = b"benchmark" * 4
HEADER = ["nsn", "full_name", "known_as", "date_of_birth", "gender", "year_level", "address", "protected"]
HEADER += ["ethnicities", "iwi", "school_number", "started_on"]
PAGE = 20_000


# The file ----------------------------------------------------------------------------------------------------


async def nightly_lines(engine: AsyncEngine) -> AsyncIterator[dict[str, Any]]:
    """What ENROL would say of everybody: exactly what is held."""
    last = 0
    while True:
        async with engine.connect() as connection:
            students = (
                await connection.execute(
                    select(Student, Organisation.number, Enrolment.started_on)
                    .outerjoin(Organisation, Organisation.id == Student.school_id)
                    .outerjoin(Enrolment, (Enrolment.student_id == Student.id) & Enrolment.ended_on.is_(None))
                    .where(Student.id > last)
                    .order_by(Student.id)
                    .limit(PAGE)
                )
            ).all()
            if not students:
                return
            groups = await codes(connection, StudentEthnicity, last, students[-1].id, "position")
            iwi = await codes(connection, StudentIwi, last, students[-1].id, "code")
        last = students[-1].id
        for row in students:
            yield {
                **{name: getattr(row, name) for name in HEADER[:4]},
                "gender": row.gender.value,
                "year_level": row.year_level,
                "address": row.address,
                "protected": "Y" if row.protected else "N",
                "ethnicities": ";".join(groups.get(row.id, ())),
                "iwi": ";".join(iwi.get(row.id, ())),
                "school_number": row.number,
                "started_on": row.started_on,
            }


async def codes(connection: Any, model: Any, after: int, upto: int, order: str) -> dict[int, list[str]]:
    """The codes of the students with keys in the range."""
    found: dict[int, list[str]] = {}
    rows = select(model.student_id, model.code).where(model.student_id > after, model.student_id <= upto)
    for student, code in await connection.execute(rows.order_by(model.student_id, getattr(model, order))):
        found.setdefault(student, []).append(code)
    return found


class Night:
    """What happens in a night: some move, some leave, some arrive, and some have another name or address."""

    def __init__(self, schools: list[str], share: float, seed: int) -> None:
        self.chance = random.Random(seed)
        self.schools = schools
        self.share = share
        self.today = local_day(datetime.now(UTC))
        self.numbers = itertools.count(int(time.time()) % 100_000_000 * 10)

    def line(self, line: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The line as it is tonight, and now and then another for someone new."""
        if self.chance.random() < self.share:
            self.change(line)
        yield line
        if self.chance.random() < self.share / 10:
            yield {**line, "nsn": f"1{next(self.numbers):09d}", "full_name": "Someone New"}

    def change(self, line: dict[str, Any]) -> None:
        """One thing is another."""
        what = self.chance.random()
        if what < 0.3:
            line["school_number"] = self.chance.choice(self.schools)
            line["started_on"] = self.today
        elif what < 0.4:
            line["school_number"] = line["started_on"] = None
        elif what < 0.7:
            line["address"] = f"{self.chance.randrange(1, 300)} Changed Street, Test Town"
        elif what < 0.85:
            line["year_level"] = self.chance.randrange(1, 14)
        else:
            line["full_name"] = f"{line['full_name']} {self.chance.randrange(1_000)}"


async def write_file(engine: AsyncEngine, path: Path, share: float) -> int:
    """Write the nightly file; gives its lines."""
    async with engine.connect() as connection:
        numbers = select(Organisation.number).where(Organisation.kind == OrganisationKind.SCHOOL)
        night = Night(list(await connection.scalars(numbers)), share, seed=int(time.time()))
    written = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, HEADER)
        writer.writeheader()
        async for line in nightly_lines(engine):
            for tonight in night.line(line):
                writer.writerow(tonight)
                written += 1
    return written


# The readers -------------------------------------------------------------------------------------------------

READ = """SELECT c.number, c.status, s.full_name FROM case_record c JOIN student s ON s.id = c.student_id
WHERE c.school_id = {school} AND c.active ORDER BY c.opened_at, c.id LIMIT 30"""


class Readers:
    """Reads that begin at a steady rate, whether or not those before have ended. Waits in milliseconds."""

    def __init__(self, engine: AsyncEngine, log: AccessLog, schools: int, rate: float) -> None:
        self.engine = engine
        self.log = log
        self.schools = schools
        self.rate = rate
        self.reads: list[float] = []
        self.answers: list[float] = []
        self.failed = 0
        self.tasks: set[asyncio.Task[None]] = set()

    async def once(self) -> None:
        """One operation: the read, and the answer, which may leave once it is logged."""
        began = time.perf_counter()
        try:
            async with snapshot(self.engine) as fetch:
                await fetch(READ.format(school=random.randrange(1, self.schools)), ())
            self.reads.append((time.perf_counter() - began) * 1000)
            await self.log.append(
                AccessRecord(datetime.now(UTC), 1, 1, ("ANALYST",), None, "ab" * 32, ("Case.number",), (), (1, 2, 3))
            )
            self.answers.append((time.perf_counter() - began) * 1000)
        except Exception as error:  # noqa: BLE001 (a reader that fails is a finding, not an end)
            self.failed += 1
            print("a read failed:", type(error).__name__, error)

    async def come(self) -> None:
        """Until cancelled."""
        due = time.perf_counter()
        while True:
            task = asyncio.create_task(self.once())
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
            due += 1 / self.rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))

    @contextlib.asynccontextmanager
    async def coming(self) -> AsyncIterator["Readers"]:
        """While the block runs; what they waited is of this block alone."""
        self.reads, self.answers, self.failed = [], [], 0
        task = asyncio.create_task(self.come())
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, *self.tasks, return_exceptions=True)


def quantiles(waits: list[float]) -> tuple[float, float, float]:
    """p50, p99 and the longest."""
    cuts = statistics.quantiles(waits, n=100)
    return cuts[49], cuts[98], max(waits)


# The run -----------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Clock:
    """When what was done."""

    reading: float = 0
    applying: float = 0
    total: float = 0
    memory: float = 0


def opener(workshop: Workshop, clock: Clock) -> Callable[..., Any]:
    """Opens the transaction that applies, and notes how long it is open: no longer is the write lock held."""

    @contextlib.asynccontextmanager
    async def open_work(engine: AsyncEngine, actor: Actor, action: str, now: datetime) -> AsyncIterator[Work]:
        began = time.perf_counter()
        async with dataclasses.replace(workshop, engine=engine).open(actor, action, now) as work:
            yield work
        clock.applying = time.perf_counter() - began

    return open_work


async def watched(clock: Clock) -> None:
    """Note the most memory that a child of this process has had."""
    while True:
        clock.memory = max(clock.memory, peak_of_children())
        await asyncio.sleep(0.2)


def peak_of_children() -> float:
    """In MiB. Linux only."""
    most = 0.0
    for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        with contextlib.suppress(OSError, StopIteration):
            status = Path(f"/proc/{child}/status").read_text().splitlines()
            peak = next(line for line in status if line.startswith("VmHWM"))
            most = max(most, int(peak.split()[1]) / 1024)
    return most


async def measure(url: str, share: float, rate: float, quiet: float) -> None:
    engine = engine_for(url, pool_size=20)
    with tempfile.TemporaryDirectory(dir="var") as folder:
        path = Path(folder) / "nightly.csv"
        lines = await write_file(engine, path, share)
        print(f"a nightly file of {lines:,} lines, {path.stat().st_size / 1e6:,.0f} MB")
        settings = Settings(database_url=url, state_directory=Path(folder) / "state")
        log = AccessLog(engine, KEY, settings.state_directory)
        async with engine.connect() as connection:
            schools = await connection.scalar(select(func.count()).select_from(Organisation)) or 1
        readers = Readers(engine, log, schools, rate)
        async with readers.coming():
            await asyncio.sleep(quiet)
        without = (readers.reads, readers.answers, readers.failed)
        clock = Clock()
        changes = ChangeLog(KEY, settings.state_directory)
        workshop = Workshop(engine, settings, changes, create_bus(settings))

        async def timed(order: Any, progress: Any) -> Any:
            began = time.perf_counter()
            watch = asyncio.create_task(watched(clock))
            read = await read_apart(order, progress)
            clock.reading = time.perf_counter() - began
            watch.cancel()
            return read

        imports = Imports(engine, settings, opener(workshop, clock), stager=timed)
        async with readers.coming():
            began = time.perf_counter()
            run_id = await imports.start(Enrolments(), path, Actor())
            await imports.ended(run_id)
            clock.total = time.perf_counter() - began
        async with engine.connect() as connection:
            run = (await connection.execute(select(ImportRun.__table__).where(ImportRun.id == run_id))).one()
        await log.aclose()
        await changes.aclose()
    report(run, clock, without, readers)
    await engine.dispose()


def report(run: Any, clock: Clock, without: tuple[list[float], list[float], int], readers: Readers) -> None:
    """What was found."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{run.state}: {run.lines_read:,} lines, {run.lines_bad:,} bad, {run.counts} {run.failure or ''}")
    print(f"in all {clock.total:,.1f} s, {run.lines_read / clock.total:,.0f} lines/s")
    between = clock.total - clock.reading - clock.applying
    print(f"read {clock.reading:,.1f} s, compared {between:,.1f} s, applied (locked) {clock.applying:,.2f} s")
    print(f"peak memory: the process that reads {clock.memory:,.0f} MiB, the server {own:,.0f} MiB, readers included")
    table = Table("waits in ms", "p50", "p99", "longest", "p50 ×", "p99 ×", "count", "failed")
    for what, quiet, busy in (("read", without[0], readers.reads), ("read and logged", without[1], readers.answers)):
        before, during = quantiles(quiet), quantiles(busy)
        cells = [f"{value:,.1f}" for value in before]
        table.add_row(f"{what}, without", *cells, "", "", f"{len(quiet):,}", str(without[2]))
        ratios = [f"{during[place] / before[place]:,.2f}" for place in (0, 1)]
        cells = [f"{value:,.1f}" for value in during]
        table.add_row(f"{what}, during", *cells, *ratios, f"{len(busy):,}", str(readers.failed))
    Console(width=120).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=850_000)
    parser.add_argument("--schools", type=int, default=SCHOOLS)
    parser.add_argument("--database", help="Left out: an SQLite file in var, by the number of students.")
    parser.add_argument("--changes", type=float, default=0.01, help="The share of lines that are changed.")
    parser.add_argument("--rate", type=float, default=50, help="Reads a second.")
    parser.add_argument("--quiet", type=float, default=20, help="Seconds of reading before the import.")
    given = parser.parse_args()
    url = normalise_url(given.database or f"var/imports-{given.students}.sqlite3")
    Path("var").mkdir(exist_ok=True)
    upgrade(url)
    if not is_populated(url):
        began = time.perf_counter()
        build(url, schools=given.schools, students=given.students, cases=min(CASES, given.students // 2))
        print(f"built a world of {given.students:,} students in {time.perf_counter() - began:,.0f} s")
    asyncio.run(measure(url, given.changes, given.rate, given.quiet))


if __name__ == "__main__":
    main()

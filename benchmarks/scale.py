"""What a query takes as the nation grows: `python -m benchmarks.scale`.

A server of this project is started over a nation of each size, on each kind of database, and asked the same: by people
of one school, whose school is the same everywhere. Rounds go from size to size, one connection asking; growth is the
median over the rounds of what a size took there beside the smallest, so that a machine that slows down slows all.
Nations are built where they are not yet, a million cases in half an hour or more; `--use` names those that exist.
They are used as they are: they get entries in their access logs, and comments on cases that are asked for nothing else.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import data
from benchmarks.asking import PEOPLE, WRITES, Issuer, questions
from benchmarks.contenders import Contender, Running, free_port
from benchmarks.load import Load, as_much_as_possible
from benchmarks.postgres import Cluster
from benchmarks.processes import cpu_of, memory_of
from benchmarks.stage import NUMBERS

SIZES = (10_000, 100_000, 1_000_000)
OPERATIONS = ("home", "case", "page", "total", "comment", "mix")
KINDS = ("sqlite", "postgresql")
WIDE = 170
"""Columns of a table that goes to a file."""
WARM = 40
"""Requests before anything is measured: PostgreSQL settles on a statement's plan after some runs of it."""


@dataclass
class Taken:
    """What a request took in each round: its median wait in ms, the server's CPU time and the database's in µs."""

    waits: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    database_cpu: list[float] = field(default_factory=list)


@dataclass
class Nation:
    """A size, its server, and what was measured of it."""

    cases: int
    server: Running
    database: Cluster | None
    numbers: Sequence[str] = ()
    first_answer: float = 0
    """Seconds that the first answer of the process took: the schema and the plan are made for it."""
    memory: int = 0
    taken: dict[tuple[str, str], Taken] = field(default_factory=dict)

    def begin(self) -> None:
        """Ask for the first time."""
        started = time.perf_counter()
        answered = self.server.ask(questions("home", ())[0].body(), "lead")
        answered.raise_for_status()
        self.first_answer = time.perf_counter() - started
        cases = self.server.ask(json.dumps({"query": NUMBERS}), "lead").json()["data"]["cases"]["nodes"]
        self.numbers = [case["number"] for case in cases]

    def warm(self, operation: str, who: str) -> None:
        """Have the plan made, and the rows in memory."""
        asked = questions(operation, self.numbers)
        for count in range(WARM):
            answer = self.server.ask(asked[count % len(asked)].body(), who)
            if answer.status_code != 200 or "errors" in answer.json():
                raise RuntimeError(f"{operation} of {who} with {self.cases:,} cases: {answer.text[:300]}")

    def measure(self, operation: str, who: str, seconds: float, core: int) -> None:
        """One round."""
        server, database = cpu_of(self.server.pid), self._database_cpu()
        answered = as_much_as_possible(
            self.server, questions(operation, self.numbers), who, seconds, Load(connections=1, core=core)
        )
        if answered.errors:
            raise RuntimeError(f"{answered.errors} errors: {operation} of {who} with {self.cases:,} cases")
        taken = self.taken.setdefault((operation, who), Taken())
        taken.waits.append(answered.p50)
        taken.cpu.append((cpu_of(self.server.pid) - server).total * 1e6 / answered.requests)
        taken.database_cpu.append((self._database_cpu() - database) * 1e6 / answered.requests)

    def _database_cpu(self) -> float:
        return cpu_of(self.database.process.pid).total if self.database is not None else 0.0


# Nations -----------------------------------------------------------------------------------------------------


@contextmanager
def databases(kind: str, sizes: Sequence[int], known: Mapping[str, str], folder: Path, core: int) -> Iterator[Any]:
    """The database of each size, by size, and the cluster they are in. What is missing is built."""
    if kind == "sqlite":
        places = {}
        for size in sizes:
            place = Path(known.get(f"sqlite:{size}") or folder / f"{size}.sqlite3")
            if not place.exists():
                part = place.with_suffix(".part")
                part.unlink(missing_ok=True)
                data.build(part, size)
                part.rename(place)
            places[size] = str(place.resolve())
        yield places, None
        return
    with Cluster(Path(known.get("postgresql") or folder / "postgresql"), free_port(), (core,)) as cluster:
        for size in sizes:
            if f"cases_{size}" not in cluster.databases():
                cluster.sql("DROP DATABASE IF EXISTS building")
                cluster.sql("CREATE DATABASE building")
                data.build(cluster.url("building"), size)
                cluster.sql("VACUUM ANALYZE", "building")
                cluster.sql(f"ALTER DATABASE building RENAME TO cases_{size}")
        yield {size: cluster.url(f"cases_{size}") for size in sizes}, cluster


def measured(kind: str, asked: argparse.Namespace, console: Console) -> list[Nation]:
    """The nations of one kind of database, each with what it took."""
    known = dict(one.split("=", 1) for one in asked.use)
    with ExitStack() as stack:
        issuer = stack.enter_context(Issuer(asked.folder))
        sizes = sorted(asked.sizes)
        places, cluster = stack.enter_context(databases(kind, sizes, known, asked.folder, asked.cores[0]))
        nations = []
        for size, place in places.items():
            console.log(f"{kind}: {size:,} cases")
            state = asked.folder / f"state-{kind}-{size}"
            server = Running(Contender("ascms"), place, issuer, state, (asked.cores[0],))
            nation = Nation(size, stack.enter_context(server), cluster)
            nation.begin()
            nations.append(nation)
            server.settle()
        for who in asked.people:
            for operation in asked.operations:
                if operation not in WRITES or who == asked.people[0]:
                    _rounds(nations, operation, who, asked, console)
        for nation in nations:
            nation.memory = memory_of(nation.server.pid)
        return nations


def _rounds(nations: Sequence[Nation], operation: str, who: str, asked: argparse.Namespace, console: Console) -> None:
    for number in range(asked.rounds):
        # Every other round goes the other way, so that none always comes first.
        for nation in nations if number % 2 == 0 else reversed(nations):
            if number == 0:
                nation.warm(operation, who)
            nation.measure(operation, who, asked.seconds, asked.cores[1])
            nation.server.settle()
    console.log(f"{operation} of {who} measured")


# Telling -----------------------------------------------------------------------------------------------------


def growth(small: Sequence[float], large: Sequence[float]) -> float:
    """How often as much it takes, round by round."""
    return statistics.median(high / low if low else 1.0 for low, high in zip(small, large, strict=True))


def told(kind: str, nations: Sequence[Nation]) -> Table:
    """The table of growth."""
    sizes = [f"{nation.cases:,}" for nation in nations]
    columns = ["operation", "who", *(f"p50 ms, {size}" for size in sizes), "growth"]
    columns += [*(f"CPU µs, {size}" for size in sizes), "growth"]
    if kind == "postgresql":
        columns += [*(f"database CPU µs, {size}" for size in sizes)]
    table = Table(*columns, title=f"{kind}: a request as the nation grows")
    for operation, who in nations[0].taken:
        taken = [nation.taken[operation, who] for nation in nations]
        cells = [operation, who, *(f"{min(one.waits):.2f}" for one in taken)]
        cells += [f"{growth(taken[0].waits, taken[-1].waits):.2f}"]
        cells += [*(f"{statistics.median(one.cpu):,.0f}" for one in taken)]
        cells += [f"{growth(taken[0].cpu, taken[-1].cpu):.2f}"]
        if kind == "postgresql":
            cells += [f"{statistics.median(one.database_cpu):,.0f}" for one in taken]
        table.add_row(*cells)
    return table


def processes_told(kind: str, nations: Sequence[Nation]) -> Table:
    """What a process takes to start and to hold."""
    table = Table("cases", "start s", "CPU s", "first answer ms", "memory MB", title=f"{kind}: the server's process")
    for nation in nations:
        server = nation.server
        cells = (
            f"{server.seconds_to_start:.2f}",
            f"{server.cpu_to_start.total:.2f}",
            f"{nation.first_answer * 1e3:.0f}",
        )
        table.add_row(f"{nation.cases:,}", *cells, f"{nation.memory / 1e6:.0f}")
    return table


def as_json(nations: Mapping[str, Sequence[Nation]]) -> Any:
    """Everything that was measured."""
    return {
        kind: [
            {
                "cases": nation.cases,
                "secondsToStart": nation.server.seconds_to_start,
                "cpuToStart": nation.server.cpu_to_start.total,
                "firstAnswer": nation.first_answer,
                "memory": nation.memory,
                "taken": {f"{operation} {who}": vars(taken) for (operation, who), taken in nation.taken.items()},
            }
            for nation in of_kind
        ]
        for kind, of_kind in nations.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="CASES")
    parser.add_argument("--databases", nargs="+", default=KINDS, choices=KINDS)
    parser.add_argument("--operations", nargs="+", default=OPERATIONS, choices=OPERATIONS)
    parser.add_argument("--people", nargs="+", default=tuple(PEOPLE), choices=tuple(PEOPLE))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=3, help="of a round")
    parser.add_argument("--cores", type=int, nargs=2, default=(0, 1), help="of the servers, and of the load")
    parser.add_argument("--folder", type=Path, default=Path("benchmarks/.data"), help="where nations are kept")
    parser.add_argument(
        "--use", nargs="+", default=(), metavar="KIND=PLACE",
        help="nations that exist: sqlite:1000000=/path/of/it.sqlite3, postgresql=/path/of/the/cluster's/folder",
    )  # fmt: skip
    parser.add_argument("--output", type=Path, help="a file for all figures, as JSON")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    console = Console(width=None if sys.stdout.isatty() else WIDE)
    nations = {}
    for kind in asked.databases:
        nations[kind] = measured(kind, asked, console)
        console.print(told(kind, nations[kind]), processes_told(kind, nations[kind]))
    if asked.output is not None:
        asked.output.write_text(json.dumps(as_json(nations), indent=2))


if __name__ == "__main__":
    main()

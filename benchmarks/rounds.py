"""Rounds: contenders take turns under load, and what each round took is written down."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.asking import questions
from benchmarks.contenders import Running
from benchmarks.load import Answered, Load, as_much_as_possible
from benchmarks.processes import Cpu, cpu_of, memory_of
from benchmarks.stage import Stage

ENOUGH = 40
LONGEST = 20
"""A round is made longer for who answers fewer than so many in it, up to so many seconds."""


@dataclass(frozen=True)
class Round:
    """One round of one contender."""

    database: str
    who: str
    operation: str
    contender: str
    answered: Answered
    server: Cpu
    database_cpu: Cpu
    memory: int
    """Of the contender's processes, in bytes, at the end of the round."""
    under_way: int = 0
    """Requests that the load left under way when the round was over; what they took is counted."""

    @property
    def worked_on(self) -> int:
        """Requests that the CPU was taken for."""
        return max(1, self.answered.requests + self.under_way)

    @property
    def server_per_request(self) -> float:
        """CPU of the contender's processes, in microseconds."""
        return self.server.total / self.worked_on * 1e6

    @property
    def database_per_request(self) -> float:
        """CPU of the database's own processes, in microseconds; 0 on SQLite, which has none."""
        return self.database_cpu.total / self.worked_on * 1e6

    @property
    def per_request(self) -> float:
        """CPU in all, in microseconds: what is ranked."""
        return self.server_per_request + self.database_per_request

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"cpu_us": self.per_request}


@dataclass(frozen=True)
class Summary:
    """All rounds of one contender with one operation."""

    rounds: Sequence[Round]

    @property
    def contender(self) -> str:
        return self.rounds[0].contender

    def median(self, what: str) -> float:
        """The median of one of a round's figures."""
        return statistics.median(getattr(one, what) for one in self.rounds)

    @property
    def best(self) -> Answered:
        """The round with most requests per second."""
        return max((one.answered for one in self.rounds), key=lambda answered: answered.rate)

    @property
    def errors(self) -> int:
        return sum(one.answered.errors for one in self.rounds)


def summaries(rounds: Sequence[Round]) -> dict[tuple[str, str, str], list[Summary]]:
    """By database, person and operation: the contenders, the least CPU first."""
    groups: dict[tuple[str, str, str], dict[str, list[Round]]] = {}
    for one in rounds:
        groups.setdefault((one.database, one.who, one.operation), {}).setdefault(one.contender, []).append(one)
    return {
        key: sorted((Summary(each) for each in group.values()), key=lambda summary: summary.median("per_request"))
        for key, group in groups.items()
    }


@dataclass
class Referee:
    """Says who may take part, and has them take turns."""

    stage: Stage
    load: Load
    seconds: float
    warm_up: float
    _seconds: dict[tuple[str, str, str], float] = field(default_factory=dict)

    def admitted(self, running: Sequence[Running], operation: str, who: str) -> list[Running]:
        """Those that answer rightly. Who does not is named, and why."""
        admitted = []
        for one in running:
            if one.contender.lacks(operation):
                self.stage.say(f"[yellow]{one.name} lacks {operation}[/]")
                continue
            parts = ["home", "case", "page", "total", "comment"] if operation == "mix" else [operation]
            wrong = next((found for part in parts if (found := self.stage.wrong(one, part, who)) is not None), None)
            one.settle()
            if wrong is not None:
                self.stage.say(f"[bold red]EXCLUDED {one.name} from {operation} as {who}@: {wrong}[/]")
                continue
            admitted.append(one)
        return admitted

    def warm(self, running: Sequence[Running], operation: str, who: str) -> None:
        """Have each answer for a while without being measured. The slow get rounds that are long enough for them."""
        for one in running:
            asked = questions(operation, self.stage.numbers)
            answered = as_much_as_possible(one, asked, who, self.warm_up, self.load)
            enough = ENOUGH * answered.seconds / max(1, answered.requests)
            self._seconds[one.name, operation, who] = min(max(self.seconds, enough), max(self.seconds, LONGEST))
            one.settle()

    def turn(self, one: Running, operation: str, who: str) -> Round:
        """One round of one contender, everybody else held still."""
        asked = questions(operation, self.stage.numbers)
        seconds = self._seconds.get((one.name, operation, who), self.seconds)
        before, before_database = cpu_of(one.pid), self.stage.database_cpu()
        answered = as_much_as_possible(one, asked, who, seconds, self.load)
        memory = memory_of(one.pid)
        one.settle()
        taken, taken_database = cpu_of(one.pid) - before, self.stage.database_cpu() - before_database
        return Round(
            self.stage.kind, who, operation, one.name, answered, taken, taken_database, memory, self.load.connections
        )

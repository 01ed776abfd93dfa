"""What can be measured: each mode sets the stage, has contenders take turns, and writes down what came out."""

import json
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from subprocess import CalledProcessError
from typing import Any

from rich.console import Console
from rich.markdown import Markdown

from benchmarks.asking import MIX, WRITES, questions
from benchmarks.contenders import Contender, Running
from benchmarks.load import Load, as_json, as_much_as_possible, at_rate
from benchmarks.processes import cpu_of, memory_of
from benchmarks.report import TITLES, markdown, svg, table
from benchmarks.rounds import Referee, Round, summaries
from benchmarks.stage import Stage, on_stage

CONSOLE = Console(stderr=True, highlight=False)


def say(words: str) -> None:
    CONSOLE.print(f"[dim]{datetime.now(UTC):%H:%M:%S}[/] {words}")


@dataclass(frozen=True)
class Plan:
    """What all modes are told."""

    contenders: list[Contender]
    databases: Sequence[str]
    who: Sequence[str]
    cases: int
    seconds: float
    warm_up: float
    load: Load
    cores: Sequence[int]
    workers: int
    folder: Path
    set_up: bool
    began: datetime = field(default_factory=lambda: datetime.now(UTC))

    def install(self) -> None:
        """Set up the contenders, if asked to. Who cannot be is named."""
        for contender in self.contenders if self.set_up else ():
            say(f"setting up {contender.name}")
            try:
                contender.set_up()
            except (OSError, CalledProcessError) as error:
                say(f"[bold red]{contender.name} could not be set up: {error}[/]")

    def notes(self) -> list[str]:
        """What the figures depend on, in words."""
        machine = f"{platform.processor() or platform.machine()}, Python {platform.python_version()}"
        cores = ", ".join(map(str, self.cores))
        how = (
            f"{self.began:%Y-%m-%d %H:%M} UTC. {machine}. {self.cases:,} cases; {self.load.connections} connections "
            f"from core {self.load.core}; {self.workers} worker(s) and the database on core(s) {cores}; rounds of "
            f"{self.seconds:g} s after {self.warm_up:g} s to warm up. CPU is the median of the rounds, the database's "
            "processes included; requests/s, p50 and p99 are those of the best round."
        )
        return [how]

    def write(self, name: str, figures: Any, words: str, plot: str | None = None) -> None:
        """Keep what came out, and show it."""
        path = self.folder / f"{self.began:%Y-%m-%d-%H%M%S}-{name}"
        path.with_suffix(".json").write_text(json.dumps(figures, indent=1))
        path.with_suffix(".md").write_text(words)
        if plot is not None:
            path.with_suffix(".svg").write_text(plot)
        CONSOLE.print(Markdown(words))
        say(f"written: {path}.json, .md{', .svg' if plot else ''}")


def side_by_side(plan: Plan, operations: Sequence[str], rounds: int) -> None:
    """Rounds in turn, as fast as each can; reads come before changes."""
    plan.install()
    ordered = sorted(operations, key=lambda operation: operation in WRITES)
    parts = list(MIX) if "mix" in operations else list(operations)
    found: list[Round] = []
    for kind in plan.databases:
        with on_stage(kind, plan.cases, plan.folder, plan.cores, say) as stage:
            stage.learn(list(dict.fromkeys([*operations, *parts])), plan.who)
            with stage.started(plan.contenders, plan.workers) as running:
                referee = Referee(stage, plan.load, plan.seconds, plan.warm_up)
                for operation in ordered:
                    for who in plan.who:
                        found += _rounds(referee, running, operation, who, rounds)
                        figures = [one.as_json() for one in found]
                        (plan.folder / "unfinished.json").write_text(json.dumps(figures, indent=1))
    (plan.folder / "unfinished.json").unlink(missing_ok=True)
    plan.write("run", [one.as_json() for one in found], markdown(found, plan.notes()), svg(found))


def _rounds(referee: Referee, running: Sequence[Running], operation: str, who: str, rounds: int) -> list[Round]:
    admitted = referee.admitted(running, operation, who)
    referee.warm(admitted, operation, who)
    found: list[Round] = []
    for number in range(rounds):
        for one in admitted:
            found.append(referee.turn(one, operation, who))
            last = found[-1]
            say(
                f"{referee.stage.kind} {operation} {who}@ round {number + 1}/{rounds} {one.name}: "
                f"{last.per_request:,.0f} µs, {last.answered.rate:,.0f}/s, errors {last.answered.errors}"
            )
    for summary in (one for group in summaries(found).values() for one in group):
        say(f"  [bold]{summary.contender}[/] {summary.median('per_request'):,.0f} µs")
    return found


def at_half(plan: Plan, operations: Sequence[str], share: float) -> None:
    """A share of the most that each takes, asked at even intervals."""
    plan.install()
    figures, rows = [], []
    for stage, referee, running in _stages(plan, operations):
        for operation in operations:
            asked = questions(operation, stage.numbers)
            for who in plan.who:
                for one in referee.admitted(running, operation, who):
                    as_much_as_possible(one, asked, who, plan.warm_up, plan.load)
                    most = as_much_as_possible(one, asked, who, plan.seconds, plan.load).rate
                    answered = at_rate(one, asked, who, plan.seconds, plan.load, most * share, "even")
                    one.settle()
                    say(f"{stage.kind} {operation} {who}@ {one.name} {most * share:,.0f}/s: p99 {answered.p99:.1f} ms")
                    key = {"database": stage.kind, "operation": operation, "who": who, "contender": one.name}
                    figures.append(key | {"most": most, "share": share} | as_json(answered))
                    rows.append(
                        [
                            f"{operation}, {TITLES[stage.kind]}, {who}@: {one.name}", f"{most:,.0f}",
                            f"{most * share:,.0f}", f"{answered.p50:.2f}", f"{answered.p99:.2f}",
                            f"{answered.p99 / max(answered.p50, 1e-9):.1f}", str(answered.errors),
                        ]
                    )  # fmt: skip
    headings = ("", "most/s", "asked/s", "p50 ms", "p99 ms", "p99 / p50", "errors")
    title = f"# Latency at {share:.0%} of the most"
    plan.write("rate", figures, "\n\n".join([title, *plan.notes(), table(headings, rows)]) + "\n")


def _stages(plan: Plan, operations: Sequence[str]) -> Any:
    """Each database with its contenders started."""
    parts = list(MIX) if "mix" in operations else list(operations)
    for kind in plan.databases:
        with on_stage(kind, plan.cases, plan.folder, plan.cores, say) as stage:
            stage.learn(list(dict.fromkeys([*operations, *parts])), plan.who)
            with stage.started(plan.contenders, plan.workers) as running:
                yield stage, Referee(stage, plan.load, plan.seconds, plan.warm_up), running


def cold_start(plan: Plan, rounds: int) -> None:
    """Start each anew, in turn; ask once, and then for a while."""
    plan.install()
    who, figures = plan.who[0], []
    for kind in plan.databases:
        with on_stage(kind, plan.cases, plan.folder, plan.cores, say) as stage:
            stage.learn(["home"], [who])
            (asked,) = questions("home", stage.numbers)
            for contender in plan.contenders * rounds:
                with stage.started([contender], plan.workers) as started:
                    figures += [{"database": kind} | _first_answer(plan, one, asked.body, who) for one in started]
    rows = []
    for key in dict.fromkeys((one["database"], one["contender"]) for one in figures):
        each = [one for one in figures if (one["database"], one["contender"]) == key]
        middle = {name: median(one[name] for one in each) for name in each[0] if name not in {"database", "contender"}}
        rows.append(
            [
                f"{TITLES[key[0]]}: {key[1]}", f"{middle['seconds']:.2f}", f"{middle['cpu']:.2f}",
                f"{middle['first_ms']:.0f}", f"{middle['memory'] / 1e6:.0f}", f"{middle['warm_memory'] / 1e6:.0f}",
            ]
        )  # fmt: skip
    headings = ("", "seconds until ready", "CPU s until ready", "first answer ms", "MB per worker", "MB after load")
    plan.write("start", figures, "\n\n".join(["# Cold start", *plan.notes(), table(headings, rows)]) + "\n")


def _first_answer(plan: Plan, one: Running, body: Any, who: str) -> dict[str, Any]:
    before = time.perf_counter()
    one.ask(body(one.contender.own_documents), who).raise_for_status()
    first = (time.perf_counter() - before) * 1000
    memory = memory_of(one.pid) / plan.workers
    as_much_as_possible(one, questions("home", []), who, plan.seconds, plan.load)
    say(f"{one.name} was ready after {one.seconds_to_start:.2f} s ({one.cpu_to_start.total:.2f} s of CPU)")
    return {
        "contender": one.name, "seconds": one.seconds_to_start, "cpu": one.cpu_to_start.total, "first_ms": first,
        "memory": memory, "warm_memory": memory_of(one.pid) / plan.workers,
    }  # fmt: skip


def monday(plan: Plan, per_second: float, minutes: float) -> None:
    """The mix at a steady rate, a minute at a time."""
    plan.install()
    figures, rows = [], []
    for stage, referee, running in _stages(plan, ["mix"]):
        for who in plan.who:
            for one in referee.admitted(running, "mix", who):
                each = [_minute(plan, stage, one, who, per_second, part) for part in _parts(minutes)]
                one.settle()
                figures += each
                requests, seconds = sum(part["requests"] for part in each), sum(part["seconds"] for part in each)
                busy = sum(part["server_cpu"] for part in each) / seconds
                database = sum(part["database_cpu"] for part in each) / seconds
                rows.append(
                    [
                        f"{TITLES[stage.kind]}, {who}@: {one.name}", f"{requests:,}",
                        str(sum(part["errors"] for part in each)), f"{median(part['p50'] for part in each):.1f}",
                        f"{median(part['p99'] for part in each):.1f}", f"{max(part['p99'] for part in each):.1f}",
                        f"{busy:.0%}", f"{database:.0%}" if database else "", f"{1 / max(busy + database, 1e-9):.1f} ×",
                    ]
                )  # fmt: skip
    headings = (
        "", "requests", "errors", "p50 ms", "p99 ms", "worst minute's p99", "CPU busy", "database busy", "headroom",
    )  # fmt: skip
    title = f"# Monday: {per_second:g} requests/s of the mix for {minutes:g} minutes"
    told = "Headroom: how many times as much one core would bear, by the CPU that was taken."
    plan.write("monday", figures, "\n\n".join([title, *plan.notes(), told, table(headings, rows)]) + "\n")


def _parts(minutes: float) -> list[float]:
    """Seconds of each part: a minute, and what is left."""
    whole, rest = divmod(round(minutes * 60), 60)
    return [60.0] * whole + ([float(rest)] if rest else [])


def _minute(plan: Plan, stage: Stage, one: Running, who: str, rate: float, seconds: float) -> dict[str, Any]:
    before, before_database = cpu_of(one.pid), stage.database_cpu()
    answered = at_rate(one, questions("mix", stage.numbers), who, seconds, plan.load, rate, "random")
    server, database = cpu_of(one.pid) - before, stage.database_cpu() - before_database
    say(
        f"{stage.kind} {one.name}: {answered.requests:,} answered, errors {answered.errors}, "
        f"p50 {answered.p50:.1f} ms, p99 {answered.p99:.1f} ms, {server.total / answered.seconds:.0%} of a core"
    )
    cpu = {"server_cpu": server.total, "database_cpu": database.total, "memory": memory_of(one.pid)}
    return {"database": stage.kind, "who": who, "contender": one.name} | as_json(answered) | cpu

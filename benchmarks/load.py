"""Load on a contender: as much as it takes (wrk), or a constant rate (`openloop`)."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.asking import ORGANISATION, Question
from benchmarks.contenders import Running

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Load:
    """How much is asked, from which core."""

    connections: int = 32
    core: int = 1


@dataclass(frozen=True)
class Answered:
    """What became of a load. Latencies in milliseconds."""

    requests: int
    seconds: float
    errors: int
    p50: float
    p99: float
    max: float
    bytes: int

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds


def _write_bodies(running: Running, questions: Sequence[Question]) -> Path:
    path = running.state / f"{running.name}.bodies"
    documents = running.contender.own_documents
    path.write_text("".join(f"{question.body(documents)}\n" for question in questions))
    return path


def _run(command: Sequence[str], running: Running, questions: Sequence[Question], who: str) -> Answered:
    environment = {
        "BENCH_BODIES": str(_write_bodies(running, questions)),
        "BENCH_TOKEN": running.issuer.token(who),
        "BENCH_ORGANISATION": ORGANISATION,
    }
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    if done.returncode != 0 or not done.stdout.strip():
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return Answered(**json.loads(done.stdout.strip().splitlines()[-1]))


def as_much_as_possible(
    running: Running, questions: Sequence[Question], who: str, seconds: float, load: Load
) -> Answered:
    """Each connection asks anew as soon as it is answered. Raises LookupError without wrk."""
    command = [
        "taskset", "-c", str(load.core), "wrk", "-t1", f"-c{load.connections}", f"-d{max(1, round(seconds))}s",
        "--timeout", "60s", "-s", str(HERE / "load.lua"), running.url.removesuffix("/graphql"),
    ]  # fmt: skip
    try:
        return _run(command, running, questions, who)
    except FileNotFoundError as error:
        raise LookupError("wrk or taskset is missing; on Debian and Ubuntu: apt install wrk util-linux") from error


def at_rate(
    running: Running, questions: Sequence[Question], who: str, seconds: float, load: Load, rate: float, intervals: str
) -> Answered:
    """Requests are sent when they are due, at `even` or `random` intervals; waits count from then."""
    command = [
        "taskset", "-c", str(load.core), sys.executable, "-m", "benchmarks.openloop",
        str(running.port), str(rate), str(seconds), intervals,
    ]  # fmt: skip
    return _run(command, running, questions, who)


def as_json(answered: Answered) -> dict[str, float]:
    return asdict(answered)

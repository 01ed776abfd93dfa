"""Where contenders meet: the database at hand, the issuer, the reference's answers, contenders started and checked."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from benchmarks import data
from benchmarks.asking import ROOT, WRITES, Issuer, Question, questions
from benchmarks.contenders import Contender, NotReadyError, Running, free_port
from benchmarks.postgres import Cluster
from benchmarks.processes import Cpu, cpu_of
from benchmarks.same import difference, values_differ, without_ids

Say = Callable[[str], None]
REFERENCE = Contender("ascms")
CHECKED = 20
"""Questions of an operation that are compared, of those that are asked."""
NUMBERS = "{ cases(first: 100, orderBy: [{ field: OPENED_AT, direction: DESC }]) { nodes { number } } }"


@dataclass
class Stage:
    """One database, and the answers that are right on it."""

    kind: str
    """`sqlite` or `postgresql`."""
    database: str
    issuer: Issuer
    folder: Path
    say: Say
    cores: Sequence[int] = (0,)
    cluster: Cluster | None = None
    numbers: list[str] = field(default_factory=list)
    """Of the school's cases, the latest first."""
    right: dict[tuple[str, str], Any] = field(default_factory=dict)
    """By person and the body of a question: the data of the answer."""

    def running(self, contender: Contender, workers: int = 1, **environment: str) -> Running:
        """The contender, to be started over the database."""
        return Running(contender, self.database, self.issuer, self.folder / "state", self.cores, workers, environment)

    def database_cpu(self) -> Cpu:
        """What the database's own processes have taken so far."""
        return cpu_of(self.cluster.process.pid) if self.cluster is not None else Cpu()

    def learn(self, operations: Sequence[str], people: Sequence[str]) -> None:
        """Have the plain execution say what is right."""
        self.say(f"{self.kind}: asking the plain execution what is right")
        with self.running(REFERENCE, ASCMS_EXECUTION="plain") as reference:
            answered = reference.ask(json.dumps({"query": NUMBERS}), people[0]).json()
            self.numbers = [case["number"] for case in answered["data"]["cases"]["nodes"]]
            for who in people:
                for question in self.checked(operations):
                    response = reference.ask(question.body(), who)
                    if response.status_code != 200 or "errors" in response.json():
                        raise RuntimeError(f"the reference refuses {question}: {response.text[:500]}")
                    self.right[who, question.body()] = response.json()["data"]

    def checked(self, operations: Sequence[str]) -> Iterator[Question]:
        """What is compared before anything is measured: some of the questions of every operation, one comment."""
        for operation in operations:
            asked = questions(operation, self.numbers)
            if operation == "comment":
                yield asked[0]
            elif operation != "mix":
                yield from asked[:: max(1, len(asked) // CHECKED)]

    def wrong(self, running: Running, operation: str, who: str) -> str | None:
        """The first of the contender's answers that is not right, in words; None where all are."""
        documents = running.contender.own_documents
        for question in self.checked([operation]):
            response = running.ask(question.body(documents), who)
            if response.status_code != 200:
                return f"{question.variables or operation}: HTTP {response.status_code}: {response.text[:300]}"
            body = response.json()
            if body.get("errors"):
                return f"{question.variables or operation}: {str(body['errors'])[:300]}"
            ours, theirs = self.right[who, question.body()], body["data"]
            if operation in WRITES:
                ours, theirs = without_ids(ours), without_ids(theirs)
            found = values_differ(ours, theirs) if documents is not None else difference(ours, theirs)
            if found is not None:
                return f"{question.variables or operation}: {found}"
        return None

    @contextmanager
    def started(self, contenders: Sequence[Contender], workers: int = 1) -> Iterator[list[Running]]:
        """The contenders that serve this kind of database, all started and held still. Who does not start is named."""
        with ExitStack() as stack:
            running = []
            for contender in contenders:
                if not contender.serves(self.kind):
                    continue
                self.say(f"{self.kind}: starting {contender.name}")
                try:
                    one = stack.enter_context(self.running(contender, workers))
                except (NotReadyError, OSError) as error:
                    self.say(f"[bold red]SKIPPED {contender.name} on {self.kind}[/] (`--set-up` installs it): {error}")
                    continue
                one.settle()
                running.append(one)
            yield running


@contextmanager
def on_stage(kind: str, cases: int, folder: Path, cores: Sequence[int], say: Say) -> Iterator[Stage]:
    """A copy of the data with so many cases, which are built where they are not yet; the copy is dropped afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    version = f"cases_{cases}_{_made_from()}"
    with Issuer(folder) as issuer:
        if kind == "sqlite":
            kept, copy = folder / f"{version}.sqlite3", folder / "run.sqlite3"
            if not kept.exists():
                say(f"building {cases:,} cases on SQLite")
                for former in folder.glob(f"cases_{cases}_*.sqlite3"):
                    _forget(former)
                part = kept.with_suffix(".part")
                _forget(part)
                data.build(part, cases)
                part.rename(kept)
                _forget(part)
            _forget(copy)
            shutil.copy(kept, copy)
            try:
                yield Stage(kind, str(copy.resolve()), issuer, folder, say, cores)
            finally:
                _forget(copy)
            return
        with Cluster(folder / "postgresql", free_port(), cores) as cluster:
            copy_name = f"run_{cases}"
            if version not in (there := cluster.databases()):
                say(f"building {cases:,} cases on PostgreSQL")
                for former in {"building"} | {name for name in there if name.startswith(f"cases_{cases}_")}:
                    cluster.sql(f"DROP DATABASE IF EXISTS {former}")
                cluster.sql("CREATE DATABASE building")
                data.build(cluster.url("building"), cases)
                cluster.sql("VACUUM ANALYZE", "building")
                cluster.sql(f"ALTER DATABASE building RENAME TO {version}")
            cluster.sql(f"DROP DATABASE IF EXISTS {copy_name}")
            cluster.sql(f"CREATE DATABASE {copy_name} TEMPLATE {version}")
            try:
                yield Stage(kind, cluster.url(copy_name), issuer, folder, say, cores, cluster)
            finally:
                cluster.sql(f"DROP DATABASE {copy_name} WITH (FORCE)")


def _made_from() -> str:
    """Changes when the tables or the data would be others, so that what was built before is built anew."""
    files = sorted((*ROOT.glob("migrations/versions/*.py"), *ROOT.glob("ascms/demo/*.py"), Path(data.__file__)))
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:8]


def _forget(path: Path) -> None:
    for one in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal"))):
        one.unlink(missing_ok=True)

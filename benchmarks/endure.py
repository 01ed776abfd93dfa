"""Endurance: many open subscriptions and a steady rate of operations together, on `ascms serve` as it is installed.

Told are errors, notifications that were due and that came, latencies (from the moment a request was due), and how the
memory of each worker grows: the slope of its resident set over time by least squares, with its standard error.
"""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from ascms.database import normalise_url
from benchmarks.asking import KEPT_FOR_COMMENTS, Issuer, Question, questions
from benchmarks.contenders import free_port
from benchmarks.openloop import is_good, is_whole, moments, percentile
from benchmarks.stage import NUMBERS, Say, Stage

LISTENING = "subscription ($number: String!) { caseChanged(number: $number) { what } }"
LISTENERS = ("lead", "both")
ON_A_SOCKET = 20
CONNECTIONS = 64
SAMPLED_EVERY = 2.0
QUIET = 5.0
"""Seconds without a notification after which no more is waited for."""
MIB = 1024 * 1024
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Asked:
    """How much is asked."""

    seconds: float
    rate: float
    subscriptions: int
    workers: int
    settle: float
    """Seconds of the beginning that are left out of the slope: caches fill."""


@dataclass(frozen=True)
class Slope:
    """How a worker's resident set changes, in MiB and MiB/hour."""

    first: float
    last: float
    an_hour: float
    error: float
    """The standard error of `an_hour`; samples that follow each other are alike, so that it is rather more."""


@dataclass
class Endured:
    """What came of it. Latencies in milliseconds."""

    answered: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    p50: float = 0
    p99: float = 0
    longest: float = 0
    changes: int = 0
    notifications_due: int = 0
    notifications: int = 0
    gaps: int = 0
    sockets_lost: int = 0
    workers: list[Slope] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether nothing failed and nothing is missing."""
        whole = self.notifications == self.notifications_due and not self.gaps and not self.sockets_lost
        return whole and not self.errors and self.answered > 0


def slope(samples: Sequence[tuple[float, float]]) -> Slope:
    """Of samples (seconds, MiB), at least three: by least squares."""
    count = len(samples)
    if count < 3:
        raise ValueError(f"{count} samples make no slope; let it run for longer")
    mean_x, mean_y = (sum(one[axis] for one in samples) / count for axis in (0, 1))
    spread = sum((x - mean_x) ** 2 for x, _ in samples)
    by_second = sum((x - mean_x) * (y - mean_y) for x, y in samples) / spread
    left = sum((y - mean_y - by_second * (x - mean_x)) ** 2 for x, y in samples)
    error = (left / (count - 2) / spread) ** 0.5
    return Slope(samples[0][1], samples[-1][1], by_second * 3600, error * 3600)


@dataclass
class Server:
    """`ascms serve` with its workers."""

    port: int
    process: "subprocess.Popen[bytes]"

    def workers(self) -> list[int]:
        """The processes that serve: the one, or those under the supervisor."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        spawned = [int(one) for one in children if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()]
        return spawned or [pid]


@contextmanager
def served(stage: Stage, asked: Asked) -> Iterator[Server]:
    """The server over the stage's database, with limits that let one person do what a thousand do otherwise."""
    port = free_port()
    given = {
        "DATABASE_URL": normalise_url(stage.database), "STATE_DIRECTORY": str((stage.folder / "endure").resolve()),
        "ISSUER": stage.issuer.address, "SECRET_KEY": token_urlsafe(48), "AUDIT_KEY": token_urlsafe(48),
        "MAXIMUM_SUBSCRIPTIONS": str(asked.subscriptions + 1), "MAXIMUM_OPERATIONS": str(ON_A_SOCKET),
        "POINTS_A_MINUTE": str(10**12), "MAXIMUM_AT_ONCE": str(10**4),
    }  # fmt: skip
    environment = os.environ | {f"ASCMS_{name}": value for name, value in given.items()}
    command = [sys.executable, "-m", "ascms.cli", "serve", "--port", str(port), "--workers", str(asked.workers)]
    log = (stage.folder / "endure.log").open("wb")
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        while b"ready" not in Path(log.name).read_bytes():
            if process.poll() is not None:
                raise RuntimeError(f"ascms serve ended at its start:\n{Path(log.name).read_text()}")
            time.sleep(0.1)
        yield Server(port, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        log.close()


def endure(stage: Stage, asked: Asked, say: Say) -> Endured:
    """Do it; the server is started and ended."""
    with served(stage, asked) as server:
        return asyncio.run(_Run(server, stage.issuer, asked, say).run())


class _Run:
    def __init__(self, server: Server, issuer: Issuer, asked: Asked, say: Say) -> None:
        self._server = server
        self._issuer = issuer
        self._asked = asked
        self._say = say
        self._heard: Counter[str] = Counter()
        """By the case's number: notifications since the last look."""
        self._heard_at = 0.0
        self._latencies: list[float] = []
        self._changed: Counter[str] = Counter()
        self._samples: dict[int, list[tuple[float, float]]] = {}
        self.endured = Endured()

    async def run(self) -> Endured:
        numbers = await self._numbers()
        commented = numbers[-KEPT_FOR_COMMENTS:]
        async with self._listening(numbers):
            hearers = await self._hearers(commented)
            self._say(f"{sum(hearers.values())} of {self._asked.subscriptions} subscriptions are on cases that change")
            watching = asyncio.create_task(self._watch())
            await self._ask(questions("mix", numbers))
            await self._until_quiet()
            watching.cancel()
        done = self.endured
        done.notifications_due = sum(hearers[number] * times for number, times in self._changed.items())
        done.notifications, done.changes = self._heard.total(), self._changed.total()
        latencies = sorted(self._latencies)
        done.answered = len(latencies)
        done.p50, done.p99 = percentile(latencies, 0.5), percentile(latencies, 0.99)
        done.longest = latencies[-1] if latencies else 0
        done.workers = [slope(samples) for samples in self._samples.values()]
        return done

    async def _numbers(self) -> list[str]:
        async with httpx.AsyncClient(timeout=120, trust_env=False) as web:
            answer = await web.post(self._url, json={"query": NUMBERS}, headers=self._issuer.headers("lead"))
        return [case["number"] for case in answer.json()["data"]["cases"]["nodes"]]

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self._server.port}/graphql"

    # Listening -----------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _listening(self, numbers: Sequence[str]) -> AsyncIterator[None]:
        """All subscriptions, in place; several on each socket, by several people, over all cases in turn."""
        wanted = [numbers[place % len(numbers)] for place in range(self._asked.subscriptions)]
        tasks: list[asyncio.Task[None]] = []
        try:
            for first in range(0, len(wanted), ON_A_SOCKET):
                who = LISTENERS[first // ON_A_SOCKET % len(LISTENERS)]
                socket = await self._opened(who, wanted[first : first + ON_A_SOCKET])
                tasks.append(asyncio.create_task(self._hear(socket, wanted[first : first + ON_A_SOCKET])))
            self._say(f"{len(wanted)} subscriptions are open on {len(tasks)} sockets")
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _opened(self, who: str, numbers: Sequence[str]) -> ClientConnection:
        headers = self._issuer.headers(who)
        socket = await connect(
            self._url.replace("http", "ws", 1), subprotocols=[Subprotocol("graphql-transport-ws")],
            proxy=None, open_timeout=None, ping_interval=None, max_size=None,
        )  # fmt: skip
        await socket.send(json.dumps({"type": "connection_init", "payload": headers}))
        await socket.recv()
        for key, number in enumerate(numbers):
            payload = {"query": LISTENING, "variables": {"number": number}}
            await socket.send(json.dumps({"type": "subscribe", "id": str(key), "payload": payload}))
        await socket.send(json.dumps({"type": "ping", "payload": {"in": "place"}}))
        while (message := json.loads(await socket.recv()))["type"] != "pong":
            if message["type"] != "ping":
                raise RuntimeError(f"a subscription was refused: {message}")
        return socket

    async def _hear(self, socket: ClientConnection, numbers: Sequence[str]) -> None:
        try:
            async for text in socket:
                message = json.loads(text)
                match message["type"]:
                    case "next":
                        self._told(numbers[int(message["id"])], message["payload"])
                    case "error" | "complete":
                        self.endured.errors[f"subscription: {str(message)[:200]}"] += 1
            self.endured.sockets_lost += 1
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 (whatever it is, it is counted)
            self.endured.errors[f"socket: {error!r}"[:200]] += 1
        finally:
            with suppress(Exception):
                await socket.close()

    def _told(self, number: str, body: dict[str, Any]) -> None:
        self._heard_at = time.perf_counter()
        if "errors" in body:
            self.endured.errors[f"notification: {str(body['errors'])[:200]}"] += 1
        elif body["data"]["caseChanged"]["what"] == "gap":
            self.endured.gaps += 1
        else:
            self._heard[number] += 1

    async def _hearers(self, commented: Sequence[str]) -> dict[str, int]:
        """How many subscriptions hear of a comment, for each case that gets any: by trying."""
        connection = await _Connection.opened(self._server.port)
        for number in commented:
            (question,) = [one for one in questions("comment", commented) if one.variables["number"] == number][:1]
            answer = await connection.ask(self._request(question))
            if not is_good(answer):
                raise RuntimeError(f"a comment was not made: {answer.decode(errors='replace')[:300]}")
        connection.close()
        await self._until_quiet()
        found = dict(self._heard)
        self._heard.clear()
        missing = [number for number in commented if number not in found]
        if missing and self._asked.subscriptions >= len(commented) * 5:
            raise RuntimeError(f"nobody hears of the cases {', '.join(missing)}")
        return {number: found.get(number, 0) for number in commented}

    async def _until_quiet(self) -> None:
        self._heard_at = time.perf_counter()
        while (left := self._heard_at + QUIET - time.perf_counter()) > 0:  # noqa: ASYNC110 (silence is what counts)
            await asyncio.sleep(left)

    # Asking --------------------------------------------------------------------------------------------------

    async def _ask(self, mix: Sequence[Question]) -> None:
        """Each when it is due, over whichever connection is free."""
        due = moments(self._asked.rate, self._asked.seconds, random.Random(1))
        requests = [(self._request(one), one) for one in mix]
        free: asyncio.Queue[_Connection] = asyncio.Queue()
        for _ in range(CONNECTIONS):
            free.put_nowait(await _Connection.opened(self._server.port))
        start, told = time.perf_counter(), 0.0
        async with asyncio.TaskGroup() as group:
            for place, moment in enumerate(due):
                await asyncio.sleep(max(0.0, start + moment - time.perf_counter()))
                request, question = requests[place % len(requests)]
                group.create_task(self._one(free, request, question, start + moment))
                if moment - told >= 60:
                    told = moment
                    self._say(
                        f"{moment:.0f} s: {len(self._latencies):,} answered, {self.endured.errors.total()} errors"
                    )
        while not free.empty():
            free.get_nowait().close()

    async def _one(self, free: "asyncio.Queue[_Connection]", request: bytes, question: Question, due: float) -> None:
        connection = await free.get()
        try:
            response = await connection.ask(request)
        except (OSError, asyncio.IncompleteReadError) as error:
            self.endured.errors[f"request: {error!r}"[:200]] += 1
            connection.close()
            connection = await _Connection.opened(self._server.port)
        else:
            if is_good(response):
                self._latencies.append((time.perf_counter() - due) * 1000)
                if question.operation == "comment":
                    self._changed[str(question.variables["number"])] += 1
            else:
                self.endured.errors[response[:12].decode("latin-1") + response[-200:].decode("latin-1")] += 1
        free.put_nowait(connection)

    def _request(self, question: Question) -> bytes:
        body = question.body().encode()
        headers = "".join(f"{name}: {value}\r\n" for name, value in self._issuer.headers("lead").items())
        head = f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
        return head.encode() + body

    # Memory --------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        start = time.perf_counter()
        workers = self._server.workers()
        self._samples = {worker: [] for worker in workers}
        while True:
            await asyncio.sleep(SAMPLED_EVERY)
            at = time.perf_counter() - start
            if self._server.workers() != workers:
                self.endured.errors["a worker died"] += 1
            for worker, samples in self._samples.items():
                if at >= self._asked.settle:
                    with suppress(OSError):
                        samples.append((at, _resident(worker)))


def _resident(pid: int) -> float:
    """The resident set of a process, in MiB. Raises OSError where it is gone."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / MIB


class _Connection:
    """A connection with one request under way at most."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def opened(cls, port: int) -> "_Connection":
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def ask(self, request: bytes) -> bytes:
        """The whole response. Raises OSError where the other side hangs up."""
        self._writer.write(request)
        received = bytearray()
        while not is_whole(received):
            piece = await self._reader.read(1 << 20)
            if not piece:
                raise ConnectionError("closed")
            received += piece
        return bytes(received)

    def close(self) -> None:
        self._writer.close()


def in_words(asked: Asked, done: Endured) -> str:
    """The report, in Markdown."""
    title = (
        f"# {asked.subscriptions:,} subscriptions and {asked.rate:g} operations/s for {asked.seconds:g} s, "
        f"{asked.workers} worker(s)"
    )
    operations = (
        f"- {done.answered:,} operations answered, {done.errors.total()} errors; p50 {done.p50:.1f} ms, "
        f"p99 {done.p99:.1f} ms, longest {done.longest:.0f} ms"
    )
    told = (
        f"- {done.changes:,} changes; {done.notifications_due:,} notifications due, {done.notifications:,} came; "
        f"{done.gaps} gaps; {done.sockets_lost} sockets lost"
    )
    lines = [title, "", operations, told]
    for number, one in enumerate(done.workers, start=1):
        lines.append(
            f"- worker {number}: {one.first:.1f} MiB, {asked.seconds - asked.settle:g} s later {one.last:.1f} MiB; "
            f"{one.an_hour:+.1f} ± {one.error:.1f} MiB/hour (standard error)"
        )
    lines += [f"- error, {times} times: `{what}`" for what, times in done.errors.most_common(10)]
    return "\n".join(lines) + "\n"


def keep(folder: Path, asked: Asked, done: Endured, name: str) -> None:
    """Write the report and its figures."""
    figures = {"asked": asdict(asked), "endured": asdict(done)}
    (folder / f"{name}.json").write_text(json.dumps(figures, indent=1))
    (folder / f"{name}.md").write_text(in_words(asked, done))

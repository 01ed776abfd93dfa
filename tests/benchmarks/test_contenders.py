"""Contenders are started, held still and ended; who does not start is told with its last words."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import contenders
from benchmarks.asking import Issuer
from benchmarks.contenders import Contender, NotReadyError, Running, all_contenders
from benchmarks.processes import cpu_of

BUSY = 0.5
TICK = 0.02
"""What the operating system may count too little, at both ends."""
SERVE = """#!/usr/bin/env python3
import os, socket, time
from http.server import BaseHTTPRequestHandler, HTTPServer

BUSY = 0.5

class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(os.environ["BENCH_DATABASE"].encode() + b" " + body)
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_WR)
        until = time.process_time() + (BUSY if body == b"busy" else 0)
        while time.process_time() < until:  # goes on after its answer, as a server does that was left under way
            pass

    def log_message(self, *ignored): ...

server = HTTPServer(("127.0.0.1", int(os.environ["BENCH_PORT"])), Handler)
print("ready", flush=True)
server.serve_forever()
"""
FAILS = "#!/bin/sh\necho 'a package is missing' >&2\nexit 3\n"


@pytest.fixture
def peers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "peers"
    monkeypatch.setattr(contenders, "PEERS", folder)
    for name, serve in (("zebra", SERVE), ("ascms", SERVE), ("broken", FAILS), ("node_common", SERVE)):
        (folder / name).mkdir(parents=True)
        (folder / name / "serve").write_text(serve)
        (folder / name / "serve").chmod(0o755)
    return folder


@pytest.fixture
def issuer(tmp_path: Path) -> Iterator[Issuer]:
    with Issuer(tmp_path / "keys") as issuer:
        yield issuer


def test_all_that_serve_take_part_ours_first(peers: Path) -> None:
    assert [contender.name for contender in all_contenders()] == ["ascms", "broken", "zebra"]


def test_files_say_what_a_contender_cannot_do(peers: Path) -> None:
    zebra, ascms = Contender("zebra"), Contender("ascms")
    (peers / "zebra/databases").write_text("sqlite\n")
    (peers / "zebra/lacks").write_text("page\n")
    (peers / "zebra/own-documents").touch()
    assert (zebra.serves("sqlite"), zebra.serves("postgresql")) == (True, False)
    assert (zebra.lacks("page"), zebra.lacks("mix"), zebra.lacks("home")) == (True, True, False)
    assert zebra.own_documents == peers / "zebra/operations"
    assert ascms.serves("postgresql")
    assert not ascms.lacks("mix")
    assert ascms.own_documents is None


def test_a_contender_answers_once_it_is_ready_becomes_idle_and_ends(
    peers: Path, issuer: Issuer, tmp_path: Path
) -> None:
    with Running(Contender("zebra"), "some.sqlite3", issuer, tmp_path / "state") as running:
        assert running.seconds_to_start > 0
        assert running.cpu_to_start.total > 0
        assert running.ask("one", "lead").text == "some.sqlite3 one"
        running.settle()
        before = cpu_of(running.pid)
        assert running.ask("busy", "lead").text == "some.sqlite3 busy"
        running.settle()
        assert cpu_of(running.pid).total >= before.total + BUSY - TICK
        pid = running.pid
    assert not Path(f"/proc/{pid}").exists()


def test_one_that_does_not_start_is_told_with_its_last_words(peers: Path, issuer: Issuer, tmp_path: Path) -> None:
    broken = Running(Contender("broken"), "some.sqlite3", issuer, tmp_path / "state")
    with pytest.raises(NotReadyError, match="broken did not start; it said last:\na package is missing"), broken:
        pass

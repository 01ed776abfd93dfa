"""A server that is told to end: it finishes what runs, tells who listens to come again, and leaves nothing undone."""

import asyncio
import contextlib
import json
import signal
import socket
from pathlib import Path

import httpx
import pytest

from ascms.audit import verify_database
from ascms.server.sockets import GOING_AWAY
from tests.support.commands import AUDIT_KEY
from tests.support.installation import Installation, serving
from tests.support.live import Closed, events, signed_in
from tests.support.sql import changes_wait, rows

LEAD = "lead@test-college.school.nz"
OFFICE = "office@test-college.school.nz"
ALERTS = "subscription { alertRaised { id } }"
COMMENT = 'mutation { addComment(input: {number: "00307473", body: "%s"}) { comment { id } problems { message } } }'
FILE = (
    'mutation ($f: Upload!) { addFile(input: {number: "00307473", file: $f}) { file { name } problems { message } } }'
)
CONTENT = b"A letter to the family.\n" * 5_000
FOR_LONG = "600"
"""Seconds that nothing here takes."""


class SlowUpload:
    """A file that is sent in two halves over a connection of its own."""

    def __init__(self, server: Installation, email: str) -> None:
        parts = {"operations": json.dumps({"query": FILE, "variables": {"f": None}}), "map": '{"0": ["variables.f"]}'}
        body = b"".join(
            f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode()
            for name, text in parts.items()
        )
        body += b'--x\r\nContent-Disposition: form-data; name="0"; filename="letter.txt"\r\n\r\n' + CONTENT
        self._body = body + b"\r\n--x--\r\n"
        self._socket = socket.create_connection(("127.0.0.1", server.port))
        head = (
            f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {server.token(email)}\r\n"
            f"Content-Length: {len(self._body)}\r\nContent-Type: multipart/form-data; boundary=x\r\n"
            "Accept: application/graphql-response+json\r\nExpect: 100-continue\r\n\r\n"
        )
        self._socket.sendall(head.encode())
        assert b"100 Continue" in self._socket.recv(1_000)  # somebody reads
        self._socket.sendall(self._body[: len(self._body) // 2])

    def finish(self) -> bytes:
        """Send the rest; what is answered."""
        self._socket.sendall(self._body[len(self._body) // 2 :])
        return self.answer()

    def answer(self) -> bytes:
        """What is answered, until the connection ends."""
        with self._socket:
            answer = b""
            while part := self._socket.recv(65_536):
                answer += part
            return answer


async def under_way(server: Installation, number: int) -> None:
    """Wait until so many operations are under way, in whichever worker."""
    async with httpx.AsyncClient(
        trust_env=False, timeout=None, limits=httpx.Limits(max_keepalive_connections=0)
    ) as web:
        seen: dict[str, float] = {}
        while sum(seen.values()) < number:
            shown = (await web.get(f"{server.url}/metrics")).text.splitlines()
            values = dict(line.split(" ") for line in shown if line.startswith("ascms_operations_under_way"))
            seen[values["ascms_operations_under_way_most"]] = float(values["ascms_operations_under_way"])


async def ready(server: Installation) -> int | None:
    """What `/readyz` says to a new connection; None where there is none to be had."""
    async with httpx.AsyncClient(trust_env=False, timeout=None) as web:
        with contextlib.suppress(httpx.TransportError):
            return (await web.get(f"{server.url}/readyz")).status_code
    return None


async def comment(server: Installation, text: str, accept: str = "application/json") -> httpx.Response:
    headers = {"Authorization": f"Bearer {server.token(LEAD)}", "Accept": accept}
    async with httpx.AsyncClient(trust_env=False, timeout=None) as web:
        return await web.post(f"{server.url}/graphql", json={"query": COMMENT % text}, headers=headers)


async def test_what_runs_is_finished_and_who_listens_is_sent_elsewhere(world_url: str, tmp_path: Path) -> None:
    with serving(world_url, tmp_path, ending_notice="4", ending_grace=FOR_LONG) as server:
        for person in (LEAD, OFFICE):
            assert server.ask(person, "{ viewer { roles } }").status == 200
        async with (
            events(server, server.token(OFFICE), ALERTS) as stream,
            signed_in(server, LEAD) as busy,
            signed_in(server, LEAD) as idle,
        ):
            await idle.subscribe(ALERTS)
            upload = SlowUpload(server, LEAD)
            async with changes_wait(world_url):
                over_http = asyncio.create_task(comment(server, "over HTTP"))
                over_socket = await busy.begin(COMMENT % "over a socket")
                await under_way(server, 2)
                server.process.terminate()
                said = [await ready(server)]
                while said[-1] is not None:
                    said.append(await ready(server))
                assert [code for code in said if code != 200] == [503] * (len(said) - 1 - said.count(200)) + [None]
                assert 503 in said
                assert await stream.event() is None
                assert await idle.closed() == Closed(1001, GOING_AWAY)
                assert not over_http.done()
            done = [(await over_http).json(), await busy.next(over_socket)]
            assert [one["data"]["addComment"]["problems"] for one in done] == [[], []]
            assert await busy.closed() == Closed(1001, GOING_AWAY)
            answer = await asyncio.to_thread(upload.finish)
            assert answer.startswith(b"HTTP/1.1 200 ")
            assert json.loads(answer.partition(b"\r\n\r\n")[2])["data"]["addFile"] == {
                "file": {"name": "letter.txt"}, "problems": [],
            }  # fmt: skip
        assert await asyncio.to_thread(server.process.wait) == 0
        assert "Traceback" not in server.log()
        kept = "SELECT count(*) FROM comment WHERE body LIKE 'over %'"
        assert rows(world_url, kept) == [(2,)]
        report = await asyncio.to_thread(verify_database, world_url, server.state, AUDIT_KEY.encode())
        assert report.ok, str(report)
        heads = (server.state / "heads/index").read_text().splitlines()
        assert sum('"opened"' in line for line in heads) == sum('"closed"' in line for line in heads) > 0


async def test_who_is_not_answered_in_time_is_told_to_come_back_and_nothing_was_done(
    world_url: str, tmp_path: Path
) -> None:
    with serving(world_url, tmp_path, ending_grace="0.5") as server:
        assert server.ask(LEAD, "{ viewer { roles } }").status == 200
        async with changes_wait(world_url):
            kinds = ("application/json", "application/graphql-response+json")
            waiting = [asyncio.create_task(comment(server, "too late", kind)) for kind in kinds]
            await under_way(server, 2)
            server.process.terminate()
            for kind, answer in zip(kinds, await asyncio.gather(*waiting), strict=True):
                assert answer.status_code == 503
                assert answer.headers["Content-Type"] == f"{kind}; charset=utf-8"
                assert int(answer.headers["Retry-After"]) > 0
                assert answer.headers["X-Request-Id"] in server.log()
                [error] = answer.json()["errors"]
                assert error["extensions"] == {"code": "UNAVAILABLE"}
                assert "data" not in answer.json()
            assert await asyncio.to_thread(server.process.wait) == 0
        assert "Traceback" not in server.log()
        assert rows(world_url, "SELECT count(*) FROM comment WHERE body = 'too late'") == [(0,)]


async def test_a_file_that_is_not_all_there_in_time_is_answered_too(world_url: str, tmp_path: Path) -> None:
    with serving(world_url, tmp_path, ending_grace="0.5") as server:
        assert server.ask(LEAD, "{ viewer { roles } }").status == 200
        upload = SlowUpload(server, LEAD)
        server.process.terminate()
        answer = await asyncio.to_thread(upload.answer)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: " in answer
        assert await asyncio.to_thread(server.process.wait) == 0
        assert list((server.state / "incoming").glob("*")) == []


async def test_a_second_signal_ends_it_at_once(world_url: str, tmp_path: Path) -> None:
    with serving(world_url, tmp_path, ending_grace=FOR_LONG) as server:
        assert server.ask(LEAD, "{ viewer { roles } }").status == 200
        async with changes_wait(world_url):
            waiting = asyncio.create_task(comment(server, "cut off"))
            await under_way(server, 1)
            server.process.terminate()
            while await ready(server) is not None:
                pass
            server.process.send_signal(signal.SIGINT)
            assert await asyncio.to_thread(server.process.wait) == 128 + signal.SIGINT
            with pytest.raises(httpx.TransportError):
                await waiting
        assert rows(world_url, "SELECT count(*) FROM comment WHERE body = 'cut off'") == [(0,)]

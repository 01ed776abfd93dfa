"""What a server writes about requests: enough to find one again, nothing of whom it was about."""

import json
import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from ascms.telemetry.logs import JsonFormatter, TextFormatter
from tests.conftest import build_world
from tests.support.databases import Databases
from tests.support.live import opened, signed_in
from tests.support.server import DemoServer
from tests.support.sql import execute, rows

LEAD = "lead@test-college.school.nz"
QUERY = (
    "query SecretName($search: String) { cases(first: 3, search: $search) { nodes { number student { fullName } } } }"
)
TRUSTED = "query PortalHome { viewer { roles } }"

Lines = list[dict[str, Any]]


@pytest.fixture(scope="module")
def logging_server(
    databases_of: Callable[[str], Databases], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DemoServer]:
    """A server that logs as one in earnest does, with one trusted document."""
    folder = tmp_path_factory.mktemp("logs")
    trusted = folder / "trusted.json"
    trusted.write_text(json.dumps({"home": TRUSTED}))
    databases = databases_of("sqlite")
    url = databases.copy("world", build_world)
    with DemoServer(url, folder, log_format="json", trusted_documents=str(trusted)) as server:
        yield server
    databases.drop(url)


def lines(server: DemoServer, name: str | None = None) -> Lines:
    """The log so far: of the request `name`, or all of it."""
    found = [json.loads(line) for line in server.log().splitlines() if line.startswith("{")]
    return [line for line in found if name is None or line.get("requestId") == name]


def of_request(server: DemoServer, name: str) -> dict[str, Any]:
    [line] = [line for line in lines(server, name) if line["logger"] == "ascms.requests"]
    return line


def ask(server: DemoServer, name: str, query: str = QUERY, **variables: Any) -> Any:
    return server.ask(LEAD, query, variables, headers={"X-Request-ID": name})


def test_a_request_has_a_line_that_says_what_was_asked_by_whom_and_how_long_it_took(logging_server: DemoServer) -> None:
    name = str(uuid4())
    assert ask(logging_server, name, search="Test").headers["x-request-id"] == name
    line = of_request(logging_server, name)
    [(user, organisation)] = rows(
        logging_server.database,
        "SELECT u.id, o.id FROM user_account u, organisation o WHERE u.username = :name AND o.number = '1234'",
        name=LEAD,
    )
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line.pop("time"))
    assert line.pop("ms") > 0
    assert re.fullmatch(r"[0-9a-f]{64}", line.pop("operation"))
    assert line == {
        "level": "INFO", "logger": "ascms.requests", "message": "request", "requestId": name, "method": "POST",
        "path": "/graphql", "status": 200, "operationName": None, "userId": user, "organisationId": organisation,
    }  # fmt: skip


def test_only_a_trusted_documents_name_is_written(logging_server: DemoServer) -> None:
    names = [uuid4().hex, uuid4().hex]
    ask(logging_server, names[0], TRUSTED)
    ask(logging_server, names[1], TRUSTED.replace("PortalHome", "Aroha"))
    assert [of_request(logging_server, name)["operationName"] for name in names] == ["PortalHome", None]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"X-Request-ID": "0f8fad5b-d9cb-469f-a165-70867728950e"}, "0f8fad5b-d9cb-469f-a165-70867728950e"),
        ({"X-Request-ID": "3b1f0c2d4e5f60718293a4b5c6d7e8f9"}, "3b1f0c2d4e5f60718293a4b5c6d7e8f9"),
        (
            {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
            "4bf92f3577b34da6a3ce929d0e0e4736",
        ),
        (
            {
                "X-Request-ID": "Aroha Ngata",
                "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            },
            "4bf92f3577b34da6a3ce929d0e0e4736",
        ),
        ({"X-Request-ID": "Aroha-Ngata-of-Test-College"}, None),
        ({"X-Request-ID": "1234"}, None),
        ({"X-Request-ID": "a" * 65}, None),
        ({"X-Request-ID": '0f8fad5bd9cb469f"}'}, None),
        ({"traceparent": "00-" + "0" * 32 + "-00f067aa0ba902b7-01"}, None),
        ({"traceparent": "none"}, None),
        ({}, None),
    ],
)
def test_a_request_goes_by_the_name_it_was_given_where_that_can_name_nobody(
    logging_server: DemoServer, sent: dict[str, str], kept: str | None
) -> None:
    given = logging_server.client.get("/healthz", headers=sent).headers["x-request-id"]
    assert kept == given if kept else re.fullmatch(r"[0-9a-f]{32}", given)
    assert "Aroha" not in logging_server.log()


def test_of_a_path_only_the_route_is_written(logging_server: DemoServer) -> None:
    paths = {
        "/healthz": "/healthz",
        "/files/1.2.3.4.5.signature": "/files/{address}",
        "/static/ide/nothing.js": "/static/{path}",
        "/students/Aroha-Ngata": "-",
        "/graphql?query=%7B%20viewer%20%7B%20roles%20%7D%20%7D&variables=%7B%22search%22%3A%22Ngata%22%7D": "/graphql",
    }
    for path, route in paths.items():
        name = uuid4().hex
        logging_server.client.get(path, headers={"X-Request-ID": name})
        assert of_request(logging_server, name)["path"] == route
    assert "Ngata" not in logging_server.log()
    assert "signature" not in logging_server.log()


def test_who_is_turned_away_has_a_line_too(logging_server: DemoServer) -> None:
    name = uuid4().hex
    answer = logging_server.client.post("/graphql", json={"query": QUERY}, headers={"X-Request-ID": name})
    line = of_request(logging_server, name)
    assert (answer.status_code, line["status"], line["userId"], line["operation"]) == (401, 401, None, None)


async def test_operations_of_a_socket_have_lines_and_its_address_has_none(logging_server: DemoServer) -> None:
    before = len(lines(logging_server))
    async with signed_in(logging_server, LEAD) as socket:
        await socket.next(await socket.begin("{ viewer { roles } }"))
        await socket.subscribe('subscription { caseChanged(number: "00307473") { case { number } } }')
        await socket.error(await socket.begin("{ nothing }"))
    async with opened(logging_server, headers={"X-ASCMS-Organisation": "Ngata"}):
        pass
    new = [line for line in lines(logging_server)[before:] if line["logger"] == "ascms.requests"]
    told = [(line["method"], line["path"], line["status"], line["userId"] is None) for line in new]
    assert told == [("WEBSOCKET", "/graphql", status, status == 400) for status in (200, 200, 400)]
    assert len({line["requestId"] for line in new}) == 3
    assert "00307473" not in logging_server.log()


def test_what_went_wrong_on_our_side_can_be_found_by_what_the_user_was_told(
    databases_of: Callable[[str], Databases], tmp_path: Path
) -> None:
    databases = databases_of("sqlite")
    url = databases.copy("world", build_world)
    with DemoServer(url, tmp_path, log_format="json") as server:
        server.ask(LEAD, "{ viewer { roles } }")
        execute(server.database, "ALTER TABLE student RENAME COLUMN date_of_birth TO gone")
        name = uuid4().hex
        answer = server.ask(LEAD, "{ students(first: 3) { nodes { dateOfBirth } } }", headers={"X-Request-ID": name})
        assert (answer.status, answer.codes) == (500, ["INTERNAL"])
        [error] = answer.errors
        assert error["extensions"]["requestId"] == name
        assert name in error["message"]
        [line] = [line for line in lines(server, name) if line["level"] == "ERROR"]
        assert line["error"][-1]["type"] == "sqlite3.OperationalError"
        assert any("ascms/" in place for place in line["error"][-1]["at"])
        assert of_request(server, name)["status"] == 500
        assert "no such column" not in server.log()
    databases.drop(url)


def test_an_errors_message_is_written_only_where_that_is_asked_for() -> None:
    error = ValueError("Ngata")
    error.__cause__ = KeyError("Aroha")
    caught = (ValueError, error, None)
    written = {}
    for details in (False, True):
        for formatter in (JsonFormatter(details=details), TextFormatter(details=details)):
            record = logging.LogRecord("other", logging.ERROR, "", 0, "of %s\nAroha", ("Ngata",), caught)
            written[details, type(formatter)] = formatter.format(record)
    assert all(("Ngata" in line, "Aroha" in line) == (details, details) for (details, _), line in written.items())
    line = json.loads(written[False, JsonFormatter])
    assert line["message"] == "of %s"
    assert [error["type"] for error in line["error"]] == ["KeyError", "ValueError"]


def test_a_terminal_is_written_to_as_people_read(launch: Callable[..., DemoServer]) -> None:
    server = launch("sqlite")
    name = uuid4().hex
    assert ask(server, name, search="Test").status == 200
    [line] = [line for line in server.log().splitlines() if name in line]
    assert re.search(r"INFO +POST /graphql 200 [\d.]+ ms [0-9a-f]{12} user \d+ " + name, line)


def test_what_ends_a_thread_or_the_process_is_a_line_without_its_message_too() -> None:
    program = """
import threading
from ascms.settings import Settings
from ascms.telemetry.logs import configure

def fail():
    raise ValueError(" ".join(("Hemi", "Walker")))

configure(Settings())
thread = threading.Thread(target=fail)
thread.start()
thread.join()
fail()
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    assert [(line["message"], line["error"][0]["type"]) for line in lines] == [("not caught", "ValueError")] * 2
    assert "Hemi Walker" not in ended.stderr

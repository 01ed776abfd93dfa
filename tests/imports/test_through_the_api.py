"""Imports as the Ministry Administrator makes and follows them, over HTTP."""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from ascms.database import state_directory
from ascms.imports.staging import staging
from tests.imports.files import content
from tests.support.server import DemoServer
from tests.support.sql import rows

ADMINISTRATOR = "admin@ministry.nz"
COLLEGE = "lead@test-college.school.nz"
SECOND = "lead@second-school.school.nz"
QUEUE = "workflow@waikato-attendance.nz"

RUN = """import { id kind state linesRead linesBad failure counts { name count } startedAt finishedAt
    problems(first: 2) { totalCount nodes { line reason } pageInfo { hasNextPage } } }
  problems { __typename code message path }"""
ENROLMENTS = f"mutation($input: ImportEnrolmentsInput!) {{ done: importEnrolments(input: $input) {{ {RUN} }} }}"
CASES = f"mutation($input: ImportCasesInput!) {{ done: importCases(input: $input) {{ {RUN} }} }}"
FOLLOWED = "{ viewer { imports { totalCount nodes { id kind state linesRead } } } }"
SEEN = "query($number: String!) { case(number: $number) { number school { number } primaryContact { displayName } } }"

FEW = ["nsn", "full_name", "school_number", "started_on"]


def give(
    server: DemoServer, mutation: str, file: str, email: str = ADMINISTRATOR, key: str | None = None
) -> dict[str, Any]:
    """The answer to an import, as a client sends it."""
    headers = {"Accept": "application/graphql-response+json", "Authorization": f"Bearer {server.token(email)}"}
    answer = server.client.post(
        "/graphql",
        data={
            "operations": json.dumps({"query": mutation, "variables": {"input": {"file": None}}}),
            "map": json.dumps({"0": ["variables.input.file"]}),
        },
        files={"0": ("nightly.csv", file.encode(), "text/csv")},
        headers={**headers, **({} if key is None else {"Idempotency-Key": key})},
    )
    body: dict[str, Any] = answer.json()
    return body


def done(server: DemoServer, mutation: str, file: str, **given: Any) -> dict[str, Any]:
    """The payload of an import."""
    body = give(server, mutation, file, **given)
    assert "errors" not in body, body
    payload: dict[str, Any] = body["data"]["done"]
    return payload


def followed(server: DemoServer, email: str = ADMINISTRATOR) -> Any:
    return server.ask(email, FOLLOWED).data["viewer"]["imports"]


def line_of(nsn: str, name: str, school: str = "1235") -> dict[str, str]:
    return {"nsn": nsn, "full_name": name, "school_number": school, "started_on": "2026-05-04"}


def a_case_at_the_college(server: DemoServer) -> tuple[str, str, str]:
    """The number of a case with a contact, and its student's number and name."""
    found = rows(
        server.database,
        """SELECT c.number, s.nsn, s.full_name FROM case_record c JOIN student s ON s.id = c.student_id
        JOIN organisation o ON o.id = c.school_id WHERE o.number = '1234' AND c.active
        AND c.primary_contact_id IS NOT NULL ORDER BY c.number LIMIT 1""",
    )
    number, nsn, name = found[0]
    return number, nsn, name


def test_a_student_who_moved_is_the_new_schools_from_then_on(changing: DemoServer) -> None:
    number, nsn, name = a_case_at_the_college(changing)
    assert changing.ask(COLLEGE, SEEN, {"number": number}).data["case"]["school"]["number"] == "1234"
    lines = [line_of(nsn, name), line_of("000000000A", name), line_of("0009999999", "Aroha New")]
    payload = done(changing, ENROLMENTS, content(*lines))
    run = payload["import"]
    assert payload["problems"] == []
    assert (run["kind"], run["state"], run["failure"]) == ("ENROLMENTS", "DONE", None)
    assert (run["linesRead"], run["linesBad"]) == (3, 1)
    assert run["problems"] == {
        "totalCount": 1,
        "nodes": [{"line": 3, "reason": "nsn is not nine or ten digits"}],
        "pageInfo": {"hasNextPage": False},
    }
    counts = {count["name"]: count["count"] for count in run["counts"]}
    assert (counts["studentsAdded"], counts["studentsChanged"], counts["casesMoved"]) == (1, 1, 1)
    assert run["startedAt"] < run["finishedAt"]
    assert changing.ask(COLLEGE, SEEN, {"number": number}).data["case"] is None
    moved = changing.ask(SECOND, SEEN, {"number": number}).data["case"]
    assert moved == {"number": number, "school": {"number": "1235"}, "primaryContact": None}


def test_the_same_request_with_its_key_imports_once(changing: DemoServer) -> None:
    before = followed(changing)["totalCount"]
    key, file = str(uuid4()), content(line_of("0009999998", "Aroha Once"))
    first, second = (done(changing, ENROLMENTS, file, key=key) for _ in range(2))
    assert first == second
    assert first["import"]["state"] == "DONE"
    assert followed(changing)["totalCount"] == before + 1
    third = done(changing, ENROLMENTS, file)
    assert third["import"]["id"] != first["import"]["id"]
    assert all(count["count"] == 0 for count in third["import"]["counts"])


def test_a_file_that_fails_says_why_and_its_request_was_done(changing: DemoServer) -> None:
    payload = done(changing, ENROLMENTS, "nsn,full_name\n1,2\n")
    assert payload["problems"] == []
    assert (payload["import"]["state"], payload["import"]["failure"]) == (
        "FAILED",
        "The header lacks school_number, started_on.",
    )


def test_a_second_import_is_refused_while_one_is_under_way(changing: DemoServer) -> None:
    before = followed(changing)["totalCount"]

    async def meanwhile() -> dict[str, Any]:
        directory = changing.folder / state_directory(changing.database)
        async with staging(changing.database, directory):
            return await asyncio.to_thread(done, changing, ENROLMENTS, content(line_of("0009999997", "Aroha Late")))

    changing.token(ADMINISTRATOR)
    payload = asyncio.run(meanwhile())
    assert payload["import"] is None
    assert [problem["code"] for problem in payload["problems"]] == ["NOT_POSSIBLE_NOW"]
    assert followed(changing)["totalCount"] == before


def test_the_former_systems_cases_wait_in_the_providers_queue(changing: DemoServer) -> None:
    found = rows(
        changing.database,
        """SELECT nsn FROM student s WHERE school_id IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM case_record c WHERE c.student_id = s.id) ORDER BY id LIMIT 1""",
    )
    case = {"former_reference": "ASA-API", "nsn": found[0][0], "type": "NE", "opened_on": "2026-02-02"}
    payload = done(changing, CASES, content({**case, "provider_number": "5001"}))
    assert payload["import"]["state"] == "DONE"
    assert {count["name"]: count["count"] for count in payload["import"]["counts"]} == {"casesAdded": 1, "casesHeld": 0}
    number = rows(changing.database, "SELECT number FROM case_record WHERE former_reference = 'ASA-API'")[0][0]
    query = "query($number: String!) { case(number: $number) { status type timeline: events { nodes { subject } } } }"
    assert changing.ask(QUEUE, query, {"number": number}).data["case"] == {
        "status": "TRANSITION",
        "type": "NON_ENROLLED",
        "timeline": {"nodes": [{"subject": "Carried over from the former system"}]},
    }


@pytest.mark.parametrize("email", [COLLEGE, QUEUE, "privacy@ministry.nz", "adviser@ministry.nz"])
def test_others_neither_import_nor_follow(changing: DemoServer, email: str) -> None:
    before = followed(changing)["totalCount"]
    body = give(changing, ENROLMENTS, content(line_of("0009999996", "Aroha Refused")), email=email)
    assert [error["extensions"]["code"] for error in body["errors"]] == ["FORBIDDEN"]
    assert followed(changing)["totalCount"] == before
    assert followed(changing, email) == {"totalCount": 0, "nodes": []}


def test_many_bad_lines_are_paged_through(changing: DemoServer) -> None:
    bad = [line_of("x", "Aroha Bad") for _ in range(5)]
    run = done(changing, ENROLMENTS, content(*bad, line_of("0009999995", "Aroha Good")))["import"]
    assert run["problems"]["totalCount"] == run["linesBad"] == 5
    assert [problem["line"] for problem in run["problems"]["nodes"]] == [2, 3]
    assert run["problems"]["pageInfo"]["hasNextPage"]


def test_an_import_from_the_command_line_is_followed_too(changing: DemoServer, tmp_path: Path) -> None:
    before = followed(changing)["totalCount"]
    file = tmp_path / "nightly.csv"
    file.write_text(content(line_of("0009999993", "Aroha Command")))
    command = [sys.executable, "-m", "ascms.cli", "import", "enrolments", str(file), "--database", changing.database]
    subprocess.run(command, cwd=changing.folder, check=True, capture_output=True)
    runs = followed(changing)
    assert runs["totalCount"] == before + 1
    assert (runs["nodes"][0]["state"], runs["nodes"][0]["linesRead"]) == ("DONE", 1)


def test_no_file_is_left_behind(changing: DemoServer) -> None:
    done(changing, ENROLMENTS, content(line_of("0009999994", "Aroha Tidy")))
    state: Path = changing.folder / state_directory(changing.database)

    def left() -> list[Path]:
        return [path for one in ("imports", "incoming") for path in (state / one).rglob("*") if path.name != "lock"]

    for _ in range(600):  # on a slow machine an import goes on after its answer
        if not left():
            break
        time.sleep(0.1)
    assert left() == []

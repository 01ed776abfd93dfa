"""`ascms demo` as a whole: a process of its own that answers over HTTP, on each kind of database."""

import subprocess
import sys
from collections.abc import Callable

from tests.support.server import DemoServer

CASES = """{
  viewer { actingFor { number } roles }
  cases(first: 3) { totalCount nodes { student { ethnicities { code } } } }
}"""


def test_one_query_has_an_answer_for_each_role(server: DemoServer) -> None:
    lead = server.ask("lead@test-college.school.nz", CASES)
    office = server.ask("office@test-college.school.nz", CASES)
    assert (lead.status, office.status) == (200, 200)
    assert lead.data["viewer"] == {"actingFor": {"number": "1234"}, "roles": ["ATTENDANCE_LEAD"]}
    assert lead.data["cases"]["totalCount"] == office.data["cases"]["totalCount"]
    assert all(node["student"]["ethnicities"] is not None for node in lead.data["cases"]["nodes"])
    assert all(node["student"]["ethnicities"] is None for node in office.data["cases"]["nodes"])
    assert lead.redacted == {}
    assert office.redacted == {"Student.ethnicities": ["cases.nodes.student.ethnicities"]}


def test_a_person_of_two_organisations_chooses(server: DemoServer) -> None:
    both = "{ viewer { actingFor { number } roles } }"
    for number, role in (("1234", "ATTENDANCE_LEAD"), ("78912", "WORKFLOW_LEAD")):
        answer = server.ask("testperson@test-college.school.nz", both, organisation=number)
        assert answer.data["viewer"] == {"actingFor": {"number": number}, "roles": [role]}


def test_nobody_signed_in_is_turned_away(server: DemoServer) -> None:
    answer = server.ask(None, CASES)
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_what_was_asked_is_in_a_sound_access_log(server: DemoServer) -> None:
    assert server.ask("lead@test-college.school.nz", CASES).status == 200
    verified = subprocess.run(
        [sys.executable, "-m", "ascms.cli", "audit", "verify", "--database", server.database],
        cwd=server.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "The log is sound." in verified.stdout
    assert not verified.stdout.startswith("0 chains")


def test_a_setting_makes_another_server(launch: Callable[..., DemoServer]) -> None:
    requests_only = launch("sqlite", office_support="requests")
    answer = requests_only.ask("office@test-college.school.nz", CASES)
    assert answer.data["cases"] is None or answer.data["cases"]["totalCount"] == 0

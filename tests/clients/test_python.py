"""A Python client that ariadne-codegen generates from the published schema and the prepared documents.

In an environment of its own: it needs another graphql-core than we do.
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.server import DemoServer
from tests.support.sql import rows

ROOT: Final = Path(__file__).parents[2]
HERE: Final = Path(__file__).parent / "python"
TOOLS: Final = ROOT / ".venv" / "tools" / "python-client" / "bin"
NUMBER: Final = "00307473"

pytestmark = pytest.mark.skipif(
    not (TOOLS / "ariadne-codegen").exists(), reason="NOT TESTED: `make clients` has not run"
)


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the generated package in it."""
    folder = tmp_path_factory.mktemp("generated")
    shutil.copyfile(ROOT / "schema.graphql", folder / "schema.graphql")
    shutil.copytree(ROOT / "queries", folder / "queries")
    shutil.copyfile(HERE / "pyproject.toml", folder / "pyproject.toml")
    run(folder, TOOLS / "ariadne-codegen")
    return folder


def run(folder: Path, *command: str | Path) -> str:
    environment = {"PATH": str(TOOLS), "PYTHONPATH": str(folder)}
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def told(generated: Path, server: DemoServer, email: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(
        run(generated, TOOLS / "python", HERE / "ask.py", server.url, server.token(email), NUMBER)
    )
    return answer


def test_every_prepared_document_has_its_method(generated: Path) -> None:
    written = (generated / "ascms_client" / "client.py").read_text()
    documents = list((ROOT / "queries").rglob("*.graphql"))
    assert len(documents) > 5
    assert written.count("    def ") == len(documents)


def test_two_roles_are_answered_in_types_with_nothing_for_what_is_redacted(
    generated: Path, changing: DemoServer
) -> None:
    lead = told(generated, changing, "lead@test-college.school.nz")
    office = told(generated, changing, "office@test-college.school.nz")

    (opened, born) = rows(
        changing.database,
        "SELECT opened_at, date_of_birth FROM case_record JOIN student ON student.id = student_id"
        f" WHERE number = '{NUMBER}'",
    )[0]
    assert lead["roles"] == ["ATTENDANCE_LEAD"]
    assert office["roles"] == ["OFFICE_SUPPORT"]
    for answer in (lead, office):
        assert answer["case"]["type"] == "CaseViewCase"
        assert answer["case"]["opened"] == ["datetime", True, answer["case"]["opened"][2]]
        assert answer["case"]["opened"][2][:16] == str(opened).replace(" ", "T")[:16]
        assert answer["case"]["status"]
        assert answer["case"]["owner"] in {"User", "Organisation"}
        assert answer["student"]["fullName"] == "Test Student Name"
        assert answer["comment"] == ["CommentAddCommentComment", "By a generated client.", []]
        assert answer["problems"] == [None, ["NOT_FOUND"]]

    assert lead["student"]["dateOfBirth"] == ["date", str(born)[:10]]
    assert lead["student"]["ethnicities"]
    assert lead["student"]["caregivers"]
    assert "Student.ethnicities" not in lead["redacted"]
    assert lead["refused"] == "BornLater"

    assert office["student"]["dateOfBirth"] is None
    assert office["student"]["ethnicities"] is None
    assert office["student"]["caregivers"] is None
    assert {"Student.dateOfBirth", "Student.ethnicities", "Student.caregivers"} <= set(office["redacted"])
    assert office["refused"] == "GraphQLClientGraphQLMultiError"
    assert office["codes"] == ["FORBIDDEN"]
